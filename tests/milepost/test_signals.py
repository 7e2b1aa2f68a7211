"""Law: Ctrl-C and SIGTERM end a command soon, whatever its batch does, with 130 and the command that goes on."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from screen_kit import MILEPOST, environment, piped, told

ENDLESS = """
import pathlib, threading
from milepost.tools.embedders import FakeEmbedder
def embed(self, texts):
    pathlib.Path("embedding").touch()
    threading.Event().wait()
FakeEmbedder.embed = embed
"""
"""A batch that comes to no end: an embedder that does not answer."""
SLOW = """
import pathlib, threading
from milepost.tools.sandbox import ParserPool
def parse(self, *args, **more):
    pathlib.Path("planning").touch()
    threading.Event().wait()
ParserPool.parse = parse
"""
"""A file that is read for ever, while planning."""
PATIENT = """
import milepost.agents.own_loop
milepost.agents.own_loop.STOP_SECONDS = 3600
"""


def started(folder: Path, code: str, *words: str) -> subprocess.Popen[str]:
    """A command of its own, running."""
    return subprocess.Popen(
        [sys.executable, "-c", code + MILEPOST[2], *words], cwd=folder, env=environment(None), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip


def until(marker: Path, process: subprocess.Popen[str]) -> None:
    """Wait until a process has made a file."""
    while not marker.exists():
        assert process.poll() is None, process.communicate()
        with_patience(process)


def with_patience(process: subprocess.Popen[str]) -> None:
    try:
        process.wait(0.05)
    except subprocess.TimeoutExpired:
        return


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_batch_that_comes_to_no_end_is_not_waited_for(home: Path, number: signal.Signals) -> None:
    """The process ends although its embedder never answers; nothing half done is seen, and a resume does it all."""
    folder = home.parent
    (folder / "handbook" / "new.md").write_text("# New\n\nA page that nobody embedded before.\n")
    with started(folder, ENDLESS, "ingest", "handbook", "--kb", "hr") as process:
        until(folder / "embedding", process)
        os.killpg(process.pid, number)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert ("Ctrl-C" if number == signal.SIGINT else "SIGTERM") in said.splitlines()[-3], said
    command = said.splitlines()[-1].removeprefix("next: ")
    assert command.startswith("milepost resume journey_"), said
    assert "new.md" not in told(folder, "search", "nobody embedded", "--kb", "hr", "-k", "50").text
    assert told(folder, *shlex.split(command)[1:]).code == 0
    assert "new.md" in told(folder, "search", "nobody embedded", "--kb", "hr", "-k", "50").text
    assert told(folder, "kb", "verify", "--kb", "hr").code == 0


def test_a_second_one_ends_at_once(home: Path) -> None:
    """Where the first would wait for the batch for an hour, the second does not."""
    folder = home.parent
    (folder / "handbook" / "new.md").write_text("# New\n\nA page that nobody embedded before.\n")
    with started(folder, ENDLESS + PATIENT, "ingest", "handbook", "--kb", "hr") as process:
        until(folder / "embedding", process)
        os.killpg(process.pid, signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "stopped at once" in said
    assert "interrupted" in piped(folder, "journeys").stdout


def test_sigterm_before_anything_was_begun(home: Path) -> None:
    """While planning nothing was changed, and the same command is what to try."""
    folder = home.parent
    (folder / "handbook" / "new.md").write_text("# New\n\nA page.\n")
    with started(folder, SLOW, "ingest", "handbook", "--kb", "hr") as process:
        until(folder / "planning", process)
        os.killpg(process.pid, signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "state: nothing was changed" in said
    assert "next: milepost ingest handbook --kb hr" in said
