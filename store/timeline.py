"""Who did what, append-only; and how long steps really took."""

from __future__ import annotations

import json
from typing import Any

from .plan import canonical_json
from .ports import Clock
from .record import Record
from .records import Event


class Timeline:
    """Events are never changed; order is by their number, not by the clock."""

    _record: Record
    _clock: Clock

    def note(self, journey_id: str | None, tenant: str, user: str, kind: str, detail: dict[str, Any]) -> None:
        """Append who did what; nothing here is ever changed."""
        with self._record.write(lazy=True) as writing:
            writing.execute(
                "INSERT INTO events (journey_id, tenant, user, timestamp, kind, detail) VALUES (?,?,?,?,?,?)",
                (journey_id, tenant, user, self._clock.now(), kind, canonical_json(detail)),
            )

    def timeline(self, journey_id: str) -> list[Event]:
        """What happened in a journey, in order."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT seq, journey_id, timestamp, user, kind, detail FROM events WHERE journey_id = ? ORDER BY seq",
                (journey_id,),
            ).fetchall()
        return [Event(**{**dict(row), "detail": json.loads(row["detail"])}) for row in rows]

    def record_timing(
        self, tenant: str, action: str, media_type: str, *, units: float, seconds: float, journey_id: str | None = None
    ) -> None:
        """Keep what a step really took: `units` are chunks, files or bytes as the estimate of that action counts.

        The action `journey` is a whole journey, from being asked for to its end.
        """
        with self._record.write(lazy=True) as writing:
            writing.execute(
                "INSERT INTO timings (tenant, action, media_type, units, seconds, journey_id)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (tenant, action, media_type, units, seconds, journey_id),
            )

    def journey_timings(self, tenant: str, *, limit: int = 60) -> list[tuple[dict[str, float], float]]:
        """The newest journeys: the units of each of their steps' actions, and the seconds of the whole."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT w.journey_id, w.seconds AS whole, t.action, t.units FROM"
                " (SELECT journey_id, seconds FROM timings WHERE action = 'journey' AND tenant = ?"
                " ORDER BY seq DESC LIMIT ?) w JOIN timings t ON t.journey_id = w.journey_id AND t.action != 'journey'",
                (tenant, limit),
            ).fetchall()
        units: dict[str, dict[str, float]] = {}
        whole: dict[str, float] = {}
        for row in rows:
            own = units.setdefault(row["journey_id"], {})
            own[row["action"]] = own.get(row["action"], 0.0) + row["units"]
            whole[row["journey_id"]] = row["whole"]
        return [(own, whole[journey_id]) for journey_id, own in units.items()]

    def timings(self, tenant: str, action: str, *, limit: int = 200) -> list[tuple[str, float, float]]:
        """The newest timings of an action: (media type, units, seconds)."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT media_type, units, seconds FROM timings WHERE tenant = ? AND action = ?"
                " ORDER BY seq DESC LIMIT ?",
                (tenant, action, limit),
            ).fetchall()
        return [(row[0], row[1], row[2]) for row in rows]
