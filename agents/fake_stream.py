"""A scripted answer as the stream of events that a client asks for with `stream: true`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

PIECES = re.compile(r"\s*\S+\s*")


def as_events(body: bytes) -> bytes:
    """An answer of `/v1/chat/completions` in pieces: a word at a time, a call's name and then its arguments."""
    answer = json.loads(body)
    [choice] = answer["choices"]
    head = {key: answer[key] for key in ("id", "created", "model")} | {"object": "chat.completion.chunk"}
    lines = [{**head, "choices": [_choice(delta)]} for delta in _deltas(choice["message"])]
    lines.append({**head, "choices": [_choice({}, choice["finish_reason"])]})
    lines.append({**head, "choices": [], "usage": answer["usage"]})
    return b"".join(f"data: {line}\n\n".encode() for line in [*map(json.dumps, lines), "[DONE]"])


def _choice(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}


def _deltas(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {"role": "assistant", "content": ""}
    for piece in PIECES.findall(message.get("content") or ""):
        yield {"content": piece}
    if message.get("refusal"):
        yield {"refusal": message["refusal"]}
    for at, call in enumerate(message.get("tool_calls") or ()):
        function = call["function"]
        yield {"tool_calls": [{"index": at, **call, "function": {"name": function["name"], "arguments": ""}}]}
        yield {"tool_calls": [{"index": at, "function": {"arguments": function["arguments"]}}]}
