"""What a rollback goes back to, found for one person: a journey's checkpoint, or a revision of a kb."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..store.checkpoints import body_digest
from ..store.errors import CheckpointNotFound, PolicyError, StoreDamaged, UsageError
from ..store.kb import Kb
from ..store.policy import Policy
from ..store.records import JourneyStatus
from .services import Services


@dataclass(frozen=True)
class Target:
    """What a rollback goes back to: a journey's checkpoint, or (with no checkpoint) a revision of a kb."""

    checkpoint_id: str
    journey_id: str | None
    kb: Kb | None
    revision: int
    receipt_seq: int
    handler: str | None
    document: dict[str, Any]


def checkpoint_target(services: Services, policy: Policy, checkpoint_id: str) -> Target:
    """A checkpoint that this person may go back to, its document checked against the ledger.

    Raises `CheckpointNotFound` for another tenant's as for one that never was, `CheckpointCollected` for one that `gc`
    took.
    """
    home, tenant = services.home, services.user.tenant
    row = home.checkpoints.row(checkpoint_id, tenant)
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
        _check_allowed(services, policy, row["journey_id"])
    return Target(
        checkpoint_id, row["journey_id"], kb, row["revision"], row["receipt_seq"], row["rollback_handler"], document
    )


def revision_target(kb: Kb, revision: int) -> Target:
    """A revision of a kb, whoever's journeys made what came after it."""
    return Target(f"{kb.name}@{revision}", None, kb, revision, 0, None, {})


def _check_allowed(services: Services, policy: Policy, journey_id: str) -> None:
    home, user = services.home, services.user
    journey = home.ledger.journey(journey_id, user.tenant)
    by_owner = policy.undo_by == "owner" or home.ledger.policy(journey_id).undo_by == "owner"
    if by_owner and journey.user != user.user:
        raise PolicyError(
            f"only {journey.user} may undo {journey_id}",
            cause='undo_by = "owner"',
            state="nothing was changed",
        )
    if journey.status == JourneyStatus.RUNNING and not home.lease.free() and not home.lease.held:
        raise UsageError(f"{journey_id} is running", state="nothing was changed", next=f"milepost status {journey_id}")
