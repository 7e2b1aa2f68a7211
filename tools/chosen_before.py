"""How a source was cut up and marked, as the id of its chunker tells; apart from what a parser's process imports."""

from __future__ import annotations

import json

from ..store.policy import ChunkPolicy


def choices_of(chunker: str) -> ChunkPolicy:
    """How a source was cut up and marked, by the id of its chunker: what gives such an id again."""
    head, _, said = chunker.partition(";")
    _, size, overlap = head.split(":")
    chose = json.loads(said) if said else {}
    return ChunkPolicy(
        size=int(size), overlap=int(overlap), pages=chose.get("pages"), skip_sections=tuple(chose.get("skip", ())),
        tags=tuple(f"{name}={value}" for name, value in chose.get("tags", {}).items()),
        asked=bool(chose.get("asked")),
    )  # fmt: skip
