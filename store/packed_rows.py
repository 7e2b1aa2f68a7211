"""Where a search finds a kb's packed vectors: a large kb's in their file, a small one's packed by who searches it."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .kb import Kb
from .pack import BATCH, MAPPED, Pack
from .packing import EXTRA, Packed, pack_rows, read_rows
from .ports import Vectors
from .record import Record
from .vector_bits import restored

_VECTORS = (
    "SELECT c.slot, v.vector FROM chunks c JOIN vectors v ON v.model_id = ? AND v.text_id = c.text_id"
    " WHERE c.kb_id = ? AND c.slot >= ?"
)


@dataclass(frozen=True)
class _Kept:
    """Packed rows that this process made: of which file of a kb they stand for, and as they are searched."""

    pack: str
    rows: NDArray[np.uint8]
    packed: Packed


_kept: OrderedDict[tuple[Path, int, int], _Kept] = OrderedDict()
"""By record (path and inode) and kb, the last one searched at the end. The rows of committed slots never change."""


def packed_rows(record: Record, reading: sqlite3.Connection, kb: Kb, pack: Pack, count: int) -> Packed:
    """The first `count` packed rows; where a large kb's file is not whole, made for once (the next publisher mends it).

    What is made for a small kb is kept, and grows with it; but nothing of a transaction that may yet be undone.
    """
    none = np.empty((0, pack.dimensions + EXTRA), np.uint8)
    if pack.filed(count):
        found = pack.rows(count)
        return read_rows(_grown(reading, kb, none, count)) if found is None else found
    if not record.in_snapshot:
        return read_rows(_grown(reading, kb, none, count))
    key = (record.path, record.path.stat().st_ino, kb.kb_id)
    known = _kept.pop(key, None)
    if known is None or known.pack != kb.pack:
        known = _Kept(kb.pack, none, read_rows(none))
    if len(known.rows) < count:
        rows = _grown(reading, kb, known.rows, count)
        known = _Kept(kb.pack, rows, read_rows(rows))
    _kept[key] = known
    while len(_kept) > MAPPED:
        _kept.popitem(last=False)
    return known.packed if len(known.rows) == count else read_rows(known.rows[:count])


def write_rows(writing: sqlite3.Connection, kb: Kb, pack: Pack, first: int, vectors: Sequence[bytes]) -> None:
    """Write the rows of new slots of a large kb; all of them where it has no file yet. `Pack.sync` comes after."""
    if pack.rows(first) is None:
        pack.rebuild(first + len(vectors), stored_vectors(writing, kb))
    else:
        pack.write(first, vectors)


def stored_vectors(reading: sqlite3.Connection, kb: Kb, first: int = 0) -> Iterator[tuple[Sequence[int], Vectors]]:
    """The vectors of a kb's chunks as the record has them, from slot `first` on: some slots and theirs at a time."""
    assert kb.dimensions is not None
    found = reading.execute(_VECTORS, (kb.model_id, kb.kb_id, first))
    while some := found.fetchmany(BATCH):
        yield [row[0] for row in some], restored([row[1] for row in some], kb.dimensions)


def _grown(reading: sqlite3.Connection, kb: Kb, before: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """Packed rows with those that came since; slots that no chunk has any more are zeros, and nobody sees them."""
    rows = np.zeros((count, before.shape[1]), np.uint8)
    rows[: len(before)] = before
    for slots, vectors in stored_vectors(reading, kb, len(before)):
        rows[slots] = pack_rows(vectors)
    return rows
