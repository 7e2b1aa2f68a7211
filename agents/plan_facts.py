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
from .kb_state import kb_state
from .stale import moved_files


def world_facts(services: Services, plan: Plan, *, look: bool = False) -> dict[str, Any]:
    """What `validate_plan` may ask about a plan in this home; `look` also hashes every file again.

    The caller reads this under the store's lease where nothing may move in between.
    """
    home, tenant = services.home, services.user.tenant
    kb = home.knowledge.find(tenant, plan.kb) if plan.kb else None
    state = kb_state(home.record, kb)
    embedder = home.embedder().name
    return {
        "files": [file.source for file in plan.files],
        "sources": [*state.sources, *(file.source for file in plan.files)],
        "checkpoints": [one.checkpoint_id for one in home.checkpoints.find(tenant)],
        "kbs": [one.name for one in home.knowledge.all(tenant)],
        "kb_sources": len(state.sources),
        "kb_embedder": kb.embedder if kb else None,
        "embedder": embedder,
        "tenant": tenant,
        "disk_free": shutil.disk_usage(home.path).free,
        "roots": [root_of(path) for path in plan.paths],
        "held": _held(services, plan),
        "moved": list(moved_files(services, plan)) if look else [],
    }


def root_of(path: str) -> str:
    """Where a path given leads: itself, and of a pattern the part that has no wildcards."""
    if not glob.has_magic(path) or os.path.lexists(path):
        return path
    fixed = list(itertools.takewhile(lambda part: not glob.has_magic(part), Path(path).parts))
    return str(Path(*fixed)) if fixed else "."


def _held(services: Services, plan: Plan) -> list[str]:
    """Sources whose bytes lie in the blobs, and those that are announced: read from no path."""
    held = set(services.home.plans.inputs(plan.plan_id))
    announced = {file.source for file in plan.files if not file.sha256 and _is_name(file.path, file.source)}
    return sorted(held | announced)


def _is_name(path: str, source: str) -> bool:
    return path == source and not path.startswith("/") and ".." not in Path(path).parts
