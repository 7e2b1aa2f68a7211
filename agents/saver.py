"""LangGraph's saver: scratch, in a file of its own, with a serializer that builds nothing but plain values."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..store.policy import Policy

if TYPE_CHECKING:
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

GRAPH_DB = "graph.db"


_KINDS = ("msgpack", "bytes", "bytearray", "null")
"""What this serializer writes. LangGraph's would read more: JSON is revived as LangChain's objects, pickles run."""


def strict_serializer() -> JsonPlusSerializer:
    """LangGraph's serializer with an empty allow-list: the default one runs code from crafted bytes."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    class Strict(JsonPlusSerializer):
        def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
            """Of what a node raised its kind alone: what others say when they fail may quote a key."""
            return super().dumps_typed(type(obj).__name__ if isinstance(obj, BaseException) else obj)

        def loads_typed(self, data: tuple[str, bytes]) -> Any:
            if data[0] not in _KINDS:
                raise NotImplementedError(f"the saver's file holds something of the kind {data[0]!r:.40}")
            return super().loads_typed(data)

    return Strict(pickle_fallback=False, allowed_msgpack_modules=None)


@asynccontextmanager
async def opened_saver(home: Path, policy: Policy) -> AsyncGenerator[AsyncSqliteSaver | None, None]:
    """The saver of a home, where the policy lets a journey pause for a person; else there is nothing to save.

    The file may be deleted at any time: the ledger decides where a journey is.
    """
    if policy.approval == "never":
        yield None
        return
    async with opened_threads(home) as saver:
        yield saver


@asynccontextmanager
async def opened_threads(home: Path) -> AsyncGenerator[AsyncSqliteSaver, None]:
    """The saver of a home."""
    import aiosqlite
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    async with aiosqlite.connect(home / GRAPH_DB) as connection:
        yield AsyncSqliteSaver(connection, serde=strict_serializer())
