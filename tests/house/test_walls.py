"""Law: each thing that reaches outside is reached from one place, and nothing runs code out of data."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FLOORS = ("milepost", "agents", "evals", "prompts", "store", "tools")
TREES = {
    f"{path.parent.name}/{path.name}": ast.parse(path.read_text(encoding="utf-8"))
    for folder in FLOORS
    for path in sorted((ROOT / folder).glob("*.py"))
}
ENVIRONMENT = {
    "milepost/settings.py": "reads Milepost's own variables, once, for the surfaces",
    "tools/sandbox.py": "builds the environment of a parser's process out of the few variables that it may see",
}


def imports(tree: ast.Module) -> Iterator[str]:
    """Every module that a module imports, at any depth of its code, for type checkers or not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers(module: str) -> set[str]:
    """The files that import a module, or something out of it."""
    return {
        name
        for name, tree in TREES.items()
        if any(found == module or found.startswith(module + ".") for found in imports(tree))
    }


def test_one_file_knows_chroma() -> None:
    """Chroma's client is opened, kept alone in its process and held to the facts that were found, in one place."""
    assert importers("chromadb") == {"store/chroma.py"}


def test_one_file_knows_the_graph_builder() -> None:
    """Which nodes there are is decided in one place."""
    assert importers("langgraph.graph.StateGraph") == {"agents/graph.py"}


def test_the_environment_is_read_in_one_place() -> None:
    """`os.environ` is read by the settings; a parser's process has one made for it."""
    found = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "putenv"})
        or (isinstance(node, ast.alias) and node.name in {"environ", "getenv"})
    }
    assert found == set(ENVIRONMENT)


@pytest.mark.parametrize("module", ["cPickle", "cloudpickle", "dill", "imp", "marshal", "pickle", "requests", "shelve"])
def test_nothing_runs_code_out_of_data(module: str) -> None:
    """What can run code from bytes, or go to the network by the back door, is not imported at all."""
    assert importers(module) == set()


def test_nothing_evaluates_text() -> None:
    """Neither `eval` nor `exec`, nor a YAML loader that makes objects, nor a shell."""
    found = [
        f"{name}:{node.lineno}"
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and (
            (isinstance(node.func, ast.Name) and node.func.id in {"eval", "exec", "compile", "__import__"})
            or (
                isinstance(node.func, ast.Attribute)
                and ast.unparse(node.func) in {"yaml.load", "os.system", "os.popen"}
            )
            or any(word.arg == "shell" for word in node.keywords)
        )
    ]
    assert found == []


def test_the_graphs_serializer_is_strict() -> None:
    """The saver's serializer falls back to pickle nowhere, and makes no object from a name in its bytes."""
    from milepost.agents.saver import strict_serializer

    serializer = strict_serializer()
    kind, data = serializer.dumps_typed({"plan_id": "plan_1", "verdict": "go"})
    assert serializer.loads_typed((kind, data)) == {"plan_id": "plan_1", "verdict": "go"}
    with pytest.raises(Exception, match=r"pickle|serializable|type"):
        serializer.dumps_typed(object())


def test_no_file_names_the_place_where_it_was_made() -> None:
    """Nothing that is committed names a machine's folders or a registry's host: it works wherever it is cloned."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if names.returncode:
        pytest.skip("not a git checkout: what is committed cannot be told from what lies about")
    here = re.compile(
        "|".join(
            [
                r"/wor" + r"k/(?:main|shared)",
                r"/ro" + r"ot/",
                r"/opt/py" + "pi",
                r"pythonho" + "sted",
                r"pypi\.o" + "rg",
            ]
        )
    )
    found: list[str] = []
    for name in names.stdout.split("\0"):
        path = ROOT / name
        if not name or path.is_symlink() or not path.is_file():
            continue
        text = path.read_bytes().decode("utf-8", "ignore")
        found += [f"{name}: {match.group()}" for match in here.finditer(text)]
    assert found == []
