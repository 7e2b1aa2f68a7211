"""Results as text for people: columns that fit 80 characters, shortened ids, cleaned names."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .store.plan_text import NO_FILES, limit
from .store.words import clean, count, duration, short_id
from .timeline_text import Signs, drawn

if TYPE_CHECKING:
    from .store.records import (
        Checkpoint,
        Event,
        FileOutcome,
        Journey,
        KbDiff,
        RevisionInfo,
        SearchHit,
        VerifyReport,
    )

LIMIT = 50
SIGNS = {
    "added": "+", "replaced": "~", "removed": "-", "skipped": "=", "rejected": "!", "failed": "!", "staged": "+",
    "hidden": "-",
}  # fmt: skip


def columns(heads: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """Rows under their heads, two spaces apart; the columns numbered in `right` end at one place."""
    table = [list(heads), *([clean(cell) for cell in row] for row in rows)]
    widths = [max(len(row[at]) for row in table) for at in range(len(heads))]
    lines = (
        "  ".join(f"{cell:>{width}}" if at in right else f"{cell:<{width}}" for at, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in table)
    )
    return "\n".join(line.rstrip() for line in lines)


def moment(timestamp: str | None) -> str:
    """A time stamp to the minute, as it is kept: UTC."""
    return (timestamp or "")[:16].replace("T", " ")


def journey_text(journey: Journey, *, everything: bool = False) -> str:
    """How a journey ended, what became of each file, and the next command."""
    lines = [_journey_head(journey), *_outcomes(journey.files, everything)]
    if journey.detail:
        lines.append(f"  {clean(journey.detail)}")
    lines.append(f"{_journey_sum(journey)}.")
    return "\n".join([*lines, *journey_next(journey)])


def _journey_head(journey: Journey) -> str:
    kb = f"  kb {clean(journey.kb)}" if journey.kb else ""
    seconds = sum(step.seconds or 0.0 for step in journey.steps)
    took = f"  {duration(seconds)}" if seconds else ""
    status = journey.status.replace("_", " ")
    revision = f"  revision {_revisions(journey)}" if journey.kb else f"  {clean(journey.journey_type)}"
    return f"Journey {short_id(journey.journey_id)}{kb}  {status}{revision}{took}"


def _revisions(journey: Journey) -> str:
    before, after = journey.revision_before, journey.revision_after
    return f"{before} > {after}" if before != after else f"{after}"


def _outcomes(files: Sequence[FileOutcome], everything: bool) -> list[str]:
    kinds = {kind: [file for file in files if file.outcome == kind] for kind in SIGNS}
    shown = {kind: of if everything else of[: limit(kind)] for kind, of in kinds.items()}
    names = [len(clean(file.source)) for of in shown.values() for file in of]
    width = max([24, *(min(length, 60) for length in names)])
    lines: list[str] = []
    for kind, of in kinds.items():
        start = f"  {SIGNS[kind]} {kind:<8}"
        lines += [f"{start} {_outcome(file, width)}".rstrip() for file in shown[kind]]
        more = len(of) - len(shown[kind])
        lines += [f"{start} ... and {more} more (--verbose shows all)"] if more else []
    return lines


def _outcome(file: FileOutcome, width: int) -> str:
    said = file.detail or (file.reason or "").replace("_", " ")
    note = clean("; ".join([*([said] if said else []), *file.warnings]))
    if file.outcome not in ("added", "replaced", "staged"):
        return f"{clean(file.source):<{width}}  {note}"
    unit = "chunk" if file.chunks == 1 else "chunks"
    return f"{clean(file.source):<{width}} {file.chunks:>4} {unit:<6}  {note}"


def _journey_sum(journey: Journey) -> str:
    tally: Counter[str] = Counter(file.outcome for file in journey.files)
    parts = [f"{tally[kind]} {kind}" for kind in SIGNS if tally[kind]]
    idle = journey.revision_before == journey.revision_after and not tally["staged"]
    uploads = any(step.action == "upload" for step in journey.steps)
    if journey.status == "completed" and idle and (journey.files or uploads):
        return f"Nothing to do: {', '.join(parts) or NO_FILES}"
    if journey.kb is None or journey.journey_type not in ("data_ingest", "rollback"):
        parts.append(_steps_done(journey))
    if journey.kb is None:
        return ", ".join(parts)
    return ", ".join([*parts, f"{count(journey.embeddings_computed, 'embedding')} computed"])


def _steps_done(journey: Journey) -> str:
    tally: Counter[str] = Counter(step.status for step in journey.steps)
    rest = [f"{tally[status]} {status}" for status in ("failed", "undone", "running", "pending") if tally[status]]
    return ", ".join([f"{tally['done']} of {count(len(journey.steps), 'step')} done", *rest])


def journey_next(journey: Journey) -> list[str]:
    """The command that goes on from a journey, as a line; none where there is nothing to go on with."""
    mine = short_id(journey.journey_id)
    if journey.status == "awaiting_approval":
        return [f"Approve with: milepost approve {short_id(journey.plan_id)}"]
    if journey.status in ("failed", "interrupted", "partial", "compensated", "compensation_failed"):
        verb = "Retry what was rejected or failed" if journey.status == "partial" else "Go on"
        return [f"{verb} with: milepost resume {mine}", *_undo(journey)]
    if journey.status == "needs_attention":
        return [f"Try once more with: milepost resume {mine}", *_undo(journey)]
    if any(file.outcome == "staged" for file in journey.files):
        return [f"Expose with: milepost resume {mine}"]
    return _undo(journey)


def _undo(journey: Journey) -> list[str]:
    own = journey.journey_type not in ("data_ingest", "rollback") and any(s.status == "done" for s in journey.steps)
    changed = journey.revision_before != journey.revision_after or own
    if not changed or not journey.checkpoints or journey.status == "rolled_back":
        return []
    return [f"Undo with: milepost rollback --journey {short_id(journey.journey_id)}"]


def journey_table(journeys: Sequence[Journey]) -> str:
    """Journeys, one a line."""
    rows = [
        (
            short_id(one.journey_id), one.kb or "", one.status.replace("_", " "), _revisions(one),
            moment(one.started_at), "" if one.journey_type == "data_ingest" else one.journey_type,
        )
        for one in journeys
    ]  # fmt: skip
    return columns(("JOURNEY", "KB", "STATUS", "REVISION", "STARTED (UTC)", "TYPE"), rows)


def status_text(
    journey: Journey,
    timeline: Sequence[Event],
    *,
    width: int = 80,
    signs: Signs | None = None,
    everything: bool = False,
) -> str:
    """One journey with its steps on a line of time, its checkpoints and what happened; `width` in columns."""
    blocks = [journey_text(journey, everything=everything)]
    if journey.steps:
        from .tools.track import track

        blocks.append(drawn(track(journey), width, signs or Signs(), everything=everything))
    if journey.orchestration == "structured" and journey.milestones:
        come = [(one.milestone_id, one.step, one.status) for one in journey.milestones]
        blocks.append(columns(("MILESTONE", "STEP", "STATUS"), come))
    if journey.checkpoints:
        blocks.append(checkpoint_table(journey.checkpoints, width=width))
    if timeline:
        events = timeline if everything else timeline[-LIMIT:]
        clock = slice(11 if width < 60 else 0, 19)
        told = [
            (event.timestamp[clock].replace("T", " "), textwrap.shorten(event.user, 12, placeholder="..."),
             event.kind, _brief(event.detail))
            for event in events
        ]  # fmt: skip
        blocks.append(columns(("TIME (UTC)", "BY", "EVENT", ""), told))
    return "\n\n".join(blocks)


def _brief(detail: dict[str, Any]) -> str:
    told = [
        f"{key}={short_id(value) if isinstance(value, str) else value}"
        for key, value in detail.items()
        if isinstance(value, str | int | float) and value != ""
    ]
    return textwrap.shorten(clean(" ".join(told)), 32, placeholder="...")


def checkpoint_table(checkpoints: Sequence[Checkpoint], *, width: int = 80) -> str:
    """Checkpoints, one a line; where there are less than 76 columns, only where each leads and until when."""
    rows = [
        (
            short_id(one.checkpoint_id), one.kb or "", str(one.revision), moment(one.timestamp),
            _until(one.available_until),
        )
        for one in checkpoints
    ]  # fmt: skip
    if width < 76:
        few = [(name, until) for name, _, _, _, until in rows]
        return columns(("CHECKPOINT", "UNDO UNTIL"), few)
    return columns(("CHECKPOINT", "KB", "REV", "TAKEN (UTC)", "UNDO UNTIL"), rows, right=(2,))


def _until(available: str | None, said: str = "") -> str:
    """Until when an undo is available; of one that has ended, that the next `gc` may take it."""
    if available is None:
        return "for ever"
    over = datetime.fromisoformat(available) <= datetime.now(UTC)
    return f"{said or available[:10]}{' (ended)' if over else ''}"


def checkpoint_text(checkpoint: Checkpoint) -> str:
    """One checkpoint, a fact a line."""
    facts = [
        ("Checkpoint", checkpoint.checkpoint_id), ("Milestone", checkpoint.milestone_id),
        ("Journey", checkpoint.journey_id), ("KB", checkpoint.kb or ""),
        ("Revision", str(checkpoint.revision)), ("Taken", moment(checkpoint.timestamp)),
        ("Undo until", _until(checkpoint.available_until, moment(checkpoint.available_until))),
        ("Handler", checkpoint.rollback_handler or "none"),
    ]  # fmt: skip
    lines = [f"{name:<11} {clean(value)}" for name, value in facts]
    return "\n".join([*lines, f"Go back with: milepost rollback {short_id(checkpoint.checkpoint_id)}"])


def hits_text(hits: Sequence[SearchHit], width: int, *, everything: bool = False) -> str:
    """Answers, best first, each with where it is from and its text, wrapped."""
    blocks: list[str] = []
    for hit in hits:
        head = f"{hit.rank}  {hit.score:.2f}  {clean(hit.source)}{_place(hit.location)}"
        head += f"  for {clean(hit.audience)} only" if hit.audience else ""
        lines = textwrap.wrap(clean(" ".join(hit.text.split()), limit=100_000), width - 3)
        cut = lines if everything or len(lines) <= 6 else [*lines[:6], "..."]
        blocks.append("\n".join([head, *(f"   {line}" for line in cut)]))
    return "\n\n".join(blocks)


def _place(location: dict[str, Any]) -> str:
    parts: list[str] = []
    if location.get("page") is not None:
        parts.append(f"page {location['page']}")
    if location.get("rows"):
        parts.append(f"rows {' to '.join(str(row) for row in location['rows'])}")
    if location.get("heading"):
        parts.append(f'"{clean(str(location["heading"]), limit=60)}"')
    return f"  ({', '.join(parts)})" if parts else ""


def revision_table(revisions: Sequence[RevisionInfo]) -> str:
    """A kb's revisions, one a line."""
    rows = [
        (
            str(one.revision), moment(one.timestamp), textwrap.shorten(one.user, 12, placeholder="..."),
            short_id(one.journey_id), f"+{one.added}", f"-{one.removed}",
            "" if one.restorable else "not restorable",
        )
        for one in revisions
    ]  # fmt: skip
    heads = ("REV", "TIME (UTC)", "USER", "JOURNEY", "ADDED", "GONE", "")
    return columns(heads, rows, right=(0, 4, 5))


def diff_text(diff: KbDiff) -> str:
    """What changed between two revisions."""
    lines = [f"  + {clean(name)}" for name in diff.sources_added]
    lines += [f"  - {clean(name)}" for name in diff.sources_removed]
    lines += [f"  ~ {clean(name)}" for name in diff.sources_changed]
    total = f"{count(diff.chunks_added, 'chunk')} added, {count(diff.chunks_removed, 'chunk')} removed."
    return "\n".join([*lines, total])


_FOUND = "each found by its own vector."
_CROWDED = (
    "The others are in the collection as they were written, but hundreds of chunks with one and the same vector keep\n"
    "Chroma's own search from them. milepost search is exact and finds them."
)


def verify_text(kb: str, report: VerifyReport) -> str:
    """What comparing the record with the store found."""
    if report.ok:
        reached = report.chunks_found - len(report.crowded)
        whole = f"kb {clean(kb)} is whole: {count(report.chunks_found, 'chunk')}, "
        return whole + (f"{reached} found by their own vector.\n{_CROWDED}" if report.crowded else _FOUND)
    kinds = {
        "missing": report.missing, "extra": report.extra, "differing": report.differing,
        "unsearchable": report.unsearchable,
    }  # fmt: skip
    found = ", ".join(f"{len(ids)} {kind}" for kind, ids in kinds.items() if ids)
    return f"kb {clean(kb)} is damaged: {report.chunks_found} of {report.chunks_expected} chunks; {found}."
