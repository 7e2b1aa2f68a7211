"""Upload: every file of the plan lies in the blobs, by its SHA-256, before anything is made of it."""

from __future__ import annotations

import errno
import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..store.blobs import CannotRead, ChangedWhileReading
from ..store.content import ParseKey, batched
from ..store.faults import faultpoint
from ..store.journey_files import FileRow
from ..store.places import exists
from .chunk import chunker_id
from .members import Again, opened_again
from .parse import PARSER
from .steps import BATCH_FILES, StepDeclaration, StepOutcome, StepRun, failed, rejected


def run(ctx: StepRun) -> StepOutcome:
    """Stream what is missing into the blobs, in batches."""
    waiting = [row for row in ctx.files("planned") if row.action in ("add", "replace")]
    inputs = ctx.services.home.plans.inputs(ctx.plan.plan_id)
    size = done = 0
    with opened_again(ctx, waiting) as again:
        for batch in batched(waiting, BATCH_FILES):
            ctx.services.check()
            folders: set[Path] = set()
            rows = [_uploaded(ctx, row, inputs, again.get(row.path), folders) for row in batch]
            ctx.services.home.blobs.sync(folders)
            faultpoint("upload.before_ledger")
            ctx.keep(rows)
            faultpoint("upload.after_batch")
            size += sum(row.bytes for row in rows)
            done += len(rows)
            ctx.tell(done, len(waiting))
    return StepOutcome(post={"files": len(waiting), "bytes": size}, units=float(size))


def subject(ctx: StepRun) -> dict[str, Any]:
    """What this upload is about: the files, by one hash over source and content."""
    return {"kb": ctx.plan.kb, **digest_of(ctx.files("planned"))}


def digest_of(rows: list[FileRow]) -> dict[str, Any]:
    """A count and one hash over the files' sources and contents: a handle, whatever their number."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(f"{row.source}\0{row.sha256}\0{row.action}\n".encode())
    return {"files": len(rows), "sha256": digest.hexdigest()}


def suffix_of(source: str) -> str:
    """The lower-case suffix of a source's name: a hint for its type."""
    return Path(source).suffix.lower()


def _uploaded(ctx: StepRun, row: FileRow, inputs: dict[str, str], again: Again | None, unsynced: set[Path]) -> FileRow:
    blobs = ctx.services.home.blobs
    hint = suffix_of(row.source)
    if row.sha256 and blobs.has(row.sha256):
        return replace(row, stage="uploaded", hint=hint)
    path = Path(row.path)
    gone = row.source in inputs or not exists(path)
    if gone and _is_parsed(ctx, row, hint):  # undone uploads of bytes that came without a file
        return replace(row, stage="uploaded", hint=hint)
    if again is not None and again.reason:
        return rejected(row, again.reason, again.detail)
    if again is not None and again.file is not None:
        path = again.file
    elif gone:
        return failed(row, "unreadable", f"{row.path} is no longer there; plan again with the file")
    try:
        sha256, size = blobs.put_file(path, unsynced)
    except ChangedWhileReading:
        return failed(row, "changed_while_reading", "the file changed while it was read; plan again")
    except CannotRead as refused:
        return failed(row, "unreadable", _unreadable(refused))
    if row.sha256 and sha256 != row.sha256:
        return failed(row, "changed_while_reading", "the file is not the one that was planned; plan again")
    return replace(row, stage="uploaded", sha256=sha256, bytes=size, hint=hint)


def _unreadable(refused: OSError) -> str:
    if refused.errno == errno.EISDIR:  # when it was planned, nobody could look into it
        return "a folder, and folders are looked into by a plan; ingest it again"
    return f"{refused.strerror or refused}; make it readable, or leave it out"


def _is_parsed(ctx: StepRun, row: FileRow, hint: str) -> bool:
    key = ParseKey(row.sha256, hint, PARSER, chunker_id(ctx.policy.chunk))
    return ctx.services.home.content.parsed(key) is not None


UPLOAD = StepDeclaration("upload", "upload_complete", run, subject)
