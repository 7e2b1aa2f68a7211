"""Plans that were saved, by id; people's approvals of them stand with them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from .approvals import Approvals
from .compressed import compressed, expanded
from .errors import NotFound
from .plan import Plan, canonical_json


class Plans(Approvals):
    """Saved plans by id, and the approvals that are bound to one plan's digest and policy and used once."""

    def save(self, plan: Plan, validation: dict[str, Any] | None, inputs: Iterable[tuple[str, str]] = ()) -> None:
        """Keep a plan, its validation, and the blobs (source, sha256) of inputs that lie in no file."""
        body = compressed(plan.model_dump_json())
        with self._record.write() as writing:
            writing.execute(
                "INSERT INTO plans (plan_id, tenant, kb, digest, body, validation, created) VALUES (?,?,?,?,?,?,?)"
                " ON CONFLICT (plan_id) DO UPDATE SET body = excluded.body, validation = excluded.validation",
                (plan.plan_id, plan.tenant, plan.kb, plan.digest, body,
                 canonical_json(validation), self._clock.now()),
            )  # fmt: skip
            writing.executemany(
                "INSERT INTO plan_inputs (plan_id, source, sha256) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                [(plan.plan_id, source, sha256) for source, sha256 in inputs],
            )
        _keep(body, _as_read(plan))

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


_KEPT = 2
_kept: dict[bytes, Plan] = {}
"""The plans used last, by their bodies: a journey asks for its plan at every step, and reading one takes its time."""


def _opened(body: bytes) -> Plan:
    """A plan of one's own: its files are frozen and may be shared; what somebody could write into is copied."""
    known = _kept.get(body) or _keep(body, Plan.model_validate_json(expanded(body)))
    return known.model_copy(
        update={
            **{name: _copied(getattr(known, name)) for name in ("args", "asked", "policy", "resources")},
            "base": known.base.model_copy(update={"archives": dict(known.base.archives)}),
            "steps": tuple(step.model_copy(update={"args": _copied(step.args)}) for step in known.steps),
        }
    )


def _keep(body: bytes, plan: Plan) -> Plan:
    _kept[body] = plan
    for old in list(_kept)[:-_KEPT]:
        _kept.pop(old, None)
    return plan


def _as_read(plan: Plan) -> Plan:
    """The plan as reading its JSON would give it; of its files, which are texts and numbers, that is themselves."""
    rest = Plan.model_validate_json(plan.model_dump_json(exclude={"files"}))
    return rest.model_copy(update={"files": plan.files})


def _copied(value: Any) -> Any:
    """A copy of what JSON held: several times faster than `deepcopy`, which expects anything."""
    if isinstance(value, dict):
        return {key: _copied(inner) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_copied(inner) for inner in value]
    return value
