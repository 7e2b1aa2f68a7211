"""Law: cases are read as they are written, foreign ones in our words; a bad line is named."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from milepost.agents.validator import validate_plan
from milepost.evals.cases import conformance_case, load_cases
from milepost.store.errors import NotFound, UsageError

SHARED = Path(os.environ.get("MILEPOST_SHARED_DATA") or Path(__file__).parents[2].parent / "shared" / "data")
SAMPLE = SHARED / "conformance_sample.jsonl"


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the shared conformance sample is not on this machine")
def test_the_conformance_sample_is_judged_as_it_says() -> None:
    """Every valid plan is accepted without a warning, every broken one rejected with its code."""
    cases = [conformance_case(case) for case in load_cases(SAMPLE)]
    assert len(cases) == 55
    for case in cases:
        judged = validate_plan(case.plan, case.registry)
        assert judged.valid == (case.code is None), case.id
        assert not judged.warnings, case.id
        if case.code is not None:
            assert case.code in {issue.code for issue in judged.errors}, case.id


def test_a_foreign_case_is_put_in_our_words() -> None:
    """`tools` is the registry, `tool` the action, unknown_tool our unknown_action; nothing else changes."""
    step = {"id": "s1", "tool": "fly", "args": {"to": "Rome"}, "depends_on": []}
    line = json.dumps({"id": "c", "plan": {"steps": [step]}, "tools": {"walk": {"params": {}}}, "code": "unknown_tool"})
    case = conformance_case(line)
    assert case.plan == {"steps": [{"id": "s1", "action": "fly", "args": {"to": "Rome"}, "depends_on": []}]}
    assert case.registry == {"walk": {"params": {}}} and case.code == "unknown_action"
    assert conformance_case(json.loads(line) | {"code": None}).code is None


def test_lines_are_read_in_order_and_empty_ones_passed_over(tmp_path: Path) -> None:
    """A JSONL file gives its objects, in any script."""
    file = tmp_path / "cases.jsonl"
    file.write_text('{"id": "é"}\n\n{"id": 2}\n', "utf-8")
    assert [case["id"] for case in load_cases(file)] == ["é", 2]


@pytest.mark.parametrize("line", ["{", "[1]", "null"])
def test_a_line_that_is_no_case_is_named(tmp_path: Path, line: str) -> None:
    """What is no object is a usage error with file and line."""
    file = tmp_path / "cases.jsonl"
    file.write_text(f'{{"id": 1}}\n{line}\n')
    with pytest.raises(UsageError, match=r"cases\.jsonl, line 2"):
        list(load_cases(file))


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    """A missing file is told by its name."""
    with pytest.raises(NotFound, match=r"none\.jsonl"):
        list(load_cases(tmp_path / "none.jsonl"))
