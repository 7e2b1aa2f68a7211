"""Law: `Milepost` is `AsyncMilepost` without `await`: the same methods, parameters, defaults and results."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from milepost import AsyncMilepost, Milepost


def public(kind: type) -> dict[str, Any]:
    """What people may use of a class, its constructor included."""
    return {
        name: value
        for name, value in inspect.getmembers_static(kind)
        if (not name.startswith("_") or name == "__init__") and (callable(value) or isinstance(value, property))
    }


SYNC, ASYNC = public(Milepost), public(AsyncMilepost)
ONLY_ASYNC = {
    "acting_as": "several people in one event loop; a synchronous program opens one `Milepost` for each",
    "engine": "the inside, for `build_graph`",
    "services": "the inside, for `build_graph`",
    "read": "the inside: how the parts of the workspace ask",
    "traced": "the inside: where spans go",
    "there": "the inside: whether a home has been made",
    "embedder": "the inside: what turns texts into vectors",
}
ONLY_SYNC = {"stuck": "how waiting went; a program of its own event loop waits in its own way"}
METHODS = sorted(name for name, value in ASYNC.items() if callable(value) and name not in ONLY_ASYNC)


def parameters(method: Callable[..., Any]) -> list[tuple[str, Any, Any, Any]]:
    """A method's parameters with kind, default and type."""
    hints = typing.get_type_hints(method)
    return [(p.name, p.kind, p.default, hints.get(p.name)) for p in inspect.signature(method).parameters.values()]


def test_the_names_are_the_same(tmp_path: Path) -> None:
    """Whatever one of them can do, the other can, but for the inside."""
    assert set(ASYNC) - set(SYNC) == set(ONLY_ASYNC)
    assert set(SYNC) - set(ASYNC) - set(vars(AsyncMilepost(tmp_path / "home"))) == set(ONLY_SYNC)


@pytest.mark.parametrize("name", METHODS)
def test_the_parameters_are_the_same(name: str) -> None:
    """Names, order, kinds, defaults and types of the parameters, and the type of the result."""
    sync, other = SYNC[name], ASYNC[name]
    assert parameters(sync) == parameters(other)
    assert typing.get_type_hints(sync).get("return") == typing.get_type_hints(other).get("return")


@pytest.mark.parametrize("name", sorted(set(METHODS) - {"__init__", "stop"}))
def test_one_awaits_and_the_other_does_not(name: str) -> None:
    """Every method of the one is a coroutine function, and none of the other."""
    assert inspect.iscoroutinefunction(ASYNC[name])
    assert not inspect.iscoroutinefunction(SYNC[name])
