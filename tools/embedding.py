"""Embed: every text of the parsed files gets its vector. No text that the record holds is embedded twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..store.content import batched
from ..store.faults import faultpoint
from ..store.journey_files import FileRow
from .embedders import checked_embed
from .steps import StepDeclaration, StepOutcome, StepRun
from .upload import digest_of

BATCH_CHUNKS = 1_000


def run(ctx: StepRun) -> StepOutcome:
    """Embed what has no vector yet, in batches that span files."""
    home = ctx.services.home
    embedder = home.embedder()
    model = home.content.model(embedder.name, embedder.dimensions)
    waiting = ctx.files("parsed")
    total = sum(row.chunks for row in waiting)
    done = computed = 0
    for rows in _groups(waiting):
        pieces = {piece.text_id for row in rows for piece in home.content.pieces(row.parsed_id or 0)}
        missing = home.content.without_vector(model, pieces)
        for some in batched(missing, BATCH_CHUNKS):
            ctx.services.check()
            texts = home.content.texts(some)
            vectors = checked_embed(embedder, [texts[text_id] for text_id in some])
            faultpoint("embed.before_ledger")
            with home.record.write(lazy=True):
                home.content.store_vectors(model, some, vectors)
                home.ledger.count_embeddings(ctx.journey_id, len(some))
            faultpoint("embed.after_batch")
            computed += len(some)
        ctx.keep([replace(row, stage="embedded") for row in rows])
        done += sum(row.chunks for row in rows)
        ctx.tell(done, total, "chunks")
    return StepOutcome(post={"chunks": total, "embeddings": computed, "model": embedder.name}, units=float(computed))


def subject(ctx: StepRun) -> dict[str, Any]:
    """What this embedding is about: the files and the model."""
    return {"model": ctx.services.home.embedder().name, **digest_of(ctx.files("parsed"))}


def _groups(rows: list[FileRow]) -> Iterator[list[FileRow]]:
    """Files together until they make a batch of chunks."""
    group: list[FileRow] = []
    size = 0
    for row in rows:
        group.append(row)
        size += row.chunks
        if size >= BATCH_CHUNKS:
            yield group
            group, size = [], 0
    if group:
        yield group


EMBED = StepDeclaration("embed", "embed_complete", run, subject, inside=True)
