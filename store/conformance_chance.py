"""A store beside a model of one, through operations drawn by chance; what differs is reported as short as it can be."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

from langgraph.store.base import BaseStore, GetOp, ListNamespacesOp, MatchCondition, Op, PutOp, SearchOp

from .conformance_report import NotConforming

_LABELS = ("a", "b", "ab", "a b", "é", '"')
_KEYS = ("k", "K", "k ", "käse", "0")
_SCALARS: tuple[Any, ...] = (None, True, False, 0, 1, -1, 0.5, 2.0, "x", "1", "", "\U0001f600")
_PLENTY = 1_000
Batch = tuple[Op, ...]


def check_store_by_chance(make_store: Callable[[], BaseStore], *, runs: int = 50, seed: int = 0) -> None:
    """Hold a kind of store to a model: as many runs, each with a new store and some batches drawn from `seed`.

    `NotConforming` with the shortest run that was found to break it.
    """
    for number in range(runs):
        chance = random.Random(f"{seed}:{number}")
        batches = [tuple(_drawn(chance) for _ in range(chance.randint(1, 4))) for _ in range(chance.randint(2, 12))]
        if _difference(make_store(), batches) is None:
            continue
        shortest = _shortened(make_store, batches)
        store = make_store()
        said = _difference(store, shortest) or ("another answer at every run", None, None)
        raise NotConforming(
            type(store).__name__, "batches drawn by chance give what a store gives", [list(each) for each in shortest],
            why=said[0], expected=said[1], found=said[2],
        )  # fmt: skip


def _shortened(make_store: Callable[[], BaseStore], batches: list[Batch]) -> list[Batch]:
    """The batches without those that make no difference, down to where every one does."""
    kept = list(batches)
    again = True
    while again:
        again = False
        for at in reversed(range(len(kept))):
            fewer = [*kept[:at], *kept[at + 1 :]]
            if _difference(make_store(), fewer) is not None:
                kept, again = fewer, True
    return kept


def _difference(store: BaseStore, batches: Sequence[Batch]) -> tuple[str, Any, Any] | None:
    """The first answer that is not the model's: what was asked, what the model says, what the store says."""
    model: dict[tuple[tuple[str, ...], str], dict[str, Any]] = {}
    for batch in batches:
        try:
            found = store.batch(copy.deepcopy(batch))
        except Exception as failure:  # whatever a store of somebody's raises is the finding
            return f"{type(failure).__name__}: {failure}", None, None
        expected = [_answer(model, op) for op in batch]
        for op, wanted, result in zip(batch, expected, found, strict=False):
            if (seen := _seen(op, result)) != wanted:
                return f"the answer to {op}", wanted, seen
        if len(found) != len(batch):
            return "the number of answers", len(batch), len(found)
        for op in batch:
            if isinstance(op, PutOp):
                model.pop((op.namespace, op.key), None)
                if op.value is not None:
                    model[op.namespace, op.key] = dict(op.value)
    return None


def _answer(model: dict[tuple[tuple[str, ...], str], dict[str, Any]], op: Op) -> Any:
    if isinstance(op, GetOp):
        return model.get((op.namespace, op.key))
    if isinstance(op, SearchOp):
        length = len(op.namespace_prefix)
        return sorted(
            (list(space), key, _text(value))
            for (space, key), value in model.items()
            if space[:length] == op.namespace_prefix
            and all(value.get(k, _Nothing) == v for k, v in _filter(op).items())
        )
    if isinstance(op, ListNamespacesOp):
        prefix = op.match_conditions[0].path if op.match_conditions else ()
        spaces = {space for space, _ in model if space[: len(prefix)] == tuple(prefix)}
        return sorted({space[: op.max_depth] for space in spaces})
    return None


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


class _Nothing:
    """Equal to nothing that JSON knows."""


def _filter(op: SearchOp) -> dict[str, Any]:
    return op.filter or {}


def _seen(op: Op, result: Any) -> Any:
    """An answer in the model's form."""
    if isinstance(op, GetOp):
        return None if result is None else result.value
    if isinstance(op, SearchOp):
        return sorted((list(item.namespace), item.key, _text(item.value)) for item in result)
    if isinstance(op, ListNamespacesOp):
        return sorted(tuple(space) for space in result)
    return result


def _drawn(chance: random.Random) -> Op:
    space = tuple(chance.choices(_LABELS, k=chance.randint(1, 3)))
    key = chance.choice(_KEYS)
    kind = chance.random()
    if kind < 0.45:
        return PutOp(
            space, key, {name: _value(chance) for name in chance.sample(["p", "q", "r"], chance.randint(0, 3))}
        )
    if kind < 0.55:
        return PutOp(space, key, None)
    if kind < 0.75:
        return GetOp(space, key)
    if kind < 0.9:
        wanted = {"p": chance.choice(["x", "1", 1, 0.5])} if chance.random() < 0.5 else None
        return SearchOp(space[: chance.randint(0, 2)], filter=wanted, limit=_PLENTY)
    prefix = MatchCondition("prefix", space[:1])
    return ListNamespacesOp((prefix,), max_depth=chance.choice([None, 1, 2]), limit=_PLENTY)


def _value(chance: random.Random) -> Any:
    if chance.random() < 0.7:
        return chance.choice(_SCALARS)
    return {"deep": [chance.choice(_SCALARS)]} if chance.random() < 0.5 else [chance.choice(_SCALARS)]
