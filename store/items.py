"""A graph's items among the documents: which of them a filter or a namespace's pattern means."""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from langgraph.store.base import Item, MatchCondition, SearchItem

from .documents import Json, Namespace, Shelved
from .errors import UsageError

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def matches(value: Json, wanted: Json) -> bool:
    """Whether a JSON value is as a filter wants it: equal, or within `$eq $ne $gt $gte $lt $lte`; objects in part."""
    if isinstance(wanted, dict):
        if any(key.startswith("$") for key in wanted):
            return all(_compare(value, name, operand) for name, operand in wanted.items())
        return isinstance(value, dict) and all(matches(value.get(key), inner) for key, inner in wanted.items())
    if isinstance(wanted, list | tuple):
        return (
            isinstance(value, list)
            and len(value) == len(wanted)
            and all(matches(there, inner) for there, inner in zip(value, wanted, strict=True))
        )
    return bool(value == wanted)


def fits(name: Namespace, condition: MatchCondition) -> bool:
    """Whether a namespace begins or ends as a condition says; `*` is any one label."""
    path = condition.path
    if len(name) < len(path):
        return False
    part = name[: len(path)] if condition.match_type == "prefix" else name[len(name) - len(path) :]
    return all(wanted in ("*", there) for wanted, there in zip(path, part, strict=True))


def item(document: Shelved, namespace: Namespace) -> Item:
    """A document as a graph gets it."""
    return Item(
        value=document.content,
        key=document.key,
        namespace=namespace,
        created_at=datetime.fromisoformat(document.created),
        updated_at=datetime.fromisoformat(document.updated),
    )


def search_item(document: Shelved, namespace: Namespace, score: float | None) -> SearchItem:
    """A document as a graph finds it."""
    return SearchItem(
        namespace=namespace,
        key=document.key,
        value=document.content,
        created_at=datetime.fromisoformat(document.created),
        updated_at=datetime.fromisoformat(document.updated),
        score=score,
    )


def _compare(value: Json, name: str, operand: Json) -> bool:
    if name == "$eq":
        return bool(value == operand)
    if name == "$ne":
        return bool(value != operand)
    if name not in _ORDERS:
        raise UsageError(f"a filter knows no operator {name}", cause=f"it knows $eq, $ne, {', '.join(_ORDERS)}")
    try:
        return _ORDERS[name](float(cast(Any, value)), float(cast(Any, operand)))
    except (TypeError, ValueError):  # texts have an order too (dates); of anything else none is before another
        return isinstance(value, str) and isinstance(operand, str) and _ORDERS[name](value, operand)
