"""A document as a row of the librarian's collection: its stand-in vector, and the metadata Chroma can be asked for."""

from __future__ import annotations

import re

import numpy as np

from .documents import Shelved
from .index_rows import Metadata
from .ports import Vectors

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


def stand_in(id_: str, dimensions: int) -> Vectors:
    """A vector that says nothing: equal ones for all would leave rows that no search reaches."""
    drawn = np.random.default_rng(int(id_[:16], 16)).standard_normal(dimensions)
    return np.asarray(drawn / np.linalg.norm(drawn), dtype=np.float32)


def flat(document: Shelved, *, by_meaning: bool) -> Metadata:
    """What Chroma can be asked for: ours, and the document's own under other names where ours are taken.

    Chroma refuses some keys with the whole batch; what is no plain name stays in the ledger alone.
    """
    flat: Metadata = {
        "document_id": document.key,
        "tenant": document.tenant,
        "room": document.namespace[0] if document.namespace else "",
        "digest": document.digest,
        "by_meaning": by_meaning,
    }
    if document.type is not None:
        flat["type"] = document.type
    if document.journey_id:
        flat["journey_id"] = document.journey_id
    for key, value in document.metadata.items():
        if value is not None and flat.get(key) != value and _NAME.fullmatch(key):
            flat[f"own_{key}" if key in flat else key] = _kept(value)
    return flat


def _kept(value: str | int | float | bool) -> str | int | float | bool:
    """A large integer as text: Chroma would turn it into another number."""
    large = isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53
    return str(value) if large else value
