"""Milepost: planned, checkpointed and exactly undoable changes to knowledge bases."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agents.documenter import ForwardDocumentationCapability
    from .agents.langchain_tools import journey_tools
    from .agents.planner import PlanningIntegrationCapability
    from .agents.validator import Validation
    from .store.errors import (
        ApprovalRequired,
        CheckpointCollected,
        CheckpointNotFound,
        DiskFailed,
        EmbeddingFailed,
        JourneyFailed,
        MilepostError,
        NeedsAttention,
        NoSpace,
        NotFound,
        PlanRejected,
        PolicyError,
        RollbackConflict,
        StalePlan,
        Stopped,
        StoreBusy,
        StoreDamaged,
        StoreTooNew,
        StoreUnwritable,
        UsageError,
    )
    from .store.plan import Plan
    from .store.policy import Policy
    from .store.records import Checkpoint, Journey, RollbackResult, SearchHit, UserContext
    from .tools.journey_types import embed, expose, journey_type, parse, upload
    from .tools.rollback import LightweightRollbackCapability
    from .tools.user_steps import Receipt, StepContext, Undo, step
    from .workspaces import AsyncMilepost, Milepost

__version__ = "0.1.0"

_ERRORS = (
    "ApprovalRequired",
    "CheckpointCollected",
    "CheckpointNotFound",
    "DiskFailed",
    "EmbeddingFailed",
    "JourneyFailed",
    "MilepostError",
    "NeedsAttention",
    "NoSpace",
    "NotFound",
    "PlanRejected",
    "PolicyError",
    "RollbackConflict",
    "StalePlan",
    "StoreBusy",
    "StoreDamaged",
    "StoreTooNew",
    "Stopped",
    "StoreUnwritable",
    "UsageError",
)
_ROOMS = {
    **dict.fromkeys(("AsyncMilepost", "Milepost"), "workspaces"),
    "ForwardDocumentationCapability": "agents.documenter",
    "LightweightRollbackCapability": "tools.rollback",
    "PlanningIntegrationCapability": "agents.planner",
    "Validation": "agents.validator",
    "journey_tools": "agents.langchain_tools",
    "Plan": "store.plan",
    "Policy": "store.policy",
    **dict.fromkeys(("Checkpoint", "Journey", "RollbackResult", "SearchHit", "UserContext"), "store.records"),
    **dict.fromkeys(_ERRORS, "store.errors"),
    **dict.fromkeys(("embed", "expose", "journey_type", "parse", "upload"), "tools.journey_types"),
    **dict.fromkeys(("Receipt", "StepContext", "Undo", "step"), "tools.user_steps"),
}

__all__ = [
    "ApprovalRequired",
    "AsyncMilepost",
    "Checkpoint",
    "CheckpointCollected",
    "CheckpointNotFound",
    "DiskFailed",
    "EmbeddingFailed",
    "ForwardDocumentationCapability",
    "Journey",
    "JourneyFailed",
    "LightweightRollbackCapability",
    "Milepost",
    "MilepostError",
    "NeedsAttention",
    "NoSpace",
    "NotFound",
    "Plan",
    "PlanRejected",
    "PlanningIntegrationCapability",
    "Policy",
    "PolicyError",
    "Receipt",
    "RollbackConflict",
    "RollbackResult",
    "SearchHit",
    "StalePlan",
    "StepContext",
    "Stopped",
    "StoreBusy",
    "StoreDamaged",
    "StoreTooNew",
    "StoreUnwritable",
    "Undo",
    "UsageError",
    "UserContext",
    "Validation",
    "embed",
    "expose",
    "journey_tools",
    "journey_type",
    "parse",
    "step",
    "upload",
]


def __getattr__(name: str) -> Any:
    """Open a room when somebody asks for what is in it: importing the package pulls in neither Chroma nor LangGraph."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'milepost' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_ROOMS[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
