"""Ids may be shortened by people at a command line, to a beginning that only one has."""

from __future__ import annotations

import difflib

from ..store.errors import NotFound, UsageError
from ..store.words import short_id
from ..tools.services import Services
from ..tools.targets import note_refused

_TABLES = {
    "plan": "SELECT plan_id FROM plans WHERE tenant = ?",
    "journey": "SELECT journey_id FROM journeys WHERE tenant = ?",
    "checkpoint": "SELECT checkpoint_id FROM checkpoints WHERE tenant = ?",
    "approval": "SELECT approval_id FROM approvals WHERE tenant = ?",
}
_LISTS = {"checkpoint": "milepost checkpoints", "approval": "milepost approvals"}


def expand(services: Services, prefix: str) -> str:
    """The whole id; `NotFound` suggests a near one, `UsageError` names those between which it is ambiguous."""
    kind = prefix.partition("_")[0]
    tables = [_TABLES[kind]] if kind in _TABLES else list(_TABLES.values())
    with services.home.record.read() as reading:
        ids = [row[0] for sql in tables for row in reading.execute(sql, (services.user.tenant,))]
    found = [id_ for id_ in ids if id_.startswith(prefix)]
    if prefix in found or len(found) == 1:
        return prefix if prefix in found else found[0]
    listed = _LISTS.get(kind, "milepost journeys")
    if found:
        shown = ", ".join(map(short_id, sorted(found)[:4]))
        raise UsageError(
            f"{prefix!r} is the beginning of {len(found)} ids",
            cause=f"among them {shown}",
            state="nothing was changed",
            next=listed,
        )
    if kind == "checkpoint":
        note_refused(services, prefix)
    raise unknown(prefix, ids, listed)


def unknown(prefix: str, ids: list[str], listed: str) -> NotFound:
    """The error for an id that nothing has, with the nearest of `ids`, each taken as long as what was typed."""
    beginnings = {(id_ if len(prefix) > len(short_id(id_)) else short_id(id_)): id_ for id_ in ids}
    # what all ids of a kind begin with makes none of them near another
    beginnings = {one: id_ for one, id_ in beginnings.items() if _like(one, prefix)}
    near = difflib.get_close_matches(prefix, beginnings, n=1, cutoff=0.85)
    return NotFound(
        f"there is nothing with the id {prefix!r}",
        cause=f"did you mean {near[0]}?" if near else "",
        state="nothing was changed",
        next=listed,
        instead=(prefix, near[0]) if near else (),
    )


def _like(a: str, b: str) -> bool:
    return difflib.SequenceMatcher(None, a.rpartition("_")[2], b.rpartition("_")[2]).ratio() >= 0.75
