"""Law: every command has a method of the same name, with `_` for the space between two words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from fastmcp import Client
from fastmcp.client.transports import PythonStdioTransport
from typer.main import get_command

from milepost import AsyncMilepost, Milepost, UsageError
from milepost.cli import build
from milepost.evals.samples import OWN_CASES


def names() -> list[str]:
    """The commands, as methods would be called."""
    root: Any = get_command(build())
    found = []
    for name, one in root.commands.items():
        found += [f"{name}_{inner}" for inner in one.commands] if hasattr(one, "commands") else [name]
    return sorted(found)


@pytest.mark.parametrize("name", names())
def test_every_command_has_a_method(name: str) -> None:
    """On both workspaces."""
    assert callable(getattr(Milepost, name, None)), name
    assert callable(getattr(AsyncMilepost, name, None)), name


def test_evaluations_by_methods(tmp_path: Path) -> None:
    """Run, score, compare, report: the log and what it says, and a wrong name refused before anything is run."""
    one = OWN_CASES.read_text(encoding="utf-8").partition("\n")[0]
    (tmp_path / "cases.jsonl").write_text(one)
    log, page = tmp_path / "log.jsonl", tmp_path / "page.html"
    with Milepost(tmp_path / "home") as mp:
        with pytest.raises(UsageError):
            mp.eval_run(["nobody"], log)
        assert not log.exists()
        ran = mp.eval_run(["template", "template-fixed"], log, cases=tmp_path / "cases.jsonl", jobs=1)
        assert len(ran.trials) == 2
        assert mp.eval_score(log).changed == {}
        assert mp.eval_compare(log).comparisons[0].verdict == mp.eval_report(log, out=page).comparisons[0].verdict
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert not (tmp_path / "home").exists()


def test_serving_by_a_method(tmp_path: Path) -> None:
    """A program of one's own serves its workspace over stdio; what the command refuses is refused here, too."""
    with Milepost(tmp_path / "home") as mp, pytest.raises(UsageError):
        mp.mcp(http="127.0.0.1:1")
    program = tmp_path / "serve.py"
    program.write_text(
        f"from milepost import Milepost\nMilepost({str(tmp_path / 'home')!r}, policy='rollback').mcp(root='.')\n"
    )

    async def listed() -> set[str]:
        async with Client(PythonStdioTransport(program)) as client:
            return {tool.name for tool in await client.list_tools()}

    assert "rollback_to_checkpoint" in asyncio.run(listed())
