"""What a revision shows, as arrays. A revision never changes, so what was read once is kept."""

from __future__ import annotations

import sqlite3
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Key: TypeAlias = tuple[Path, str, int, str]
KEPT = 8
"""Revisions whose arrays a process keeps: 16 bytes a chunk each."""


@dataclass(frozen=True)
class Shown:
    """The visible chunks of a revision in the order of their slots, and the source of each, counted from 0.

    `common` gathers the words that were found to be in too many of them to say anything.
    """

    slots: NDArray[np.int64]
    sources: NDArray[np.intp]
    source_ids: NDArray[np.int64]
    """The record's id of each source, ascending."""
    common: set[str] = field(default_factory=set)

    def only(self, source_ids: Sequence[int]) -> Shown:
        """What people would see if these were the only sources."""
        kept = np.isin(self.source_ids, np.array(source_ids, np.int64))
        places = kept[self.sources]
        return Shown(self.slots[places], (np.cumsum(kept) - 1)[self.sources[places]], self.source_ids[kept])

    def places(self, slots: NDArray[np.int64]) -> NDArray[np.intp]:
        """Where the visible ones of these slots stand in the arrays."""
        if not len(self.slots):
            return np.empty(0, np.intp)
        at: NDArray[np.intp] = np.minimum(np.searchsorted(self.slots, slots), len(self.slots) - 1)
        found: NDArray[np.intp] = at[self.slots[at] == slots]
        return found


_kept: OrderedDict[Key, Shown] = OrderedDict()


def shown(reading: sqlite3.Connection, record: Path, kb_id: int, pack: str, revision: int) -> Shown:
    """What people see in a revision of the kb whose packed file that is, in the record at that path."""
    row = reading.execute(
        "SELECT journey_id, timestamp FROM revisions WHERE kb_id = ? AND revision = ?", (kb_id, revision)
    ).fetchone()
    # another record may come to lie at the same path with the same numbers: who made the revision is in the key
    key = (record, pack, revision, "\0".join(row) if row else "")
    found = _kept.pop(key, None) or _read(reading, kb_id, revision)
    _kept[key] = found
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return found


def _read(reading: sqlite3.Connection, kb_id: int, revision: int) -> Shown:
    # as two long texts: a row for each chunk would cost five times as much
    row = reading.execute(
        "SELECT group_concat(slot), group_concat(source_id) FROM spans"
        " WHERE kb_id = ? AND appeared <= ? AND (gone IS NULL OR gone > ?)",
        (kb_id, revision, revision),
    ).fetchone()
    slots, sources = (np.fromstring(text or "", np.int64, sep=",") for text in row)
    order = np.argsort(slots, kind="stable")
    ids, places = np.unique(sources[order], return_inverse=True)
    return Shown(slots[order], places.reshape(-1), ids)
