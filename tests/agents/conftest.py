"""Fixtures of the planner's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from planner_kit import World

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
