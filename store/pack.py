"""The packed vectors of a kb in one file, mapped into memory: a view of the record."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from .content import as_matrix
from .packing import EXTRA, Packed, pack_rows, read_rows
from .ports import Vectors

MAPPED = 8
"""Mappings that a process keeps: one for each kb that it searches, and size."""
BATCH = 1_000
FILED = 4_096
"""Slots of a kb from which on it has a file: those of a smaller one are packed from the record in 20 ms, once."""


class Pack:
    """Row `slot` of the file is the packed vector of the chunk in that slot; rows beyond the committed mean nothing."""

    def __init__(self, path: Path, dimensions: int) -> None:
        self.path = path
        self.dimensions = dimensions
        self._size = dimensions + EXTRA

    @staticmethod
    def filed(count: int) -> bool:
        """Whether a kb of so many slots has its rows in a file."""
        return count >= FILED

    def write(self, first: int, vectors: Sequence[bytes]) -> None:
        """Write consecutive float32 vectors from slot `first` on; `sync` comes before the commit."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            packed = pack_rows(as_matrix(vectors, self.dimensions))
            _write_all(descriptor, memoryview(packed.tobytes()), first * self._size)
        finally:
            os.close(descriptor)

    def sync(self) -> None:
        """Make what was written last."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        try:
            os.fdatasync(descriptor)
        finally:
            os.close(descriptor)

    def rows(self, count: int) -> Packed | None:
        """The first `count` rows, mapped; None where the file is missing or too short."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return None
        if status.st_size < count * self._size:
            return None
        if count == 0:
            return read_rows(np.empty((0, self._size), dtype=np.uint8))
        return _mapped(self.path, status.st_ino, count, self._size)

    def rebuild(self, count: int, rows: Iterable[tuple[Sequence[int], Vectors]]) -> None:
        """Write the file anew, `count` rows long, from some slots and their vectors at a time.

        Readers see the old one or the whole new one.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        descriptor = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(descriptor, count * self._size)
            for slots, vectors in rows:
                packed = memoryview(pack_rows(vectors).tobytes())
                for at, slot in enumerate(slots):
                    _write_all(descriptor, packed[at * self._size : (at + 1) * self._size], slot * self._size)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.replace(self.path)

    def holds(self, slot: int, vector: bytes, count: int) -> bool:
        """Whether the file, `count` rows long, packs this vector in this slot."""
        rows = self.rows(count)
        wanted = read_rows(pack_rows(as_matrix([vector], self.dimensions)))
        return rows is not None and all(
            np.array_equal(have[slot], want[0])
            for have, want in ((rows.codes, wanted.codes), (rows.steps, wanted.steps), (rows.errors, wanted.errors))
        )

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)


def _write_all(descriptor: int, data: memoryview, at: int) -> None:
    while data:
        done = os.pwrite(descriptor, data, at)
        data, at = data[done:], at + done


@lru_cache(maxsize=MAPPED)
def _mapped(path: Path, inode: int, count: int, size: int) -> Packed:
    """The file mapped once for all searches: mapping anew costs a page fault for every page that a scan touches.

    Rows that are committed never change; a file that was replaced has another inode.
    """
    del inode
    return read_rows(np.memmap(path, dtype=np.uint8, mode="r", shape=(count, size)))
