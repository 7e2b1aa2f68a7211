"""A conversation's messages as plain values that both sides read: OpenAI's endpoint, and clients of LangGraph's server.

Each has `role` and `content` as the endpoint takes them, `type` and `id` as LangChain's clients look for them, and its
tool calls under both spellings. Nothing but JSON: the saver builds no objects.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.messages import convert_to_messages, convert_to_openai_messages

from .origins import ORIGIN, PERSON, Message

ENDPOINT = ("role", "content", "tool_calls", "tool_call_id")
TYPES = {"user": "human", "assistant": "ai", "tool": "tool"}


def joined(before: list[Message], more: Any) -> list[Message]:
    """The reducer of the channel: what was said so far, and what came, in any of LangChain's forms."""
    came = more if isinstance(more, list) else [more]
    return [*before, *(both(one) for one in came)]


def both(message: Any) -> Message:
    """One message under both spellings; what is no message of a person, a model or a tool is the person's words."""
    said = dict(message) if isinstance(message, Mapping) and "role" in message else _converted(message)
    role = said.get("role") if said.get("role") in TYPES else "user"
    made = {**said, "role": role, "type": TYPES[str(role)], "content": _text(said.get("content"))}
    made["id"] = str(said.get("id") or uuid.uuid4())
    if role == "user":
        made.setdefault(ORIGIN, PERSON)
    if said.get("tool_calls"):
        made["tool_calls"] = [_call(one) for one in said["tool_calls"]]
    return made


def mended(messages: Sequence[Message], unanswered: str) -> list[Message]:
    """The messages with an answer behind every call, as an endpoint wants them, and of each only what it takes.

    A call that nobody answered, since the person said something else instead, is answered with `unanswered`.
    """
    found: list[Message] = []
    waiting: list[str] = []
    for one in messages:
        if one["role"] == "tool":
            if one["tool_call_id"] not in waiting:
                continue  # an answer to nothing
            waiting.remove(one["tool_call_id"])
        else:
            found += [{"role": "tool", "tool_call_id": id, "content": unanswered} for id in waiting]
            waiting = [call["id"] for call in one.get("tool_calls") or ()]
        found.append(one)
    return [{key: one[key] for key in ENDPOINT if key in one} for one in found]


def _converted(message: Any) -> Message:
    [found] = convert_to_messages([message])
    converted: Any = convert_to_openai_messages(found)
    return {**converted, "id": found.id}


def _call(said: Mapping[str, Any]) -> Message:
    function = said.get("function") or {}
    try:
        args = json.loads(function.get("arguments") or "{}")
    except ValueError:
        args = {}
    return {**said, "name": function.get("name"), "args": args if isinstance(args, dict) else {}}


def _text(content: Any) -> Any:
    """A content of blocks as one text."""
    if not isinstance(content, list):
        return content
    texts = (one.get("text") if isinstance(one, Mapping) else one for one in content)
    return "\n".join(text for text in texts if isinstance(text, str))
