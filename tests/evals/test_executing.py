"""Law: what a plan comes to is compared with what the case wants; going back is compared with what was there before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from eval_kit import case, ran, right

from milepost.agents.fake_server import Call, FakeServer, Reply, plain_plan, says
from milepost.evals.executing import executed
from milepost.evals.logs import Execution
from milepost.evals.samples import OWN_CASES, read_samples
from milepost.evals.worlds import world_of

KINDS = ("plain", "replace", "remove", "hide", "rollback", "no-expose", "ambiguous", "dry-run", "schedule", "history")


def first_of(family: str) -> dict[str, Any]:
    """The first of the project's own cases in a family."""
    return next(one for one in read_samples(OWN_CASES).cases if one["family"] == family)


@pytest.mark.parametrize("family", KINDS)
def test_the_rules_plans_end_as_each_kind_of_case_wants(family: str) -> None:
    """On real Chroma; and what was done is taken back exactly, and stays so at a second try."""
    with world_of(first_of(family), readable=True) as world:
        found, _ = executed(world, world.plan())
    assert found.end_state, found
    assert found.rolled_back is not False and found.rolled_back_twice is not False
    assert found.others_untouched is not False
    assert found.applied == (found.refused is None)


def carried_out(folder: Path, script: Callable[[Call], Reply], **expect: Any) -> Execution:
    """What came of carrying out a model's plan of a.md and b.md."""
    with FakeServer(script) as server:
        log = ran(folder, case("a", **expect), planners=[f"ai-only:scripted@{server.url}"], execute=True)
    (trial,) = log.trials
    assert trial.execution is not None, trial.error
    return trial.execution


def test_a_right_plan_ends_right_and_its_time_is_beside_its_estimate(tmp_path: Path) -> None:
    """The log has the journey's seconds and the plan's quantiles."""
    with FakeServer(right) as server:
        log = ran(tmp_path, case("a"), planners=[f"ai:scripted@{server.url}"], execute=True)
    (trial,) = log.trials
    assert trial.execution == Execution(
        applied=True, status="completed", end_state=True, rolled_back=True, rolled_back_twice=True,
        others_untouched=True,
    )  # fmt: skip
    assert trial.scores["execution_success"] == trial.scores["rollback_success"] == 1.0
    assert trial.times.execute and trial.times.estimated
    assert trial.times.estimated.keys() == {"p10", "p50", "p90"}


def test_a_file_too_many_and_one_too_few_are_told(tmp_path: Path) -> None:
    """By their names and their kb; the way back is as exact as ever."""
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    many = carried_out(tmp_path / "one", right, files=["a.md"])
    assert not many.end_state and many.differences == ("kb hr shows b.md and should not",)
    assert many.rolled_back and many.rolled_back_twice
    few = carried_out(tmp_path / "two", lambda call: says(plain_plan(["f1"], "hr")))
    assert few.differences == ("kb hr does not show b.md",) and few.rolled_back


def test_a_question_changes_nothing_which_may_be_right_or_wrong(tmp_path: Path) -> None:
    """It is not applied; where the case wants a change, the end state is missing it."""
    asking = {"steps": [], "questions": [{"about": "kb", "text": "Which one?"}]}
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    wrong = carried_out(tmp_path / "one", lambda call: says(asking))
    assert not wrong.applied and not wrong.end_state and "open question" in str(wrong.refused)
    good = carried_out(tmp_path / "two", lambda call: says(asking), steps=["ask_user"], files=[], params={}, ask="kb")
    assert good.end_state and good.rolled_back is None


def test_going_back_that_does_not_go_back_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """An undo that does nothing leaves another digest than the one before the journey."""
    with world_of(first_of("plain"), readable=True) as world:
        plan = world.plan()
        monkeypatch.setattr(world.milepost, "undo", lambda journey: None)
        found, _ = executed(world, plan)
    assert found.end_state and found.rolled_back is False and found.rolled_back_twice is False


def test_another_kb_that_changes_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else is written while a plan is carried out: the other kbs' digests tell."""
    with world_of(first_of("plain"), readable=True) as world:
        plan, real = world.plan(), world.milepost.apply
        stray = world.folder.parent / "stray.md"
        stray.write_text("Nobody asked for this.\n")

        def apply(wanted: Any, **more: Any) -> Any:
            journey = real(wanted, **more)
            world.milepost.ingest([stray], kb="elsewhere")
            return journey

        monkeypatch.setattr(world.milepost, "apply", apply)
        found, _ = executed(world, plan)
    assert found.others_untouched is False and "kb elsewhere shows" in str(found.differences)
    assert found.rolled_back is False
