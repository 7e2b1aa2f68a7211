"""What a model has to answer: a JSON schema made from a registry, every field of it bounded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_STEPS = 30
MAX_QUESTIONS = 5
MAX_ITEMS = 300
"""Items of a list, and files that a model is told of."""
MAX_TEXT = 300
MAX_NAME = 64
TITLE = "draft_plan"

_NAME = {"type": "string", "minLength": 1, "maxLength": MAX_NAME}
_TEXT = {"type": "string", "maxLength": MAX_TEXT}
_LARGEST = 1_000_000_000_000
_HANDLE = {"type": "string", "pattern": "^([a-z][0-9]{1,4}|all)$"}


def draft_schema(registry: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a draft over a registry: `steps`, each of one of its actions, `questions` and `declined`.

    Files, sources and checkpoints are named by the handles that the model was given, or "all".
    """
    return {
        "title": TITLE,
        "description": "The steps that do what the request asks, or the questions that have to be answered first.",
        "type": "object",
        "properties": {
            "steps": {
                "type": "array",
                "maxItems": MAX_STEPS,
                "items": {"anyOf": [_step(action, registry[action]) for action in sorted(registry)]},
            },
            "questions": _listed({"about": _NAME, "text": _TEXT}),
            "declined": _listed({"what": _TEXT, "why": _TEXT, "policy_key": _NAME}, needed=("what", "why")),
        },
        "required": ["steps", "questions"],
        "additionalProperties": False,
    }


def _listed(properties: dict[str, Any], needed: tuple[str, ...] | None = None) -> dict[str, Any]:
    return {
        "type": "array",
        "maxItems": MAX_QUESTIONS,
        "items": _object(properties, list(needed) if needed is not None else list(properties)),
    }


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _step(action: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    params: Mapping[str, Any] = spec.get("params") or {}
    args = {name: _param(param) for name, param in params.items()}
    needed = [name for name, param in params.items() if param.get("required")]
    named = {
        "id": _NAME,
        "action": {"const": action},
        "args": _object(args, needed),
        "depends_on": {"type": "array", "items": _NAME, "maxItems": MAX_STEPS},
    }
    said = {"description": str(spec["description"])[:MAX_TEXT]} if spec.get("description") else {}
    return {**said, **_object(named, list(named))}


def _param(param: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter's value, or a reference to an earlier step's result."""
    said = {"description": str(param["description"])[:MAX_TEXT]} if param.get("description") else {}
    kinds = param.get("type")
    several = [kinds] if isinstance(kinds, str) or kinds is None else list(kinds)
    choices = [_value(kind, param) for kind in several]
    return {**said, "anyOf": [*choices, _REFERENCE]}


_REFERENCE = _object({"$ref": _NAME, "field": {"anyOf": [_NAME, {"type": "null"}]}}, ["$ref", "field"])


def _value(kind: str | None, param: Mapping[str, Any]) -> dict[str, Any]:
    if param.get("enum"):
        return {"enum": list(param["enum"])}
    if kind == "string":
        return _HANDLE if param.get("among") else _TEXT
    if kind == "array":
        items = _HANDLE if param.get("among") else _item(param.get("items"))
        return {"type": "array", "items": items, "maxItems": MAX_ITEMS}
    if kind in ("integer", "number"):
        return {"type": kind, "minimum": -_LARGEST, "maximum": _LARGEST}
    if kind == "object":
        return {"type": "object", "additionalProperties": _SCALAR, "maxProperties": MAX_STEPS}
    return {"type": kind} if kind in ("boolean", "null") else _SCALAR


_SCALAR = {
    "anyOf": [
        _TEXT,
        {"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST},
        {"type": "boolean"},
        {"type": "null"},
    ]
}


def _item(kind: Any) -> dict[str, Any]:
    inner = kind.get("type") if isinstance(kind, Mapping) else kind
    return _value(inner, {}) if isinstance(inner, str) and inner != "array" else _SCALAR
