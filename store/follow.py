"""The index follows the commit: bring a kb's Chroma collection to a revision, prove it, make it anew if need be."""

from __future__ import annotations

import hashlib
import random
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from .chroma import BATCH, ChromaFolder, Index
from .chunk_rows import ChunkRow, ChunkRows, columns, equal, matrix
from .chunks import canonical_metadata, framed
from .content import batched
from .doomed import doom, doomed, spare
from .errors import StoreDamaged
from .faults import faultpoint
from .kb import Kb
from .knowledge import Knowledge
from .packed_rows import stored_vectors
from .proof import Missed
from .record import Record
from .records import DigestReport, VerifyReport
from .revisions import Delta, chunk_count, delta, visible_slots

SAMPLE = 20
"""Chunks proved by their own vector: of each batch that was added, and of each kb that is opened."""
GROWN = 2
"""A collection into which this many times its visible rows were ever written is made anew: its files never shrink."""
SMALL = 2_000
"""Rows below which nothing is made anew for having grown."""
MOSTLY = 0.5
"""The share of a collection from which on a change makes a new one: deleting nearly all loses vectors."""

Prove = Literal["sample", "all"]


class Follower:
    """Keeps collections where the ledger is. Everything here needs the lease, and all of it can be done again."""

    def __init__(self, record: Record, knowledge: Knowledge, chroma: ChromaFolder) -> None:
        self._record = record
        self._knowledge = knowledge
        self._chroma = chroma
        self._rows = ChunkRows(record)
        self._random = random.Random(0)
        self.between: Callable[[], None] = lambda: None
        """Called between two batches; what it raises ends there, and whoever follows next goes on."""

    def follow(self, kb_id: int, *, prove: Prove = "sample") -> None:
        """Bring the collection to the head revision: add, prove, delete; or write a new generation."""
        kb = self._knowledge.by_id(kb_id)
        if kb.index_revision == kb.head and kb.generation:
            return
        with self._record.read() as reading:
            change = delta(reading, kb_id, kb.index_revision, kb.head)
            before = chunk_count(reading, kb_id, kb.index_revision)
            after = chunk_count(reading, kb_id, kb.head)
        if not kb.generation or self._wants_new_generation(kb, change, before, after):
            self._new_generation(kb, prove=prove)
            return
        index = self._chroma.index(kb.collection, create=True)
        self._add(index, kb, change.added, prove)
        faultpoint("follow.after_add")
        for some in batched(change.removed, BATCH):
            self.between()
            index.delete([row.id for row in self._rows.identities(kb, some)])
            faultpoint("follow.after_delete")
        self._settle(kb, kb.index_rows + len(change.added))

    def rebuild(self, kb_id: int) -> None:
        """Write collection and packed file anew from the record, proved whole, and drop the old one. Embeds nothing."""
        kb = self._knowledge.by_id(kb_id)
        self.rebuild_pack(kb)
        self._new_generation(kb, prove="all")

    def rebuild_pack(self, kb: Kb) -> None:
        """Write the packed file of a large kb anew: rows of what was given up are holes in it."""
        pack = self._knowledge.pack(kb)
        if not pack.filed(kb.next_slot):
            return pack.delete()
        with self._record.read() as reading:
            pack.rebuild(kb.next_slot, stored_vectors(reading, kb))

    def sweep(self) -> None:
        """Drop the collections that a switch, a dropped kb or a process that died left behind."""
        with self._record.read() as reading:
            collections = doomed(reading)
        for collection in collections:
            self._chroma.drop(collection)
            with self._record.write() as writing:
                spare(writing, collection)

    def check(self, kb_id: int, *, sample: int = SAMPLE) -> str | None:
        """What is wrong with a kb's collection, at the revision that it has followed to, by count and a sample.

        The packed file is made anew where need be.
        """
        kb = self._knowledge.by_id(kb_id)
        if not kb.generation:
            return None
        if not self._pack_is_whole(kb):
            self.rebuild_pack(kb)
        return self._probe(kb, sample)

    def examine(self, kb_id: int, *, sample: int = SAMPLE) -> str | None:
        """What is wrong with a kb's collection, by count and a sample; mends nothing.

        One whose follow was cut off may hold anything, but has to answer.
        """
        kb = self._knowledge.by_id(kb_id)
        if not kb.generation:
            return None
        return self._probe(kb, sample) if kb.index_revision == kb.head else self.touch(kb.collection)

    def touch(self, collection: str) -> str | None:
        """Why a collection gives no answer, or None."""
        try:
            index = self._chroma.index(collection)
            rows = [row for row, _ in zip(index.scan(), range(SAMPLE), strict=False)]
            if rows:
                index.unsearchable([row.id for row in rows], np.stack([row.vector for row in rows]))
        except Exception as broken:  # the native code raises kinds of its own
            return f"the collection cannot be read: {str(broken)[:200]}"
        return None

    def verify(self, kb_id: int) -> VerifyReport:
        """Compare every row of the views with the record, and search for each by its own vector."""
        kb = self._knowledge.by_id(kb_id)
        with self._record.read() as reading:
            slots = visible_slots(reading, kb_id, kb.head)
        expected = {row.id: row for some in batched(slots, BATCH) for row in self._rows.of(kb, some)}
        if not kb.generation:
            return VerifyReport(ok=not expected, chunks_expected=len(expected), chunks_found=0)
        try:
            index = self._chroma.index(kb.collection)
            found = {row.id: row for row in index.scan()}
            same = [id_ for id_, row in found.items() if id_ in expected and equal(expected[id_], row)]
            alike = [expected[id_] for id_ in same]
            missed = index.missed([row.id for row in alike], matrix(alike, kb)) if alike else Missed()
            lost = {*missed.lost, *self._misfiled(kb, expected.values())}
        except Exception as broken:
            raise StoreDamaged(
                f"the collection of kb {kb.name!r} cannot be read",
                cause=str(broken)[:200],
                state="the record is whole; searches are right",
                next=f"milepost kb rebuild --kb {shlex.quote(kb.name)}",
            ) from broken
        missing, extra = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
        differing = sorted(set(expected) & set(found) - set(same))
        return VerifyReport(
            ok=not (missing or extra or differing or lost),
            chunks_expected=len(expected),
            chunks_found=len(found),
            missing=missing,
            extra=extra,
            differing=differing,
            unsearchable=sorted(lost),
            crowded=sorted(missed.crowded),
        )

    def confirm(self, kb_id: int, change: Delta) -> Literal["confirmed", "drift"]:
        """Read back what a publish changed: what came is there, bit for bit, and what went is gone."""
        kb = self._knowledge.by_id(kb_id)
        if not kb.generation:
            return "confirmed"  # nothing was ever published, so nothing is what has to be there
        index = self._chroma.index(kb.collection)
        with self._record.read() as reading:
            wanted = chunk_count(reading, kb_id, kb.head)
        if index.count() != wanted:
            return "drift"
        for some in batched(change.added, BATCH):
            expected = list(self._rows.of(kb, some))
            found = index.rows([row.id for row in expected])
            if any(row.id not in found or not equal(row, found[row.id]) for row in expected):
                return "drift"
        for some in batched(change.removed, BATCH):
            if index.rows([row.id for row in self._rows.identities(kb, some)]):
                return "drift"
        return "confirmed"

    def digest(self, kb_id: int) -> DigestReport:
        """`kb digest`: SHA-256 over what the collection really holds, in the order of ids."""
        kb = self._knowledge.by_id(kb_id)
        rows = []
        if kb.generation:
            rows = list(self._chroma.index(kb.collection).scan())
        digest = hashlib.sha256()
        for row in sorted(rows, key=lambda row: row.id.encode()):
            vector = row.vector.astype("<f4").tobytes()
            digest.update(framed(row.id, row.document, canonical_metadata(row.metadata), vector))
        return DigestReport(kb=kb.name, revision=kb.head, chunks=len(rows), digest=digest.hexdigest())

    def _wants_new_generation(self, kb: Kb, change: Delta, before: int, after: int) -> bool:
        written = kb.index_rows + len(change.added)
        grown = written > SMALL and written > GROWN * max(after, 1)
        return grown or (before > 0 and len(change.removed) > MOSTLY * before)

    def _new_generation(self, kb: Kb, *, prove: Prove) -> None:
        """Write a collection of the next generation, prove it whole, switch in the ledger, drop the old one."""
        fresh = _with_generation(kb, kb.generation + 1)
        if kb.index_revision == kb.head:  # else whoever recovers comes by here again
            with self._record.write() as writing:
                doom(writing, fresh.collection)
        self._chroma.drop(fresh.collection)
        index = self._chroma.index(fresh.collection, create=True)
        with self._record.read() as reading:
            slots = visible_slots(reading, kb.kb_id, kb.head)
        self._add(index, fresh, slots, "all" if kb.generation else prove)
        if index.count() != len(slots):
            raise StoreDamaged(f"a new collection of kb {kb.name!r} did not become whole", next="milepost doctor")
        faultpoint("follow.before_switch")
        with self._record.write() as writing:
            writing.execute(
                "UPDATE kbs SET generation = ?, index_revision = ?, index_rows = ? WHERE kb_id = ?",
                (fresh.generation, kb.head, len(slots), kb.kb_id),
            )
            spare(writing, fresh.collection)
            if kb.generation:
                doom(writing, kb.collection)
        faultpoint("follow.after_switch")
        self.sweep()

    def _add(self, index: Index, kb: Kb, slots: Sequence[int], prove: Prove) -> None:
        for some in batched(slots, BATCH):
            self.between()
            rows = list(self._rows.of(kb, some))
            index.add(*columns(rows, kb))
            faultpoint("follow.after_batch")
            chosen = rows if prove == "all" else self._random.sample(rows, min(SAMPLE, len(rows)))
            self._prove(index, kb, rows, chosen)

    def _prove(self, index: Index, kb: Kb, rows: list[ChunkRow], chosen: list[ChunkRow]) -> None:
        """Search for chunks by their own vector; where one is missed, the batch is looked at and written again."""
        if not self._unsearchable(index, kb, chosen):
            return
        lost = set(self._unsearchable(index, kb, rows))
        again = [row for row in rows if row.id in lost]
        if again:
            index.put(*columns(again, kb))
        left = self._unsearchable(index, kb, again)
        if left:
            raise StoreDamaged(
                f"{len(left)} chunks of kb {kb.name!r} cannot be found by their own vector",
                state="the commit stands; searches are right, the collection is not",
                next=f"milepost kb rebuild --kb {shlex.quote(kb.name)}",
            )

    def _unsearchable(self, index: Index, kb: Kb, rows: Sequence[ChunkRow]) -> list[str]:
        return index.unsearchable([row.id for row in rows], matrix(rows, kb)) if rows else []

    def _probe(self, kb: Kb, sample: int) -> str | None:
        with self._record.read() as reading:
            slots = visible_slots(reading, kb.kb_id, kb.index_revision)
        try:
            index = self._chroma.index(kb.collection)
            if index.count() != len(slots):
                return f"the collection has {index.count()} rows, the record {len(slots)}"
            chosen = self._random.sample(slots, min(sample, len(slots)))
            rows = list(self._rows.of(kb, chosen))
            lost = self._unsearchable(index, kb, rows)
            if lost:
                return f"{len(lost)} of {len(chosen)} chunks are not found by their own vector"
            found = index.rows([row.id for row in rows])
            other = [row for row in rows if not equal(row, found.get(row.id))]
            return f"{len(other)} of {len(chosen)} chunks are not what the record holds" if other else None
        except Exception as broken:  # the native code raises kinds of its own
            return f"the collection cannot be read: {str(broken)[:200]}"

    def _pack_is_whole(self, kb: Kb) -> bool:
        pack = self._knowledge.pack(kb)
        if not pack.filed(kb.next_slot):
            return True
        if pack.rows(kb.next_slot) is None:
            return False
        with self._record.read() as reading:
            slots = visible_slots(reading, kb.kb_id, kb.head)
        return not self._misfiled(kb, self._rows.of(kb, self._random.sample(slots, min(SAMPLE, len(slots)))))

    def _misfiled(self, kb: Kb, rows: Iterable[ChunkRow]) -> list[str]:
        """The ids whose vector in the packed file is not the record's; none where search does not use the file."""
        pack = self._knowledge.pack(kb)
        if not pack.filed(kb.next_slot) or pack.rows(kb.next_slot) is None:
            return []
        return [row.id for row in rows if not pack.holds(row.slot, row.vector, kb.next_slot)]

    def _settle(self, kb: Kb, rows: int) -> None:
        faultpoint("follow.before_settle")
        with self._record.write(lazy=True) as writing:
            writing.execute(
                "UPDATE kbs SET index_revision = ?, index_rows = ? WHERE kb_id = ?", (kb.head, rows, kb.kb_id)
            )


def _with_generation(kb: Kb, generation: int) -> Kb:
    return replace(kb, generation=generation)
