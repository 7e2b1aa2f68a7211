"""What a validator finds: issues, with code, step, message and hint."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from itertools import islice
from typing import Any, cast

from pydantic import BaseModel, ConfigDict


class Issue(BaseModel):
    """One fault of a plan. `step` is its id, None for the plan's own; `hint` says how to mend it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str
    step: str | None = None
    message: str
    hint: str | None = None


class Validation(BaseModel):
    """The proposal's result of a validation: `valid`, `errors`, `warnings`."""

    model_config = ConfigDict(extra="forbid")

    valid: bool
    errors: list[Issue] = []
    warnings: list[Issue] = []


CODES: dict[str, str] = {
    "malformed_plan": "The plan, or a step of it, has not the form of one. Such a step is left out.",
    "empty_plan": "The plan has no steps, asks nothing and declines nothing.",
    "too_many_steps": "The plan has more than 200 steps.",
    "duplicate_step_id": "Two steps have one id.",
    "self_dependency": "A step depends on itself, or uses its own result.",
    "missing_dependency": "A step depends on a step that is not in the plan.",
    "cycle": "Steps depend on each other in a ring, so that none can be first.",
    "unknown_action": "The registry has no such action.",
    "missing_argument": "An argument that the action needs is not there.",
    "unknown_argument": "The action takes no argument of that name.",
    "wrong_argument_type": "An argument is not of the declared type, or not a value of JSON (NaN).",
    "value_not_allowed": "An argument is not one of the values that the registry lists.",
    "malformed_reference": 'A reference is not `{"$ref": step id, "field": name or null}`.',
    "dangling_reference": "An argument uses the result of a step that is not in the plan.",
    "undeclared_dependency": "An argument uses the result of a step that `depends_on` does not name.",
    "unknown_result_field": "An argument uses a field that the other step's action does not return.",
    "wrong_order": "The registry says that another step of the plan comes first, and no dependency does.",
    "repeated_action": "An action that a plan may have once is there again.",
    "unknown_file": "A step names a file that is not on offer.",
    "unknown_source": "A step names a source that the knowledge base does not have.",
    "unknown_checkpoint": "A step names a checkpoint that is not there (for whoever asks).",
    "handler_unknown": "A step names a rollback handler that is not registered.",
    "policy_forbids": "The policy forbids the action; the message names the key.",
    "over_budget": "The plan's files are more than the policy's budget; the message names the key.",
    "another_kb": "A step is for another knowledge base than the plan.",
    "unknown_kb": "A step takes something out of a knowledge base that does not exist.",
    "bad_kb_name": "The plan's knowledge base has a name that cannot be one.",
    "not_permitted": "The plan is another tenant's.",
    "embedder_mismatch": "The plan was made with another embedder than the knowledge base has, or than is configured.",
    "no_space": "The plan needs more disk than is free.",
    "excluded_act": "The plan does what its request excludes: an act in `excludes`, or something with a file left out.",
    "outside_root": "A file to be read lies in none of the places that were given.",
    "moved": "Something that the plan was made for has changed since: a file, the knowledge base, the embedder.",
    "wrong_milestone": "A step names another milestone than its action completes.",
    "option_not_held": "A step says that files are read, cut up or marked otherwise than the plan's policy has it.",
    "effect_understated": "A step says that it can be undone, and it cannot.",
    "several_kbs": "A model's draft has steps for several knowledge bases; a plan is for one.",
    "nothing_chosen": "What a model's draft says of the files to upload fits none of them.",
    "files_differ": "A step names other files than its plan uploads, or other sources than it has lines for.",
    "contradiction": "A model's draft puts a file in and takes its source out.",
    "misleading_id": "A step of a model's draft is called like another action than its own.",
    "little_space": "A warning: the plan takes most of the free disk.",
    "mostly_rejected": "A warning: more files are rejected than taken.",
    "removes_most": "A warning: the plan removes more than half of what the knowledge base holds.",
    "estimated": "A warning: some files were not read when the plan was made; their counts are estimates.",
    "often_rejected": "A warning: files of this folder and type were mostly rejected in earlier journeys.",
    "new_kb": "A warning: the knowledge base will be made, and one with nearly the same name is there.",
    "rollback_conflict": "A warning: what the plan goes back past was changed since by another journey.",
    "irreversible_step": "A warning: what the step does cannot be undone.",
}
"""Every code a validator gives, and what it means; docs/reference/validator-codes.md is this table."""


class Findings:
    """Collects issues; the same one twice counts once."""

    def __init__(self) -> None:
        self._errors: dict[Issue, None] = {}
        self._warnings: dict[Issue, None] = {}
        self._asked = 0

    def error(self, code: str, step: str | None, message: str, hint: str | None = None) -> None:
        self._errors[Issue(code=code, step=step, message=message, hint=hint)] = None

    def warn(self, code: str, step: str | None, message: str, hint: str | None = None) -> None:
        self._warnings[Issue(code=code, step=step, message=message, hint=hint)] = None

    def nearest(self, word: str, known: Collection[str]) -> str | None:
        """A hint with the nearest known word, cases aside; after 200 of them none, since each costs time."""
        self._asked += 1
        return _nearest(word[:100], known) if self._asked <= _HINTS and known else None

    def validation(self) -> Validation:
        return Validation(valid=not self._errors, errors=list(self._errors), warnings=list(self._warnings))


_HINTS = 200


def _nearest(word: str, words: Collection[str]) -> str:
    some = list(islice(words, 1000))
    lowered = {name.lower(): name for name in reversed(some)}
    near = difflib.get_close_matches(word.lower(), list(lowered), n=1, cutoff=0.6)
    if near:
        return f"did you mean {shown(lowered[near[0]])}?"
    return f"there is {', '.join(map(shown, some[:8]))}{', ...' if len(some) > 8 else ''}"


def shown(value: Any, limit: int = 60) -> str:
    """A value of a plan for a message: short, on one line, quoted where it is text."""
    text = value if isinstance(value, str) else _plain(value)
    short = text[:limit] + ("..." if len(text) > limit else "")
    clean = "".join(letter if letter.isprintable() else "\ufffd" for letter in short)
    return f'"{clean}"' if isinstance(value, str) else clean


def _plain(value: Any) -> str:
    """Numbers, true, false and null as JSON has them; of anything larger its type."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) >= 10**18:
        return "a number beyond 10^18"
    return str(value) if isinstance(value, int | float) else type_name(value)


def as_mapping(value: object) -> Mapping[str, Any] | None:
    """A value that is a mapping, else None. Its keys may be anything yet."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else None


def as_list(value: object) -> Sequence[Any] | None:
    """A value that is a list or tuple, else None."""
    return cast("Sequence[Any]", value) if isinstance(value, list | tuple) else None


def type_name(value: object) -> str:
    """The JSON schema name of a value's type; Python's where JSON has none."""
    own = type(value).__name__
    if isinstance(value, bool):
        return "boolean"
    names: tuple[tuple[Any, str], ...] = (
        (type(None), "null"), (str, "string"), (int, "integer"), (float, "number"), (list, "array"),
        (tuple, "array"), (dict, "object"),
    )  # fmt: skip
    return next((name for kind, name in names if isinstance(value, kind)), own)
