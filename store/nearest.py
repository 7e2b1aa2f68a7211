"""Exact search by vectors: packed rows say who may be among the best, the record's own vectors who is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from .packing import Packed, Products
from .ports import Vectors

Exact: TypeAlias = Callable[[Sequence[int]], Vectors]
"""The float32 vectors of some slots, in their order."""


def nearest(
    rows: Packed, query: Vectors, k: int, visible: Callable[[Sequence[int]], set[int]], exact: Exact
) -> list[tuple[int, float]]:
    """The `k` visible rows with the largest inner product, exactly: (slot, product), best first, equal ones by slot.

    Whoever may be among the best is asked for visibility, more rows until `k` are visible; hidden rows cost a wider
    look, never an answer.
    """
    if len(rows) == 0 or k <= 0:
        return []
    quick, off = rows.products(query)
    low, high = quick - off, quick + off
    width = 2 * k + 8
    while True:
        edge = nth(low, width)
        seen = sorted(visible(np.flatnonzero(high >= edge).tolist()))
        if width >= len(low) or np.count_nonzero(low[seen] >= edge) >= k:
            break
        width *= 8
    if len(seen) > k:
        least = nth(low[seen], k)
        seen = [slot for slot in seen if high[slot] >= least]
    products = inner(exact(seen), query)
    return [(seen[i], float(products[i])) for i in np.lexsort((np.array(seen), -products))[:k]]


def nth(values: Products, n: int) -> float:
    """The n-th largest value, or the smallest where there are fewer."""
    at = max(len(values) - n, 0)
    return float(np.partition(values, at)[at])


def inner(vectors: Vectors, query: Vectors) -> Vectors:
    """Products taken row by row: a matrix product differs in its last bit with the number of rows."""
    products: Vectors = np.add.reduce(vectors * query, axis=1)
    return products
