"""Drafting a plan from the template: worked out without changing anything that people search."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ..store.errors import NotFound, UsageError
from ..store.knowledge import check_embedder, check_name
from ..store.plan import Base, Origin, Plan, PlannedFile, PlanStep, Summary
from ..store.policy import Policy
from ..store.records import Progress
from ..tools.chunk import chunker_id
from ..tools.parse import PARSER
from ..tools.services import Services
from .comparison import compare, leaving
from .costs import check_budget, resources, timed
from .inputs import PathOrPair, gather, hashed
from .kb_state import KbState, kb_state
from .reading import Reader
from .template import ingest_steps, removal_steps

Tell = Callable[[Progress], None]


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
    unseen: tuple[tuple[str, str], ...] = ()
    """Name and media type of files that are announced only: their content is not at hand yet."""


def draft_ingest(services: Services, request: PlanRequest, *, origin: Origin, on_progress: Tell | None = None) -> Plan:
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
    base = _base(services, request, kb, state, embedder.name)
    return _sealed(services, request, origin, kb, steps, files, used, base)


def _kb_name(request: PlanRequest) -> str:
    if request.kb is None:
        raise UsageError("no knowledge base is named", state="nothing was changed", next="add --kb NAME", option="--kb")
    check_name(request.kb)
    return request.kb


def _base(services: Services, request: PlanRequest, kb: str, state: KbState, embedder: str) -> Base:
    return Base(
        kb_revision=state.revision,
        journeys_ended=services.home.ledger.ended(services.user.tenant, kb, "data_ingest"),
        parser=PARSER,
        chunker=chunker_id(request.policy.chunk),
        embedder=embedder,
        policy_digest=request.policy.digest,
    )


def _sealed(
    services: Services,
    request: PlanRequest,
    origin: Origin,
    kb: str,
    steps: Sequence[PlanStep],
    files: Sequence[PlannedFile],
    used: dict[str, Any],
    base: Base,
) -> Plan:
    with_times, time = timed(services, steps, files, used["embeddings"])
    return Plan(
        kb=kb,
        paths=tuple(str(path) for path in request.paths if not isinstance(path, tuple)),
        tenant=services.user.tenant,
        owner=services.user.user,
        request=request.request,
        parent=request.parent,
        origin=origin,
        steps=with_times,
        files=tuple(files),
        summary=_summary(files),
        estimated_time=time,
        resources=used,
        base=base,
        policy=request.policy.model_dump(mode="json"),
        generated_at=services.home.clock.now(),
    ).sealed()


def _summary(files: Sequence[PlannedFile]) -> Summary:
    counts: Counter[str] = Counter(file.action for file in files)
    warned = sum(bool(file.warnings) for file in files if file.action in ("add", "replace"))
    return Summary(**counts, warn=warned)


def draft_removal(services: Services, kb: str, source: str, policy: Policy) -> Plan:
    """Plan to take one source out of a kb; `NotFound` suggests a near one."""
    home = services.home
    found = home.knowledge.kb(services.user.tenant, kb)
    state = kb_state(home.record, found)
    known = state.sources.get(source)
    if known is None:
        raise _no_source(kb, source, state)
    request = PlanRequest(paths=(), kb=kb, request=None, policy=policy)
    files = [leaving(known)]
    used = {"embeddings": 0, "model_calls": 0, "disk_bytes": 0, "bytes": 0}
    base = _base(services, request, kb, state, found.embedder or "")
    steps = removal_steps(kb, [source], policy)
    return _sealed(services, request, Origin(), kb, steps, files, used, base)


def _no_source(kb: str, source: str, state: KbState) -> NotFound:
    near = difflib.get_close_matches(source, state.sources, n=1)
    return NotFound(
        f"kb {kb!r} has no source {source!r}",
        cause=f"did you mean {near[0]!r}?" if near else f"it has {len(state.sources)} sources",
        state="nothing was changed",
        next=f"milepost search WORDS --kb {kb}",
    )
