"""Reading the past of a kb: its log, what two revisions differ in, and who touched which source when."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from .errors import NotFound, PolicyError
from .kb import Kb
from .record import Record
from .records import KbDiff, KbInfo, RevisionInfo
from .revisions import chunk_count, delta, state_at


@dataclass(frozen=True)
class Touch:
    """One revision in which a journey changed a source."""

    source_id: int
    source: str
    revision: int
    journey_id: str


class History:
    """Questions about revisions; nothing here changes anything."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def info(self, kb: Kb) -> KbInfo:
        """A kb's newest revision, with the sources that show chunks."""
        with self._record.read() as reading:
            states = state_at(reading, kb.kb_id, kb.head)
            chunks = chunk_count(reading, kb.kb_id, kb.head)
        shown = sum(not state.claim for state in states.values())
        return KbInfo(name=kb.name, revision=kb.head, sources=shown, chunks=chunks)

    def log(self, kb: Kb) -> list[RevisionInfo]:
        """A kb's revisions, newest first. Restorable ones are those that a rollback can still go back across."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT revision, journey_id, timestamp, user, added, removed, restorable FROM revisions"
                " WHERE kb_id = ? ORDER BY revision DESC",
                (kb.kb_id,),
            ).fetchall()
        return [
            RevisionInfo.model_validate(
                {**dict(row), "restorable": bool(row["restorable"]) and row["revision"] > kb.floor}
            )
            for row in rows
        ]

    def diff(self, kb: Kb, a: int, b: int) -> KbDiff:
        """What changed from revision `a` to `b`, in either direction."""
        self.require(kb, a)
        self.require(kb, b)
        with self._record.read() as reading:
            change = delta(reading, kb.kb_id, a, b)
            old, new = state_at(reading, kb.kb_id, a), state_at(reading, kb.kb_id, b)
            names = source_names(reading, kb.kb_id, [*old, *new])
        return KbDiff(
            sources_added=sorted(names[s] for s in new.keys() - old.keys()),
            sources_removed=sorted(names[s] for s in old.keys() - new.keys()),
            sources_changed=sorted(names[s] for s in old.keys() & new.keys() if old[s] != new[s]),
            chunks_added=len(change.added),
            chunks_removed=len(change.removed),
        )

    def require(self, kb: Kb, revision: int) -> None:
        """Refuse a revision that never was, or of which something was given up."""
        if not 0 <= revision <= kb.head:
            raise NotFound(
                f"kb {kb.name!r} has no revision {revision}",
                cause=f"its revisions are 0 to {kb.head}",
                state="nothing was changed",
                next=f"milepost kb log --kb {shlex.quote(kb.name)}",
            )
        self.require_above_floor(kb, revision)
        released = self._released(kb, revision)
        if released:
            why = f"gc gave up what revision {released} replaced, which no promised undo needed any more"
            raise _not_restorable(kb, revision, why)

    def require_above_floor(self, kb: Kb, revision: int) -> None:
        """Refuse a revision from before a publish with rollback off: there, everything was released at once."""
        if revision < kb.floor:
            why = f"revision {kb.floor} was published with rollback off, which released what it replaced"
            raise _not_restorable(kb, revision, why)

    def _released(self, kb: Kb, revision: int) -> int | None:
        """The revision whose replaced content was given up, where this one showed some of it."""
        with self._record.read() as reading:
            row = reading.execute(
                "SELECT min(q.revision) FROM source_spans s JOIN revisions q"
                " ON q.kb_id = s.kb_id AND q.revision = s.gone"
                " WHERE s.kb_id = ?1 AND s.appeared <= ?2 AND s.gone > ?2 AND NOT q.restorable",
                (kb.kb_id, revision),
            ).fetchone()
        found: int | None = row[0]
        return found

    def touches(self, kb_id: int, *, after: int, source_ids: Sequence[int] | None = None) -> list[Touch]:
        """Who changed which source in the revisions after one, in order."""
        sql = (
            "SELECT t.source_id, s.name, t.revision, r.journey_id FROM ("
            " SELECT source_id, appeared AS revision FROM source_spans WHERE kb_id = ?1 AND appeared > ?2 UNION"
            " SELECT source_id, gone FROM source_spans WHERE kb_id = ?1 AND gone > ?2) t"
            " JOIN sources s USING (source_id) JOIN revisions r ON r.kb_id = ?1 AND r.revision = t.revision"
            " ORDER BY t.revision, s.name"
        )
        with self._record.read() as reading:
            rows = reading.execute(sql, (kb_id, after)).fetchall()
        wanted = None if source_ids is None else set(source_ids)
        return [Touch(*row) for row in rows if wanted is None or row[0] in wanted]


def _not_restorable(kb: Kb, revision: int, why: str) -> PolicyError:
    return PolicyError(
        f"revision {revision} of kb {kb.name!r} is not restorable",
        cause=why,
        state="nothing was changed",
        next=f"milepost kb log --kb {shlex.quote(kb.name)}",
    )


def source_names(reading: sqlite3.Connection, kb_id: int, source_ids: Sequence[int]) -> dict[int, str]:
    """The names of these sources."""
    rows = reading.execute("SELECT source_id, name FROM sources WHERE kb_id = ?", (kb_id,))
    wanted = set(source_ids)
    return {row[0]: row[1] for row in rows if row[0] in wanted}
