"""A plan's steps of users' own, in words: with what they run, and what of it cannot be taken back or checked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .plan import Plan, PlanStep, canonical_json
from .words import clean, count

WIDTH = 24


def own_steps(plan: Plan) -> list[PlanStep]:
    """The steps that a user declared."""
    return [step for step in plan.steps if step.observed is not None]


def step_lines(plan: Plan, limit: int) -> Iterator[str]:
    """A line for each such step: its id, its arguments, and a warning where it has one; long lists are cut."""
    steps = own_steps(plan)
    shown = [step for at, step in enumerate(steps) if at < limit or step.effect == "irreversible"]
    for step in shown:
        remark = warning(step)
        sign = "!" if step.effect == "irreversible" else ">"
        yield f"  {sign} {clean(step.id):<{WIDTH}} {_args(step)}{f'; {remark}' if remark else ''}".rstrip()
    if len(steps) > len(shown):
        yield f"  > ... and {len(steps) - len(shown)} more (--verbose shows all)"


def warning(step: PlanStep) -> str:
    """What there is to know before such a step runs."""
    if step.effect == "irreversible":
        return "cannot be undone"
    return "" if step.observed else "its undo cannot be verified (unverifiable)"


def totals(plan: Plan) -> str:
    """How many steps there are, and how many of them are for ever."""
    steps = own_steps(plan)
    gone = sum(step.effect == "irreversible" for step in steps)
    return f"{count(len(steps), 'step')} of your own" + (f", {gone} of which cannot be undone" if gone else "")


def lasting(plan: Plan) -> str:
    """The steps that cannot be undone, named; empty where there are none."""
    names: Sequence[str] = [clean(step.id) for step in own_steps(plan) if step.effect == "irreversible"]
    return f"{', '.join(names[:5])}{' and others' if len(names) > 5 else ''} cannot be undone" if names else ""


def _args(step: PlanStep) -> str:
    said = [f"{clean(name)} {_value(value)}" for name, value in step.args.items()]
    return ", ".join(said) if said else "no arguments"


def _value(value: object) -> str:
    if isinstance(value, dict) and "$ref" in value:
        field = f".{value['field']}" if value.get("field") else ""
        return clean(f"from {value['$ref']}{field}")
    return clean(canonical_json(value), limit=60)
