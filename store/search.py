"""Exact search by vectors and words, at the newest revision or any past one, in any process, with no lease."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from .audience import may_find, tagged
from .content import IN_LIST, Content, batched, marks
from .history import History
from .kb import Kb
from .lexical import coverage
from .nearest import nearest
from .pack import Pack
from .packed_rows import packed_rows
from .ports import Vectors
from .ranking import best
from .record import Record
from .records import SearchHit
from .revisions import state_at, unpack_slots, visible
from .shown import Shown, shown
from .vector_bits import restored

_VECTORS = "SELECT c.slot, v.vector FROM chunks c JOIN vectors v ON v.model_id = ? AND v.text_id = c.text_id"


class Search:
    """What people would find. One read transaction answers: a commit is seen whole or not at all."""

    def __init__(self, record: Record, content: Content, packs: Path) -> None:
        self._record = record
        self._content = content
        self._packs = packs

    def search(
        self,
        kb: Kb,
        query: Vectors,
        *,
        k: int,
        at: int | None = None,
        question: str = "",
        audience: Sequence[str] | None = None,
    ) -> list[SearchHit]:
        """The `k` best chunks for a normalised query vector of shape (dimensions,), best first.

        In a hybrid kb, given the question's text, its words count beside its meaning, and sources take turns (see
        ranking); else the nearest vectors come. Given audiences, the answer is that of a kb without the sources that
        are for others: what they hold enters neither the choice nor a score.

        A revision that never was, or was released by this moment, is refused.
        """
        if kb.dimensions is None:
            return []
        with self._record.read() as reading:
            head, floor, rows_there = reading.execute(
                "SELECT head, floor, next_slot FROM kbs WHERE kb_id = ?", (kb.kb_id,)
            ).fetchone()
            revision = head if at is None else at
            History(self._record).require(replace(kb, head=head, floor=floor), revision)
            rows = packed_rows(self._record, reading, kb, self._pack(kb), rows_there)
            exact = partial(self._vectors, reading, kb)
            if question and kb.hybrid:
                seen = self._shown(reading, kb, revision, audience)
                found = best(rows, query, k, seen, coverage(reading, kb.kb_id, question, seen), exact)
            elif audience is None:
                found = nearest(rows, query, k, partial(visible, reading, kb.kb_id, revision), exact)
            else:
                theirs = set(self._shown(reading, kb, revision, audience).slots.tolist())
                found = nearest(rows, query, k, theirs.intersection, exact)
            return [self._hit(reading, kb, revision, rank, *hit) for rank, hit in enumerate(found, start=1)]

    def _shown(self, reading: sqlite3.Connection, kb: Kb, revision: int, audience: Sequence[str] | None) -> Shown:
        whole = shown(reading, self._record.path, kb.kb_id, kb.pack, revision)
        return whole if audience is None else whole.only(may_find(reading, kb.kb_id, revision, audience))

    def _pack(self, kb: Kb) -> Pack:
        assert kb.dimensions is not None
        return Pack(self._packs / kb.pack_file, kb.dimensions)

    def _vectors(self, reading: sqlite3.Connection, kb: Kb, slots: Sequence[int]) -> Vectors:
        """The record's vectors of some slots, in their order."""
        assert kb.dimensions is not None
        found: dict[int, bytes] = {}
        for some in batched(slots, IN_LIST):
            sql = f"{_VECTORS} WHERE c.kb_id = ? AND c.slot IN ({marks(some)})"
            found |= dict(map(tuple, reading.execute(sql, (kb.model_id, kb.kb_id, *some))))
        return restored([found[slot] for slot in slots], kb.dimensions)

    def _hit(
        self, reading: sqlite3.Connection, kb: Kb, revision: int, rank: int, slot: int, product: float
    ) -> SearchHit:
        row = reading.execute(
            "SELECT c.chunk_id, c.source_id, c.meta, s.name, expanded(t.body) AS text FROM chunks c"
            " JOIN sources s USING (source_id) JOIN texts t USING (text_id) WHERE c.kb_id = ? AND c.slot = ?",
            (kb.kb_id, slot),
        ).fetchone()
        return SearchHit(
            rank=rank,
            score=min(1.0, max(0.0, product)),
            source=row["name"],
            location=self._location(reading, kb, revision, row["source_id"], slot),
            text=row["text"],
            chunk_id=bytes(row["chunk_id"]).hex(),
            revision=revision,
            audience=tagged(json.loads(row["meta"])),
        )

    def _location(
        self, reading: sqlite3.Connection, kb: Kb, revision: int, source_id: int, slot: int
    ) -> dict[str, object]:
        state = state_at(reading, kb.kb_id, revision, [source_id])[source_id]
        row = reading.execute(
            "SELECT slots, parsed_id FROM versions WHERE version_id = ?", (state.version_id,)
        ).fetchone()
        position = unpack_slots(row["slots"]).index(slot)
        piece = self._content.piece(row["parsed_id"], position)
        heading = {"heading": piece.heading} if piece.heading else {}
        return {**heading, **piece.location}
