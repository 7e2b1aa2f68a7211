"""How a plan's files are read, cut up and marked: what its steps' arguments say of it, and the policy that does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..store.policy import ChunkPolicy
from .issues import as_list

Args = Mapping[str, Mapping[str, Any]]
"""Arguments of steps, by action."""

_FORMS = {"pages": "has to be pages such as 1-20,31", "tags": "has to be values of 1 to 100 characters on one line,"
          " by names of letters, digits, _ and -"}  # fmt: skip
_FIELDS = {("embed", "chunk_size"): "size", ("embed", "overlap"): "overlap", ("parse", "pages"): "pages",
           ("parse", "skip_sections"): "skip_sections"}  # fmt: skip
AUDIENCE = "audience"
ONLY_WITH = {"expose to everybody": AUDIENCE, "expose now": "not_before"}
"""Acts that a plan may exclude, with the argument of `expose` that keeps one from them."""


def by_action(options: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Options such as "embed.chunk_size" as arguments of the step that each is for; the others are left out."""
    found: dict[str, dict[str, Any]] = {}
    for name, value in options.items():
        action, dot, key = name.partition(".")
        if dot and action in ("parse", "embed", "expose"):
            found.setdefault(action, {})[key] = value
    return found


def chunking(args: Args, chunk: ChunkPolicy) -> ChunkPolicy:
    """`chunk` with what the arguments choose; `ValueError` says what cannot be. Nothing chosen, the same object."""
    values: dict[str, Any] = {field: args[action][name] for (action, name), field in _FIELDS.items()
                              if name in args.get(action, {})}  # fmt: skip
    tags = dict(tag.split("=", 1) for tag in chunk.tags)
    tags |= {name: _text(value) for name, value in _marks(args)}
    written = tuple(f"{name}={value}" for name, value in tags.items())
    if written != chunk.tags:
        values["tags"] = written
    if not values:
        return chunk
    kept = chunk.model_dump(exclude_unset=True) | values
    if "size" in values and "overlap" not in values:
        kept.pop("overlap", None)
    try:
        return ChunkPolicy.model_validate({**kept, "asked": True})
    except ValueError as bad:
        raise ValueError(_said(bad)) from None


def held(action: str, name: str, value: Any, chunk: Mapping[str, Any]) -> bool:
    """Whether a step's argument is what `chunk`, a policy's chunking as a dict, does; others have nothing to hold."""
    tags = as_list(chunk.get("tags")) or ()
    if (action, name) in _FIELDS:
        does = chunk.get(_FIELDS[action, name])
        said, listed = as_list(value), as_list(does)
        return does == value if said is None or listed is None else [*listed] == [*said]
    if (action, name) == ("embed", "metadata"):
        marks = value.items() if isinstance(value, Mapping) else [(None, None)]
        return all(isinstance(one, str | int | float) and f"{key}={_text(one)}" in tags for key, one in marks)
    if (action, name) == ("expose", AUDIENCE):
        return f"{AUDIENCE}={value}" in tags
    return True


def _marks(args: Args) -> Iterator[tuple[str, Any]]:
    metadata = args.get("embed", {}).get("metadata")
    if isinstance(metadata, Mapping):
        yield from metadata.items()
    if AUDIENCE in args.get("expose", {}):
        yield AUDIENCE, args["expose"][AUDIENCE]


def _text(value: Any) -> str:
    """A mark as it is written; `ValueError` for what is no text, number or truth value."""
    if not isinstance(value, str | int | float):
        raise ValueError("chunk.tags: a value is a text, a number, true or false")
    return str(value).lower() if isinstance(value, bool) else str(value)


def _said(bad: ValueError) -> str:
    """The first thing that is wrong, in words, with its key where it has one."""
    faults = getattr(bad, "errors", None)
    if faults is None:
        return str(bad)
    first = faults(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"][:1])
    said = str(first["msg"]).removeprefix("Value error, ").replace("Input should be", "has to be")
    if first["type"] == "string_pattern_mismatch":
        said = _FORMS.get(place, said)
    return f"chunk.{place} {said}" if place else said
