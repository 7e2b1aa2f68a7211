"""Reading files for a plan: parsed in the sandbox, cached, within the time that the policy gives."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from ..store.content import ParsedFile, ParseKey
from ..store.policy import Policy
from ..tools.chunk import chunker_id
from ..tools.media import BY_SUFFIX
from ..tools.parse import PARSER, Parsed
from ..tools.parsing import FLEETING
from ..tools.services import Services
from .comparison import Reading
from .inputs import Input

_BATCH_FILES = 100
_BATCH_CHUNKS = 2_000
"""What waits in memory before it is committed, in one transaction."""
_BYTES_A_CHUNK = {"": 800, ".pdf": 8_000, ".docx": 6_000, ".pptx": 30_000, ".xlsx": 2_500, ".html": 2_500}
"""Bytes of a file for each chunk of 1,000 characters, where no such file has been read yet."""


@dataclass(frozen=True)
class _Waiting:
    key: ParseKey
    parsed: Parsed


class Reader:
    """Gives the reading of one file after the other, and remembers the parse results of those that were taken.

    What is read is kept in the record as a cache: applying the plan parses nothing again. `flush` at the end.
    """

    def __init__(self, services: Services, policy: Policy) -> None:
        self._services = services
        self._policy = policy
        self._chunker = chunker_id(policy.chunk)
        self._until = services.home.clock.monotonic() + policy.budget.plan_seconds
        self._waiting: list[_Waiting] = []
        self._chunks_waiting = 0
        self._met: dict[str, tuple[int, int]] = {}
        self._took: dict[str, tuple[int, float]] = {}
        """Bytes and seconds of parsing, by file type: how long the next ones will take."""
        self.parsed_ids: list[int] = []

    def read(self, one: Input) -> Reading:
        """Read a file: from the cache, else in the sandbox; an estimate where the time is over."""
        home = self._services.home
        if one.data is not None:
            home.blobs.put(one.data)
        elif one.unpacked is not None:
            home.blobs.put_file(one.unpacked)
        key = ParseKey(one.sha256, one.suffix, PARSER, self._chunker)
        known = home.content.parsed(key)
        if known is not None:
            if beyond := self._beyond(known):
                return Reading(known.media_type, reason="too_large", detail=beyond)
            if known.reason is None and known.chunks:
                self.parsed_ids.append(known.parsed_id)
                self._meet(one, known.chunks)
            return _reading(known.media_type, known.chunks, known.warnings, known.reason, known.detail)
        if home.clock.monotonic() >= self._until:
            return self._estimate(one)
        return self._parse(one, key)

    def told(self, each: Callable[[int], None]) -> Callable[[Input], Reading]:
        """`read`, with a word to `each` about how many files were read."""
        count = itertools.count(1)

        def read(one: Input) -> Reading:
            reading = self.read(one)
            each(next(count))
            return reading

        return read

    def flush(self) -> None:
        """Commit what was read, in one transaction."""
        content = self._services.home.content
        with self._services.home.record.write(lazy=True):
            for each in self._waiting:
                parsed = each.parsed
                kept = content.store_parsed(
                    each.key, media_type=parsed.media_type, drafts=parsed.chunks, warnings=parsed.warnings,
                    reason=parsed.reason, detail=parsed.detail, parsed_by=parsed.parser,
                )  # fmt: skip
                if kept.reason is None and kept.chunks:
                    self.parsed_ids.append(kept.parsed_id)
            ledger, tenant = self._services.home.ledger, self._services.user.tenant
            for media_type, (size, seconds) in self._took.items():
                ledger.record_timing(tenant, "read", media_type, units=size, seconds=seconds)
        self._took.clear()
        self._waiting.clear()
        self._chunks_waiting = 0

    def _beyond(self, known: ParsedFile) -> str | None:
        """What a result that was kept under other limits meets of those in force."""
        if known.reason is not None or not known.chunks:
            return None
        limits = self._policy.limits
        places = [piece.location for piece in self._services.home.content.pieces(known.parsed_id)]
        pages = max((place.get("page", 0) for place in places), default=0)
        if pages > limits.pages:
            return f"{pages} pages, the limit is {limits.pages}; raise limits.pages or split the file"
        rows = max((place["rows"][1] for place in places if "rows" in place), default=0) - 1  # the header is none
        if rows > limits.rows:
            return f"more than {limits.rows} rows; raise limits.rows or split the file"
        return None

    def _parse(self, one: Input, key: ParseKey) -> Reading:
        self._services.check()
        home = self._services.home
        held = one.held or one.data is not None or one.unpacked is not None
        began = home.clock.monotonic()
        with home.blobs.opened(one.sha256) if held else nullcontext(Path(one.path)) as path:
            parsed = self._services.pool.parse(path, one.source, chunk=self._policy.chunk, limits=self._policy.limits)
        size, seconds = self._took.get(parsed.media_type, (0, 0.0))
        self._took[parsed.media_type] = (size + one.size, seconds + home.clock.monotonic() - began)
        if not held and not _same_file(one):
            detail = "the file changed while it was read; plan again when it is at rest"
            return Reading(parsed.media_type, reason="changed_while_reading", detail=detail)
        if parsed.reason not in FLEETING and parsed.reason != "unreadable":
            self._keep(_Waiting(key, parsed))
        self._meet(one, len(parsed.chunks))
        return _reading(parsed.media_type, len(parsed.chunks), parsed.warnings, parsed.reason, parsed.detail)

    def _keep(self, waiting: _Waiting) -> None:
        self._waiting.append(waiting)
        self._chunks_waiting += len(waiting.parsed.chunks)
        if len(self._waiting) >= _BATCH_FILES or self._chunks_waiting >= _BATCH_CHUNKS:
            self.flush()

    def _meet(self, one: Input, chunks: int) -> None:
        size, count = self._met.get(one.suffix, (0, 0))
        self._met[one.suffix] = (size + one.size, count + chunks)

    def _estimate(self, one: Input) -> Reading:
        size, count = self._met.get(one.suffix, (0, 0))
        usual = _BYTES_A_CHUNK.get(one.suffix, _BYTES_A_CHUNK[""]) * self._policy.chunk.size / 1_000
        bytes_a_chunk = size / count if count else usual
        chunks = max(1, round(one.size / bytes_a_chunk))
        return Reading(BY_SUFFIX.get(one.suffix, ""), chunks, estimated=True)


def _reading(media_type: str, chunks: int, warnings: Sequence[str], reason: str | None, detail: str | None) -> Reading:
    if reason is None and not chunks:
        reason, detail = "no_text", detail or "no text was found in it; give a copy that has text"
    return Reading(media_type, chunks, tuple(warnings), reason, detail)


def _same_file(one: Input) -> bool:
    try:
        now = Path(one.path).stat()
    except OSError:
        return False
    return (now.st_size, now.st_mtime_ns) == (one.size, one.mtime_ns)
