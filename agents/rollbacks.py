"""Going back, and what can be gone back to: the part of a workspace that undoes."""

from __future__ import annotations

from collections.abc import Sequence

from ..store.errors import CheckpointNotFound, NotFound, PolicyError, UsageError
from ..store.policy import Policy
from ..store.records import Checkpoint, Event, Journey, RollbackResult
from ..tools.rollback import LightweightRollbackCapability, Rollback
from ..tools.services import Services
from ..tools.stopping import stop_running
from ..tools.targets import set_target
from .opening import Opening
from .spans import spanned


class Rollbacks(Opening):
    """Checkpoints, previews and rollbacks."""

    async def checkpoints(self, journey: Journey | str | None = None) -> list[Checkpoint]:
        """The checkpoints one can go back to, oldest first."""
        wanted = journey.journey_id if isinstance(journey, Journey) else journey
        tenant = self.user.tenant

        def find(services: Services) -> list[Checkpoint]:
            if wanted is not None:
                services.home.ledger.journey(wanted, tenant)
            return services.home.checkpoints.find(tenant, journey_id=wanted)

        return await self.read(find, None if wanted else [])

    async def timeline(self, journey: Journey | str) -> list[Event]:
        """What happened in a journey, in order."""
        wanted = journey.journey_id if isinstance(journey, Journey) else journey
        return await self.read(lambda s: _timeline(s, wanted))

    async def preview_rollback(
        self, checkpoint: Checkpoint | str | Sequence[Checkpoint | str], *, on_conflict: str | None = None
    ) -> RollbackResult:
        """What going back would remove and restore, and what stands in the way; changes nothing.

        Of several journeys' checkpoints, which are gone back to one after another, all of it at once.
        """
        wanted = [_id(one) for one in ([checkpoint] if isinstance(checkpoint, Checkpoint | str) else checkpoint)]
        for one in wanted:
            self._require_checkpoint(one)
        found = await self.engine.run(lambda: self._rollback.preview(*wanted, on_conflict=on_conflict))
        return await self.read(lambda s: _noting_purged(s, wanted, found))

    async def rollback_to_checkpoint(
        self, checkpoint: Checkpoint | str, *, on_conflict: str | None = None
    ) -> RollbackResult:
        """Undo what the checkpoint's journey did after it, and keep what others did.

        Raises `CheckpointNotFound`, `CheckpointCollected`, `RollbackConflict` (nothing is changed), `PolicyError`,
        `StoreBusy`.
        """
        wanted = _id(checkpoint)
        self._require_checkpoint(wanted)
        return await self._go_back([wanted], on_conflict)

    async def undo(
        self, journey: Journey | str | Sequence[Journey | str], *, on_conflict: str | None = None
    ) -> RollbackResult:
        """Go back to before a journey, or to before each of several of one kb: one rollback, one revision.

        Of several, what they did to one another's sources is no conflict.
        """
        return await self.rollback(journey=journey, on_conflict=on_conflict)

    async def rollback(
        self,
        checkpoint: Checkpoint | str | None = None,
        *,
        journey: Journey | str | Sequence[Journey | str] | None = None,
        last: bool = False,
        to: int | None = None,
        kb: str | None = None,
        on_conflict: str | None = None,
        dry_run: bool = False,
    ) -> RollbackResult:
        """Go back to a checkpoint, to before one or several journeys, to before a kb's last, or to a kb's revision."""
        if sum((checkpoint is not None, journey is not None, last, to is not None)) != 1:
            raise UsageError("say one thing to go back to: a checkpoint, a journey, the last journey, or a revision")
        if to is not None:
            return await self._to_revision(_named(kb), to, dry_run=dry_run)
        if last:
            journey = await self.read(lambda s: _last_journey(s, _named(kb)))
        if journey is not None:
            return await self._before(_journey_ids(journey), on_conflict=on_conflict, dry_run=dry_run)
        assert checkpoint is not None
        if dry_run:
            return await self.preview_rollback(checkpoint, on_conflict=on_conflict)
        return await self.rollback_to_checkpoint(checkpoint, on_conflict=on_conflict)

    @property
    def rollback_capability(self) -> LightweightRollbackCapability:
        """The proposal's capability, over this home."""
        return LightweightRollbackCapability(self.services, self.policy, self.engine.in_turn)

    @property
    def _rollback(self) -> Rollback:
        return Rollback(self.services, self.policy)

    async def _before(self, journeys: list[str], *, on_conflict: str | None, dry_run: bool) -> RollbackResult:
        firsts = await self.read(lambda s: [_first_checkpoint(s, each) for each in journeys])
        if dry_run:
            found = await self.engine.run(lambda: self._rollback.preview(*firsts, on_conflict=on_conflict))
            return await self.read(lambda s: _noting_purged(s, firsts, found))
        return await self._go_back(firsts, on_conflict)

    @spanned("rollback")
    async def _go_back(self, checkpoint_ids: list[str], on_conflict: str | None) -> RollbackResult:
        """Go back once a journey of this process that is asked to stop has ended its batch."""
        await self.read(lambda s: _stop(s, self.policy, checkpoint_ids))
        done = await self.engine.in_turn(lambda: self._rollback.to_checkpoint(*checkpoint_ids, on_conflict=on_conflict))
        return await self.read(lambda s: _noting_purged(s, checkpoint_ids, done))

    @spanned("rollback")
    async def _to_revision(self, kb: str, revision: int, *, dry_run: bool) -> RollbackResult:
        found = await self.read(lambda s: s.home.knowledge.kb(self.user.tenant, kb))
        if dry_run:
            return await self.engine.run(lambda: self._rollback.preview_revision(found, revision))
        return await self.engine.in_turn(lambda: self._rollback.to_revision(found.kb_id, revision))

    def _require_checkpoint(self, checkpoint_id: str) -> None:
        if not self.there:
            raise CheckpointNotFound(f"there is no checkpoint {checkpoint_id!r}", next="milepost checkpoints")


def _stop(services: Services, policy: Policy, checkpoint_ids: Sequence[str]) -> None:
    parts = set_target(services, policy, checkpoint_ids).parts
    stop_running(services, policy, [part.journey_id for part in parts if part.journey_id])


def _noting_purged(services: Services, checkpoint_ids: Sequence[str], result: RollbackResult) -> RollbackResult:
    """Say what an undo leaves out, because it was purged since."""
    home, tenant = services.home, services.user.tenant
    journeys = [home.checkpoints.row(each, tenant)["journey_id"] for each in checkpoint_ids]
    names = [name for journey_id in journeys if journey_id for name in home.ledger.purged(journey_id)]
    if not names:
        return result
    said = f"left out, because purged since: {', '.join(names)}"
    return result.model_copy(update={"message": f"{result.message}; {said}" if result.message else said})


def _journey_ids(journey: Journey | str | Sequence[Journey | str]) -> list[str]:
    named = [journey] if isinstance(journey, Journey | str) else list(journey)
    if not named:
        raise UsageError("no journey is named", state="nothing was changed", next="milepost journeys")
    return [each.journey_id if isinstance(each, Journey) else each for each in named]


def _id(checkpoint: Checkpoint | str) -> str:
    return checkpoint if isinstance(checkpoint, str) else checkpoint.checkpoint_id


def _named(kb: str | None) -> str:
    if kb is None:
        why = "a home can hold several: --kb names one"
        raise UsageError("no knowledge base is named", cause=why, next="milepost kb list", add=["--kb", "NAME"])
    return kb


def _timeline(services: Services, journey_id: str) -> list[Event]:
    services.home.ledger.journey(journey_id, services.user.tenant)
    return services.home.ledger.timeline(journey_id)


def _last_journey(services: Services, kb: str) -> str:
    found = services.home.knowledge.kb(services.user.tenant, kb)
    with services.home.record.read() as reading:
        row = reading.execute(
            "SELECT journey_id FROM revisions WHERE kb_id = ? AND revision = ?", (found.kb_id, found.head)
        ).fetchone()
    if row is None:
        raise NotFound(f"kb {kb!r} has no journey to undo", state="nothing was changed", next="milepost journeys")
    if not row[0].startswith("journey_"):
        raise PolicyError(
            f"the last change of kb {kb!r} was a purge, which cannot be undone",
            cause="the journeys before it can, each by its id, without what was purged",
            state="nothing was changed",
            next="milepost journeys",
        )
    return str(row[0])


def _first_checkpoint(services: Services, journey_id: str) -> str:
    services.home.ledger.journey(journey_id, services.user.tenant)
    found = services.home.checkpoints.find(services.user.tenant, journey_id=journey_id)
    gone = services.home.checkpoints.collected(journey_id)
    if not found and gone is not None:
        services.home.checkpoints.require(gone)
    if not found and services.home.ledger.policy(journey_id).restorable:
        raise CheckpointNotFound(
            f"{journey_id} took no checkpoint yet",
            cause="it ended before its first one, and changed nothing",
            state="nothing was changed",
            next=f"milepost resume {journey_id}",
        )
    if not found:
        raise PolicyError(
            f"{journey_id} took no checkpoint",
            cause="rollback was off when it ran (enable_rollback = false)",
            state="nothing was changed",
            next="milepost ingest PATH --kb NAME --policy rollback",
        )
    return found[0].checkpoint_id
