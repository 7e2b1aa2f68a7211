"""The page about `--json`: what each command gives, and every object in it, from the models of the code."""

from __future__ import annotations

import enum
import inspect
import types
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from reference_parts import MADE, fields_said, table

from milepost.agents.issues import Validation
from milepost.evals.comparing import Comparison
from milepost.evals.gate import Gate
from milepost.evals.summary import ArmSummary
from milepost.store import records
from milepost.store.plan import Plan


class Check(records.Record):
    """One finding of `doctor`: `next` is the command that helps where it is not ok."""

    name: str
    ok: bool
    detail: str
    next: str


class Document(records.Record):
    """One document of the librarian."""

    document_id: str
    type: str
    journey_id: str | None
    timestamp: str
    content: Any


class Value(records.Record):
    """One key of the policy, and where its value comes from."""

    value: Any
    source: str


class Written(records.Record):
    """A report that was written: how many bytes, into which file."""

    journey_id: str
    file: str
    bytes: int


Done = dict[str, Any]
JOURNEY: dict[str, Any] = {"journey": records.Journey}
GIVES: dict[str, dict[str, Any]] = {
    "init": {"done": Done},
    "gc": {"done": Done},
    "doctor": {"checks": list[Check]},
    "policy show": {"policy": dict[str, Value], "guarantees": list[str], "notes": list[str]},
    "policy check": {"check": Done, "policy": dict[str, Value], "guarantees": list[str], "notes": list[str]},
    "policy presets": {"presets": dict[str, dict[str, Any]]},
    "ingest": JOURNEY,
    "plan": {"plan": Plan, "validation": Validation | None},
    "show": {"plan": Plan, "validation": Validation | None},
    "validate": {"validation": Validation},
    "apply": JOURNEY,
    "approvals": {"approvals": list[records.Approval]},
    "approve": {"approval": records.Approval},
    "resume": JOURNEY,
    "journeys": {"journeys": list[records.Journey]},
    "status": {"journey": records.Journey, "timeline": list[records.Event]},
    "checkpoints": {"checkpoints": list[records.Checkpoint]},
    "report": {"report": Written},
    "rollback": {"rollback": records.RollbackResult},
    "search": {"results": list[records.SearchHit]},
    "documents": {"documents": list[Document]},
    "kb list": {"kbs": list[records.KbInfo]},
    "kb stats": {"kb": records.KbStats},
    "kb log": {"revisions": list[records.RevisionInfo]},
    "kb diff": {"diff": records.KbDiff},
    "kb verify": {"verify": records.VerifyReport},
    "kb rebuild": {"done": Done},
    "kb digest": {"digest": records.DigestReport},
    "kb remove": {"done": records.Journey},
    "kb purge": {"done": Done},
    "kb drop": {"done": Done},
    "eval run": {"run": Done},
    "eval score": {"run": Done},
    "eval compare": {
        "verdict": str,
        "why": str,
        "gates": list[Gate],
        "arms": list[ArmSummary],
        "comparisons": list[Comparison],
    },
    "eval report": {"report": Done},
    "chat": {},
    "mcp": {},
}
"""What each command gives with `--json`, beside `format_version`."""
NOTES = {
    "show": 'A journey gives `{"journey"}`, a checkpoint `{"checkpoint"}`; with `--mermaid` also `mermaid`, a text.',
    "journeys": "Without `files` and `steps`.",
    "eval compare": "`verdict` and `why` are the first comparison's. Where a gate fails also `error`, and exit code 3.",
    "eval report": "`path`, and `verdicts`, one for each comparison on the page.",
    "chat": "An event on each line: `format_version`, `event`, and what the command of that kind gives.",
    "mcp": "Speaks the protocol, not this.",
    "kb verify": "Where it is not ok also `next`, the command that repairs.",
    "eval run": "`log`, `complete`, `trials`, `missing`, `broken` (`{line, why}`), and for each of `planners` means.",
    "eval score": "As `eval run`, and `changed`: `{id, planner, epoch, scores}`.",
    "gc": "`undos` (`{journey_id, kb, available_until, checkpoints}`), counts, `bytes`; `disk_bytes` came free.",
    "ingest": "With `--dry-run` what `plan` gives.",
}


def json_page() -> list[str]:
    gives = [
        (f"`{name}`", ", ".join(f"`{key}`: {_kind(kind)}" for key, kind in keys.items()), NOTES.get(name, ""))
        for name, keys in GIVES.items()
    ]
    lines = [
        "# JSON", "", MADE,
        "With `--json` a command writes one object to stdout and nothing else, errors too. It has",
        '`format_version`, now `"1.0"`, and the keys of this table. Fields may be added; none is taken away or',
        "renamed.", "",
        *table(("command", "gives", ""), *gives),
        'An error is `{"format_version", "error": {"code", "message", "cause", "state", "next"}}`; its codes are in',
        "[errors](errors.md). A rollback that met a conflict has `rollback` beside `error`.", "",
    ]  # fmt: skip
    for model in _models():
        document = inspect.cleandoc(model.__doc__ or "").replace("\n\n", "\n").replace("\n", " ")
        said = fields_said(model)
        lines += [f"## {model.__name__}", "", *([document, ""] if document else [])]
        rows = [(f"`{name}`", _kind(kind), said.get(name, "")) for name, kind in _fields(model)]
        lines += table(("field", "is", ""), *rows)
    return lines[:-1]


def _fields(model: type[BaseModel]) -> list[tuple[str, Any]]:
    return [(name, field.annotation) for name, field in model.model_fields.items()]


def _models() -> list[type[BaseModel]]:
    """Every object that the table leads to, by name."""
    found: dict[str, type[BaseModel]] = {}
    waiting: list[Any] = [kind for keys in GIVES.values() for kind in keys.values()]
    while waiting:
        kind = waiting.pop()
        if _is_object(kind) and kind.__name__ not in found:
            found[kind.__name__] = kind
            waiting += [inner for _, inner in _fields(kind)]
        waiting += [inner for inner in get_args(kind) if not isinstance(inner, str)]
    return [found[name] for name in sorted(found)]


def _is_object(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


_NAMES: dict[Any, str] = {
    str: "text", int: "integer", float: "number", bool: "true or false", type(None): "null", Any: "anything",
    dict: "object",
}  # fmt: skip


def _kind(kind: Any) -> str:
    """An annotation in words."""
    origin, inner = get_origin(kind), get_args(kind)
    if _is_object(kind):
        return f"[{kind.__name__}](#{kind.__name__.lower()})"
    if origin is Literal:
        return " or ".join(f'`"{choice}"`' for choice in inner)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return " or ".join(f'`"{choice.value}"`' for choice in kind)
    if origin in (list, tuple):
        return f"list of {_kind(inner[0])}"
    if origin is dict:
        return "object" if inner[1] is Any else f"object of {_kind(inner[1])}"
    if origin in (Union, types.UnionType):
        return " or ".join(map(_kind, inner))
    return _NAMES[kind]
