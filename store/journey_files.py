"""A journey's files in the ledger: how far each has come, and what it came to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from .record import Record
from .records import FileOutcome


@dataclass(frozen=True)
class FileRow:
    """One file of a journey and how far it has come: `stage` is planned, uploaded, parsed, embedded or exposed."""

    position: int
    path: str
    source: str
    action: str
    sha256: str
    bytes: int
    hint: str
    stage: str
    outcome: str | None
    reason: str | None
    detail: str | None
    warnings: tuple[str, ...]
    chunks: int
    parsed_id: int | None
    version_id: int | None


class JourneyFiles:
    """Rows about files, written back in batches."""

    _record: Record

    def files(self, journey_id: str) -> list[FileRow]:
        """A journey's files, in the order of its plan."""
        return self._files("journey_id = ?", journey_id)

    def waiting(self, kb_id: int) -> list[tuple[str, str, FileRow]]:
        """What is staged or hidden in a kb: source, journey and row, the newest word about each source.

        Journeys that were rolled back say nothing.
        """
        with self._record.read() as reading:
            rows = reading.execute(
                f"SELECT f.journey_id, {_OF_FILES} FROM journey_files f JOIN journeys j USING (journey_id)"
                " WHERE j.kb_id = ? AND j.status NOT IN ('rolled_back', 'compensated')"
                " AND f.outcome IN ('added', 'replaced', 'removed', 'staged', 'hidden') ORDER BY j.seq, f.position",
                (kb_id,),
            ).fetchall()
        newest = {row["source"]: (row["journey_id"], _file_row(tuple(row)[1:])) for row in rows}
        return [
            (source, journey_id, row)
            for source, (journey_id, row) in newest.items()
            if row.outcome in ("staged", "hidden")
        ]

    def files_at(self, journey_id: str, stage: str) -> list[FileRow]:
        """Those that have come to a stage and have no outcome yet: of files that stayed as they are, none is read."""
        return self._files("journey_id = ? AND stage = ? AND outcome IS NULL", journey_id, stage)

    def failures(self, journey_id: str) -> list[FileRow]:
        """Those that were rejected or failed."""
        return self._files("journey_id = ? AND outcome IN ('rejected', 'failed')", journey_id)

    def to_expose(self, journey_id: str) -> list[FileRow]:
        """Those that are not exposed and may have to be: duplicates, too, which become claims."""
        return self._files(
            "journey_id = ? AND stage != 'exposed'"
            " AND (outcome IS NULL OR outcome = 'staged' OR (outcome = 'skipped' AND reason = 'duplicate'))",
            journey_id,
        )

    def outcomes(self, journey_id: str) -> list[FileOutcome]:
        """What each file came to, as far as it is known."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT path, source, outcome, reason, detail, warnings, chunks FROM journey_files"
                " WHERE journey_id = ? AND outcome IS NOT NULL ORDER BY position",
                (journey_id,),
            ).fetchall()
        return [
            FileOutcome(
                path=path, source=source, outcome=outcome, reason=reason, detail=detail,
                warnings=[] if warnings == "[]" else json.loads(warnings), chunks=chunks,
            )
            for path, source, outcome, reason, detail, warnings, chunks in rows
        ]  # fmt: skip

    def tally(self, journey_id: str) -> dict[str, int]:
        """How many files came to each outcome."""
        sql = (
            "SELECT outcome, count(*) FROM journey_files WHERE journey_id = ? AND outcome IS NOT NULL GROUP BY outcome"
        )
        with self._record.read() as reading:
            return {row[0]: row[1] for row in reading.execute(sql, (journey_id,))}

    def purged(self, journey_id: str) -> list[str]:
        """Those of a journey's sources that were purged since."""
        return [row.source for row in self._files("journey_id = ? AND reason = ?", journey_id, "purged")]

    def _files(self, where: str, *values: str) -> list[FileRow]:
        with self._record.read() as reading:
            rows = reading.execute(f"SELECT {_COLUMNS} FROM journey_files WHERE {where} ORDER BY position", values)
            return [_file_row(row) for row in rows]

    def update_files(self, journey_id: str, rows: Iterable[FileRow]) -> None:
        """Write back how far files have come."""
        with self._record.write(lazy=True) as writing:
            writing.executemany(
                "UPDATE journey_files SET sha256 = ?, bytes = ?, hint = ?, stage = ?, outcome = ?, reason = ?,"
                " detail = ?, warnings = ?, chunks = ?, parsed_id = ?, version_id = ?, action = ?"
                " WHERE journey_id = ? AND position = ?",
                [(r.sha256, r.bytes, r.hint, r.stage, r.outcome, r.reason, r.detail,
                  packed(r.warnings), r.chunks, r.parsed_id, r.version_id, r.action,
                  journey_id, r.position)
                 for r in rows],
            )  # fmt: skip


_COLUMNS = ", ".join(FileRow.__dataclass_fields__)
_OF_FILES = ", ".join(f"f.{name}" for name in FileRow.__dataclass_fields__)
_WARNINGS = list(FileRow.__dataclass_fields__).index("warnings")


def packed(warnings: Sequence[str]) -> str:
    """Warnings as the record has them: of most files there are none."""
    return json.dumps(list(warnings), ensure_ascii=False) if warnings else "[]"


def _file_row(row: Sequence[Any]) -> FileRow:
    """A row of `_COLUMNS`; most files have no warnings, and a kb may have very many files."""
    values = list(row)
    said = values[_WARNINGS]
    values[_WARNINGS] = () if said == "[]" else tuple(json.loads(said))
    return FileRow(*values)
