"""The lease: one process at a time publishes to a home. `flock` decides; the ledger names the holder."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from .errors import MilepostError, NoSpace, StoreBusy, StoreDamaged
from .ports import Clock
from .record import Record

POLL_SECONDS = 0.05


class Lease:
    """Held for the executing part of one journey or rollback. The system frees it when its process dies."""

    def __init__(self, path: Path, record: Record, clock: Clock) -> None:
        self._path = path
        self._record = record
        self._clock = clock
        self._owner: int | None = None
        self.epoch = 0
        """How often the lease of this home was ever taken, as of our last time."""
        self.views: str | None = None
        """What the views looked like when the holder before left them; None where it never came to that."""
        self._depth = 0

    @property
    def held(self) -> bool:
        """Whether the calling thread holds it."""
        return self._owner == threading.get_ident()

    def free(self) -> bool:
        """Whether nobody holds it at this moment."""
        descriptor = self._try()
        if descriptor is not None:
            os.close(descriptor)
        return descriptor is not None

    @contextmanager
    def hold(
        self, journey_id: str | None, *, wait: float = 10.0, leaving: Callable[[], str | None] = lambda: None
    ) -> Generator[bool]:
        """Hold the lease, waiting at most `wait` seconds; yields True where it was taken anew.

        Nested calls of one thread share it. `StoreBusy` names the holder. What `leaving` says of the views is written
        down for the next holder; after a failure that nobody foresaw, or none of ours, that they may be anything.
        """
        if self.held:
            self._depth += 1
            try:
                yield False
            finally:
                self._depth -= 1
            return
        descriptor = self._acquire(wait)
        self._owner, self._depth = threading.get_ident(), 1
        try:
            self._enter(journey_id)
            yield True
            self._leave(leaving())
        except (StoreDamaged, NoSpace):
            raise
        except MilepostError:
            self._leave(leaving())
            raise
        finally:
            self._owner, self._depth = None, 0
            os.close(descriptor)

    def holder(self) -> dict[str, Any]:
        """The process that took the lease last: `{pid, journey_id, since, stopped}`."""
        with self._record.read() as reading:
            row = reading.execute("SELECT pid, journey_id, since FROM holder").fetchone()
        return {**dict(row), "stopped": _stopped(row["pid"])}

    def _acquire(self, wait: float) -> int:
        deadline = self._clock.monotonic() + wait
        while True:
            descriptor = self._try()
            if descriptor is not None:
                return descriptor
            if self._clock.monotonic() >= deadline:
                raise self._busy(wait)
            time.sleep(POLL_SECONDS)

    def _try(self) -> int | None:
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def _enter(self, journey_id: str | None) -> None:
        with self._record.write(lazy=True) as writing:
            self.views = writing.execute("SELECT views FROM holder").fetchone()[0]
            self.epoch = writing.execute(
                "UPDATE holder SET epoch = epoch + 1, pid = ?, journey_id = ?, since = ?, views = NULL RETURNING epoch",
                (os.getpid(), journey_id, self._clock.now()),
            ).fetchone()[0]

    def _leave(self, views: str | None) -> None:
        with self._record.write(lazy=True) as writing:
            writing.execute(
                "UPDATE holder SET pid = NULL, journey_id = NULL, since = ?, views = ?", (self._clock.now(), views)
            )

    def _busy(self, wait: float) -> StoreBusy:
        holder = self.holder()
        who = f"process {holder['pid']}" if holder["pid"] else "another process"
        work = f", journey {holder['journey_id']}" if holder["journey_id"] else ""
        stopped = " (stopped; it keeps the store until it goes on or ends)" if holder["stopped"] else ""
        return StoreBusy(
            "the store is busy",
            cause=f"held by {who}{work}{stopped}",
            state=f"waited {wait:g} s; nothing was changed",
            next=f"kill -CONT {holder['pid']}" if holder["stopped"] else "milepost doctor",
            add=[] if holder["stopped"] else ["--wait", "60"],
            holder=holder,
        )


def _stopped(pid: int | None) -> bool:
    """Whether a process is stopped (state T or t of its Linux `stat`); False where that cannot be read."""
    if pid is None:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] in {"T", "t"}
