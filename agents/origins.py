"""Where a conversation's messages come from: a person, the model, Milepost, or a tool, which was near documents.

Names of files, texts and what others wrote earlier come with a tool's answer. From then on no change can be told from
one that a document asked for, so the mark stays with the message, and whoever is asked hears of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Message = dict[str, Any]

ORIGIN = "origin"
PERSON = "person"
MODEL = "model"
MILEPOST = "milepost"
TRUSTED = frozenset({PERSON, MODEL, MILEPOST})
"""A model is trusted to speak for itself, not to say yes: what it wants to change is asked about."""
BRINGS = {
    "search_knowledge": "texts of documents",
    "plan_journey": "names of files",
    "show_plan": "names of files",
}
"""What comes along with a tool's answer that somebody else wrote; of the others names and ids."""
OTHER = "answers of tools"


def said(text: str) -> Message:
    """What the person said."""
    return {"role": "user", "content": text, ORIGIN: PERSON}


def noted(text: str) -> Message:
    """What the person did outside the conversation, as Milepost tells it."""
    return {"role": "user", "content": f"(I did this myself: {text})", ORIGIN: MILEPOST}


def answered(call_id: Any, tool: str, text: str) -> Message:
    """What a tool answered to a call."""
    return {"role": "tool", "tool_call_id": call_id, "content": text, ORIGIN: f"tool:{tool[:80]}"}


def spoken(message: Message) -> Message:
    """What the model said."""
    return {**message, ORIGIN: MODEL}


def entered(messages: Sequence[Message]) -> list[str]:
    """What of other people's making has entered a conversation, in words; a message without a mark counts, too."""
    tools = [str(one.get(ORIGIN)).partition(":")[2] for one in messages if one.get(ORIGIN) not in TRUSTED]
    return list(dict.fromkeys(BRINGS.get(tool, OTHER) for tool in tools))
