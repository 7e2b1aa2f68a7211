"""Whether the policy that a plan carries is the one in force, but for what a request may choose."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from ..store.policy import Policy

Allowed = Callable[[Any, Any], bool]


def loosened(carried: Policy, in_force: Policy) -> list[str]:
    """The keys in which a plan's policy is another one than a request may make of the policy in force, sorted.

    A request chooses how files are cut up, and is otherwise as careful or more so: see `wished_policy`.
    """
    return sorted(_differences(carried, in_force))


def _differences(carried: Policy, in_force: Policy) -> Iterator[str]:
    for key in Policy.model_fields:
        said, wanted = getattr(carried, key), getattr(in_force, key)
        if said != wanted and not _CHOSEN.get(key, _never)(said, wanted):
            yield key


def _never(_: Any, __: Any) -> bool:
    return False


def _cheaper(said: Any, wanted: Any) -> bool:
    """The same budget with less money."""
    most = math.inf if wanted.max_cost is None else wanted.max_cost
    less = said.max_cost is not None and said.max_cost <= most
    return bool(less and said.model_copy(update={"max_cost": wanted.max_cost}) == wanted)


_CHOSEN: dict[str, Allowed] = {
    "chunk": lambda said, wanted: True,
    "on_existing": lambda said, wanted: said != "replace",
    "on_file_error": lambda said, wanted: said == "stop",
    "orchestration": lambda said, wanted: said == "saga",
    "budget": _cheaper,
}
