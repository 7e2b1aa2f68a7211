"""The ledger's side of the librarian: one row a document, and the vector of every text that was embedded."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from .content import IN_LIST, batched, marks
from .documents import Document, Namespace, Shelved, check_names, encode, meaning_text, name_of, row_id, sha, valid
from .ports import Clock, Vectors
from .record import Record


class DocumentTable:
    """Documents in the record. A row is `indexed` once Chroma holds it as it is; a deleted one goes when that has."""

    def __init__(self, record: Record, clock: Clock) -> None:
        self._record = record
        self._clock = clock

    def change(
        self, documents: Sequence[Document], gone: Iterable[tuple[Namespace, str]] = (), *, lazy: bool = False
    ) -> list[str]:
        """Write documents and delete others in one transaction; returns the row ids written."""
        now = self._clock.now()
        rows = [_row(document, now) for document in documents]
        names = [(row_id(namespace, key),) for namespace, key in gone]
        with self._record.write(lazy=lazy) as writing:
            writing.executemany("UPDATE documents SET deleted = 1, indexed = 0 WHERE id = ?", names)
            writing.executemany(_PUT, rows)
        return [row["id"] for row in rows]

    def one(self, namespace: Namespace, key: str) -> list[Shelved]:
        """The document of that name, or nothing."""
        if not valid(key):
            return []
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT * FROM documents WHERE namespace = ? AND key = ? AND deleted = 0", (name_of(namespace), key)
            ).fetchall()
        return [_shelved(row) for row in rows]

    def select(self, prefix: Namespace, *, type: str | None = None, journey_id: str | None = None,
               limit: int = -1, offset: int = 0) -> list[Shelved]:  # fmt: skip
        """Documents below a prefix of labels, oldest first."""
        if not valid(f"{type}{journey_id}"):
            return []
        with self._record.read() as reading:
            rows = reading.execute(
                f"SELECT * FROM documents WHERE deleted = 0 AND {_BELOW} AND (:type IS NULL OR type = :type)"
                " AND (:journey IS NULL OR journey_id = :journey) ORDER BY seq LIMIT :limit OFFSET :offset",
                {**_below(prefix), "type": type, "journey": journey_id, "limit": limit, "offset": offset},
            ).fetchall()
        return [_shelved(row) for row in rows]

    def namespaces(self, prefix: Namespace) -> list[Namespace]:
        """The namespaces below a prefix that hold a document."""
        sql = f"SELECT DISTINCT namespace FROM documents WHERE deleted = 0 AND {_BELOW}"
        with self._record.read() as reading:
            return [tuple(json.loads(row[0])) for row in reading.execute(sql, _below(prefix))]

    def behind(self, limit: int) -> list[Shelved]:
        """Documents that Chroma does not hold as they are, oldest first."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT * FROM documents WHERE indexed = 0 ORDER BY seq LIMIT ?", (limit,)
            ).fetchall()
        return [_shelved(row) for row in rows]

    def settle(self, rows: Sequence[Shelved]) -> None:
        """Chroma holds these now, or no longer where they were deleted. Where a power cut takes this they go again."""
        with self._record.write(lazy=True) as writing:
            done = [(row.digest, row.seq) for row in rows if not row.deleted]
            writing.executemany(
                "UPDATE documents SET fresh = 0, indexed = (digest = ? AND deleted = 0) WHERE seq = ?", done
            )
            gone = [(row.seq,) for row in rows if row.deleted]
            writing.executemany("DELETE FROM documents WHERE seq = ? AND deleted = 1", gone)
            if gone:
                writing.execute(
                    "DELETE FROM meanings WHERE sha NOT IN (SELECT meaning FROM documents WHERE meaning IS NOT NULL)"
                )

    def unindex(self, ids: Iterable[str] | None = None) -> None:
        """Have these written to Chroma again; all of them where none are named."""
        with self._record.write() as writing:
            if ids is None:
                writing.execute("UPDATE documents SET indexed = 0")
            else:
                writing.executemany("UPDATE documents SET indexed = 0 WHERE id = ?", [(id_,) for id_ in ids])

    def ids(self) -> set[str]:
        """The row ids of all documents."""
        with self._record.read() as reading:
            return {row[0] for row in reading.execute("SELECT id FROM documents WHERE deleted = 0")}

    def vectors(self, meanings: Iterable[bytes], embedder: str, dimensions: int) -> dict[bytes, Vectors]:
        """The vectors of these texts that the embedder has made already."""
        found: dict[bytes, Vectors] = {}
        with self._record.read() as reading:
            for some in batched(sorted(set(meanings)), IN_LIST):
                sql = f"SELECT sha, vector FROM meanings WHERE embedder = ? AND sha IN ({marks(some)})"
                for key, vector in reading.execute(sql, (embedder, *some)):
                    if len(vector) == 4 * dimensions:
                        found[key] = np.frombuffer(vector, np.float32)
        return found

    def keep_vectors(self, meanings: Sequence[bytes], embedder: str, vectors: Vectors) -> None:
        """Keep the vectors of texts, and have the documents of these texts written to Chroma with them."""
        with self._record.write() as writing:
            writing.executemany(
                "INSERT OR REPLACE INTO meanings (sha, embedder, vector) VALUES (?, ?, ?)",
                [(key, embedder, vector.tobytes()) for key, vector in zip(meanings, vectors, strict=True)],
            )
            writing.executemany("UPDATE documents SET indexed = 0 WHERE meaning = ?", [(key,) for key in meanings])

    def collection(self) -> str | None:
        """The name of the collection that `indexed` speaks of."""
        with self._record.read() as reading:
            row = reading.execute("SELECT value FROM facts WHERE key = 'librarian'").fetchone()
        return row[0] if row else None

    def move_to(self, collection: str) -> None:
        """From now on `indexed` speaks of another collection, which holds nothing yet."""
        with self._record.write() as writing:
            writing.execute("UPDATE documents SET indexed = 0")
            writing.execute("INSERT OR REPLACE INTO facts (key, value) VALUES ('librarian', ?)", (collection,))

    def known_dimensions(self, embedder: str) -> int | None:
        """How long an embedder's vectors are, as far as the record knows it without asking."""
        with self._record.read() as reading:
            row = reading.execute("SELECT dimensions FROM models WHERE name = ?", (embedder,)).fetchone()
            if row is None:
                sql = "SELECT length(vector) / 4 FROM meanings WHERE embedder = ? LIMIT 1"
                row = reading.execute(sql, (embedder,)).fetchone()
        return int(row[0]) if row else None


_PUT = """
INSERT INTO documents
  (id, namespace, key, type, tenant, journey_id, body, metadata, digest, fields, meaning, created, updated)
VALUES (:id, :namespace, :key, :type, :tenant, :journey_id, :body, :metadata, :digest, :fields, :meaning, :now, :now)
ON CONFLICT (namespace, key) DO UPDATE SET type = excluded.type, journey_id = excluded.journey_id,
  body = excluded.body, metadata = excluded.metadata, digest = excluded.digest, fields = excluded.fields,
  meaning = excluded.meaning, updated = excluded.updated,
  created = CASE WHEN deleted THEN excluded.created ELSE created END, indexed = 0, deleted = 0,
  fresh = fresh AND metadata = excluded.metadata
    AND (COALESCE(journey_id, '') = '') = (COALESCE(excluded.journey_id, '') = '')
"""
"""A row is `fresh` as long as Chroma was given it with no other metadata keys, if at all."""

_BELOW = "(namespace = :exact OR (namespace >= :low AND namespace < :high))"


def _below(prefix: Namespace) -> dict[str, str]:
    """`["a", "b"]` itself, and everything from `["a", "b", ` up to (a space is followed by `!`) `["a", "b",!`."""
    exact = name_of(prefix)
    if not prefix:
        return {"exact": exact, "low": "[", "high": "\\"}
    return {"exact": exact, "low": f"{exact[:-1]}, ", "high": f"{exact[:-1]},!"}


def _row(document: Document, now: str) -> dict[str, Any]:
    check_names(document)
    body = encode(document)
    text = meaning_text(document.content, document.fields)
    return {
        "id": row_id(document.namespace, document.document_id), "namespace": name_of(document.namespace),
        "key": document.document_id, "type": document.metadata.get("type"), "tenant": document.tenant,
        "journey_id": document.journey_id, "body": body, "metadata": json.dumps(document.metadata, sort_keys=True),
        "digest": sha(body), "fields": json.dumps(document.fields) if document.fields is not None else None,
        "meaning": bytes.fromhex(sha(text)) if text.strip() else None, "now": now,
    }  # fmt: skip


def _shelved(row: sqlite3.Row) -> Shelved:
    fields = row["fields"]
    return Shelved(
        seq=row["seq"], id=row["id"], namespace=tuple(json.loads(row["namespace"])), key=row["key"], body=row["body"],
        metadata=json.loads(row["metadata"]), tenant=row["tenant"], type=row["type"], journey_id=row["journey_id"],
        digest=row["digest"], fields=None if fields is None else tuple(json.loads(fields)), meaning=row["meaning"],
        created=row["created"], updated=row["updated"], deleted=bool(row["deleted"]),
        fresh=bool(row["fresh"]),
    )  # fmt: skip
