"""The steps of a plan that no model wrote."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..store.plan import Effect, PlannedFile, PlanStep
from ..store.policy import Policy
from ..tools.registry import REGISTRY

INGEST = ("upload", "parse", "embed", "expose")


def ingest_steps(kb: str, files: Sequence[PlannedFile], policy: Policy, *, expose: bool = True) -> tuple[PlanStep, ...]:
    """upload > parse > embed > expose, for all the plan's files at once; without the last, they stay staged."""
    taken = [file.source for file in files if file.action in ("add", "replace")]
    args: dict[str, dict[str, Any]] = {
        "upload": {"files": taken, "kb": kb},
        "parse": {"files": result_of("upload", "files")},
        "embed": {"chunks": result_of("parse", "chunks")},
        "expose": {"chunks": result_of("embed", "chunks"), "kb": kb},
    }
    actions = INGEST if expose else INGEST[:-1]
    gone = any(file.action in ("replace", "remove") for file in files)
    return tuple(
        made_step(action, args[action], INGEST[at - 1 : at] if at else (), policy, loses=gone and action == "expose")
        for at, action in enumerate(actions)
    )


def removal_steps(kb: str, sources: Sequence[str], policy: Policy) -> tuple[PlanStep, ...]:
    """The one step that takes sources out of a kb."""
    return (made_step("remove", {"sources": list(sources), "kb": kb}, (), policy, loses=True),)


def result_of(step: str, field: str) -> dict[str, Any]:
    """An argument that is an earlier step's result."""
    return {"$ref": step, "field": field}


def made_step(
    action: str,
    args: dict[str, Any],
    depends_on: tuple[str, ...],
    policy: Policy,
    *,
    loses: bool,
    id: str | None = None,
) -> PlanStep:
    """A step with what its action and the policy say of it; `loses` where something that is there goes away."""
    spec = REGISTRY[action]
    effect: Effect = "irreversible" if loses and not policy.restorable else spec.get("effect", "reversible")
    return PlanStep(
        id=id or action, action=action, args=args, depends_on=depends_on, milestone=spec.get("milestone"),
        rollback_handler=spec.get("rollback_handler") if policy.restorable else None, effect=effect,
    )  # fmt: skip
