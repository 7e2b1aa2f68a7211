"""Parsing in child processes with limits of time and memory.

A hostile file costs a child, never the parent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from queue import LifoQueue
from typing import TypeVar

from ..store.policy import ChunkPolicy, LimitPolicy
from .parse import Parsed
from .parser_child import Child
from .unpack import Unpacked

T = TypeVar("T")


class ParserPool:
    """Long-lived parser processes, started when first needed and again after one had to be killed.

    Threads may share a pool: as many files are parsed at a time as there are workers, the others wait. A
    child gets no secrets in its environment and ends with this process. `close` ends the children.
    """

    def __init__(self, *, workers: int = 1) -> None:
        self._closed = False
        self._lock = threading.Lock()
        self._seats: LifoQueue[Child | None] = LifoQueue()
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

    def _seated(self, work: Callable[[Child], tuple[T, bool]], limits: LimitPolicy) -> T:
        """Give work to the next child that is free; a second time where the first one was unlucky."""
        seat = self._seats.get()
        try:
            again = False
            while True:
                if seat is None:
                    seat = Child()
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
