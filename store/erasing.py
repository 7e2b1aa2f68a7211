"""Erasing: what a deletion leaves to be done outside its transaction, written down with it and finished by anybody.

Uploads go, packed files and collections are written anew, and both databases without what was deleted in them.
"""

from __future__ import annotations

import json
import sqlite3
from dataclasses import asdict, dataclass, field

from . import lexical
from .blobs import Blobs
from .chroma import ChromaFolder
from .chroma_files import scrub, sweep
from .faults import faultpoint
from .follow import Follower
from .knowledge import Knowledge
from .record import Record

FACT = "erasing"


@dataclass(frozen=True)
class Leftovers:
    """Uploads (SHA-256) to delete unless somebody needs them again, kbs whose packed file or whole collection is to be
    written anew, and whether Chroma's database is to be, too."""

    blobs: list[str] = field(default_factory=list)
    packs: list[int] = field(default_factory=list)
    collections: list[int] = field(default_factory=list)
    chroma: bool = False


class Eraser:
    """Everything here needs the lease, and all of it can be done again."""

    def __init__(
        self, record: Record, blobs: Blobs, knowledge: Knowledge, follower: Follower, chroma: ChromaFolder
    ) -> None:
        self._record = record
        self._blobs = blobs
        self._knowledge = knowledge
        self._follower = follower
        self._chroma = chroma

    def leave(self, writing: sqlite3.Connection, left: Leftovers) -> None:
        """Write down what is to be erased, in the transaction that deletes what it belonged to."""
        before = _pending(writing) or Leftovers()
        whole = Leftovers(
            blobs=sorted({*before.blobs, *left.blobs}),
            packs=sorted({*before.packs, *left.packs}),
            collections=sorted({*before.collections, *left.collections}),
            chroma=before.chroma or left.chroma,
        )
        writing.execute("INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)", (FACT, json.dumps(asdict(whole))))

    def pending(self) -> bool:
        """Whether something is left to be erased."""
        with self._record.read() as reading:
            return _pending(reading) is not None

    def finish(self) -> None:
        """Erase what was written down. What deleted documents left in Chroma has to have followed before."""
        with self._record.read() as reading:
            left = _pending(reading)
            if left is None:
                return
            there = {kb.kb_id: kb for kb in self._knowledge.all()}
            needed = needed_blobs(reading)
        self._blobs.delete_all(sha for sha in left.blobs if sha not in needed)
        faultpoint("erase.after_blobs")
        self._knowledge.sweep_packs()
        for kb in (there[kb_id] for kb_id in left.packs if kb_id in there):
            self._follower.rebuild_pack(kb)
        for kb_id in left.collections:
            if kb_id in there:
                self._follower.rebuild(kb_id)
        faultpoint("erase.after_views")
        if left.chroma:
            self._follower.sweep()
            self._chroma.close()
            sweep(self._chroma.path)
            scrub(self._chroma.path)
            faultpoint("erase.after_chroma")
        with self._record.write() as writing:
            lexical.compact(writing)
        if self._record.shrink():
            faultpoint("erase.before_done")
            with self._record.write() as writing:
                writing.execute("DELETE FROM facts WHERE key = ?", (FACT,))


def needed_blobs(reading: sqlite3.Connection) -> set[str]:
    """The uploads that a kb shows or keeps, that a journey still has to work on, or that a plan brought with it."""
    rows = reading.execute(
        "SELECT sha256 FROM versions WHERE NOT released UNION SELECT sha256 FROM plan_inputs"
        " UNION SELECT sha256 FROM journey_files"
        " WHERE stage IN ('uploaded', 'parsed', 'embedded') AND (outcome IS NULL OR outcome = 'staged')"
    )
    return {row[0] for row in rows}


def _pending(reading: sqlite3.Connection) -> Leftovers | None:
    row = reading.execute("SELECT value FROM facts WHERE key = ?", (FACT,)).fetchone()
    return Leftovers(**json.loads(row[0])) if row else None
