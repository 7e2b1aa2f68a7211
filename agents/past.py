"""What happened in a home, as a request can speak of it."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from ..store.plan import Plan
from ..store.records import JourneyStatus
from ..tools.services import Services
from .described import Touched
from .languages import languages_in
from .request_past import Earlier, Past, Place, Waiting
from .selection import FileFacts

_GONE = (JourneyStatus.ROLLED_BACK, JourneyStatus.COMPENSATED)
_IDLE = (JourneyStatus.PLANNED, JourneyStatus.AWAITING_APPROVAL, JourneyStatus.CANCELLED, JourneyStatus.FAILED)


def past_of(services: Services, *, languages: bool = False) -> Past:
    """Look into a home only when something is asked: what a tenant's kbs hold, what waits, what was done.

    With `languages` the sources of a kb are told with theirs.
    """
    return Past(
        journeys=lambda: _journeys(services),
        sources=lambda kb: _sources(services, kb, languages),
        waiting=lambda kb: _waiting(services, kb),
    )


def _journeys(services: Services) -> list[Earlier]:
    home, tenant = services.home, services.user.tenant
    places: dict[str, list[Place]] = defaultdict(list)
    for point in home.checkpoints.find(tenant):
        places[point.journey_id].append(Place(point.checkpoint_id, point.milestone_id))
    found: list[Earlier] = []
    for one in home.ledger.journeys(tenant):
        if one.status in _IDLE and not places[one.journey_id]:
            continue
        plan = home.plans.plan(one.plan_id, tenant)
        actions = {step.action for step in plan.steps}
        if actions == {"report"}:
            continue
        back = actions == {"rollback"}
        found.append(
            Earlier(
                one.journey_id,
                one.kb,
                None if back else plan.request,
                one.started_at,
                running=one.status == JourneyStatus.RUNNING,
                undone=one.status in _GONE,
                rollback=back,
                places=tuple(places[one.journey_id]),
            )
        )
    return found


_ACTS = {"added": "add", "replaced": "add", "removed": "remove", "hidden": "hide"}


def touched_by(services: Services, journey_id: str) -> Touched:
    """What a journey of the tenant did to which sources."""
    ledger = services.home.ledger
    rows = ledger.files(journey_id)
    acts = {row.source: _ACTS[row.outcome] for row in rows if row.outcome in _ACTS}
    return Touched(acts, ledger.journey(journey_id, services.user.tenant).user)


def _sources(services: Services, kb: str, languages: bool) -> list[FileFacts]:
    found = services.home.knowledge.find(services.user.tenant, kb)
    if found is None:
        return []
    with services.home.record.read() as reading:
        rows = reading.execute(
            "SELECT s.name, v.bytes, v.sha256, v.modified, r.timestamp, v.parsed_id FROM source_spans t"
            " JOIN sources s USING (source_id) JOIN versions v ON v.version_id = t.version_id"
            " LEFT JOIN revisions r ON r.kb_id = t.kb_id AND r.revision = t.appeared"
            " WHERE t.kb_id = ? AND t.gone IS NULL ORDER BY s.name",
            (found.kb_id,),
        ).fetchall()
    told = languages_in(services.home.content, [row["parsed_id"] for row in rows]) if languages else {}
    return [_fact(row, told.get(row["parsed_id"])) for row in rows]


def _fact(row: tuple[str, int, str, int, str | None, int], language: str | None) -> FileFacts:
    name, size, sha256, modified, published, _ = row
    moment = modified / 1e9 if modified else datetime.fromisoformat(published).timestamp() if published else 0.0
    return FileFacts(name, size, datetime.fromtimestamp(moment).date() if moment else None, moment, sha256, language)


def _waiting(services: Services, kb: str) -> list[Waiting]:
    """What is staged or hidden and was not touched since, by its newest journey."""
    home = services.home
    found = home.knowledge.find(services.user.tenant, kb)
    if found is None:
        return []
    waits: dict[str, Waiting] = {}
    for source, journey_id, row in home.ledger.waiting(found.kb_id):
        plan: Plan = home.plans.plan(home.ledger.journey(journey_id, None).plan_id, services.user.tenant)
        waits[source] = Waiting(source, journey_id, plan.asked.get("hold_for"), row.outcome == "hidden")
    return list(waits.values())
