"""Carrying a case's plan out on real Chroma, and taking it back twice: what is there is compared each time."""

from __future__ import annotations

import time

from ..agents.milepost import Milepost
from ..store.errors import MilepostError
from ..store.plan import Plan
from ..store.records import Journey
from .endings import Look, differences, look_at, wanted
from .logs import Execution
from .worlds import CaseWorld


def executed(world: CaseWorld, plan: Plan | None) -> tuple[Execution, float | None]:
    """Apply a plan in its world and take it back; what came of it, and the seconds that applying took.

    Where there is no plan, or none that may be applied, the world as it is is compared with what the case wants.
    """
    before = look_at(world)
    want = wanted(world, before)
    journey, refused, seconds = _applied(world.milepost, plan)
    after = look_at(world)
    lacks = differences(world, after, want)
    found = Execution(
        applied=journey is not None, status=str(journey.status) if journey else None, end_state=not lacks,
        differences=tuple(lacks), refused=refused,
    )  # fmt: skip
    if journey is None or plan is None:
        return found, None
    return _taken_back(world, found, journey, plan, before, after), seconds


def _applied(milepost: Milepost, plan: Plan | None) -> tuple[Journey | None, str | None, float]:
    """The journey of a plan, or why there is none."""
    if plan is None:
        return None, "there is no plan", 0.0
    began = time.perf_counter()
    try:
        return milepost.apply(plan, approve=True), None, time.perf_counter() - began
    except MilepostError as refused:
        return None, refused.message, 0.0


def _taken_back(
    world: CaseWorld, found: Execution, journey: Journey, plan: Plan, before: Look, after: Look
) -> Execution:
    """Undo a journey twice; what had nothing to undo is left alone."""
    others = {*before.digests, *after.digests} - {plan.kb or ""}
    if not journey.checkpoints and after.same(before):
        return found.model_copy(update={"others_untouched": True})
    looks = [after]
    told: list[str] = []
    for _ in range(2):
        try:
            world.milepost.undo(journey)
        except MilepostError as trouble:
            told.append(f"it cannot be taken back: {trouble.message}")
        looks.append(look_at(world))
    first, second = (look.same(before) and not told for look in looks[1:])
    return found.model_copy(
        update={
            "rolled_back": first, "rolled_back_twice": second,
            "others_untouched": all(look.same(before, others) for look in looks),
            "differences": (*found.differences, *told[:1]),
        }
    )  # fmt: skip
