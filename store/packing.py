"""Vectors rounded to eight bits, each with a proven bound on what the rounding costs: a sieve for exact search."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import simsimd
from numpy.typing import NDArray

from .ports import Vectors

LEVELS = 127
ROUNDING = 1e-5
"""How far two ways of adding up the product of two float32 vectors of length one may lie apart."""
EXTRA = 8
"""Bytes of a packed row beside its codes: step and error, each a float32."""

Products = NDArray[np.floating]


@dataclass(frozen=True)
class Packed:
    """Packed rows: `codes` of shape (n, dimensions) as int8, `steps` and `errors` of shape (n,).

    A row is its codes times its step, and no further from that than its error (Euclidean).
    """

    codes: NDArray[np.int8]
    steps: NDArray[np.float32]
    errors: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.codes)

    def products(self, query: Vectors) -> tuple[Products, Products]:
        """The inner product of each row with a query of shape (dimensions,), and how far it may be off, at most.

        The rows' vectors, and the query, have at most length one.
        """
        asked = read_rows(pack_rows(query[None, :]))
        step, error = asked.steps[0], asked.errors[0]
        quick = np.asarray(simsimd.cdist(asked.codes, self.codes, metric="dot", out_dtype="f32"))[0]
        off = self.errors * (1 + error) + (np.float32(1.0001) * error + np.float32(ROUNDING))
        return quick * (self.steps * step), off


def pack_rows(vectors: Vectors) -> NDArray[np.uint8]:
    """float32 vectors of shape (n, dimensions) as packed rows, shape (n, dimensions + EXTRA)."""
    steps = np.abs(vectors).max(axis=1, initial=0).astype("<f4") / np.float32(LEVELS)
    codes = np.rint(vectors / np.where(steps > 0, steps, np.float32(1))[:, None]).clip(-LEVELS, LEVELS)
    lost = vectors - codes * steps[:, None]
    errors = (np.sqrt(np.add.reduce(lost * lost, axis=1)) * np.float32(1.001) + np.float32(1e-6)).astype("<f4")
    rows = np.empty((len(vectors), vectors.shape[1] + EXTRA), dtype=np.uint8)
    rows[:, :-EXTRA] = codes.astype(np.int8).view(np.uint8)
    rows[:, -EXTRA:-4] = steps[:, None].view(np.uint8)
    rows[:, -4:] = errors[:, None].view(np.uint8)
    return rows


def read_rows(rows: NDArray[np.uint8]) -> Packed:
    """Packed rows, of memory or a mapped file, to search in; the codes are not copied."""
    steps, errors = (np.ascontiguousarray(part).view("<f4")[:, 0] for part in (rows[:, -EXTRA:-4], rows[:, -4:]))
    return Packed(rows[:, :-EXTRA].view(np.int8), steps, errors)
