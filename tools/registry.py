"""The actions that a plan may use, as plain data, and the undo handlers that a checkpoint may name."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple, Required, TypedDict

from ..store.errors import UsageError
from ..store.plan import Effect


class ParamSpec(TypedDict, total=False):
    """One argument. `type` and `items` are JSON schema type names; `type` may be several."""

    type: Required[str | list[str]]
    required: bool
    items: str
    enum: list[Any]
    among: str
    """The group of facts ("files", "sources", "checkpoints") that each value is of, if facts are given."""
    format: str
    """"date-time": a text is a moment in ISO 8601; one without an offset is of the machine that runs the plan."""
    description: str


class ActionSpec(TypedDict, total=False):
    """One action. Only `params` is needed: others' registries may leave out the rest."""

    params: Required[dict[str, ParamSpec]]
    returns: list[str]
    """Fields of its result; where this is left out, any may be asked for."""
    description: str
    one_of: list[str]
    """Arguments of which at least one must be there."""
    before: str
    """The milestone before it, where a journey's first checkpoint is taken."""
    milestone: str
    """The milestone that it completes."""
    effect: Effect
    rollback_handler: str
    after: list[str]
    """Actions that come first: every step of the plan that has one of them."""
    once: bool
    """A plan may have it one time."""
    needs: str
    """The policy's switch without which it is refused."""


_KB: ParamSpec = {"type": "string", "required": True, "description": "the knowledge base"}
_FILES: ParamSpec = {
    "type": "array",
    "items": "string",
    "required": True,
    "among": "files",
    "description": "the files, by handle or source name",
}
_SOURCES: ParamSpec = {
    "type": "array",
    "items": "string",
    "required": True,
    "among": "sources",
    "description": "sources of the knowledge base, by name",
}

REGISTRY: dict[str, ActionSpec] = {
    "upload": {
        "description": "keep the files' bytes, by their SHA-256",
        "params": {"files": _FILES, "kb": _KB},
        "returns": ["files"],
        "before": "before_upload",
        "milestone": "upload_complete",
        "effect": "reversible",
        "rollback_handler": "delete_uploaded_file",
        "once": True,
    },
    "parse": {
        "description": "read the files' text and cut it into chunks",
        "params": {
            "files": _FILES,
            "pages": {"type": "string", "description": "pages that are read, such as 1-20,31"},
            "skip_sections": {
                "type": "array",
                "items": "string",
                "description": "sections left out, by their headings",
            },
            "keep_tables": {"type": "boolean", "enum": [True], "description": "tables stay rows with their headers"},
            "speaker_notes": {"type": "boolean", "enum": [True], "description": "slides with their notes"},
            "ocr": {"type": "boolean", "description": "text recognition is wanted"},
            "language": {"type": "string", "description": "the language of the pages to be recognised"},
        },
        "returns": ["chunks", "files"],
        "milestone": "parse_complete",
        "effect": "reversible",
        "after": ["upload"],
        "once": True,
    },
    "embed": {
        "description": "compute a vector for each chunk",
        "params": {
            "chunks": {"type": "array", "required": True, "description": "what parse found"},
            "chunk_size": {"type": "integer", "description": "characters of a chunk, at most"},
            "overlap": {"type": "integer", "description": "characters repeated from the chunk before"},
            "metadata": {"type": "object", "description": "what is written on every chunk, by name"},
        },
        "returns": ["chunks"],
        "milestone": "embed_complete",
        "effect": "reversible",
        "after": ["upload", "parse"],
        "once": True,
    },
    "expose": {
        "description": "let everybody find the chunks, all at once; also sources that are staged",
        "params": {
            "chunks": {"type": "array", "description": "what embed made"},
            "sources": {**_SOURCES, "required": False, "description": "sources that are staged or hidden"},
            "audience": {"type": "string", "description": "the only ones who may find them"},
            "after": {"type": "string", "description": "when they may go live, in words"},
            "not_before": {"type": "string", "format": "date-time", "description": "the same moment, as ISO 8601"},
            "kb": _KB,
        },
        "one_of": ["chunks", "sources"],
        "returns": ["revision", "sources"],
        "milestone": "expose_complete",
        "effect": "reversible",
        "after": ["upload", "parse", "embed"],
        "once": True,
    },
    "hide": {
        "description": "take sources out of search",
        "params": {"sources": _SOURCES, "kb": _KB},
        "returns": ["revision", "sources"],
        "before": "before_hide",
        "milestone": "hide_complete",
        "effect": "reversible",
        "once": True,
    },
    "remove": {
        "description": "remove sources from the knowledge base",
        "params": {"sources": _SOURCES, "kb": _KB},
        "returns": ["revision", "sources"],
        "before": "before_remove",
        "milestone": "remove_complete",
        "effect": "reversible",
        "once": True,
    },
    "rollback": {
        "description": "go back to a checkpoint",
        "params": {
            "checkpoint": {
                "type": "string",
                "required": True,
                "among": "checkpoints",
                "description": "the checkpoint's whole id",
            }
        },
        "returns": ["revision"],
        "before": "before_rollback",
        "milestone": "rollback_complete",
        "effect": "reversible",
        "needs": "enable_rollback",
    },
    "report": {
        "description": "answer with what is known; changes nothing",
        "params": {"about": {"type": "string", "description": "what is asked"}},
        "returns": ["text"],
        "milestone": "report_complete",
        "effect": "reversible",
    },
}
"""The built-in actions. `remove` and `hide` are reversible where the policy keeps what they take out."""


def registry_dict() -> dict[str, Any]:
    """A copy of the built-in registry that may be changed, extended, and written as JSON."""
    return deepcopy(dict[str, Any](REGISTRY))


Handler = Callable[..., Any]
"""An undo handler, sync or async: called with the services and the checkpoint's state (`tools/handlers.py`)."""


class RegisteredHandler(NamedTuple):
    name: str
    version: int
    run: Handler


_handlers: dict[tuple[str, int], RegisteredHandler] = {}


def register_handler(name: str, run: Handler, *, version: int = 1) -> Handler:
    """Make an undo handler known under a name and version, for as long as the process lives.

    Checkpoints hold the name and version only. A version is registered once: other code is another version.
    """
    known = _handlers.get((name, version))
    if known is not None and known.run is not run:
        raise UsageError(
            f"there is a rollback handler {name} version {version} already",
            cause="register the new one with a higher version",
        )
    _handlers[name, version] = RegisteredHandler(name, version, run)
    return run


def find_handler(name: str, version: int | None = None) -> RegisteredHandler | None:
    """The handler of exactly that name, and version or the newest; None where none is registered."""
    if version is not None:
        return _handlers.get((name, version))
    versions = [handler for handler in _handlers.values() if handler.name == name]
    return max(versions, key=lambda handler: handler.version, default=None)


def handler_names() -> frozenset[str]:
    """Names that a plan may give as `rollback_handler`: the registered ones and those the actions declare."""
    declared = {spec["rollback_handler"] for spec in REGISTRY.values() if "rollback_handler" in spec}
    return frozenset(declared | {handler.name for handler in _handlers.values()})
