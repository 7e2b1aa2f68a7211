"""The Chroma folder: the only file that imports chromadb. What its quirks demand is done here once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .chroma_files import blank, damaged, prepare, set_aside, sweep
from .errors import StoreDamaged
from .index_rows import Metadata, Row, check_metadata, check_query
from .ports import Vectors
from .proof import Missed, prove

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

BATCH = 1_000
"""Rows of one call: writing gets no cheaper beyond, and reading metadata of 32,000 fails."""
QUEUED = 250
"""Rows that may wait in Chroma's queue, where each takes twice the room, and is read again at every opening."""


class ChromaFolder:
    """The folder, used under the lease only: a client opened before another process wrote answers stale for ever.

    So every taking of the lease has a number, and the client stays open only from one number to the next.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._client: ClientAPI | None = None
        self._refused: StoreDamaged | None = None
        self._epoch = 0
        self.session = 0
        """A number of its own for each opening, 0 while it is closed: what was seen is so until the next one."""
        self._sessions = count(1)

    def take(self, epoch: int) -> bool:
        """Begin to use the folder under the lease's `epoch`; True where nobody had it since the last time."""
        unbroken, self._epoch = epoch == self._epoch + 1, epoch
        if not unbroken:
            self.close()
        return unbroken

    def refuse(self, why: StoreDamaged | None) -> None:
        """From now on raise this where the folder would be opened; with None open it again."""
        self._refused = why

    def close(self) -> None:
        """Close the client, if one is open."""
        client, self._client, self.session = self._client, None, 0
        if client is None:
            return
        cast(Any, client).close()
        with suppress(OSError):  # on a full disk the next one does it
            blank(self.path)
        _forget_clients(self.path)  # somebody else in this process may have it open, and hand us what they have cached

    def index(self, name: str, *, create: bool = False, queued: int = QUEUED) -> Index:
        """The collection `name`; KeyError where there is none and `create` is not asked.

        A new one has at most so many rows `queued`.
        """
        client = self._opened()
        if create:
            # L2 keeps the float32 bits; cosine gives back normalised ones.
            with self._writing():
                made = client.get_or_create_collection(
                    name,
                    configuration={"hnsw": {"space": "l2", "sync_threshold": queued}},
                    embedding_function=None,
                )
            return Index(made, self._writing)
        if name not in self.names():
            raise KeyError(name)
        return Index(client.get_collection(name, embedding_function=None), self._writing)

    def names(self) -> set[str]:
        """The names of all collections."""
        client = self._opened()
        names: set[str] = set()
        while page := client.list_collections(limit=BATCH, offset=len(names)):
            names |= {collection.name for collection in page}
            if len(page) < BATCH:
                break
        return names

    def drop(self, name: str) -> None:
        """Delete a collection, bricked or not, and the folder that Chroma leaves behind; absent is fine."""
        if name in self.names():
            with self._writing():
                self._opened().delete_collection(name)
        sweep(self.path)

    @contextmanager
    def _writing(self) -> Generator[None]:
        """Around a write: close the client where it fails.

        Its connection may not have been able to take the write back. It has the database locked for as long as it is
        open then, and the next write would wait for it 1,000 seconds, with the interpreter stopped.
        """
        try:
            yield
        except Exception:
            self.close()
            raise

    def _opened(self) -> ClientAPI:
        if self._refused is not None:
            raise self._refused
        if self._client is None:
            import chromadb

            prepare(self.path)
            # The default settings: with others, somebody else's client on this path, in this process, is an error.
            # Telemetry needs no switching off: what would send it is empty, and a test refuses every socket.
            try:
                self._client = chromadb.PersistentClient(str(self.path.absolute()))
            except Exception:  # the native code raises kinds of its own
                _forget_clients()
                if not damaged(self.path):
                    raise
                set_aside(self.path)
                prepare(self.path)
                self._client = chromadb.PersistentClient(str(self.path.absolute()))
            self.session = next(self._sessions)
        return self._client


def _forget_clients(path: Path | None = None) -> None:
    """Make Chroma forget this process's clients: where one of `path` is left, or without a path in any case."""
    from chromadb.api.shared_system_client import SharedSystemClient

    known: dict[str, Any] = vars(SharedSystemClient)["_identifier_to_system"]
    if path is None or str(path.absolute()) in known:
        SharedSystemClient.clear_system_cache()


class Index:
    """One collection. Every call is in batches of at most 1,000 rows, and vectors are always passed."""

    def __init__(self, collection: Collection, writing: Callable[[], AbstractContextManager[None]]) -> None:
        self._collection = collection
        self._writing = writing

    @property
    def name(self) -> str:
        return self._collection.name

    def count(self) -> int:
        return self._collection.count()

    def add(
        self, ids: Sequence[str], documents: Sequence[str], metadatas: Sequence[Metadata], vectors: Vectors
    ) -> None:
        """Add rows; an id that is there already keeps what it has (rows are immutable, so that is the same)."""
        check_metadata(ids, metadatas)
        for at in range(0, len(ids), BATCH):
            batch = slice(at, at + BATCH)
            with self._writing():
                self._collection.add(
                    ids=list(ids[batch]),
                    documents=list(documents[batch]),
                    metadatas=cast(Any, list(metadatas[batch])),
                    embeddings=vectors[batch],
                )

    def put(
        self, ids: Sequence[str], documents: Sequence[str], metadatas: Sequence[Metadata], vectors: Vectors,
        *, over: AbstractSet[str] | None = None,
    ) -> None:  # fmt: skip
        """Write rows over what is there, metadata keys that are no longer sent included (upsert would keep them).

        Only `over` may be there with such keys, where it is said: of the rest nobody has to look.
        """
        check_metadata(ids, metadatas)
        for at in range(0, len(ids), BATCH):
            batch = slice(at, at + BATCH)
            before = self._metadatas([id_ for id_ in ids[batch] if over is None or id_ in over])
            sent = [
                {**dict.fromkeys(set(before.get(id_, {})) - set(metadata)), **metadata}
                for id_, metadata in zip(ids[batch], metadatas[batch], strict=True)
            ]
            with self._writing():
                self._collection.upsert(
                    ids=list(ids[batch]),
                    documents=list(documents[batch]),
                    metadatas=cast(Any, sent),
                    embeddings=vectors[batch],
                )

    def delete(self, ids: Sequence[str]) -> None:
        """Delete rows; absent ones are fine."""
        for at in range(0, len(ids), BATCH):
            with self._writing():
                self._collection.delete(ids=list(ids[at : at + BATCH]))

    def rows(self, ids: Sequence[str]) -> dict[str, Row]:
        """The rows of these ids; unknown ones are left out."""
        found: dict[str, Row] = {}
        for at in range(0, len(ids), BATCH):
            batch = list(ids[at : at + BATCH])
            found |= {row.id: row for row in _rows(self._collection.get(ids=batch, include=_EVERYTHING))}
        return found

    def texts(self, ids: Sequence[str]) -> dict[str, str]:
        """The documents of these ids, read without the vector index; unknown ones are left out."""
        found: dict[str, str] = {}
        for at in range(0, len(ids), BATCH):
            page = self._collection.get(ids=list(ids[at : at + BATCH]), include=["documents"])
            found |= dict(zip(page["ids"], page["documents"] or [], strict=True))
        return found

    def texts_where(self, filter: dict[str, Any]) -> dict[str, str]:
        """The documents of every row whose metadata match a Chroma `where` filter."""
        found: dict[str, str] = {}
        while True:
            page = self._collection.get(where=filter, limit=BATCH, offset=len(found), include=["documents"])
            found |= dict(zip(page["ids"], page["documents"] or [], strict=True))
            if len(page["ids"]) < BATCH:
                return found

    def scan(self) -> Iterator[Row]:
        """Every row, a page at a time, in Chroma's own order."""
        offset = 0
        while True:
            page = _rows(self._collection.get(limit=BATCH, offset=offset, include=_EVERYTHING))
            yield from page
            offset += len(page)
            if len(page) < BATCH:
                return

    def ids(self) -> set[str]:
        """The ids of every row."""
        found: set[str] = set()
        while page := self._collection.get(limit=BATCH, offset=len(found), include=[])["ids"]:
            found |= set(page)
            if len(page) < BATCH:
                break
        return found

    def nearest(self, vectors: Vectors, *, k: int = 1, where: dict[str, Any] | None = None) -> list[list[str]]:
        """The ids nearest to each vector. A NaN would find anything, so it is refused."""
        check_query(vectors)
        answer = self._collection.query(query_embeddings=vectors, n_results=k, where=where, include=[])
        return answer["ids"]

    def unsearchable(self, ids: Sequence[str], vectors: Vectors) -> list[str]:
        """The ids that are lost: a search by their own vector does not find them, and no crowd stands in its way."""
        return self.missed(ids, vectors).lost

    def missed(self, ids: Sequence[str], vectors: Vectors) -> Missed:
        """The ids that a search by their own vector does not find, and why; equal vectors stand for each other."""
        return prove(self, ids, vectors)

    def distances(self, vectors: Vectors, k: int) -> list[list[tuple[str, float]]]:
        """The ids nearest to each vector, and how far off they are (L2, squared): the same id lies at 0."""
        check_query(vectors)
        answer = self._collection.query(query_embeddings=vectors, n_results=k, include=["distances"])
        return [
            list(zip(found, map(float, far), strict=True))
            for found, far in zip(answer["ids"], answer["distances"] or [], strict=True)
        ]

    def _metadatas(self, ids: Sequence[str]) -> dict[str, Metadata]:
        if not ids:
            return {}
        found = self._collection.get(ids=list(ids), include=["metadatas"])
        return {
            id_: cast(Metadata, dict(metadata or {}))
            for id_, metadata in zip(found["ids"], found["metadatas"] or [], strict=True)
        }


_EVERYTHING: Any = ["documents", "metadatas", "embeddings"]


def _rows(found: Any) -> list[Row]:
    documents, metadatas, vectors = found["documents"], found["metadatas"], found["embeddings"]
    if len(found["ids"]) and (documents is None or vectors is None):
        raise StoreDamaged("the collection gave ids, no documents or vectors", next="milepost kb rebuild --kb NAME")
    return [
        Row(id_, document or "", dict(metadata or {}), np.asarray(vector, dtype=np.float32))
        for id_, document, metadata, vector in zip(found["ids"], documents, metadatas, vectors, strict=True)
    ]
