"""What a rollback goes back to, found for one person: checkpoints of journeys, or a revision of a kb."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..store.checkpoints import body_digest
from ..store.errors import CheckpointNotFound, PolicyError, StoreDamaged, UsageError
from ..store.kb import Kb
from ..store.policy import Policy
from ..store.records import JourneyStatus
from ..store.standing import ROLLBACK
from .services import Services


@dataclass(frozen=True)
class Target:
    """What a rollback goes back to: a journey's checkpoint, or (with no checkpoint) a revision of a kb.

    `further` are the checkpoints of the other journeys that are undone with the first; `later` are the journeys
    whose revisions of the kb all come after the revision.
    """

    checkpoint_id: str
    journey_id: str | None
    kb: Kb | None
    revision: int
    receipt_seq: int
    handler: str | None
    document: dict[str, Any]
    further: tuple[Target, ...] = ()
    later: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[Target, ...]:
        """This and the further ones, oldest first."""
        return (replace(self, further=()), *self.further)

    @property
    def checkpoints(self) -> list[str]:
        """The ids of all its checkpoints; none for a revision."""
        return [part.checkpoint_id for part in self.parts] if self.document else []


def set_target(services: Services, policy: Policy, checkpoint_ids: Sequence[str]) -> Target:
    """Checkpoints of several journeys, to be gone back to together. `UsageError` where they are of two kbs."""
    found = {id_: checkpoint_target(services, policy, id_) for id_ in dict.fromkeys(checkpoint_ids)}
    parts = sorted(found.values(), key=lambda part: (part.revision, part.receipt_seq))
    if len(parts) == 1:
        return parts[0]
    if any(part.journey_id is None for part in parts):
        raise UsageError("a checkpoint of a state by hand is gone back to by itself", state="nothing was changed")
    kbs = sorted({part.kb.name if part.kb else "none" for part in parts})
    if len(kbs) > 1:
        raise UsageError(
            f"these journeys are of several kbs: {', '.join(kbs)}",
            cause="a rollback makes one revision of one kb",
            state="nothing was changed",
            next="milepost journeys --kb NAME",
        )
    journeys = [services.home.ledger.journey(str(part.journey_id), None) for part in parts]
    undoing = next((journey.journey_id for journey in journeys if journey.journey_type == ROLLBACK), None)
    if undoing:
        raise UsageError(
            f"{undoing} is a rollback itself, and is taken back alone",
            cause="what several journeys and a rollback come to together has no one meaning",
            state="nothing was changed",
            next=f"milepost rollback --journey {undoing}",
        )
    if len({part.journey_id for part in parts}) < len(parts):
        raise UsageError("two of these checkpoints are of one journey", state="nothing was changed")
    return replace(parts[0], further=tuple(parts[1:]))


def checkpoint_target(services: Services, policy: Policy, checkpoint_id: str) -> Target:
    """A checkpoint that this person may go back to, its document checked against the ledger.

    Raises `CheckpointNotFound` for another tenant's as for one that never was, which the ledger keeps with who asked,
    and `CheckpointCollected` for one that `gc` took.
    """
    home, tenant = services.home, services.user.tenant
    try:
        row = home.checkpoints.row(checkpoint_id, tenant)
    except CheckpointNotFound:
        note_refused(services, checkpoint_id)
        raise
    kb = None
    if row["kb_id"] is not None:
        kb = next((each for each in home.knowledge.all(tenant) if each.kb_id == row["kb_id"]), None)
        if kb is None:
            raise CheckpointNotFound(
                f"{checkpoint_id} cannot be gone back to: its kb {row['kb']!r} was dropped",
                cause="dropping a kb cannot be undone",
                state="nothing was changed",
                next="milepost checkpoints",
            )
    home.checkpoints.require(row)
    document = home.librarian.retrieve(checkpoint_id, tenant=tenant)
    if document is None or body_digest(document) != row["body_digest"]:
        raise StoreDamaged(
            f"the document of {checkpoint_id} is not the one that was written",
            cause="its digest differs from the ledger's",
            state="nothing was changed",
            next="milepost checkpoints",
        )
    if row["journey_id"]:
        check_allowed(services, policy, row["journey_id"])
    return Target(
        checkpoint_id, row["journey_id"], kb, row["revision"], row["receipt_seq"], row["rollback_handler"], document
    )


def note_refused(services: Services, checkpoint_id: str) -> None:
    """Write down who asked for a checkpoint that is not there for them.

    Whether it is another tenant's or never was makes no difference, also to the time that it takes.
    """
    asked = {"checkpoint_id": checkpoint_id[:100]}
    services.home.ledger.note(None, services.user.tenant, services.user.user, "checkpoint_refused", asked)


def revision_target(services: Services, policy: Policy, kb: Kb, revision: int, later: Sequence[str]) -> Target:
    """A revision of a kb, whoever's journeys made what came after it, as far as this person may take them back."""
    undoes = services.home.ledger.undoes()
    for journey_id in later:
        gone = services.home.ledger.journey(journey_id, None).status == JourneyStatus.ROLLED_BACK
        with_all = journey_id in undoes and {*undoes[journey_id]} <= {*later}  # it and what it undid: nothing changes
        if not (gone or with_all):
            check_allowed(services, policy, journey_id)
    return Target(f"{kb.name}@{revision}", None, kb, revision, 0, None, {}, later=tuple(later))


def check_allowed(services: Services, policy: Policy, journey_id: str) -> None:
    """Refuse to take back what only its owner may: by the policy of who asks, or the one that the journey keeps."""
    home, user = services.home, services.user
    journey = home.ledger.journey(journey_id, user.tenant)
    by_owner = policy.undo_by == "owner" or home.ledger.policy(journey_id).undo_by == "owner"
    if by_owner and journey.user != user.user:
        raise PolicyError(
            f"only {journey.user} may undo {journey_id}",
            cause='undo_by = "owner"',
            state="nothing was changed",
        )
