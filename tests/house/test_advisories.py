"""Law: no release that an advisory speaks of can be installed, and what SECURITY.md says is not there is not there."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).parents[2]
FLOORS = {
    "langgraph": "1.2", "langgraph-checkpoint": "4.0", "langgraph-checkpoint-sqlite": "3.0.1",
    "langchain-core": "1.2.11", "langchain-openai": "1.1.14", "chromadb": "1.5.9",
}  # fmt: skip
"""The lowest release of each package that is good enough, with room above the last fix."""
TABLE = re.findall(
    r"^\| ([\w-]+) \| (.+?) \| (none|[\d.]+) \| (.+) \|$",
    (ROOT / "SECURITY.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def lowest() -> dict[str, Version]:
    """The lower bound of each dependency."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    bounds = {}
    for requirement in map(Requirement, wanted):
        found = [Version(each.version) for each in requirement.specifier if each.operator in (">=", "==", "~=")]
        assert len(found) == 1, f"{requirement.name} has no lower bound"
        bounds[requirement.name] = found[0]
    return bounds


def locked() -> dict[str, Version]:
    """Every package of the lock file with its release."""
    lines = re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements-dev.lock").read_text("utf-8"), re.MULTILINE)
    return {name.lower(): Version(version) for name, version in lines}


@pytest.mark.parametrize("package", FLOORS)
def test_a_bound_is_high_enough(package: str) -> None:
    """In pyproject.toml and in the lock file."""
    assert lowest()[package] >= Version(FLOORS[package])
    assert locked()[package] >= Version(FLOORS[package])


@pytest.mark.parametrize(("package", "advisory", "fixed", "here"), TABLE)
def test_an_advisory_is_answered(package: str, advisory: str, fixed: str, here: str) -> None:
    """By a bound above the fix, by not being installed, or with the reason why it is out of reach."""
    assert advisory
    if fixed == "none":
        assert here.startswith("out of reach: ")
    elif here.startswith("not installed"):
        assert package not in lowest() and package not in locked()
    else:
        assert here.startswith("fixed")
        assert lowest()[package] >= Version(fixed)


def test_every_package_with_a_floor_is_in_the_table() -> None:
    """And the table is read at all."""
    assert {row[0] for row in TABLE} >= set(FLOORS)
