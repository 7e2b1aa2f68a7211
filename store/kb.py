"""A knowledge base as the ledger has it, and what its name and its embedder may be."""

from __future__ import annotations

import hashlib
import sqlite3
from dataclasses import dataclass

from .errors import UsageError
from .ports import Embedder

NAME_LIMIT = 200


@dataclass(frozen=True)
class Kb:
    """A knowledge base as the ledger has it now."""

    kb_id: int
    tenant: str
    name: str
    head: int
    floor: int
    generation: int
    index_revision: int
    index_rows: int
    next_slot: int
    pack: str
    embedder: str | None
    dimensions: int | None
    model_id: int | None
    hybrid: bool

    @property
    def collection(self) -> str:
        """The name of its Chroma collection: derived from a hash, never from people's text."""
        name = hashlib.sha256(f"{self.tenant}\0{self.name}".encode()).hexdigest()[:32]
        return f"mp-{name}-{self.generation}"

    @property
    def pack_file(self) -> str:
        """The name of the file of its packed vectors; one that is made again under its name has another."""
        return f"{self.pack}.i8"


def kb_of(row: sqlite3.Row) -> Kb:
    """A row of the table `kbs`."""
    return Kb(**{key: row[key] for key in Kb.__dataclass_fields__})


def check_name(name: str) -> None:
    """Refuse a kb name that people could not type again."""
    if not name or len(name) > NAME_LIMIT or name != name.strip() or not name.isprintable():
        raise UsageError(
            f"{name[:80]!r} cannot name a kb",
            cause=f"1 to {NAME_LIMIT} printable characters, no spaces around them",
        )


def check_embedder(kb: Kb, embedder: Embedder) -> None:
    """Refuse to mix the vectors of two models in one kb."""
    if kb.embedder is not None and (kb.embedder, kb.dimensions) != (embedder.name, embedder.dimensions):
        raise UsageError(
            f"kb {kb.name!r} was made with another embedder",
            cause=f"it holds vectors of {kb.embedder} ({kb.dimensions} dimensions), configured is {embedder.name}"
            f" ({embedder.dimensions}); vectors of two models cannot be compared;"
            " set MILEPOST_EMBEDDER to the first, or take a new kb",
            state="nothing was changed",
            next="milepost doctor",
        )
