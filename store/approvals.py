"""People's approvals of plans: bound to digest, policy and approver, good for some hours, used once."""

from __future__ import annotations

import sqlite3
import uuid
from datetime import datetime, timedelta
from typing import Any

from .errors import NotFound, PolicyError, UsageError
from .plan import Plan
from .policy import Policy
from .ports import Clock
from .record import Record
from .records import Approval
from .timeline import Timeline

_BOUND = "SELECT * FROM approvals WHERE plan_id = ? AND digest = ? AND policy_digest = ? AND rejected_by IS NULL"


class Approvals(Timeline):
    """Questions to people, and their answers. Anybody in the tenant may write these short rows, in any process."""

    def __init__(self, record: Record, clock: Clock) -> None:
        self._record = record
        self._clock = clock

    def ask(self, plan: Plan, policy_digest: str, *, asked_by: str) -> Approval:
        """Ask for an approval; asking again for the same plan and policy gives the question that waits.

        The question keeps who may answer it, and for how long a yes is good, as the plan's policy says.
        """
        with self._record.write() as writing:
            bound = (plan.plan_id, plan.digest, policy_digest)
            row = writing.execute(f"{_BOUND} AND used_by IS NULL", bound).fetchone()
            if row is None:
                policy = Policy.model_validate(plan.policy)
                approval_id = f"approval_{uuid.uuid4().hex}"
                but = plan.owner if policy.approve_by == "another" else None
                writing.execute(
                    "INSERT INTO approvals (approval_id, plan_id, tenant, digest, policy_digest, asked_by, asked,"
                    " not_by, hours) VALUES (?,?,?,?,?,?,?,?,?)",
                    (approval_id, plan.plan_id, plan.tenant, plan.digest, policy_digest, asked_by, self._clock.now(),
                     but, policy.approval_hours),
                )  # fmt: skip
                row = writing.execute("SELECT * FROM approvals WHERE approval_id = ?", (approval_id,)).fetchone()
                self._tell(row, asked_by, "approval_asked")
        return _approval(row)

    def approve(self, approval_id: str, tenant: str, *, by: str) -> Approval:
        """Say yes, as `by`; a second yes changes nothing, unless the first expired before it was used.

        `PolicyError` where the plan's own maker may not; `UsageError` where somebody said no.
        """
        with self._record.write() as writing:
            row = self._row(approval_id, tenant)
            if row["rejected_by"] is not None:
                raise _declined(row)
            if row["approver"] is None or (row["used_by"] is None and self._over(row["expires"])):
                if by == row["not_by"]:
                    raise _by_another(row)
                writing.execute(
                    "UPDATE approvals SET approver = ?, approved = ?, expires = ? WHERE seq = ?",
                    (by, self._clock.now(), self._expiry(row["hours"]), row["seq"]),
                )
                self._tell(row, by, "approved")
        return self.approval(approval_id, tenant)

    def reject(self, approval_id: str, tenant: str, *, by: str) -> Approval:
        """Say no, as `by`: this question is answered. A yes that was used already stays."""
        with self._record.write() as writing:
            row = self._row(approval_id, tenant)
            if row["rejected_by"] is None and row["used_by"] is None:
                writing.execute("UPDATE approvals SET rejected_by = ? WHERE seq = ?", (by, row["seq"]))
                self._tell(row, by, "declined")
        return self.approval(approval_id, tenant)

    def use(self, plan: Plan, policy_digest: str, journey_id: str, *, running: bool = False) -> Approval | None:
        """Use up an approval of exactly this plan and policy for one journey; None where there is none.

        The journey that used it finds it again, until it expires: after a crash nobody is asked twice. A `running`
        journey may come to its end with it all the same.
        """
        bound = (plan.plan_id, plan.digest, policy_digest)
        with self._record.write(lazy=True) as writing:
            rows = writing.execute(
                f"{_BOUND} AND approver IS NOT NULL AND approver IS NOT not_by"
                " AND (used_by IS NULL OR used_by = ?) ORDER BY used_by IS NULL, seq DESC",
                (*bound, journey_id),
            ).fetchall()
            good = [row for row in rows if (running and row["used_by"]) or not self._over(row["expires"])]
            if not good:
                return None
            row = good[0]
            if row["used_by"] is None:
                writing.execute("UPDATE approvals SET used_by = ? WHERE seq = ?", (journey_id, row["seq"]))
                self.note(journey_id, plan.tenant, row["approver"], "approval_used", _detail(row))
        return self.approval(row["approval_id"], plan.tenant)

    def approval(self, approval_id: str, tenant: str) -> Approval:
        """One approval, by its id; `NotFound` for another tenant's as for one that never was."""
        return _approval(self._row(approval_id, tenant))

    def waiting(self, tenant: str) -> list[Approval]:
        """The questions that nobody has answered, or whose yes expired before it was used; oldest first."""
        return [one for one in self.open_questions(tenant) if one.approver is None or self._over(one.expires_at)]

    def open_questions(self, tenant: str) -> list[Approval]:
        """The questions that wait, and those with a yes that no journey has used yet; oldest first."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT * FROM approvals WHERE tenant = ? AND rejected_by IS NULL AND used_by IS NULL ORDER BY seq",
                (tenant,),
            ).fetchall()
        return [_approval(row) for row in rows]

    def _row(self, approval_id: str, tenant: str) -> sqlite3.Row:
        with self._record.read() as reading:
            row: sqlite3.Row | None = reading.execute(
                "SELECT * FROM approvals WHERE approval_id = ? AND tenant = ?", (approval_id, tenant)
            ).fetchone()
        if row is None:
            raise NotFound(
                f"there is no approval {approval_id!r}", state="nothing was changed", next="milepost approvals"
            )
        return row

    def _over(self, expires: str | None) -> bool:
        return expires is not None and _moment(expires) <= _moment(self._clock.now())

    def _expiry(self, hours: float | None) -> str | None:
        if hours is None:
            return None
        return (_moment(self._clock.now()) + timedelta(hours=hours)).isoformat(timespec="microseconds")

    def _tell(self, row: sqlite3.Row, user: str, kind: str) -> None:
        """Say in the timeline of the plan's journey who asked or answered."""
        with self._record.write() as writing:
            found = writing.execute("SELECT journey_id FROM journeys WHERE plan_id = ?", (row["plan_id"],)).fetchone()
        self.note(found[0] if found else None, row["tenant"], user, kind, _detail(row))


def _detail(row: sqlite3.Row) -> dict[str, Any]:
    return {"approval_id": row["approval_id"], "plan_id": row["plan_id"]}


def _moment(timestamp: str) -> datetime:
    return datetime.fromisoformat(timestamp)


def _declined(row: sqlite3.Row) -> UsageError:
    return UsageError(
        f"{row['approval_id']} was declined",
        cause="a question is answered once; applying the plan asks again",
        state="nothing was changed",
        next=f"milepost apply {row['plan_id']}",
    )


def _by_another(row: sqlite3.Row) -> PolicyError:
    return PolicyError(
        f"{row['not_by']} made {row['plan_id']}, and cannot approve it",
        cause='approve_by = "another": somebody else has to',
        state="nothing was changed",
        next=f"milepost approve {row['approval_id']}",
        keys=["approve_by"],
    )


def _approval(row: sqlite3.Row) -> Approval:
    return Approval(
        approval_id=row["approval_id"], plan_id=row["plan_id"], asked_by=row["asked_by"], timestamp=row["asked"],
        digest=row["digest"], policy_digest=row["policy_digest"], approver=row["approver"], not_by=row["not_by"],
        approved_at=row["approved"], expires_at=row["expires"], used_by=row["used_by"],
    )  # fmt: skip
