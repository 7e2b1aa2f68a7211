"""The parser's own process: requests on standard input, answers on standard output; it ends with its parent.

A frame is its length as four bytes, big-endian, and JSON. Run as `python -m milepost.tools.parse_worker`.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import struct
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO

from .parse import PARSER, Parsed, parse_path

LENGTH = struct.Struct("!I")


@dataclass(frozen=True)
class Sizes:
    size: int
    overlap: int


@dataclass(frozen=True)
class Bounds:
    file_bytes: int
    pages: int
    rows: int


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C in a terminal reaches this process, too; its parent decides
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what a library prints is no answer
    requests: SimpleQueue[dict[str, Any]] = SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, requests), daemon=True).start()
    while True:
        body = _encoded(requests.get())
        _write(answers, LENGTH.pack(len(body)))
        _write(answers, body)


def _encoded(request: dict[str, Any]) -> bytes:
    try:
        return json.dumps(answer(request), separators=(",", ":")).encode()
    except MemoryError:
        detail = "parsing it took all the memory allowed; split it, or raise limits.parse_memory_mb"
        return json.dumps(plain(Parsed("", [], [], "too_large", detail, 0.0, PARSER))).encode()


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Parse one file as a request asks."""
    _wall(request["data_bytes"])
    parsed = parse_path(
        Path(os.fsdecode(bytes.fromhex(request["path"]))),
        request["name"],
        chunk=Sizes(**request["chunk"]),
        limits=Bounds(**request["limits"]),
    )
    return plain(parsed)


def plain(parsed: Parsed) -> dict[str, Any]:
    """A result as JSON types."""
    return {
        "media_type": parsed.media_type,
        "chunks": [[each.text, each.heading, each.location] for each in parsed.chunks],
        "warnings": parsed.warnings,
        "reason": parsed.reason,
        "detail": parsed.detail,
        "seconds": parsed.seconds,
        "parser": parsed.parser,
    }


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


def _wall(data_bytes: int) -> None:
    """A second wall behind the parent's watch, far enough out never to be the first."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    wanted = data_bytes if hard == resource.RLIM_INFINITY else min(data_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
    core = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, core))


if __name__ == "__main__":
    main()
