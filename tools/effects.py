"""Running a step of a user's own: its intent before the effect, its receipt after, whatever the function does."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from ..store.errors import JourneyFailed
from ..store.faults import faultpoint
from ..store.plan import Plan, PlanStep, canonical_json
from ..store.policy import Policy
from ..store.receipts import Receipt as Row
from ..store.records import Progress
from ..store.secrets import told
from .limited import GaveUp, TookTooLong, call
from .results import resolved
from .services import Services, Stopped
from .user_steps import Receipt, StepContext, UserStep


def perform(services: Services, journey_id: str, plan: Plan, step: PlanStep, policy: Policy) -> Any:
    """Run a step, unless its receipt is there already; returns what its receipt says is there now.

    Raises `JourneyFailed` where the function raised, took too long, or returned what is no receipt. The intent then
    stays without one: nobody knows what became of the effect, and an undo is called for it all the same.
    """
    own = services.types.find(plan.journey_type).step(step.action)
    if own is None:
        raise JourneyFailed(f"journey type {plan.journey_type!r} has no step {step.action!r}")
    args = resolved(services, journey_id, plan, step)
    row, again = _intend(services, journey_id, step, own, args)
    if row.state == "received":
        return row.post
    faultpoint(f"{step.action}.after_intent")
    context = _context(services, plan, row, again)
    receipt = _called(services, own, context, args, policy, row)
    faultpoint(f"{step.action}.before_receipt")
    services.home.ledger.receive_effect(row.seq, target=dict(receipt.target), prior=receipt.prior, post=receipt.post)
    faultpoint(f"{step.action}.done")
    return receipt.post


def is_effect(row: Row) -> bool:
    """Whether a receipt is of a step of a user's own."""
    return row.about is not None


def effects(services: Services, journey_id: str | None, after: int = 0) -> list[Row]:
    """A journey's effects outside the record after a checkpoint that are not undone, newest first."""
    rows = services.home.ledger.receipts(journey_id, after=after) if journey_id else []
    return [row for row in reversed(rows) if is_effect(row) and row.state != "undone"]


def _intend(
    services: Services, journey_id: str, step: PlanStep, own: UserStep[..., Any], args: dict[str, Any]
) -> tuple[Row, bool]:
    """The step's intent, written down now or by a run that was cut off; and whether it is such a one."""
    ledger = services.home.ledger
    rows = ledger.receipts(journey_id)
    mine = next((row for row in rows if row.step_id == step.id and row.state != "undone"), None)
    about = {
        "args": args, "version": own.version, "observed": own.look is not None, "again": mine is not None,
        **({"noted": mine.about["noted"]} if mine and mine.about and "noted" in mine.about else {}),
    }  # fmt: skip
    if mine is None:
        faultpoint(f"{step.action}.before_intent")
    with services.home.record.write():
        ledger.set_step(journey_id, step.id, "running")
        if mine is not None and mine.state == "received":
            return mine, True
        key = mine.key if mine else _key(services, journey_id, step, args, rows)
        row = ledger.intend(
            journey_id, step.id, step.action, key, target=args, handler=own.handler, about=about
        )  # fmt: skip
        ledger.set_about(row.seq, about)
    return replace(row, about=about), mine is not None


def _key(services: Services, journey_id: str, step: PlanStep, args: dict[str, Any], rows: list[Row]) -> str:
    """An idempotency key: of the journey, what is done to what, and how often that was undone; no place in a graph.

    Equal effects of one journey are told apart by their number, as equal chunks of one source are.
    """
    body = canonical_json([services.user.tenant, journey_id, step.action, args])
    base = f"{step.action}:{hashlib.sha256(body.encode()).hexdigest()[:32]}"
    equal = sum(row.key.partition(" ")[0].partition("#")[0] == base for row in rows)
    return f"{base}#{equal + 1}" if equal else base


def _context(services: Services, plan: Plan, row: Row, again: bool) -> StepContext:
    def note(target: Any, prior: Any) -> Any:
        about = _row(services, row).about or {}
        if "noted" not in about:
            about["noted"] = {"target": dict(target), "prior": prior}
            services.home.ledger.set_about(row.seq, _as_json(about, row.step_id))
            faultpoint(f"{row.action}.noted")
        return about["noted"]["prior"]

    def progress(done: int, total: int) -> None:
        services.on_progress(Progress(kind="progress", step=row.step_id, done=done, total=total))

    journey = services.home.ledger.journey(row.journey_id, None)
    return StepContext(
        key=row.key, user=journey.user, tenant=journey.tenant, journey_id=row.journey_id, step_id=row.step_id,
        action=row.action, kb=plan.kb, again=again, note=note, progress=progress,
    )  # fmt: skip


def _called(
    services: Services, own: UserStep[..., Any], context: StepContext, args: dict[str, Any], policy: Policy, row: Row
) -> Receipt:
    try:
        found = call(
            own.run, context, seconds=policy.limits.step_seconds, stopping=services.stopping, **own.typed(args)
        )
    except GaveUp as stopped:
        raise Stopped(str(stopped), state="its effect is not known; resume runs the step again") from None
    except TookTooLong as slow:
        raise JourneyFailed(f"{row.step_id}: {slow} (limits.step_seconds)") from None
    except Exception as failure:  # a step of a user's own may raise anything
        services.home.ledger.fail_effect(row.seq)
        raise JourneyFailed(f"{row.step_id}: {told(failure)}") from failure
    receipt = Receipt(target=args) if found is None else found
    if not isinstance(receipt, Receipt):
        raise JourneyFailed(f"{row.step_id} returned {type(found).__name__}, not a Receipt")
    said = {"target": receipt.target, "prior": receipt.prior, "post": receipt.post}
    return Receipt(**_as_json(said, row.step_id))


def _as_json(said: dict[str, Any], step_id: str) -> dict[str, Any]:
    """The same as JSON has it: what cannot be written down could not be compared later."""
    try:
        found: dict[str, Any] = json.loads(canonical_json(said))
    except (TypeError, ValueError) as wrong:
        raise JourneyFailed(f"the receipt of {step_id} is no JSON: {wrong}"[:300]) from None
    return found


def _row(services: Services, row: Row) -> Row:
    return next(one for one in services.home.ledger.receipts(row.journey_id) if one.seq == row.seq)
