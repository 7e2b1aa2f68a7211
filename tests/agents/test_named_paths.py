"""Law: a folder that a sentence names as a place puts its files on offer; they need not be called so."""

from __future__ import annotations

from pathlib import Path

import pytest
from planner_kit import EMBEDDER, USER, World, actions

from milepost import Milepost
from milepost.agents.named_paths import spoken


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("docs/leave.md", "docs/travel.md", "docs/more/badge.txt", "old/rules.md"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("said", "paths", "request_left"),
    [
        ("add everything in docs to hr", ["docs"], "add everything into hr"),
        ("add everything in docs, to hr", ["docs"], "add everything, into hr"),
        ("put docs/ into hr kb", ["docs/"], "put the files into hr kb"),
        ("Please add the docs folder to our hr.", ["docs"], "Please add the files into our hr."),
        ("load all documents from ./docs into hr", ["./docs"], "load all documents into hr"),
        ("add docs to hr but not travel", ["docs"], "add the files into hr but not travel"),
        ("add docs/leave.md to hr", ["docs/leave.md"], "add leave.md into hr"),
        ("add docs/*.md to hr", ["docs/leave.md", "docs/travel.md"], "add *.md into hr"),
        ("put docs into hr and old into legal", ["docs", "old"], "put docs into hr and old into legal"),
        ("add docs/leave.md to old", ["docs/leave.md", "old"], "add leave.md to old"),
        ("add the new leave rules to hr", [], "add the new leave rules to hr"),
        ("add \0 and " + "x" * 5000, [], "add \0 and " + "x" * 5000),
    ],
)
def test_what_a_sentence_names(folder: Path, said: str, paths: list[str], request_left: str) -> None:
    """One folder is left out of the sentence; of several each word stays, since they may be for different kbs."""
    heard = spoken(said, folder)
    assert (heard.paths, heard.request) == (paths, request_left)


@pytest.mark.parametrize(
    ("request_said", "taken"),
    [
        ("add everything in reports to hr kb", {"sales.md", "staff.md"}),
        ("put the reports folder into kb hr", {"sales.md", "staff.md"}),
        ("add the reports about sales to kb hr", {"sales.md"}),
        ("add only the invoices to kb hr", None),
    ],
)
def test_where_no_name_fits_the_folder_that_was_given_is_a_part_of_it(
    world: World, request_said: str, taken: set[str] | None
) -> None:
    """On the command line, where the path is given beside the words; what fits neither is asked about."""
    world.write("reports/sales.md", "# A\n\nText.\n")
    world.write("reports/staff.md", "# B\n\nText.\n")
    with Milepost(world.home_path, policy="rollback", embedder=EMBEDDER, user=USER) as milepost:
        plan = milepost.plan([world.docs / "reports"], request=request_said)
    assert bool(plan.questions) == (taken is None)
    assert taken is None or {name for name, what in actions(plan).items() if what == "add"} == taken


def test_a_name_that_fits_counts_for_more_than_the_folder(world: World) -> None:
    """Of a folder of reports with one that is called so, that one is meant."""
    world.write("reports/report-1.md", "# A\n\nText.\n")
    world.write("reports/notes.md", "# B\n\nText.\n")
    with Milepost(world.home_path, policy="rollback", embedder=EMBEDDER, user=USER) as milepost:
        plan = milepost.plan([world.docs / "reports"], request="add the reports to kb hr")
    assert {name for name, what in actions(plan).items() if what == "add"} == {"report-1.md"}
