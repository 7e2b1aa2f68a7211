"""A plan's lines about sources of the kb: those that are hidden or removed, and those that wait to be found."""

from __future__ import annotations

from collections.abc import Sequence

from ..store.plan import PlannedFile
from ..tools.services import Services
from .comparison import leaving
from .kb_state import KbState
from .request_past import Waiting
from .wishes import Wishes


def lines_of(services: Services, wishes: Wishes, state: KbState) -> list[PlannedFile]:
    """What becomes of the sources that the wishes name; one that is not there has no line."""
    if wishes.questions and not wishes.dry_run:
        return []
    if wishes.act == "expose":
        return _revealed(services, wishes.waiting, state)
    lines = [leaving(state.sources[name]) for name in wishes.sources if name in state.sources]
    return [line.model_copy(update={"action": "hide"}) for line in lines] if wishes.act == "hide" else lines


def _revealed(services: Services, waiting: Sequence[Waiting], state: KbState) -> list[PlannedFile]:
    """Sources that are ready: their content is in the record, nothing is read or computed for them."""
    lines: list[PlannedFile] = []
    for one in waiting:
        rows = services.home.ledger.files(one.journey_id)
        row = next(each for each in rows if each.source == one.source)
        known = state.sources.get(one.source)
        lines.append(
            PlannedFile(
                path=one.source,
                source=one.source,
                sha256=row.sha256,
                bytes=row.bytes,
                chunks=row.chunks,
                action="replace" if known else "add",
                chunks_replaced=known.chunks if known else 0,
                detail=f"ready since {one.journey_id}",
            )
        )
    return lines
