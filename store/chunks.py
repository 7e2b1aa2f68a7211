"""A chunk: one immutable piece of a source, identified by everything it is and by nothing else."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .plan import canonical_json

if TYPE_CHECKING:
    from .index_rows import Metadata
    from .ports import Vectors

_DIGEST_BITS = 256


def text_sha(text: str) -> bytes:
    """SHA-256 of a text's UTF-8."""
    return hashlib.sha256(text.encode()).digest()


def metadata_of(source: str, media_type: str, heading: str | None, tags: Mapping[str, str] | None = None) -> Metadata:
    """What a chunk says of itself in Chroma: no position, journey, time or absolute path; tags never hide our own."""
    found: Metadata = {**(tags or {}), "source": source, "media_type": media_type}
    if heading:
        found["heading"] = heading
    return found


def tags_of(chunker: str) -> dict[str, str]:
    """The tags that a chunker's id says are on every chunk (`tools.chunk.chunker_id` writes them)."""
    choices: dict[str, Any] = json.loads(chunker.partition(";")[2] or "{}")
    tags: dict[str, str] = choices.get("tags", {})
    return tags


def chunk_id(*, tenant: str, kb: str, source: str, sha: bytes, metadata: str, embedder: str, occurrence: int) -> bytes:
    """SHA-256 over what makes a chunk itself; `metadata` is canonical JSON, `occurrence` counts equal ones from 0."""
    digest = hashlib.sha256()
    for part in (tenant, kb, source, sha.hex(), metadata, embedder, str(occurrence)):
        raw = part.encode()
        digest.update(struct.pack("<Q", len(raw)) + raw)
    return digest.digest()


def row_digest(id_: str, document: str, metadata: str, vector: bytes) -> bytes:
    """SHA-256 of one row in the framing of `kb digest`: each field after its length as 8 bytes little-endian."""
    return hashlib.sha256(framed(id_, document, metadata, vector)).digest()


def framed(id_: str, document: str, metadata: str, vector: bytes) -> bytes:
    """One row's fields, each after its length in bytes as 8 bytes little-endian."""
    parts = (id_.encode(), document.encode(), metadata.encode(), vector)
    return b"".join(struct.pack("<Q", len(part)) + part for part in parts)


def state_digest(before: bytes, *, added: Sequence[bytes], removed: Sequence[bytes]) -> bytes:
    """The digest of a set of rows after a change, from the digest before it.

    It is the sum of the rows' digests modulo 2**256, so it costs what changed and forgets nothing: a state that
    comes back has the digest it had.
    """
    total = int.from_bytes(before, "little")
    total += sum(int.from_bytes(row, "little") for row in added)
    total -= sum(int.from_bytes(row, "little") for row in removed)
    return (total % (1 << _DIGEST_BITS)).to_bytes(_DIGEST_BITS // 8, "little")


def vector_bytes(vectors: Vectors) -> list[bytes]:
    """Each row as little-endian float32."""
    return [row.tobytes() for row in vectors.astype("<f4", copy=False)]


def canonical_metadata(metadata: Metadata) -> str:
    """The metadata's canonical JSON, as `kb digest` has it."""
    return canonical_json(metadata)
