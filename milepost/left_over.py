"""What an earlier conversation, or a closed terminal, left behind: journeys that did not end, a plan nobody applied."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .store.words import short_id

if TYPE_CHECKING:
    from .agents.milepost import Milepost


def left_over(mp: Milepost, *, planned: bool) -> Iterator[str]:
    """A sentence for each, with the command that goes on with it; `planned`: the newest unapplied plan among them."""
    if not mp.workspace.there:
        return
    for one in mp.journeys():
        if one.status == "interrupted":
            yield f"{one.journey_id} was interrupted; go on with: milepost resume {one.journey_id}"
    plan = mp.newest_plan() if planned else None
    if plan is not None and not plan.questions:
        yield f"{short_id(plan.plan_id)} for {plan.kb} was not applied; go on with: milepost apply {plan.plan_id}"
