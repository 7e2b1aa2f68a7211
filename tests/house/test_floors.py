"""Law: floors look down only, are flat, typed, and say what each of their modules is for."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("agents", "evals", "prompts", "store", "tools")
PACKAGES = ("milepost", *FLOORS)
MODULES = sorted(path for folder in PACKAGES for path in (ROOT / folder).glob("*.py"))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package, laid out as it is installed."""
    tree = tmp_path_factory.mktemp("tree")
    no_caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "milepost", tree / "milepost", ignore=no_caches)
    for floor in FLOORS:
        shutil.copytree(ROOT / floor, tree / "milepost" / floor, ignore=no_caches)
    return tree


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    """Hold a tree to the contract in pyproject.toml, as `make lint` does."""
    command = [str(Path(sys.executable).with_name("lint-imports")), str(ROOT / "pyproject.toml"), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)


def test_the_contract_holds(tree: Path) -> None:
    """No module imports from a floor above its own."""
    done = lint(tree)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("store", "from ..tools import steps"),
        ("tools", "from ..agents.graph import build_graph"),
        ("agents", "from .. import cli"),
        ("agents", "from ..evals import cases"),
        ("tools", "import milepost"),
        ("store", "def late():\n    from .. import Milepost"),
        ("prompts", "from ..store import plan"),
        (".", "nothing = 0"),
    ],
)
def test_the_contract_can_break(tree: Path, where: str, what: str) -> None:
    """Looking up is refused from each floor, also inside a function; and so is a surface that nobody listed."""
    added = tree / "milepost" / where / "intruder.py"
    added.write_text(what + "\n", encoding="utf-8")
    try:
        assert lint(tree).returncode == 1
    finally:
        added.unlink()


def test_inside_the_floors_imports_are_relative() -> None:
    """A floor never names the package, so that it can be read, moved and checked without being installed."""
    absolute = [
        f"{path.parent.name}/{path.name}:{node.lineno}"
        for path in MODULES
        if path.parent.name in FLOORS
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "milepost" for alias in node.names))
        or (isinstance(node, ast.ImportFrom) and node.level == 0 and (node.module or "").split(".")[0] == "milepost")
    ]
    assert absolute == []


def test_every_floor_is_listed_typed_and_flat() -> None:
    """setuptools leaves out what is not listed, without a word; type checkers leave out what has no `py.typed`."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    assert tool["packages"] == ["milepost", *(f"milepost.{floor}" for floor in FLOORS)]
    assert tool["package-dir"] == {"milepost": "milepost", **{f"milepost.{floor}": floor for floor in FLOORS}}
    for folder in PACKAGES:
        assert (ROOT / folder / "py.typed").exists(), folder
        inner = [path for path in (ROOT / folder).iterdir() if path.is_dir() and path.name != "__pycache__"]
        assert [path.name for path in inner if any(path.rglob("*.py"))] == [], folder


def test_the_type_checkers_see_every_floor() -> None:
    """pyright walks through a linked folder only where it is named; mypy starts from the links' root."""
    said = (ROOT / ".links" / "pyrightconfig.json").read_text(encoding="utf-8")
    said = "\n".join(line for line in said.splitlines() if not line.lstrip().startswith("//"))
    assert {"milepost", *(f"milepost/{floor}" for floor in FLOORS)} <= set(json.loads(said)["include"])
    for floor in FLOORS:
        assert (ROOT / ".links" / "milepost" / floor).resolve() == (ROOT / floor).resolve()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_module_says_what_it_is_for(path: Path) -> None:
    """Every module has a docstring of at least a few words, is named by a noun of the domain, and is finished."""
    text = path.read_text(encoding="utf-8")
    assert len((ast.get_docstring(ast.parse(text)) or "").split()) >= 3
    assert path.stem not in {"base", "common", "core", "helpers", "manager", "misc", "util", "utils"}
    assert not re.search(r"\b(TODO|FIXME|XXX)\b", text)
