"""Whether each step's arguments are what its action takes: names, types, values, references."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from .issues import Findings, as_list, as_mapping, shown, type_name
from .treatment import held
from .validator_shape import Step


def check_args(steps: Sequence[Step], by_id: Mapping[str, Step], registry: Mapping[str, Any], found: Findings) -> None:
    """Issues of actions, arguments and references."""
    for step in steps:
        for name, value in step.args.items():
            _check_values(step, name, value, by_id, registry, found)
        spec = as_mapping(registry.get(step.action))
        if spec is None:
            found.error(
                "unknown_action",
                step.id,
                f"there is no action {shown(step.action)}",
                found.nearest(step.action, registry),
            )
            continue
        _check_against(step, spec, found)


def check_treatment(chunk: Any, steps: Sequence[Step], found: Findings) -> None:
    """The files were read, cut up and marked by the plan's policy: what a step says of that is what it does."""
    does = as_mapping(chunk)
    for step in steps if does is not None else ():
        for name, value in step.args.items():
            if not held(step.action, name, value, does or {}):
                found.error(
                    "option_not_held",
                    step.id,
                    f"{shown(step.id)} says {shown(name)}, and the plan's files were not read so",
                    "plan again, with a request that says it",
                )


def _check_against(step: Step, spec: Mapping[str, Any], found: Findings) -> None:
    params: Mapping[str, Any] = spec.get("params") or {}
    for name, param in params.items():
        if name in step.args:
            _check_type(step, name, step.args[name], param, found)
        elif param.get("required"):
            found.error(
                "missing_argument",
                step.id,
                f"{shown(step.action)} needs the argument {shown(name)}",
                f"its type is {_type_words(param.get('type'))}",
            )
    for name in step.args:
        if name not in params:
            hint = found.nearest(name, params) if params else "it takes no arguments"
            found.error("unknown_argument", step.id, f"{shown(step.action)} takes no argument {shown(name)}", hint)
    choice: Sequence[str] = spec.get("one_of") or ()
    if choice and not any(name in step.args for name in choice):
        found.error("missing_argument", step.id, f"{shown(step.action)} needs {' or '.join(choice)}")


def _check_type(step: Step, name: str, value: Any, param: Mapping[str, Any], found: Findings) -> None:
    if is_reference(value):
        return
    said = f"argument {shown(name)} of {shown(step.action)}"
    wanted = param.get("type")
    if not has_type(value, wanted):
        found.error("wrong_argument_type", step.id, f"{said} must be {_type_words(wanted)}, not {type_name(value)}")
        return
    allowed = param.get("enum")
    if allowed is not None and not any(_same(value, choice) for choice in allowed):
        choices = ", ".join(shown(choice) for choice in list(allowed)[:20])
        found.error("value_not_allowed", step.id, f"{said} cannot be {shown(value)}", f"it is one of {choices}")
    if param.get("format") == "date-time" and not _is_moment(value):
        hint = "write it as 2026-05-31T09:00:00+00:00"
        found.error("value_not_allowed", step.id, f"{said} cannot be {shown(value)}", hint)
    declared = param.get("items")
    items = (as_mapping(declared) or {"type": declared}).get("type")
    for number, item in enumerate(as_list(value) or (), 1):
        if items is not None and not is_reference(item) and not has_type(item, items):
            found.error(
                "wrong_argument_type",
                step.id,
                f"item {number} of {said} must be {_type_words(items)}, not {type_name(item)}",
            )
            break


def has_type(value: Any, wanted: Any) -> bool:
    """Whether a value has a JSON schema type, or one of several; an unknown type's name allows everything.

    A bool is no integer; an integer is a number, and 3.0 is an integer, as in JSON schema.
    """
    several = as_list(wanted)
    if several is not None:
        return any(has_type(value, one) for one in several)
    kind = type_name(value)
    if wanted == "number":
        return kind == "integer" or (kind == "number" and math.isfinite(value))
    if wanted == "integer":
        return kind == "integer" or (kind == "number" and math.isfinite(value) and value == int(value))
    return kind == wanted if wanted in _TYPES else True


def _is_moment(value: Any) -> bool:
    try:
        datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


_TYPES = ("string", "boolean", "array", "object", "null")


def _type_words(wanted: Any) -> str:
    return " or ".join(map(str, as_list(wanted) or [wanted or "anything"]))


def _same(value: Any, choice: Any) -> bool:
    """Equality as JSON has it: true is not 1."""
    return type_name(value) == type_name(choice) and value == choice


def is_reference(value: Any) -> bool:
    """Whether a value stands for an earlier step's result."""
    return isinstance(value, Mapping) and "$ref" in value


def _check_values(
    step: Step, name: str, value: Any, by_id: Mapping[str, Step], registry: Mapping[str, Any], found: Findings
) -> None:
    for part in _parts(value):
        if is_reference(part):
            _check_reference(step, name, cast("Mapping[str, Any]", part), by_id, registry, found)
        elif not _is_json(part):
            what = str(part) if isinstance(part, float) else type_name(part)
            found.error(
                "wrong_argument_type",
                step.id,
                f"argument {shown(name)} of {shown(step.action)} holds {what}, which JSON does not have",
            )


def _parts(value: Any) -> Iterator[Any]:
    """A value and all that it holds, references whole; without recursion, each container once."""
    waiting, seen = [value], set[int]()
    while waiting:
        part = waiting.pop()
        yield part
        held = as_mapping(part)
        inside = as_list(part) if held is None else held.values()
        if is_reference(part) or inside is None or id(inside if held is None else held) in seen:
            continue
        seen.add(id(inside if held is None else held))
        waiting += inside


def _is_json(value: Any) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    return value is None or isinstance(value, bool | int | str | list | tuple | Mapping)


def _check_reference(
    step: Step,
    name: str,
    said: Mapping[str, Any],
    by_id: Mapping[str, Step],
    registry: Mapping[str, Any],
    found: Findings,
) -> None:
    target, wanted = said["$ref"], said.get("field")
    if not isinstance(target, str) or not (wanted is None or isinstance(wanted, str)) or not said.keys() <= _FORM:
        found.error(
            "malformed_reference",
            step.id,
            f"argument {shown(name)} of {shown(step.id)} is not a reference",
            'write {"$ref": step id, "field": name or null}',
        )
    elif target == step.id:
        found.error("self_dependency", step.id, f"{shown(step.id)} uses its own result in {shown(name)}")
    elif target not in by_id:
        found.error(
            "dangling_reference",
            step.id,
            f"argument {shown(name)} of {shown(step.id)} uses {shown(target)}, which is not in the plan",
            found.nearest(target, by_id),
        )
    else:
        _check_result(step, by_id[target], wanted, registry, found)


_FORM = {"$ref", "field"}


def _check_result(step: Step, target: Step, wanted: str | None, registry: Mapping[str, Any], found: Findings) -> None:
    if target.id not in step.depends_on:
        found.error(
            "undeclared_dependency",
            step.id,
            f"{shown(step.id)} uses the result of {shown(target.id)} but does not depend on it",
            f"add {shown(target.id)} to its depends_on",
        )
    returns = as_list((as_mapping(registry.get(target.action)) or {}).get("returns"))
    if wanted is not None and returns is not None and wanted not in returns:
        found.error(
            "unknown_result_field",
            step.id,
            f"{shown(target.action)} returns no field {shown(wanted)}",
            found.nearest(wanted, returns) or "it returns nothing",
        )
