"""Plans that were saved, and people's approvals of them."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterable
from typing import Any

from .errors import NotFound, UsageError
from .plan import Plan, canonical_json
from .ports import Clock
from .record import Record
from .records import Approval


class Plans:
    """Saved plans by id, and the approvals that are bound to one plan's digest and policy and used once."""

    def __init__(self, record: Record, clock: Clock) -> None:
        self._record = record
        self._clock = clock

    def save(self, plan: Plan, validation: dict[str, Any] | None, inputs: Iterable[tuple[str, str]] = ()) -> None:
        """Keep a plan, its validation, and the blobs (source, sha256) of inputs that lie in no file."""
        with self._record.write() as writing:
            writing.execute(
                "INSERT INTO plans (plan_id, tenant, kb, digest, body, validation, created) VALUES (?,?,?,?,?,?,?)"
                " ON CONFLICT (plan_id) DO UPDATE SET body = excluded.body, validation = excluded.validation",
                (plan.plan_id, plan.tenant, plan.kb, plan.digest, plan.model_dump_json(),
                 canonical_json(validation), self._clock.now()),
            )  # fmt: skip
            writing.executemany(
                "INSERT INTO plan_inputs (plan_id, source, sha256) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [(plan.plan_id, source, sha256) for source, sha256 in inputs],
            )

    def plan(self, plan_id: str, tenant: str) -> Plan:
        """A saved plan; `NotFound` for another tenant's as for one that never was."""
        with self._record.read() as reading:
            row = reading.execute(
                "SELECT body FROM plans WHERE plan_id = ? AND tenant = ?", (plan_id, tenant)
            ).fetchone()
        if row is None:
            raise NotFound(
                f"there is no plan {plan_id!r}",
                state="nothing was changed",
                next="milepost plan PATH --kb NAME",
            )
        return Plan.model_validate_json(row["body"])

    def inputs(self, plan_id: str) -> dict[str, str]:
        """The SHA-256 of each input that lies in the blobs only, by source."""
        with self._record.read() as reading:
            rows = reading.execute("SELECT source, sha256 FROM plan_inputs WHERE plan_id = ?", (plan_id,))
            return {row[0]: row[1] for row in rows}

    def newest_unapplied(self, tenant: str) -> Plan | None:
        """The newest plan whose journey has not started to run."""
        with self._record.read() as reading:
            row = reading.execute(
                "SELECT body FROM plans p WHERE tenant = ? AND NOT EXISTS (SELECT 1 FROM journeys j"
                " WHERE j.plan_id = p.plan_id AND j.status NOT IN ('planned', 'awaiting_approval'))"
                " ORDER BY seq DESC LIMIT 1",
                (tenant,),
            ).fetchone()
        return Plan.model_validate_json(row["body"]) if row else None

    def ask(self, plan: Plan, policy_digest: str, *, asked_by: str) -> Approval:
        """Ask for an approval; asking again for the same plan and policy gives the question that waits."""
        with self._record.write() as writing:
            row = writing.execute(
                "SELECT * FROM approvals WHERE plan_id = ? AND digest = ? AND policy_digest = ?"
                " AND used_by IS NULL AND rejected_by IS NULL",
                (plan.plan_id, plan.digest, policy_digest),
            ).fetchone()
            if row is None:
                approval_id = f"approval_{uuid.uuid4().hex}"
                writing.execute(
                    "INSERT INTO approvals (approval_id, plan_id, tenant, digest, policy_digest, asked_by, asked)"
                    " VALUES (?,?,?,?,?,?,?)",
                    (
                        approval_id,
                        plan.plan_id,
                        plan.tenant,
                        plan.digest,
                        policy_digest,
                        asked_by,
                        self._clock.now(),
                    ),
                )
                row = writing.execute("SELECT * FROM approvals WHERE approval_id = ?", (approval_id,)).fetchone()
        return _approval(row)

    def approve(self, approval_id: str, tenant: str, *, by: str) -> Approval:
        """Say yes, as `by`; a second yes changes nothing. `UsageError` where somebody said no."""
        with self._record.write() as writing:
            writing.execute(
                "UPDATE approvals SET approver = ?, approved = ? WHERE approval_id = ? AND tenant = ?"
                " AND approver IS NULL AND rejected_by IS NULL",
                (by, self._clock.now(), approval_id, tenant),
            )
        approval = self.approval(approval_id, tenant)
        if approval.approver is None:
            raise UsageError(
                f"{approval_id} was declined",
                cause="a question is answered once; applying the plan asks again",
                state="nothing was changed",
                next=f"milepost apply {approval.plan_id}",
            )
        return approval

    def reject(self, approval_id: str, tenant: str, *, by: str) -> Approval:
        """Say no, as `by`: this question is answered."""
        with self._record.write() as writing:
            writing.execute(
                "UPDATE approvals SET rejected_by = ? WHERE approval_id = ? AND tenant = ? AND used_by IS NULL",
                (by, approval_id, tenant),
            )
        return self.approval(approval_id, tenant)

    def use(self, plan: Plan, policy_digest: str, journey_id: str) -> Approval | None:
        """Use up an approval of exactly this plan and policy for one journey; None where there is none.

        The journey that used it finds it again: after a crash nobody is asked twice.
        """
        with self._record.write() as writing:
            bound = (plan.plan_id, plan.digest, policy_digest)
            row = writing.execute(
                "SELECT * FROM approvals WHERE plan_id = ? AND digest = ? AND policy_digest = ?"
                " AND approver IS NOT NULL AND rejected_by IS NULL AND (used_by IS NULL OR used_by = ?)"
                " ORDER BY seq LIMIT 1",
                (*bound, journey_id),
            ).fetchone()
            if row is None:
                return None
            writing.execute("UPDATE approvals SET used_by = ? WHERE seq = ?", (journey_id, row["seq"]))
        return _approval(row)

    def approval(self, approval_id: str, tenant: str) -> Approval:
        """One approval, by its id."""
        with self._record.read() as reading:
            row = reading.execute(
                "SELECT * FROM approvals WHERE approval_id = ? AND tenant = ?", (approval_id, tenant)
            ).fetchone()
        if row is None:
            raise NotFound(f"there is no approval {approval_id!r}", next="milepost approvals")
        return _approval(row)

    def waiting(self, tenant: str) -> list[Approval]:
        """The questions that nobody has answered, oldest first."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT * FROM approvals WHERE tenant = ? AND approver IS NULL AND rejected_by IS NULL"
                " AND used_by IS NULL ORDER BY seq",
                (tenant,),
            ).fetchall()
        return [_approval(row) for row in rows]


def _approval(row: sqlite3.Row) -> Approval:
    return Approval(
        approval_id=row["approval_id"], plan_id=row["plan_id"], asked_by=row["asked_by"], timestamp=row["asked"],
        digest=row["digest"], policy_digest=row["policy_digest"], approver=row["approver"],
        approved_at=row["approved"], used_by=row["used_by"],
    )  # fmt: skip
