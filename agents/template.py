"""The steps of a plan that no model wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..store.plan import Effect, PlannedFile, PlanStep
from ..store.policy import Policy
from ..tools.registry import REGISTRY
from .wishes import Wishes

INGEST = ("upload", "parse", "embed", "expose")
Args = Mapping[str, Mapping[str, Any]]


def steps_of(wishes: Wishes, files: Sequence[PlannedFile], policy: Policy) -> tuple[PlanStep, ...]:
    """The steps for what is wished; none while something has to be answered first, or where nothing may be done."""
    if wishes.dry_run or wishes.report is not None:
        about = wishes.report or "what this would do"
        return (made_step("report", {"about": about}, (), policy, loses=False),)
    kb = wishes.kb or ""
    if wishes.questions or wishes.act in ("stop", "decline", "wipe"):
        return ()
    if wishes.act == "ingest":
        return ingest_steps(
            kb, files, policy, expose=wishes.expose and "hold_for" not in wishes.asked, args=wishes.args
        )
    if wishes.act == "rollback":
        return rollback_steps([place.checkpoint_id for place in wishes.places], policy)
    args = {"sources": [file.source for file in files], "kb": kb, **wishes.args.get(wishes.act, {})}
    return (made_step(wishes.act, args, (), policy, loses=wishes.act == "remove"),)


def ingest_steps(
    kb: str, files: Sequence[PlannedFile], policy: Policy, *, expose: bool = True, args: Args | None = None
) -> tuple[PlanStep, ...]:
    """upload > parse > embed > expose, for all the plan's files at once; without the last, they stay staged."""
    taken = [file.source for file in files if file.action in ("add", "replace")]
    links: dict[str, dict[str, Any]] = {
        "upload": {"files": taken, "kb": kb},
        "parse": {"files": result_of("upload", "files")},
        "embed": {"chunks": result_of("parse", "chunks")},
        "expose": {"chunks": result_of("embed", "chunks"), "kb": kb},
    }
    chosen = args or {}
    actions = INGEST if expose else INGEST[:-1]
    gone = any(file.action in ("replace", "remove") for file in files)
    return tuple(
        made_step(
            action, {**links[action], **chosen.get(action, {})}, INGEST[at - 1 : at] if at else (), policy,
            loses=gone and action == "expose",
        )
        for at, action in enumerate(actions)
    )  # fmt: skip


def removal_steps(kb: str, sources: Sequence[str], policy: Policy) -> tuple[PlanStep, ...]:
    """The one step that takes sources out of a kb."""
    return (made_step("remove", {"sources": list(sources), "kb": kb}, (), policy, loses=True),)


def rollback_steps(checkpoints: Sequence[str], policy: Policy) -> tuple[PlanStep, ...]:
    """A step for each checkpoint to go back to, one after the other."""
    names = ["rollback" if at == 1 else f"rollback_{at}" for at in range(1, len(checkpoints) + 1)]
    return tuple(
        made_step(
            "rollback", {"checkpoint": one}, tuple(names[at - 1 : at]) if at else (), policy, loses=False, id=name
        )
        for at, (name, one) in enumerate(zip(names, checkpoints, strict=True))
    )


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
