"""Checkpoints: the commit row of each in the ledger; its document lies in the librarian, bound by its digest."""

from __future__ import annotations

import difflib
import hashlib
import sqlite3
from datetime import datetime, timedelta
from typing import Any

from .errors import CheckpointNotFound
from .plan import canonical_json
from .record import Record
from .records import Checkpoint


def body_digest(body: dict[str, Any]) -> str:
    """SHA-256 in hexadecimal of a checkpoint document's canonical JSON."""
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()


class Checkpoints:
    """A checkpoint is there when its row is: written last, after its document can be read back."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def commit(self, checkpoint: Checkpoint, *, tenant: str, kb_id: int | None, receipt_seq: int, digest: str) -> None:
        """Acknowledge a checkpoint; rolling back to it undoes its journey's receipts after `receipt_seq`."""
        with self._record.write() as writing:
            writing.execute(
                "INSERT INTO checkpoints (checkpoint_id, milestone_id, journey_id, tenant, kb, kb_id, revision,"
                " receipt_seq, timestamp, body_digest, rollback_handler, state_digest)"
                " VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                (checkpoint.checkpoint_id, checkpoint.milestone_id, checkpoint.journey_id or None, tenant,
                 checkpoint.kb, kb_id, checkpoint.revision, receipt_seq, checkpoint.timestamp, digest,
                 checkpoint.rollback_handler, checkpoint.state_digest),
            )  # fmt: skip

    def row(self, checkpoint_id: str, tenant: str) -> sqlite3.Row:
        """The commit row; `CheckpointNotFound` for another tenant's as for one that never was."""
        with self._record.read() as reading:
            row: sqlite3.Row | None = reading.execute(
                "SELECT * FROM checkpoints WHERE checkpoint_id = ? AND tenant = ?", (checkpoint_id, tenant)
            ).fetchone()
            if row is None:
                raise self._unknown(checkpoint_id, tenant)
        return row

    def find(self, tenant: str, *, journey_id: str | None = None) -> list[Checkpoint]:
        """The tenant's checkpoints, or one journey's, oldest first."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT c.*, j.policy AS policy FROM checkpoints c LEFT JOIN journeys j USING (journey_id)"
                " WHERE c.tenant = ? AND (? IS NULL OR c.journey_id = ?) ORDER BY c.seq",
                (tenant, journey_id, journey_id),
            ).fetchall()
        return [_checkpoint(row) for row in rows]

    def at(self, journey_id: str, milestone_id: str) -> sqlite3.Row | None:
        """The newest checkpoint of a journey at a milestone."""
        with self._record.read() as reading:
            row: sqlite3.Row | None = reading.execute(
                "SELECT * FROM checkpoints WHERE journey_id = ? AND milestone_id = ? ORDER BY seq DESC LIMIT 1",
                (journey_id, milestone_id),
            ).fetchone()
        return row

    def _unknown(self, checkpoint_id: str, tenant: str) -> CheckpointNotFound:
        near = difflib.get_close_matches(checkpoint_id, [c.checkpoint_id for c in self.find(tenant)], n=1, cutoff=0.8)
        return CheckpointNotFound(
            f"there is no checkpoint {checkpoint_id!r}",
            cause=f"did you mean {near[0]}?" if near else "",
            state="nothing was changed",
            next="milepost checkpoints",
            instead=(checkpoint_id, near[0]) if near else (),
        )


def _checkpoint(row: sqlite3.Row) -> Checkpoint:
    return Checkpoint(
        checkpoint_id=row["checkpoint_id"],
        milestone_id=row["milestone_id"],
        journey_id=row["journey_id"] or "",
        kb=row["kb"],
        revision=row["revision"],
        timestamp=row["timestamp"],
        available_until=available_until(row["timestamp"], row["policy"]),
        rollback_handler=row["rollback_handler"],
        state_digest=row["state_digest"],
    )


def available_until(timestamp: str, policy: str | None) -> str | None:
    """Until when the journey's policy promises that content replaced since `timestamp` is kept; None: for ever."""
    from .policy import Policy

    days = Policy.model_validate_json(policy).retention.days if policy else None
    if days is None:
        return None
    return (datetime.fromisoformat(timestamp) + timedelta(days=days)).isoformat(timespec="seconds")
