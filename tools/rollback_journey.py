"""A rollback as a journey of its own: how it is written down, and how it is refused."""

from __future__ import annotations

import uuid
from typing import Any

from ..store.errors import RollbackConflict
from ..store.plan import Base, Plan, PlanStep, canonical_json
from ..store.policy import Policy
from ..store.records import JourneyStatus, RollbackResult
from ..store.standing import ROLLBACK
from .effects import effects
from .marks import turns
from .services import Services
from .targets import Target


def begin(services: Services, policy: Policy, target: Target, mode: str, within: str | None = None) -> str:
    """Write a rollback down as a journey, with the checkpoint that makes it undoable; returns its id.

    `within` is the journey whose plan has it as a step.
    """
    home, user, kb = services.home, services.user, target.kb
    base = Base(kb_revision=kb.head if kb else 0, policy_digest=policy.digest)
    step = PlanStep(
        id=ROLLBACK, action=ROLLBACK, args={"checkpoint": target.checkpoint_id}, milestone="rollback_complete"
    )
    plan = Plan(
        journey_type=ROLLBACK, kb=kb.name if kb else None, tenant=user.tenant, owner=user.user,
        request=uuid.uuid4().hex, steps=(step,), base=base, policy=policy.model_dump(mode="json"),
        generated_at=home.clock.now(),
    ).sealed()  # fmt: skip
    journey_id = f"journey_{plan.digest[:24]}"
    keeping = policy.model_copy(update={"enable_rollback": True})
    turned = turns(services, target)
    extra: dict[str, Any] = {
        "undoes": [each for each, _, _ in turned], "turns": turned, "checkpoints": target.checkpoints,
        "revision": target.revision, "on_conflict": mode,
    }  # fmt: skip
    if within is not None:
        extra["within"] = within
    with home.record.write():  # a plan without its journey would wait to be applied
        home.plans.save(plan, None)
        home.ledger.begin(
            journey_id, plan, user=user.user, policy=keeping, kb_id=kb.kb_id if kb else None,
            revision=kb.head if kb else 0, journey_type=ROLLBACK, extra=extra,
        )  # fmt: skip
        home.ledger.set_status(journey_id, JourneyStatus.RUNNING)
    return journey_id


def conflict_error(target: Target, described: RollbackResult) -> RollbackConflict:
    """The error for a rollback that others stand in the way of; `described` has the conflicts."""
    conflicts = described.conflicts
    first, more = conflicts[0], f" and {len(conflicts) - 1} more" if len(conflicts) > 1 else ""
    described.error = f"{first.source} was changed later by {first.changed_by}{more}"
    several = " ".join(f"--journey {part.journey_id}" for part in target.parts)
    return RollbackConflict(
        f"cannot undo: {described.error}",
        cause="a later journey changed the same source" if target.kb else "it is not as this journey left it",
        state="nothing was changed",
        next=f"milepost rollback {several if target.further else target.checkpoint_id} --on-conflict skip",
        conflicts=[conflict.model_dump() for conflict in conflicts],
        rollback=canonical_json(described.model_dump(mode="json")),
    )


def outside_stays(services: Services, target: Target, result: RollbackResult) -> RollbackResult:
    """Say of a whole kb's rollback what it does not touch: what its journeys did outside the kb."""
    names = [journey_id for journey_id in target.later if effects(services, journey_id)]
    if not names:
        return result
    said = f"what {', '.join(names)} did outside the kb is not undone with it: milepost rollback --journey {names[-1]}"
    return result.model_copy(update={"message": f"{result.message}; {said}" if result.message else said})
