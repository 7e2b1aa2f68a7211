"""The part of the toolbox that goes back: a preview that is kept, and the rollback that the preview showed."""

from __future__ import annotations

import hashlib

from ..store.errors import StalePlan
from ..store.plan import Base, Plan, PlanStep, Summary, canonical_json
from ..store.previews import Preview
from ..store.records import RollbackResult
from ..tools.rollback import ROLLBACK
from .asking import Asked, Confirm, by_id
from .executor import journey_id_of
from .tool_arguments import CheckpointId, PreviewId
from .tool_results import LISTED, RollbackAnswer
from .workspace import AsyncMilepost


class RollbackTools:
    """Going back in two calls, so that nothing is taken back that was not shown first."""

    _mp: AsyncMilepost

    async def preview_rollback(self, checkpoint_id: CheckpointId) -> RollbackAnswer:
        """What going back to a checkpoint would remove and bring back, and what stands in the way; changes nothing."""
        mp = self._mp
        foreseen = await mp.preview_rollback(checkpoint_id)
        digest = _digest(foreseen)
        kept = await mp.read(lambda s: s.home.previews.keep(s.user, checkpoint_id, digest))
        then = [] if foreseen.already_there else [f"rollback_to_checkpoint({kept.preview_id!r})"]
        if foreseen.conflicts:
            then = ["ask the person what to do about the conflicts: nothing is changed while there are some"]
        return _answer(foreseen, next=then, preview_id=kept.preview_id, expires=kept.expires)

    async def rollback_to_checkpoint(self, preview_id: PreviewId, confirm: Confirm = by_id) -> RollbackAnswer:
        """Go back, as a preview showed; good for 15 minutes, and once. Where policy wants it, a person is asked."""
        mp = self._mp
        preview = await mp.read(lambda s: s.home.previews.get(preview_id, s.user))
        foreseen = await mp.preview_rollback(preview.checkpoint_id)
        if _digest(foreseen) != preview.digest:
            raise StalePlan(f"{preview_id} shows what is no longer so", cause="the knowledge base moved on since",
                            state="nothing was changed")  # fmt: skip
        if (mp.asks_always or mp.policy.approval != "never") and not foreseen.already_there:
            held_up = await self._approved(preview, foreseen, confirm)
            if held_up is not None:
                return held_up
        await mp.read(lambda s: s.home.previews.use(preview_id, s.user))
        done = await mp.rollback_to_checkpoint(preview.checkpoint_id)
        then = [f"journey_status({done.journey_id!r})"] if done.journey_id else []
        return _answer(done, next=then)

    async def describe_rollback(self, preview_id: str) -> str:
        """What a preview showed, in words for the person who is asked; `NotFound` for somebody else's."""
        preview = await self._mp.read(lambda s: s.home.previews.get(preview_id, s.user))
        return rollback_text(await self._mp.preview_rollback(preview.checkpoint_id))

    async def _approved(self, preview: Preview, foreseen: RollbackResult, confirm: Confirm) -> RollbackAnswer | None:
        """None where a person said yes to exactly this; else what is answered instead of going back."""
        mp = self._mp
        plan = await mp.engine.run(lambda: self._as_plan(preview, foreseen))
        plans, policy, journey_id = mp.services.home.plans, mp.policy.digest, journey_id_of(plan)
        if await mp.read(lambda s: plans.use(plan, policy, journey_id) is not None, False):
            return None
        asked = await mp.read(lambda s: plans.ask(plan, policy, asked_by=s.user.user))
        args = {"preview_id": preview.preview_id}
        said = await confirm(Asked("rollback_to_checkpoint", args, rollback_text(foreseen), asked.approval_id))
        if said is None:
            return _answer(
                foreseen, approval_id=asked.approval_id, preview_id=preview.preview_id, expires=preview.expires,
                message=f"a person has to say yes, with: milepost approve {asked.approval_id}",
                next=[f"after that rollback_to_checkpoint({preview.preview_id!r})"],
            )  # fmt: skip
        if not said:
            await mp.reject(asked.approval_id)
            return _answer(foreseen, message="the person said no; nothing was changed")
        await mp.approve(asked.approval_id)
        await mp.read(lambda s: plans.use(plan, policy, journey_id))
        return None

    def _as_plan(self, preview: Preview, foreseen: RollbackResult) -> Plan:
        """The rollback as a plan, which an approval is bound to; the same rollback is the same plan."""
        home, user, policy = self._mp.services.home, self._mp.user, self._mp.policy
        kb = home.checkpoints.row(preview.checkpoint_id, user.tenant)["kb"]
        step = PlanStep(id=ROLLBACK, action=ROLLBACK, args={"checkpoint": preview.checkpoint_id},
                        milestone="rollback_complete")  # fmt: skip
        plan = Plan(
            journey_type=ROLLBACK, kb=kb, tenant=user.tenant, owner=user.user, steps=(step,),
            summary=Summary(remove=len(foreseen.sources_removed), replace=len(foreseen.sources_restored)),
            base=Base(kb_revision=foreseen.revision_before, policy_digest=policy.digest),
            policy=policy.model_dump(mode="json"), generated_at=home.clock.now(),
        ).sealed()  # fmt: skip
        home.plans.save(plan, None)
        return plan


def _digest(foreseen: RollbackResult) -> str:
    return hashlib.sha256(canonical_json(foreseen.model_dump(mode="json")).encode()).hexdigest()


def rollback_text(foreseen: RollbackResult) -> str:
    """A rollback in words, for the person who is asked."""
    lines = [f"Go back to {foreseen.checkpoint_id}:",
             f"{foreseen.chunks_removed} chunks go, {foreseen.chunks_restored} come back."]  # fmt: skip
    lines += [f"  - {source}" for source in foreseen.sources_removed[:LISTED]]
    lines += [f"  ~ {source}" for source in foreseen.sources_restored[:LISTED]]
    rest = len(foreseen.sources_removed[LISTED:]) + len(foreseen.sources_restored[LISTED:])
    return "\n".join([*lines, f"  and {rest} more"] if rest else lines)


def _answer(result: RollbackResult, **more: object) -> RollbackAnswer:
    rest = len(result.sources_removed[LISTED:]) + len(result.sources_restored[LISTED:])
    said = result.model_dump(mode="json", include={
        "checkpoint_id", "success", "already_there", "chunks_removed", "chunks_restored", "handlers", "verified",
        "revision_before", "revision_after", "journey_id", "message"})  # fmt: skip
    return RollbackAnswer.model_validate(
        said
        | {"sources_removed": result.sources_removed[:LISTED], "sources_restored": result.sources_restored[:LISTED]}
        | {"sources_not_listed": rest, "conflicts": [c.model_dump() for c in result.conflicts[:LISTED]]}
        | more
    )
