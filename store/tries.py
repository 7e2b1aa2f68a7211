"""When each step really ran: one row for every try, so that what was tried again can be seen as that."""

from __future__ import annotations

from collections import defaultdict

from .ports import Clock
from .record import Record
from .records import StepTry


class Tries:
    """Rows about the tries of steps, written with the step's own row. A try that nothing ended was cut off."""

    _record: Record
    _clock: Clock

    def try_began(self, journey_id: str, step_id: str) -> None:
        """A step starts to run; a try before it that has no end was interrupted."""
        with self._record.write(lazy=True) as writing:
            writing.execute(f"UPDATE step_tries SET status = 'interrupted' WHERE {_OPEN}", (journey_id, step_id))
            writing.execute(
                "INSERT INTO step_tries (journey_id, step_id, started, status) VALUES (?, ?, ?, 'running')",
                (journey_id, step_id, self._clock.now()),
            )

    def try_ended(self, journey_id: str, step_id: str, status: str) -> None:
        """The running try of a step, if there is one, has ended: "done", "failed" or "stopped"."""
        with self._record.write(lazy=True) as writing:
            writing.execute(
                f"UPDATE step_tries SET status = ?, ended = ? WHERE {_OPEN}",
                (status, self._clock.now(), journey_id, step_id),
            )

    def tries(self, journey_id: str, *, live: bool) -> dict[str, list[StepTry]]:
        """The tries of each step, oldest first; of a journey that is not `live`, none is running any more."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT step_id, started, ended, status FROM step_tries WHERE journey_id = ? ORDER BY seq",
                (journey_id,),
            ).fetchall()
        found: dict[str, list[StepTry]] = defaultdict(list)
        for row in rows:
            status = "interrupted" if row["status"] == "running" and not live else row["status"]
            said = {"started_at": row["started"], "ended_at": row["ended"], "status": status}
            found[row["step_id"]].append(StepTry.model_validate(said))
        return found


_OPEN = "journey_id = ? AND step_id = ? AND status = 'running'"
