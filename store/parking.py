"""Parking: a journey whose process dies at the same place, again and again, is left to a person, not tried for ever."""

from __future__ import annotations

import hashlib
import sqlite3

from .ledger import Ledger
from .record import Record
from .records import JourneyStatus

DEATHS = 3
"""Processes that may die at one place of a journey before it needs a person."""


def bury(record: Record, ledger: Ledger, journey_id: str) -> JourneyStatus:
    """Write down that the process which ran a journey has died, and return how the journey stands now.

    The place is what was done by then: one batch further is another place, and counts anew.
    """
    with record.write() as writing:
        place, step = _place(writing, journey_id)
        before = ledger.extra(journey_id).get("died") or {}
        times = before["times"] + 1 if before.get("place") == place else 1
        ledger.set_extra(journey_id, died={"place": place, "times": times})
        status, detail = JourneyStatus.INTERRUPTED, "the process that ran it ended before it did"
        if times >= DEATHS:
            status, detail = JourneyStatus.NEEDS_ATTENTION, f"{times} processes died of it at the same place, {step}"
        ledger.set_status(journey_id, status, detail=detail)
        return status


def _place(reading: sqlite3.Connection, journey_id: str) -> tuple[str, str]:
    """How far a journey has come, as a digest, and in words."""
    done = [
        reading.execute(sql, (journey_id,)).fetchall()
        for sql in (
            "SELECT step_id, status FROM journey_steps WHERE journey_id = ? ORDER BY position",
            "SELECT stage, outcome, count(*) FROM journey_files WHERE journey_id = ? GROUP BY 1, 2 ORDER BY 1, 2",
            "SELECT step_id, state, key FROM receipts WHERE journey_id = ? ORDER BY seq",
            "SELECT DISTINCT milestone_id FROM checkpoints WHERE journey_id = ? ORDER BY 1",
            "SELECT embeddings, revision_after FROM journeys WHERE journey_id = ?",
        )
    ]
    begun = [row["step_id"] for row in done[0] if row["status"] == "running"]
    begun += [row["step_id"] for row in done[2] if row["state"] == "intended"]
    told = repr([[tuple(row) for row in rows] for rows in done])
    return hashlib.sha256(told.encode()).hexdigest()[:16], f"step {begun[0]}" if begun else "between two steps"
