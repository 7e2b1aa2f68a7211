"""The parser's own process: requests on standard input, answers on standard output; it ends with its parent.

A frame is its length as four bytes, big-endian, and JSON. Run as `python -m milepost.tools.parse_worker`.
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import struct
import sys
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from .document import out_of_memory
from .opened import is_packed
from .parse import PARSER, Parsed, parse_path

LENGTH = struct.Struct("!I")
_AT_A_TIME = 2000
"""Chunks in one frame: a large result is not in memory a second time as JSON."""


@dataclass(frozen=True)
class Sizes:
    size: int
    overlap: int
    pages: str | None = None
    skip_sections: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    asked: bool = False


@dataclass(frozen=True)
class Bounds:
    file_bytes: int
    pages: int
    rows: int
    parse_memory_mb: int
    archive_bytes: int
    archive_ratio: int
    archive_members: int
    archive_depth: int


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches this process, too; its parent decides
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints is no answer
    requests: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    while True:
        request = requests.get()
        for frame in _unpacked(request) if "folder" in request else frames(_answer(request)):
            _write(answers, LENGTH.pack(len(frame)))
            _write(answers, frame)


def frames(parsed: Parsed) -> Iterator[bytes]:
    """A result as JSON: its chunks some at a time, then everything else."""
    for begin in range(0, len(parsed.chunks), _AT_A_TIME):
        some = parsed.chunks[begin : begin + _AT_A_TIME]
        yield _json([[each.text, each.heading, each.location] for each in some])
    rest = ("media_type", "warnings", "reason", "detail", "seconds", "parser")
    yield _json({key: getattr(parsed, key) for key in rest})


def _unpacked(request: dict[str, Any]) -> Iterator[bytes]:
    """An archive's members some at a time, then everything else."""
    from .unpack import unpack  # only where somebody asked for archives

    _wall(request)
    folder = Path(os.fsdecode(bytes.fromhex(request["folder"])))
    found = unpack(_path(request), folder, Bounds(**request["limits"]))
    for begin in range(0, len(found.members), _AT_A_TIME):
        yield _json([asdict(member) for member in found.members[begin : begin + _AT_A_TIME]])
    yield _json({"media_type": found.media_type, "reason": found.reason, "detail": found.detail})


def _path(request: dict[str, Any]) -> Path:
    return Path(os.fsdecode(bytes.fromhex(request["path"])))


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def _answer(request: dict[str, Any]) -> Parsed:
    _wall(request)
    limits = Bounds(**request["limits"])
    try:
        return parse_path(_path(request), request["name"], chunk=Sizes(**request["chunk"]), limits=limits)
    except MemoryError:
        return Parsed("", [], [], "too_large", out_of_memory(limits), 0.0, PARSER)


def _listen(source: BinaryIO, requests: SimpleQueue[dict[str, Any]]) -> None:
    """Queue requests; when the parent is gone, stop at once, whatever is being parsed."""
    while len(head := source.read(LENGTH.size)) == LENGTH.size:
        body = source.read(LENGTH.unpack(head)[0])
        requests.put(json.loads(body))
    os._exit(0)


def _write(target: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[target.write(view) or 0 :]


def _wall(request: dict[str, Any]) -> None:
    """Have the system stop what takes too much memory or processor time; the parent's own look comes later."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = request["cpu_seconds_packed" if is_packed(_path(request)) else "cpu_seconds"]
    _limit(resource.RLIMIT_DATA, request["data_bytes"])
    _limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + seconds)
    _limit(resource.RLIMIT_CORE, 0)


def _limit(kind: int, wanted: int) -> None:
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


if __name__ == "__main__":
    main()
