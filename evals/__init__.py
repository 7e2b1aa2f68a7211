"""Cases that planners and validators are measured with."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .cases import ConformanceCase, conformance_case, load_cases

_ROOMS = {
    **dict.fromkeys(("ConformanceCase", "conformance_case", "load_cases"), "cases"),
}

__all__ = [
    "ConformanceCase",
    "conformance_case",
    "load_cases",
]


def __getattr__(name: str) -> Any:
    """Open a room when somebody asks for what is in it."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_ROOMS[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
