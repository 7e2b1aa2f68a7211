"""Chunks as the record has them and as a collection must: read by slot, and in the columns that an index takes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .chunks import canonical_metadata, vector_bytes
from .content import IN_LIST, as_matrix, batched, marks
from .index_rows import Metadata, Row
from .kb import Kb
from .ports import Vectors
from .record import Record
from .vector_bits import restored


@dataclass(frozen=True)
class ChunkRow:
    """A chunk as the record has it, and as the index must have it."""

    slot: int
    id: str
    document: str
    metadata: str
    vector: bytes


class ChunkRows:
    """Reads the rows of chunks."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def identities(self, kb: Kb, slots: Sequence[int]) -> Iterator[ChunkRow]:
        """The rows of these slots with nothing but their ids."""
        with self._record.read() as reading:
            for some in batched(slots, IN_LIST):
                sql = f"SELECT slot, chunk_id FROM chunks WHERE kb_id = ? AND slot IN ({marks(some)})"
                for row in reading.execute(sql, (kb.kb_id, *some)):
                    yield ChunkRow(row[0], bytes(row[1]).hex(), "", "", b"")

    def of(self, kb: Kb, slots: Sequence[int]) -> Iterator[ChunkRow]:
        """The rows of these slots; no write to the record before the last one was taken."""
        with self._record.read() as reading:
            for some in batched(slots, IN_LIST):
                yield from _select(reading, kb, some)


def _select(reading: sqlite3.Connection, kb: Kb, slots: Sequence[int]) -> Iterator[ChunkRow]:
    sql = (
        "SELECT c.slot, c.chunk_id, expanded(t.body), c.meta, v.vector FROM chunks c JOIN texts t USING (text_id)"
        " JOIN vectors v ON v.model_id = ? AND v.text_id = c.text_id"
        f" WHERE c.kb_id = ? AND c.slot IN ({marks(slots)})"
    )
    assert kb.dimensions is not None
    rows = reading.execute(sql, (kb.model_id, kb.kb_id, *slots)).fetchall()
    vectors = restored([row[4] for row in rows], kb.dimensions)
    for row, vector in zip(rows, vector_bytes(vectors), strict=True):
        yield ChunkRow(row[0], bytes(row[1]).hex(), row[2], row[3], vector)


def columns(rows: list[ChunkRow], kb: Kb) -> tuple[list[str], list[str], list[Metadata], Vectors]:
    """Ids, texts, metadata and vectors of rows, as an index takes them."""
    metadatas: list[Metadata] = [json.loads(row.metadata) for row in rows]
    return [row.id for row in rows], [row.document for row in rows], metadatas, matrix(rows, kb)


def matrix(rows: Sequence[ChunkRow], kb: Kb) -> Vectors:
    """The vectors of rows, one below the other."""
    assert kb.dimensions is not None
    return as_matrix([row.vector for row in rows], kb.dimensions)


def equal(expected: ChunkRow, found: Row | None) -> bool:
    """Whether an index holds a row as the record does, to the last bit."""
    return (
        found is not None
        and expected.document == found.document
        and expected.metadata == canonical_metadata(found.metadata)
        and np.array_equal(np.frombuffer(expected.vector, dtype="<f4"), found.vector)
    )
