"""The librarian's shelf: documents in the ledger first, then in one Chroma collection, from which they are read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np

from .chroma import BATCH, ChromaFolder, Index
from .document_table import DocumentTable
from .documents import Document, Namespace, Shelved, embeddable, meaning_text, sha, tampered
from .errors import MilepostError, NoSpace, StoreBusy, StoreDamaged
from .faults import faultpoint
from .ports import Embedder, Vectors
from .secrets import told
from .shelf_rows import flat, stand_in
from .trouble import as_trouble
from .vectors import embed_normalised

QUEUED = 50
"""Rows that may wait in Chroma's queue: few, as each write of a document or two reads all of them again."""
PROBES = 20
"""Rows that are looked for by their own vector when the collection is opened."""

T = TypeVar("T")
Ask = Callable[[], list[Shelved]]
Filter = dict[str, Any]


class Hold(Protocol):
    """Takes the home's lease, waiting at most `wait` seconds or raising `StoreBusy`; re-entrant for the thread."""

    def __call__(self, *, wait: float = 10.0) -> AbstractContextManager[Any]: ...


class Shelf:
    """Writes and reads documents. Whatever touches Chroma is done under the lease.

    A text is embedded when somebody first searches by meaning, once for each embedder: writing, recovery and
    rollback never call one. Until then a row lies under a stand-in vector, and no search by meaning looks at it.
    """

    def __init__(
        self, table: DocumentTable, chroma: ChromaFolder, hold: Hold, embedder: Callable[[], Embedder]
    ) -> None:
        self.table = table
        self._chroma = chroma
        self._hold = hold
        self._embedder = embedder
        self._waiting: set[str] = set()
        self._looked = 0
        self._opened: tuple[str, int, Index] | None = None

    def write(
        self, documents: Sequence[Document], gone: Iterable[tuple[Namespace, str]] = (), *, before: bool = False
    ) -> None:
        """Write and delete documents: one transaction, one call to Chroma, and all read back before this returns.

        What was laid by goes with them, unless they come `before` it.
        """
        with self._hold():
            self.table.change(documents, gone)
            faultpoint("librarian.after_ledger")
            self.follow(leaving=self._waiting if before else ())

    def lay_by(self, documents: Sequence[Document]) -> None:
        """Write documents to the ledger alone, joining an open transaction; `bring` or the next write takes them along.

        Whoever reads finds them. To be brought before anything happens that they are to be there for; a process that
        dies first leaves them to the next one, as any other.
        """
        self._waiting.update(self.table.change(documents, lazy=True))

    def bring(self) -> None:
        """Have everything that was laid by in Chroma, and read back, before this returns."""
        if self.table.behind(1):
            with self._hold():
                faultpoint("librarian.after_ledger")
                self.follow()

    def left_behind(self) -> bool:
        """Whether the ledger has documents that Chroma has not, and that nobody in this process is about to bring."""
        return any(row.id not in self._waiting for row in self.table.behind(len(self._waiting) + 1))

    def give_up(self) -> None:
        """Whoever laid documents by does not come back for them: they are left to the next holder of the lease."""
        self._waiting.clear()

    def read(self, ask: Ask, where: Filter | None = None) -> list[Shelved]:
        """What `ask` finds in the ledger, each as Chroma holds it, by id or by a filter that must find the same.

        `StoreDamaged` where the two differ; what Chroma has lost is made anew. While another process has the
        store, the ledger's own copies answer. Where nothing is found, nothing is opened.
        """
        if not (there := ask()):
            return []
        try:
            with self._hold(wait=0):
                self.follow(leaving=self._waiting - {document.id for document in there})
                return self._as_held(ask(), where)
        except StoreBusy:
            return [document.checked() for document in ask()]

    def understand(self, documents: Iterable[Shelved]) -> None:
        """Embed what was never embedded of these documents' texts."""
        embedder = self._embedder()
        texts = {d.meaning: meaning_text(d.content, d.fields) for d in documents if d.meaning is not None}
        known = self.table.vectors(texts, embedder.name, self._dimensions(embedder))
        missing = [meaning for meaning in texts if meaning not in known]
        for at in range(0, len(missing), BATCH):
            some = missing[at : at + BATCH]
            self.table.keep_vectors(some, embedder.name, embed_normalised(embedder, [texts[m] for m in some]))

    def scores(self, documents: Sequence[Shelved], query: Vectors) -> dict[str, float]:
        """How near each document is to a query's vector: row id to cosine. Exact, by the vectors in the ledger."""
        known = self.table.vectors((d.meaning for d in documents if d.meaning), self._embedder().name, query.size)
        return {d.id: float(np.dot(known[d.meaning], query)) for d in documents if d.meaning in known}

    def query_vector(self, text: str) -> Vectors:
        """A question's vector."""
        found: Vectors = embed_normalised(self._embedder(), [embeddable(text)])[0]
        return found

    def nearest(self, documents: Ask, query: Vectors, where: Filter, k: int) -> dict[str, float]:
        """The `k` documents nearest to a query's vector as Chroma finds them under a filter: row id to cosine."""
        try:
            with self._hold(wait=0):
                self.follow()
                there = documents()
                scores = self.scores(there, query)
                k = min(k, len(scores))
                if k == 0:
                    return {}
                found = self._nearest(query, where, k)
                for repair in (self.mend, self.rebuild):
                    if len(found) == k and scores.keys() >= set(found):
                        break
                    repair()  # rows that nobody wrote, or an index that lost some, which `count` would not tell
                    found = self._nearest(query, where, k)
        except StoreBusy:
            scores = self.scores(documents(), query)
            found = sorted(scores, key=lambda id_: -scores[id_])[:k]
        return {id_: scores[id_] for id_ in found if id_ in scores}

    def held(self) -> AbstractContextManager[Any]:
        """The home's lease."""
        return self._hold()

    def recover(self) -> None:
        """Finish what a crash left between the ledger and Chroma. Only under the lease."""
        if self.table.behind(1):
            self.follow()

    def follow(self, *, leaving: Collection[str] = ()) -> None:
        """Bring the collection to the ledger, but for the rows `leaving`: write what is missing, take out what was
        deleted. A row counts as brought once it was read back. Can be done again."""
        collection = self._collection()
        known = self.table.collection()
        if known != collection:  # another embedder: another collection, filled again from the ledger
            self._opened = None
            if known is not None:
                self._chroma.drop(known)
            self.table.move_to(collection)
        while behind := self._behind(leaving):
            self._guarded(partial(self._bring, rows=behind))
            faultpoint("librarian.after_index")
            self._settle(behind, self._guarded(partial(Index.texts, ids=[row.id for row in behind])))
        self._look()

    def rebuild(self) -> None:
        """Make the collection anew from the ledger, without embedding anything again."""
        self._opened = None
        self._chroma.drop(self._collection())
        self.table.unindex()
        while behind := self.table.behind(BATCH):
            self._bring(self._index(), rows=behind)
            self._settle(behind, self._index().texts([row.id for row in behind]))

    def mend(self) -> None:
        """Write what the collection has lost, and take out what was never given to it."""
        there, known = self._guarded(lambda index: index.ids()), self.table.ids()
        self._guarded(lambda index: index.delete(sorted(there - known)))
        self.table.unindex(known - there)
        self.follow()

    def damages(self) -> list[str]:
        """The keys of documents that are not what was written, in the ledger or in Chroma. Under the lease."""
        with self._hold():
            self.follow()
            there = self.table.select(())
            held = self._guarded(lambda index: index.texts([document.id for document in there]))
        return [d.key for d in there if sha(d.body) != d.digest or sha(held.get(d.id, "")) != d.digest]

    def _look(self) -> None:
        """Once for each opening of the folder, see whether the collection is whole: by its count and by a search."""
        index = self._index()
        if self._chroma.session == self._looked:
            return
        self._looked = self._chroma.session
        try:
            whole = self._whole(index, sorted(self.table.ids()))
        except Exception:  # the native code raises kinds of its own
            whole = False
        if not whole:
            self.rebuild()

    def _whole(self, index: Index, ids: list[str]) -> bool:
        if index.count() != len(ids):
            return False
        rows = index.rows(ids[:: max(1, len(ids) // PROBES)])
        return not rows or not index.unsearchable(list(rows), np.stack([row.vector for row in rows.values()]))

    def _as_held(self, documents: list[Shelved], where: Filter | None) -> list[Shelved]:
        ids = [document.id for document in documents]
        held = self._guarded(lambda index: index.texts(ids) if where is None else index.texts_where(where))
        if not held.keys() >= set(ids):
            self.mend()
            held = self._guarded(lambda index: index.texts(ids))
        for document in documents:
            if sha(held.get(document.id, "")) != document.digest:
                raise tampered(document.key, "Chroma")
        return [document.checked() for document in documents]

    def _behind(self, leaving: Collection[str]) -> list[Shelved]:
        """The next documents to be brought, oldest first."""
        behind = self.table.behind(BATCH + len(leaving))
        return [row for row in behind if row.id not in leaving][:BATCH]

    def _settle(self, rows: Sequence[Shelved], held: dict[str, str]) -> None:
        """Note that Chroma has these as they are, which what it `held` when it was asked has to show."""
        faultpoint("librarian.before_ack")
        if any(held.get(row.id) != (None if row.deleted else row.body) for row in rows):
            raise StoreDamaged("a document that was just written cannot be read back", next="milepost doctor")
        self.table.settle(rows)
        self._waiting.difference_update(row.id for row in rows)

    def _nearest(self, query: Vectors, where: Filter, k: int) -> list[str]:
        where = {"$and": [*where["$and"], {"by_meaning": {"$eq": True}}]}
        return self._guarded(lambda index: index.nearest(query[None, :], k=k, where=where))[0]

    def _bring(self, index: Index, *, rows: Sequence[Shelved]) -> None:
        there = [row for row in rows if not row.deleted]
        gone = [row.id for row in rows if row.deleted]
        if there:
            embedder = self._embedder()
            dimensions = self._dimensions(embedder)
            known = self.table.vectors((d.meaning for d in there if d.meaning), embedder.name, dimensions)
            vectors = np.stack([known.get(d.meaning or b"", stand_in(d.id, dimensions)) for d in there])
            metadatas = [flat(d, by_meaning=d.meaning in known) for d in there]
            over = {row.id for row in there if not row.fresh}
            index.put([d.id for d in there], [d.body for d in there], metadatas, vectors, over=over)
        if gone:
            index.delete(gone)

    def _guarded(self, ask: Callable[[Index], T]) -> T:
        """Ask the collection; one that cannot answer is made anew from the ledger and asked again."""
        try:
            return ask(self._index())
        except Exception as trouble:  # the native code raises kinds of its own, and the ledger has everything
            if isinstance(trouble, MilepostError) and not isinstance(trouble, StoreDamaged):
                raise
            if isinstance(as_trouble(trouble, self._chroma.path.parent), NoSpace):
                raise  # making it anew would take more room
        try:
            self.rebuild()
            return ask(self._index())
        except MilepostError:
            raise
        except Exception as trouble:
            if isinstance(as_trouble(trouble, self._chroma.path.parent), NoSpace):
                raise
            raise StoreDamaged(
                "the librarian's collection in Chroma cannot be used, nor made anew",
                cause=told(trouble, 200),
                state="its documents are safe in the record",
                next="milepost doctor",
            ) from trouble

    def _index(self) -> Index:
        """The collection; looked up once for each opening of the folder."""
        name, session = self._collection(), self._chroma.session
        if self._opened is None or not session or self._opened[:2] != (name, session):
            index = self._chroma.index(name, create=True, queued=QUEUED)
            self._opened = (name, self._chroma.session, index)
        return self._opened[2]

    def _collection(self) -> str:
        embedder = self._embedder()
        identity = f"{embedder.name}\0{self._dimensions(embedder)}"
        return f"mp-librarian-{hashlib.sha256(identity.encode()).hexdigest()[:16]}"

    def _dimensions(self, embedder: Embedder) -> int:
        return self.table.known_dimensions(embedder.name) or embedder.dimensions
