"""Checkpoints: the commit row of each in the ledger; its document lies in the librarian, bound by its digest."""

from __future__ import annotations

import difflib
import hashlib
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from .errors import CheckpointCollected, CheckpointNotFound
from .plan import canonical_json
from .ports import Clock
from .promises import Promise, promises
from .record import Record
from .records import Checkpoint


def body_digest(body: dict[str, Any]) -> str:
    """SHA-256 in hexadecimal of a checkpoint document's canonical JSON."""
    return hashlib.sha256(canonical_json(body).encode()).hexdigest()


_WHY = {
    "gc": "its undo had ended, and gc gave up what it needed",
    "purge": "all that it would bring back was purged",
    "drop": "its kb was dropped",
}


class Checkpoints:
    """A checkpoint is there when its row is: written last, after its document can be read back."""

    def __init__(self, record: Record, clock: Clock) -> None:
        self._record = record
        self._clock = clock

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
        """The tenant's checkpoints that can be gone back to, or one journey's, oldest first."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT * FROM checkpoints WHERE tenant = ? AND (? IS NULL OR journey_id = ?) AND collected IS NULL"
                " ORDER BY seq",
                (tenant, journey_id, journey_id),
            ).fetchall()
            now = datetime.fromisoformat(self._clock.now())
            promised = {one.journey_id: one for one in promises(reading, tenant, now, journey_id)} if rows else {}
        return [_checkpoint(row, promised) for row in rows]

    def require(self, row: sqlite3.Row) -> None:
        """Refuse a commit row whose checkpoint was collected, and name its neighbours that were not."""
        if row["collected"] is None:
            return
        with self._record.read() as reading:
            older, newer = (_neighbour(reading, row, side) for side in ("<", ">"))
        left = [f"{name} {id_}" for name, id_ in (("older", older), ("newer", newer)) if id_]
        raise CheckpointCollected(
            f"{row['checkpoint_id']} was collected on {row['collected'][:10]}: it can no longer be gone back to",
            cause=f"{_WHY.get(row['reason'], _WHY['gc'])}; left are: {', '.join(left) or 'none of its kb'}",
            state="nothing was changed",
            next="milepost checkpoints",
            older=older,
            newer=newer,
        )

    def collected(self, journey_id: str) -> sqlite3.Row | None:
        """The first checkpoint of a journey, where it was collected."""
        with self._record.read() as reading:
            row: sqlite3.Row | None = reading.execute(
                "SELECT * FROM checkpoints WHERE journey_id = ? ORDER BY seq LIMIT 1", (journey_id,)
            ).fetchone()
        return row if row is not None and row["collected"] is not None else None

    def at(self, journey_id: str, milestone_id: str) -> sqlite3.Row | None:
        """The newest checkpoint of a journey at a milestone that can be gone back to."""
        with self._record.read() as reading:
            row: sqlite3.Row | None = reading.execute(
                "SELECT * FROM checkpoints WHERE journey_id = ? AND milestone_id = ? AND collected IS NULL"
                " ORDER BY seq DESC LIMIT 1",
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


def _checkpoint(row: sqlite3.Row, promised: Mapping[str, Promise]) -> Checkpoint:
    promise = promised.get(row["journey_id"])
    return Checkpoint(
        checkpoint_id=row["checkpoint_id"],
        milestone_id=row["milestone_id"],
        journey_id=row["journey_id"] or "",
        kb=row["kb"],
        revision=row["revision"],
        timestamp=row["timestamp"],
        available_until=promise.available_until if promise else None,
        rollback_handler=row["rollback_handler"],
        state_digest=row["state_digest"],
    )


def _neighbour(reading: sqlite3.Connection, row: sqlite3.Row, side: str) -> str | None:
    """The nearest checkpoint of the same kb before or after one that can still be gone back to."""
    found = reading.execute(
        f"SELECT checkpoint_id FROM checkpoints WHERE tenant = ? AND kb_id IS ? AND seq {side} ? AND collected IS NULL"
        f" ORDER BY seq {'DESC' if side == '<' else 'ASC'} LIMIT 1",
        (row["tenant"], row["kb_id"], row["seq"]),
    ).fetchone()
    return str(found[0]) if found else None
