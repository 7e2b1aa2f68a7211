"""A home: one folder with the record, the blobs and the views of some people's knowledge bases."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from .blobs import Blobs
from .checkpoints import Checkpoints
from .chroma import ChromaFolder
from .chroma_files import blank
from .content import Content
from .doomed import doomed
from .erasing import Eraser
from .errors import StoreBusy, StoreUnwritable
from .follow import Follower
from .knowledge import Knowledge
from .lease import Lease
from .ledger import Ledger
from .librarian import Librarian
from .plans import Plans
from .ports import Clock, Embedder, SystemClock
from .previews import Previews
from .record import Record
from .records import JourneyStatus
from .standing import LIVE


class Home:
    """Everything that is remembered, opened together. Making one makes the folder."""

    def __init__(self, path: Path, *, embedder: Callable[[], Embedder], clock: Clock | None = None) -> None:
        self.path = path
        self.clock = clock or SystemClock()
        self.embedder = embedder
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as refused:
            raise StoreUnwritable(
                f"the home {path} cannot be made",
                cause=refused.strerror or str(refused),
                state="nothing was changed",
                next="milepost init --home DIR",
            ) from refused
        self.record = Record(path / "milepost.db")
        self.blobs = Blobs(path / "blobs")
        self.content = Content(self.record)
        self.chroma = ChromaFolder(path / "chroma")
        self.knowledge = Knowledge(self.record, self.content, path / "vectors", self.clock)
        self.follower = Follower(self.record, self.knowledge, self.chroma)
        self.ledger = Ledger(self.record, self.clock)
        self.plans = Plans(self.record, self.clock)
        self.checkpoints = Checkpoints(self.record, self.clock)
        self.previews = Previews(self.record, self.clock)
        self.eraser = Eraser(self.record, self.blobs, self.knowledge, self.follower, self.chroma)
        self.lease = Lease(path / "lease.lock", self.record, self.clock)
        self.librarian = Librarian(self.record, self.chroma, self.hold, embedder, self.clock)
        self._probed: set[int] = set()
        self.findings: list[str] = []

    @contextmanager
    def hold(self, journey_id: str | None = None, *, wait: float = 10.0) -> Generator[None]:
        """Hold the lease, with the Chroma folder open to this process; what a dead process left is finished first."""
        with self.lease.hold(journey_id, wait=wait) as taken:
            if not taken:
                yield
                return
            if not self.chroma.take(self.lease.epoch):
                self._probed.clear()
            self.recover()
            try:
                yield
            finally:
                with suppress(OSError):  # the next one does it
                    blank(self.chroma.path)

    def recover(self) -> None:
        """Finish what a process that died left unfinished. Only for the holder of the lease."""
        self.blobs.sweep()
        for journey in self.ledger.journeys(None, statuses=LIVE):
            self.ledger.set_status(
                journey.journey_id,
                JourneyStatus.INTERRUPTED,
                detail="the process that ran it ended before it did",
            )
        for kb in self.knowledge.all():
            if kb.index_revision != kb.head:
                self.follower.catch_up(kb.kb_id)
                self.open_index(kb.kb_id)
        self.follower.sweep()
        self.librarian.recover()
        self.erase()

    def open_index(self, kb_id: int) -> None:
        """Look at a kb's views once for each time that the lease is taken, and mend them where they are not whole."""
        if kb_id in self._probed:
            return
        self._probed.add(kb_id)
        trouble = self.follower.open(kb_id)
        if trouble:
            name = self.knowledge.by_id(kb_id).name
            self.findings.append(f"kb {name!r}: {trouble}; made anew from the record")

    def recover_if_idle(self) -> None:
        """What any command does that opens the home while no writer lives."""
        if self._unfinished() and self.lease.free():
            with suppress(StoreBusy), self.hold(wait=0):  # whoever was faster does the same
                pass

    def erase(self) -> None:
        """Finish a deletion; what the system refuses (no space, another program at it) stays for the next time.

        Only for the holder of the lease.
        """
        try:
            self.eraser.finish()
        except (OSError, sqlite3.OperationalError) as refused:
            self.findings.append(f"a deletion is not finished: {refused}; it goes on by itself")

    def size(self) -> int:
        """Bytes of everything in the folder."""
        return sum(path.stat().st_blocks * 512 for path in self.path.rglob("*") if path.is_file())

    def close(self) -> None:
        """Close every connection; the home can be opened again."""
        self.chroma.close()
        self.record.close()

    def _unfinished(self) -> bool:
        with self.record.read() as reading:
            behind = reading.execute("SELECT 1 FROM kbs WHERE index_revision != head LIMIT 1").fetchone()
            running = reading.execute(
                "SELECT 1 FROM journeys WHERE status IN (?, ?) LIMIT 1", tuple(map(str, LIVE))
            ).fetchone()
            left = doomed(reading)
        return bool(behind or running or left or self.eraser.pending())
