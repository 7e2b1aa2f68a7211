"""The world as facts for the validator: read once, cheaply, before a plan is judged."""

from __future__ import annotations

import glob
import itertools
import os
import shutil
from pathlib import Path
from typing import Any

from ..store.plan import Plan
from ..tools.services import Services
from .drafting import PlanRequest
from .kb_state import kb_state
from .outcomes import habits
from .stale import moved_files


def world_facts(
    services: Services, plan: Plan, request: PlanRequest | None = None, *, look: bool = False
) -> dict[str, Any]:
    """What `validate_plan` may ask about a plan in this home; `look` also hashes every file again.

    `request` is there for a plan that is not saved yet: it knows which inputs came as bytes. What costs with the size
    of a kb is read only where a step speaks of it.
    """
    home, tenant = services.home, services.user.tenant
    kb = home.knowledge.find(tenant, plan.kb) if plan.kb else None
    facts: dict[str, Any] = {
        "kbs": [one.name for one in home.knowledge.all(tenant)],
        "kb_embedder": kb.embedder if kb else None,
        "tenant": tenant,
        "disk_free": shutil.disk_usage(home.path).free,
        "roots": [root_of(path) for path in plan.paths],
        "held": _held(services, plan, request),
        "moved": list(moved_files(services, plan)) if look else [],
    }  # fmt: skip
    if plan.policy.get("learn_from_results"):
        facts["habits"] = habits(services)
    if plan.kb:
        facts["embedder"] = home.embedder().name
    if any("sources" in step.args for step in plan.steps) or plan.summary.remove:
        state = kb_state(home.record, kb)
        facts |= {"sources": [*state.sources, *(file.source for file in plan.files)], "kb_sources": len(state.sources)}
    if any(step.action == "rollback" for step in plan.steps):
        facts["checkpoints"] = [one.checkpoint_id for one in home.checkpoints.find(tenant)]
    return facts


def input_blobs(plan: Plan, request: PlanRequest) -> list[tuple[str, str]]:
    """Source and SHA-256 of the inputs that came as bytes: they lie in the blobs and in no file."""
    given = {path[0] for path in request.paths if isinstance(path, tuple)} | {one.path for one in request.kept}
    return [(file.source, file.sha256) for file in plan.files if (file.path in given or file.archive) and file.sha256]


def root_of(path: str) -> str:
    """Where a path given leads: itself, and of a pattern the part that has no wildcards."""
    if not glob.has_magic(path) or os.path.lexists(path):
        return path
    fixed = list(itertools.takewhile(lambda part: not glob.has_magic(part), Path(path).parts))
    return str(Path(*fixed)) if fixed else "."


def _held(services: Services, plan: Plan, request: PlanRequest | None) -> list[str]:
    """Sources whose bytes lie in the blobs, and those that are announced: read from no path."""
    held = set(services.home.plans.inputs(plan.plan_id))
    held |= {source for source, _ in input_blobs(plan, request)} if request else set()
    announced = {file.source for file in plan.files if not file.sha256 and _is_name(file.path, file.source)}
    return sorted(held | announced)


def _is_name(path: str, source: str) -> bool:
    return path == source and not path.startswith("/") and ".." not in Path(path).parts
