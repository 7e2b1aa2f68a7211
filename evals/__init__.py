"""Cases that planners are measured with, runs over them with their logs, and what judges the answers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .answers import Answer, answer_of
    from .cases import ConformanceCase, conformance_case, load_cases
    from .log_reading import read_log
    from .logs import Log, Trial
    from .rescoring import eval_score
    from .runs import eval_run
    from .scorers import Check, Score, score
    from .worlds import CaseWorld, world_of

_ROOMS = {
    **dict.fromkeys(("Answer", "answer_of"), "answers"),
    **dict.fromkeys(("ConformanceCase", "conformance_case", "load_cases"), "cases"),
    **dict.fromkeys(("Log", "Trial"), "logs"),
    "read_log": "log_reading",
    "eval_score": "rescoring",
    "eval_run": "runs",
    **dict.fromkeys(("Check", "Score", "score"), "scorers"),
    **dict.fromkeys(("CaseWorld", "world_of"), "worlds"),
}

__all__ = [
    "Answer",
    "CaseWorld",
    "Check",
    "ConformanceCase",
    "Log",
    "Score",
    "Trial",
    "answer_of",
    "conformance_case",
    "eval_run",
    "eval_score",
    "load_cases",
    "read_log",
    "score",
    "world_of",
]


def __getattr__(name: str) -> Any:
    """Open a room when somebody asks for what is in it."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_ROOMS[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
