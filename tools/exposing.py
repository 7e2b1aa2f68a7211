"""Expose: everybody sees the journey's files at once, in one publish; the index follows."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ..store.content import batched
from ..store.faults import faultpoint
from ..store.journey_files import FileRow
from ..store.kb import Kb
from ..store.knowledge import Staged
from ..store.plan import canonical_json
from ..store.revisions import Change, Published, SourceState, state_at
from .steps import StepDeclaration, StepOutcome, StepRun, failed
from .upload import digest_of
from .waiting import prepared, vectors_of

BATCH = 50


def run(ctx: StepRun) -> StepOutcome:
    """Stage every embedded file, publish them together, and let the index follow."""
    home = ctx.services.home
    if (later := held_until(ctx)) is not None:
        return StepOutcome(post={"held_until": later})
    kb = home.knowledge.by_id(ctx.kb_id)
    twins = _twins(ctx)
    rows = _with_twins(ctx, _concerned(ctx), twins)
    if "sources" in ctx.step.args:
        vectors_of(ctx, [row for row in rows if row.action in ("add", "replace")])
    staged: list[tuple[FileRow, Change]] = []
    for batch in batched(rows, BATCH):
        ctx.services.check()
        with home.record.write(lazy=True):
            staged += [(row, _change(ctx, kb, row, twins)) for row in batch]
        ctx.tell(len(staged), len(rows))
    faultpoint("expose.before_publish")
    published = publish_files(ctx, staged)
    faultpoint("expose.after_publish")
    follow(ctx)
    post = {"revision": published.after, "chunks_added": published.added, "chunks_removed": published.removed}
    return StepOutcome(post=post, units=float(published.added + published.removed), committed=True)


def held_until(ctx: StepRun) -> str | None:
    """The moment before which nothing may go live, as long as it has not come."""
    said = ctx.step.args.get("not_before")
    now = datetime.fromisoformat(ctx.services.home.clock.now())
    if said is None or datetime.fromisoformat(said).astimezone() <= now:  # without an offset it is this machine's
        return None
    return str(said)


def publish_files(ctx: StepRun, staged: list[tuple[FileRow, Change]]) -> Published:
    """One transaction: the revision, every file's outcome, the receipt."""
    home = ctx.services.home
    with home.record.write() as writing:
        head = home.knowledge.by_id(ctx.kb_id).head
        there = state_at(writing, ctx.kb_id, head, [change.source_id for _, change in staged])
        published = home.knowledge.publish(
            ctx.kb_id,
            [change for _, change in staged],
            journey_id=ctx.journey_id,
            user=ctx.services.user.user,
            restorable=ctx.policy.restorable,
        )
        ctx.keep([_exposed(writing, row, there.get(change.source_id)) for row, change in staged])
        if published.after != published.before:  # otherwise the head may be another journey's work
            first = writing.execute(
                "SELECT min(revision) FROM revisions WHERE journey_id = ? AND kb_id = ?", (ctx.journey_id, ctx.kb_id)
            ).fetchone()[0]
            before = published.before if first == published.after else None
            home.ledger.set_revisions(ctx.journey_id, after=published.after, before=before)
        post = {"revision": published.after, "chunks_added": published.added, "chunks_removed": published.removed}
        writing.execute(
            "UPDATE receipts SET state = 'received', post = ?, received = ? WHERE journey_id = ? AND step_id = ?"
            " AND state = 'intended'",
            (canonical_json(post), home.clock.now(), ctx.journey_id, ctx.step.id),
        )
    return published


def follow(ctx: StepRun) -> None:
    """Bring the collection to the commit; with rollback off, what this journey replaced is released then."""
    home = ctx.services.home
    home.open_index(ctx.kb_id)
    home.follower.follow(ctx.kb_id, prove=ctx.policy.prove)
    kb = home.knowledge.by_id(ctx.kb_id)
    if kb.floor == kb.head and not ctx.policy.restorable:
        home.knowledge.release(ctx.kb_id)


def subject(ctx: StepRun) -> dict[str, Any]:
    """What this publish is about: the kb, and the files with their contents."""
    return {"kb": ctx.plan.kb, **digest_of(_concerned(ctx))}


def remove(ctx: StepRun) -> StepOutcome:
    """Take sources out of a kb, or out of search only: a publish like any other."""
    return run(ctx)


def _concerned(ctx: StepRun) -> list[FileRow]:
    """Files that are ready, sources that are to go, and duplicates that become claims."""
    rows = ctx.services.home.ledger.to_expose(ctx.journey_id)
    if "sources" in ctx.step.args:
        rows = prepared(ctx, rows)
        ctx.keep([row for row in rows if row.outcome == "failed"])
    ready = [row for row in rows if row.outcome in (None, "staged") and row.stage == "embedded"]
    leaving = [row for row in rows if row.outcome is None and row.action in ("remove", "hide")]
    claims = [row for row in rows if row.outcome == "skipped" and row.reason == "duplicate"]
    return ready + leaving + claims


def _with_twins(ctx: StepRun, rows: list[FileRow], twins: dict[str, int]) -> list[FileRow]:
    """The rows without duplicates of something that could not be taken: those fail, and a resume takes them."""
    alone = [row for row in rows if row.action == "skip" and row.sha256 not in twins]
    why = "{}, which could not be taken; resume takes this one"
    ctx.keep([replace(failed(row, "unreadable", why.format(row.detail or "its twin")), action="add") for row in alone])
    return [row for row in rows if row not in alone]


def _change(ctx: StepRun, kb: Kb, row: FileRow, twins: dict[str, int]) -> Change:
    knowledge = ctx.services.home.knowledge
    if row.action in ("remove", "hide"):
        return Change(knowledge.source_id(kb.kb_id, row.source), None)
    claim = row.action == "skip"
    parsed_id = twins[row.sha256] if claim else row.parsed_id
    assert parsed_id is not None
    made: Staged = knowledge.stage(
        kb, row.source, parsed_id, sha256=row.sha256, size=row.bytes, claim=claim, modified=_modified(row)
    )  # fmt: skip
    return Change(made.source_id, SourceState(made.version_id, claim))


def _modified(row: FileRow) -> int:
    """When the file last changed, in nanoseconds; 0 for what came as bytes, or is gone."""
    try:
        return 0 if row.path == row.source else Path(row.path).stat().st_mtime_ns
    except (OSError, ValueError):
        return 0


def _twins(ctx: StepRun) -> dict[str, int]:
    """The parse result of each content that is shown in the kb, or will be by this journey: by its SHA-256."""
    home = ctx.services.home
    with home.record.read() as reading:
        shown = reading.execute(
            "SELECT v.sha256, v.parsed_id FROM source_spans s JOIN versions v USING (version_id)"
            " WHERE s.kb_id = ? AND s.gone IS NULL AND NOT s.claim",
            (ctx.kb_id,),
        ).fetchall()
    coming = [row for row in home.ledger.files(ctx.journey_id) if row.parsed_id is not None and row.action != "skip"]
    return {row[0]: row[1] for row in shown} | {row.sha256: row.parsed_id for row in coming if row.parsed_id}


def _exposed(reading: sqlite3.Connection, row: FileRow, there: SourceState | None) -> FileRow:
    """The file as it ended; one that was rejected when it was planned may replace a source all the same.

    What is hidden keeps its content at hand, to be found again.
    """
    action = "replace" if there and row.action == "add" else row.action
    if action == "hide" and there is not None:
        version = reading.execute("SELECT * FROM versions WHERE version_id = ?", (there.version_id,)).fetchone()
        row = replace(
            row, parsed_id=version["parsed_id"], sha256=version["sha256"], bytes=version["bytes"],
            chunks=version["chunks"],
        )  # fmt: skip
    ended = {"add": "added", "replace": "replaced", "remove": "removed", "skip": "skipped", "hide": "hidden"}
    return replace(row, stage="exposed", outcome=ended[action])


EXPOSE = StepDeclaration("expose", "expose_complete", run, subject, inside=True)
REMOVE = StepDeclaration("remove", "remove_complete", remove, subject, inside=True)
HIDE = StepDeclaration("hide", "hide_complete", remove, subject, inside=True)
