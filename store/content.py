"""What chunks are made of: texts by their hash, vectors by text and model, and what parsing a file gave."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Protocol, TypeVar

import numpy as np

from .chunks import text_sha, vector_bytes
from .compressed import compressed, expanded
from .ports import Vectors
from .record import Record
from .vector_bits import restored, shrunk

_T = TypeVar("_T")
UNPACKED = 16
"""Parse results that a process keeps unpacked."""
IN_LIST = 900


class Draft(Protocol):
    """A chunk as a parser gives it."""

    @property
    def text(self) -> str: ...
    @property
    def heading(self) -> str | None: ...
    @property
    def location(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class ParseKey:
    """What decides the result of parsing: the bytes, the name's suffix as a hint, parser and chunker."""

    sha256: str
    hint: str
    parser: str
    chunker: str


@dataclass(frozen=True)
class ParsedFile:
    """The head of a parse result; its pieces are read apart. `reason` is set where the file was rejected."""

    parsed_id: int
    media_type: str
    reason: str | None
    detail: str | None
    warnings: tuple[str, ...]
    parsed_by: str
    chunks: int
    chunker: str


@dataclass(frozen=True)
class Piece:
    """One chunk of a parsed file, in order; `text_id` names its text in the record."""

    text_id: int
    heading: str | None
    location: dict[str, Any]


class Content:
    """Texts, vectors and parse results. Nothing here belongs to a kb; all of it is also a cache."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def parsed(self, key: ParseKey) -> ParsedFile | None:
        """A cached parse result, or None."""
        with self._record.read() as reading:
            row = reading.execute(
                "SELECT * FROM parsed WHERE sha256 = ? AND hint = ? AND parser = ? AND chunker = ?"
                " AND pieces IS NOT NULL",
                (key.sha256, key.hint, key.parser, key.chunker),
            ).fetchone()
        return _parsed_file(row) if row else None

    def store_parsed(
        self,
        key: ParseKey,
        *,
        media_type: str,
        drafts: Sequence[Draft],
        warnings: Sequence[str] = (),
        reason: str | None = None,
        detail: str | None = None,
        parsed_by: str = "",
    ) -> ParsedFile:
        """Store what parsing gave; the same key again gives what is there."""
        with self._record.write(lazy=True) as writing:
            if known := self.parsed(key):
                return known
            pieces = [[_text_id(writing, draft.text), draft.heading, draft.location] for draft in drafts]
            body = compressed(json.dumps(pieces, ensure_ascii=False, separators=(",", ":")))
            writing.execute(
                "INSERT INTO parsed (sha256, hint, parser, chunker, media_type, reason, detail, warnings, parsed_by,"
                " chunks, pieces) VALUES (?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT (sha256, hint, parser, chunker)"
                " DO UPDATE SET media_type = excluded.media_type, reason = excluded.reason, detail = excluded.detail,"
                " warnings = excluded.warnings, parsed_by = excluded.parsed_by, chunks = excluded.chunks,"
                " pieces = excluded.pieces",
                (key.sha256, key.hint, key.parser, key.chunker, media_type, reason, detail,
                 json.dumps(list(warnings), ensure_ascii=False), parsed_by, len(pieces), body),
            )  # fmt: skip
            found = self.parsed(key)
        assert found is not None
        return found

    def parsed_by_id(self, parsed_id: int) -> ParsedFile:
        """The head of a stored parse result."""
        with self._record.read() as reading:
            row = reading.execute("SELECT * FROM parsed WHERE parsed_id = ?", (parsed_id,)).fetchone()
        return _parsed_file(row)

    def pieces(self, parsed_id: int) -> list[Piece]:
        """The chunks of a parse result, in the order of the document."""
        with self._record.read() as reading:
            row = reading.execute("SELECT pieces FROM parsed WHERE parsed_id = ?", (parsed_id,)).fetchone()
        return [Piece(*piece) for piece in json.loads(expanded(row["pieces"]))]

    def piece(self, parsed_id: int, position: int) -> Piece:
        """One chunk of a parse result; what was unpacked last is kept, since the hits of a search share files."""
        with self._record.read() as reading:
            row = reading.execute("SELECT pieces FROM parsed WHERE parsed_id = ?", (parsed_id,)).fetchone()
        return Piece(*_unpacked(row["pieces"])[position])

    def languages(self, parsed_ids: Iterable[int]) -> dict[int, str | None]:
        """The language of each parse result that was looked at for it; None where it is not clear."""
        found: dict[int, str | None] = {}
        with self._record.read() as reading:
            for some in batched(sorted(set(parsed_ids)), IN_LIST):
                sql = f"SELECT parsed_id, language FROM parsed WHERE language NOT NULL AND parsed_id IN ({marks(some)})"
                found |= {row[0]: row[1] or None for row in reading.execute(sql, some)}
        return found

    def keep_languages(self, languages: Mapping[int, str | None]) -> None:
        """Remember what languages parse results are in, so that none is looked at twice."""
        with self._record.write(lazy=True) as writing:
            writing.executemany(
                "UPDATE parsed SET language = ? WHERE parsed_id = ?",
                [(language or "", parsed_id) for parsed_id, language in languages.items()],
            )

    def shas(self, text_ids: Iterable[int]) -> dict[int, bytes]:
        """The hash of each text."""
        found: dict[int, bytes] = {}
        with self._record.read() as reading:
            for some in batched(sorted(set(text_ids)), IN_LIST):
                sql = f"SELECT text_id, sha FROM texts WHERE text_id IN ({marks(some)})"
                found |= dict(map(tuple, reading.execute(sql, some)))
        return found

    def texts(self, text_ids: Iterable[int]) -> dict[int, str]:
        """The text of each id."""
        found: dict[int, str] = {}
        with self._record.read() as reading:
            for some in batched(sorted(set(text_ids)), IN_LIST):
                sql = f"SELECT text_id, expanded(body) FROM texts WHERE text_id IN ({marks(some)})"
                found |= dict(map(tuple, reading.execute(sql, some)))
        return found

    def model(self, name: str, dimensions: int) -> int:
        """The number of an embedding model, given at first sight."""
        with self._record.read() as reading:
            row = reading.execute("SELECT model_id FROM models WHERE name = ?", (name,)).fetchone()
        if row:
            return int(row[0])
        with self._record.write() as writing:
            writing.execute(
                "INSERT INTO models (name, dimensions) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (name, dimensions),
            )
            return int(writing.execute("SELECT model_id FROM models WHERE name = ?", (name,)).fetchone()[0])

    def vectors(self, model_id: int, text_ids: Iterable[int], dimensions: int) -> dict[int, bytes]:
        """The vector of each text that has one, as little-endian float32."""
        found: dict[int, bytes] = {}
        with self._record.read() as reading:
            for some in batched(sorted(set(text_ids)), IN_LIST):
                sql = f"SELECT text_id, vector FROM vectors WHERE model_id = ? AND text_id IN ({marks(some)})"
                rows = reading.execute(sql, (model_id, *some)).fetchall()
                vectors = vector_bytes(restored([row[1] for row in rows], dimensions))
                found |= dict(zip((row[0] for row in rows), vectors, strict=True))
        return found

    def without_vector(self, model_id: int, text_ids: Iterable[int]) -> list[int]:
        """Those texts that the model has not embedded yet, in order."""
        wanted = sorted(set(text_ids))
        there: set[int] = set()
        with self._record.read() as reading:
            for some in batched(wanted, IN_LIST):
                sql = f"SELECT text_id FROM vectors WHERE model_id = ? AND text_id IN ({marks(some)})"
                there |= {row[0] for row in reading.execute(sql, (model_id, *some))}
        return [text_id for text_id in wanted if text_id not in there]

    def store_vectors(self, model_id: int, text_ids: Sequence[int], vectors: Vectors) -> None:
        """Store normalised vectors; the first one of a text stays."""
        with self._record.write(lazy=True) as writing:
            writing.executemany(
                "INSERT INTO vectors (model_id, text_id, vector) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
                zip([model_id] * len(text_ids), text_ids, shrunk(vectors), strict=True),
            )


@lru_cache(maxsize=UNPACKED)
def _unpacked(body: bytes) -> list[list[Any]]:
    pieces: list[list[Any]] = json.loads(expanded(body))
    return pieces


def marks(values: Sequence[Any]) -> str:
    """As many question marks as values, for an SQL list."""
    return ",".join("?" * len(values))


def batched(values: Iterable[_T], size: int) -> Iterator[tuple[_T, ...]]:
    """Tuples of at most `size` (itertools has this from Python 3.12 on)."""
    left = iter(values)
    while batch := tuple(islice(left, size)):
        yield batch


def as_matrix(vectors: Sequence[bytes], dimensions: int) -> Vectors:
    """Stored vectors as one float32 array of shape (n, dimensions)."""
    return np.frombuffer(b"".join(vectors), dtype="<f4").reshape(len(vectors), dimensions)


def _text_id(writing: sqlite3.Connection, text: str) -> int:
    sha = text_sha(text)
    row = writing.execute("SELECT text_id FROM texts WHERE sha = ?", (sha,)).fetchone()
    if row:
        return int(row[0])
    made = writing.execute(
        "INSERT INTO texts (sha, bytes, body) VALUES (?, ?, ?)", (sha, len(text.encode()), compressed(text))
    ).lastrowid
    assert made is not None
    return made


def _parsed_file(row: sqlite3.Row) -> ParsedFile:
    return ParsedFile(
        parsed_id=row["parsed_id"],
        media_type=row["media_type"],
        reason=row["reason"],
        detail=row["detail"],
        warnings=tuple(json.loads(row["warnings"])),
        parsed_by=row["parsed_by"],
        chunks=row["chunks"],
        chunker=row["chunker"],
    )
