"""Plans: what a journey will do, worked out without changing anything that people search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..store.errors import UsageError
from ..store.knowledge import check_embedder, check_name
from ..store.plan import Base, Origin, Plan, PlannedFile, PlanStep, Summary
from ..store.policy import Policy
from ..store.ports import Embedder
from ..store.records import Progress
from ..tools.chunk import chunker_id
from ..tools.parse import PARSER
from ..tools.services import Services
from .comparison import compare
from .costs import check_budget, resources, timed
from .inputs import PathOrPair, gather, hashed
from .kb_state import KbState, kb_state
from .reading import Reader
from .template import ingest_steps

TEMPLATE_VERSION = "1"
_Tell = Callable[[Progress], None]


@dataclass(frozen=True)
class PlanRequest:
    """What somebody wants planned. `paths` as for `Milepost.plan`, `request` in words, `parent` a journey."""

    paths: Sequence[PathOrPair]
    kb: str | None
    request: str | None
    policy: Policy
    planner: str = "auto"
    expose: bool = True
    parent: str | None = None


def draft(services: Services, request: PlanRequest, *, on_progress: _Tell | None = None) -> Plan:
    """Plan an ingest: hashes every file and reads those that are new or changed, and changes nothing in any kb.

    The same request in the same world gives the same plan id. Raises what collecting the files raises,
    `UsageError` where no kb is named, `PlanRejected` beyond the policy's budget.
    """
    kb = _kb_name(request)
    home = services.home
    found = home.knowledge.find(services.user.tenant, kb)
    embedder = home.embedder()
    if found is not None:
        check_embedder(found, embedder)
    state = kb_state(home.record, found)
    inputs = hashed(gather(request.paths, limits=request.policy.limits))
    reader = Reader(services, request.policy)
    files = compare(inputs, state, request.policy, reader.read)
    reader.flush()
    check_budget(files, request.policy)
    steps = ingest_steps(kb, files, request.policy, expose=request.expose)
    used = resources(services, files, reader.parsed_ids, embedder)
    return _sealed(services, request, kb, steps, files, used, _base(services, request, kb, state, embedder))


def _kb_name(request: PlanRequest) -> str:
    if request.kb is None:
        raise UsageError("no knowledge base is named", state="nothing was changed", next="add --kb NAME", option="--kb")
    check_name(request.kb)
    return request.kb


def _base(services: Services, request: PlanRequest, kb: str, state: KbState, embedder: Embedder) -> Base:
    return Base(
        kb_revision=state.revision,
        journeys_ended=services.home.ledger.ended(services.user.tenant, kb, "data_ingest"),
        parser=PARSER,
        chunker=chunker_id(request.policy.chunk),
        embedder=embedder.name,
        policy_digest=request.policy.digest,
    )


def _sealed(
    services: Services,
    request: PlanRequest,
    kb: str,
    steps: Sequence[PlanStep],
    files: Sequence[PlannedFile],
    used: dict[str, Any],
    base: Base,
) -> Plan:
    with_times, time = timed(services, steps, files, used["embeddings"])
    return Plan(
        kb=kb,
        tenant=services.user.tenant,
        owner=services.user.user,
        request=request.request,
        parent=request.parent,
        origin=_origin(request),
        steps=with_times,
        files=tuple(files),
        summary=_summary(files),
        estimated_time=time,
        resources=used,
        base=base,
        policy=request.policy.model_dump(mode="json"),
        generated_at=services.home.clock.now(),
    ).sealed()


def _origin(request: PlanRequest) -> Origin:
    """Who planned: the template, or the template in the place of a model that is not there."""
    wanted = request.planner == "ai" or (request.planner == "auto" and request.policy.enable_ai_planning)
    if wanted:
        return Origin(planner="fallback", version=TEMPLATE_VERSION, reason="no model is configured")
    return Origin(planner="template", version=TEMPLATE_VERSION)


def _summary(files: Sequence[PlannedFile]) -> Summary:
    counts = Counter(file.action for file in files)
    warned = sum(bool(file.warnings) for file in files if file.action in ("add", "replace"))
    return Summary(**counts, warn=warned)
