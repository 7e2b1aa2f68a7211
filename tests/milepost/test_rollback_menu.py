"""Law: on a terminal `rollback` alone offers the checkpoints, does what was chosen after showing it, and no more."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from cli_kit import HANDBOOK, write
from screen_kit import screen, told

from milepost import Milepost

WHICH, SURE = "Go back to which?", "Roll back?"


@pytest.fixture
def folder(built: Path, tmp_path: Path) -> Path:
    """A folder with a home in which one kb has two journeys, and another kb one."""
    write(tmp_path / "handbook", HANDBOOK)
    shutil.copytree(built, tmp_path / ".milepost")
    with opened(tmp_path) as mp:
        mp.ingest([("bicycles.md", b"The shed has a pump.")], kb="hr")
        mp.ingest([("other.md", b"Of another kb.")], kb="other")
    return tmp_path


def opened(folder: Path) -> Milepost:
    return Milepost(folder / ".milepost", embedder="fake")


def revisions(folder: Path) -> dict[str, int]:
    with opened(folder) as mp:
        return {kb.name: kb.revision for kb in mp.kb_list()}


def offered(shown: Any) -> dict[str, str]:
    """The numbers of the menu with the checkpoints behind them."""
    return dict(re.findall(r"^ *(\d+)  (checkpoint_\S+)", shown.text, re.MULTILINE))


def test_what_is_chosen_is_shown_and_done(folder: Path) -> None:
    """The checkpoint before the last journey of the kb: its source goes, and only that."""
    shown = screen(folder, "rollback", "--kb", "hr", answers={WHICH: "6", SURE: "y"})
    assert shown.code == 0 and len(offered(shown)) == 10
    assert offered(shown)["6"].startswith("checkpoint_before_upload")
    assert shown.text.index("- remove  bicycles.md") < shown.text.index(SURE) < shown.text.index("Rolled back to")
    assert revisions(folder) == {"hr": 3, "other": 1}


@pytest.mark.parametrize("answers", [{WHICH: ""}, {WHICH: "99"}, {WHICH: "nonsense"}, {WHICH: "9" * 5000},
                                     {WHICH: "6", SURE: "n"}, {WHICH: "6", SURE: ""}])  # fmt: skip
def test_no_choice_or_a_no_changes_nothing(folder: Path, answers: dict[str, str]) -> None:
    shown = screen(folder, "rollback", "--kb", "hr", answers=answers)
    assert shown.code == 0 and "Nothing was rolled back." in shown.text and "Traceback" not in shown.text
    assert revisions(folder) == {"hr": 2, "other": 1}


def test_all_kbs_are_offered_where_none_is_named(folder: Path) -> None:
    shown = screen(folder, "rollback", answers={WHICH: ""})
    assert len(offered(shown)) == 15 and "other" in shown.text


def test_another_tenants_checkpoints_are_not_offered(folder: Path) -> None:
    shown = screen(folder, "rollback", "--tenant", "elsewhere", answers={WHICH: "1"})
    assert shown.code == 2 and not offered(shown) and "there are no checkpoints" in shown.text


def test_where_nobody_can_choose_it_says_what_to_name(folder: Path) -> None:
    """Exit 2, with the ways to say it."""
    shown = told(folder, "rollback", "--kb", "hr")
    assert shown.code == 2 and "--last" in shown.text and "--journey" in shown.text
    assert revisions(folder) == {"hr": 2, "other": 1}
