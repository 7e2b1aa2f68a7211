"""What a function takes, as the registry has it: JSON schema types read off its signature."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, get_type_hints

from pydantic import PydanticSchemaGenerationError, TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema, PydanticUndefinedAnnotation, PydanticUserError

from ..store.errors import JourneyFailed, UsageError
from .registry import ParamSpec

ANYTHING = ["string", "number", "boolean", "array", "object", "null"]
"""The type of a parameter that is not annotated, or by something that JSON has no word for."""
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def parameters(function: Callable[..., Any], name: str) -> dict[str, Any]:
    """Each parameter after the first with the annotation it has; `UsageError` where one cannot be named in a plan."""
    every = list(inspect.signature(function).parameters.values())
    if not every or every[0].kind not in (inspect.Parameter.POSITIONAL_ONLY, *_NAMED[:1]):
        raise UsageError(
            f"step {name!r} takes no context",
            cause="its first parameter is the StepContext that it runs with",
            state="nothing was changed",
        )
    rest = every[1:]
    for parameter in rest:
        if parameter.kind not in _NAMED:
            raise UsageError(
                f"step {name!r} takes {parameter}, which a plan cannot name",
                cause="each argument of a step has a name and a type",
                state="nothing was changed",
            )
    return {parameter.name: _resolved(function, parameter) for parameter in rest}


def specs(function: Callable[..., Any], annotations: Mapping[str, Any]) -> dict[str, ParamSpec]:
    """The registry's entry for each parameter: type, whether it is needed, what it may be."""
    known = inspect.signature(function).parameters
    return {
        name: {**_schema(annotation), "required": known[name].default is inspect.Parameter.empty}
        for name, annotation in annotations.items()
    }


def typed(annotations: Mapping[str, Any], args: Mapping[str, Any], action: str) -> dict[str, Any]:
    """Arguments as JSON has them, in the types that the function asks for; `JourneyFailed` names one that is none."""
    found: dict[str, Any] = {}
    for name, value in args.items():
        adapter = _adapter(annotations.get(name, Any))
        try:
            found[name] = value if adapter is None else adapter.validate_python(value)
        except ValidationError as wrong:
            said = wrong.errors(include_url=False, include_context=False)[0]["msg"]
            raise JourneyFailed(f"argument {name!r} of {action!r} cannot be {value!r}: {said}"[:300]) from None
    return found


def _resolved(function: Callable[..., Any], parameter: inspect.Parameter) -> Any:
    """The annotation itself, where it is a text; a name that is only there for type checkers allows everything."""
    said = parameter.annotation
    if said is inspect.Parameter.empty:
        return Any
    alone = SimpleNamespace(__annotations__={parameter.name: said})
    plain = inspect.unwrap(function)
    try:
        names = inspect.getclosurevars(plain).nonlocals if inspect.isfunction(plain) else {}
        hints = get_type_hints(alone, getattr(plain, "__globals__", {}), dict(names), include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError):
        return Any
    return hints[parameter.name]


def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    """What reads a value of this type out of JSON; None for a type that pydantic does not know."""
    if annotation is Any:
        return None
    try:
        return TypeAdapter(annotation)
    except (PydanticSchemaGenerationError, PydanticUndefinedAnnotation, PydanticUserError):
        return None


def _schema(annotation: Any) -> ParamSpec:
    adapter = _adapter(annotation)
    try:
        said = adapter.json_schema() if adapter is not None else {}
    except (PydanticInvalidForJsonSchema, PydanticUserError):
        said = {}
    choices = [_named(choice, said) for choice in said.get("anyOf", [said])]
    types = list(dict.fromkeys(kind for choice in choices for kind in _types(choice)))
    spec: ParamSpec = {"type": types[0] if len(types) == 1 else types}
    if len(choices) == 1:
        [only] = choices
        allowed = only.get("enum") or ([only["const"]] if "const" in only else None)
        if allowed is not None:
            spec["enum"] = allowed
        inner = _named(only.get("items") or {}, said).get("type")
        if inner:
            spec["items"] = inner
    return spec


def _named(schema: dict[str, Any], whole: dict[str, Any]) -> dict[str, Any]:
    """A schema that stands elsewhere in the same document."""
    reference = str(schema.get("$ref", ""))
    found: dict[str, Any] = whole.get("$defs", {}).get(reference.rpartition("/")[2], schema)
    return found


def _types(schema: dict[str, Any]) -> list[str]:
    said = schema.get("type") or ANYTHING
    return [said] if isinstance(said, str) else list(said)
