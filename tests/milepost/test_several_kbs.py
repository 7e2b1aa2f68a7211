"""Law: a request over several kbs is one plan for each, which is planned, applied and undone by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from cli_kit import Cli

from milepost import Milepost
from milepost.agents.request_kb import for_each_kb, kbs_named
from milepost.agents.request_text import RequestText
from milepost.tools.embedders import FakeEmbedder

KNOWN = ("hr", "legal", "sales")


@pytest.mark.parametrize(
    ("request_", "kbs"),
    [
        ("add these into hr and legal", ["hr", "legal"]),
        ("put them in the hr and sales knowledge bases, no drafts", ["hr", "sales"]),
        ("load it into hr, legal and sales please", ["hr", "legal", "sales"]),
        ("add it to kb hr and legal", ["hr", "legal"]),
    ],
)
def test_a_list_of_kbs_is_a_request_for_each(request_: str, kbs: list[str]) -> None:
    """Each of them names its own kb and no other, and says the rest as it was said."""
    asked = for_each_kb(request_, KNOWN)
    assert len(asked) == len(kbs)
    for one, kb in zip(asked, kbs, strict=True):
        assert kb in one
        assert not any(other in one for other in KNOWN if other != kb)


@pytest.mark.parametrize(
    "request_", ["add these", "add these into hr", "the rules into hr and the prices into sales", "x" * 100_000, ""]
)
def test_what_names_no_list_stays_one_request(request_: str) -> None:
    """Which files are for which kb is never guessed."""
    assert for_each_kb(request_, KNOWN) == [request_]


@pytest.mark.parametrize(
    ("request_", "asked"),
    [
        ("put the handbook into hr and the contracts into legal",
         ["put the handbook into hr", "put the contracts into legal"]),
        ("Please add the faq and the rules to the hr kb, the prices to sales and the contracts to legal.",
         ["add the faq and the rules into hr", "add the prices into sales", "add the contracts into legal"]),
        ("load a.md into hr; load b.md into legal", ["load a.md into hr", "load b.md into legal"]),
    ],
)  # fmt: skip
def test_what_is_for_each_kb_is_a_request_for_each(request_: str, asked: list[str]) -> None:
    """Said of every kb, in so many words: each plan's request has its own part and nothing of another's."""
    assert for_each_kb(request_, KNOWN) == asked


@pytest.mark.parametrize(
    "request_",
    [
        "put the handbook into hr and everything else into legal",
        "put the handbook into hr and the rest into legal",
        "put the handbook into hr, but not into legal",
        "put the handbook into hr and remove it from legal",
        "put the handbook into hr and the contracts into legal, and hide the old ones",
        "put the handbook into hr and the contracts into legal, but don't expose them yet",
        "put the handbook into hr and delete the contracts in legal",
        "put the handbook into hr and the contracts into legal if they are signed",
        "put the handbook into hr and keep the contracts in legal",
        "put the handbook into hr and the contracts into hr and the prices into legal",
        "move the handbook into hr and the contracts into legal",
        "put these into hr and those into legal",
        "put the handbook from legal into hr",
    ],
)
def test_whatever_says_more_is_asked_about(request_: str) -> None:
    """A word that is not of the plain kind: one request, whose plan asks which kb, and does nothing."""
    assert for_each_kb(request_, KNOWN) == [request_]


@pytest.mark.parametrize(
    "request_",
    ["put these into hr and finance", "load it into hr, finance and legal please", "add them to hr and Finance.",
     "put it in the hr and finance knowledge bases"],
)  # fmt: skip
def test_a_listed_kb_that_is_not_there_is_asked_about(request_: str, tmp_path: Path) -> None:
    """Neither passed over nor made: one plan, which asks, whether a kb is given or not."""
    assert for_each_kb(request_, KNOWN) == [request_]
    with Milepost(tmp_path / "home", policy="rollback", embedder=FakeEmbedder()) as mp:
        mp.ingest([("first.md", b"# First\n\nThe first page.\n")], kb="hr")
        plans = [*mp.plan_each([("note.md", b"# Note\n")], request=request_)]
        plans.append(mp.plan([("note.md", b"# Note\n")], kb="hr", request=request_))
        assert [[one.about for one in plan.questions] for plan in plans] == [["kb"], ["kb"]]
        assert all(not plan.steps and "inance" in plan.questions[0].text for plan in plans)


@pytest.mark.parametrize(
    "request_",
    [
        "put these into hr and finance, and create finance if it isn't there",
        "put these into hr and finance (make it if it is missing)",
        "add these to hr and a new kb called finance",
        "add these to hr and the new finance kb",
    ],
)
def test_one_that_is_to_be_made_is_made(request_: str) -> None:
    """Said to be new, it gets a plan as the others do."""
    asked = for_each_kb(request_, KNOWN)
    assert [("hr" in one, "finance" in one, " if " in one) for one in asked] == [
        (True, False, False),
        (False, True, False),
    ]


@pytest.mark.parametrize(
    "request_",
    ["put it in hr, cheers", "put it into hr and publish", "into hr and tag it with author", "into hr and thanks"],
)
def test_what_else_follows_a_kb_is_none(request_: str) -> None:
    """A verb or a word of thanks is no name."""
    assert for_each_kb(request_, KNOWN) == [request_]
    assert kbs_named(RequestText(request_), KNOWN) == ["hr"]


def test_each_kb_gets_its_own_files_and_no_other(tmp_path: Path) -> None:
    """Two things for two kbs: what is found where, afterwards."""
    for name in ("handbook.md", "contracts.md", "minutes.md"):
        (tmp_path / "docs").mkdir(exist_ok=True)
        (tmp_path / "docs" / name).write_text(f"# {name}\n\nText of {name}.\n", encoding="utf-8")
    with Milepost(tmp_path / "home", policy="rollback", embedder=FakeEmbedder()) as mp:
        plans = mp.plan_each([tmp_path / "docs"], request="put the handbook into hr and the contracts into legal")
        assert [plan.questions for plan in plans] == [(), ()]
        for plan in plans:
            mp.apply(plan)
        found = {kb: {hit.source for hit in mp.search("text", kb=kb, k=9)} for kb in ("hr", "legal")}
    assert found == {"hr": {"handbook.md"}, "legal": {"contracts.md"}}


def test_each_plan_is_applied_and_undone_by_itself(tmp_path: Path) -> None:
    """Two plans, two journeys; undoing one leaves what the other brought in."""
    note = tmp_path / "note.md"
    note.write_text("# Leave\n\nThirty days a year.\n", encoding="utf-8")
    with Milepost(tmp_path / "home", policy="rollback", embedder=FakeEmbedder()) as mp:
        for kb in ("hr", "legal"):
            mp.ingest([("first.md", f"# {kb}\n\nThe first page.\n".encode())], kb=kb)
        plans = mp.plan_each([note], request="add this into hr and legal")
        assert [plan.kb for plan in plans] == ["hr", "legal"]
        assert all(not plan.questions for plan in plans)
        journeys = [mp.apply(plan) for plan in plans]
        mp.undo(journeys[0])
        assert {kb.name: kb.sources for kb in mp.kb_list()} == {"hr": 1, "legal": 2}


def test_the_command_line_shows_every_plan(cli: Cli) -> None:
    """`plan` as JSON: the first as ever, and all of them under `plans`."""
    for kb in ("hr", "legal"):
        assert cli("ingest", "handbook/people", "--kb", kb, "--set", "enable_rollback=true").code == 0
    shown = cli("--json", "plan", "handbook/money", "--request", "add this into hr and legal")
    assert shown.code == 0, shown.err
    assert [one["plan"]["kb"] for one in shown.json["plans"]] == ["hr", "legal"]
    assert shown.json["plan"] == shown.json["plans"][0]["plan"]
