"""What a kb shows now, read in one statement: its sources, with the content and the parser behind each."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..store.kb import Kb
from ..store.record import Record


@dataclass(frozen=True, slots=True)
class KbSource:
    """One source of a kb's newest revision. A claim shows no chunks: another source has the same content."""

    name: str
    sha256: str
    bytes: int
    media_type: str
    parser: str
    chunker: str
    chunks: int
    claim: int
    parsed_id: int


@dataclass(frozen=True)
class KbState:
    """A kb's sources by name; a kb that is not there yet has none, at revision 0."""

    revision: int = 0
    sources: dict[str, KbSource] = field(default_factory=dict)


def kb_state(record: Record, kb: Kb | None) -> KbState:
    """Read a kb's newest revision."""
    if kb is None:
        return KbState()
    with record.read() as reading:
        rows = reading.execute(
            "SELECT s.name, v.sha256, v.bytes, p.media_type, p.parser, p.chunker,"
            " CASE WHEN t.claim THEN 0 ELSE v.chunks END AS chunks, t.claim,"
            " p.parsed_id FROM source_spans t"
            " JOIN sources s ON s.source_id = t.source_id JOIN versions v ON v.version_id = t.version_id"
            " JOIN parsed p ON p.parsed_id = v.parsed_id WHERE t.kb_id = ? AND t.gone IS NULL",
            (kb.kb_id,),
        ).fetchall()
        head = reading.execute("SELECT head FROM kbs WHERE kb_id = ?", (kb.kb_id,)).fetchone()[0]
    return KbState(head, {row[0]: KbSource(*row) for row in rows})
