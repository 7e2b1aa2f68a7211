"""The real command in a process of its own, at a pseudo-terminal or in a pipe, and what is then on the screen."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

MILEPOST = [sys.executable, "-c", "import sys; from milepost.cli import main; sys.exit(main())"]
UNWANTED = (
    "NO_COLOR", "FORCE_COLOR", "COLUMNS", "MILEPOST_HOME", "MILEPOST_POLICY", "MILEPOST_MODEL", "OPENAI_API_KEY",
)  # fmt: skip
CLEAN = {name: value for name, value in os.environ.items() if name not in UNWANTED}
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
PATIENCE = 90.0
"""Seconds after which a command that neither ends nor says anything more is given up."""
BLANKS = {
    "PATH": "handbook",
    "NAME": "hr",
    "TEXT": "leave",
    "FILE": "plan.json",
    "DIR": "elsewhere",
    "A": "0",
    "B": "1",
}
"""What a person could write for the words in capitals of a command that is offered."""


@dataclass(frozen=True)
class Screen:
    """What stood on the screen when a command had ended, escapes taken out, and its exit code."""

    text: str
    code: int

    @property
    def lines(self) -> list[str]:
        """Its lines."""
        return self.text.splitlines()

    def line(self, head: str) -> str:
        """What follows `head` at the start of a line, the last such line; empty where there is none."""
        return next((one[len(head) :].strip() for one in reversed(self.lines) if one.startswith(head)), "")

    @property
    def next(self) -> str:
        """The command that is offered to copy."""
        return self.line("next: ")


def environment(env: Mapping[str, str] | None) -> dict[str, str]:
    """This process's environment without what would change the screen, and with the fake embedder."""
    return {**CLEAN, "MILEPOST_EMBEDDER": "fake", "TERM": "xterm-256color", **(env or {})}


def at_terminal(
    folder: Path,
    words: tuple[str, ...],
    answers: Mapping[str, str],
    env: Mapping[str, str] | None = None,
    *,
    interrupt: str = "",
) -> tuple[str, int]:
    """Run a command at a pseudo-terminal and answer its questions; everything it showed, and the exit code.

    `interrupt` is what has to be on the screen before Ctrl-C is pressed, once.
    """
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*MILEPOST, *words], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment(env),
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    left = dict(answers)

    def look(shown: bytes) -> None:
        nonlocal interrupt
        for question in [one for one in left if one.encode() in shown]:
            os.write(ours, f"{left.pop(question)}\n".encode())
        if interrupt and interrupt.encode() in shown:
            interrupt = ""
            os.killpg(process.pid, signal.SIGINT)

    shown = _read(ours, look)
    if process.poll() is None and not shown:
        process.kill()
    code = process.wait(timeout=PATIENCE)
    os.close(ours)
    return shown.decode(errors="replace"), code


def _read(terminal: int, look: Callable[[bytes], None]) -> bytes:
    """Everything that comes from a terminal until its other end is closed."""
    shown = b""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            more = os.read(terminal, 65536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not more:
            break
        shown += more
        look(shown)
    return shown


def screen(
    folder: Path,
    *words: str,
    answers: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    interrupt: str = "",
) -> Screen:
    """Run a command as a person does, at a terminal."""
    shown, code = at_terminal(folder, words, answers or {}, env, interrupt=interrupt)
    return Screen(ESCAPES.sub("", shown).replace("\r\n", "\n"), code)


def piped(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command with nobody there."""
    return subprocess.run(
        [*MILEPOST, *words], cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE,
        env=environment(env), check=False,
    )  # fmt: skip


def told(folder: Path, *words: str, env: Mapping[str, str] | None = None) -> Screen:
    """Run a command with nobody there; both streams, one after the other."""
    done = piped(folder, *words, env=env)
    return Screen(done.stdout + done.stderr, done.returncode)


def write(folder: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files into a folder."""
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body if isinstance(body, bytes) else body.encode("utf-8"))


def faults_of_an_error(text: str) -> list[str]:
    """What is wrong with the form of an error on a screen; nothing where it is as the interface says."""
    lines = text.splitlines()
    start = next((at for at, line in enumerate(lines) if line.startswith("error: ")), None)
    if start is None:
        return ["there is no error: line"]
    form = [line.partition(": ")[0] for line in lines[start:]]
    wanted = [head for head in ("error", "cause", "state", "next") if head in form]
    faults = [] if form == wanted else [f"the lines are {form}"]
    faults += [f"there is no {head}: line" for head in ("state", "next") if head not in form]
    return faults + (["a traceback"] if "Traceback" in text else [])
