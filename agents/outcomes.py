"""What became of journeys, and what a planner learns from it: numbers, examples, and hints that a person may take.

Outcomes are documents of one tenant; nobody else's are ever read. They hold types, counts, codes and folders, and the
requests in the words of those who asked: no text of a document, no name of a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from ..store.journey_files import FileRow
from ..store.librarian import Document
from ..store.plan import Plan
from ..store.records import Journey
from ..tools.services import Services
from .likeness import ALIKE, likenesses

OUTCOME = "journey_outcome"
_LOOKED_AT = 200
"""Outcomes that are read, the newest."""
_EXAMPLES = 3
_LONGEST = 300
_SEEN = 5
_OFTEN = 0.6
"""How many files of a kind, and which share of them, were rejected before it is worth a hint."""
_ENDED_WELL = ("completed", "partial")
_ENDED_BADLY = ("rolled_back", "failed", "compensated", "compensation_failed")


def outcome_document(journey: Journey, plan: Plan, rows: Sequence[FileRow]) -> Document:
    """What a journey came to, as the librarian keeps it."""
    content = {
        **journey.model_dump(mode="json", exclude={"files"}),
        "request": plan.request,
        "origin": plan.origin.model_dump(mode="json"),
        "repairs": max(0, plan.origin.attempts - 1),
        "actions": [step.action for step in plan.steps],
        "options": _options(plan),
        "estimated": plan.estimated_time.model_dump(mode="json"),
        "seconds": sum(step.seconds or 0.0 for step in journey.steps),
        "kinds": _kinds(plan, rows),
    }
    return Document(f"outcome_{journey.journey_id}", content, {"type": OUTCOME}, journey.tenant, journey.journey_id)


def outcomes(services: Services) -> list[dict[str, Any]]:
    """This tenant's newest outcomes, each with its journey's status as it is now: rolled back ones say so."""
    tenant = services.user.tenant
    documents = services.home.librarian.documents(type=OUTCOME, tenant=tenant)
    now = {one.journey_id: str(one.status) for one in services.home.ledger.journeys(tenant)}
    found = [document["content"] for document in documents][-_LOOKED_AT:]
    return [{**one, "status": now.get(str(one.get("journey_id")), one.get("status"))} for one in found]


def examples(services: Services, request: str | None, kb: str | None) -> dict[str, Any]:
    """Earlier requests like this one: `good` ended well, `bad` were taken back or failed ("don't"). May be empty."""
    ended = [one for one in reversed(outcomes(services)) if kb is None or one.get("kb") == kb]
    likeness = zip(likenesses(request, [one.get("request") for one in ended]), ended, strict=True)
    ranked = sorted(likeness, key=lambda item: item[0], reverse=True)  # of equal ones the newest first
    alike = [one for like, one in ranked if like >= ALIKE]
    good = [_example(one) for one in alike if one.get("status") in _ENDED_WELL]
    bad = [_example(one) for one in alike if one.get("status") in _ENDED_BADLY]
    return {"good": good[:_EXAMPLES], "bad": bad[:_EXAMPLES]} if good or bad else {}


def habits(services: Services) -> list[dict[str, Any]]:
    """Kinds of files that were mostly rejected: `folder`, `suffix`, `reason`, `rejected`, `seen`."""
    seen: Counter[tuple[str, str]] = Counter()
    rejected: dict[tuple[str, str], Counter[str]] = {}
    for one in outcomes(services):
        for kind in _listed(one.get("kinds")):
            place = (str(kind.get("folder")), str(kind.get("suffix")))
            seen[place] += int(kind.get("seen") or 0)
            rejected.setdefault(place, Counter()).update(dict(kind.get("rejected") or {}))
    return [
        {"folder": place[0], "suffix": place[1], "reason": why.most_common(1)[0][0], "rejected": why.total(),
         "seen": seen[place]}
        for place, why in sorted(rejected.items())
        if seen[place] >= _SEEN and why.total() >= _OFTEN * seen[place]
    ]  # fmt: skip


def kind_of(source: str) -> tuple[str, str]:
    """Folder and suffix of a source: what files are counted by."""
    path = PurePosixPath(source)
    return str(path.parent), path.suffix.lower()


def _example(one: Mapping[str, Any]) -> dict[str, Any]:
    kinds: Counter[tuple[str, str]] = Counter()
    for kind in _listed(one.get("kinds")):
        for what in ("taken", "left_out"):
            kinds[what, str(kind.get("suffix"))] += int(kind.get(what) or 0)
    return {
        "request": str(one["request"])[:_LONGEST] if one.get("request") else None,
        "ended": one.get("status"),
        "actions": one.get("actions"),
        "options": one.get("options") or {},
        "taken": {suffix: count for (what, suffix), count in kinds.items() if what == "taken" and count},
        "left_out": {suffix: count for (what, suffix), count in kinds.items() if what == "left_out" and count},
    }


def _kinds(plan: Plan, rows: Iterable[FileRow]) -> list[dict[str, Any]]:
    """For each folder and suffix how many files there were, were taken, left out, and rejected with which reason."""
    left = {file.source for file in plan.files if file.action == "skip" and file.reason == "excluded"}
    counts: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if row.action == "remove":
            continue
        kind = counts.setdefault(kind_of(row.source), {"seen": 0, "taken": 0, "left_out": 0, "rejected": Counter()})
        kind["seen"] += 1
        kind["left_out"] += row.source in left
        kind["taken"] += row.outcome in ("added", "replaced", "staged")
        if row.outcome in ("rejected", "failed") and row.reason:
            kind["rejected"][row.reason] += 1
    return [
        {"folder": folder, "suffix": suffix, **kind, "rejected": dict(kind["rejected"])}
        for (folder, suffix), kind in sorted(counts.items())
    ]


def _options(plan: Plan) -> dict[str, Any]:
    """What the steps were told besides files, chunks and kb: short plain values."""
    plain = (str, int, float, bool)
    return {
        f"{step.action}.{name}": value
        for step in plan.steps
        for name, value in step.args.items()
        if name not in ("kb", "request", "about") and isinstance(value, plain) and len(str(value)) <= _LONGEST
    }


def _listed(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
