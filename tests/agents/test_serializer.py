"""Law: bytes in the saver's file run nothing, whoever wrote them; what a journey keeps there comes back as it was."""

from __future__ import annotations

import json
import pickle
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import ormsgpack
import pytest
from langgraph.checkpoint.serde import jsonplus
from langgraph.checkpoint.serde._msgpack import SAFE_MSGPACK_TYPES

from milepost.agents.saver import strict_serializer

STATE: dict[str, Any] = {
    "plan_id": "plan_1", "paths": ["a.md", "ä\n.md"], "verdict": "go", "n": 3, "kb": None, "x": {"lc": 1},
}  # fmt: skip
FLIPS = 1_000


class Treacherous:
    """Runs what it is told to when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.marker,))


def extensions(marker: Path) -> Iterator[tuple[str, bytes]]:
    """Messages whose extension names something to call: of every kind, known to LangGraph or not."""
    calls: list[Any] = [
        ("os", "system", f"touch {marker}"),
        ("pathlib", "Path.touch", str(marker)),
        ("subprocess", "check_output", ["touch", str(marker)]),
        ("builtins", "eval", f"open({str(marker)!r}, 'w')"),
        ("pathlib", "PosixPath", (str(marker),), "touch"),
        ("langchain_core.load", "loads", json.dumps({"lc": 1, "type": "secret", "id": ["HOME"]})),
    ]
    for kind in range(0, 128):
        for call in calls:
            for body in (call, (*call[:2], [call[2]]), (*call[:2], {"args": call[2]}), (*call[:2], (), {"x": call[2]})):
                yield "msgpack", ormsgpack.packb(ormsgpack.Ext(kind, ormsgpack.packb(body)))


def test_an_extension_calls_nothing(tmp_path: Path) -> None:
    """Whatever its kind: it is refused, or comes back as plain values."""
    marker, count = tmp_path / "was-here", 0
    for kind, data in extensions(marker):
        count += 1
        _loaded_plainly(kind, data)
        assert not marker.exists()
    assert count > 3_000


def test_the_serializer_that_is_there_by_default_would_have_run_it(tmp_path: Path) -> None:
    """The attack is a real one: without our list LangGraph's serializer calls what the bytes name."""
    marker = tmp_path / "was-here"
    call = ormsgpack.packb(("os", "system", f"touch {marker}"))
    jsonplus.JsonPlusSerializer().loads_typed(("msgpack", ormsgpack.packb(ormsgpack.Ext(0, call))))
    assert marker.exists()


def test_a_pickle_is_refused(tmp_path: Path) -> None:
    """By the name of its kind alone, and inside of a message."""
    marker = tmp_path / "was-here"
    data = pickle.dumps(Treacherous(marker))
    for kind in ("pickle", "msgpack", "json", "bytes", "null", "unknown"):
        _loaded_plainly(kind, data)
    _loaded_plainly("msgpack", ormsgpack.packb(ormsgpack.Ext(jsonplus.EXT_CONSTRUCTOR_SINGLE_ARG, data)))
    assert not marker.exists()
    with pytest.raises(Exception, match=r"pickle|serializable|type"):
        strict_serializer().dumps_typed(Treacherous(marker))


@pytest.mark.parametrize("text", [
    {"lc": 1, "type": "secret", "id": ["HOME"]},
    {"lc": 1, "type": "constructor", "id": ["langchain_core", "prompts", "PromptTemplate"], "kwargs": {}},
    {"lc": 2, "type": "constructor", "id": ["os", "system"], "args": ["touch was-here"], "kwargs": {}},
])  # fmt: skip
def test_a_document_with_lc_in_it_is_a_document(text: dict[str, Any]) -> None:
    """As data it comes back equal; as JSON to be revived it is refused, whatever it says."""
    serializer = strict_serializer()
    assert serializer.loads_typed(serializer.dumps_typed(text)) == text
    with pytest.raises(NotImplementedError):
        serializer.loads_typed(("json", json.dumps(text).encode()))


def test_flipped_bits_make_nothing_but_plain_values() -> None:
    """A thousand of them, in what a journey keeps: each is noticed, or gives values of plain types."""
    kind, data = strict_serializer().dumps_typed(STATE)
    chance = random.Random(7)
    for _ in range(FLIPS):
        broken = bytearray(data)
        broken[chance.randrange(len(broken))] ^= 1 << chance.randrange(8)
        _loaded_plainly(kind, bytes(broken))
    assert strict_serializer().loads_typed((kind, data)) == STATE


def _loaded_plainly(kind: str, data: bytes) -> Any:
    """What the strict serializer makes of bytes, or None where it refuses them; nothing but values."""
    try:
        found = strict_serializer().loads_typed((kind, data))
    except Exception:  # any refusal will do: what counts is that nothing was made
        return None
    _hold_plain(found)
    return found


def _hold_plain(value: Any) -> None:
    """Plain values, and the few types of LangGraph's own list, which do nothing when they are made."""
    kind = type(value)
    plain = kind in (dict, list, tuple, str, bytes, bytearray, int, float, bool, type(None), np.ndarray, re.Pattern)
    assert plain or (kind.__module__, kind.__name__) in SAFE_MSGPACK_TYPES or kind.__name__ == "_DeltaSnapshot", kind
    if isinstance(value, dict):
        for key, inner in value.items():
            _hold_plain(key)
            _hold_plain(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            _hold_plain(inner)
