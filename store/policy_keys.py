"""The policy's leaf keys, such as `chunk.size`: which there are, what each may be, values out of text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Annotated, Any, Literal, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from .errors import PolicyError, UsageError
from .policy import MILESTONES, Policy, did_you_mean
from .policy_rules import PLAIN


@cache
def leaves() -> dict[str, FieldInfo]:
    """Every leaf key with its field, in the order they are declared."""
    return dict(_leaves(Policy, ""))


def _leaves(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        kind = field.annotation
        if field.json_schema_extra:  # what the policy keeps about itself is no key
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _leaves(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def sections() -> set[str]:
    """The keys that hold other keys, such as `chunk`."""
    return {key.partition(".")[0] for key in leaves() if "." in key}


def flatten(values: Mapping[str, Any], source: str = "") -> dict[str, Any]:
    """Nested and dotted keys as dotted leaf keys; an unknown one is refused, and one that is there twice."""
    flat: dict[str, Any] = {}
    for said, value in _walk(values, "", source):
        key = PLAIN.get(said, said)
        if key not in leaves():
            raise unknown_key(key, source)
        if key in flat:
            raise PolicyError(f"{key} is set twice{_in(source)}", keys=[key])
        flat[key] = value
    return flat


def _walk(values: Mapping[str, Any], prefix: str, source: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        key = f"{prefix}{name}"
        if key in sections():
            if isinstance(value, BaseModel):
                value = value.model_dump(exclude_unset=True)
            if not isinstance(value, Mapping):
                raise PolicyError(f"{key} is a group of keys, not a value{_in(source)}", cause=allowed(key))
            yield from _walk(cast("Mapping[str, Any]", value), f"{key}.", source)
        else:
            yield key, value


def nest(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted leaf keys as the nested dict that `Policy` takes."""
    nested: dict[str, Any] = {}
    for key, value in flat.items():
        section, dot, name = key.partition(".")
        if dot:
            nested.setdefault(section, {})[name] = value
        else:
            nested[key] = value
    return nested


def unknown_key(key: str, source: str = "") -> PolicyError:
    """The error for a key that no policy has, with the nearest that one has."""
    known = list(leaves())
    by_last = [leaf for leaf in known if leaf.rpartition(".")[2] == key.rpartition(".")[2]]
    hint = f"; did you mean {by_last[0]}?" if len(by_last) == 1 else did_you_mean(key, known)
    return PolicyError(
        f"the policy has no key {_short(key)}{_in(source)}{hint}",
        cause="milepost policy show lists every key",
        next="milepost policy show",
        keys=[key],
    )


def allowed(key: str) -> str:
    """What a key may be, in words."""
    field = leaves().get(key)
    if field is None:
        inside = [leaf for leaf in leaves() if leaf.startswith(f"{key}.")]
        return f"{key} has {', '.join(inside)}" if inside else ""
    if key == "rollback_checkpoints":
        return f"allowed: a list of milestones: {', '.join(MILESTONES)}, before_STEP, STEP_complete"
    kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not type(None)]
    if get_origin(field.annotation) is Literal:
        return f"allowed: {', '.join(str(choice) for choice in kinds)}"
    words = "true or false" if kinds == [bool] else f"a number{_bounds(field)}"
    unset = " (or none)" if type(None) in get_args(field.annotation) else ""
    return f"allowed: {words}{unset}"


def _bounds(field: FieldInfo) -> str:
    names = {"ge": "at least", "gt": "above", "le": "at most"}
    found = [
        f"{word} {getattr(rule, attribute):g}"
        for rule in field.metadata
        for attribute, word in names.items()
        if hasattr(rule, attribute)
    ]
    return f", {' and '.join(found)}" if found else ""


def parse_setting(text: str, source: str = "") -> tuple[str, Any]:
    """Read `KEY=VALUE`, as `--set` has it, into the key and a value of the key's type.

    >>> parse_setting("chunk.size=800")
    ('chunk.size', 800)
    """
    key, equals, value = text.partition("=")
    key = PLAIN.get(key.strip(), key.strip())
    if not equals or not key:
        raise UsageError(
            f"{_short(text)} is not KEY=VALUE", cause="for example --set chunk.size=800", next="milepost policy show"
        )
    return key, parse_value(key, value.strip(), source)


def parse_value(key: str, text: str, source: str = "") -> Any:
    """Read a key's value out of a text: lists with commas, `none` where a value may be left unset."""
    field = leaves().get(key)
    if field is None:
        if key in sections():
            raise PolicyError(f"{key} is a group of keys, not a value{_in(source)}", cause=allowed(key))
        raise unknown_key(key, source)
    return coerce(key, _from_text(text, field), source)


def _from_text(text: str, field: FieldInfo) -> Any:
    if get_origin(field.annotation) is tuple:
        if text.startswith("["):
            try:
                return json.loads(text)
            except ValueError:
                return text
        return [part.strip() for part in text.split(",") if part.strip()]
    if type(None) in get_args(field.annotation) and text.lower() in ("none", "null"):
        return None
    return text


def coerce(key: str, value: Any, source: str = "") -> Any:
    """A value in the key's own type; `PolicyError` with key, value and what is allowed."""
    field = leaves()[key]
    if isinstance(value, bool) and bool not in (get_args(field.annotation) or (field.annotation,)):
        raise bad_value(key, value, "true and false are not numbers, names or lists", source)
    try:
        return _adapter(key).validate_python(value)
    except ValidationError as error:
        said = error.errors(include_url=False, include_context=False)[0]["msg"]
        raise bad_value(key, value, said.removeprefix("Value error, "), source) from None


def bad_value(key: str, value: Any, said: str, source: str = "") -> PolicyError:
    """The error for a value that a key cannot have."""
    return PolicyError(f"{key} cannot be {_short(value)}{_in(source)}: {said}", cause=allowed(key), keys=[key])


@cache
def _adapter(key: str) -> TypeAdapter[Any]:
    field = leaves()[key]
    kind: Any = field.annotation
    for rule in field.metadata:
        kind = Annotated[kind, rule]
    return TypeAdapter(kind, config=ConfigDict(allow_inf_nan=False))


def _in(source: str) -> str:
    return f" ({source})" if source else ""


def _short(value: Any) -> str:
    shown = value if isinstance(value, str) else repr(value)
    shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in shown[:80])
    return f'"{shown}"' if isinstance(value, str) else shown
