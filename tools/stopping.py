"""Stopping journeys that run, here or in another process, so that they can be taken back."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager

from ..store.errors import PolicyError
from ..store.policy import Policy
from ..store.records import JourneyStatus
from .services import Services


def stop_running(services: Services, policy: Policy, journeys: Sequence[str]) -> None:
    """Ask those of these journeys that run now to stop at their next batch; `PolicyError` where that is refused.

    Refused by the policy of the person who asks, or by the one that the journey keeps.
    """
    home, user = services.home, services.user
    for journey_id in journeys:
        journey = home.ledger.journey(journey_id, user.tenant)
        if journey.status != JourneyStatus.RUNNING or home.lease.held or home.lease.free():
            continue
        if "refuse" in (policy.undo_running, home.ledger.policy(journey_id).undo_running):
            raise PolicyError(
                f"{journey_id} is running",
                cause='undo_running = "refuse": it is taken back when it has ended',
                state="nothing was changed",
                next=f"milepost status {journey_id}",
                keys=["undo_running"],
            )
        home.ledger.ask_to_stop(journey_id, by=user.user)


@contextmanager
def stopped(services: Services, policy: Policy, journeys: Sequence[str]) -> Generator[None]:
    """While a rollback waits for journeys to stop, and until it is done with them."""
    stop_running(services, policy, journeys)
    try:
        yield
    finally:
        for journey_id in journeys:
            services.home.ledger.need_not_stop(journey_id)
