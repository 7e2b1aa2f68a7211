"""The ledger of journeys: what was started, what each file and step came to, intents and receipts, who did what."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from .errors import NotFound
from .journey_files import JourneyFiles, packed
from .plan import Interval, Plan, canonical_json
from .policy import Policy
from .ports import Clock
from .receipts import Receipts
from .record import Record
from .records import Journey, JourneyStatus, StepRecord
from .standing import LIVE, Standing
from .tries import Tries

STAGE_AFTER = {
    "before_upload": "planned",
    "upload_complete": "uploaded",
    "parse_complete": "parsed",
    "embed_complete": "embedded",
    "expose_complete": "exposed",
}
"""How far a journey's files have come at each milestone."""
STAGES = tuple(STAGE_AFTER.values())


class Ledger(JourneyFiles, Receipts, Standing, Tries):
    """Rows about journeys. Anybody may write these short rows; none of them changes what people search."""

    def __init__(self, record: Record, clock: Clock) -> None:
        self._record = record
        self._clock = clock

    def begin(
        self, journey_id: str, plan: Plan, *, user: str, policy: Policy, kb_id: int | None, revision: int,
        journey_type: str | None = None, extra: dict[str, Any] | None = None,
    ) -> bool:  # fmt: skip
        """Write a journey down as planned, with its files and steps; False where it is there already."""
        with self._record.write(lazy=True) as writing:
            made = writing.execute(
                "INSERT INTO journeys (journey_id, plan_id, journey_type, tenant, user, kb, kb_id, status, parent,"
                " revision_before, revision_after, started, policy, extra) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
                " ON CONFLICT (journey_id) DO NOTHING",
                (journey_id, plan.plan_id, journey_type or plan.journey_type, plan.tenant, user, plan.kb, kb_id,
                 JourneyStatus.PLANNED, plan.parent, revision, revision, self._clock.now(),
                 canonical_json(policy.model_dump(mode="json")), canonical_json(extra or {})),
            )  # fmt: skip
            if not made.rowcount:
                return False
            writing.executemany(
                "INSERT INTO journey_files (journey_id, position, path, source, action, sha256, bytes, outcome,"
                " reason, detail, warnings, chunks) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                [(journey_id, i, f.path, f.source, f.action, f.sha256, f.bytes, _settled(plan, f.action), f.reason,
                  f.detail, packed(f.warnings), f.chunks if f.action == "skip" else 0)
                 for i, f in enumerate(plan.files)],
            )  # fmt: skip
            writing.executemany(
                "INSERT INTO journey_steps (journey_id, position, step_id, action, status, estimate)"
                " VALUES (?, ?, ?, ?, 'pending', ?)",
                [(journey_id, i, step.id, step.action, step.estimate.model_dump_json() if step.estimate else None)
                 for i, step in enumerate(plan.steps)],
            )  # fmt: skip
            self.note(journey_id, plan.tenant, user, "planned", {"plan_id": plan.plan_id})
        return True

    def rewind(self, journey_id: str, *, retry: bool) -> None:
        """Make a journey ready to run again: from where a rollback went back to, and with `retry` the files
        that were rejected or failed from their beginning, whatever they hold by now."""
        back_to = self.extra(journey_id).get("back_to")
        with self._record.write() as writing:
            if back_to:
                stage = STAGE_AFTER.get(back_to, "planned")
                later = STAGES[STAGES.index(stage) + 1 :]
                writing.execute(
                    "UPDATE journey_files SET outcome = CASE WHEN action = 'skip' THEN outcome END, stage = ?"
                    f" WHERE journey_id = ? AND stage IN ({','.join('?' * len(later))})"
                    " AND (outcome IS NULL OR outcome NOT IN ('rejected', 'failed'))",
                    (stage, journey_id, *later),
                )
                self.set_extra(journey_id, back_to=None, was=None)
                self.count_anew(journey_id)
            if retry:
                writing.execute(
                    "UPDATE journey_files SET outcome = NULL, reason = NULL, detail = NULL, stage = 'planned',"
                    " action = CASE WHEN action = 'reject' THEN 'add' ELSE action END, sha256 = CASE WHEN source IN"
                    " (SELECT source FROM plan_inputs WHERE plan_id ="
                    " (SELECT plan_id FROM journeys WHERE journey_id = ?1)) THEN sha256 ELSE '' END"
                    " WHERE journey_id = ?1 AND outcome IN ('rejected', 'failed')",
                    (journey_id,),
                )
            writing.execute(
                "UPDATE journey_steps SET status = 'pending', error = NULL WHERE journey_id = ?", (journey_id,)
            )

    def set_revisions(self, journey_id: str, *, after: int, before: int | None = None) -> None:
        """Record which revision a journey made last (and, at its first publish, which it started from)."""
        with self._record.write() as writing:
            writing.execute(
                "UPDATE journeys SET revision_after = ?, revision_before = COALESCE(?, revision_before)"
                " WHERE journey_id = ?",
                (after, before, journey_id),
            )

    def set_kb(self, journey_id: str, kb_id: int, revision: int) -> None:
        """Bind a journey to its kb at the moment it starts to run."""
        with self._record.write() as writing:
            writing.execute(
                "UPDATE journeys SET kb_id = ?, revision_before = ?, revision_after = ? WHERE journey_id = ?",
                (kb_id, revision, revision, journey_id),
            )

    def count_attempt(self, journey_id: str) -> int:
        """Count one more try to run a journey, and return how many there were."""
        with self._record.write(lazy=True) as writing:
            writing.execute("UPDATE journeys SET attempts = attempts + 1 WHERE journey_id = ?", (journey_id,))
            row = writing.execute("SELECT attempts FROM journeys WHERE journey_id = ?", (journey_id,)).fetchone()
            return int(row[0])

    def count_embeddings(self, journey_id: str, number: int) -> None:
        """Add to the number of embeddings that a journey computed."""
        with self._record.write(lazy=True) as writing:
            writing.execute(
                "UPDATE journeys SET embeddings = embeddings + ? WHERE journey_id = ?", (number, journey_id)
            )

    def extra(self, journey_id: str) -> dict[str, Any]:
        """The facts that `set_extra` kept."""
        row = self._row(journey_id, None)
        found: dict[str, Any] = json.loads(row["extra"])
        return found

    def policy(self, journey_id: str) -> Policy:
        """The policy that a journey started with, and keeps."""
        return _policy(self._row(journey_id, None)["policy"])

    def kb_id(self, journey_id: str) -> int | None:
        """The number of the kb that a journey is bound to."""
        found: int | None = self._row(journey_id, None)["kb_id"]
        return found

    def journey(self, journey_id: str, tenant: str | None, *, whole: bool = False) -> Journey:
        """A journey, `whole` with its files and steps; `NotFound` for another tenant's as for one that never was."""
        return self._journey(self._row(journey_id, tenant), whole=whole)

    def step_status(self, journey_id: str, step_id: str) -> str | None:
        """How a step stands; None for a step that the journey does not have."""
        with self._record.read() as reading:
            row = reading.execute(
                "SELECT status FROM journey_steps WHERE journey_id = ? AND step_id = ?", (journey_id, step_id)
            ).fetchone()
        return str(row[0]) if row else None

    def has_run(self, journey_id: str) -> bool:
        """Whether a journey ever started to run."""
        with self._record.read() as reading:
            row = reading.execute("SELECT attempts FROM journeys WHERE journey_id = ?", (journey_id,)).fetchone()
        return bool(row and row[0])

    def journey_of_plan(self, plan_id: str) -> str | None:
        """The id of the journey that runs, or ran, a plan."""
        with self._record.read() as reading:
            row = reading.execute("SELECT journey_id FROM journeys WHERE plan_id = ?", (plan_id,)).fetchone()
        return str(row[0]) if row else None

    def journeys(
        self, tenant: str | None, *, kb: str | None = None, statuses: Sequence[str] = (), whole: bool = False
    ) -> list[Journey]:
        """Journeys, newest first, without their files and steps unless asked."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT * FROM journeys WHERE (? IS NULL OR tenant = ?) AND (? IS NULL OR kb = ?)"
                f" AND (? OR status IN ({','.join('?' * len(statuses))})) ORDER BY seq DESC",
                (tenant, tenant, kb, kb, not statuses, *map(str, statuses)),
            ).fetchall()
            return [self._journey(row, whole=whole) for row in rows]

    def ended(self, tenant: str, kb: str | None, journey_type: str) -> int:
        """How many journeys of this kb (of this type, where there is no kb) have ended."""
        column, value = ("kb", kb) if kb is not None else ("journey_type", journey_type)
        with self._record.read() as reading:
            row = reading.execute(
                f"SELECT count(*) FROM journeys WHERE tenant = ? AND {column} = ? AND ended IS NOT NULL",
                (tenant, value),
            ).fetchone()
        return int(row[0])

    def add_step(self, journey_id: str, step_id: str, action: str) -> None:
        """Give a journey a step that its plan left out (exposing what was only staged); once."""
        with self._record.write() as writing:
            writing.execute(
                "INSERT INTO journey_steps (journey_id, position, step_id, action, status)"
                " SELECT ?1, 1 + max(position), ?2, ?3, 'pending' FROM journey_steps WHERE journey_id = ?1"
                " AND NOT EXISTS (SELECT 1 FROM journey_steps WHERE journey_id = ?1 AND action = ?3)"
                " HAVING max(position) IS NOT NULL",
                (journey_id, step_id, action),
            )
            self.set_extra(journey_id, added_steps=[action])

    def set_step(
        self, journey_id: str, step_id: str, status: str, seconds: float | None = None, *, error: str | None = None
    ) -> None:
        """Record how a step stands, and why where it failed; `seconds` of wall time add up over several runs."""
        with self._record.write(lazy=True) as writing:
            writing.execute(
                "UPDATE journey_steps SET status = ?, seconds = CASE WHEN ? IS NULL THEN seconds"
                " ELSE COALESCE(seconds, 0) + ? END, error = ? WHERE journey_id = ? AND step_id = ?",
                (status, seconds, seconds, error, journey_id, step_id),
            )
            if status == "running":
                self.try_began(journey_id, step_id)
            elif status in ("done", "failed"):
                self.try_ended(journey_id, step_id, status)

    def _row(self, journey_id: str, tenant: str | None) -> sqlite3.Row:
        with self._record.read() as reading:
            row: sqlite3.Row | None = reading.execute(
                "SELECT * FROM journeys WHERE journey_id = ? AND (? IS NULL OR tenant = ?)",
                (journey_id, tenant, tenant),
            ).fetchone()
        if row is None:
            raise NotFound(f"there is no journey {journey_id!r}", state="nothing was changed", next="milepost journeys")
        return row

    def _journey(self, row: sqlite3.Row, *, whole: bool) -> Journey:
        journey = Journey(
            journey_id=row["journey_id"], plan_id=row["plan_id"], journey_type=row["journey_type"], kb=row["kb"],
            orchestration=json.loads(row["policy"]).get("orchestration", "flow"),
            tenant=row["tenant"], user=row["user"], status=JourneyStatus(row["status"]), detail=row["detail"],
            revision_before=row["revision_before"], revision_after=row["revision_after"], started_at=row["started"],
            ended_at=row["ended"], parent=row["parent"], embeddings_computed=row["embeddings"],
        )  # fmt: skip
        if whole:
            journey.files = self.outcomes(journey.journey_id)
            journey.steps = self.steps(journey.journey_id, live=journey.status in LIVE)
        return journey

    def steps(self, journey_id: str, *, live: bool) -> list[StepRecord]:
        """How each step of a journey stands, in the order of its plan; of one that is not `live` no try is running."""
        tries = self.tries(journey_id, live=live)
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT * FROM journey_steps WHERE journey_id = ? ORDER BY position", (journey_id,)
            ).fetchall()
        return [
            StepRecord(
                id=r["step_id"], action=r["action"], status=r["status"], seconds=r["seconds"], error=r["error"],
                estimate=Interval.model_validate_json(r["estimate"]) if r["estimate"] else None,
                tries=tries.get(r["step_id"], []),
            )
            for r in rows
        ]  # fmt: skip


@lru_cache(maxsize=8)
def _policy(body: str) -> Policy:
    return Policy.model_validate_json(body)


def _settled(plan: Plan, action: str) -> str | None:
    """The outcome of a file that no step has to touch."""
    if plan.dry_run:
        return "rejected" if action == "reject" else "skipped"
    return {"skip": "skipped", "reject": "rejected"}.get(action)
