"""Undoing the effects outside the record of several journeys together: each by its own handlers, the newest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ..store.policy import Policy
from ..store.receipts import Receipt as Row
from ..store.records import RollbackResult
from .effects import effects
from .receipt_undo import EffectUndo, Undone, told
from .services import Services
from .targets import Target


class EffectsUndo:
    """The effects of all journeys that one rollback takes back, as `EffectUndo` has those of one.

    What one of them left is no conflict to the others. What cannot be undone of one does not stop another.
    """

    def __init__(self, services: Services, target: Target, policy: Policy, *, mode: str, tries: int = 1) -> None:
        found = [(part.journey_id, effects(services, part.journey_id, part.receipt_seq)) for part in target.parts]
        found.sort(key=lambda each: each[1][0].seq if each[1] else 0, reverse=True)
        self._parts = {
            journey_id: EffectUndo(services, journey_id, rows, policy, mode=mode, tries=tries)
            for journey_id, rows in found
            if journey_id is not None
        }
        self.rows = [row for part in self._parts.values() for row in part.rows]

    @property
    def done(self) -> Undone:
        """What became of all of them."""
        return _together(part.done for part in self._parts.values())

    def foresee(self) -> Undone:
        """What undoing would come to now; looks, and changes nothing."""
        coming: dict[str, Any] = {}
        return _together([part.foresee(coming) for part in self._parts.values()])

    def zones(self) -> tuple[list[Row], list[Row], list[Row]]:
        """The effects newer than their journey's publish, those between that and its upload, and the rest."""
        newest, between, oldest = list[Row](), list[Row](), list[Row]()
        for part in self._parts.values():
            for zone, rows in zip((newest, between, oldest), part.zones(), strict=True):
                zone += rows
        return newest, between, oldest

    def run(self, rollback_id: str, rows: Sequence[Row]) -> None:
        """Undo these, as far as nothing that was not undone depends on them."""
        for row in rows:
            self._parts[row.journey_id].run(rollback_id, [row])

    def may_go(self, actions: Iterable[str]) -> bool:
        """Whether what built-in steps of all of them did may be undone now."""
        may = [part.may_go(actions) for part in self._parts.values()]  # each says what it leaves
        return all(may)

    def told(self, result: RollbackResult, done: Undone) -> RollbackResult:
        """The result with what became of the effects, or would."""
        return told(result, done) if self.rows else result


def _together(found: Iterable[Undone]) -> Undone:
    whole = Undone()
    for each in found:
        whole.handlers += each.handlers
        whole.undone += each.undone
        whole.left += each.left
        whole.conflicts += each.conflicts
        whole.seen |= each.seen
    return whole
