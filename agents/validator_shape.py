"""Read the steps of a plan that may be anything at all; what is no step is an issue and is left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from .issues import Findings, as_list, as_mapping, shown, type_name

MAX_ID = 64


@dataclass(frozen=True)
class Step:
    """A step whose parts have the right types. `args` may still hold anything."""

    id: str
    action: str
    args: Mapping[str, Any]
    depends_on: tuple[str, ...]
    rollback_handler: str | None


def read_steps(plan: Any, found: Findings) -> list[Step]:
    """The steps that can be judged; issues for the rest."""
    whole = as_mapping(plan)
    if whole is None:
        found.error("malformed_plan", None, f"a plan is an object with steps, not {type_name(plan)}")
        return []
    listed = as_list(whole.get("steps", []))
    if listed is None:
        found.error("malformed_plan", None, f"steps must be a list, not {type_name(whole['steps'])}")
        return []
    if not listed and not (as_list(whole.get("questions")) or as_list(whole.get("declined"))):
        found.error("empty_plan", None, "the plan has no steps", "a plan has at least one step")
    steps = [_read(number, said, found) for number, said in enumerate(listed, 1)]
    return [step for step in steps if step is not None]


def _read(number: int, said: Any, found: Findings) -> Step | None:
    step = as_mapping(dict(said) if isinstance(said, BaseModel) else said)
    if step is None:
        found.error("malformed_plan", None, f"step {number} must be an object, not {type_name(said)}")
        return None
    name = step.get("id")
    if not isinstance(name, str) or not 1 <= len(name) <= MAX_ID or not name.isprintable():
        found.error(
            "malformed_plan",
            None,
            f"step {number} has the id {shown(name)}",
            f"an id is a text of 1 to {MAX_ID} printable characters",
        )
        return None
    action = step.get("action")
    if not isinstance(action, str) or not action:
        found.error("malformed_plan", name, f"the action of {shown(name)} must be a name, not {shown(action)}")
        return None
    handler = step.get("rollback_handler")
    return Step(
        id=name,
        action=action,
        args=_args(name, step.get("args"), found),
        depends_on=_depends_on(name, step.get("depends_on"), found),
        rollback_handler=None if handler is None else handler if isinstance(handler, str) else shown(handler),
    )


def _args(name: str, said: Any, found: Findings) -> Mapping[str, Any]:
    if said is None:
        return {}
    args = as_mapping(said)
    if args is None:
        found.error("malformed_plan", name, f"args of {shown(name)} must be an object, not {type_name(said)}")
        return {}
    for key in args:
        if not _is_text(key):
            found.error("malformed_plan", name, f"{shown(name)} has an argument named {shown(key)}, no text")
    return {key: value for key, value in args.items() if _is_text(key)}


def _depends_on(name: str, said: Any, found: Findings) -> tuple[str, ...]:
    if said is None:
        return ()
    listed = as_list(said)
    if listed is None:
        found.error(
            "malformed_plan",
            name,
            f"depends_on of {shown(name)} must be a list of step ids, not {type_name(said)}",
        )
        return ()
    for entry in listed:
        if not isinstance(entry, str):
            found.error("malformed_plan", name, f"{shown(name)} depends on {shown(entry)}, which is no step id")
    return tuple(dict.fromkeys(entry for entry in listed if isinstance(entry, str)))


def _is_text(key: object) -> bool:
    return isinstance(key, str)
