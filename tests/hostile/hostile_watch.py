"""Watches parser processes from outside: how much memory they had, how long they computed, what they tried to do."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from milepost.tools import parser_child

GUARDED = """
import os, sys
allowed = {allowed!r}
said = {said!r}
def listen(event, args):
    if event in {{"os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "subprocess.Popen",
                 "socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "urllib.Request",
                 "pickle.find_class", "os.symlink", "os.link", "os.chmod", "os.rename", "os.mkfifo"}}:
        tell(event, args)
    elif event == "os.remove":
        if not os.path.realpath(os.fsdecode(args[0])).startswith(tuple(allowed)):
            tell(event, args)
    elif event == "open" and isinstance(args[0], (str, bytes)):
        path = os.path.realpath(os.fsdecode(args[0]))
        writes = bool((args[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if path.startswith("/etc/passwd") or "was-here" in path or (
            writes and path != os.devnull and not path.startswith(tuple(allowed))):
            tell(event, args)
def tell(event, args):
    global listen
    told = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(told, f"{{event}} {{args!r}}\\n".encode("utf-8", "backslashreplace"))
    os.close(told)
allowed.append(said)
sys.addaudithook(listen)
from milepost.tools import parse_worker
parse_worker.main()
"""


@dataclass
class Seen:
    """What one file cost its parser: resident bytes at most, seconds of processor time, processes that died of it."""

    resident: int = 0
    computed: float = 0.0
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list["subprocess.Popen[bytes]"])

    @property
    def crashes(self) -> int:
        """Processes that died by themselves, of a signal that is no limit's."""
        return sum(1 for each in self.processes if each.returncode in (-4, -6, -7, -8, -11))


class Watch:
    """Starts the parsers' processes under an audit hook, and looks at them while a file is parsed."""

    def __init__(self, allowed: list[str], said: Path) -> None:
        self._script = GUARDED.format(allowed=allowed, said=str(said))
        self._said = said
        self._children: list[subprocess.Popen[bytes]] = []
        self._real = subprocess.Popen

    def start(self, command: list[str], **rest: Any) -> subprocess.Popen[bytes]:
        """Stands in for `subprocess.Popen`."""
        child = self._real([sys.executable, "-B", "-P", "-c", self._script], **rest)  # compiled modules are no file's
        self._children.append(child)
        return child

    def tried(self) -> str:
        """What parsers tried that they must not: one line each."""
        return self._said.read_text() if self._said.exists() else ""

    @contextmanager
    def looking(self) -> Iterator[Seen]:
        """Look while the block runs."""
        seen, over = Seen(), threading.Event()
        before = {child.pid: _computed(child.pid) for child in self._children}
        for pid in before:
            _forget(pid)

        def look() -> None:
            while True:
                last = over.is_set()
                for child in list(self._children):
                    seen.resident = max(seen.resident, _resident(child.pid))
                    seen.computed = max(seen.computed, _computed(child.pid) - before.get(child.pid, 0.0))
                if last:
                    return
                over.wait(0.005)

        looker = threading.Thread(target=look)
        looker.start()
        try:
            yield seen
        finally:
            over.set()
            looker.join()
            seen.processes = [child for child in self._children if child.returncode is not None]
            self._children = [child for child in self._children if child.returncode is None]


def installed(patch: pytest.MonkeyPatch, watch: Watch) -> None:
    """Let every parser process be started by the watch."""
    patch.setattr(parser_child.subprocess, "Popen", watch.start)


def _resident(pid: int) -> int:
    """The most that a process had in memory, in bytes, libraries included."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def _forget(pid: int) -> None:
    """Begin to count the most from now on."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    except OSError:
        return


def _computed(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
