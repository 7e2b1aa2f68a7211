"""The librarian: a LangGraph `BaseStore` whose documents lie on one Chroma collection and are checked by the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
)

from .chroma import ChromaFolder
from .documents import Document, Namespace, Shelf, Shelved
from .errors import UsageError
from .ports import Clock, Embedder
from .record import Record

__all__ = ["Document", "Librarian"]

JOURNEYS = "journeys"
ITEMS = "items"


class Librarian(BaseStore):
    """Documents about journeys, and whatever else a graph stores.

    Documents of journeys are found by `document_id` within their tenant (`store_document`, `retrieve_document`,
    `documents`); a graph's own items by namespace and key. Both are on the same shelf and never meet.
    """

    supports_ttl = False

    def __init__(
        self,
        record: Record,
        chroma: ChromaFolder,
        hold: Callable[[], AbstractContextManager[Any]],
        embedder: Callable[[], Embedder],
        clock: Clock,
    ) -> None:
        self._shelf = Shelf(record, chroma, hold, embedder, clock)
        self.run: Callable[[Callable[[], Any]], Awaitable[Any]] = asyncio.to_thread

    async def store_document(
        self, document_id: str, content: dict[str, Any], metadata: dict[str, Any] | None = None
    ) -> None:
        """Store a JSON document under an id, with flat metadata; it can be read back when this returns."""
        flat = dict(metadata or {})
        tenant = str(flat.get("tenant", "default"))
        document = Document(document_id, content, flat, tenant=tenant, journey_id=flat.get("journey_id"))
        await self.run(lambda: self.write_documents([document]))

    async def retrieve_document(self, document_id: str, tenant: str = "default") -> dict[str, Any] | None:
        """The content of a document, or None."""
        found: dict[str, Any] | None = await self.run(lambda: self.retrieve(document_id, tenant=tenant))
        return found

    def write_documents(self, documents: Sequence[Document]) -> None:
        """Store several documents at once: what one costs, ten cost hardly more."""
        from dataclasses import replace

        for document in documents:
            _check_flat(document)
        self._shelf.write([replace(document, namespace=_journeys(document.tenant)) for document in documents])

    def retrieve(self, document_id: str, *, tenant: str = "default") -> dict[str, Any] | None:
        """The content of a document, or None; `StoreDamaged` where it is not what was written."""
        found = self._shelf.read(_journeys(tenant), document_id)
        return found.content if found else None

    def documents(
        self,
        *,
        tenant: str,
        type: str | None = None,
        journey_id: str | None = None,
        find: str | None = None,
        limit: int | None = None,
    ) -> list[dict[str, Any]]:
        """Documents of a tenant, oldest first; with `find` those nearest in meaning first."""
        found = self._shelf.select(tenant=tenant, type=type, journey_id=journey_id, prefix=_journeys(tenant))
        scores: dict[str, float] = {}
        if find:
            scores = self._shelf.similar(found, find)
            found.sort(key=lambda document: -scores.get(document.id, -1.0))
        described = [
            {
                "document_id": document.key,
                "type": document.type,
                "journey_id": document.journey_id,
                "timestamp": document.created,
                "content": document.content,
                **({"score": min(1.0, max(0.0, scores[document.id]))} if document.id in scores else {}),
            }
            for document in found
        ]
        return described[:limit]

    def recover(self) -> None:
        """Finish what a crash left between the ledger and Chroma. Only under the lease."""
        self._shelf.recover()

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do operations in order: a read sees what was put before it in the same batch."""
        results: list[Result] = []
        puts: dict[tuple[Namespace, str], PutOp] = {}
        for op in ops:
            if isinstance(op, PutOp):
                puts.pop((op.namespace, op.key), None)
                puts[op.namespace, op.key] = op
                results.append(None)
                continue
            self._put(puts)
            results.append(self._answer(op))
        self._put(puts)
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """`batch`, on the engine's thread."""
        listed = list(ops)
        results: list[Result] = await self.run(lambda: self.batch(listed))
        return results

    def _put(self, puts: dict[tuple[Namespace, str], PutOp]) -> None:
        wanted = list(puts.values())
        puts.clear()
        gone = [((ITEMS, *op.namespace), op.key) for op in wanted if op.value is None]
        if gone:
            self._shelf.delete(gone)
        self._shelf.write(
            [
                Document(op.key, dict(op.value), namespace=(ITEMS, *op.namespace), tenant="")
                for op in wanted
                if op.value is not None
            ]
        )

    def _answer(self, op: Op) -> Result:
        if isinstance(op, GetOp):
            found = self._shelf.read((ITEMS, *op.namespace), op.key)
            return _item(found) if found else None
        if isinstance(op, SearchOp):
            return self._search(op)
        if isinstance(op, ListNamespacesOp):
            return self._namespaces(op)
        raise UsageError(f"the librarian knows no operation {type(op).__name__}")

    def _search(self, op: SearchOp) -> list[SearchItem]:
        found = self._shelf.select(prefix=(ITEMS, *op.namespace_prefix))
        found = [document for document in found if _matches(document.content, op.filter or {})]
        scores: dict[str, float] = {}
        if op.query:
            scores = self._shelf.similar(found, op.query)
            found.sort(key=lambda document: -scores.get(document.id, -1.0))
        page = found[op.offset : op.offset + op.limit]
        return [_search_item(document, scores.get(document.id)) for document in page]

    def _namespaces(self, op: ListNamespacesOp) -> list[Namespace]:
        names = {document.namespace[1:] for document in self._shelf.select(prefix=(ITEMS,))}
        names = {name for name in names if all(_fits(name, condition) for condition in op.match_conditions or ())}
        if op.max_depth is not None:
            names = {name[: op.max_depth] for name in names}
        return sorted(names)[op.offset : op.offset + op.limit]


def _journeys(tenant: str) -> Namespace:
    return (JOURNEYS, tenant)


def _check_flat(document: Document) -> None:
    for key, value in document.metadata.items():
        if not isinstance(value, str | int | float | bool):
            raise UsageError(
                f"metadata {key!r} of document {document.document_id!r} is not flat",
                cause=f"it is a {type(value).__name__}; text, numbers and booleans can be filtered by",
            )


def _matches(value: dict[str, Any], wanted: dict[str, Any]) -> bool:
    return all(_meets(value.get(key), condition) for key, condition in wanted.items())


def _meets(value: Any, condition: Any) -> bool:
    if isinstance(condition, dict) and any(str(key).startswith("$") for key in condition):
        return all(_compare(value, operator, operand) for operator, operand in condition.items())
    return bool(value == condition)


def _compare(value: Any, operator: str, operand: Any) -> bool:
    if operator in ("$eq", "$ne"):
        return bool((value == operand) is (operator == "$eq"))
    orders: dict[str, Callable[[float, float], bool]] = {
        "$gt": lambda a, b: a > b,
        "$gte": lambda a, b: a >= b,
        "$lt": lambda a, b: a < b,
        "$lte": lambda a, b: a <= b,
    }
    if operator not in orders:
        raise ValueError(f"Unsupported operator: {operator}")
    return orders[operator](float(value), float(operand))


def _fits(name: Namespace, condition: MatchCondition) -> bool:
    path = condition.path
    if len(name) < len(path):
        return False
    part = name[: len(path)] if condition.match_type == "prefix" else name[len(name) - len(path) :]
    return all(wanted in ("*", there) for wanted, there in zip(path, part, strict=True))


def _item(document: Shelved) -> Item:
    return Item(
        value=document.content,
        key=document.key,
        namespace=document.namespace[1:],
        created_at=datetime.fromisoformat(document.created),
        updated_at=datetime.fromisoformat(document.updated),
    )


def _search_item(document: Shelved, score: float | None) -> SearchItem:
    return SearchItem(
        namespace=document.namespace[1:],
        key=document.key,
        value=document.content,
        created_at=datetime.fromisoformat(document.created),
        updated_at=datetime.fromisoformat(document.updated),
        score=score,
    )
