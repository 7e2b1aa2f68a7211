"""What is remembered: the record, the views that follow it, and the vocabulary of plans, policies and revisions."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .conformance import check_meaning, check_store
    from .errors import (
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
    from .faults import arm, faultpoint, kill_at
    from .home import Home
    from .librarian import Librarian
    from .plan import Base, Declined, Interval, Origin, Plan, PlannedFile, PlanStep, Question, Summary
    from .policy import Policy
    from .policy_sources import ResolvedPolicy, resolve_policy
    from .ports import Clock, Embedder, SystemClock
    from .records import (
        Approval,
        Checkpoint,
        Conflict,
        DigestReport,
        Event,
        FileOutcome,
        HandlerOutcome,
        Journey,
        JourneyStatus,
        KbDiff,
        KbInfo,
        KbStats,
        Location,
        Progress,
        RevisionInfo,
        RollbackResult,
        SearchHit,
        StepRecord,
        StepTry,
        UserContext,
        VerifyReport,
    )

_ROOMS = {
    **dict.fromkeys(("check_meaning", "check_store"), "conformance"),
    **dict.fromkeys(
        (
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
        ),
        "errors",
    ),
    **dict.fromkeys(("arm", "faultpoint", "kill_at"), "faults"),
    "Home": "home",
    "Librarian": "librarian",
    **dict.fromkeys(
        (
            "Base",
            "Declined",
            "Interval",
            "Origin",
            "Plan",
            "PlanStep",
            "PlannedFile",
            "Question",
            "Summary",
        ),
        "plan",
    ),
    "Policy": "policy",
    **dict.fromkeys(("ResolvedPolicy", "resolve_policy"), "policy_sources"),
    **dict.fromkeys(("Clock", "Embedder", "SystemClock"), "ports"),
    **dict.fromkeys(
        (
            "Approval",
            "Checkpoint",
            "Conflict",
            "DigestReport",
            "Event",
            "FileOutcome",
            "HandlerOutcome",
            "Journey",
            "JourneyStatus",
            "KbDiff",
            "KbInfo",
            "KbStats",
            "Location",
            "Progress",
            "RevisionInfo",
            "RollbackResult",
            "SearchHit",
            "StepRecord",
            "StepTry",
            "UserContext",
            "VerifyReport",
        ),
        "records",
    ),
}

__all__ = [
    "Approval",
    "ApprovalRequired",
    "Base",
    "Checkpoint",
    "CheckpointCollected",
    "CheckpointNotFound",
    "Clock",
    "Conflict",
    "Declined",
    "DigestReport",
    "DiskFailed",
    "Embedder",
    "EmbeddingFailed",
    "Event",
    "FileOutcome",
    "HandlerOutcome",
    "Home",
    "Interval",
    "Journey",
    "JourneyFailed",
    "JourneyStatus",
    "KbDiff",
    "KbInfo",
    "KbStats",
    "Librarian",
    "Location",
    "MilepostError",
    "NeedsAttention",
    "NoSpace",
    "NotFound",
    "Origin",
    "Plan",
    "PlanRejected",
    "PlanStep",
    "PlannedFile",
    "Policy",
    "PolicyError",
    "Progress",
    "Question",
    "ResolvedPolicy",
    "RevisionInfo",
    "RollbackConflict",
    "RollbackResult",
    "SearchHit",
    "StalePlan",
    "StepRecord",
    "StepTry",
    "Stopped",
    "StoreBusy",
    "StoreDamaged",
    "StoreTooNew",
    "StoreUnwritable",
    "Summary",
    "SystemClock",
    "UsageError",
    "UserContext",
    "VerifyReport",
    "arm",
    "check_meaning",
    "check_store",
    "faultpoint",
    "kill_at",
    "resolve_policy",
]


def __getattr__(name: str) -> Any:
    """Open a room when somebody asks for what is in it."""
    if name not in _ROOMS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_ROOMS[name]}", __name__), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
