"""A plan that goes back, in words: whose journeys, to where, what goes and what comes back; and an answer's text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .plan import Plan
from .words import clean, count, short_id

WIDTH = 24


def answers(plan: Plan) -> list[str]:
    """What a plan answers, where it was asked something."""
    said = [step.args.get("about") for step in plan.steps if step.action == "report"]
    return [text for text in said if isinstance(text, str) and text]


def going_back(plan: Plan) -> Mapping[str, Any]:
    """What going back would do, as it was looked up when the plan was made; empty for another plan."""
    told = plan.resources.get("going_back")
    return told if isinstance(told, dict) else {}


def back_lines(plan: Plan, limit: int) -> Iterator[str]:
    """A line for each journey, for each source that goes or comes back, and for what stands in the way."""
    told = going_back(plan)
    for one in told.get("journeys", ()):
        yield f"  < undo     {short_id(one['journey_id']):<{WIDTH}} {_known_by(one)}"
    yield from _named("- goes    ", told.get("sources_removed", ()), limit)
    yield from _named("+ returns ", told.get("sources_restored", ()), limit)
    for one in list(told.get("conflicts", ()))[:limit]:
        yield f"  ! stands   {clean(one['source']):<{WIDTH}} changed since by {short_id(one['changed_by'])}: {_REFUSED}"
    if told.get("refused"):
        yield f"  ! stands   {clean(told['refused'])}"


_REFUSED = "refused, unless on_conflict says otherwise"


def back_totals(plan: Plan) -> str:
    """How much goes and comes back; empty for another plan, and where it is not known."""
    told = going_back(plan)
    if "chunks_removed" not in told:
        return ""
    gone, come = int(told["chunks_removed"]), int(told["chunks_restored"])
    back = f"{come} come back" if come != 1 else "1 comes back"
    journeys = {one["journey_id"] for one in told["journeys"]}
    return f"{count(len(journeys), 'journey')} to undo: {count(gone, 'chunk')} to go, {back}"


def _named(sign: str, sources: Any, limit: int) -> Iterator[str]:
    for source in list(sources)[:limit]:
        yield f"  {sign} {clean(source)}"
    if len(sources) > limit:
        yield f"  {sign} ... and {len(sources) - limit} more (--verbose shows all)"


def _known_by(one: Mapping[str, Any]) -> str:
    asked = f', "{clean(one["request"], limit=60)}"' if one.get("request") else ""
    when = str(one["started_at"])[:16].replace("T", " ")
    return f"to {clean(one['milestone'])}; by {clean(one['user'])}, {when} UTC{asked}"
