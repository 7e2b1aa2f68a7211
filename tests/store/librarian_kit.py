"""What the librarian's tests share: a home that can be opened again, and an embedder that remembers."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

from langgraph.store.base import PutOp

from milepost.store.chroma import Index
from milepost.store.errors import EmbeddingFailed
from milepost.store.home import Home
from milepost.store.librarian import Document, Librarian
from milepost.store.ports import Embedder, Vectors
from milepost.tools.embedders import FakeEmbedder


class Embedding(FakeEmbedder):
    """A fake that remembers what it embedded, and fails where `broken`."""

    def __init__(self, dimensions: int = 16) -> None:
        super().__init__(dimensions)
        self.embedded: list[str] = []
        self.broken = False

    def embed(self, texts: list[str]) -> Vectors:
        if self.broken:
            raise EmbeddingFailed("the embedder is away")
        self.embedded += texts
        return super().embed(texts)


class House:
    """A home in a folder, which can be opened again, with another embedder too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.embedder = Embedding()
        self.home = self.open()

    def open(self, embedder: Embedder | None = None) -> Home:
        self.home = Home(self.path, embedder=lambda: embedder or self.embedder)
        return self.home

    def reopen(self, embedder: Embedder | None = None) -> Librarian:
        self.home.close()
        return self.open(embedder).librarian

    @property
    def librarian(self) -> Librarian:
        return self.home.librarian

    def index(self) -> Index:
        """The librarian's collection; to be used under the lease."""
        (name,) = (name for name in self.home.chroma.names() if name.startswith("mp-librarian-"))
        return self.home.chroma.index(name)

    def held(self) -> dict[str, str]:
        """What the collection holds: key to JSON."""
        with self.home.hold():
            return {row.metadata["document_id"]: row.document for row in self.index().scan()}  # type: ignore[misc]  # a text


def documents(n: int, **metadata: Any) -> list[Document]:
    return [Document(f"d{i}", {"n": i, "text": f"sentence number {i}"}, {"type": "t", **metadata}) for i in range(n)]


def keys(found: list[dict[str, Any]]) -> list[str]:
    return [document["document_id"] for document in found]


def stored(librarian: Librarian, id_: str, content: Any, **metadata: Any) -> None:
    asyncio.run(librarian.store_document(id_, content, metadata))


def put(n: int, value: dict[str, Any] | None) -> Any:
    return PutOp(("a",), str(n), value)


def row_ids(house: House) -> set[str]:
    with house.home.hold():
        return house.index().ids()


def rows_in(house: House, table: str) -> int:
    with house.home.record.read() as reading:
        return int(reading.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def unfinished(house: House) -> int:
    with house.home.record.read() as reading:
        return int(reading.execute("SELECT count(*) FROM documents WHERE indexed = 0 OR deleted").fetchone()[0])


class busy:
    """Another thread has the lease, as another process would, until the block ends."""

    def __init__(self, house: House) -> None:
        self._lease = house.home.lease
        self._taken, self._done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep)

    def _keep(self) -> None:
        with self._lease.hold("somebody"):
            self._taken.set()
            self._done.wait(60)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._taken.wait(60)

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(60)
