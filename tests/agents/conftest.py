"""Fixtures of the planner's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from planner_kit import World
from talk_kit import Talk

from milepost import Milepost
from milepost.agents import FakeServer
from milepost.tools.sandbox import ParserPool


@pytest.fixture(scope="session")
def pool() -> Iterator[ParserPool]:
    """One parser for all tests of this folder."""
    with ParserPool() as parsers:
        yield parsers


@pytest.fixture
def world(tmp_path: Path, pool: ParserPool) -> World:
    """An empty folder and a home that is not there yet."""
    return World(tmp_path, pool)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "files"
    folder.mkdir()
    for name in ("leave", "travel"):
        (folder / f"{name}.md").write_text(f"# {name}\n\nWhat everybody should know about {name}.\n", encoding="utf-8")
    return folder


@pytest.fixture
def talk(tmp_path: Path, folder: Path) -> Iterator[Callable[[Any], Talk]]:
    opened: list[Any] = []

    def make(script: Any) -> Talk:
        server = FakeServer(script)
        server.__enter__()
        made = Talk(tmp_path / "home", folder, server)
        opened.extend((made.mp, server))
        return made

    yield make
    for one in opened:
        one.close() if isinstance(one, Milepost) else one.__exit__(None, None, None)
