"""Running a plan from the command line: progress, approval, and how it ended as text, object and exit code."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from .desk import Desk

if TYPE_CHECKING:
    from .progress import Listener
    from .store.plan import Plan
    from .store.records import Journey

EXITS = {
    "completed": 0, "rolled_back": 0, "planned": 0, "running": 0, "cancelled": 0, "awaiting_approval": 3, "partial": 5,
    "compensation_failed": 6, "needs_attention": 7,
}  # fmt: skip
"""Exit codes of journeys by status; 1 for the others."""


Start = Callable[[bool, "Listener"], "Journey"]
"""Starts a journey, given whether it is approved already, and who listens to its progress."""


def run(desk: Desk, start: Start) -> int:
    """Start a journey, asking a person where the policy wants one; returns the exit code."""
    from .store.errors import ApprovalRequired

    try:
        return end(desk, _started(desk, start, approve=desk.options.yes))
    except ApprovalRequired as needed:
        if needed.facts.get("only_others"):
            raise
        if not desk.console.interactive:
            raise _nobody_to_ask(needed) from None
        plan_id = str(needed.facts["plan_id"])
    return _run_if_approved(desk, plan_id)


def _run_if_approved(desk: Desk, plan_id: str) -> int:
    from .store.plan import Plan
    from .store.words import short_id

    plan = desk.mp.show(plan_id)
    assert isinstance(plan, Plan)
    if not desk.ask(f"Approve and apply {short_id(plan_id)}?", preview=plan.render()):
        return _declined(desk, plan)
    return end(desk, _started(desk, partial(_apply, desk, plan), approve=True))


def _declined(desk: Desk, plan: Plan) -> int:
    """The person said no: the question is answered, the journey cancelled, and nothing was changed."""
    from .agents.executor import journey_id_of
    from .shapes import journey_shape
    from .store.words import short_id

    desk.mp.reject(plan.plan_id)
    desk.console.give(journey_shape(desk.mp.status(journey_id_of(plan))))
    desk.console.say(f"Nothing was applied.\nIf you change your mind: milepost apply {short_id(plan.plan_id)}")
    return 0


def _apply(desk: Desk, plan: Plan, approve: bool, listener: Listener) -> Journey:
    return desk.mp.apply(plan, approve=approve, on_progress=listener)


def _started(desk: Desk, start: Start, *, approve: bool) -> Journey:
    with desk.progress() as listener:
        return start(approve, noting_no_way_back(desk, listener))


def _nobody_to_ask(needed: Exception) -> Exception:
    from .failure import NoTerminal
    from .typed import same_command

    return NoTerminal(
        f"a person has to approve this first, and there is no terminal to ask on: {needed}",
        cause="--yes approves it; it also waits in milepost approvals",
        state="nothing was changed",
        next=same_command("--yes", without=("--no-input",)),
    )


def end(desk: Desk, journey: Journey) -> int:
    """Show how a journey ended; returns the exit code."""
    from .render import journey_text
    from .shapes import journey_shape
    from .store.plan import Plan

    if desk.policy.enable_ai_planning and isinstance(plan := desk.mp.show(journey.plan_id), Plan):
        warn_of_fallback(desk, plan)
    desk.console.give(journey_shape(journey))
    desk.console.say(journey_text(journey, everything=desk.options.verbose))
    return EXITS.get(journey.status, 1)


def finish(desk: Desk, key: str, said: str) -> int:
    """End where the person said no: nothing happened, and that is no failure."""
    desk.console.give({key: None, "message": said})
    desk.console.say(said)
    return 0


def noting_no_way_back(desk: Desk, listener: Listener) -> Listener:
    """A listener that, before the first step, says once that it cannot be undone, with the line that changes that."""
    from .store.records import Progress

    said = desk.policy.restorable
    toml = desk.settings.home / "milepost.toml"
    text = f'rollback is off, so this cannot be undone; policy = "rollback" in {toml} turns it on'

    def listen(event: Progress) -> None:
        nonlocal said
        if not said and (event.step == "upload" or event.kind == "milestone"):
            said = True
            listener(Progress(kind="note", text=text))
        listener(event)

    return listen


def warn_of_fallback(desk: Desk, plan: Plan) -> None:
    """Say that a plan is the template's, where a model was wanted."""
    if plan.origin.planner == "fallback":
        desk.console.cry(f"warning: the template made this plan, not a model: {plan.origin.reason}")
