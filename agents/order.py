"""The order of a journey's steps: which one waits for which, and how a journey ended that did not do them all."""

from __future__ import annotations

from typing import Any

from ..store.back_text import answers
from ..store.plan import Plan, PlanStep
from ..store.policy import Policy
from ..store.records import Journey, JourneyStatus, Milestone
from ..store.step_order import ancestors, in_order
from ..tools.journey_types import BUILT_IN
from ..tools.services import Services


class Order:
    """What of a journey may run next under its policy, as the ledger has it now."""

    def __init__(self, services: Services, journey_id: str, plan: Plan, policy: Policy) -> None:
        self._home = services.home
        self._journey_id = journey_id
        self.plan = plan
        self.policy = policy

    def open_before(self, step: PlanStep) -> str | None:
        """Why a step may not start yet; None where it may."""
        structured = self.policy.orchestration == "structured"
        if self.plan.journey_type == BUILT_IN and not structured:
            return None  # the graph of an ingest is a chain that stops at the first failure
        steps = in_order(self.plan.steps)
        ids = [one.id for one in steps]
        if step.id not in ids:
            return None
        earlier = steps[: ids.index(step.id)] if structured else [one for one in steps if one.id in step.depends_on]
        return next((why for one in earlier if (why := self._incomplete(one)) is not None), None)

    def ending(self) -> tuple[JourneyStatus, str | None]:
        """How a journey that came to its end stands: partial where files or steps failed that others did not need."""
        steps = self._home.ledger.steps(self._journey_id, live=True)
        failed = {step.id: step.error for step in steps if step.status == "failed"}
        if failed:
            above = ancestors(self.plan.steps)
            needed = set[str]().union(*(above.get(step_id, set()) for step_id in failed))
            alone = [step.id for step in steps if step.status == "done" and step.id not in needed]
            detail = "; ".join(f"{why}" for why in failed.values() if why)[:300]
            return (JourneyStatus.PARTIAL if alone else JourneyStatus.FAILED), detail
        bad = self._home.ledger.failures(self._journey_id)
        return (JourneyStatus.PARTIAL if bad else JourneyStatus.COMPLETED), "; ".join(answers(self.plan))[:300] or None

    def _incomplete(self, step: PlanStep) -> str | None:
        """What an earlier step lacks. A step is done when its milestone is complete, its checkpoint included."""
        status = self._home.ledger.step_status(self._journey_id, step.id)
        if status != "done":
            return f"{step.milestone or step.id} is not complete, {step.id} is {status}"
        return None


def milestones(plan: Plan, journey: Journey) -> list[Milestone]:
    """How far a journey has come, as a list of its milestones."""
    status = {step.id: step.status for step in journey.steps}
    said: dict[str, Any] = {"done": "complete", "failed": "failed", "undone": "undone"}
    return [
        Milestone(
            milestone_id=step.milestone or f"{step.id}_complete",
            step=step.id,
            status=said.get(status.get(step.id, ""), "open"),
        )
        for step in in_order(plan.steps)
    ]
