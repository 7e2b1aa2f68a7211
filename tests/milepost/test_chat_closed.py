"""Law: a terminal that is closed in the middle of a conversation loses nothing; the next one tells how it stands."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import subprocess
import sys
import termios
from pathlib import Path

from milepost import Milepost

ROOT = Path(__file__).parents[2]
COMMAND = str(Path(sys.executable).with_name("milepost"))
LONGEST = 60.0


class Terminal:
    """`milepost chat` on a terminal of its own."""

    def __init__(self, folder: Path) -> None:
        self._ours, theirs = pty.openpty()
        here = {key: value for key, value in os.environ.items() if not key.startswith(("MILEPOST", "OPENAI"))}
        self._process = subprocess.Popen(
            [COMMAND, "chat", "--kb", "hr", "--policy", "rollback"], cwd=folder, env=here | {"TERM": "dumb"},
            stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # what is closed hangs up on it
        )  # fmt: skip
        os.close(theirs)

    def type(self, line: str) -> None:
        os.write(self._ours, line.encode() + b"\r")

    def until(self, word: str) -> str:
        """What is shown until a word is."""
        told = b""
        while word.encode() not in told:
            assert select.select([self._ours], [], [], LONGEST)[0], told.decode()
            told += os.read(self._ours, 65536)
        return told.decode()

    def close(self) -> int:
        """Close the terminal, as a window is closed; how the command ended."""
        os.close(self._ours)
        return self._process.wait(timeout=LONGEST)


def test_a_closed_terminal_loses_nothing(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples" / "handbook", tmp_path / "handbook")
    first = Terminal(tmp_path)
    first.until("> ")
    first.type("put the handbook into hr")
    first.until("[y/N]")
    assert first.close() != 0
    with Milepost(tmp_path / ".milepost") as mp:
        assert mp.journeys() == [] and mp.kb_list() == []
        plan = mp.newest_plan()
        assert plan is not None
    second = Terminal(tmp_path)
    assert "was not applied" in second.until(f"milepost apply {plan.plan_id}")
    second.close()
    done = subprocess.run(
        [COMMAND, "apply", plan.plan_id, "--policy", "rollback", "--yes"], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with Milepost(tmp_path / ".milepost") as mp:
        assert mp.kb_stats("hr").sources == 20
        assert mp.kb_verify("hr").ok
