"""The fixture that most tests of the store start from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from librarian_kit import House
from store_kit import Kit

from milepost.store import faults


@pytest.fixture
def kit(tmp_path: Path) -> Iterator[Kit]:
    made = Kit(tmp_path / "home")
    yield made
    faults.arm(None)
    made.home.close()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A librarian's home."""
    made = House(tmp_path / "home")
    yield made
    faults.arm(None)
    made.home.close()
