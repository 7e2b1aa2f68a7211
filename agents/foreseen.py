"""What a plan that goes back would take away and bring back, looked up before anybody says yes to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..store.errors import MilepostError
from ..store.plan import PlanStep
from ..store.policy import Policy
from ..store.standing import ROLLBACK
from ..tools.journey_types import BUILT_IN
from ..tools.rollback import Rollback
from ..tools.services import Services

GOING_BACK = "going_back"
_LISTED = 500


def foreseen(services: Services, steps: Sequence[PlanStep], policy: Policy) -> dict[str, Any]:
    """`{"going_back": ...}` of a plan with rollback steps: whose journeys, to where, and what goes and comes back.

    All of its steps at once; nothing for another plan. Steps of users' own are not asked to look at the world.
    """
    ids = list(dict.fromkeys(str(step.args.get("checkpoint")) for step in steps if step.action == ROLLBACK))
    if not ids:
        return {}
    try:
        journeys = [_journey(services, one) for one in ids]
        if any(one["journey_type"] not in (BUILT_IN, ROLLBACK) for one in journeys):
            return {GOING_BACK: {"journeys": journeys}}
        told = Rollback(services, policy).preview(*ids)
    except MilepostError as refused:
        return {GOING_BACK: {"journeys": [], "refused": refused.message}}
    return {
        GOING_BACK: {
            "journeys": journeys,
            "chunks_removed": told.chunks_removed, "chunks_restored": told.chunks_restored,
            "sources_removed": told.sources_removed[:_LISTED], "sources_restored": told.sources_restored[:_LISTED],
            "conflicts": [one.model_dump(mode="json") for one in told.conflicts[:_LISTED]],
        }
    }  # fmt: skip


def _journey(services: Services, checkpoint_id: str) -> dict[str, Any]:
    """The journey of a checkpoint, with what of it one knows it by."""
    home, tenant = services.home, services.user.tenant
    row = home.checkpoints.row(checkpoint_id, tenant)
    journey = home.ledger.journey(row["journey_id"], tenant)
    asked = home.plans.plan(journey.plan_id, tenant).request if journey.journey_type == BUILT_IN else None
    return {
        "checkpoint_id": checkpoint_id, "milestone": row["milestone_id"], "journey_id": journey.journey_id,
        "journey_type": journey.journey_type, "user": journey.user, "started_at": journey.started_at,
        "request": asked[:200] if asked else None,
    }  # fmt: skip
