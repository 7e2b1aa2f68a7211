"""Which journeys were taken back by which rollbacks."""

from __future__ import annotations

from .record import Record


class TakenBack:
    """The part of the ledger that knows what a rollback undoes."""

    _record: Record

    def undoes(self) -> dict[str, str]:
        """Which journey each rollback of one undoes."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT journey_id, json_extract(extra, '$.undoes') FROM journeys"
                " WHERE json_extract(extra, '$.undoes') IS NOT NULL"
            ).fetchall()
        return {row[0]: row[1] for row in rows}

    def compensating(self) -> list[str]:
        """Journeys of everybody whose compensation did not come to its end, oldest first."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT journey_id FROM journeys WHERE json_extract(extra, '$.compensating') ORDER BY seq"
            ).fetchall()
        return [str(row[0]) for row in rows]
