"""Law: a request to go back takes the journey that it describes; where there is none it asks, and takes no other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from milepost import Milepost
from milepost.store.plan import Plan

ORDER = ("handbook", "rates", "minutes", "removal", "by bob")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A kb with five journeys, oldest first, named as in ORDER."""
    home = tmp_path_factory.mktemp("described") / "home"
    with Milepost(home, policy="rollback", embedder="fake", user="ada") as mp:
        mp.ingest([("staff/handbook.md", b"text h"), ("old.md", b"text o")], kb="hr")
        mp.ingest([("rates.csv", b"a,b\n1,2\n")], kb="hr")
        mp.ingest([("minutes.md", b"text m")], kb="hr", request="add what the council said")
        mp.kb_remove("old.md", kb="hr")
    with Milepost(home, policy="rollback", embedder="fake", user="bob") as mp:
        mp.ingest([("offer.md", b"text b"), ("rates.csv", b"a,b\n1,3\n")], kb="hr")
    return home


@pytest.fixture
def mp(home: Path) -> Iterator[Milepost]:
    with Milepost(home, policy="rollback", embedder="fake", user="ada") as mp:
        yield mp


def taken(mp: Milepost, plan: Plan) -> list[str]:
    """The journeys that a plan takes back, by their names here."""
    names = dict(zip([one.journey_id for one in reversed(mp.journeys("hr"))], ORDER, strict=True))
    return [names[one["journey_id"]] for one in plan.resources.get("going_back", {}).get("journeys", [])]


@pytest.mark.parametrize(
    ("words", "journey"),
    [("undo the import of minutes.md", "minutes"), ("undo the import of handbook.md", "handbook"),
     ("revert what you did to staff/handbook.md", "handbook"), ("undo the removal of old.md", "removal"),
     ("undo the removal", "removal"), ("take back what bob did", "by bob"), ("undo the handbook import", "handbook"),
     ("undo the council import", "minutes"), ("undo the last import of rates.csv", "by bob"),
     ("undo the last import", "by bob"), ("undo that", "by bob")],
)  # fmt: skip
def test_the_journey_that_is_described_is_taken_back(mp: Milepost, words: str, journey: str) -> None:
    """By a name that it changed, by what it did to it, by whose it was, by a word of its request."""
    plan = mp.plan([], kb="hr", request=words)
    assert taken(mp, plan) == [journey], plan.questions


@pytest.mark.parametrize(
    "words",
    ["undo the import of nowhere.md", "undo the removal of minutes.md", "undo the hiding of minutes.md",
     "undo the unicorn import", "take back what carol did", "undo journey_ffffffff", "undo the import of rates.csv"],
)  # fmt: skip
def test_what_nobody_did_is_asked_about(mp: Milepost, words: str) -> None:
    """No step, and a question; where several fit it names them."""
    plan = mp.plan([], kb="hr", request=words)
    assert plan.steps == () and [one.about for one in plan.questions] == ["journey"]


def test_the_question_is_answered_with_an_id(mp: Milepost) -> None:
    """As it was shown."""
    text = mp.plan([], kb="hr", request="undo the import of rates.csv").questions[0].text
    newest, oldest = text.partition(": ")[2].split(", ")
    for said, journey in ((newest, "by bob"), (oldest, "rates")):
        assert taken(mp, mp.plan([], kb="hr", request=f"undo {said.split(' ')[0]}")) == [journey]


def test_what_was_undone_is_not_undone_again(tmp_path: Path) -> None:
    """It is answered, and no older journey of that name goes in its place."""
    with Milepost(tmp_path / "home", policy="rollback", embedder="fake", user="ada") as mp:
        mp.ingest([("a.md", b"text a")], kb="hr")
        mp.ingest([("b.md", b"text b")], kb="hr")
        assert mp.apply(mp.plan([], kb="hr", request="undo the import of a.md")).status == "completed"
        assert {hit.source for hit in mp.search("text", kb="hr")} == {"b.md"}
        again = mp.plan([], kb="hr", request="undo the import of a.md")
        assert [step.action for step in again.steps] == ["report"] and "rolled back already" in again.render()
