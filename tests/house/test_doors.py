"""Law: a floor's door says what is public, sorted, and opens lazily: importing one pulls in no library."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("agents", "evals", "prompts", "store", "tools")
DOORS = ("milepost", *(f"milepost.{floor}" for floor in FLOORS))
HEAVY = ("chromadb", "kreuzberg", "langchain_core", "langgraph", "numpy", "openai", "pydantic", "rich", "typer")


def door_of(name: str) -> Path:
    """The file of a door."""
    return ROOT / name.rpartition(".")[2] / "__init__.py"


@pytest.mark.parametrize("name", DOORS)
def test_what_is_public_is_sorted(name: str) -> None:
    """`__all__` is sorted as ruff sorts it, and names nothing twice."""
    public = importlib.import_module(name).__all__
    constants = [word for word in public if word.isupper()]
    classes = [word for word in public if word[0].isupper() and not word.isupper()]
    functions = [word for word in public if word[0].islower()]
    assert public == sorted(constants) + sorted(classes) + sorted(functions)
    assert len(public) == len(set(public))


@pytest.mark.parametrize("name", DOORS)
def test_what_is_public_is_there(name: str) -> None:
    """Every public name can be had, is shown by `dir`, and comes from below Milepost, not from a library."""
    door = importlib.import_module(name)
    for word in door.__all__:
        found = getattr(door, word)
        assert word in dir(door)
        assert getattr(found, "__module__", "milepost").startswith("milepost"), word


@pytest.mark.parametrize("name", DOORS)
def test_type_checkers_see_the_same(name: str) -> None:
    """What a door imports for type checkers is what it hands out: neither more nor less, from the same module."""
    door = importlib.import_module(name)
    body = ast.parse(door_of(name).read_text(encoding="utf-8")).body
    static = {
        alias.name: node.module
        for block in body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert set(static) == set(door.__all__)
    assert static == getattr(door, "_ROOMS", {})


@pytest.mark.parametrize("name", DOORS)
def test_a_door_is_light(name: str) -> None:
    """Importing a door imports no library at all."""
    code = f"import {name}, sys; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_a_wrong_name_is_an_attribute_error() -> None:
    """A door says which module has no such name, as a module without a door would."""
    with pytest.raises(AttributeError, match=r"'milepost\.store' has no attribute 'Nothing'"):
        importlib.import_module("milepost.store").Nothing  # noqa: B018


def test_the_promised_names_are_public() -> None:
    """The names that the documentation promises from a floor are at its door."""
    promised = {
        "milepost": ["AsyncMilepost", "Milepost", "MilepostError", "Policy", "UserContext"],
        "milepost.agents": ["AsyncMilepost", "Milepost", "build_graph", "make_graph", "validate_plan"],
        "milepost.store": ["Librarian", "Plan", "Policy"],
    }
    for name, words in promised.items():
        assert set(words) <= set(importlib.import_module(name).__all__)
