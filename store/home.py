"""A home: one folder with the record, the blobs and the views of some people's knowledge bases."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TypeVar

from .blobs import Blobs
from .checkpoints import Checkpoints
from .chroma import ChromaFolder
from .content import Content
from .erasing import Eraser
from .errors import NoSpace, StoreBusy, StoreDamaged, StoreUnwritable
from .follow import Follower
from .knowledge import Knowledge
from .lease import Lease
from .ledger import Ledger
from .librarian import Librarian
from .parking import bury
from .plans import Plans
from .ports import Clock, Embedder, SystemClock
from .previews import Previews
from .record import Record
from .reserve import Reserve
from .standing import LIVE
from .trouble import as_trouble
from .views import Views

T = TypeVar("T")


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
        self.reserve = Reserve(path / "reserve")
        self.record = self._record()
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
        self.views = Views(
            path, self.record, self.knowledge, self.chroma, self.follower, self.librarian, self.clock
        )  # fmt: skip

    def _record(self) -> Record:
        """The record; on a full disk not even reading is possible without some room, which the reserve has."""
        try:
            return Record(self.path / "milepost.db")
        except (NoSpace, StoreUnwritable):  # SQLite says either where it cannot make a file
            if not self.reserve.free():
                raise
            return Record(self.path / "milepost.db")

    @property
    def findings(self) -> list[str]:
        """What this process found damaged and made anew, a sentence each."""
        return self.views.findings

    @contextmanager
    def hold(
        self, journey_id: str | None = None, *, wait: float = 10.0, mend: bool = True, anew: bool = False,
        lend: bool = False,
    ) -> Generator[None]:  # fmt: skip
        """Hold the lease, with the Chroma folder open to this process; what a dead process left is finished first.

        Without `mend` damaged views stay as they are, and using them raises `StoreDamaged`. With `anew` they are not
        brought up to date first: they are about to be made anew. `lend` gives the room of the reserve away meanwhile.
        """
        with (
            self.reserve.lent() if lend else nullcontext(),
            self.lease.hold(journey_id, wait=wait, leaving=self.views.left) as taken,
        ):
            if taken:
                self.views.taken(self.lease.views, unbroken=self.chroma.take(self.lease.epoch))
                self.recover(mend=mend, anew=anew)
                self.views.inspect(mend=mend)
            try:
                yield
            finally:
                if taken:
                    self.views.blank()

    def on_a_full_disk(self, work: Callable[[], T]) -> T:
        """Do what must be done on a full disk, too, and goes on where it stopped when it is done again.

        Where the reserve's room was too little for it, the collections give theirs, and follow the record afterwards.
        Only for the holder of the lease.
        """
        try:
            return work()
        except Exception as failure:
            full = isinstance(failure, NoSpace) or isinstance(as_trouble(failure, self.path), NoSpace)
            if not full or not self.views.give_up():
                raise
        self.record.empty_log()
        done = work()
        with suppress(Exception):  # native ones among them: the work is done, and whoever has room next brings the rest
            self.views.finish()
        return done

    def recover(self, *, mend: bool = True, anew: bool = False) -> None:
        """Finish what a process that died left unfinished. Only for the holder of the lease."""
        self.blobs.sweep()
        for journey in self.ledger.journeys(None, statuses=LIVE):
            bury(self.record, self.ledger, journey.journey_id)
        if anew or not (self.views.behind() or self.eraser.pending()) or not self.views.inspect(mend=mend):
            return
        if self.views.behind():
            self.views.finish()
        self.erase()

    def open_index(self, kb_id: int) -> None:
        """Look at a kb's views once for each time that the lease is taken, and mend them where they are not whole."""
        self.views.open(kb_id)

    def recover_if_idle(self) -> None:
        """What any command does that opens the home while no writer lives."""
        if self._unfinished() and self.lease.free():
            with suppress(StoreBusy, StoreDamaged), self.lease.hold(None, wait=0, leaving=self.views.left) as taken:
                if taken:  # else whoever was faster does the same
                    self.views.taken(self.lease.views, unbroken=self.chroma.take(self.lease.epoch))
                    self.recover()

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
            sql = "SELECT 1 FROM journeys WHERE status IN (?, ?) LIMIT 1"
            running = reading.execute(sql, tuple(map(str, LIVE))).fetchone()
        return bool(running) or self.views.behind() or self.eraser.pending()
