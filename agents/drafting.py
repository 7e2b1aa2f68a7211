"""Drafting a plan from the template: worked out without changing anything that people search."""

from __future__ import annotations

import difflib
import os
import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from ..store.errors import NotFound, UsageError
from ..store.kb import Kb, check_embedder
from ..store.plan import Base, Origin, Plan, PlannedFile, PlanStep, Summary
from ..store.policy import Policy
from ..store.records import Progress
from ..store.words import count
from ..tools.chunk import chunker_id
from ..tools.journey_types import BUILT_IN
from ..tools.parse import PARSER
from ..tools.services import Services
from .archives import opened
from .comparison import compare, leaving
from .costs import check_budget, check_cost, check_inputs, resources, timed
from .foreseen import foreseen
from .inputs import Input, PathOrPair, gather, hashed
from .kb_state import KbState, kb_state
from .languages import languages_of
from .missing import missing
from .past import past_of, touched_by
from .reading import Reader
from .request_languages import speaks_of_language
from .template import ingest_steps, removal_steps, steps_of
from .wished_lines import lines_of
from .wishes import Setting, Wishes, understood

Tell = Callable[[Progress], None]
_EVERY = 50
"""Files between two words about progress."""


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
    journey_type: str = BUILT_IN
    args: Mapping[str, Any] = field(default_factory=dict)
    """What a journey type of a user's own is planned with."""
    kept: tuple[Input, ...] = ()
    """Files that lie in the blobs already; where there are any, they are what is planned, not what `paths` hold now."""
    unseen: tuple[tuple[str, str], ...] = ()
    """Name and media type of files that are announced only: their content is not at hand yet."""


def draft_ingest(services: Services, request: PlanRequest, *, origin: Origin, on_progress: Tell | None = None) -> Plan:
    """Plan an ingest: hashes every file that is meant, and reads those that are new or changed."""
    with opened(services, gathered(request), request.policy) as inputs:
        return _drafted(services, request, inputs, origin, on_progress)


def _drafted(
    services: Services, request: PlanRequest, inputs: Sequence[Input], origin: Origin, on_progress: Tell | None
) -> Plan:
    wishes = understood(request.request, inputs, setting_of(services, request))

    def steps(files: Sequence[PlannedFile]) -> Sequence[PlanStep]:
        return steps_of(wishes, files, wishes.policy)

    def going(state: KbState) -> list[PlannedFile]:
        return lines_of(services, wishes, state)

    return realised(
        services, request, inputs, wishes, origin=origin, steps=steps, on_progress=on_progress, going=going
    )  # fmt: skip


def setting_of(services: Services, request: PlanRequest) -> Setting:
    """What a request is read against: the kb named, those there are, the policy, the day, what was done before."""
    now = datetime.fromisoformat(services.home.clock.now()).astimezone()  # people's days and hours are local
    given = [os.fspath(path) for path in request.paths if not isinstance(path, tuple)]
    spoken = speaks_of_language(request.request or "")
    return Setting(
        request.kb, [kb.name for kb in services.home.knowledge.all(services.user.tenant)], request.policy,
        request.expose, now.date(), past_of(services, languages=spoken),
        roots=[*given, *(str(Path(path).absolute()) for path in given)], now=now.replace(tzinfo=None),
        languages=lambda inputs: languages_of(services, inputs, request.policy),
        touched=cache(lambda journey_id: touched_by(services, journey_id)),
    )  # fmt: skip


def realised(
    services: Services,
    request: PlanRequest,
    inputs: Sequence[Input],
    wishes: Wishes,
    *,
    origin: Origin,
    steps: Callable[[Sequence[PlannedFile]], Sequence[PlanStep]],
    on_progress: Tell | None,
    going: Callable[[KbState], list[PlannedFile]] = lambda state: [],
    excludes: tuple[str, ...] | None = None,
) -> Plan:
    """The plan for wishes, whoever understood the request: the files compared and read, the steps made for them.

    `going` are lines about sources of the kb that leave, or come back, besides those that the policy takes out;
    `excludes` acts that the request does not want, where that is not for the wishes to say.
    """
    kb = services.home.knowledge.find(services.user.tenant, wishes.kb) if wishes.kb else None
    embedder = services.home.embedder()
    if kb is not None:
        check_embedder(kb, embedder)
    state = kb_state(services.home.record, kb)
    files, used = _within_limits(services, request, wishes, kb, state, inputs, on_progress, going(state))
    return _sealed(
        services, request, wishes.kb, state,
        origin=origin,
        steps=steps(files),
        files=files,
        resources=used,
        embedder=embedder.name,
        archives=dict(one.archive for one in inputs if one.archive and one.archive[1]),
        questions=wishes.questions,
        declined=wishes.declined,
        asked=dict(wishes.asked),
        dry_run=wishes.dry_run,
        excludes=wishes.excludes if excludes is None else excludes,
        kept=wishes.policy,
    )  # fmt: skip


def _within_limits(
    services: Services,
    request: PlanRequest,
    wishes: Wishes,
    kb: Kb | None,
    state: KbState,
    inputs: Sequence[Input],
    tell: Tell | None,
    going: Sequence[PlannedFile],
) -> tuple[list[PlannedFile], dict[str, Any]]:
    """The lines of the plan and what they use; `PlanRejected` beyond the policy's limits and budget."""
    check_inputs(wishes.taken, state, request.policy)
    reader = Reader(services, wishes.policy)
    files = _files(services, request, wishes, kb, state, inputs, reader, tell, going)
    check_budget(files, request.policy)
    used = resources(services, files, reader.parsed_ids, services.home.embedder(), wishes.policy)
    if not wishes.dry_run:
        check_cost(used, wishes.policy)
    return files, used


def draft_removal(services: Services, kb: str, source: str, policy: Policy) -> Plan:
    """Plan to take one source out of a kb; `NotFound` suggests a near one."""
    home = services.home
    found = home.knowledge.kb(services.user.tenant, kb)
    state = kb_state(home.record, found)
    known = state.sources.get(source)
    if known is None:
        raise _no_source(kb, source, state)
    return _sealed(
        services, PlanRequest(paths=(), kb=kb, request=None, policy=policy), kb, state,
        origin=Origin(),
        steps=removal_steps(kb, [source], policy),
        files=[leaving(known)],
        resources={"embeddings": 0, "model_calls": 0, "disk_bytes": 0, "bytes": 0},
        embedder=found.embedder or "",
    )  # fmt: skip


def gathered(request: PlanRequest) -> list[Input]:
    """The files of a request; `UsageError` where it has neither files nor words."""
    if request.kept:
        return list(request.kept)
    if not request.paths and not request.unseen and request.request is None:
        raise UsageError(
            "no files are given", state="nothing was changed", next="milepost plan PATH --kb NAME", option="PATH"
        )
    return gather(request.paths, limits=request.policy.limits)


def _files(
    services: Services,
    request: PlanRequest,
    wishes: Wishes,
    kb: Kb | None,
    state: KbState,
    inputs: Sequence[Input],
    reader: Reader,
    tell: Tell | None,
    going: Sequence[PlannedFile] = (),
) -> list[PlannedFile]:
    """Every line of the plan, by source."""
    total = len(wishes.taken)
    hashes = hashed(wishes.taken, each=_teller(services, tell, total, "hash"))
    taken = {one.source for one in wishes.taken}
    gone = [file for file in going if file.source not in taken]
    leaves = request.policy.on_missing == "remove" and not request.kept
    if kb is not None and wishes.expose and wishes.act == "ingest" and leaves:
        names = {one.source for one in inputs} | {file.source for file in going}
        gone += missing(services.home.record, kb, state, request.paths, names)
    read = reader.told(_teller(services, tell, total, "read"))
    files = compare(hashes, state, wishes.policy, read, going=[file.source for file in gone])
    reader.flush()
    unseen = [announced(name, media_type) for name, media_type in request.unseen]
    every = [*(_doubted(file, wishes) for file in files), *wishes.left_out, *gone, *unseen]
    return sorted(every, key=lambda file: (file.source, file.path))


def _doubted(file: PlannedFile, wishes: Wishes) -> PlannedFile:
    warning = wishes.unsure.get(file.source)
    if warning is None or file.action not in ("add", "replace"):
        return file
    return file.model_copy(update={"warnings": (*file.warnings, warning)})


def announced(name: str, media_type: str) -> PlannedFile:
    """A file that nobody has seen yet: what it will come to is a guess."""
    detail = "announced; its content comes with the upload"
    return PlannedFile(
        path=name, source=name, media_type=media_type, action="add", chunks=1, estimated=True, detail=detail
    )


def _teller(services: Services, tell: Tell | None, total: int, step: str) -> Callable[[int], None]:
    said = tell or services.on_progress

    def each(done: int) -> None:
        if done % _EVERY == 0 or done == total:
            services.check()
            said(Progress(kind="progress", step=step, done=done, total=total))

    return each


def _sealed(
    services: Services,
    request: PlanRequest,
    kb: str | None,
    state: KbState,
    *,
    origin: Origin,
    steps: Sequence[PlanStep],
    files: Sequence[PlannedFile],
    resources: dict[str, Any],
    embedder: str,
    archives: dict[str, str] | None = None,
    kept: Policy | None = None,
    **more: Any,
) -> Plan:
    home, user, policy = services.home, services.user, kept or request.policy
    with_times, time = timed(services, steps, files, resources["embeddings"])
    if more.get("dry_run"):  # what it would take is what was asked
        _, time = timed(services, ingest_steps(kb or "", files, policy), files, resources["embeddings"])
    base = Base(
        kb_revision=state.revision, journeys_ended=home.ledger.ended(user.tenant, kb, "data_ingest"), parser=PARSER,
        chunker=chunker_id(policy.chunk), embedder=embedder, policy_digest=request.policy.digest,
        archives=archives or {},
    )  # fmt: skip
    return Plan(
        kb=kb, tenant=user.tenant, owner=user.user, request=request.request, parent=request.parent, origin=origin,
        paths=tuple(os.fspath(path) for path in request.paths if not isinstance(path, tuple)),
        steps=with_times, files=tuple(files), summary=_summary(files), estimated_time=time,
        resources={**resources, **foreseen(services, steps, policy)},
        base=base, policy=policy.model_dump(mode="json"), generated_at=home.clock.now(), **more,
    ).sealed()  # fmt: skip


def _summary(files: Sequence[PlannedFile]) -> Summary:
    counts: Counter[str] = Counter("remove" if file.action == "hide" else file.action for file in files)
    warned = sum(bool(file.warnings) for file in files if file.action in ("add", "replace"))
    return Summary(**counts, warn=warned)


def _no_source(kb: str, source: str, state: KbState) -> NotFound:
    near = difflib.get_close_matches(source, state.sources, n=1)
    return NotFound(
        f"kb {kb!r} has no source {source!r}",
        cause=f"did you mean {near[0]!r}?" if near else f"it has {count(len(state.sources), 'source')}",
        state="nothing was changed",
        next=f"milepost search TEXT --kb {shlex.quote(kb)}",
        instead=(source, near[0]) if near else (),
    )
