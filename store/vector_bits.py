"""Vectors as the record keeps them: every bit of a float32, in an eighth less room.

A row begins with the largest exponent of its values. Then each value's sign and fraction follow, three bytes, and how
far each exponent lies below the largest, in unary: of a normalised vector a value takes 27 bits, where it took 32. A
row that would not become shorter, one of many zeros say, is kept as it is.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .errors import StoreDamaged
from .ports import Vectors

AS_IT_IS = 255
"""First byte of a row that is kept as it is; as an exponent it would be that of infinity."""
_SIGN, _FRACTION = 0x800000, 0x7FFFFF

Counts = NDArray[np.int64]


def shrunk(vectors: Vectors) -> list[bytes]:
    """Each row of float32 vectors of shape (n, dimensions) as bytes."""
    whole = np.ascontiguousarray(vectors, dtype="<f4")
    exponents = ((whole.view("<u4") >> 23) & 255).astype(np.int64)
    largest = exponents.max(axis=1, initial=0)
    below = largest[:, None] - exponents
    short = (largest < AS_IT_IS) & (below.sum(axis=1) < 7 * whole.shape[1])
    if short.all():
        return _coded(whole, largest, below)
    coded = iter(_coded(whole[short], largest[short], below[short]))
    return [next(coded) if one else b"\xff" + row.tobytes() for one, row in zip(short, whole, strict=True)]


def restored(rows: Sequence[bytes], dimensions: int) -> Vectors:
    """The vectors of some rows, shape (n, dimensions), to the last bit; `StoreDamaged` where a row cannot be one."""
    plain = np.array([row[:1] == b"\xff" for row in rows], dtype=bool)
    try:
        if not plain.any():
            return _decoded(rows, dimensions)
        found = np.empty((len(rows), dimensions), dtype="<f4")
        kept = b"".join(row[1:] for row, one in zip(rows, plain, strict=True) if one)
        found[plain] = np.frombuffer(kept, "<f4").reshape(-1, dimensions)
        found[~plain] = _decoded([row for row, one in zip(rows, plain, strict=True) if not one], dimensions)
        return found
    except ValueError as refused:
        raise StoreDamaged("a vector in the record is damaged", cause=str(refused), next="milepost doctor") from refused


def _coded(whole: Vectors, largest: Counts, below: Counts) -> list[bytes]:
    bits = whole.view("<u4")
    rest = ((bits >> 8) & _SIGN | bits & _FRACTION).astype("<u4")
    three = rest.view(np.uint8).reshape(*whole.shape, 4)[:, :, :3].reshape(len(whole), 3 * whole.shape[1])
    ends = np.cumsum(below + 1, axis=1)
    size = (ends[:, -1] + 7) // 8 if whole.shape[1] else np.zeros(len(whole), np.int64)
    stops = np.cumsum(size)
    unary = np.zeros(8 * int(size.sum()), dtype=np.uint8)
    unary[(ends - 1 + 8 * (stops - size)[:, None]).ravel()] = 1
    packed, heads = np.packbits(unary).tobytes(), largest.astype(np.uint8)
    return [heads[at].tobytes() + three[at].tobytes() + packed[stop - size[at] : stop] for at, stop in enumerate(stops)]


def _decoded(rows: Sequence[bytes], dimensions: int) -> Vectors:
    fixed = 1 + 3 * dimensions
    front = np.frombuffer(b"".join([row[:fixed] for row in rows]), np.uint8).reshape(len(rows), fixed)
    starts = np.cumsum([0, *(8 * (len(row) - fixed) for row in rows)])
    unary = np.unpackbits(np.frombuffer(b"".join([row[fixed:] for row in rows]), np.uint8))
    ends = np.flatnonzero(unary.view(bool)).reshape(len(rows), dimensions)
    if (ends[:, :1] < starts[:-1, None]).any() or (ends[:, -1:] >= starts[1:, None]).any():
        raise ValueError("one row's exponents are in another's")
    below = np.empty(ends.shape, np.int32)
    below[:, 0] = ends[:, 0] - starts[:-1]
    np.subtract(ends[:, 1:], ends[:, :-1], out=below[:, 1:], casting="unsafe")
    below[:, 1:] -= 1
    exponents = front[:, :1].astype(np.int32) - below
    if exponents.min(initial=0) < 0:
        raise ValueError("an exponent is none")
    bits = np.zeros((len(rows), dimensions, 4), np.uint8)
    bits[:, :, :3] = front[:, 1:].reshape(len(rows), dimensions, 3)
    rest = bits.view("<u4")[:, :, 0]
    whole: Vectors = (((rest & _SIGN) << 8) | (rest & _FRACTION) | exponents.view("<u4") << 23).view("<f4")
    return whole
