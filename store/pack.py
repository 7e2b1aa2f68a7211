"""The vectors of a kb packed into one float32 file, and the exact search over it: a view of the record."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .ports import Vectors

FLOAT = 4
MAPPED = 8
"""Mappings that a process keeps: one for each kb that it searches, and size."""
ROUNDING = 1e-5
"""How far two ways of adding up the product of two float32 vectors of length one may lie apart."""


class Pack:
    """Row `slot` of the file is the vector of the chunk in that slot. Rows beyond the committed ones mean nothing."""

    def __init__(self, path: Path, dimensions: int) -> None:
        self.path = path
        self.dimensions = dimensions

    def write(self, first: int, vectors: Sequence[bytes]) -> None:
        """Write consecutive rows from slot `first` on, and sync them: the commit comes after."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            data, at = b"".join(vectors), first * self.dimensions * FLOAT
            while data:
                done = os.pwrite(descriptor, data, at)
                data, at = data[done:], at + done
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def rows(self, count: int) -> Vectors | None:
        """The first `count` rows, mapped; None where the file is missing or too short."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        if status.st_size < count * self.dimensions * FLOAT:
            return None
        if count == 0:
            return np.empty((0, self.dimensions), dtype=np.float32)
        return _mapped(self.path, status.st_ino, count, self.dimensions)

    def rebuild(self, count: int, rows: Iterable[tuple[int, bytes]]) -> None:
        """Write the file anew, `count` rows long, from (slot, vector); readers see the old one or the whole new one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, count * self.dimensions * FLOAT)
            for slot, vector in rows:
                os.pwrite(descriptor, vector, slot * self.dimensions * FLOAT)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.replace(self.path)

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)


@lru_cache(maxsize=MAPPED)
def _mapped(path: Path, inode: int, count: int, dimensions: int) -> Vectors:
    """The file mapped once for all searches: mapping anew costs a page fault for every page that a scan touches.

    A mapping sees what is written into its file; a file that was replaced has another inode.
    """
    del inode
    return np.memmap(path, dtype="<f4", mode="r", shape=(count, dimensions))


def nearest(
    rows: Vectors, query: Vectors, k: int, visible: Callable[[Sequence[int]], set[int]]
) -> list[tuple[int, float]]:
    """The `k` visible rows with the largest inner product, exactly: (slot, product), best first.

    The best candidates are asked for visibility, more of them until `k` are visible; hidden rows cost a wider look,
    never an answer. Products are taken row by row in the end: the fast ones differ in their last bit with the number
    of rows, so that staged rows nobody sees would change scores, and the order of equal texts.
    """
    if rows.shape[0] == 0 or k <= 0:
        return []
    products = rows @ query
    width = 4 * k + 16
    while True:
        candidates, edge = _best(products, width)
        seen = visible([int(slot) for slot in candidates])
        if sum(products[slot] >= edge for slot in seen) >= k or width >= len(products):
            return _ranked(rows, query, sorted(seen))[:k]
        width *= 8


def _ranked(rows: Vectors, query: Vectors, slots: Sequence[int]) -> list[tuple[int, float]]:
    exact = np.add.reduce(rows[list(slots)] * query, axis=1)
    return [(slots[i], float(exact[i])) for i in np.lexsort((slots, -exact))]


def _best(products: Vectors, width: int) -> tuple[NDArray[np.intp], float]:
    """The slots of the `width` largest products and of all that rounding may have put below them; the smallest."""
    if width >= len(products):
        return np.arange(len(products)), -np.inf
    edge = float(np.partition(products, len(products) - width)[len(products) - width])
    chosen = np.flatnonzero(products >= edge - ROUNDING)
    return chosen[np.lexsort((chosen, -products[chosen]))], edge
