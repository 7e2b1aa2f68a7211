"""Plans that were saved, by id; people's approvals of them stand with them."""

from __future__ import annotations

from collections.abc import Iterable
from copy import deepcopy
from functools import lru_cache
from typing import Any

from .approvals import Approvals
from .compressed import compressed, expanded
from .errors import NotFound
from .plan import Plan, canonical_json


class Plans(Approvals):
    """Saved plans by id, and the approvals that are bound to one plan's digest and policy and used once."""

    def save(self, plan: Plan, validation: dict[str, Any] | None, inputs: Iterable[tuple[str, str]] = ()) -> None:
        """Keep a plan, its validation, and the blobs (source, sha256) of inputs that lie in no file."""
        with self._record.write() as writing:
            writing.execute(
                "INSERT INTO plans (plan_id, tenant, kb, digest, body, validation, created) VALUES (?,?,?,?,?,?,?)"
                " ON CONFLICT (plan_id) DO UPDATE SET body = excluded.body, validation = excluded.validation",
                (plan.plan_id, plan.tenant, plan.kb, plan.digest, compressed(plan.model_dump_json()),
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
        return _opened(row["body"])

    def inputs(self, plan_id: str) -> dict[str, str]:
        """The SHA-256 of each input that lies in the blobs only, by source."""
        with self._record.read() as reading:
            rows = reading.execute("SELECT source, sha256 FROM plan_inputs WHERE plan_id = ?", (plan_id,))
            return {row[0]: row[1] for row in rows}

    def newest_unapplied(self, tenant: str) -> Plan | None:
        """The newest plan whose journey has not started to run; not those of rollbacks."""
        with self._record.read() as reading:
            row = reading.execute(
                "SELECT body FROM plans p WHERE tenant = ? AND NOT EXISTS (SELECT 1 FROM journeys j"
                " WHERE j.plan_id = p.plan_id AND j.status NOT IN ('planned', 'awaiting_approval'))"
                " AND json_extract(expanded(body), '$.journey_type') != 'rollback'"
                " ORDER BY seq DESC LIMIT 1",
                (tenant,),
            ).fetchone()
        return _opened(row["body"]) if row else None


@lru_cache(maxsize=2)
def _parsed(body: bytes) -> Plan:
    return Plan.model_validate_json(expanded(body))


def _opened(body: bytes) -> Plan:
    """A plan of one's own: a journey asks for its plan at every step, and of very many files it takes its time.

    Its files are frozen and may be shared; what somebody could write into is copied.
    """
    known = _parsed(body)
    return known.model_copy(update={name: deepcopy(getattr(known, name)) for name in _WITH_DICTS})


_WITH_DICTS = ("args", "asked", "base", "policy", "resources", "steps")
