"""What a rollback makes of the journeys that it takes back, and what undoing it gives them back."""

from __future__ import annotations

from ..store.home import Home
from ..store.ledger import STAGE_AFTER
from .effects import is_effect
from .services import Services
from .targets import Target

Turn = tuple[str, str | None, str | None]
"""A journey, the milestone where it stands before a rollback, and the one after it; None: all of it stands."""


def turns(services: Services, target: Target) -> list[Turn]:
    """How each journey that a rollback takes back will stand, oldest first.

    A journey with effects of another kind than a kb's revisions is not taken back whole by
    a revision, and is left out there.
    """
    home, ledger = services.home, services.home.ledger
    if target.journey_id is not None:
        found: list[Turn] = []
        for part in target.parts:
            assert part.journey_id is not None
            later = ledger.receipts(part.journey_id, after=part.receipt_seq)
            milestone = _files_stood_at(services, part.journey_id, str(part.document["milestone_id"]))
            found.append((part.journey_id, _stands_at(home, part.journey_id), milestone if later else None))
        return found
    return [
        (each, _stands_at(home, each), _last_milestone(home, each))
        for each in target.later
        if not any(is_effect(receipt) for receipt in ledger.receipts(each))
    ]


class Marks:
    """Says of journeys how they stand, in the name of the person who goes back; inside the rollback's transaction."""

    def __init__(self, home: Home, by: str) -> None:
        self._ledger = home.ledger
        self._by = by

    def done(self, rollback_id: str) -> None:
        """A rollback took its journeys back, newest first."""
        for journey_id, _, to in reversed(self._turns(rollback_id)):
            self._turn(journey_id, to, f"back to {to} by {rollback_id}")

    def _undone(self, rollback_id: str) -> None:
        for journey_id, before, _ in self._turns(rollback_id):
            self._turn(journey_id, before, f"{rollback_id} was undone")

    def _turn(self, journey_id: str, milestone: str | None, detail: str) -> None:
        if milestone is None:
            self._ledger.take_up_again(journey_id, by=self._by)
            self.done(journey_id)
        else:
            self._ledger.roll_back(journey_id, milestone, detail=detail, by=self._by)
            self._undone(journey_id)

    def _turns(self, journey_id: str) -> list[Turn]:
        return [(each, before, to) for each, before, to in self._ledger.extra(journey_id).get("turns") or []]


def _stands_at(home: Home, journey_id: str) -> str | None:
    found = home.ledger.extra(journey_id).get("back_to")
    return str(found) if found else None


def _last_milestone(home: Home, journey_id: str) -> str:
    """Where a journey stands whose revisions of the kb are all gone: its uploads and parsed files are kept."""
    actions = [receipt.action for receipt in home.ledger.receipts(journey_id)]
    if "expose" in actions:
        return "embed_complete"
    return f"before_{actions[0]}" if actions else "before_upload"


def _files_stood_at(services: Services, journey_id: str, milestone_id: str) -> str:
    """The milestone of Milepost's own that a journey's files had come to at another one."""
    if milestone_id in STAGE_AFTER:
        return milestone_id
    home = services.home
    journey = home.ledger.journey(journey_id, None)
    reached = "before_upload"
    for step in home.plans.plan(journey.plan_id, journey.tenant).steps:
        if milestone_id == f"before_{step.action}":
            break
        reached = step.milestone if step.milestone in STAGE_AFTER else reached
        if milestone_id == step.milestone:
            break
    return reached
