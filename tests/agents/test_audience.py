"""Law: what a request brings in for some only, a search for others does not find; no later step opens it unsaid."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from milepost import Milepost, Policy
from milepost.agents import journey_tools

DOCS = {"leave.md": "text of leave", "pay.md": "text of pay", "car.md": "text of cars"}


@pytest.fixture
def mp(tmp_path: Path) -> Iterator[Milepost]:
    """A home in which leave.md is for everybody, pay.md for hr only."""
    with Milepost(tmp_path / "home", policy="rollback", embedder="fake") as made:
        put(made, "leave.md")
        put(made, "pay.md", "only for HR")
        yield made


def put(mp: Milepost, name: str, request: str | None = None, text: str | None = None) -> dict[str, str]:
    """Ingest one file; what each came to."""
    journey = mp.ingest([(name, (text or DOCS[name]).encode())], kb="kb", request=request)
    return {file.source: file.outcome for file in journey.files}


def found(mp: Milepost, *who: str, at: int | None = None) -> set[str]:
    """The sources that somebody of these audiences finds."""
    return {hit.source for hit in mp.search("text", kb="kb", k=100, audience=who, at=at)}


def test_what_is_for_some_only_they_find(mp: Milepost) -> None:
    """Members find it besides what is for everybody, others and members of nothing do not; unasked, all is found."""
    assert found(mp, "hr") == found(mp, "sales", "HR") == {"leave.md", "pay.md"}
    assert found(mp, "sales") == found(mp) == {"leave.md"}
    assert {hit.source: hit.audience for hit in mp.search("text", kb="kb", k=9)} == {"leave.md": None, "pay.md": "hr"}
    assert mp.search("text", kb="kb", audience="hr", k=9) == mp.search("text", kb="kb", audience=["hr"], k=9)
    assert mp.kb_stats("kb").audiences == {"hr": 1}


def test_equal_content_for_everybody_is_no_duplicate_of_what_is_for_some(mp: Milepost) -> None:
    """A copy given to everybody is found by everybody; a copy for some does not hide what everybody has."""
    assert put(mp, "copy.md", text=DOCS["pay.md"]) == {"copy.md": "added"}
    assert put(mp, "own.md", "only for legal", text=DOCS["leave.md"]) == {"own.md": "added"}
    assert put(mp, "twin.md", text=DOCS["leave.md"]) == {"twin.md": "skipped"}
    assert found(mp) == {"leave.md", "copy.md"}
    assert found(mp, "legal") == {"leave.md", "copy.md", "own.md"}


def test_an_audience_stays_until_it_is_said_otherwise_and_opening_is_warned_of(mp: Milepost) -> None:
    """The same file again changes nothing; a new version without a word of it goes to everybody, after a warning."""
    assert put(mp, "pay.md") == {"pay.md": "skipped"}
    new = [("pay.md", b"text of pay, raised")]
    assert "for hr only" in " ".join(mp.plan(new, kb="kb").files[0].warnings)
    assert mp.plan(new, kb="kb", request="only for hr").files[0].warnings == ()
    mp.ingest(new, kb="kb", request="only for hr")
    assert found(mp) == {"leave.md"}
    mp.ingest([("pay.md", b"text of pay for all")], kb="kb")
    assert found(mp) == {"leave.md", "pay.md"}


def test_going_back_brings_the_audience_back(mp: Milepost) -> None:
    """A file opened by mistake is for its audience again after an undo; a past revision answers as it was."""
    opened = mp.ingest([("pay.md", b"text of pay for all")], kb="kb")
    mp.undo(opened)
    assert found(mp) == {"leave.md"}
    assert found(mp, at=3) == {"leave.md", "pay.md"}


def test_a_policy_can_say_whom_things_are_for(tmp_path: Path) -> None:
    """A tag of the policy is on everything, and a request's own one stands in its place."""
    policy = Policy.rollback(chunk={"tags": ("audience=Support team",)})
    with Milepost(tmp_path / "home", policy=policy, embedder="fake") as mp:
        put(mp, "leave.md")
        put(mp, "pay.md", "only for HR")
        assert (found(mp, "support-team"), found(mp, "hr"), found(mp)) == ({"leave.md"}, {"pay.md"}, set())


def test_an_assistant_may_search_for_an_audience(mp: Milepost) -> None:
    """The tool's argument is the search's."""
    search = next(tool for tool in journey_tools(mp) if tool.name == "search_knowledge")
    for who, names in (("hr", {"leave.md", "pay.md"}), ("sales", {"leave.md"})):
        answer = search.invoke({"query": "text", "kb": "kb", "audience": who})
        assert {hit["source"] for hit in answer["results"]} == names
