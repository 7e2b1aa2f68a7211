"""Law: a log says again what was written to it; what is torn, foreign or of another version is told from it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.evals.log_reading import read_log
from milepost.evals.logs import Closing, Header, PlannerArm, Trial, as_line
from milepost.store.errors import NotFound, UsageError

CASES: tuple[dict[str, Any], ...] = ({"id": "a", "family": "plain"}, {"id": "b", "family": "plain"})
ARMS = (PlannerArm(name="template", kind="template"), PlannerArm(name="ai:m", kind="ai", model="m", epochs=2))
HEADER = Header(run_id="r", created="2026-11-27T08:00:00+00:00", planners=ARMS, epochs=2, cases_digest="d", cases=CASES)
END = Closing(ended="2026-11-27T09:00:00+00:00", trials=2)

trials = st.builds(
    Trial,
    id=st.sampled_from(["a", "b"]),
    planner=st.sampled_from(["template", "ai:m"]),
    epoch=st.integers(1, 2),
    explanation=st.text(max_size=20),
    scores=st.dictionaries(st.text(max_size=5), st.none() | st.floats(0, 1)),
)


def wrote(folder: Path, *lines: Header | Trial | Closing, more: str = "") -> Path:
    """A log with these lines."""
    path = folder / "log.jsonl"
    path.write_text("".join(map(as_line, lines)) + more, encoding="utf-8")
    return path


@given(st.lists(trials, max_size=6), st.booleans())
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, made: list[Trial], ended: bool) -> None:
    """Header, trials and closing come back equal, whatever letters they hold; of one trial the last line counts."""
    log = read_log(wrote(tmp_path_factory.mktemp("log"), HEADER, *made, *([END] if ended else [])))
    assert log.header == HEADER
    assert {one.key: one for one in log.trials} == {one.key: one for one in made}
    assert len(log.trials) == len({one.key for one in made})
    assert log.closing == (END if ended else None) and not log.torn
    assert set(log.missing) == set(HEADER.expected) - {one.key for one in made}


def test_what_is_expected_is_every_case_planner_and_epoch() -> None:
    """A planner without chance runs once, the others as often as they have epochs."""
    assert sorted(HEADER.expected) == [
        ("a", "ai:m", 1), ("a", "ai:m", 2), ("a", "template", 1),
        ("b", "ai:m", 1), ("b", "ai:m", 2), ("b", "template", 1),
    ]  # fmt: skip


def test_a_line_that_a_crash_cut_is_no_trial(tmp_path: Path) -> None:
    """The whole lines are read, and where they end is known."""
    trial = Trial(id="a", planner="template", epoch=1)
    log = read_log(wrote(tmp_path, HEADER, trial, more=as_line(trial)[:-5]))
    assert log.torn and log.trials == (trial,)
    assert log.path.read_bytes()[log.whole_bytes :].decode() == as_line(trial)[:-5]


def test_infrastructure_errors_are_left_out_of_both_arms(tmp_path: Path) -> None:
    """`of` gives the trials that say something about their planner, in the cases' order and by epoch."""
    down = {"kind": "infrastructure", "message": "no server"}
    made = [
        Trial(id="b", planner="ai:m", epoch=1),
        Trial.model_validate({"id": "a", "planner": "ai:m", "epoch": 2, "error": down}),
        Trial.model_validate({"id": "a", "planner": "ai:m", "epoch": 1, "error": down | {"kind": "planner"}}),
        Trial(id="a", planner="template", epoch=1),
    ]
    log = read_log(wrote(tmp_path, HEADER, *made))
    assert [one.key for one in log.of("ai:m")] == [("a", "ai:m", 1), ("b", "ai:m", 1)]


def test_what_a_newer_minor_version_added_is_passed_over(tmp_path: Path) -> None:
    """More fields and more kinds of lines do no harm."""
    newer = json.dumps(json.loads(as_line(HEADER)) | {"format_version": "1.7", "moon": "full"})
    path = tmp_path / "log.jsonl"
    path.write_text(newer + '\n{"kind": "weather", "rain": 1}\n', encoding="utf-8")
    assert read_log(path).header.format_version == "1.7"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", "line 1 is not JSON"),
        ("[]\n", "line 1 is not an object"),
        ('{"steps": []}\n', "header"),
        ('{"kind": "run", "format_version": "2.0"}\n', "format 2.0, and this Milepost reads 1.0"),
        ('{"kind": "run", "format_version": "1.0"}\n', "line 1, run_id"),
        (as_line(HEADER) + "{\n", "line 2 is not JSON"),
        (as_line(HEADER) + '{"kind": "trial", "id": "a", "planner": "template", "epoch": 0}\n', "line 2, epoch"),
        (as_line(HEADER) + '{"kind": "trial", "id": "z", "planner": "template", "epoch": 1}\n', "line 2 .* z"),
        (as_line(HEADER) + '{"kind": "trial", "id": "a", "planner": "x", "epoch": 1}\n', "line 2 .* x"),
    ],
)
def test_what_is_no_log_is_refused_with_the_line(tmp_path: Path, lines: str, said: str) -> None:
    """Another file, another version, a broken line, a trial of another run: a usage error that names it."""
    path = tmp_path / "log.jsonl"
    path.write_text(lines, encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        read_log(path)
    assert re.search(said, f"{refused.value.message} {refused.value.cause}")
    assert path.read_text(encoding="utf-8") == lines


def test_a_log_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    """It is told by its name."""
    with pytest.raises(NotFound, match=r"none\.jsonl"):
        read_log(tmp_path / "none.jsonl")
