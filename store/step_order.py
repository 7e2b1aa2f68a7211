"""The order in which a plan's steps run: as the plan lists them, but for what has to come first."""

from __future__ import annotations

from collections.abc import Sequence

from .plan import PlanStep


def in_order(steps: Sequence[PlanStep]) -> list[PlanStep]:
    """The steps with what each depends on before it; the earliest of the plan that may run comes next.

    Of steps in a ring, which no journey runs, the plan's own order.
    """
    known = {step.id for step in steps}
    waiting, placed, found = list(steps), set[str](), list[PlanStep]()
    while waiting:
        ready = next((step for step in waiting if placed.issuperset(known.intersection(step.depends_on))), waiting[0])
        waiting.remove(ready)
        placed.add(ready.id)
        found.append(ready)
    return found


def ancestors(steps: Sequence[PlanStep]) -> dict[str, set[str]]:
    """For each step all that it depends on, at once or through others."""
    found: dict[str, set[str]] = {}
    for step in in_order(steps):
        direct = [other for other in step.depends_on if other in found]
        found[step.id] = {*direct}.union(*(found[other] for other in direct))
    return found
