"""Giving content up: versions and their chunks, parse results, texts with their vectors; never what is still held."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from . import lexical
from .compressed import expanded
from .content import IN_LIST, batched, marks
from .kb import Kb
from .revisions import unpack_slots


@dataclass(frozen=True)
class Freed:
    """What was given up: rows, and the bytes of texts and vectors in them."""

    texts: int = 0
    bytes: int = 0


def release_revisions(writing: sqlite3.Connection, kb: Kb, revisions: Collection[int]) -> int:
    """Give up what these revisions replaced, where nothing kept shows it; returns how many chunks went.

    Who changed which source stays known. A revision that replaced nothing stays one that can be gone back across.
    """
    for some in batched(sorted(revisions), IN_LIST):
        which = f"kb_id = ? AND gone IN ({marks(some)})"
        writing.execute(
            "UPDATE revisions SET restorable = 0"
            f" WHERE kb_id = ? AND revision IN (SELECT gone FROM source_spans WHERE {which})",
            (kb.kb_id, kb.kb_id, *some),
        )
        writing.execute(f"DELETE FROM spans WHERE {which}", (kb.kb_id, *some))
    needed = (
        "SELECT s.version_id FROM source_spans s LEFT JOIN revisions q ON q.kb_id = s.kb_id AND q.revision = s.gone"
        " WHERE s.kb_id = ?1 AND (s.gone IS NULL OR q.restorable)"
    )
    rows = writing.execute(
        "SELECT version_id, source_id, slots FROM versions WHERE kb_id = ?1 AND NOT released"
        f" AND version_id NOT IN ({needed})",
        (kb.kb_id,),
    ).fetchall()
    # the rows stay: content that comes again is the version that it was, and no change to whoever asks who changed it
    writing.executemany(
        "UPDATE versions SET released = 1, slots = NULL, digest = NULL WHERE version_id = ?",
        [(row["version_id"],) for row in rows],
    )
    return _drop_chunks(writing, kb, rows)


def drop_versions(writing: sqlite3.Connection, kb: Kb, rows: Iterable[sqlite3.Row]) -> int:
    """Delete versions (`version_id`, `source_id`, `slots`), and the chunks that no other version has.

    Returns how many chunks went. Their spans are the caller's.
    """
    dropped = list(rows)
    writing.executemany("DELETE FROM versions WHERE version_id = ?", [(row["version_id"],) for row in dropped])
    return _drop_chunks(writing, kb, dropped)


def _drop_chunks(writing: sqlite3.Connection, kb: Kb, dropped: Sequence[sqlite3.Row]) -> int:
    """Delete the chunks that only versions which are gone had."""
    kept: set[int] = set()  # a source's versions share chunks, and a claim may have to show its own again
    for source_id in {row["source_id"] for row in dropped}:
        for row in writing.execute("SELECT slots FROM versions WHERE source_id = ?", (source_id,)):
            kept.update(unpack_slots(row["slots"]))
    gone = sorted({slot for row in dropped for slot in unpack_slots(row["slots"])} - kept)
    if kb.hybrid:
        lexical.forget(writing, kb.kb_id, gone)
    writing.executemany("DELETE FROM chunks WHERE kb_id = ? AND slot = ?", [(kb.kb_id, slot) for slot in gone])
    return len(gone)


def drop_parsed(writing: sqlite3.Connection, parsed_ids: Collection[int]) -> None:
    """Empty parse results, and delete those that no version ever had.

    Files of journeys that had come to them begin anew where they are taken up again.
    """
    for some in batched(sorted(parsed_ids), IN_LIST):
        which = f"parsed_id IN ({marks(some)})"
        empty = "SET pieces = NULL, warnings = '[]', detail = NULL"
        writing.execute(f"UPDATE parsed {empty} WHERE {which}", some)
        writing.execute(f"DELETE FROM parsed WHERE {which} AND parsed_id NOT IN (SELECT parsed_id FROM versions)", some)
        writing.execute(
            "UPDATE journeys SET extra = json_set(extra, '$.back_to', 'before_upload')"
            " WHERE json_extract(extra, '$.back_to') IS NOT NULL"
            f" AND journey_id IN (SELECT journey_id FROM journey_files WHERE {which})",
            some,
        )
        writing.execute(
            "UPDATE journey_files SET parsed_id = NULL, version_id = NULL,"
            f" stage = CASE stage WHEN 'exposed' THEN stage ELSE 'planned' END WHERE {which}",
            some,
        )


def drop_texts(writing: sqlite3.Connection, text_ids: Collection[int] | None = None) -> Freed:
    """Delete those texts (None: of all) that no chunk and no parse result holds, and their vectors."""
    held = _held_texts(writing)
    loose = writing.execute(
        "SELECT text_id, bytes FROM texts WHERE text_id NOT IN (SELECT text_id FROM chunks)"
    ).fetchall()
    going = {row[0]: row[1] for row in loose if row[0] not in held and (text_ids is None or row[0] in text_ids)}
    size = sum(going.values())
    for some in batched(sorted(going), IN_LIST):
        which = f"text_id IN ({marks(some)})"
        vectors = writing.execute(f"SELECT COALESCE(sum(length(vector)), 0) FROM vectors WHERE {which}", some)
        size += int(vectors.fetchone()[0])
        writing.execute(f"DELETE FROM vectors WHERE {which}", some)
        writing.execute(f"DELETE FROM texts WHERE {which}", some)
    return Freed(len(going), size)


def texts_of(reading: sqlite3.Connection, parsed_ids: Collection[int]) -> set[int]:
    """The texts that parse results are made of."""
    found: set[int] = set()
    for some in batched(sorted(parsed_ids), IN_LIST):
        which = f"parsed_id IN ({marks(some)}) AND pieces IS NOT NULL"
        for (body,) in reading.execute(f"SELECT pieces FROM parsed WHERE {which}", some):
            found.update(piece[0] for piece in json.loads(expanded(body)))
    return found


def _held_texts(reading: sqlite3.Connection) -> set[int]:
    """The texts of parse results that no kb shows or keeps; of one that is staged, every text is a chunk's."""
    rows = reading.execute(
        "SELECT parsed_id FROM parsed WHERE pieces IS NOT NULL AND parsed_id NOT IN"
        " (SELECT parsed_id FROM versions WHERE slots IS NOT NULL)"
    ).fetchall()
    return texts_of(reading, [row[0] for row in rows])
