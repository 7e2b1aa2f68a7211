"""Law: the reference is the code's own: its pages are what the script makes, and commands give what the pages say."""

from __future__ import annotations

import ast
import contextlib
import importlib
import io
import json
import shlex
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from docs_kit import inside
from pydantic import TypeAdapter

from milepost.cli import main
from milepost.store.reasons import REASONS

ROOT = Path(__file__).parents[2]
PAGES = ("cli.md", "draft-plan.schema.json", "errors.md", "json.md", "policy.md", "validator-codes.md")
LEFT_OUT = {"journeys": {"files", "steps"}}
"""Fields that a command leaves out, as the page says."""
COMMANDS = """\
init
ingest handbook --kb hr
policy show
policy check
policy presets
doctor
plan more.md --kb hr --set enable_planning=true -o plan.json
show plan.json
validate plan.json
apply plan.json --set enable_planning=true
journeys
status
resume {journey}
checkpoints
report {journey} -o report.html
ingest later.md --kb hr --set approval=always --no-input
approvals
approve {approval}
search leave --kb hr
documents
kb list
kb stats --kb hr
kb log --kb hr
kb diff --kb hr --from 0 --to 1
kb verify --kb hr
kb rebuild --kb hr
kb digest --kb hr
kb remove more.md --kb hr --yes
rollback --last --kb hr --yes
gc --yes
kb purge leave.md --kb hr --yes
kb drop --kb hr --yes
eval run --cases cases.jsonl --out log.jsonl
eval score log.jsonl
eval compare log.jsonl log.jsonl
eval report log.jsonl -o report.html
"""
FAILS = {"ingest later.md --kb hr --set approval=always --no-input": 2}


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    """The script that makes the pages, and what it imports from beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "scripts"))
        yield importlib.import_module("make_reference")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_script_makes(name: str, script: ModuleType) -> None:
    """`make reference` would change nothing."""
    committed = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert committed == script.pages()[name], "run make reference"


def test_no_page_is_left_out(script: ModuleType) -> None:
    """The script makes these pages; every page of the folder that it does not make was written by hand on purpose."""
    assert sorted(script.pages()) == list(PAGES)
    there = {path.name for path in (ROOT / "docs" / "reference").iterdir()}
    assert there - set(PAGES) == {"configuration.md"}


def test_every_command_is_on_the_pages(script: ModuleType) -> None:
    """What the command line has is what the JSON page lists, and no more."""
    assert {name for name, _ in script.commands()} == set(script.GIVES)


def test_the_commands_give_what_the_page_says(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each command with `--json`: the keys of the table, and objects with just the fields of their models."""
    monkeypatch.setenv("MILEPOST_EMBEDDER", "fake")
    (tmp_path / "handbook").mkdir()
    for name in ("handbook/leave.md", "more.md", "later.md"):
        (tmp_path / name).write_text(f"# {name}\n\nEvery parent has sixteen weeks of leave, says {name}.\n")
    case = {"id": "a", "input": "add a.md", "target": "report", "metadata": {"files": []}}
    (tmp_path / "cases.jsonl").write_text(json.dumps(case))
    seen: set[str] = set()
    known: dict[str, str] = {}
    with inside(tmp_path):
        for line in COMMANDS.splitlines():
            code, given = _gives(line.format(**known))
            assert code == FAILS.get(line, 0), given
            known |= _ids(given)
            if code == 0:
                seen.add(_hold(line, given, script.GIVES))
    assert seen == {name for name, keys in script.GIVES.items() if keys}


def _gives(line: str) -> tuple[int, dict[str, Any]]:
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(io.StringIO()):
        code = main([*shlex.split(line), "--json"])
    return code, json.loads(told.getvalue())


def _ids(given: dict[str, Any]) -> dict[str, str]:
    """The journey of a status and the approval that waits, for the commands that name them."""
    found = {"journey": given["journey"]["journey_id"]} if given.get("journey") else {}
    return found | ({"approval": given["approvals"][0]["approval_id"]} if given.get("approvals") else {})


def _hold(line: str, given: dict[str, Any], gives: dict[str, dict[str, Any]]) -> str:
    """Hold what a command gave to the table; returns the command's name."""
    words = line.split()
    name = " ".join(words[:2]) if words[0] in ("kb", "policy", "eval") else words[0]
    assert given.pop("format_version") == "1.0"
    assert given.keys() == gives[name].keys(), name
    for key, kind in gives[name].items():
        value = given[key]
        for one in value if isinstance(value, list) and name in LEFT_OUT else []:
            assert not LEFT_OUT[name] & one.keys()
        made = TypeAdapter(kind).validate_python(value, strict=False)
        if name not in LEFT_OUT:
            assert _dumped(made) == value, f"{name}: {key}"
    return name


def _dumped(made: Any) -> Any:
    return json.loads(TypeAdapter(Any).dump_json(made))


def test_every_reason_is_on_the_page() -> None:
    """A reason that the code gives is in the table, and each of the table is given somewhere."""
    given = set()
    for path in [*(ROOT / "tools").glob("*.py"), *(ROOT / "agents").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                given |= _reasons(node)
    assert given <= REASONS.keys()
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tools").glob("*.py"))
    source += "".join(path.read_text(encoding="utf-8") for path in (ROOT / "agents").glob("*.py"))
    source += (ROOT / "store" / "forgetting.py").read_text(encoding="utf-8")  # the one reason that no file gives itself
    assert [reason for reason in REASONS if f'"{reason}"' not in source] == []


def _reasons(call: ast.Call) -> set[str]:
    """The reasons that a call gives as literals: `reason=`, or the argument for it."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    place = {"Refused": 0, "failed": 1, "rejected": 1, "Unpacked": 2, "Parsed": 3, "Found": 5}.get(called, 99)
    values = [word.value for word in call.keywords if word.arg == "reason"] + call.args[place : place + 1]
    return {one.value for one in values if isinstance(one, ast.Constant) and isinstance(one.value, str)}
