"""Who decides: planner, validator, documenter, executor, the graph, and the workspace over them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .chat_model import ModelEndpoint
    from .documenter import ForwardDocumentationCapability
    from .fake_server import FakeServer
    from .graph import build_graph, make_assistant, make_graph
    from .issues import Issue, Validation
    from .langchain_tools import journey_tools
    from .milepost import Milepost
    from .planner import PlanningIntegrationCapability
    from .validator import validate_plan
    from .workspace import AsyncMilepost

_ROOMS = {
    "FakeServer": "fake_server",
    "ForwardDocumentationCapability": "documenter",
    **dict.fromkeys(("build_graph", "make_assistant", "make_graph"), "graph"),
    **dict.fromkeys(("Issue", "Validation"), "issues"),
    "journey_tools": "langchain_tools",
    "Milepost": "milepost",
    "ModelEndpoint": "chat_model",
    "PlanningIntegrationCapability": "planner",
    "validate_plan": "validator",
    "AsyncMilepost": "workspace",
}

__all__ = [
    "AsyncMilepost",
    "FakeServer",
    "ForwardDocumentationCapability",
    "Issue",
    "Milepost",
    "ModelEndpoint",
    "PlanningIntegrationCapability",
    "Validation",
    "build_graph",
    "journey_tools",
    "make_assistant",
    "make_graph",
    "validate_plan",
]


def __getattr__(name: str) -> Any:
    """Open a room when somebody asks for what is in it."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_ROOMS[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
