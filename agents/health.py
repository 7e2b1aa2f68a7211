"""What `doctor` looks at: each finding with what to do about it."""

from __future__ import annotations

import shlex
import shutil
import sqlite3
from pathlib import Path
from typing import Any

from ..store.errors import MilepostError
from ..store.policy import Policy
from ..store.records import JourneyStatus
from ..store.trouble import as_trouble
from ..tools.services import Services

_UNDOABLE = "journeys can be undone"
_NOT_UNDOABLE = 'journeys cannot be undone: policy = "rollback" in milepost.toml turns that on'
LITTLE_SPACE = 200_000_000
"""Bytes of free disk below which a journey may not find room."""


def checks(services: Services | None, policy: Policy | None) -> list[dict[str, Any]]:
    """Findings as `{name, ok, detail, next}`; `next`, one command, is empty where all is well."""
    if services is None or policy is None:
        return [_finding("home", True, "there is none yet; the first ingest makes one")]
    home = services.home
    found = [_finding("home", True, str(home.path.absolute())), _record(services), _space(services), _lease(services)]
    try:
        found.append(_finding("embedder", True, f"{home.embedder().name}, {home.embedder().dimensions} dimensions"))
    except Exception as broken:  # whatever an embedder of somebody's own raises is the finding
        found.append(_finding("embedder", False, _said(broken), "milepost doctor --set embedder=wordllama"))
    found += _types(services)
    found.append(_finding("rollback", True, _UNDOABLE if policy.restorable else _NOT_UNDOABLE))
    found += [_finding("repaired", True, finding) for finding in home.findings]
    found += _parked(services)
    try:
        return found + _kbs(services)
    except Exception as broken:
        trouble = as_trouble(broken, home.path) or broken
        next_ = trouble.next if isinstance(trouble, MilepostError) else ""
        return [*found, _finding("kbs", False, _said(trouble), _not_itself(next_, home.path))]


def _types(services: Services) -> list[dict[str, Any]]:
    """The journey types of users' own that there are, or what is wrong with one; nothing where nobody has any."""
    try:
        own = services.types.named()
        for name in own:
            services.types.find(name)
    except MilepostError as broken:
        return [_finding("journey types", False, _said(broken), "milepost policy show")]
    return [_finding("journey types", True, ", ".join(own))] if own else []


def unopened(home: Path, trouble: MilepostError) -> dict[str, Any]:
    """The finding of a home that does not open, with what to do: nothing in it is touched."""
    return _finding("home", False, _said(trouble), _not_itself(trouble.next, home))


def _said(trouble: BaseException) -> str:
    cause = trouble.cause if isinstance(trouble, MilepostError) else ""
    return (f"{trouble}: {cause}" if cause else str(trouble) or type(trouble).__name__)[:200]


def _not_itself(next_: str, home: Path) -> str:
    """What an error advises, unless that is `doctor`: then to set the home aside, whole, for a backup or a new one."""
    return next_ if next_ and next_ != "milepost doctor" else _aside(home)


def _aside(home: Path) -> str:
    return f"mv {shlex.quote(str(home))} {shlex.quote(f'{home}.damaged')}"


def _parked(services: Services) -> list[dict[str, Any]]:
    """Journeys that killed their processes again and again."""
    ledger, statuses = services.home.ledger, (JourneyStatus.NEEDS_ATTENTION,)
    return [
        _finding(f"journey {one.journey_id}", False, one.detail or "", f"milepost resume {one.journey_id}")
        for one in ledger.journeys(services.user.tenant, statuses=statuses)
    ]


def _record(services: Services) -> dict[str, Any]:
    try:
        with services.home.record.read() as reading:
            said = str(reading.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as broken:
        said = str(broken)
    detail = "ok" if said == "ok" else f"{said[:120]}; restore it from a backup, or set the home aside and begin anew"
    return _finding("record", said == "ok", f"milepost.db: {detail}", _aside(services.home.path))


def _space(services: Services) -> dict[str, Any]:
    free = shutil.disk_usage(services.home.path).free
    detail = f"{free / 1e9:.1f} GB free"
    return _finding("disk", free > LITTLE_SPACE, detail, f"df -h {shlex.quote(str(services.home.path))}")


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
    with home.hold(wait=services.wait, mend=False):
        damages = home.librarian.damages()
        detail = (
            f"{len(damages)} documents are not what was written" if damages else "every document is what was written"
        )
        mending = f"milepost kb rebuild --kb {shlex.quote(kbs[0].name)}" if kbs else _aside(home.path)
        found.append(_finding("librarian", not damages, detail, mending))
        for kb in kbs:
            trouble = home.follower.examine(kb.kb_id)
            next_ = f"milepost kb rebuild --kb {shlex.quote(kb.name)}"
            found.append(_finding(f"kb {kb.name}", trouble is None, trouble or f"revision {kb.head}, whole", next_))
    return found


def _finding(name: str, ok: bool, detail: str, next_: str = "") -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail, "next": "" if ok else next_}
