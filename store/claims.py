"""Claims: content that several sources hold is shown by one of them, for as long as anybody holds it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .content import IN_LIST, batched, marks
from .revisions import Change, SourceState, state_at


@dataclass(frozen=True)
class Held:
    """A version of a source whose content has to be shown."""

    source: str
    source_id: int
    version_id: int
    parsed_id: int
    sha256: str
    bytes: int


def claims_to_show(reading: sqlite3.Connection, kb_id: int, changes: Sequence[Change]) -> list[Held]:
    """The claims, old and new, that have to show their content because nothing else will after these changes."""
    head = int(reading.execute("SELECT head FROM kbs WHERE kb_id = ?", (kb_id,)).fetchone()[0])
    changed = {change.source_id: change.to for change in changes}
    before = state_at(reading, kb_id, head, list(changed))
    leaving = {s.version_id for source_id, s in before.items() if not s.claim and s != changed[source_id]}
    claimed = {state.version_id for state in changed.values() if state is not None and state.claim}
    parsed_ids = _parsed_of(reading, leaving | claimed)
    found: list[Held] = []
    for after in _holders(reading, kb_id, head, changed, parsed_ids):
        if all(state.claim for _, state in after):
            found.append(min((held for held, _ in after), key=lambda held: held.source))
    return found


def _holders(
    reading: sqlite3.Connection,
    kb_id: int,
    head: int,
    changed: dict[int, SourceState | None],
    parsed_ids: Sequence[int],
) -> list[list[tuple[Held, SourceState]]]:
    """Of each parse result that anybody holds after the changes: who holds its content, and how."""
    rows: list[sqlite3.Row] = []
    for some in batched(parsed_ids, IN_LIST):
        rows += reading.execute(
            "SELECT s.name, v.source_id, v.version_id, v.parsed_id, v.sha256, v.bytes FROM versions v"
            f" JOIN sources s USING (source_id) WHERE v.kb_id = ? AND v.parsed_id IN ({marks(some)})",
            (kb_id, *some),
        ).fetchall()
    live = state_at(reading, kb_id, head, [row["source_id"] for row in rows])
    found: dict[int, list[tuple[Held, SourceState]]] = {}
    for held in (Held(*row) for row in rows):
        state = changed[held.source_id] if held.source_id in changed else live.get(held.source_id)
        if state is not None and state.version_id == held.version_id:
            found.setdefault(held.parsed_id, []).append((held, state))
    return [found[parsed_id] for parsed_id in sorted(found)]


def _parsed_of(reading: sqlite3.Connection, version_ids: Collection[int]) -> list[int]:
    """What these versions were made of, in order."""
    found: set[int] = set()
    for some in batched(sorted(version_ids), IN_LIST):
        sql = f"SELECT DISTINCT parsed_id FROM versions WHERE version_id IN ({marks(some)})"
        found |= {row[0] for row in reading.execute(sql, some)}
    return sorted(found)
