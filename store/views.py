"""The views under the lease: whether they are what was left, and making them anew from the record otherwise."""

from __future__ import annotations

import json
import shlex
import shutil
import sqlite3
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from .chroma import ChromaFolder
from .chroma_files import blank, collections, damaged, set_aside, stamp
from .doomed import doomed
from .errors import StoreDamaged
from .faults import faultpoint
from .follow import SAMPLE as FEW
from .follow import Follower
from .knowledge import Knowledge
from .librarian import Librarian
from .plan import canonical_json
from .ports import Clock
from .probe import SAMPLE, look_from_outside
from .record import Record

TRIES = 3
"""Processes that may die bringing the views up to date, before they are made anew, and again before that ends."""
TRIED = "views_tried"


class Views:
    """Collections and packed vectors of a home. Nothing here is the only place where something is.

    Reading a damaged index can end the process that does it. So the folder is read in a child first, unless it looks
    as the last holder of the lease left it: one that died left nothing, and nobody else should have written there.
    """

    def __init__(
        self, path: Path, record: Record, knowledge: Knowledge, chroma: ChromaFolder, follower: Follower,
        librarian: Librarian, clock: Clock,
    ) -> None:  # fmt: skip
        self._path = path
        self._record = record
        self._knowledge = knowledge
        self._chroma = chroma
        self._follower = follower
        self._librarian = librarian
        self._clock = clock
        self._left: str | None = None
        self._sound = self._doubtful = False
        self._probed: set[int] = set()
        self.findings: list[str] = []
        """What was made anew by this process, and why; a sentence each."""

    def taken(self, left: str | None, *, unbroken: bool) -> None:
        """The lease was taken anew, from one who left the folder like that; `unbroken` where that was this process."""
        self._left = left
        self._sound = self._doubtful = False
        self._chroma.refuse(None)
        if not unbroken:
            self._probed.clear()

    def left(self) -> str | None:
        """What the folder looks like now, for the next holder to compare; as it was found, if nobody looked at it."""
        return json.dumps(stamp(self._chroma.path)) if self._sound else self._left

    def blank(self) -> None:
        """Overwrite what index files hold of this process's memory, unless they are not what they should be."""
        if self._sound:
            with suppress(OSError):  # the next one does it
                blank(self._chroma.path)

    def behind(self) -> bool:
        """Whether a process that died left something for the views to follow."""
        with self._record.read() as reading:
            kbs = reading.execute("SELECT 1 FROM kbs WHERE index_revision != head LIMIT 1").fetchone()
            return bool(kbs or doomed(reading) or self._librarian.left_behind())

    def inspect(self, *, mend: bool = True) -> bool:
        """Look at the folder once for each taking of the lease, before this process opens it: whether it can be used.

        Where it cannot, it is set aside and all of it made anew; without `mend`, opening it raises `StoreDamaged`.
        """
        if self._sound:
            return True
        now = stamp(self._chroma.path)
        then = json.loads(self._left) if self._left else None
        if then != list(now) and self._used():
            self._chroma.close()
            self._probed.clear()
            if damaged(self._chroma.path):
                return self._unusable("its database is damaged", mend=mend)
            if then is None or then[1] != now[1]:
                return self._read_by_a_child(mend=mend)
            self._doubtful = True  # somebody opened it, which writes to the database; more they should not have done
        self._sound = True
        return True

    def finish(self) -> None:
        """Bring every kb's collection to its head, and the librarian's; what cannot be mended is made anew.

        Where processes died of it, one after the other, that is done at once; and where they died of that, too, it is
        left to a person.
        """
        tried = self._count()
        if tried > 2 * TRIES:
            raise self._parked()
        try:
            if tried == TRIES + 1:
                self._unusable(f"{TRIES} processes died bringing it up to date", mend=True)
            else:
                self._bring()
        except Exception:  # it was not the end of the process
            with suppress(sqlite3.Error):
                self._forget()
            raise
        self._forget()

    def open(self, kb_id: int) -> None:
        """Look at a kb's views once for each time that the lease is taken, and mend them where they are not whole."""
        if kb_id in self._probed:
            return
        self._probed.add(kb_id)
        trouble = self._follower.check(kb_id, sample=SAMPLE if self._doubtful else FEW)
        if trouble:
            self._rebuild(kb_id)
            self._tell(kb_id, trouble)

    def rebuild(self, kb_id: int) -> None:
        """Make a kb's views anew, because a person said so; what processes died of before is tried again."""
        self._forget()
        self._rebuild(kb_id)

    def give_up(self) -> bool:
        """Give the disk what the Chroma folder takes; what was in it follows from the record, with the next use of it.

        For a rollback on a full disk. False where there is no such folder, or where somebody else has something in it.
        """
        ours = self._ours()
        self._chroma.close()
        try:
            if not self._chroma.path.exists() or not collections(self._chroma.path) <= ours:
                return False
        except sqlite3.Error:  # whose collections there are cannot be told
            return False
        shutil.rmtree(self._chroma.path)  # first, or there is no room for saying so; without it all is made anew
        faultpoint("views.after_giving_up")
        with self._record.write() as writing:
            self._nothing_is_there(writing)
        for kb in self._knowledge.all():
            self._probed.add(kb.kb_id)
            self._tell(kb.kb_id, "its collection gave its room to a rollback on a full disk")
        return True

    def _ours(self) -> set[str]:
        """The names of the collections that are this home's, of those too that were being made anew."""
        with self._record.read() as reading:
            librarian = reading.execute("SELECT value FROM facts WHERE key = 'librarian'").fetchall()
            kbs = self._knowledge.all()
            fresh = {replace(kb, generation=kb.generation + 1).collection for kb in kbs}
            return {kb.collection for kb in kbs} | fresh | {*doomed(reading), *(row[0] for row in librarian)}

    @staticmethod
    def _nothing_is_there(writing: sqlite3.Connection) -> None:
        writing.execute("UPDATE kbs SET index_revision = 0, index_rows = 0 WHERE generation > 0")
        writing.execute("UPDATE documents SET indexed = 0")

    def _bring(self) -> None:
        for kb in self._knowledge.all():
            if kb.index_revision != kb.head:
                self._follow(kb.kb_id)
                self.open(kb.kb_id)
        self._follower.sweep()
        self._librarian.recover()

    def _read_by_a_child(self, *, mend: bool) -> bool:
        seen = look_from_outside(self._path)
        if seen.deadly:
            return self._unusable(seen.deadly, mend=mend)
        if mend:
            for kb_id, trouble in seen.troubles.items():
                self._rebuild(kb_id)
                self._tell(kb_id, trouble)
            if seen.librarian:
                self._librarian.rebuild()
        self._sound = mend or not (seen.troubles or seen.librarian)
        return True

    def _follow(self, kb_id: int) -> None:
        try:
            self._follower.follow(kb_id)
        except Exception:  # the native code raises kinds of its own; what really is wrong, a rebuild meets again
            self._rebuild(kb_id)

    def _rebuild(self, kb_id: int) -> None:
        """Make one collection anew; where the damage is to the folder's database, all of them."""
        try:
            self._follower.rebuild(kb_id)
        except Exception:  # as above
            if not damaged(self._chroma.path):
                raise
            self._unusable("its database is damaged", mend=True)

    def _unusable(self, why: str, *, mend: bool) -> bool:
        """Set the folder aside and write all of it anew; or, without `mend`, have nobody open it."""
        if not mend:
            self._chroma.refuse(self._refusal(why))
            return False
        with self._record.write() as writing:  # before the folder goes: whoever dies here, the next one does it again
            self._nothing_is_there(writing)
        self._chroma.close()
        faultpoint("views.before_aside")
        aside = set_aside(self._chroma.path)
        faultpoint("views.after_aside")
        self._probed.clear()
        for kb in self._knowledge.all():
            self._follower.follow(kb.kb_id, prove="all")
            self._tell(kb.kb_id, f"{why}; it is kept as {aside.name}")
        self._follower.sweep()
        self._librarian.recover()
        self._sound = True
        return True

    def _tell(self, kb_id: int, trouble: str) -> None:
        """Say what was made anew, also to people who come later: in the ledger."""
        kb = self._knowledge.by_id(kb_id)
        self.findings.append(f"kb {kb.name!r}: {trouble}; made anew from the record")
        with self._record.write(lazy=True) as writing:
            writing.execute(
                "INSERT INTO events (tenant, user, timestamp, kind, detail) VALUES (?, 'milepost', ?, 'repaired', ?)",
                (kb.tenant, self._clock.now(), canonical_json({"kb": kb.name, "trouble": trouble})),
            )

    def _used(self) -> bool:
        """Whether anything was ever written to the folder: else it is made when something is."""
        with self._record.read() as reading:
            kbs = reading.execute("SELECT 1 FROM kbs WHERE generation > 0 LIMIT 1").fetchone()
            librarian = reading.execute("SELECT 1 FROM facts WHERE key = 'librarian'").fetchone()
        return bool(kbs or librarian)

    def _count(self) -> int:
        with self._record.write(lazy=True) as writing:
            return int(writing.execute(_ONE_MORE, (TRIED,)).fetchone()[0])

    def _forget(self) -> None:
        with self._record.write(lazy=True) as writing:
            writing.execute("DELETE FROM facts WHERE key = ?", (TRIED,))

    def _refusal(self, why: str) -> StoreDamaged:
        return StoreDamaged(
            "the collections cannot be used",
            cause=why,
            state="the record is whole; searches are right",
            next=self._mending(),
        )

    def _mending(self) -> str:
        kbs = sorted(self._knowledge.all(), key=lambda kb: kb.index_revision == kb.head)
        return f"milepost kb rebuild --kb {shlex.quote(kbs[0].name if kbs else 'NAME')}"

    def _parked(self) -> StoreDamaged:
        return StoreDamaged(
            "the collections need attention: process after process died bringing them up to date",
            cause=f"{2 * TRIES} did, the last ones while making them anew; memory or the disk may be at fault",
            state="the record is whole; searches are right, and nothing is tried again by itself",
            next=self._mending(),
        )


_ONE_MORE = """
INSERT INTO facts (key, value) VALUES (?, '1') ON CONFLICT (key) DO UPDATE SET value = value + 1 RETURNING value
"""


def is_parked(reading: sqlite3.Connection) -> bool:
    """Whether bringing the views up to date is left to a person."""
    row = reading.execute("SELECT value FROM facts WHERE key = ?", (TRIED,)).fetchone()
    return bool(row and int(row[0]) >= 2 * TRIES)
