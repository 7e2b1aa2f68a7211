"""Judge a plan against a registry: pure, with the registry as data, and every fault at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from ..store.plan import Plan
from ..store.policy import Policy
from .issues import Findings, Issue, Validation, as_list, as_mapping
from .validator_args import check_args
from .validator_graph import check_graph
from .validator_rules import check_rules
from .validator_shape import Step, read_steps
from .validator_world import check_world

__all__ = ["MAX_STEPS", "Issue", "Validation", "validate_plan"]

MAX_STEPS = 200
"""Steps of one plan, at most."""


def validate_plan(
    plan: Plan | Mapping[str, Any],
    registry: Mapping[str, Any],
    policy: Policy | None = None,
    facts: Mapping[str, Any] | None = None,
) -> Validation:
    """Every fault of a plan, as issues with code, step, message and hint; valid where none is an error.

    `registry` maps an action to `{"params": {name: {"type", "required", "enum"}}, "returns": [field]}`, with
    the further keys of `tools.registry.ActionSpec`. `facts` may say what is there: lists "files", "sources",
    "checkpoints", "handlers", "kbs"; "kb_sources" (how many), "kb_embedder", "embedder", "tenant", "disk_free"
    (bytes), "roots" (where files may be read), "held" (sources whose bytes are kept), "moved" (sentences).

    The codes are in docs/reference/validator-codes.md. A plan may be anything at all: nothing is raised for it. Takes
    time in proportion to its size.
    """
    found = Findings()
    said: Any = dict(plan) if isinstance(plan, BaseModel) else plan
    steps = read_steps(said, found)
    if len(steps) > MAX_STEPS:
        found.error(
            "too_many_steps",
            None,
            f"the plan has {len(steps)} steps; {MAX_STEPS} are allowed",
            "plan fewer files at a time, or one step for many",
        )
    by_id: dict[str, Step] = {}
    for step in steps:
        by_id.setdefault(step.id, step)
    check_graph(steps, by_id, found)
    check_args(steps, by_id, registry, found)
    files = _files(said)
    check_rules(steps, by_id, registry, found, policy=policy, facts=facts or {}, files=files)
    check_world(as_mapping(said) or {}, steps, registry, found, policy=policy, facts=facts or {}, files=files)
    return found.validation()


def _files(plan: object) -> list[Mapping[str, Any]]:
    listed = as_list((as_mapping(plan) or {}).get("files")) or ()
    files = [vars(file) if isinstance(file, BaseModel) else as_mapping(file) for file in listed]
    return [file for file in files if file is not None]
