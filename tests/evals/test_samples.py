"""Law: cases are read in Inspect's shape and in the plain one, alike; a line that is none is named, the rest read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from milepost.evals.samples import OWN_CASES, STEPS, case_of, cases_digest, read_samples, sample_of
from milepost.store.errors import NotFound, UsageError

GOOD: dict[str, Any] = {
    "id": "c-1", "family": "plain", "request": "add a.md", "length": "short",
    "context": {"files": [{"name": "a.md", "size_mb": 0.1, "modified": "2026-01-31"}], "knowledge_base": "hr"},
    "expect": {"steps": ["upload"], "files": ["a.md"], "params": {"kb": "hr"}, "order": [["upload", "parse"]]},
}  # fmt: skip


def broken(**changes: Any) -> dict[str, Any]:
    """A case with something else in `expect`, `context` or beside them."""
    case = json.loads(json.dumps(GOOD))
    for name, value in changes.items():
        place = case["expect"] if name in case["expect"] else case["context"] if name in case["context"] else case
        place[name] = value
    return case


def test_the_projects_own_cases_are_whole_and_of_every_kind() -> None:
    """At least 80, each with an id of its own and expectations; families of paraphrases; every step is asked for."""
    samples = read_samples(OWN_CASES)
    assert not samples.broken and len(samples.cases) >= 80
    families = [case["family"] for case in samples.cases]
    assert all(families.count(family) > 1 for family in set(families) - {"contradiction"})
    assert {step for case in samples.cases for step in case["expect"]["steps"]} == set(STEPS)


def test_both_shapes_are_the_same_case() -> None:
    """A case, its sample, and its sample read again are one; so is the digest, in any order."""
    for case in read_samples(OWN_CASES).cases:
        assert case_of(sample_of(case)) == case
        assert case_of(case) == case
    cases = read_samples(OWN_CASES).cases
    assert cases_digest(cases) == cases_digest([sample_read(case) for case in reversed(cases)])
    assert cases_digest(cases) != cases_digest(cases[1:])


def sample_read(case: dict[str, Any]) -> dict[str, Any]:
    return case_of(json.loads(json.dumps(sample_of(case))))


def test_expectations_may_stand_in_the_metadata_itself() -> None:
    """And the target may be a text of steps: the shortest line that Inspect and we both read."""
    line = {"id": "x", "input": "add a.md", "target": "upload parse", "metadata": {"files": ["a.md"], "ask": None}}
    case = case_of(line)
    assert case["expect"]["steps"] == ["upload", "parse"] and case["expect"]["files"] == ["a.md"]
    assert case["context"]["files"] == [] and case["family"] == ""


def test_what_is_ones_own_in_a_case_is_kept() -> None:
    """More fields are there for scorers of one's own."""
    case = case_of(broken(author="ada") | {"expect": {**GOOD["expect"], "tone": "calm"}})
    assert case["author"] == "ada" and case["expect"]["tone"] == "calm" and case["length"] == "short"


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "not JSON"),
        ("[1]", "not an object"),
        ("[" * 100_000, "nests too deeply"),
        (json.dumps(broken(id="")), "id: "),
        (json.dumps(broken(request="")), "request: "),
        (json.dumps(broken(steps=[])), "expect.steps: "),
        (json.dumps(broken(steps=["fly"])), "there is no step 'fly'"),
        (json.dumps(broken(files=[{"name": "../../etc/passwd"}])), "expect.files"),
        (json.dumps(GOOD | {"context": {"files": [{"name": "../x"}]}}), "'../x' is no name of a file inside"),
        (json.dumps(GOOD | {"context": {"files": [{"name": "/etc/x"}]}}), "'/etc/x' is no name"),
        (json.dumps(GOOD | {"context": {"files": [{"name": "a", "size_mb": -1}]}}), "size_mb"),
        (json.dumps(GOOD | {"context": {"files": [{"name": "a", "modified": "yesterday"}]}}), "modified"),
        (json.dumps(broken(knowledge_base="")), "knowledge_base"),
        (json.dumps({"id": "x", "input": "hi"}), "metadata"),
        (json.dumps(GOOD).replace('"short"', "NaN"), "NaN|not JSON compliant|Out of range"),
        (json.dumps(GOOD | {"id": "good"}), "'good' is there already"),
    ],
)
def test_a_line_that_is_no_case_is_named_and_the_rest_is_read(tmp_path: Path, line: str, why: str) -> None:
    """Its number and what is wrong with it; the good lines around it are cases."""
    path = tmp_path / "cases.jsonl"
    first, last = json.dumps(GOOD | {"id": "good"}), json.dumps(GOOD | {"id": "last"})
    path.write_text(f"{first}\n\n{line}\n{last}\n", "utf-8")
    samples = read_samples(path)
    assert [case["id"] for case in samples.cases] == ["good", "last"]
    (found,) = samples.broken
    assert found.line == 3
    assert any(part in found.why for part in why.split("|")), found.why


def test_a_file_without_a_case_is_refused(tmp_path: Path) -> None:
    """With the first line that is none; an empty file and one that is not there are told apart."""
    path = tmp_path / "cases.jsonl"
    path.write_text('{"id": 1}\n')
    with pytest.raises(UsageError, match="no case in") as refused:
        read_samples(path)
    assert "line 1" in refused.value.cause
    path.write_text("\n")
    with pytest.raises(UsageError, match="no case in"):
        read_samples(path)
    with pytest.raises(NotFound, match=r"gone\.jsonl"):
        read_samples(tmp_path / "gone.jsonl")
