"""Rows of a collection, and what may go into them: what Chroma would change without a word is refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .errors import UsageError
from .ports import Vectors

Metadata = dict[str, str | int | float | bool]


@dataclass(frozen=True)
class Row:
    """One row of a collection: what an index holds for an id."""

    id: str
    document: str
    metadata: Metadata
    vector: Vectors


def check_query(vectors: Vectors) -> None:
    if not np.isfinite(vectors).all():
        raise ValueError("a query vector holds NaN or infinity")


def check_metadata(ids: Sequence[str], metadatas: Sequence[Metadata]) -> None:
    """Refuse what Chroma would drop or change without a word: None, NaN, infinity, integers beyond 64 bits."""
    for id_, metadata in zip(ids, metadatas, strict=True):
        for key, value in metadata.items():
            if isinstance(value, str | bool):
                continue
            if isinstance(value, int) and -(2**63) <= value < 2**63:
                continue
            if isinstance(value, float) and math.isfinite(value):
                continue
            raise UsageError(
                f"metadata {key!r:.100} of row {id_!r:.100} would not be kept as it is",
                cause=f"{value!r:.60} is no text, boolean, finite number or 64-bit integer",
            )
