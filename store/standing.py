"""How journeys stand: their statuses, and what rollbacks make of them and give back."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from .plan import canonical_json
from .ports import Clock
from .record import Record
from .records import JourneyStatus
from .timeline import Timeline

ROLLBACK = "rollback"
"""The type of journey that undoes others."""
ENDED = (
    JourneyStatus.COMPLETED,
    JourneyStatus.PARTIAL,
    JourneyStatus.FAILED,
    JourneyStatus.CANCELLED,
    JourneyStatus.COMPENSATED,
    JourneyStatus.COMPENSATION_FAILED,
    JourneyStatus.ROLLED_BACK,
)
Turn = tuple[str, str | None, str | None]
"""A journey, the milestone where it stands before a rollback, and the one after it; None: all of it stands."""
LIVE = (JourneyStatus.RUNNING, JourneyStatus.COMPENSATING)


@dataclass(frozen=True)
class Marked:
    """A rollback that said of its journeys how they stand; `seq` orders journeys by when they began."""

    journey_id: str
    seq: int
    turns: list[Turn]


class Standing(Timeline):
    """The part of the ledger that moves a journey to a status, and says so in its timeline."""

    _record: Record
    _clock: Clock

    def set_status(
        self, journey_id: str, status: JourneyStatus, *, detail: str | None = None, by: str | None = None
    ) -> None:
        """Move a journey to a status, and say so in its timeline; `by` its own user where nobody else is named."""
        with self._record.write() as writing:
            row = writing.execute("SELECT * FROM journeys WHERE journey_id = ?", (journey_id,)).fetchone()
            ended = self._clock.now() if status in ENDED else None
            writing.execute(
                "UPDATE journeys SET status = ?, detail = ?, ended = ? WHERE journey_id = ?",
                (status, detail, ended, journey_id),
            )
            if row["status"] != status:
                who = by or row["user"]
                self.note(journey_id, row["tenant"], who, str(status), {"detail": detail} if detail else {})

    def roll_back(self, journey_id: str, milestone_id: str, *, detail: str, by: str) -> None:
        """Mark a journey as rolled back to a milestone, keeping what it was in case that is undone."""
        with self._record.write() as writing:
            was = writing.execute("SELECT status FROM journeys WHERE journey_id = ?", (journey_id,)).fetchone()[0]
            if was != JourneyStatus.ROLLED_BACK:
                self.set_extra(journey_id, was=was)
            self.set_extra(journey_id, back_to=milestone_id)
            self.set_status(journey_id, JourneyStatus.ROLLED_BACK, detail=detail, by=by)

    def take_up_again(self, journey_id: str, *, by: str) -> None:
        """A rollback of this journey was itself undone: the journey is what it was."""
        with self._record.write() as writing:
            was = writing.execute(
                "SELECT json_extract(extra, '$.was') FROM journeys WHERE journey_id = ?", (journey_id,)
            ).fetchone()[0]
            if was:
                self.set_extra(journey_id, back_to=None, was=None)
                self.set_status(journey_id, JourneyStatus(was), detail="its rollback was undone", by=by)

    def count_anew(self, journey_id: str) -> None:
        """What rollbacks until now said of a journey is over: it runs again, or was moved without one."""
        with self._record.write() as writing:
            newest = writing.execute("SELECT max(seq) FROM journeys").fetchone()[0]
            self.set_extra(journey_id, again=newest)

    def marked(self, rollback_id: str) -> list[Marked]:
        """A rollback, and those of its kb that said of their journeys how they stand and moved the kb, newest first."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT journey_id, seq, json_extract(extra, '$.turns') FROM journeys WHERE journey_type = ?1"
                " AND kb_id IS (SELECT kb_id FROM journeys WHERE journey_id = ?2) AND json_extract(extra, '$.marked')"
                " AND (kb_id IS NULL OR revision_after != revision_before OR journey_id = ?2) ORDER BY seq DESC",
                (ROLLBACK, rollback_id),
            ).fetchall()
        return [Marked(row[0], row[1], [(each[0], each[1], each[2]) for each in json.loads(row[2])]) for row in rows]

    def ask_to_stop(self, journey_id: str, *, by: str) -> None:
        """Ask whoever runs a journey, in any process, to stop at its next batch."""
        with self._record.write() as writing:
            row = writing.execute("SELECT tenant FROM journeys WHERE journey_id = ?", (journey_id,)).fetchone()
            if self.stop_asked(journey_id) is None:
                self.set_extra(journey_id, stop_asked=by)
                self.note(journey_id, row["tenant"], by, "stop_asked", {})

    def stop_asked(self, journey_id: str) -> str | None:
        """Who asked a running journey to stop, if somebody did."""
        with self._record.read() as reading:
            row = reading.execute(
                "SELECT json_extract(extra, '$.stop_asked') FROM journeys WHERE journey_id = ?", (journey_id,)
            ).fetchone()
        return str(row[0]) if row and row[0] else None

    def need_not_stop(self, journey_id: str) -> None:
        """Nobody waits any more for a journey to stop."""
        if self.stop_asked(journey_id) is not None:
            self.set_extra(journey_id, stop_asked=None)

    def undoes(self) -> dict[str, tuple[str, ...]]:
        """Every rollback with the journeys that it undoes."""
        with self._record.read() as reading:
            return undone_by(reading)

    def within(self, journey_id: str) -> list[str]:
        """The rollbacks that ran as steps of a journey, oldest first."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT journey_id FROM journeys WHERE journey_type = ? AND json_extract(extra, '$.within') = ?"
                " ORDER BY seq",
                (ROLLBACK, journey_id),
            ).fetchall()
        return [str(row[0]) for row in rows]

    def compensating(self) -> list[str]:
        """Journeys of everybody whose compensation was cut off, oldest first, without those that need a person."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT journey_id FROM journeys WHERE json_extract(extra, '$.compensating') AND status != ?"
                " ORDER BY seq",
                (JourneyStatus.NEEDS_ATTENTION,),
            ).fetchall()
        return [str(row[0]) for row in rows]

    def set_extra(self, journey_id: str, **values: Any) -> None:
        """Keep facts with a journey that only its own type reads."""
        with self._record.write() as writing:
            writing.execute(
                "UPDATE journeys SET extra = json_patch(extra, ?) WHERE journey_id = ?",
                (canonical_json(values), journey_id),
            )


def undone_by(reading: sqlite3.Connection) -> dict[str, tuple[str, ...]]:
    """Every rollback with the journeys that it undoes, oldest first."""
    rows = reading.execute(
        "SELECT journey_id, json_extract(extra, '$.undoes') FROM journeys WHERE journey_type = ?", (ROLLBACK,)
    ).fetchall()
    return {row[0]: tuple(json.loads(row[1] or "[]")) for row in rows}
