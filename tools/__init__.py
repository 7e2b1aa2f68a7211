"""What can be done: steps with their declarations, parsing in child processes, embedding, undoing."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .embedders import FakeEmbedder, OpenAIEmbedder, WordLlamaEmbedder, make_embedder
    from .registry import find_handler, handler_names, register_handler, registry_dict
    from .rollback import LightweightRollbackCapability
    from .steps import StepDeclaration, StepOutcome, StepRun

_ROOMS = {
    **dict.fromkeys(("FakeEmbedder", "OpenAIEmbedder", "WordLlamaEmbedder", "make_embedder"), "embedders"),
    **dict.fromkeys(("find_handler", "handler_names", "register_handler", "registry_dict"), "registry"),
    "LightweightRollbackCapability": "rollback",
    **dict.fromkeys(("StepDeclaration", "StepOutcome", "StepRun"), "steps"),
}

__all__ = [
    "FakeEmbedder",
    "LightweightRollbackCapability",
    "OpenAIEmbedder",
    "StepDeclaration",
    "StepOutcome",
    "StepRun",
    "WordLlamaEmbedder",
    "find_handler",
    "handler_names",
    "make_embedder",
    "register_handler",
    "registry_dict",
]


def __getattr__(name: str) -> Any:
    """Open a room when somebody asks for what is in it."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_ROOMS[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
