"""The librarian's shelf: JSON documents, in the ledger first, then in one Chroma collection, then read back."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .chroma import ChromaFolder, Index, Metadata
from .content import IN_LIST, batched, marks
from .errors import StoreBusy, StoreDamaged, UsageError
from .faults import faultpoint
from .plan import canonical_json
from .ports import Clock, Embedder, Vectors
from .record import Record

EMBEDDED_CHARACTERS = 4_000
"""Of a document's JSON, from its beginning: what it is found by in meaning."""

Namespace = tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """A document to be written: `content` is any JSON object, `metadata` is flat."""

    document_id: str
    content: dict[str, Any]
    metadata: dict[str, str | int | float | bool] = field(default_factory=dict)
    tenant: str = "default"
    journey_id: str | None = None
    namespace: Namespace = ()


@dataclass(frozen=True)
class Shelved:
    """A document as the ledger has it."""

    namespace: Namespace
    key: str
    body: str
    metadata: dict[str, Any]
    tenant: str
    type: str | None
    journey_id: str | None
    digest: str
    created: str
    updated: str
    seq: int

    @property
    def content(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def id(self) -> str:
        return row_id(self.namespace, self.key)


class Shelf:
    """Writes and reads documents. Whatever touches Chroma takes the lease through `hold`."""

    def __init__(
        self,
        record: Record,
        chroma: ChromaFolder,
        hold: Callable[[], AbstractContextManager[Any]],
        embedder: Callable[[], Embedder],
        clock: Clock,
    ) -> None:
        self._record = record
        self._chroma = chroma
        self._hold = hold
        self._embedder = embedder
        self._clock = clock

    def write(self, documents: Sequence[Document]) -> None:
        """Write documents: one transaction, one call to Chroma, and every one read back before this returns."""
        if not documents:
            return
        rows = [_row(document, self._clock.now()) for document in documents]
        with self._hold():
            with self._record.write() as writing:
                writing.executemany(_PUT, rows)
            faultpoint("librarian.after_ledger")
            self._follow()
            self._confirm([row_id(tuple(json.loads(row["namespace"])), row["key"]) for row in rows])

    def delete(self, keys: Sequence[tuple[Namespace, str]]) -> None:
        """Delete documents; absent ones are fine."""
        with self._hold():
            with self._record.write() as writing:
                writing.executemany(
                    "UPDATE documents SET deleted = 1, indexed = 0 WHERE namespace = ? AND key = ?",
                    [(_name(namespace), key) for namespace, key in keys],
                )
            self._follow()

    def read(self, namespace: Namespace, key: str) -> Shelved | None:
        """A document, read from Chroma and held against the ledger's digest; `StoreDamaged` where they differ.

        While another process has the store, the ledger's own copy answers.
        """
        shelved = self._shelved(namespace, key)
        if shelved is None:
            return None
        if _sha(shelved.body) != shelved.digest:
            raise _tampered(key)
        try:
            with self._hold():
                found = self._index().rows([shelved.id]).get(shelved.id)
                if found is None:  # lost from the view: made anew from the ledger
                    self._unindex([shelved])
                    self._follow()
        except StoreBusy:
            return shelved
        if found is not None and _sha(found.document) != shelved.digest:
            raise _tampered(key)
        return shelved

    def select(self, *, tenant: str | None = None, type: str | None = None, journey_id: str | None = None,
               prefix: Namespace = ()) -> list[Shelved]:  # fmt: skip
        """Documents by what the ledger knows of them, oldest first."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT * FROM documents WHERE deleted = 0 AND (?1 IS NULL OR tenant = ?1)"
                " AND (?2 IS NULL OR type = ?2) AND (?3 IS NULL OR journey_id = ?3) ORDER BY seq",
                (tenant, type, journey_id),
            ).fetchall()
        found = [_shelved(row) for row in rows]
        return [document for document in found if document.namespace[: len(prefix)] == prefix]

    def similar(self, documents: Sequence[Shelved], text: str) -> dict[str, float]:
        """How near each document is in meaning to a text: row id to cosine, by the vectors that Chroma holds."""
        from .vectors import embed_normalised

        if not documents:
            return {}
        query = embed_normalised(self._embedder(), [text])[0]
        with self._hold():
            self._follow()
            rows = self._index().rows([document.id for document in documents])
        return {id_: float(np.dot(row.vector, query)) for id_, row in rows.items()}

    def recover(self) -> None:
        """Finish what a crash left between the ledger and Chroma. Only under the lease."""
        with self._record.read() as reading:
            behind = reading.execute("SELECT 1 FROM documents WHERE indexed = 0 LIMIT 1").fetchone()
        if behind:
            self._follow()

    def _follow(self) -> None:
        """Bring the collection to the ledger: write what is missing, take out what was deleted. Can be done again."""
        self._settle_model()
        with self._record.read() as reading:
            rows = reading.execute("SELECT * FROM documents WHERE indexed = 0 ORDER BY seq").fetchall()
        if not rows:
            return
        try:
            self._bring(rows)
        except StoreDamaged:
            raise
        except Exception:  # the native code raises kinds of its own; the ledger has everything, so write it anew
            self._chroma.drop(self._collection())
            with self._record.write() as writing:
                writing.execute("UPDATE documents SET indexed = 0")
                rows = writing.execute("SELECT * FROM documents ORDER BY seq").fetchall()
            self._bring(rows)

    def _bring(self, rows: Sequence[sqlite3.Row]) -> None:
        gone = [_shelved(row) for row in rows if row["deleted"]]
        there = [_shelved(row) for row in rows if not row["deleted"]]
        index = self._index()
        if there:
            vectors = self._vectors([document.body for document in there])
            metadatas = [_flat(document) for document in there]
            index.put([d.id for d in there], [d.body for d in there], metadatas, vectors)
        if gone:
            index.delete([document.id for document in gone])
        faultpoint("librarian.after_index")
        with self._record.write() as writing:
            for some in batched([row["seq"] for row in rows], IN_LIST):
                writing.execute(f"UPDATE documents SET indexed = 1 WHERE deleted = 0 AND seq IN ({marks(some)})", some)
                writing.execute(f"DELETE FROM documents WHERE deleted = 1 AND seq IN ({marks(some)})", some)

    def _confirm(self, ids: Sequence[str]) -> None:
        found = self._index().rows(ids)
        faultpoint("librarian.before_ack")
        with self._record.read() as reading:
            wanted = {_shelved(row).id: row["digest"] for row in reading.execute("SELECT * FROM documents").fetchall()}
        for id_ in ids:
            if id_ not in found or _sha(found[id_].document) != wanted[id_]:
                raise StoreDamaged("a document that was just written cannot be read back", next="milepost doctor")

    def _settle_model(self) -> None:
        """Another embedder: another collection, filled again from the ledger."""
        name = self._collection()
        with self._record.read() as reading:
            known = reading.execute("SELECT value FROM facts WHERE key = 'librarian'").fetchone()
        if known is not None and known[0] == name:
            return
        if known is not None:
            self._chroma.drop(known[0])
        with self._record.write() as writing:
            writing.execute("UPDATE documents SET indexed = 0")
            writing.execute("INSERT OR REPLACE INTO facts (key, value) VALUES ('librarian', ?)", (name,))

    def _collection(self) -> str:
        return f"mp-librarian-{hashlib.sha256(self._embedder().name.encode()).hexdigest()[:16]}"

    def _index(self) -> Index:
        return self._chroma.index(self._collection(), create=True)

    def _vectors(self, bodies: Sequence[str]) -> Vectors:
        from .vectors import embed_normalised

        return embed_normalised(self._embedder(), [body[:EMBEDDED_CHARACTERS] for body in bodies])

    def _unindex(self, documents: Sequence[Shelved]) -> None:
        with self._record.write() as writing:
            writing.executemany("UPDATE documents SET indexed = 0 WHERE seq = ?", [(d.seq,) for d in documents])

    def _shelved(self, namespace: Namespace, key: str) -> Shelved | None:
        with self._record.read() as reading:
            row = reading.execute(
                "SELECT * FROM documents WHERE namespace = ? AND key = ? AND deleted = 0", (_name(namespace), key)
            ).fetchone()
        return _shelved(row) if row else None


_PUT = """
INSERT INTO documents (namespace, key, type, tenant, journey_id, body, metadata, digest, created, updated)
VALUES (:namespace, :key, :type, :tenant, :journey_id, :body, :metadata, :digest, :now, :now)
ON CONFLICT (namespace, key) DO UPDATE SET type = excluded.type, journey_id = excluded.journey_id,
  body = excluded.body, metadata = excluded.metadata, digest = excluded.digest, updated = excluded.updated,
  created = CASE WHEN deleted THEN excluded.created ELSE created END, indexed = 0, deleted = 0
"""


def row_id(namespace: Namespace, key: str) -> str:
    """The id of a document's row in Chroma: a hash, never people's text."""
    return hashlib.sha256(f"{_name(namespace)}\0{key}".encode()).hexdigest()


def _name(namespace: Namespace) -> str:
    return json.dumps(list(namespace), ensure_ascii=False)


def _row(document: Document, now: str) -> dict[str, Any]:
    try:
        body = canonical_json(document.content)
        body.encode()
        same = json.loads(body) == document.content
    except (TypeError, ValueError) as refused:
        raise UsageError(f"document {document.document_id!r} is not JSON", cause=str(refused)[:200]) from refused
    if not same:
        raise UsageError(
            f"document {document.document_id!r} would not come back as it is", cause="JSON has text keys only"
        )
    return {
        "namespace": _name(document.namespace), "key": document.document_id, "type": document.metadata.get("type"),
        "tenant": document.tenant, "journey_id": document.journey_id, "body": body,
        "metadata": canonical_json(document.metadata), "digest": _sha(body), "now": now,
    }  # fmt: skip


def _shelved(row: sqlite3.Row) -> Shelved:
    return Shelved(
        namespace=tuple(json.loads(row["namespace"])), key=row["key"], body=row["body"],
        metadata=json.loads(row["metadata"]), tenant=row["tenant"], type=row["type"], journey_id=row["journey_id"],
        digest=row["digest"], created=row["created"], updated=row["updated"], seq=row["seq"],
    )  # fmt: skip


def _flat(document: Shelved) -> Metadata:
    flat: Metadata = {"document_id": document.key, "tenant": document.tenant, "digest": document.digest}
    if document.journey_id:
        flat["journey_id"] = document.journey_id
    for key, value in document.metadata.items():
        flat[f"_{key}" if key in flat else key] = str(value) if abs_large(value) else value
    return flat


def abs_large(value: object) -> bool:
    """Whether Chroma would turn this integer into another number."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 2**53


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _tampered(key: str) -> StoreDamaged:
    return StoreDamaged(
        f"the document {key} is not the one that was written",
        cause="its digest differs from the ledger's",
        state="nothing was changed",
        next="milepost doctor",
    )
