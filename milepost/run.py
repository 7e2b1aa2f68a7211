"""Running a plan from the command line: progress, approval, and how it ended as text, object and exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .desk import Desk

if TYPE_CHECKING:
    from .store.plan import Plan
    from .store.records import Journey

EXITS = {
    "completed": 0, "rolled_back": 0, "planned": 0, "running": 0, "awaiting_approval": 3, "partial": 5,
    "compensation_failed": 6, "needs_attention": 7,
}  # fmt: skip
"""Exit codes of journeys by status; 1 for the others."""


def run(desk: Desk, plan: Plan, *, replan: bool = False) -> int:
    """Apply a plan, asking a person where the policy wants one; returns the exit code."""
    from .store.errors import ApprovalRequired
    from .store.words import short_id

    desk.running = plan.plan_id
    try:
        return end(desk, _apply(desk, plan, replan, approve=desk.options.yes))
    except ApprovalRequired as needed:
        if needed.facts.get("only_others"):
            raise
        if not desk.console.interactive:
            raise _nobody_to_ask(needed) from None
    if not desk.ask(f"Approve and apply {short_id(plan.plan_id)}?", preview=plan.render()):
        return finish(desk, "journey", "Nothing was applied; the plan waits in milepost approvals.")
    return end(desk, _apply(desk, plan, replan, approve=True))


def _apply(desk: Desk, plan: Plan, replan: bool, *, approve: bool) -> Journey:
    with desk.progress() as listener:
        return desk.mp.apply(plan, replan=replan, approve=approve, on_progress=listener)


def _nobody_to_ask(needed: Exception) -> Exception:
    from .failure import NoTerminal, same_command

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

    desk.console.give(journey_shape(journey))
    desk.console.say(journey_text(journey, everything=desk.options.verbose))
    return EXITS.get(journey.status, 1)


def finish(desk: Desk, key: str, said: str) -> int:
    """End where the person said no: nothing happened, and that is no failure."""
    desk.console.give({key: None, "message": said})
    desk.console.say(said)
    return 0


def say_without_rollback(desk: Desk) -> None:
    """Say once that what follows cannot be undone, with the line that changes that."""
    if not desk.policy.restorable:
        desk.console.tell(
            "note: rollback is off, so this cannot be undone; to turn it on, put this line into "
            f'{desk.settings.home / "milepost.toml"}:\nnote:   policy = "rollback"'
        )
