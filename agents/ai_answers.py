"""Reading a model's answer: a draft, or what is wrong with it. Nothing in an answer is taken on trust."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..store.plan import FailureKind
from .ai_schema import MAX_NAME, MAX_QUESTIONS, MAX_STEPS, MAX_TEXT
from .issues import Issue, as_mapping

MAX_CHARACTERS = 200_000
"""Of an answer; a longer one is not read."""
_SHOWN = 8
_WHOLE = frozenset({None, "", "stop", "tool_calls", "function_call", "end_turn"})
"""Reasons to end that mean that the answer is whole."""


class ModelFailed(Exception):
    """The model gave nothing that can be used; `reason` says why in words, without key, address or its text.

    `kind` tells whose fault it is: "service" (no answer was to be had), "answer" (none of its answers was a plan),
    "limit" (the deadline or the budget ended it).
    """

    def __init__(self, reason: str, kind: FailureKind = "answer") -> None:
        super().__init__(reason)
        self.reason = reason
        self.kind: FailureKind = kind


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DraftStep(_Part):
    id: str = Field(min_length=1, max_length=MAX_NAME)
    action: str = Field(min_length=1, max_length=MAX_NAME)
    args: dict[str, Any] = Field(default_factory=dict)
    depends_on: list[str] = Field(default_factory=list, max_length=MAX_STEPS)


class DraftQuestion(_Part):
    about: str = Field(max_length=MAX_NAME)
    text: str = Field(min_length=1, max_length=MAX_TEXT)


class DraftDeclined(_Part):
    what: str = Field(min_length=1, max_length=MAX_TEXT)
    why: str = Field(max_length=MAX_TEXT)
    policy_key: str = Field(default="", max_length=MAX_NAME)


class Draft(_Part):
    """A plan as a model writes it: files and sources by handle, in `steps[].args`."""

    steps: list[DraftStep] = Field(max_length=MAX_STEPS)
    questions: list[DraftQuestion] = Field(default_factory=list, max_length=MAX_QUESTIONS)
    declined: list[DraftDeclined] = Field(default_factory=list, max_length=MAX_QUESTIONS)


def read_answer(message: Any) -> Draft | list[Issue]:
    """The draft in a message of the model's, by content or by a tool's arguments; else issues that say what it lacks.

    `ModelFailed` for a refusal: asking again would not help.
    """
    if (getattr(message, "additional_kwargs", None) or {}).get("refusal"):
        raise ModelFailed("the model refused to make a plan")
    ended = _ended(message)
    if ended == "content_filter":
        raise ModelFailed("the model's answer was withheld by a content filter")
    if ended == "length":
        return [_wrong("the answer was cut at its length limit", "use fewer steps, and the handle all for every file")]
    if ended not in _WHOLE:
        return [_wrong("the answer ended for a reason that is not known", "answer with the whole JSON object")]
    given = _arguments(message)
    return _draft(given if given is not None else _parsed(_text(message)))


def was_cut(message: Any) -> bool:
    """Whether an answer ended at its length limit: its form may have been right."""
    return bool(_ended(message) == "length")


def _ended(message: Any) -> Any:
    return (getattr(message, "response_metadata", None) or {}).get("finish_reason")


def _arguments(message: Any) -> Any:
    called = getattr(message, "tool_calls", None) or []
    return called[0].get("args") if called else None


def _text(message: Any) -> str:
    content = message if isinstance(message, str) else getattr(message, "content", "")
    if isinstance(content, list):
        return "".join(part if isinstance(part, str) else str(part.get("text", "")) for part in content)
    return str(content or "")


def _parsed(text: str) -> Any:
    if not text.strip():
        return [_wrong("the answer was empty", "answer with one JSON object")]
    if len(text) > MAX_CHARACTERS:
        return [_wrong(f"the answer has {len(text)} characters", f"at most {MAX_CHARACTERS} are read")]
    try:
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        said = f"line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else "it"
        return [
            _wrong(f"the answer is not JSON: {said} cannot be read", "answer with one JSON object and nothing else")
        ]


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _draft(said: Any) -> Draft | list[Issue]:
    if isinstance(said, list) and said and isinstance(said[0], Issue):
        return said
    if as_mapping(said) is None:
        return [_wrong("the answer is not an object with steps and questions", "answer with one JSON object")]
    try:
        json.dumps(said, ensure_ascii=False, allow_nan=False).encode()
        return Draft.model_validate(said)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        return [_issue(one["type"], one["loc"], one["msg"]) for one in found[:_SHOWN]]
    except (TypeError, ValueError):  # half a character, or a number that JSON does not have
        return [_wrong("the answer holds something that JSON in UTF-8 does not have", "answer with plain text")]
    except RecursionError:
        return [_wrong("the answer is nested too deeply", "answer with one JSON object")]


def _issue(kind: str, where: tuple[int | str, ...], said: str) -> Issue:
    place = ".".join(str(part)[:MAX_NAME] for part in where)
    if kind == "too_long" and where == ("steps",):
        return Issue(code="too_many_steps", message=f"steps: {said}", hint="one step does it for many files")
    return Issue(code="malformed_plan", message=f"{place}: {said}"[:MAX_TEXT], hint="keep to the schema")


def _wrong(message: str, hint: str) -> Issue:
    return Issue(code="malformed_plan", message=message, hint=hint)
