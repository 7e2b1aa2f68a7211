"""Law: without any model every arm can be run, and every number that a report shows has something to show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from eval_kit import ran

from milepost.agents.fake_server import Call, FakeServer
from milepost.evals.logs import Log
from milepost.evals.played import FAULTS, Played, copying
from milepost.evals.samples import OWN_CASES, read_samples
from milepost.evals.totals import totals

KINDS = ("ai", "ai-only", "ai-unvalidated")
_ONE_EACH = {case["family"]: case for case in read_samples(OWN_CASES).cases}
CASES = [case for at, case in enumerate(_ONE_EACH.values()) if at % 3 == 0 or case["family"] == "remove"]
"""One of every third family, enough for each fault to come up, and one that a fixed template has to refuse."""


def played(folder: Path, faults: float, kinds: Sequence[str] = KINDS) -> tuple[Log, dict[str, str]]:
    """Both templates and these model arms over the cases, one trial at a time so that each meets the same answers."""
    with FakeServer(Played(CASES, faults=faults)) as server:
        names = {kind: f"{kind}:played@{server.url}" for kind in kinds}
        arms = ["template", "template-fixed", *names.values()]
        return ran(folder, *CASES, planners=arms, epochs=2, jobs=1), names


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Log, dict[str, str]]:
    return played(tmp_path_factory.mktemp("faulty"), 0.8)


def test_every_kind_of_trial_comes_up(faulty: tuple[Log, dict[str, str]]) -> None:
    """Successes and failures, repairs, fallbacks, plans that do not validate, unsafe acts, errors of either kind."""
    log, names = faulty
    for name in names.values():
        rate = next(one["task_success"] for one in totals(log)["planners"] if one["planner"] == name)
        assert 0 < rate < 1, name
    trials = log.trials
    assert {trial.error.kind for trial in trials if trial.error} == {"infrastructure", "planner"}
    assert {trial.origin for trial in trials} >= {"template", "ai", "fallback"}
    assert any(trial.repairs for trial in trials) and any(trial.unsafe for trial in trials)
    assert any(trial.valid is False for trial in log.of(names["ai-unvalidated"]))
    assert any(trial.refused for trial in log.of("template-fixed"))
    assert all(trial.scores["valid"] >= trial.scores["valid_first"] for trial in log.of(names["ai"]))  # type: ignore[operator]  # both are numbers here
    assert len({len(log.of(name)) for name in names.values()} | {2 * len(CASES)}) > 1
    assert log.closing is not None and log.closing.infrastructure_errors > 0


def test_the_templates_are_not_touched_by_it(faulty: tuple[Log, dict[str, str]]) -> None:
    """The rules get every case right, the fixed template few, whatever a model does beside them."""
    log, _ = faulty
    assert all(trial.scores["task_success"] == 1.0 for trial in log.of("template"))
    fixed = [trial.scores["task_success"] for trial in log.of("template-fixed")]
    assert 0 < sum(filter(None, fixed)) < len(fixed) / 2


def test_without_faults_it_is_better(tmp_path: Path, faulty: tuple[Log, dict[str, str]]) -> None:
    """The faults are what it is wrong by; and each of them is another one."""
    whole, names = played(tmp_path, 0.0, ("ai-only",))
    log, others = faulty
    rates = [
        next(one["task_success"] for one in totals(one_log)["planners"] if one["planner"] == arm)
        for one_log, arm in ((whole, names["ai-only"]), (log, others["ai-only"]))
    ]
    assert rates[0] > rates[1]
    assert len(FAULTS) == len({fault.__name__ for fault in FAULTS.values()})
    assert whole.closing is not None and whole.closing.infrastructure_errors == 0


def copied(past: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The steps of the model that copies, for two files and what it is told of the past."""
    files = [{"handle": "f1", "name": "a.md"}, {"handle": "f2", "name": "b.CSV"}]
    facts = {"kb": "hr", "files": files} | ({"past": past} if past else {})
    said = copying(Call("/", {}, {"messages": [{"role": "user", "content": json.dumps(facts)}]}))
    steps: list[dict[str, Any]] = json.loads(json.loads(said.body)["choices"][0]["message"]["content"])["steps"]
    return steps


def test_a_model_that_copies_does_as_its_first_good_example_and_no_other() -> None:
    """Its options, the kinds of files it left out, and that it did not expose; without examples all four steps."""
    plain = copied(None)
    assert [step["action"] for step in plain] == ["upload", "parse", "embed", "expose"]
    assert plain[0]["args"]["files"] == ["f1", "f2"]
    example = {
        "actions": ["upload", "parse", "embed"], "options": {"embed.chunk_size": 500},
        "taken": {".md": 2}, "left_out": {".csv": 1, ".md": 1},
    }  # fmt: skip
    other = {"actions": ["upload", "parse", "embed", "expose"], "options": {}, "taken": {}, "left_out": {".md": 1}}
    steps = copied({"good": [example, other], "bad": [other]})
    assert [step["action"] for step in steps] == ["upload", "parse", "embed"]
    assert steps[0]["args"]["files"] == ["f1"] and steps[2]["args"]["chunk_size"] == 500
