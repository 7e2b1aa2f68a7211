"""What `doctor` looks at: each finding with what to do about it."""

from __future__ import annotations

import shlex
import shutil
from typing import Any

from ..store.policy import Policy
from ..tools.services import Services

LITTLE_SPACE = 200_000_000
"""Bytes of free disk below which a journey may not find room."""


def checks(services: Services | None, policy: Policy | None) -> list[dict[str, Any]]:
    """Findings as `{name, ok, detail, next}`; `next` is empty where all is well."""
    if services is None or policy is None:
        return [_finding("home", True, "there is none yet; the first ingest makes one")]
    home = services.home
    found = [_finding("home", True, str(home.path.absolute())), _record(services), _space(services), _lease(services)]
    try:
        found.append(_finding("embedder", True, f"{home.embedder().name}, {home.embedder().dimensions} dimensions"))
    except Exception as broken:  # whatever an embedder of somebody's own raises is the finding
        found.append(_finding("embedder", False, str(broken)[:200], "set MILEPOST_EMBEDDER, or install what it needs"))
    undo = "journeys can be undone" if policy.restorable else "journeys cannot be undone"
    found.append(_finding("rollback", True, f"{undo} (enable_rollback = {str(policy.enable_rollback).lower()})"))
    found += [_finding("repaired", True, finding) for finding in home.findings]
    return found + _kbs(services)


def _record(services: Services) -> dict[str, Any]:
    with services.home.record.read() as reading:
        said = str(reading.execute("PRAGMA quick_check(1)").fetchone()[0])
    return _finding("record", said == "ok", f"milepost.db: {said}", "restore milepost.db from a backup")


def _space(services: Services) -> dict[str, Any]:
    free = shutil.disk_usage(services.home.path).free
    detail = f"{free / 1e9:.1f} GB free"
    return _finding("disk", free > LITTLE_SPACE, detail, "free some space, or move the home with --home")


def _lease(services: Services) -> dict[str, Any]:
    if services.home.lease.free():
        return _finding("store", True, "free")
    holder = services.home.lease.holder()
    stopped = " (stopped)" if holder["stopped"] else ""
    detail = f"held by process {holder['pid']}{stopped}, journey {holder['journey_id']}"
    return _finding("store", not holder["stopped"], detail, f"kill -CONT {holder['pid']}")


def _kbs(services: Services) -> list[dict[str, Any]]:
    """Each kb's collection against the record, where nobody publishes just now."""
    home = services.home
    found = []
    if not home.lease.free():
        return []
    kbs = home.knowledge.all(services.user.tenant)
    with home.hold(wait=services.wait):
        damages = home.librarian.damages()
        detail = (
            f"{len(damages)} documents are not what was written" if damages else "every document is what was written"
        )
        mending = f"milepost kb rebuild --kb {shlex.quote(kbs[0].name)}" if kbs else ""
        found.append(_finding("librarian", not damages, detail, mending))
        for kb in kbs:
            trouble = home.follower.examine(kb.kb_id)
            next_ = f"milepost kb rebuild --kb {shlex.quote(kb.name)}"
            found.append(_finding(f"kb {kb.name}", trouble is None, trouble or f"revision {kb.head}, whole", next_))
    return found


def _finding(name: str, ok: bool, detail: str, next_: str = "") -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail, "next": "" if ok else next_}
