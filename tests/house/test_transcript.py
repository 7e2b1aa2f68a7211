"""Law: the conversation that the README shows is one that was had: played again, it goes as it stands there.

The person's lines are the README's own, those behind `> `; the model is a script behind the real client, and everything
else is what `milepost chat` said.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from docs_kit import Run

from milepost.agents.fake_server import Call, FakeServer, Reply, calls, says
from milepost.cli import main

ROOT = Path(__file__).parents[2]
SHOWN = re.search(
    r"^```text chat\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


class Person(io.StringIO):
    """Types the lines one after another, each of which is seen."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def readline(self, size: int = -1, /) -> str:
        if not self._lines:
            return ""
        line = self._lines.pop(0)
        sys.stdout.write(f"> {line}\n")
        return f"{line}\n"


def works(call: Call) -> Reply:
    """A model that does what the assistant's instructions say: plans with the person's words, applies, tells."""
    last = call.messages[-1]
    if last["role"] == "user":
        words = last["content"]
        paths = [] if words.startswith("undo") else ["handbook"]
        return calls({"paths": paths, "kb": "hr", "request": words}, tool="plan_journey")
    answer = json.loads(last["content"])
    if "digest" in answer:
        return calls({key: answer[key] for key in ("plan_id", "digest")}, tool="apply_plan")
    added = answer["outcomes"].get("added")
    return says(f"{added} pages are in; revision {answer['revision_after']}." if added else "It is as it was before.")


def test_the_conversation_in_the_readme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Word for word, but for times, sizes and ids."""
    assert SHOWN is not None
    shutil.copytree(ROOT / "examples" / "handbook", tmp_path / "handbook")
    monkeypatch.chdir(tmp_path)
    lines = [line[2:] for line in SHOWN[1].splitlines() if line.startswith("> ")]
    told = io.StringIO()
    with FakeServer(works) as server:
        for name, value in {
            "OPENAI_BASE_URL": server.url,
            "OPENAI_API_KEY": "any",
            "MILEPOST_MODEL": "scripted",
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "stdin", Person(lines))
        with redirect_stdout(told):
            assert main(["chat", "--policy", "rollback"]) == 0
    Run(tmp_path).compare(SHOWN[1], told.getvalue(), "README.md")
    assert "[y/N]" in SHOWN[1]
