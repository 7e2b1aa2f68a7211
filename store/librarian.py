"""The librarian: a LangGraph `BaseStore` whose documents lie on one Chroma collection and are checked by the ledger."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from langgraph.store.base import BaseStore, GetOp, ListNamespacesOp, Op, PutOp, Result, SearchItem, SearchOp

from .chroma import ChromaFolder
from .document_table import DocumentTable
from .documents import Document, Namespace, Shelved
from .errors import UsageError
from .items import fits, item, matches, search_item
from .ports import Clock, Embedder
from .record import Record
from .shelf import Hold, Shelf

__all__ = ["Document", "Librarian"]

JOURNEYS = "journeys"
ITEMS = "items"


class Librarian(BaseStore):
    """Documents about journeys, and whatever else a graph stores, each tenant's apart.

    Documents of journeys are found by `document_id` (`store_document`, `retrieve_document`, `documents`); a
    graph's own items by namespace and key. Both are on the same shelf and never meet.
    """

    supports_ttl = False

    def __init__(
        self,
        record: Record,
        chroma: ChromaFolder,
        hold: Hold,
        embedder: Callable[[], Embedder],
        clock: Clock,
        *,
        tenant: str = "default",
    ) -> None:
        self._shelf = Shelf(DocumentTable(record, clock), chroma, hold, embedder)
        self.tenant = tenant
        self.run: Callable[[Callable[[], Any]], Awaitable[Any]] = asyncio.to_thread

    def for_tenant(self, tenant: str) -> Librarian:
        """The same librarian, speaking for another tenant."""
        other = copy.copy(self)
        other.tenant = tenant
        return other

    async def store_document(
        self, document_id: str, content: dict[str, Any], metadata: dict[str, Any] | None = None
    ) -> None:
        """Store a JSON document under an id, with flat metadata; it can be read back when this returns.

        The metadata's `tenant`, `type` and `journey_id` are what `documents` filters by.
        """
        said = dict(metadata or {})
        journey = said.get("journey_id")
        document = Document(
            document_id,
            content,
            said,
            tenant=str(said.get("tenant") or self.tenant),
            journey_id=None if journey is None else str(journey),
        )
        await self.run(lambda: self.write_documents([document]))

    async def retrieve_document(self, document_id: str, tenant: str | None = None) -> dict[str, Any] | None:
        """The content of a document, or None."""
        found: dict[str, Any] | None = await self.run(lambda: self.retrieve(document_id, tenant=tenant))
        return found

    def write_documents(self, documents: Sequence[Document], *, before: bool = False) -> None:
        """Store several documents at once: what one costs, ten cost hardly more. Of equal names the last one counts.

        What was laid by goes along, unless these come `before` it.
        """
        if documents:
            self._shelf.write(_named(documents), before=before)

    def lay_by(self, documents: Sequence[Document]) -> None:
        """Keep documents in the record, joining an open transaction; Chroma has them after the next write, or `bring`.

        For what is to be there before something happens, and would be written twice.
        """
        if documents:
            self._shelf.lay_by(_named(documents))

    def bring(self) -> None:
        """Have what was laid by in Chroma, and read back, before this returns."""
        self._shelf.bring()

    def left_behind(self) -> bool:
        """Whether a process that died left documents that Chroma has not; those laid by here are on their way."""
        return self._shelf.left_behind()

    def give_up(self) -> None:
        """Leave what was laid by to the next holder of the lease: whoever laid it by was stopped."""
        self._shelf.give_up()

    def retrieve(self, document_id: str, *, tenant: str | None = None) -> dict[str, Any] | None:
        """The content of a document, or None; `StoreDamaged` where it is not what was written."""
        namespace = (JOURNEYS, self.tenant if tenant is None else tenant)
        found = self._shelf.read(lambda: self._shelf.table.one(namespace, document_id))
        return found[0].content if found else None

    def documents(
        self,
        *,
        tenant: str | None = None,
        type: str | None = None,
        journey_id: str | None = None,
        find: str | None = None,
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Documents of a tenant, oldest first; with `find` those nearest in meaning first, each with its `score`."""
        tenant = self.tenant if tenant is None else tenant
        where = _where(tenant, type, journey_id)

        def ask() -> list[Shelved]:
            return self._shelf.table.select((JOURNEYS, tenant), type=type, journey_id=journey_id)

        if not find:
            return [_described(document) for document in self._shelf.read(ask, where)[:limit]]
        scores = self._found(ask, find, where, limit)
        found = self._shelf.read(lambda: [document for document in ask() if document.id in scores])
        found.sort(key=lambda document: -scores[document.id])
        return [{**_described(one), "score": min(1.0, max(0.0, scores[one.id]))} for one in found]

    def forget(self, document_ids: Iterable[str], *, tenant: str) -> None:
        """Delete documents in the record, joining an open transaction; Chroma's follow with the next use."""
        self._shelf.table.change([], [((JOURNEYS, tenant), one) for one in document_ids])

    def recover(self) -> None:
        """Finish what a crash left between the ledger and Chroma. Only under the lease."""
        self._shelf.recover()

    def rebuild(self) -> None:
        """Make the Chroma collection anew from the ledger."""
        with self._shelf.held():
            self._shelf.rebuild()

    def damages(self) -> list[str]:
        """The ids of documents that are not what was written; those that only Chroma has wrong, `rebuild` mends."""
        return self._shelf.damages()

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do operations as LangGraph's own stores do: reads see what was there before the batch; the last put wins."""
        listed = list(ops)
        puts: dict[tuple[Namespace, str], PutOp] = {}
        for op in listed:
            if isinstance(op, PutOp):
                _check_put(op)
                puts[op.namespace, op.key] = op
        results = [None if isinstance(op, PutOp) else self._answer(op) for op in listed]
        if puts:
            self._put(list(puts.values()))
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """`batch`, off the event loop."""
        listed = list(ops)
        results: list[Result] = await self.run(lambda: self.batch(listed))
        return results

    def _found(
        self, ask: Callable[[], list[Shelved]], text: str, where: dict[str, Any], limit: int | None
    ) -> dict[str, float]:
        there = ask()
        if not there:
            return {}
        self._shelf.understand(there)
        query = self._shelf.query_vector(text)
        return self._shelf.nearest(ask, query, where, len(there) if limit is None else limit)

    def _put(self, puts: Sequence[PutOp]) -> None:
        written = [
            Document(
                op.key, dict(op.value), namespace=self._inside(op.namespace), tenant=self.tenant, fields=_fields(op)
            )
            for op in puts
            if op.value is not None
        ]
        self._shelf.write(written, [(self._inside(op.namespace), op.key) for op in puts if op.value is None])

    def _answer(self, op: Op) -> Result:
        if isinstance(op, GetOp):
            found = self._shelf.read(lambda: self._shelf.table.one(self._inside(op.namespace), op.key))
            return item(found[0], op.namespace) if found else None
        if isinstance(op, SearchOp):
            return self._search(op)
        if isinstance(op, ListNamespacesOp):
            return self._namespaces(op)
        raise UsageError(f"the librarian knows no operation {type(op).__name__}")

    def _search(self, op: SearchOp) -> list[SearchItem]:
        prefix = self._inside(op.namespace_prefix)
        scores: dict[str, float] = {}

        def candidates() -> list[Shelved]:
            found = self._shelf.table.select(prefix)
            return [document for document in found if matches(document.content, op.filter or {})]

        def page() -> list[Shelved]:
            if not op.filter and not op.query:
                return self._shelf.table.select(prefix, limit=op.limit, offset=op.offset)
            found = sorted(candidates(), key=lambda document: -scores.get(document.id, -2.0))
            return found[op.offset : op.offset + op.limit]

        if op.query and (there := candidates()):
            self._shelf.understand(there)
            scores |= self._shelf.scores(there, self._shelf.query_vector(op.query))
        return [search_item(one, one.namespace[2:], scores.get(one.id)) for one in self._shelf.read(page)]

    def _namespaces(self, op: ListNamespacesOp) -> list[Namespace]:
        names = {name[2:] for name in self._shelf.table.namespaces(self._inside(()))}
        names = {name for name in names if all(fits(name, condition) for condition in op.match_conditions or ())}
        if op.max_depth is not None:
            names = {name[: op.max_depth] for name in names}
        return sorted(names)[op.offset : op.offset + op.limit]

    def _inside(self, namespace: Namespace) -> Namespace:
        return (ITEMS, self.tenant, *namespace)


def _named(documents: Sequence[Document]) -> list[Document]:
    named = {(document.tenant, document.document_id): document for document in documents}
    return [replace(one, namespace=(JOURNEYS, one.tenant)) for one in named.values()]


def _where(tenant: str, type: str | None, journey_id: str | None) -> dict[str, Any]:
    """A filter for Chroma. Always what a row must be, never what it must not: that would match rows without the key."""
    wanted = {"room": JOURNEYS, "tenant": tenant, "type": type, "journey_id": journey_id}
    return {"$and": [{key: {"$eq": value}} for key, value in wanted.items() if value is not None]}


def _described(document: Shelved) -> dict[str, Any]:
    return {
        "document_id": document.key,
        "type": document.type,
        "journey_id": document.journey_id,
        "timestamp": document.created,
        "content": document.content,
    }


def _fields(op: PutOp) -> tuple[str, ...] | None:
    return None if op.index is None else tuple(op.index or ())


def _check_put(op: PutOp) -> None:
    if op.ttl is not None:
        raise NotImplementedError("the librarian keeps what it is given: it knows no ttl")
