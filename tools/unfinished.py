"""Rollbacks that were started and did not come to their end: gone on with, or overtaken by another."""

from __future__ import annotations

from typing import Any

from ..store.errors import NeedsAttention
from ..store.records import JourneyStatus
from ..store.standing import ROLLBACK
from .services import Services
from .targets import Target

_CUT_OFF = (JourneyStatus.INTERRUPTED, JourneyStatus.NEEDS_ATTENTION)


class Unfinished:
    """The interrupted rollbacks of one person's tenant. To be asked under the lease, where no other one is running."""

    def __init__(self, services: Services) -> None:
        self._ledger = services.home.ledger
        self._user = services.user

    def to(self, target: Target) -> str | None:
        """A rollback to the same place that was started; `NeedsAttention` where it killed its processes."""
        kb_id = target.kb.kb_id if target.kb else None
        for journey_id, said in self._all():
            same = said["checkpoints"] == target.checkpoints and said["revision"] == target.revision
            if same and self._ledger.kb_id(journey_id) == kb_id:
                self._refuse_parked(journey_id)
                return journey_id
        return None

    def published(self, journey_id: str) -> bool:
        """Whether it came as far as its revision."""
        own = [receipt for receipt in self._ledger.receipts(journey_id) if receipt.action == ROLLBACK]
        return any(receipt.state == "received" for receipt in own)

    def settle(self, journey_id: str, error: str | None) -> None:
        """Write down that a rollback came to its end."""
        self._ledger.set_step(journey_id, ROLLBACK, "done")
        status = JourneyStatus.FAILED if error else JourneyStatus.COMPLETED
        self._ledger.set_status(journey_id, status, detail=error, by=self._user.user)

    def overtake(self, target: Target, journey_id: str) -> None:
        """Give up those of the same journeys to elsewhere: where two were asked for, the last one counts."""
        mine = {part.journey_id for part in target.parts if part.journey_id}
        for other, said in self._all():
            if other == journey_id or not mine & set(said["undoes"]):
                continue
            if self.published(other):
                self.settle(other, None)
            else:
                detail = f"{journey_id} took its place"
                self._ledger.set_status(other, JourneyStatus.CANCELLED, detail=detail, by=self._user.user)

    def _refuse_parked(self, journey_id: str) -> None:
        journey = self._ledger.journey(journey_id, None)
        if journey.status == JourneyStatus.NEEDS_ATTENTION:
            raise NeedsAttention(
                f"{journey_id}, which goes back to the same place, needs attention",
                cause=journey.detail or "",
                state="nothing was changed; it is not tried again by itself",
                next=f"milepost resume {journey_id}",
                journey_id=journey_id,
            )

    def _all(self) -> list[tuple[str, dict[str, Any]]]:
        listed = self._ledger.journeys(self._user.tenant, statuses=_CUT_OFF)
        ids = [journey.journey_id for journey in listed if journey.journey_type == ROLLBACK]
        return [(journey_id, self._ledger.extra(journey_id)) for journey_id in ids]
