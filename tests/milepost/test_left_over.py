"""Law: a conversation begins with what an earlier one left undone, and says how to go on with each."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from milepost.left_over import left_over


def told(*statuses: str, there: bool = True, planned: bool = True, plan: Any = None) -> list[str]:
    journeys = [SimpleNamespace(journey_id=f"journey_{at}", status=status) for at, status in enumerate(statuses)]
    mp: Any = SimpleNamespace(
        workspace=SimpleNamespace(there=there), journeys=lambda: journeys, newest_plan=lambda: plan
    )
    return list(left_over(mp, planned=planned))


def test_what_was_interrupted_is_told() -> None:
    assert told("completed", "interrupted", "rolled_back") == [
        "journey_1 was interrupted; go on with: milepost resume journey_1"
    ]


def test_a_plan_that_nobody_applied_is_told_unless_something_waits_already() -> None:
    plan = SimpleNamespace(plan_id="plan_" + "a" * 24, kb="hr", questions=())
    (said,) = told(plan=plan)
    assert "was not applied" in said and said.endswith(f"milepost apply {plan.plan_id}")
    assert told(plan=plan, planned=False) == []
    assert told(plan=SimpleNamespace(plan_id=plan.plan_id, kb="hr", questions=("which?",))) == []


def test_where_there_is_no_home_nothing_is_looked_for() -> None:
    assert told("interrupted", there=False) == []
