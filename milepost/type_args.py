"""Arguments of a journey type of a user's own, as they are typed: `--arg NAME=VALUE`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .store.errors import UsageError

if TYPE_CHECKING:
    from .tools.journey_types import JourneyType


def read_args(kind: JourneyType, texts: Iterable[str]) -> dict[str, Any]:
    """The values by name: a text where the step takes one, else what it is as JSON (`3`, `true`, `["a", "b"]`)."""
    found: dict[str, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(
                f"{text[:80]!r} is not NAME=VALUE", cause="for example --arg address=...", next="milepost plan --help"
            )
        if name in found:
            raise UsageError(f"the argument {name!r} is given twice", next="milepost plan --help")
        found[name] = _value(value, kind.params.get(name, {}).get("type"))
    return found


def _value(text: str, types: Any) -> Any:
    if types is not None and "string" in ([types] if isinstance(types, str) else types[:1]):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
