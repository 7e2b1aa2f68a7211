"""One parser process as its parent sees it: asked, watched, and buried."""

from __future__ import annotations

import json
import math
import os
import re
import resource
import select
import signal
import stat
import subprocess
import sys
import tempfile
import time
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

from ..store.policy import ChunkPolicy, LimitPolicy
from .chunk import ChunkDraft
from .document import out_of_memory
from .parse import PARSER, Parsed
from .parse_worker import LENGTH, Bounds
from .unpack import Member, Unpacked

_KEPT = re.compile(
    r"PATH|HOME|LANG|LANGUAGE|LC_\w+|TZ|LD_LIBRARY_PATH|VIRTUAL_ENV|PYTHON(?!STARTUP)\w+|MALLOC_\w+|RAYON_\w+"
)
_LOOK_SECONDS = 0.02
_LARGEST_FRAME = 1 << 30
_DATA_SHARE = 0.9
"""Of the memory limit, what a parser may hold as data; libraries and stack take the rest."""
_SMALL_SHARE = 0.1
_FULL_BYTES = {"cpu_seconds": 54_000_000, "cpu_seconds_packed": 6_600_000}
"""A file so large may take `limits.parse_seconds` of processor time, a tiny one `_SMALL_SHARE` of it: text is read
at a megabyte a second and more on any machine; what is packed has more in it than its size tells."""
_NEAR = 0.8
_DOUBLING = 0.2
"""Of the memory limit: what died so near to it, or gave up by itself with so much in hand, wanted more."""
_BOUNDS = {each.name for each in fields(Bounds)}
_NONSENSE = (ValueError, KeyError, TypeError, AttributeError)


class Stopped(Exception):
    """The child was killed, or died: `again` where it may have been bad luck."""

    def __init__(self, reason: str, detail: str, again: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.again = again


class Child:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "milepost.tools.parse_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env=_environment(),
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self._stdin = self.process.stdin.fileno()
        self._stdout = self.process.stdout.fileno()
        self.peak = 0
        self.dead = False
        self._answered = False
        self._looked = 0.0
        self._poll = select.poll()
        self._poll.register(self._stdout, select.POLLIN | select.POLLHUP)

    def parse(self, path: Path, name: str, chunk: ChunkPolicy, limits: LimitPolicy) -> tuple[Parsed, bool]:
        """The result, and whether the child died in a way that is worth another try."""
        began = time.monotonic()
        sizes = {"size": chunk.size, "overlap": chunk.overlap, "pages": chunk.pages}
        request = {"name": name, "chunk": {**sizes, "skip_sections": chunk.skip_sections}}
        try:
            items, rest = self._asked(path, request, limits)
            chunks = [ChunkDraft(str(text), heading, dict(where)) for text, heading, where in items]
            return Parsed(chunks=chunks, **rest), False
        except (*_NONSENSE, Stopped) as error:
            stop = self._stopped(error)
            return Parsed("", [], [], stop.reason, stop.detail, time.monotonic() - began, PARSER), stop.again

    def unpack(self, path: Path, folder: Path, limits: LimitPolicy) -> tuple[Unpacked, bool]:
        """What opening an archive gave, and whether the child died in a way that is worth another try."""
        try:
            items, rest = self._asked(path, {"folder": os.fsencode(folder.absolute()).hex()}, limits)
            return Unpacked(members=[Member(**item) for item in items], **rest), False
        except (*_NONSENSE, Stopped) as error:
            stop = self._stopped(error)
            return Unpacked("application/zip", [], stop.reason, stop.detail), stop.again

    def _asked(self, path: Path, request: dict[str, Any], limits: LimitPolicy) -> tuple[list[Any], dict[str, Any]]:
        self._looked = time.monotonic()
        more = {
            "path": os.fsencode(path.absolute()).hex(),
            "limits": limits.model_dump(include=_BOUNDS),
            "data_bytes": int(limits.parse_memory_mb * 1_000_000 * _DATA_SHARE),
            **_cpu_seconds(path, limits),
        }
        self._send(json.dumps(request | more).encode())
        return self._result(self._looked + limits.parse_seconds, limits)

    def _stopped(self, error: Exception) -> Stopped:
        self.kill()
        if isinstance(error, Stopped):
            return error
        return Stopped("corrupt", "the parser answered nonsense; give another copy or format")

    def spent(self, limits: LimitPolicy) -> bool:
        """Dead, or so large already that it would count against the next file."""
        return self.dead or self.peak * 2 > limits.parse_memory_mb * 1_000_000

    def kill(self) -> None:
        """End the child and leave no zombie."""
        self.dead = True
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()

    def _send(self, body: bytes) -> None:
        view = memoryview(LENGTH.pack(len(body)) + body)
        try:
            while view:
                view = view[os.write(self._stdin, view) :]
        except OSError:
            raise Stopped("corrupt", "the parser could not be started", again=True) from None

    def _result(self, deadline: float, limits: LimitPolicy) -> tuple[list[Any], dict[str, Any]]:
        """Frames of items, until one that is no list says the rest."""
        items: list[Any] = []
        while True:
            frame = json.loads(self._frame(deadline, limits))
            if isinstance(frame, dict):
                self._answered = True
                if len(items) > 100 or frame.get("reason"):  # small files are too quick to be worth a look
                    self.peak = max(self.peak, _memory(self.process.pid))
                return items, cast("dict[str, Any]", frame)
            items += frame

    def _frame(self, deadline: float, limits: LimitPolicy) -> bytes:
        want: int = LENGTH.unpack(self._read(LENGTH.size, deadline, limits))[0]
        if want > _LARGEST_FRAME:
            raise ValueError(f"a frame of {want} bytes")
        return self._read(want, deadline, limits)

    def _read(self, want: int, deadline: float, limits: LimitPolicy) -> bytes:
        """Read so many bytes, and look at the clock and the child's memory while they are not there."""
        parts: list[bytes] = []
        while want:
            ready = self._poll.poll(_LOOK_SECONDS * 1000)
            now = time.monotonic()
            if now - self._looked > _LOOK_SECONDS:
                self._looked = now
                self._check(now, deadline, limits)
            if ready:
                part = os.read(self._stdout, min(want, 1 << 20))
                if not part:
                    raise self._died(limits)
                parts.append(part)
                want -= len(part)
        return b"".join(parts)

    def _check(self, now: float, deadline: float, limits: LimitPolicy) -> None:
        self.peak = max(self.peak, _memory(self.process.pid))
        if self.peak > limits.parse_memory_mb * 1_000_000:
            used = self.peak // 1_000_000
            raise Stopped(
                "too_large",
                f"parsing took {used} MB of memory, the limit is {limits.parse_memory_mb}; "
                "split it, or raise limits.parse_memory_mb",
            )
        if now > deadline:
            raise _too_slow(limits)

    def _died(self, limits: LimitPolicy) -> Stopped:
        code = self._buried()
        if code == -signal.SIGXCPU:
            return _too_slow(limits)
        part = self.peak / (limits.parse_memory_mb * 1_000_000)
        if part > _NEAR or (code == -signal.SIGABRT and part > _DOUBLING):
            return Stopped("too_large", out_of_memory(limits))
        how = f"signal {-code}" if code < 0 else f"exit {code}"
        if code > 0 and not self._answered:
            detail = f"the parser's process could not be started ({how}); the file is not at fault"
        else:
            detail = f"the parser crashed ({how}); give another copy or format"
        return Stopped("corrupt", detail, again=code == -signal.SIGKILL)

    def _buried(self) -> int:
        """How the child ended; its peak is then exact, where it is more than this process ever held.

        The system counts a child's from what its parent had when it was started.
        """
        _, status, used = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        if used.ru_maxrss > resource.getrusage(resource.RUSAGE_SELF).ru_maxrss:
            self.peak = max(self.peak, used.ru_maxrss * _MAXRSS_UNIT)
        return self.process.returncode


def _too_slow(limits: LimitPolicy) -> Stopped:
    return Stopped(
        "too_slow",
        f"parsing took too long, the limit is {limits.parse_seconds:g} s for a large file and less"
        " for a small one; split it, or raise limits.parse_seconds",
    )


def _cpu_seconds(path: Path, limits: LimitPolicy) -> dict[str, int]:
    """Seconds of processor time for a file of this size: what is small and slow means no good."""
    try:
        size = path.stat().st_size
    except OSError:
        size = 0
    shares = {key: min(1.0, _SMALL_SHARE + (1 - _SMALL_SHARE) * size / full) for key, full in _FULL_BYTES.items()}
    return {key: math.ceil(limits.parse_seconds * share) for key, share in shares.items()}


def _memory(pid: int) -> int:
    """Bytes of memory that only this process holds; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_bytes().split()
    except OSError:
        return 0
    return (int(fields[1]) - int(fields[2])) * _PAGE


_PAGE = os.sysconf("SC_PAGESIZE")
_MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024


def _environment() -> dict[str, str]:
    """What a parser needs to start, and nothing that anybody would want to read."""
    kept = {key: value for key, value in os.environ.items() if _KEPT.fullmatch(key)}
    return kept | {"TMPDIR": _scratch()}


def _scratch() -> str:
    """A folder for temporary files that nobody else can put anything into.

    Kreuzberg loads its PDF library from there.
    """
    folder = Path(tempfile.gettempdir()) / f"milepost-parser-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return tempfile.mkdtemp(prefix="milepost-parser-")
    mine = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return str(folder) if mine else tempfile.mkdtemp(prefix="milepost-parser-")
