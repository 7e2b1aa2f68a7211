"""Parsing in child processes with limits of time and memory.

A hostile file costs a child, never the parent.
"""

from __future__ import annotations

import json
import os
import re
import select
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from queue import LifoQueue
from typing import Any, TypeVar, cast

from ..store.policy import ChunkPolicy, LimitPolicy
from .chunk import ChunkDraft
from .parse import PARSER, Parsed
from .parse_worker import LENGTH, Bounds
from .unpack import Member, Unpacked

_KEPT = re.compile(
    r"PATH|HOME|LANG|LANGUAGE|LC_\w+|TZ|LD_LIBRARY_PATH|VIRTUAL_ENV|PYTHON(?!STARTUP)\w+|MALLOC_\w+|RAYON_\w+"
)
_LOOK_SECONDS = 0.02
_LARGEST_FRAME = 1 << 30
_WALL_FACTOR = 2
_WALL_EXTRA = 1 << 30
_SIGKILL = -9
_BOUNDS = {each.name for each in fields(Bounds)}
_NONSENSE = (ValueError, KeyError, TypeError, AttributeError)
T = TypeVar("T")


class ParserPool:
    """Long-lived parser processes, started when first needed and again after one had to be killed.

    Threads may share a pool: as many files are parsed at a time as there are workers, the others wait. A
    child gets no secrets in its environment and ends with this process. `close` ends the children.
    """

    def __init__(self, *, workers: int = 1) -> None:
        self._closed = False
        self._lock = threading.Lock()
        self._seats: LifoQueue[_Child | None] = LifoQueue()
        for _ in range(max(1, workers)):
            self._seats.put(None)
        self._workers = max(1, workers)

    def parse(self, path: Path, name: str, *, chunk: ChunkPolicy, limits: LimitPolicy) -> Parsed:
        """Parse the file at `path`, called `name`. Blocks; never raises for a bad file."""
        return self._seated(lambda child: child.parse(path, name, chunk, limits), limits)

    def unpack(self, path: Path, folder: Path, *, limits: LimitPolicy) -> Unpacked:
        """Write the members of the zip archive at `path` into `folder`; what is none has another type and no members.

        Blocks; never raises for a bad archive, which is refused as a whole. The folder is the caller's to remove.
        """
        return self._seated(lambda child: child.unpack(path, folder, limits), limits)

    def _seated(self, work: Callable[[_Child], tuple[T, bool]], limits: LimitPolicy) -> T:
        """Give work to the next child that is free; a second time where the first one was unlucky."""
        seat = self._seats.get()
        try:
            again = False
            while True:
                if seat is None:
                    seat = _Child()
                done, unlucky = work(seat)
                if seat.spent(limits):
                    seat.kill()
                    seat = None
                if again or not unlucky:
                    return done
                again = True
        except BaseException:  # Ctrl-C, too: what the child answers later would be taken for the next file's
            if seat is not None:
                seat.kill()
                seat = None
            raise
        finally:
            with self._lock:
                if self._closed and seat is not None:
                    seat.kill()
                    seat = None
                self._seats.put(seat)

    def close(self) -> None:
        """End the children that wait; one that is parsing ends after its file."""
        with self._lock:
            self._closed = True
            seats = [self._seats.get_nowait() for _ in range(self._seats.qsize())]
            for seat in seats:
                if seat is not None:
                    seat.kill()
                self._seats.put(None)

    def __enter__(self) -> ParserPool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Stopped(Exception):
    """The child was killed, or died: `again` where it may have been bad luck."""

    def __init__(self, reason: str, detail: str, again: bool = False) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.again = again


class _Child:
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
        request = {"name": name, "chunk": {"size": chunk.size, "overlap": chunk.overlap}}
        try:
            items, rest = self._asked(path, request, limits)
            chunks = [ChunkDraft(str(text), heading, dict(where)) for text, heading, where in items]
            return Parsed(chunks=chunks, **rest), False
        except (*_NONSENSE, _Stopped) as error:
            stop = self._stopped(error)
            return Parsed("", [], [], stop.reason, stop.detail, time.monotonic() - began, PARSER), stop.again

    def unpack(self, path: Path, folder: Path, limits: LimitPolicy) -> tuple[Unpacked, bool]:
        """What opening an archive gave, and whether the child died in a way that is worth another try."""
        try:
            items, rest = self._asked(path, {"folder": os.fsencode(folder.absolute()).hex()}, limits)
            return Unpacked(members=[Member(**item) for item in items], **rest), False
        except (*_NONSENSE, _Stopped) as error:
            stop = self._stopped(error)
            return Unpacked("application/zip", [], stop.reason, stop.detail), stop.again

    def _asked(self, path: Path, request: dict[str, Any], limits: LimitPolicy) -> tuple[list[Any], dict[str, Any]]:
        self._looked = time.monotonic()
        more = {
            "path": os.fsencode(path.absolute()).hex(),
            "limits": limits.model_dump(include=_BOUNDS),
            "data_bytes": limits.parse_memory_mb * 1_000_000 * _WALL_FACTOR + _WALL_EXTRA,
        }
        self._send(json.dumps(request | more).encode())
        return self._result(self._looked + limits.parse_seconds, limits)

    def _stopped(self, error: Exception) -> _Stopped:
        self.kill()
        if isinstance(error, _Stopped):
            return error
        return _Stopped("corrupt", "the parser answered nonsense; give another copy or format")

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
            raise _Stopped("corrupt", "the parser could not be started", again=True) from None

    def _result(self, deadline: float, limits: LimitPolicy) -> tuple[list[Any], dict[str, Any]]:
        """Frames of items, until one that is no list says the rest."""
        items: list[Any] = []
        while True:
            frame = json.loads(self._frame(deadline, limits))
            if isinstance(frame, dict):
                self._answered = True
                self._note_memory(len(items))
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

    def _note_memory(self, chunks: int) -> None:
        """Small files are too quick for a look at the memory; it is not worth one for each."""
        if chunks > 100:
            self.peak = max(self.peak, _memory(self.process.pid))

    def _check(self, now: float, deadline: float, limits: LimitPolicy) -> None:
        self.peak = max(self.peak, _memory(self.process.pid))
        if self.peak > limits.parse_memory_mb * 1_000_000:
            used = self.peak // 1_000_000
            raise _Stopped(
                "too_large",
                f"parsing took {used} MB of memory, the limit is {limits.parse_memory_mb}; "
                "split it, or raise limits.parse_memory_mb",
            )
        if now > deadline:
            raise _Stopped(
                "too_slow",
                f"parsing took more than {limits.parse_seconds:g} s; split it, or raise limits.parse_seconds",
            )

    def _died(self, limits: LimitPolicy) -> _Stopped:
        code = self.process.wait()
        if self.peak * 10 > limits.parse_memory_mb * 1_000_000 * 8:
            return _Stopped("too_large", f"parsing needs more than {limits.parse_memory_mb} MB of memory; split it")
        how = f"signal {-code}" if code < 0 else f"exit {code}"
        if code > 0 and not self._answered:
            detail = f"the parser's process could not be started ({how}); the file is not at fault"
        else:
            detail = f"the parser crashed ({how}); give another copy or format"
        return _Stopped("corrupt", detail, again=code == _SIGKILL)


def _memory(pid: int) -> int:
    """Bytes of memory that only this process holds; 0 where the system does not tell."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_bytes().split()
    except OSError:
        return 0
    return (int(fields[1]) - int(fields[2])) * _PAGE


_PAGE = os.sysconf("SC_PAGESIZE")


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
