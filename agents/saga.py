"""Saga: when a step fails, everything that its journey did is undone by itself, in reverse order of step start."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from ..store.errors import MilepostError, NotFound, StoreBusy, UsageError
from ..store.records import Journey, JourneyStatus, RollbackResult, UserContext
from ..tools.rollback import Rollback
from ..tools.services import Services


def compensate(services: Services, journey_id: str) -> None:
    """Undo what a failed journey did, newest first, each undo tried as often as the policy says.

    The journey is `compensating` meanwhile, also for whoever finds it after a kill, and then `compensated`, or
    `compensation_failed` with what is left; calling again goes on with that. Runs on behalf of the journey's owner.
    """
    with services.home.hold(journey_id, wait=services.wait):
        _compensate(services, journey_id)


def _compensate(services: Services, journey_id: str) -> None:
    ledger = services.home.ledger
    journey, policy = ledger.journey(journey_id, None), ledger.policy(journey_id)
    why = str(ledger.extra(journey_id).get("failed_because") or journey.detail or "")
    acting = replace(services, user=UserContext(user=journey.user, tenant=journey.tenant))
    with services.home.record.write():
        ledger.set_extra(journey_id, compensating=True, failed_because=why)
        ledger.set_status(journey_id, JourneyStatus.COMPENSATING, detail=why)
    first = services.home.checkpoints.find(journey.tenant, journey_id=journey_id)
    try:
        result = None
        if first:
            back = Rollback(acting, policy, tries=policy.limits.undo_tries)
            result = back.to_checkpoint(first[0].checkpoint_id, on_conflict="skip")
    except StoreBusy:
        raise
    except MilepostError as failure:
        _end(services, journey_id, JourneyStatus.COMPENSATION_FAILED, f"{failure.message}; it failed because {why}")
        return
    left = _left(result) if result is not None else ""
    if left:
        _end(services, journey_id, JourneyStatus.COMPENSATION_FAILED, f"left: {left}; it failed because {why}")
    else:
        _end(services, journey_id, JourneyStatus.COMPENSATED, why)


def unfinished(services: Services, journey: Journey) -> bool:
    """Whether a journey's compensation is to go on: it was cut off, or something was left."""
    if journey.status == JourneyStatus.COMPENSATION_FAILED:
        return True
    return bool(services.home.ledger.extra(journey.journey_id).get("compensating"))


def finish_sagas(services: Services) -> set[str]:
    """Go on with every compensation that was cut off and whose handlers are known here; failed ones wait for a person.

    A writer that lives is left alone: it may be the one that compensates. Returns the journeys that it went on with.
    """
    finished: set[str] = set()
    for journey_id in services.home.ledger.compensating():
        kind = services.home.ledger.journey(journey_id, None).journey_type
        with suppress(StoreBusy, NotFound, UsageError):
            services.types.registry(kind)
            if services.home.lease.free():
                compensate(replace(services, wait=0), journey_id)
                finished.add(journey_id)
    return finished


def _left(result: RollbackResult) -> str:
    """What is still there, in words."""
    left = [f"{one.step} ({one.why})" for one in result.left]
    left += [f"{one.source} (changed by {one.changed_by})" for one in result.conflicts]
    if not (left or result.success):
        left = [result.error or "unknown"]
    return "; ".join(left)


def _end(services: Services, journey_id: str, status: JourneyStatus, detail: str) -> None:
    with services.home.record.write():
        services.home.ledger.set_extra(journey_id, compensating=None, failed_because=None)
        services.home.ledger.set_status(journey_id, status, detail=detail[:500])
