"""Sources that are ready and not searchable, staged or hidden: what makes them ready to be exposed."""

from __future__ import annotations

from dataclasses import replace

from ..store.audience import AUDIENCE, audience_name, audience_of
from ..store.content import batched
from ..store.journey_files import FileRow
from .chosen_before import choices_of
from .embedders import checked_embed
from .parsing import parse_blob
from .steps import StepRun, failed

BATCH_CHUNKS = 1_000


def prepared(ctx: StepRun, rows: list[FileRow]) -> list[FileRow]:
    """A plan's rows about sources that wait, with the content that each was made ready with; no file is read."""
    home = ctx.services.home
    waits = {source: (journey_id, row) for source, journey_id, row in home.ledger.waiting(ctx.kb_id)}
    found: list[FileRow] = []
    for row in rows:
        if row.stage != "planned" or row.action not in ("add", "replace"):
            found.append(row)
        elif row.source in waits:
            found.append(_from(row, _for_audience(ctx, waits[row.source][1])))
        else:
            found.append(failed(row, "unreadable", "it no longer waits to be exposed; plan again"))
    return found


def vectors_of(ctx: StepRun, rows: list[FileRow]) -> int:
    """Compute the vectors that are missing, where sources waited longer than those were kept; returns how many."""
    home = ctx.services.home
    embedder = home.embedder()
    model = home.content.model(embedder.name, embedder.dimensions)
    pieces = {piece.text_id for row in rows for piece in home.content.pieces(row.parsed_id or 0)}
    missing = home.content.without_vector(model, pieces) if pieces else []
    for some in batched(missing, BATCH_CHUNKS):
        ctx.services.check()
        texts = home.content.texts(some)
        vectors = checked_embed(embedder, [texts[text_id] for text_id in some])
        with home.record.write(lazy=True):
            home.content.store_vectors(model, some, vectors)
            home.ledger.count_embeddings(ctx.journey_id, len(some))
    return len(missing)


def _for_audience(ctx: StepRun, ready: FileRow) -> FileRow:
    """What is ready, marked for the audience that this step names: cut up as it was, from the upload, if it was not."""
    wanted = ctx.step.args.get("audience")
    chunker = ctx.services.home.content.parsed_by_id(ready.parsed_id or 0).chunker
    if wanted is None or audience_of(chunker) == audience_name(wanted):
        return ready
    if not ctx.services.home.blobs.has(ready.sha256):
        return failed(ready, "unreadable", "it was not made ready for them, and its upload is gone; ingest it again")
    chunk = choices_of(chunker)
    others = [tag for tag in chunk.tags if not tag.startswith(f"{AUDIENCE}=")]
    marked = chunk.model_copy(update={"tags": (*others, f"{AUDIENCE}={wanted}"), "asked": True})
    made = parse_blob(ctx.services, ready, ctx.policy.model_copy(update={"chunk": marked}))
    if isinstance(made, tuple):
        return failed(ready, made[0], made[1] or "")
    return replace(ready, parsed_id=made.parsed_id, chunks=made.chunks)


def _from(row: FileRow, ready: FileRow) -> FileRow:
    if ready.outcome == "failed":
        return failed(row, ready.reason or "unreadable", ready.detail or "")
    return replace(
        row, stage="embedded", parsed_id=ready.parsed_id, hint=ready.hint, sha256=ready.sha256, bytes=ready.bytes,
        chunks=ready.chunks,
    )  # fmt: skip
