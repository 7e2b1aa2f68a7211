"""What many tests count together: the figures of a run, summed over all its workers and printed as its last lines."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

# pytest has put this folder on the path for this file; tests/milepost would be taken for the package there.
sys.path[:] = [one for one in sys.path if one != str(Path(__file__).parent)]

_COUNTED = "figures"


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Callable[[str, int, int], None]:
    """Count so many of something, and how many of them were wrong."""

    def count(what: str, number: int, wrong: int) -> None:
        request.node.user_properties.append((_COUNTED, [what, number, wrong]))

    return count


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what was counted; a test that failed has counted, too."""
    numbers, wrong = Counter[str](), Counter[str]()
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, [])]
    for report in reports:
        for name, said in getattr(report, "user_properties", []):
            if name == _COUNTED and report.when == "call":
                numbers[said[0]] += said[1]
                wrong[said[0]] += said[2]
    if numbers:
        terminalreporter.section("figures")
    for what, number in numbers.items():
        terminalreporter.write_line(f"{number:,} {what}: {wrong[what]} wrong")
