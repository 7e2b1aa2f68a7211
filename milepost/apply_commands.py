"""apply, approvals, approve: running exactly the plan that a person saw."""

from typing import TYPE_CHECKING, Annotated

import typer

from .desk import Desk
from .everywhere import command
from .run import finish, run
from .show_commands import find, give_plan, judge

if TYPE_CHECKING:
    from .progress import Listener
    from .store.plan import Plan
    from .store.records import Journey

app = typer.Typer()
PANEL = "From files to a knowledge base"


@command(app, "apply", panel=PANEL)
def apply(
    desk: Desk,
    named: Annotated[
        str | None, typer.Argument(metavar="ID|FILE", help="The newest plan if left out.", show_default=False)
    ] = None,
    replan: Annotated[bool, typer.Option("--replan", help="Plan again where the plan is stale.")] = False,
) -> int:
    """Run exactly that plan."""
    from .store.plan import Plan

    asked = named is None
    if named is None:
        chosen = _newest(desk)
        if chosen is None:
            return 0
    else:
        found = find(desk, named)
        if not isinstance(found, Plan):
            from .store.errors import UsageError

            raise UsageError(f"{named} is not a plan", next=f"milepost show {named}")
        chosen = found
    if desk.options.dry_run:
        give_plan(desk, chosen, judge(desk, chosen))
        return 0

    def start(approve: bool, listener: "Listener") -> "Journey":
        return _apply(desk, chosen, replan, approve or asked, listener)  # who saw it and said yes approved it

    return run(desk, start)


def _apply(desk: Desk, plan: "Plan", replan: bool, approve: bool, listener: "Listener") -> "Journey":
    """Apply a plan; where it is stale and may be made again, say what moved and what is otherwise now."""
    from .store.errors import StalePlan
    from .store.plan import Plan
    from .store.plan_text import difference

    try:
        return desk.mp.apply(plan, approve=approve, on_progress=listener)
    except StalePlan as stale:
        if not replan:
            raise
        moved = [str(one) for one in stale.facts.get("moved", [])]
    desk.console.tell("\n".join(["Planned again, since", *(f"  {one}" for one in moved)]))
    journey = desk.mp.apply(plan, replan=True, approve=approve, on_progress=listener)
    fresh = desk.mp.show(journey.plan_id)
    if isinstance(fresh, Plan):
        desk.console.tell("\n".join(["Otherwise than planned:", *(f"  {line}" for line in difference(plan, fresh))]))
    return journey


@command(app, "approvals", panel=PANEL)
def approvals(desk: Desk) -> None:
    """List what waits for a person."""
    from .render import columns, moment
    from .shapes import dumps
    from .store.words import short_id

    waiting = desk.mp.approvals()
    desk.console.give({"approvals": dumps(waiting)})
    rows = [(short_id(one.approval_id), short_id(one.plan_id), one.asked_by, moment(one.timestamp)) for one in waiting]
    heads = ("APPROVAL", "PLAN", "ASKED BY", "ASKED (UTC)")
    desk.console.say(columns(heads, rows) if rows else "Nothing waits for a person.")


@command(app, "approve", panel=PANEL)
def approve(desk: Desk, named: Annotated[str, typer.Argument(metavar="ID")]) -> None:
    """Approve a plan that waits, by its id or the approval's."""
    from .shapes import dump
    from .store.words import short_id

    full = desk.mp.expand(named)
    if desk.options.dry_run:
        desk.console.give({"approval": None, "dry_run": True})
        desk.console.say(f"Would approve {full}.")
        return
    approval = desk.mp.approve(full)
    desk.console.give({"approval": dump(approval)})
    desk.console.say(
        f"Approved {short_id(approval.plan_id)} as {approval.approver}.\n"
        f"Apply with: milepost apply {short_id(approval.plan_id)}"
    )


def _newest(desk: Desk) -> "Plan | None":
    """The newest plan that was not applied, shown and asked for; None where the person said no."""
    from .store.errors import NotFound
    from .store.words import short_id

    plan = desk.mp.newest_plan()
    if plan is None:
        why = "none was made, or each was applied"
        raise NotFound("no plan waits to be applied", cause=why, next="milepost plan PATH --kb NAME")
    if desk.options.dry_run or desk.ask(f"Apply {short_id(plan.plan_id)}?", preview=plan.render()):
        return plan
    finish(desk, "journey", f"Nothing was applied.\nIf you change your mind: milepost apply {short_id(plan.plan_id)}")
    return None
