"""What is said to a model: the texts of `prompts/`, and everything else as one JSON value."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from .. import prompts
from .ai_answers import Draft
from .ai_calls import Message
from .issues import Issue

PROMPT_VERSION = "5"
"""Goes up with every change of the texts, and of the order in which facts are told; a test holds the texts to it."""
_ISSUES = 12


@cache
def text(name: str) -> str:
    """A prompt's text: `prompts/NAME.md`."""
    return files(prompts).joinpath(f"{name}.md").read_text(encoding="utf-8")


def prompt_digest() -> str:
    """SHA-256 over the planner's prompts, in hexadecimal."""
    return hashlib.sha256("\0".join(text(name) for name in ("planner", "groups", "repair")).encode()).hexdigest()


def first_messages(told: Mapping[str, Any]) -> list[Message]:
    """The system's text, with what it needs to say of groups where there are any, and the facts as one JSON object."""
    system = text("planner") + (text("groups") if "groups" in told else "")
    return [("system", system), ("user", as_json(told))]


def repair_messages(before: Sequence[Message], draft: Draft | None, issues: Sequence[Issue]) -> list[Message]:
    """The conversation with what was wrong: the first messages, the last draft if it was one, and the issues."""
    said = {"problems": [_said(issue) for issue in issues[:_ISSUES]], "more": max(0, len(issues) - _ISSUES)}
    last: list[Message] = [] if draft is None else [("assistant", as_json(draft.model_dump()))]
    return [*before[:2], *last, ("user", f"{text('repair')}\n{as_json(said)}")]


def as_json(value: Any) -> str:
    """JSON for a prompt: one line, names readable in their own letters."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), allow_nan=False)


def _said(issue: Issue) -> dict[str, Any]:
    return {name: said for name, said in issue.model_dump().items() if said is not None}
