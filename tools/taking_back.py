"""Rollback as a step of a plan: each goes back to its checkpoint as a journey of its own, within the plan's journey."""

from __future__ import annotations

from typing import Any

from ..store.errors import RollbackConflict
from .going_back import Rollback
from .steps import StepDeclaration, StepOutcome, StepRun


def run(ctx: StepRun) -> StepOutcome:
    """Go back to the step's checkpoint. A conflict changes nothing, and stops the journey."""
    ledger = ctx.services.home.ledger
    rollback = Rollback(ctx.services, ctx.policy, within=ctx.journey_id)
    done = rollback.to_checkpoint(str(ctx.step.args["checkpoint"]))
    if done.success is False:
        raise RollbackConflict(
            f"{ctx.step.id} is not done: {done.error}",
            state="what could be undone is undone; the same plan goes on from here",
            next=f"milepost resume {ctx.journey_id}",
        )
    if done.revision_after != done.revision_before:
        first = ledger.journey(ctx.journey_id, None)
        begun = first.revision_after != first.revision_before
        before = None if begun else done.revision_before
        ledger.set_revisions(ctx.journey_id, after=done.revision_after, before=before)
    post = {"revision": done.revision_after, "chunks_removed": done.chunks_removed, "within": done.journey_id}
    return StepOutcome(post={**post, "chunks_restored": done.chunks_restored})


def subject(ctx: StepRun) -> dict[str, Any]:
    """What is gone back to."""
    return {"checkpoint": ctx.step.args["checkpoint"], "files": 1}


ROLLBACK_STEP = StepDeclaration("rollback", "rollback_complete", run, subject)
