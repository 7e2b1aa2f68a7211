"""A journey's report: gathering from the record what `tools/report.py` makes a page of."""

from __future__ import annotations

from importlib.metadata import version

from ..store.changed_texts import Changed, changed_texts
from ..store.errors import MilepostError
from ..store.guarantees import guarantees
from ..store.policy import Policy
from ..store.records import Journey, RollbackResult
from ..store.standing import ROLLBACK
from ..tools.journey_types import BUILT_IN
from ..tools.report import Facts, report
from ..tools.services import Services
from .journeys import Journeys
from .rollbacks import Rollbacks


class Reporting(Journeys, Rollbacks):
    """The part of a workspace that writes reports."""

    async def report(self, journey: Journey | str) -> str:
        """One journey as one self-contained HTML page, to be written as UTF-8.

        Plan, what changed (text included), timeline, checkpoints and how to undo; it needs no network and no script,
        and text of documents and names in it is escaped. Changes nothing.
        """
        wanted = journey if isinstance(journey, str) else journey.journey_id
        whole = await self.status(wanted)
        undo, why_not = await self._foresee(whole)
        return await self.read(lambda s: report(_facts(s, whole, undo, why_not)))

    async def _foresee(self, journey: Journey) -> tuple[RollbackResult | None, str]:
        """What going back would do now, or why one cannot; steps of users' own are not asked to look at the world."""
        if not journey.checkpoints:
            kept = await self.read(lambda s: s.home.ledger.policy(journey.journey_id).restorable)
            return None, "No checkpoint is there to go back to." if kept else _OFF
        if journey.journey_type not in (BUILT_IN, ROLLBACK):
            return None, ""
        try:
            return await self.preview_rollback(journey.checkpoints[0]), ""
        except MilepostError as refused:
            return None, f"It cannot be undone now: {refused.message}."


_OFF = "It cannot be undone: rollback was off when it ran."


def _facts(services: Services, journey: Journey, undo: RollbackResult | None, why_not: str) -> Facts:
    home = services.home
    plan = home.plans.plan(journey.plan_id, services.user.tenant)
    kb_id = home.ledger.kb_id(journey.journey_id)
    return Facts(
        journey=journey,
        plan=plan,
        timeline=home.ledger.timeline(journey.journey_id),
        changed=changed_texts(home.record, kb_id, journey.journey_id) if kb_id else Changed(),
        version=version("milepost"),
        made_at=home.clock.now(),
        undo=undo,
        no_undo=why_not,
        guarantees=guarantees(Policy.model_validate(plan.policy)),
    )
