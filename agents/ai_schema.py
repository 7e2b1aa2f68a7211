"""What a model has to answer: a JSON schema made from a registry, every field of it bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MAX_STEPS = 30
MAX_QUESTIONS = 5
MAX_ITEMS = 300
"""Items of a list, and files that a model is told of."""
MAX_GROUPS = 80
"""Groups of files that a model is told of, where there are more than `MAX_ITEMS` files."""
MAX_TEXT = 300
MAX_NAME = 64
TITLE = "draft_plan"

_NAME = {"type": "string", "minLength": 1, "maxLength": MAX_NAME}
_TEXT = {"type": "string", "maxLength": MAX_TEXT}
_LARGEST = 1_000_000_000_000
_HANDLE = {"type": "string", "pattern": "^([a-z][0-9]{1,4}|all)$"}


def draft_schema(registry: Mapping[str, Any], handles: Mapping[str, Sequence[str]] | None = None) -> dict[str, Any]:
    """The schema of a draft over a registry: `steps`, each of one of its actions, `questions` and `declined`.

    Files, sources and checkpoints are named by the handles that the model was given, or "all"; `handles` has those by
    group ("files"), so that no other can be answered, and none more often than there are.
    """
    given = handles or {}
    return {
        "title": TITLE,
        "description": "The steps that do what the request asks, or the questions that have to be answered first.",
        "type": "object",
        "properties": {
            "steps": {
                "type": "array",
                "maxItems": MAX_STEPS,
                "items": {"anyOf": [_step(action, registry[action], given) for action in sorted(registry)]},
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


def _step(action: str, spec: Mapping[str, Any], given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    params: Mapping[str, Any] = spec.get("params") or {}
    args = {name: _param(param, given) for name, param in params.items()}
    needed = [name for name, param in params.items() if param.get("required")]
    named = {
        "id": _NAME,
        "action": {"const": action},
        "args": _object(args, needed),
        "depends_on": {"type": "array", "items": _NAME, "maxItems": MAX_STEPS},
    }
    said = {"description": str(spec["description"])[:MAX_TEXT]} if spec.get("description") else {}
    return {**said, **_object(named, list(named))}


def _param(param: Mapping[str, Any], given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """A parameter's value, or a reference to an earlier step's result; of a few known values, one of them."""
    said = {"description": str(param["description"])[:MAX_TEXT]} if param.get("description") else {}
    kinds = param.get("type")
    several = [kinds] if isinstance(kinds, str) or kinds is None else list(kinds)
    choices = [_value(kind, param, given) for kind in several]
    if param.get("enum"):
        return {**said, **choices[0]}
    return {**said, "anyOf": [*choices, _REFERENCE]}


_REFERENCE = {
    "type": "object",
    "propertyNames": {"enum": ["$ref", "field"]},
    "additionalProperties": {"anyOf": [_NAME, {"type": "null"}]},
    "minProperties": 1,
    "maxProperties": 2,
}
"""`{"$ref": step, "field": result}`. A property of the name `$ref` under `properties` is taken for a reference to
another schema by programs that read schemas loosely: llama.cpp's server refuses every request that has one."""


def _value(kind: str | None, param: Mapping[str, Any], given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    if param.get("enum"):
        return {"enum": list(param["enum"])}
    if kind == "string":
        timed = {**_TEXT, "format": param["format"]} if param.get("format") else _TEXT
        return _handle(param, given) if param.get("among") else timed
    if kind == "array":
        items = _handle(param, given) if param.get("among") else _item(param.get("items"), given)
        most = len(given[str(param["among"])]) if param.get("among") in given else MAX_ITEMS
        return {"type": "array", "items": items, "maxItems": max(1, most)}
    if kind in ("integer", "number"):
        return {"type": kind, "minimum": -_LARGEST, "maximum": _LARGEST}
    if kind == "object":
        return {"type": "object", "additionalProperties": _SCALAR, "maxProperties": MAX_STEPS}
    return {"type": kind} if kind in ("boolean", "null") else _SCALAR


def _handle(param: Mapping[str, Any], given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """A handle: one of those that were given, where they are known."""
    group = str(param.get("among"))
    return {"enum": ["all", *given[group]]} if group in given else _HANDLE


_SCALAR = {
    "anyOf": [
        _TEXT,
        {"type": "number", "minimum": -_LARGEST, "maximum": _LARGEST},
        {"type": "boolean"},
        {"type": "null"},
    ]
}


def _item(kind: Any, given: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    if isinstance(kind, Mapping) and kind.get("properties"):
        named = {
            name: {"anyOf": [_value(param.get("type"), param, given), {"type": "null"}]}
            for name, param in kind["properties"].items()
        }
        return _object(named, [])
    inner = kind.get("type") if isinstance(kind, Mapping) else kind
    return _value(inner, {}, {}) if isinstance(inner, str) and inner != "array" else _SCALAR
