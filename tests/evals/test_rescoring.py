"""Law: scoring again gives what the run gave, and what scorers of one's own give besides; no log is changed by it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from eval_kit import case, ran

from milepost.evals.log_reading import read_log
from milepost.evals.own_scorers import scorers_of
from milepost.evals.rescoring import eval_score
from milepost.evals.samples import OWN_CASES, read_samples
from milepost.store.errors import NotFound, UsageError

OWN = '''
def brevity(trial, case):
    """One over the number of steps; none for a plan without steps."""
    steps = (trial.answer or {}).get("steps")
    return {"brevity": 1 / len(steps) if steps else None, "of": float(len(case["expect"]["steps"]))}

def broken(trial, case):
    raise ValueError("no idea")

def taken(trial, case):
    return {"task_success": 1.0}

number = 5
'''


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A file with scorers."""
    (tmp_path / "own.py").write_text(OWN)
    return str(tmp_path / "own.py")


def test_scoring_again_changes_nothing(tmp_path: Path) -> None:
    """One case of each family, fixed and read: every check and score comes out as it was written."""
    families = {one["family"]: one for one in read_samples(OWN_CASES).cases}
    log = ran(tmp_path, *list(families.values())[::3], planners=["template", "template-fixed"])
    before = log.path.read_bytes()
    found = eval_score(log.path)
    assert found.changed == {} and found.log.trials == log.trials
    assert log.path.read_bytes() == before


def test_a_score_that_is_made_otherwise_now_is_told(tmp_path: Path) -> None:
    """A log whose scores are not those of its plans: which trial, which score; the new log has the new ones."""
    log = ran(tmp_path, case("a"))
    lines = log.path.read_text().splitlines()
    line = json.loads(lines[1])
    line["scores"]["task_success"] = 0.5
    log.path.write_text("\n".join([lines[0], json.dumps(line), lines[2]]) + "\n")
    found = eval_score(log.path, out=tmp_path / "new.jsonl")
    assert found.changed == {("a", "template", 1): ("task_success",)}
    assert read_log(tmp_path / "new.jsonl").trials[0].scores["task_success"] == 1.0
    assert read_log(log.path).trials[0].scores["task_success"] == 0.5
    with pytest.raises(UsageError, match="there already"):
        eval_score(log.path, out=tmp_path / "new.jsonl")
    with pytest.raises(UsageError, match="never overwritten"):
        eval_score(log.path, out=log.path)


def test_scorers_of_ones_own_are_in_the_run_and_afterwards(tmp_path: Path, own: str) -> None:
    """By file, by module, and by entry point; their numbers stand beside ours."""
    log = ran(tmp_path, case("a"), scorers=[f"{own}:brevity"])
    assert log.trials[0].scores["brevity"] == 0.25 and log.trials[0].scores["of"] == 4.0
    assert log.header.scorers == (f"{own}:brevity",)
    assert eval_score(log.path).changed == {}
    assert scorers_of(["milepost.evals.scoring:basics"])[0](log.trials[0], case("a"))["delivery"] == 1.0


def test_an_entry_point_names_a_scorer(tmp_path: Path, own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an installed package offers under `milepost.eval_scorers`."""
    folder = tmp_path / "site"
    (folder / "brief-1.dist-info").mkdir(parents=True)
    (folder / "brief_scorers.py").write_text(OWN)
    (folder / "brief-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: brief\nVersion: 1\n")
    points = "[milepost.eval_scorers]\nbrevity = brief_scorers:brevity\n"
    (folder / "brief-1.dist-info" / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(str(folder))
    assert ran(tmp_path, case("a"), scorers=["brevity"]).trials[0].scores["brevity"] == 0.25


def test_a_scorer_that_fails_costs_no_trial(tmp_path: Path, own: str) -> None:
    """Its scores are missing and the line says why; one that takes a name of ours is no better."""
    (trial,) = ran(tmp_path, case("a"), scorers=[f"{own}:broken", f"{own}:taken", f"{own}:brevity"]).trials
    assert trial.scores["task_success"] == 1.0 and trial.scores["brevity"] == 0.25
    assert [said.split(":")[0] for said in trial.scorer_errors] == ["ValueError", "UsageError"]


@pytest.mark.parametrize("name", ["nobody", "no.module:x", "{own}:nothing", "/nowhere/x.py:f"])
def test_a_scorer_that_is_not_there_is_refused_before_anything_runs(tmp_path: Path, own: str, name: str) -> None:
    """By its name; no log is begun."""
    with pytest.raises(NotFound, match="there is no scorer"):
        ran(tmp_path, case("a"), scorers=[name.format(own=own)])
    assert not (tmp_path / "log.jsonl").exists()


def test_what_cannot_be_called_is_no_scorer(own: str) -> None:
    """A number, for example."""
    with pytest.raises(UsageError, match="no function"):
        scorers_of([f"{own}:number"])
