"""Law: `next:` is one command to copy, whoever says it: it exists, it parses, and it is not itself a mistake."""

from __future__ import annotations

import ast
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from screen_kit import BLANKS, Screen
from test_cli_errors import MISTAKES

import milepost.everywhere
from milepost import typed
from milepost.cli import main
from milepost.slash import COMMANDS

ROOT = Path(__file__).parents[2]
FLOORS = ("milepost", "agents", "tools", "store")
OTHERS = {"chmod", "df", "kill", "ls", "mv", "pip", "python", "rm"}
"""Commands that are not ours, and that a system with Python has."""
SAMPLES = {
    "kb": "hr", "journey": "journey_1", "plan": "plan_1", "approval": "approval_1", "checkpoint": "checkpoint_1",
    "pid": "1", "known": "milepost plan", "command_path": "milepost plan", "path": "plan", "ended": "resume",
    "command": "plan",
}  # fmt: skip
"""What may stand for an expression in braces, by a word in it."""


def said() -> Iterator[tuple[str, str]]:
    """Every text that a `next=` in the source may be, with its place."""
    for floor in FLOORS:
        for path in sorted((ROOT / floor).glob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.keyword) and node.arg in ("next", "next_"):
                    for text in texts(node.value):
                        yield f"{path.name}:{node.value.lineno}", text


def texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be, as far as it is written there."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        first = isinstance(node.values[0], ast.FormattedValue)  # whose command it is, is known when it runs
        yield ("milepost plan" if first else "") + "".join(_part(part) for part in node.values[first:])
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body)
        yield from texts(node.orelse)


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    words = ast.unparse(part)
    return next((sample for word, sample in SAMPLES.items() if word in words), "1")


def parses(command: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the option parser takes a command of ours, with its blanks filled; nothing is run."""
    reached: list[bool] = []

    def work(*_: Any) -> int:
        reached.append(True)
        return 0

    monkeypatch.setattr(milepost.everywhere, "work", work)
    words = [BLANKS.get(word, word) for word in shlex.split(command)[1:]]
    return main(words) == 0 and (bool(reached) or "--help" in words)


def test_whatever_the_source_offers_is_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, those that no other test brings about, too: ours parse, and the others are usual ones."""
    found = list(said())
    assert len(found) > 60
    assert [(place, text) for place, text in found if not _can_be_given(text, monkeypatch)] == []


def _can_be_given(text: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A command of ours that parses, a usual one, or what a conversation takes."""
    if text.startswith("milepost "):
        return parses(text, monkeypatch)
    first = shlex.split(text)[0]
    return first in OTHERS or first.removeprefix("/") in COMMANDS


@pytest.mark.parametrize("name", MISTAKES)
def test_what_a_mistake_is_answered_with_works(cli: Any, home: Path, name: str) -> None:
    """Who copies what is offered, and again where more was wrong, is soon through: no mistake, no fault of ours."""
    words, _, _ = MISTAKES[name]
    told = [cli(*words)]
    while told[-1].code == 2 and len(told) < 4:
        offered = Screen(told[-1].err, 2).next
        assert offered.startswith("milepost "), told[-1].err
        told.append(cli(*(BLANKS.get(word, word) for word in shlex.split(offered)[1:])))
    assert len(told) > 1 or told[0].code == 3
    assert told[-1].code != 2 and all("inside Milepost" not in one.err for one in told), told


@pytest.mark.parametrize(
    ("words", "offered", "command"),
    [
        (["plan", "handbook", "--kb", "hr"], "milepost plan PATH --kb NAME", "milepost plan handbook --kb hr"),
        (["plan", "nowhere", "--kb", "hr"], "milepost plan PATH --kb NAME", "milepost plan PATH --kb hr"),
        (["kb", "list", "--home", "a b"], "milepost doctor", "milepost doctor --home 'a b'"),
        (["--tenant=t", "status", "--user", "ada"], "milepost journeys", "milepost journeys --tenant t --user ada"),
        (["kb", "list", "--home", "h"], "milepost init --home DIR", "milepost init --home DIR"),
        (["plan", "x", "--policy", "full"], "milepost apply plan_1", "milepost apply plan_1 --policy full"),
        (["plan", "x", "--on-file-error", "stop"], "milepost apply p", "milepost apply p --set on_file_error=stop"),
        (["plan", "x", "--set", "chunk.size=9"], "milepost status", "milepost status"),
        (["status"], "df -h x", "df -h x"),
    ],
)
def test_a_command_is_offered_for_the_same_place(
    home: Path, words: list[str], offered: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blanks are filled from what was typed; home, tenant, user and, for `apply`, the policy go along."""
    monkeypatch.setattr(typed, "_words", words)
    assert typed.offered(offered) == command


@pytest.mark.parametrize(
    ("words", "meant", "command"),
    [
        (["injest", "x"], ("injest", "ingest"), "milepost ingest x"),
        (["stats", "--kb", "hr"], ("stats", "kb", "stats"), "milepost kb stats --kb hr"),
        (["search", "hrr", "--kb=hrr"], ("hrr", "hr"), "milepost search hrr --kb=hr"),
        (["kb", "remove", "a.md", "--yes", "--kb", "hr"], ("a.md", "b c.md"), "milepost kb remove 'b c.md' --kb hr"),
        (["status"], ("x", "y"), None),
    ],
)
def test_a_correction_is_what_was_typed_but_for_one_word(
    words: list[str], meant: tuple[str, ...], command: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And without its answer: nobody copies a guess that is carried out unasked."""
    monkeypatch.setattr(typed, "_words", words)
    assert typed.corrected(*meant) == command
