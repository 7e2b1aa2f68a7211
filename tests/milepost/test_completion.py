"""Law: a shell can complete commands, options, choices and the names of knowledge bases; whatever is wrong, quietly."""

from __future__ import annotations

from pathlib import Path

import pytest
from screen_kit import piped


def completed(folder: Path, line: str) -> list[str]:
    """What a shell is offered for the last word of a line."""
    env = {"_MILEPOST_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = piped(folder, env=env)
    assert done.returncode == 0 and done.stderr == "", done
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("milepost roll", {"rollback"}),
        ("milepost kb ver", {"verify"}),
        ("milepost plan --no-ex", {"--no-expose"}),
        ("milepost plan --planner ", {"template", "ai", "auto"}),
        ("milepost search leave --kb ", {"hr"}),
        ("milepost kb stats --kb h", {"hr"}),
        ("milepost kb stats --kb x", set[str]()),
        ("milepost --tenant other kb stats --kb ", set[str]()),
        ("milepost --home nowhere search x --kb ", set[str]()),
    ],
)
def test_words_are_completed(home: Path, line: str, offered: set[str]) -> None:
    """From the command line itself, and kbs from the home that is named; a home that is not there is not made."""
    assert set(completed(home.parent, line)) == offered
    assert not (home.parent / "nowhere").exists()


def test_a_damaged_home_completes_nothing(home: Path) -> None:
    """Nobody wants to read of it at the prompt."""
    (home / "milepost.db").write_bytes(b"nothing of the kind" * 1000)
    assert completed(home.parent, "milepost search x --kb ") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_for_a_shell_is_shown(tmp_path: Path, shell: str) -> None:
    """To be sourced; nothing is installed. (`--show-completion` finds out which shell it was called from.)"""
    shown = piped(tmp_path, env={"_MILEPOST_COMPLETE": f"source_{shell}"})
    assert shown.returncode == 0 and "_MILEPOST_COMPLETE" in shown.stdout
    assert list(tmp_path.iterdir()) == []
