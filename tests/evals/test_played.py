"""Law: without any model every arm can be run, and every number that a report shows has something to show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from eval_kit import ran

from milepost.agents.fake_server import FakeServer
from milepost.evals.logs import Log
from milepost.evals.played import FAULTS, Played
from milepost.evals.samples import OWN_CASES, read_samples
from milepost.evals.totals import totals

KINDS = ("ai", "ai-only", "ai-unvalidated")
CASES = list({case["family"]: case for case in read_samples(OWN_CASES).cases}.values())[::3]
"""One of every third family: enough for each fault to come up."""


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
