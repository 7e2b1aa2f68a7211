"""Law: a vector comes back from the record to the last bit, whatever its values, and takes no more room than it has."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from milepost.store.errors import StoreDamaged
from milepost.store.vector_bits import restored, shrunk

ANY = st.tuples(st.integers(0, 6), st.integers(1, 40)).flatmap(
    lambda shape: arrays.arrays(np.uint32, shape, elements=st.integers(0, 2**32 - 1))
)
"""The bits of any float32: not a number, infinite, tiny and minus nothing among them."""
NEAR = st.tuples(st.integers(0, 6), st.integers(1, 40)).flatmap(
    lambda shape: arrays.arrays(np.float32, shape, elements=st.floats(-1, 1, width=32))
)


def same(vectors: np.ndarray) -> bool:
    rows = shrunk(vectors)
    assert all(len(row) <= 4 * vectors.shape[1] + 1 for row in rows)
    return restored(rows, vectors.shape[1]).tobytes() == vectors.tobytes()


@given(bits=ANY)
def test_any_bits_come_back(bits: np.ndarray) -> None:
    assert same(bits.view(np.float32))


@given(vectors=NEAR)
def test_values_up_to_one_come_back(vectors: np.ndarray) -> None:
    assert same(vectors)


@pytest.mark.parametrize("dimensions", [1, 8, 256, 1536])
def test_each_row_is_read_alone_as_among_others(dimensions: int) -> None:
    """Zeros, one large value, and what a model gives: alone, in any order, some of them."""
    vectors = np.random.default_rng(dimensions).standard_normal((30, dimensions)).astype(np.float32)
    vectors[3], vectors[7, 0], vectors[9] = 0, 1e30, np.eye(1, dimensions)[0]
    rows = shrunk(vectors)
    for chosen in ([3], [9, 0], [29, 7, 3, 1], range(30), []):
        assert np.array_equal(restored([rows[at] for at in chosen], dimensions), vectors[list(chosen)])
    assert [shrunk(vectors[at : at + 1])[0] for at in range(30)] == rows


def test_what_a_model_gives_takes_an_eighth_less() -> None:
    vectors = np.random.default_rng(0).standard_normal((500, 256)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    assert sum(map(len, shrunk(vectors))) < 0.875 * vectors.nbytes


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: b"",
        lambda row: row[:-1],
        lambda row: row[:20],
        lambda row: b"\x00" + row[1:],
        lambda row: b"\xff" + row[1:],
        lambda row: row[:25] + b"\x00" * (len(row) - 25),
        lambda row: row + b"\x01",
    ],
    ids=["empty", "shorter", "cut", "largest", "as it is", "no exponents", "longer"],
)
def test_a_damaged_row_is_refused(spoil: Callable[[bytes], bytes]) -> None:
    rows = shrunk(np.random.default_rng(1).standard_normal((3, 8)).astype(np.float32))
    with pytest.raises(StoreDamaged, match="a vector in the record is damaged"):
        restored([rows[0], spoil(rows[1]), rows[2]], 8)


@given(spoiled=st.binary(max_size=60), before=st.booleans())
def test_any_bytes_give_a_vector_or_are_refused(spoiled: bytes, before: bool) -> None:
    good = shrunk(np.ones((1, 8), dtype=np.float32))[0]
    try:
        found = restored([good, spoiled] if before else [spoiled, good], 8)
    except StoreDamaged:
        return
    assert found.shape == (2, 8)
    assert found[0 if before else 1].tolist() == [1.0] * 8
