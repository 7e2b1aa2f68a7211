"""The proof of an index: every row is searched for by its own vector; what is lost is told from what is crowded out.

The index is a graph in which a search goes from neighbour to neighbour. Where hundreds of rows have one and the same
vector, they are each other's neighbours and have no others: a search that comes among them stays there, and never gets
to rows that lie elsewhere. Writing those again, in any order, under any setting, does not help (measured).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from .index_rows import Row, check_query
from .ports import Vectors

BATCH = 1_000
"""Vectors of one search."""
WIDER = (500, 5_000)
"""Results of a search that means to find one vector: of 50,000, the plain one missed 351 that are there, 500 none.

Among 3,000 that nearly agree, 500 missed 13; of equal ones no number is large enough.
"""
CROWD = 33
"""So many results that lie equally far off are a crowd: a row has at most 32 neighbours, which may be its equals."""
EQUALLY = 1e-4
"""What two distances of a crowd differ in, at most, as a part of them: 5,000 results by chance have two such."""


@dataclass
class Missed:
    """The ids that no search found: `lost` from the index, or `crowded` out by equal vectors, and in it as written."""

    lost: list[str] = field(default_factory=list[str])
    crowded: list[str] = field(default_factory=list[str])


class Searched(Protocol):
    """An index to be proved."""

    def distances(self, vectors: Vectors, k: int) -> list[list[tuple[str, float]]]:
        """The ids nearest to each vector, and how far off they are (L2, squared)."""
        ...

    def rows(self, ids: Sequence[str]) -> dict[str, Row]:
        """The rows of these ids; unknown ones are left out."""
        ...


def prove(index: Searched, ids: Sequence[str], vectors: Vectors) -> Missed:
    """Search for each id by its vector, plainly, then more widely; rows of equal vectors stand for each other."""
    missed = Missed()
    check_query(vectors)
    for at in range(0, len(ids), BATCH):
        batch, own = list(ids[at : at + BATCH]), vectors[at : at + BATCH]
        first = [(found or [("", 0.0)])[0] for found in index.distances(own, 1)]
        doubtful = [i for i, id_ in enumerate(batch) if first[i] != (id_, 0.0)]
        there = index.rows(sorted({first[i][0] for i in doubtful} - {""}))
        kinds = {
            batch[i]: _kind(index, batch[i], own[i]) for i in doubtful if not _equal(there.get(first[i][0]), own[i])
        }
        held = _held(index, {batch[i]: own[i] for i in doubtful if kinds.get(batch[i]) == "crowded"})
        missed.crowded += held
        missed.lost += [id_ for id_, kind in kinds.items() if kind != "found" and id_ not in held]
    return missed


def _kind(index: Searched, id_: str, vector: Vectors) -> str:
    for k in WIDER:
        (found,) = index.distances(vector[None], k)
        if (id_, 0.0) in found:
            return "found"
        if _crowd([far for _, far in found]):
            return "crowded"
    return "lost"


def _crowd(distances: Sequence[float]) -> bool:
    """Whether so many of these distances, in ascending order, are about the same."""
    if len(distances) < CROWD:
        return False
    far = np.asarray(distances)
    return bool(np.any(far[CROWD - 1 :] <= far[: 1 - CROWD] * (1 + EQUALLY)))


def _held(index: Searched, wanted: dict[str, Vectors]) -> list[str]:
    """Those of these ids that the index holds with their vectors, read by their ids."""
    try:
        rows = index.rows(list(wanted))
    except Exception:  # the native code raises kinds of its own where it has the row, and not its vector
        return []
    return [id_ for id_, vector in wanted.items() if _equal(rows.get(id_), vector)]


def _equal(row: Row | None, vector: Any) -> bool:
    return row is not None and np.array_equal(row.vector, vector)
