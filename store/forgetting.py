"""What of a source, or of a kb, lies where in the record, and how it goes. The caller has the transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from .content import IN_LIST, batched, marks
from .kb import Kb
from .releasing import drop_parsed, drop_texts, drop_versions, texts_of

PURGED = "purged"
_FILES = (
    "FROM journey_files f JOIN journeys j USING (journey_id) WHERE j.tenant = ? AND j.kb = ? AND (? IS NULL OR"
    " f.source = ?)"
)


def hashes_of(reading: sqlite3.Connection, kb: Kb, source: str | None) -> set[str]:
    """The SHA-256 of every content that a source (None: any) of a kb has or had, or was planned to have."""
    named = (kb.tenant, kb.name, source, source)
    found = {row[0] for row in reading.execute(f"SELECT f.sha256 {_FILES}", named)}
    found |= {
        row[0]
        for row in reading.execute(
            "SELECT v.sha256 FROM versions v JOIN sources s USING (source_id) WHERE v.kb_id = ?"
            " AND (? IS NULL OR s.name = ?)",
            (kb.kb_id, source, source),
        )
    }
    found |= {
        row[0]
        for row in reading.execute(
            "SELECT json_extract(f.value, '$.sha256') FROM plans p, json_each(expanded(p.body), '$.files') f"
            " WHERE p.tenant = ? AND p.kb = ? AND (? IS NULL OR json_extract(f.value, '$.source') = ?)",
            named,
        )
    }
    return {sha for sha in found if sha}


def same_elsewhere(reading: sqlite3.Connection, kb: Kb, source: str | None, hashes: Collection[str]) -> list[str]:
    """Who else of the tenant has the same content now: sources as people name them."""
    found: set[str] = set()
    for some in batched(sorted(hashes), IN_LIST):
        rows = reading.execute(
            "SELECT DISTINCT k.kb_id, k.name AS kb, s.name AS source FROM versions v JOIN sources s USING (source_id)"
            " JOIN kbs k ON k.kb_id = v.kb_id JOIN source_spans p ON p.version_id = v.version_id AND p.gone IS NULL"
            f" WHERE k.tenant = ? AND v.sha256 IN ({marks(some)})",
            (kb.tenant, *some),
        )
        for row in rows:
            mine = row["kb_id"] == kb.kb_id
            if not mine:
                found.add(f"{row['source']} in kb {row['kb']}")
            elif source is not None and row["source"] != source:
                found.add(row["source"])
    return sorted(found)


def forget_source(writing: sqlite3.Connection, kb: Kb, source: str, hashes: Collection[str]) -> tuple[int, int]:
    """Delete a source with its whole past; returns how many chunks and texts went."""
    row = writing.execute("SELECT source_id FROM sources WHERE kb_id = ? AND name = ?", (kb.kb_id, source)).fetchone()
    texts: set[int] = set()
    chunks = 0
    if row is not None:
        own = (kb.kb_id, row["source_id"])
        texts |= {
            one[0] for one in writing.execute("SELECT text_id FROM chunks WHERE kb_id = ? AND source_id = ?", own)
        }
        for table in ("returned", "spans", "source_spans"):
            writing.execute(f"DELETE FROM {table} WHERE kb_id = ? AND source_id = ?", own)
        versions = writing.execute(
            "SELECT version_id, source_id, slots FROM versions WHERE kb_id = ? AND source_id = ?", own
        ).fetchall()
        chunks = drop_versions(writing, kb, versions)
        writing.execute("DELETE FROM sources WHERE kb_id = ? AND source_id = ?", own)
    _forget_files(writing, kb, source)
    return chunks, _forget_content(writing, hashes, texts)


def forget_kb(writing: sqlite3.Connection, kb: Kb, hashes: Collection[str], texts: set[int]) -> int:
    """Delete what is left of a kb's content, its `texts` among it, once its own rows are gone; returns how many went.

    Its journeys are bound to no kb any more: one that is taken up again makes it anew.
    """
    _forget_files(writing, kb, None)
    writing.execute("UPDATE journeys SET kb_id = NULL WHERE kb_id = ? AND status = 'cancelled'", (kb.kb_id,))
    return _forget_content(writing, hashes, texts)


def _forget_files(writing: sqlite3.Connection, kb: Kb, source: str | None) -> None:
    """Journeys that are taken up again leave the source out; what they did with it stays said."""
    named = (kb.tenant, kb.name, source, source)
    rows = writing.execute(f"SELECT f.journey_id, f.position {_FILES}", named).fetchall()
    writing.executemany(
        "UPDATE journey_files SET action = 'skip', reason = ?, detail = NULL, warnings = '[]', stage = 'planned',"
        " parsed_id = NULL, version_id = NULL, outcome = CASE WHEN outcome IS NULL OR outcome = 'staged' THEN 'skipped'"
        " ELSE outcome END WHERE journey_id = ? AND position = ? AND outcome IS NOT 'rejected'"
        " AND outcome IS NOT 'failed'",
        [(PURGED, row["journey_id"], row["position"]) for row in rows],
    )
    writing.execute(
        "DELETE FROM plan_inputs WHERE (? IS NULL OR source = ?) AND plan_id IN"
        " (SELECT plan_id FROM plans WHERE tenant = ? AND kb = ?)",
        (source, source, kb.tenant, kb.name),
    )


def _forget_content(writing: sqlite3.Connection, hashes: Collection[str], texts: set[int]) -> int:
    """Delete the parse results of these contents that nobody else has, and the texts that nobody else holds."""
    parsed: set[int] = set()
    for some in batched(sorted(hashes), IN_LIST):
        rows = writing.execute(
            f"SELECT parsed_id FROM parsed WHERE sha256 IN ({marks(some)}) AND parsed_id NOT IN"
            " (SELECT parsed_id FROM versions WHERE NOT released) AND parsed_id NOT IN"
            " (SELECT parsed_id FROM journey_files WHERE parsed_id IS NOT NULL AND stage IN ('parsed', 'embedded'))",
            some,
        )
        parsed |= {row[0] for row in rows}
    texts |= texts_of(writing, parsed)
    drop_parsed(writing, parsed)
    return drop_texts(writing, texts).texts
