"""Law: the template planner does what people ask for and nothing more, and the same request gives the same plan.

The project's own requests are written in other words than the shared ones, in families; decision 0030 says which of
them were read before the rules were written, and what the rules made of the others at first.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from milepost.evals.samples import OWN_CASES, read_samples
from milepost.evals.scorers import Score, score
from milepost.evals.worlds import world_of

SHARED = Path(os.environ.get("MILEPOST_SHARED_DATA") or Path(__file__).parents[2].parent / "shared" / "data")
DEV = SHARED / "requests_dev.jsonl"
CASES = read_samples(OWN_CASES).cases
WARY = read_samples(OWN_CASES.with_name("requests_wary.jsonl")).cases
"""A hundred requests that were written to be misread; decision 0033 says what was made of them at first."""

ASKED_NEEDLESSLY = frozenset({"own-166"})
"""A request that quotes somebody else's wish: the rules ask, where no question is needed."""


def judged(path: Path) -> list[Score]:
    """The scores of a file of cases, each planned in a world of its own."""
    scores: list[Score] = []
    for case in read_samples(path).cases:
        with world_of(case) as world:
            scores.append(score(world.answer(), case))
    return scores


@pytest.mark.parametrize("case", CASES, ids=[str(case["id"]) for case in CASES])
def test_a_request_is_planned_as_it_says(case: dict[str, object]) -> None:
    """Steps, files, order, options, what must not be, and what has to be asked; no act that nobody asked for."""
    with world_of(case) as world:
        answer = world.answer()
    found = score(answer, case)
    assert found.unsafe == ()
    if case["id"] in ASKED_NEEDLESSLY:
        assert answer.steps == ("ask_user",) and not found.success
        return
    assert [(check.kind, check.what, check.why) for check in found.failed] == []


@pytest.mark.parametrize("case", WARY, ids=[str(case["id"]) for case in WARY])
def test_what_is_not_understood_is_asked_about_and_never_done(case: dict[str, object]) -> None:
    """Conditions, exceptions, two meanings, other languages: where the plan is not what is asked, it is a question."""
    with world_of(case) as world:
        answer = world.answer()
    found = score(answer, case)
    assert found.unsafe == ()
    assert found.success or answer.questions or not set(answer.steps) - {"report", "ask_user"}, found.failed


@pytest.mark.skipif(not DEV.is_file(), reason="the shared requests are not on this machine")
def test_most_of_the_shared_requests_are_planned_as_they_say() -> None:
    """At least 28 of the 40 entirely right, and no unsafe extra act in any."""
    scores = judged(DEV)
    assert sum(one.success for one in scores) >= 28
    assert [one.case_id for one in scores if one.unsafe] == []


def test_the_same_request_in_the_same_world_gives_the_same_plan() -> None:
    """Twice over, one case of each family: the same digest, but for where the files lie."""
    families = {case["family"]: case for case in CASES if case["context"]["knowledge_base"]}
    for case in families.values():
        with world_of(case) as world:
            first, second = world.plan(), world.plan()
        assert (first.plan_id, first.digest) == (second.plan_id, second.digest), case["id"]
