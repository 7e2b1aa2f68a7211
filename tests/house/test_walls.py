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
BESIDE = ("benchmarks", "examples", "scripts")


def _trees(folders: tuple[str, ...]) -> dict[str, ast.Module]:
    return {
        f"{path.parent.name}/{path.name}": ast.parse(path.read_text(encoding="utf-8"))
        for folder in folders
        for path in sorted((ROOT / folder).glob("*.py"))
    }


TREES = _trees(FLOORS)
EVERY_TREE = TREES | _trees(BESIDE)
BY_NAME = {
    "agents/__init__.py": "the door's own rooms",
    "evals/__init__.py": "the door's own rooms",
    "evals/own_scorers.py": "the scorers that a person names, by entry point, module or file",
    "milepost/__init__.py": "the door's own rooms",
    "store/__init__.py": "the door's own rooms",
    "tools/__init__.py": "the door's own rooms",
    "store/conformance_survival.py": "the function that a caller's own test names",
    "tools/parse.py": "the parsers that it lists",
    "tools/parse_pdf_order.py": "its own parser of PDF, where that is first needed",
    "tools/type_finder.py": "the journey types that an installed package or milepost.toml names",
}
"""Files that import a module by a name which is a value, and which."""
RUNNERS = (
    "_pickle", "cPickle", "cloudpickle", "code", "dill", "imp", "joblib", "jsonpickle", "langchain.load",
    "langchain_core.load", "marshal", "pickle", "requests", "runpy", "shelve", "yaml",
)  # fmt: skip
"""Modules that make objects or run code out of bytes, or fetch without being asked."""
FORBIDDEN = {
    "builtins.eval", "builtins.exec", "builtins.compile", "code.interact", "os.popen", "os.system", "pty.spawn",
    "yaml.load", "yaml.full_load", "yaml.unsafe_load",
}  # fmt: skip
ENVIRONMENT = {
    "milepost/settings.py": "reads Milepost's own variables, once, for the surfaces",
    "tools/parser_child.py": "builds the environment of a parser's process out of the few variables that it may see",
}


def imports(tree: ast.Module) -> Iterator[str]:
    """Every module that a module imports, at any depth of its code, for type checkers or not."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def importers(module: str, trees: dict[str, ast.Module] = TREES) -> set[str]:
    """The files that import a module, or something out of it."""
    return {
        name
        for name, tree in trees.items()
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


@pytest.mark.parametrize("module", RUNNERS)
def test_nothing_runs_code_out_of_data(module: str) -> None:
    """What can run code from bytes, or go to the network by the back door, is not imported at all."""
    assert importers(module, EVERY_TREE) == set()


def evaluations(tree: ast.Module) -> Iterator[int]:
    """The lines of a module that make something run out of a text, or of bytes."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            bad = node.id in {"eval", "exec", "compile", "__import__"}
        elif isinstance(node, ast.Attribute):
            bad = ast.unparse(node) in FORBIDDEN
        elif isinstance(node, ast.keyword):
            bad = node.arg in {"shell", "allow_pickle"} or (
                node.arg == "pickle_fallback" and ast.unparse(node.value) != "False"
            )
        else:
            bad = False
        if bad:
            yield node.lineno


def test_nothing_evaluates_text() -> None:
    """Neither `eval` nor `exec`, nor a YAML loader that makes objects, nor a shell, nor an array with objects in it."""
    assert [f"{name}:{line}" for name, tree in EVERY_TREE.items() for line in evaluations(tree)] == []


@pytest.mark.parametrize(
    "line",
    [
        "eval(text)", "run = exec", "builtins.eval(text)", "yaml.load(text)", "yaml.unsafe_load(text)",
        "np.load(path, allow_pickle=True)", "os.system(text)", "subprocess.run(text, shell=True)",
        "JsonPlusSerializer(pickle_fallback=True)", "code.interact()",
    ],
)  # fmt: skip
def test_what_would_evaluate_is_seen(line: str) -> None:
    """The look itself is not blind."""
    assert list(evaluations(ast.parse(line)))


def test_modules_are_found_by_name_in_few_places() -> None:
    """A name that came from outside imports nothing, but for the journey types that a person's own settings name."""
    assert {name for name in TREES if importers("importlib", {name: TREES[name]}) and _calls_by_name(TREES[name])} == {
        *BY_NAME
    }


def _calls_by_name(tree: ast.Module) -> bool:
    return any(
        isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "import_module"
        for node in ast.walk(tree)
    )


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
