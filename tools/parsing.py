"""Parse: every uploaded file becomes chunks of text, in the sandbox, once for each content."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..store.content import ParsedFile, ParseKey, batched
from ..store.faults import faultpoint
from ..store.journey_files import FileRow
from ..store.policy import Policy
from .chunk import chunker_id
from .parse import PARSER
from .services import Services
from .steps import StepDeclaration, StepOutcome, StepRun, rejected
from .upload import digest_of

BATCH = 20
FLEETING = frozenset({"too_slow", "too_large", "corrupt"})
"""Rejections that another try, with other limits or another parser, may not meet again: never kept."""


def run(ctx: StepRun) -> StepOutcome:
    """Parse what has no result yet; a file that yields no text is rejected with its reason."""
    waiting = ctx.files("uploaded")
    done = chunks = 0
    for batch in batched(waiting, BATCH):
        ctx.services.check()
        faultpoint("parse.before_batch")
        rows = [_parsed(ctx, row) for row in batch]
        faultpoint("parse.before_ledger")
        ctx.keep(rows)
        done, chunks = done + len(rows), chunks + sum(row.chunks for row in rows)
        ctx.tell(done, len(waiting))
    return StepOutcome(post={"files": len(waiting), "chunks": chunks}, units=float(max(1, chunks)))


def subject(ctx: StepRun) -> dict[str, Any]:
    """What this parsing is about: the files, and who parses."""
    return {"parser": PARSER, "chunker": chunker_id(ctx.policy.chunk), **digest_of(ctx.files("uploaded"))}


def parse_blob(services: Services, row: FileRow, policy: Policy) -> ParsedFile | tuple[str, str | None]:
    """The result of parsing an uploaded file, from the cache where it is there; or why there is none."""
    home = services.home
    key = ParseKey(row.sha256, row.hint, PARSER, chunker_id(policy.chunk))
    known = home.content.parsed(key)
    if known is not None:
        return known
    with home.blobs.opened(row.sha256) as path:
        found = services.pool.parse(path, row.source, chunk=policy.chunk, limits=policy.limits)
    if found.reason in FLEETING:
        return found.reason, found.detail
    return home.content.store_parsed(
        key, media_type=found.media_type, drafts=found.chunks, warnings=found.warnings, reason=found.reason,
        detail=found.detail, parsed_by=found.parser,
    )  # fmt: skip


def _parsed(ctx: StepRun, row: FileRow) -> FileRow:
    found = parse_blob(ctx.services, row, ctx.policy)
    if isinstance(found, tuple):
        return rejected(row, *found)
    if found.reason is not None or not found.chunks:
        return rejected(row, found.reason or "no_text", found.detail)
    return replace(row, stage="parsed", parsed_id=found.parsed_id, chunks=found.chunks, warnings=found.warnings)


PARSE = StepDeclaration("parse", "parse_complete", run, subject, inside=True)
