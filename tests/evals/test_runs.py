"""Law: a run has a line for every case, planner and epoch, goes on where it was stopped, and overwrites nothing."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from eval_kit import case, file_of, ran, right

from milepost.agents.fake_server import Call, FakeServer, Reply, fails, plain_plan, says
from milepost.evals import runs
from milepost.evals.log_files import LogFile
from milepost.evals.log_reading import read_log
from milepost.evals.logs import Closing, Log, Trial, as_line
from milepost.evals.runs import eval_run
from milepost.store.errors import MilepostError, PolicyError, StoreBusy, UsageError
from milepost.store.policy import Policy


def keys(log: Log) -> set[tuple[str, str, int]]:
    return {trial.key for trial in log.trials}


def test_every_planner_has_a_line_for_every_case_and_epoch(tmp_path: Path) -> None:
    """Templates once, and they give the same plan twice; a model as often as epochs were asked for."""
    with FakeServer(right) as server:
        ai = f"ai:scripted@{server.url}"
        log = ran(tmp_path, case("a"), case("b"), planners=["template", "template-fixed", ai], epochs=2)
    assert keys(log) == {(id, name, 1) for id in "ab" for name in ("template", "template-fixed", ai)} | {
        (id, ai, 2) for id in "ab"
    }
    assert log.closing is not None and not log.missing
    assert all(trial.scores["task_success"] == 1.0 for trial in log.trials), [t.explanation for t in log.trials]
    assert {trial.stable for trial in log.trials} == {True, None}
    assert {trial.usage.input_tokens for trial in log.of(ai)} == {100}


def test_the_arms_differ_where_a_model_is_wrong(tmp_path: Path) -> None:
    """It never answers with a plan: policy falls back, alone it fails, and without a validator nothing is repaired."""
    with FakeServer([says("no plan")]) as server:
        names = [f"{kind}:scripted@{server.url}" for kind in ("ai", "ai-only", "ai-unvalidated")]
        log = ran(tmp_path, case("a"), planners=names)
    fallen, only, first = (log.of(name)[0] for name in names)
    assert (fallen.origin, fallen.scores["task_success"], fallen.scores["valid"]) == ("fallback", 1.0, 0.0)
    assert (only.plan, only.error and only.error.kind, only.scores["delivery"]) == (None, "planner", 0.0)
    assert (only.attempts, first.attempts, first.repairs) == (3, 1, 0)
    assert first.error is not None and first.error.kind == "planner" and first.scores["task_success"] == 0.0


def test_the_validator_is_worth_what_the_unvalidated_arm_lacks(tmp_path: Path) -> None:
    """A first draft with an invented file is mended with the validator, and wrong without."""

    def script(call: Call) -> Reply:
        good = plain_plan(["all"], "hr")
        bad = json.loads(json.dumps(good).replace('["all"]', '["f1", "f77"]'))
        return says(bad if len(call.messages) == 2 else good)

    with FakeServer(script) as server:
        names = [f"ai-only:scripted@{server.url}", f"ai-unvalidated:scripted@{server.url}"]
        log = ran(tmp_path, case("a"), planners=names)
    mended, raw = (log.of(name)[0] for name in names)
    assert (mended.repairs, mended.scores["valid_first"], mended.scores["valid"]) == (1, 0.0, 1.0)
    assert mended.scores["task_success"] == 1.0
    assert raw.scores["task_success"] == 0.0 and raw.plan is not None and not raw.valid
    assert "unknown_file" in raw.issues


def test_a_server_that_is_not_there_is_no_fault_of_a_plan(tmp_path: Path) -> None:
    """Its trials are infrastructure errors without a score, in every arm; after five in a row the run stops."""
    with FakeServer([fails(401)]) as server:
        name = f"ai:scripted@{server.url}"
        cases = [case(id) for id in "abcdefg"]
        with pytest.raises(MilepostError, match="5 times in a row") as stopped:
            ran(tmp_path, *cases, planners=[name], jobs=1)
        assert "401" in stopped.value.cause and "goes on" in stopped.value.state
        log = read_log(tmp_path / "log.jsonl")
        assert len(log.trials) == 5 and log.of(name) == [] and log.closing is None
        assert all(trial.scores == {} and trial.error for trial in log.trials)
    with FakeServer(right, port=int(server.url.split(":")[-1].split("/")[0])) as again:
        assert again.url == server.url
        whole = ran(tmp_path, *cases, planners=[name], jobs=1)
    assert len(whole.of(name)) == 7 and whole.closing is not None
    assert whole.closing.infrastructure_errors == 0


def test_the_same_call_goes_on_where_a_crash_stopped_it(tmp_path: Path) -> None:
    """Of a log that ends in half a line only that trial and the missing ones are run; the lines before it stay."""
    cases = [case("a"), case("b"), case("c")]
    whole = ran(tmp_path, *cases)
    lines = whole.path.read_bytes().splitlines(keepends=True)
    whole.path.write_bytes(b"".join(lines[:2]) + lines[2][:-20])
    again = ran(tmp_path, *cases)
    assert whole.path.read_bytes().startswith(b"".join(lines[:2]))
    assert keys(again) == keys(whole) and again.closing is not None
    assert again.header.run_id == whole.header.run_id


def test_a_log_whose_header_was_cut_begins_anew(tmp_path: Path) -> None:
    """Nothing was run before a header is whole, so nothing is lost with half of one."""
    path = tmp_path / "log.jsonl"
    path.write_bytes(as_line(ran(tmp_path / "", case("a")).header).encode()[:50])
    assert len(ran(tmp_path, case("a")).trials) == 1


def test_a_complete_log_is_left_as_it_is(tmp_path: Path) -> None:
    """The same call once more runs nothing and changes no byte."""
    log = ran(tmp_path, case("a"))
    before = log.path.read_bytes()
    assert ran(tmp_path, case("a")) == log
    assert log.path.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"planners": ["template-fixed"]}, "planners"), ({"epochs": 3}, "epochs"), ({"seed": 5}, "seed"),
        ({"execute": True}, "execute"), ({"policy": Policy.rollback()}, "policy (budget)"),
        ({"after": 1}, "after"),
    ],
)  # fmt: skip
def test_another_runs_log_is_refused_with_what_differs(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    """And it stays as it was."""
    before = ran(tmp_path, case("a")).path.read_bytes()
    with pytest.raises(UsageError, match="another run's") as refused:
        ran(tmp_path, case("a"), **change)
    assert said in refused.value.message
    assert (tmp_path / "log.jsonl").read_bytes() == before
    with pytest.raises(UsageError, match="cases"):
        ran(tmp_path, case("z"))
    assert (tmp_path / "log.jsonl").read_bytes() == before


def test_a_file_that_is_no_log_is_refused(tmp_path: Path) -> None:
    """Whatever lies at --out: it is not overwritten."""
    (tmp_path / "log.jsonl").write_text("my diary\n")
    with pytest.raises(UsageError, match="not the log"):
        ran(tmp_path, case("a"))
    assert (tmp_path / "log.jsonl").read_text() == "my diary\n"


def test_two_runs_do_not_write_to_one_log(tmp_path: Path) -> None:
    """The second is told so."""
    run = runs.Run.of(["template"], cases=file_of(tmp_path, case("a")))
    with LogFile(tmp_path / "log.jsonl", run.header()), pytest.raises(StoreBusy, match="another run"):
        runs.run_into(run, tmp_path / "log.jsonl", lambda _: None)


def test_broken_lines_are_in_the_header_and_the_rest_is_run(tmp_path: Path) -> None:
    """By number, with what is wrong."""
    path = file_of(tmp_path, case("a"), more='{"id": "x"}\n')
    log = eval_run(["template"], tmp_path / "log.jsonl", cases=path)
    assert [one.line for one in log.header.broken] == [2]
    assert [trial.id for trial in log.trials] == ["a"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("tempalte", "did you mean template"), ("ai", "names no model"), ("ai:m", "no key and no server"),
        ("template:m", "asks no model"), ("", "there is no planner"), ("ai:@http://x", "there is no planner"),
    ],
)  # fmt: skip
def test_a_planner_that_cannot_be_had_is_refused_before_anything_runs(tmp_path: Path, name: str, said: str) -> None:
    """An unknown one with the near one, a model without a name, a key, a server; no log is begun."""
    with pytest.raises(UsageError) as refused:
        ran(tmp_path, case("a"), planners=[name])
    assert said in refused.value.message
    assert not (tmp_path / "log.jsonl").exists()


def test_a_password_in_an_address_is_not_written_down(tmp_path: Path) -> None:
    """The planner's name and address are kept without it."""
    with FakeServer(right) as server:
        address = server.url.replace("http://", "http://me:s3cret@")
        log = ran(tmp_path, case("a"), planners=[f"ai:scripted@{address}"])
    assert "s3cret" not in log.path.read_text() and log.header.planners[0].name == f"ai:scripted@{server.url}"
    assert log.trials[0].scores["task_success"] == 1.0


def test_a_budget_ends_a_run_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    """No trial begins that might not fit: of 120 tokens each, 300 are enough for two, however many jobs there are."""
    cases = [case(id) for id in "abcd"]
    with FakeServer(right) as server:
        wanted: dict[str, Any] = {"planners": [f"ai:scripted@{server.url}"], "jobs": 4}
        with pytest.raises(PolicyError, match="no room for the 2 trials"):
            ran(tmp_path, *cases, max_tokens=300, **wanted)
        assert len(server.calls) == 2
        assert len(ran(tmp_path, *cases, max_tokens=600, **wanted).trials) == 4
        assert len(server.calls) == 4
    with pytest.raises(UsageError, match="prices"):
        ran(tmp_path, *cases, max_cost=1.0)


def test_trials_run_at_the_same_time(tmp_path: Path) -> None:
    """With two jobs two calls are open at once: each answers only when the other has come."""
    both = threading.Barrier(2)

    def script(call: Call) -> Reply:
        both.wait(60)
        return right(call)

    with FakeServer(script) as server:
        server._lock = threading.Semaphore(2)  # type: ignore[assignment]  # pyright: ignore[reportPrivateUsage]  # two may be answered at a time
        log = ran(tmp_path, case("a"), case("b"), planners=[f"ai:scripted@{server.url}"], jobs=2)
    assert [trial.scores["task_success"] for trial in log.trials] == [1.0, 1.0]


def test_a_fault_of_our_own_is_named_and_counts_for_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A world that cannot be built is an infrastructure error of that trial, and the others are run."""
    real = runs.tried.__globals__["world_of"]

    def world(case: Any, **more: Any) -> Any:
        if case["id"] == "b":
            raise OSError("no such luck")
        return real(case, **more)

    monkeypatch.setitem(runs.tried.__globals__, "world_of", world)
    log = ran(tmp_path, case("a"), case("b"))
    errors = {trial.id: trial.error for trial in log.trials}
    assert errors["a"] is None and errors["b"] is not None and "no such luck" in errors["b"].message
    assert log.closing is not None and log.closing.infrastructure_errors == 1


def test_the_closing_line_is_the_last(tmp_path: Path) -> None:
    """Header, trials, closing: one JSON object a line."""
    log = ran(tmp_path, case("a"))
    kinds = [json.loads(line)["kind"] for line in log.path.read_text().splitlines()]
    assert kinds == ["run", "trial", "end"]
    assert isinstance(log.closing, Closing) and isinstance(log.trials[0], Trial)
