"""What registry, policy and facts say beyond form: order, repetition, what is there and allowed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ..store.policy import Policy
from .issues import Findings, as_list, as_mapping, shown
from .validator_graph import edges, ordered
from .validator_shape import Step


def check_rules(
    steps: Sequence[Step],
    by_id: Mapping[str, Step],
    registry: Mapping[str, Any],
    found: Findings,
    *,
    policy: Policy | None,
    facts: Mapping[str, Any],
    files: Sequence[Mapping[str, Any]],
) -> None:
    """Issues of the registry's further keys, the policy and the facts; what is not declared is not asked."""
    specs = [(step, as_mapping(registry.get(step.action))) for step in steps]
    known = [(step, spec) for step, spec in specs if spec is not None]
    _check_order(steps, by_id, known, found)
    _check_repeats(known, found)
    for step, spec in known:
        _check_facts(step, spec, facts, found)
        _check_effect(step, spec, found)
        if policy is not None:
            _check_needs(step, spec, policy, found)
    _check_handlers(steps, registry, facts, found)
    if policy is not None:
        _check_budget(files, policy, found)


_MOST_HOLDERS = 16
"""Steps of one action that `after` looks for; more of them are a fault already, or of no use."""


def _check_order(
    steps: Sequence[Step],
    by_id: Mapping[str, Step],
    known: Sequence[tuple[Step, Mapping[str, Any]]],
    found: Findings,
) -> None:
    """Each action that `after` names, and that the plan has, must come before by the steps' dependencies."""
    holders: dict[str, list[str]] = {action: [] for _, spec in known for action in spec.get("after") or ()}
    for step in steps:
        if step.action in holders and len(holders[step.action]) < _MOST_HOLDERS:
            holders[step.action].append(step.id)
    before = _ancestors(edges(steps, by_id), {name for ids in holders.values() for name in ids})
    for step, spec in known:
        for action in spec.get("after") or ():
            for other in holders[action]:
                if step.id in before and other != step.id and other not in before[step.id]:
                    found.error(
                        "wrong_order",
                        step.id,
                        f"{shown(step.action)} comes after {shown(action)}, but {shown(step.id)} does not "
                        f"depend on {shown(other)}, at once or through others",
                        f"let {shown(step.id)} depend on {shown(other)}",
                    )


def _ancestors(graph: Mapping[str, Sequence[str]], tracked: Collection[str]) -> dict[str, set[str]]:
    """For each step that is in no ring those of the tracked steps that come before it."""
    before: dict[str, set[str]] = {}
    for name in ordered(graph):
        needed = graph[name]
        before[name] = {other for other in needed if other in tracked}.union(*(before[one] for one in needed))
    return before


def _check_repeats(known: Sequence[tuple[Step, Mapping[str, Any]]], found: Findings) -> None:
    first: dict[str, str] = {}
    for step, spec in known:
        if not spec.get("once"):
            continue
        if step.action in first:
            found.error(
                "repeated_action",
                step.id,
                f"{shown(step.action)} is there already, as {shown(first[step.action])}",
                "one step does it for all files",
            )
        first.setdefault(step.action, step.id)


_UNKNOWN = {"files": "unknown_file", "sources": "unknown_source", "checkpoints": "unknown_checkpoint"}


def _check_facts(step: Step, spec: Mapping[str, Any], facts: Mapping[str, Any], found: Findings) -> None:
    params: Mapping[str, Any] = spec.get("params") or {}
    for name, param in params.items():
        group = param.get("among")
        if group not in _UNKNOWN or facts.get(group) is None or name not in step.args:
            continue
        offered: Collection[str] = facts[group]
        for value in as_list(step.args[name]) or [step.args[name]]:
            if isinstance(value, str) and value not in offered:
                found.error(
                    _UNKNOWN[group],
                    step.id,
                    f"there is no {group[:-1]} {shown(value)}",
                    found.nearest(value, offered),
                )


def _check_effect(step: Step, spec: Mapping[str, Any], found: Findings) -> None:
    if spec.get("effect") == "irreversible":
        found.warn(
            "irreversible_step",
            step.id,
            f"what {shown(step.action)} does cannot be undone",
            "a rollback past it stops and lists it",
        )


def _check_needs(step: Step, spec: Mapping[str, Any], policy: Policy, found: Findings) -> None:
    key = spec.get("needs")
    if not isinstance(key, str):
        return
    allowed = policy.restorable if key == "enable_rollback" else getattr(policy, key, True)
    if not allowed:
        found.error(
            "policy_forbids",
            step.id,
            f"the policy forbids {shown(step.action)}: {key} is off",
            f"a person may set {key} = true",
        )


def _check_handlers(
    steps: Sequence[Step], registry: Mapping[str, Any], facts: Mapping[str, Any], found: Findings
) -> None:
    specs = [as_mapping(spec) or {} for spec in registry.values()]
    declared = {str(spec["rollback_handler"]) for spec in specs if spec.get("rollback_handler")}
    known = declared | set(facts.get("handlers") or ())
    for step in steps:
        if step.rollback_handler is not None and step.rollback_handler not in known:
            found.error(
                "handler_unknown",
                step.id,
                f"no rollback handler {shown(step.rollback_handler)} is registered",
                found.nearest(step.rollback_handler, known),
            )


def _check_budget(files: Sequence[Mapping[str, Any]], policy: Policy, found: Findings) -> None:
    taken = [file for file in files if file.get("action") in ("add", "replace")]
    counts = {
        "max_files": len(taken),
        "max_bytes": sum(_count(file, "bytes") for file in taken),
        "max_chunks": sum(_count(file, "chunks") for file in taken),
    }
    for key, count in counts.items():
        limit: int | None = getattr(policy.budget, key)
        if limit is not None and count > limit:
            what = key.removeprefix("max_")
            found.error(
                "over_budget",
                None,
                f"the plan has {count} {what}; budget.{key} allows {limit}",
                "plan fewer files at a time, or raise the budget",
            )


def _count(file: Mapping[str, Any], key: str) -> int:
    value = file.get(key)
    return value if isinstance(value, int) else 0
