"""What a rollback makes of the journeys that it takes back, and what undoing it gives them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..store.home import Home
from ..store.ledger import STAGE_AFTER
from ..store.standing import Marked, Turn
from .effects import is_effect
from .receipt_undo import UPLOAD
from .services import Services
from .targets import Target


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


def mark_built_in(services: Services, rollback_id: str, target: Target) -> None:
    """What the kb went back across is undone; uploads and effects outside are as their handlers say."""
    ledger, turned = services.home.ledger, turns(services, target)
    ledger.set_extra(rollback_id, turns=turned)
    since = {part.journey_id: part.receipt_seq for part in target.parts}
    for each, _, _ in turned:
        after = ledger.receipts(each, after=since.get(each, 0))
        ledger.mark_undone([one.seq for one in after if one.action != UPLOAD and not is_effect(one)])


class Marks:
    """Says of journeys how they stand, in the name of the person who goes back; inside the rollback's transaction.

    A journey stands where the newest rollback of it says that moved its kb and is in force: which no later one, in
    force itself, took back. Each journey is moved at most once, however often people went back and forth before.
    """

    def __init__(self, home: Home, by: str) -> None:
        self._ledger = home.ledger
        self._home = home
        self._by = by

    def done(self, rollback_id: str, *, kept: Sequence[str] = ()) -> None:
        """A rollback took its journeys back, except for the sources `kept`, which others had changed since."""
        self._ledger.set_extra(rollback_id, marked=True)
        rollbacks = self._ledger.marked(rollback_id)
        turns_of = {each.journey_id: each.turns for each in rollbacks}
        own, moved = {each for each, _, _ in turns_of[rollback_id]}, _reached(turns_of, rollback_id)
        stands = _stands(rollbacks, {each: int(self._ledger.extra(each).get("again") or 0) for each in moved})
        more = f" and {len(kept) - 3} more" if len(kept) > 3 else ""
        but = f", except for {', '.join(kept[:3])}{more}, changed by others since" if kept else ""
        for journey_id in moved:
            milestone = stands.get(journey_id)
            same = milestone == _stands_at(self._home, journey_id)
            if milestone is None and not same:
                self._ledger.take_up_again(journey_id, by=self._by)
            elif milestone is not None and (journey_id in own or not same):
                detail = f"back to {milestone} by {rollback_id}{but}"
                self._ledger.roll_back(journey_id, milestone, detail=detail, by=self._by)


def _reached(turns_of: Mapping[str, Sequence[Turn]], rollback_id: str) -> list[str]:
    """The journeys that a rollback moves, and those that what it moves had moved, each once."""
    found: dict[str, None] = {}
    todo = [rollback_id]
    while todo:
        for journey_id, _, _ in reversed(turns_of.get(todo.pop(), ())):
            if journey_id not in found:
                found[journey_id] = None
                todo.append(journey_id)
    return list(found)


def _stands(rollbacks: Sequence[Marked], again: Mapping[str, int]) -> dict[str, str | None]:
    """Where journeys stand, by the rollbacks, newest first; those before a journey ran `again` do not count for it."""
    said: dict[str, str | None] = {}
    before: dict[str, str | None] = {}
    for rollback in rollbacks:
        in_force = said.get(rollback.journey_id) is None
        for journey_id, at_first, to in rollback.turns:
            if rollback.seq > again.get(journey_id, 0):
                before[journey_id] = at_first
                if in_force:
                    said.setdefault(journey_id, to)
    return before | said


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
