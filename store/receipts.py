"""Intents and receipts: what a step was about to do, written before, and what it did, written after."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .plan import canonical_json
from .ports import Clock
from .record import Record


@dataclass(frozen=True)
class Receipt:
    """An intent and, once it is known, what it came to.

    `state` is intended, received, failed (the step said itself that it could not) or undone. `about` is there for
    effects outside the record: arguments, the handler's version, what was written down before the effect.
    """

    seq: int
    journey_id: str
    step_id: str
    action: str
    key: str
    target: dict[str, Any]
    prior: Any
    post: Any
    handler: str | None
    state: str
    about: dict[str, Any] | None = None


class Receipts:
    """An intent without a receipt is unknown, not failed: whoever comes next looks."""

    _record: Record
    _clock: Clock

    def intend(
        self, journey_id: str, step_id: str, action: str, key: str, *, target: dict[str, Any],
        prior: Any = None, handler: str | None = None, about: dict[str, Any] | None = None,
    ) -> Receipt:  # fmt: skip
        """Write an intent before its effect; the same key again gives what is there, unless that was undone.

        What was undone stays, and is done anew under a number of its own: checkpoints tell before from after by it.
        """
        with self._record.write() as writing:
            writing.execute(
                "UPDATE receipts SET key = key || ' undone ' || seq"
                " WHERE journey_id = ? AND key = ? AND state = 'undone'",
                (journey_id, key),
            )
            writing.execute(
                "INSERT INTO receipts"
                " (journey_id, step_id, action, key, target, prior, handler, about, state, intended)"
                " VALUES (?,?,?,?,?,?,?,?,'intended',?) ON CONFLICT (journey_id, key)"
                " DO UPDATE SET state = CASE state WHEN 'failed' THEN 'intended' ELSE state END",
                (journey_id, step_id, action, key, canonical_json(target), canonical_json(prior), handler,
                 canonical_json(about) if about is not None else None, self._clock.now()),
            )  # fmt: skip
            row = writing.execute(
                "SELECT * FROM receipts WHERE journey_id = ? AND key = ?", (journey_id, key)
            ).fetchone()
        return _receipt(row)

    def receive(self, seq: int, post: dict[str, Any]) -> None:
        """Write the receipt of an effect after it."""
        with self._record.write() as writing:
            writing.execute(
                "UPDATE receipts SET post = ?, state = 'received', received = ? WHERE seq = ?",
                (canonical_json(post), self._clock.now(), seq),
            )

    def receive_effect(self, seq: int, *, target: Any, prior: Any, post: Any) -> None:
        """Write the receipt of an effect outside the record: to what, what was there before, what is there now."""
        with self._record.write() as writing:
            writing.execute(
                "UPDATE receipts SET target = ?, prior = ?, post = ?, state = 'received', received = ? WHERE seq = ?",
                (canonical_json(target), canonical_json(prior), canonical_json(post), self._clock.now(), seq),
            )

    def set_about(self, seq: int, about: dict[str, Any]) -> None:
        """Replace what is known about an effect outside the record."""
        with self._record.write() as writing:
            writing.execute("UPDATE receipts SET about = ? WHERE seq = ?", (canonical_json(about), seq))

    def fail_effect(self, seq: int) -> None:
        """Say that a step could not do what it intended, by its own word; it may have had a part of its effect."""
        with self._record.write() as writing:
            writing.execute("UPDATE receipts SET state = 'failed' WHERE seq = ? AND state = 'intended'", (seq,))

    def mark_undone(self, seqs: Sequence[int]) -> None:
        """Say that the effects of these receipts were undone."""
        with self._record.write() as writing:
            writing.executemany("UPDATE receipts SET state = 'undone' WHERE seq = ?", [(seq,) for seq in seqs])

    def receipts(self, journey_id: str, *, after: int = 0) -> list[Receipt]:
        """A journey's intents and receipts after one of them, oldest first."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT * FROM receipts WHERE journey_id = ? AND seq > ? ORDER BY seq", (journey_id, after)
            ).fetchall()
        return [_receipt(row) for row in rows]

    def later_effects(self, of: Receipt, tenant: str) -> str | None:
        """The journey of the same tenant that had the same kind of effect on the same target last, after this one."""
        with self._record.read() as reading:
            row = reading.execute(
                "SELECT r.journey_id FROM receipts r JOIN journeys j USING (journey_id) WHERE j.tenant = ?"
                " AND r.action = ? AND r.target = ? AND r.seq > ? AND r.journey_id != ? AND r.state = 'received'"
                " AND r.about IS NOT NULL ORDER BY r.seq DESC LIMIT 1",
                (tenant, of.action, canonical_json(of.target), of.seq, of.journey_id),
            ).fetchone()
        return str(row[0]) if row else None

    def last_receipt(self, journey_id: str) -> int:
        """The number of a journey's newest intent; 0 where there is none."""
        with self._record.read() as reading:
            row = reading.execute(
                "SELECT COALESCE(max(seq), 0) FROM receipts WHERE journey_id = ?", (journey_id,)
            ).fetchone()
        return int(row[0])


def _receipt(row: sqlite3.Row) -> Receipt:
    return Receipt(
        seq=row["seq"], journey_id=row["journey_id"], step_id=row["step_id"], action=row["action"], key=row["key"],
        target=json.loads(row["target"]), prior=json.loads(row["prior"] or "null"),
        post=json.loads(row["post"] or "null"), handler=row["handler"], state=row["state"],
        about=json.loads(row["about"] or "null"),
    )  # fmt: skip
