"""Sources that are ready and not searchable, staged or hidden: what makes them ready to be exposed."""

from __future__ import annotations

from dataclasses import replace

from ..store.content import batched
from ..store.journey_files import FileRow
from .embedders import checked_embed
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
            found.append(_from(row, waits[row.source][1]))
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


def _from(row: FileRow, ready: FileRow) -> FileRow:
    return replace(
        row, stage="embedded", parsed_id=ready.parsed_id, hint=ready.hint, sha256=ready.sha256, bytes=ready.bytes,
        chunks=ready.chunks,
    )  # fmt: skip
