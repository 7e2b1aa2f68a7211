"""One file as a model may know it: typed facts, its name cleaned and shortened, and never a word of its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ..store.plan import PlannedFile
from ..store.words import clean
from .inputs import Input
from .selection import day_of

_NAME_HEAD, _NAME_TAIL = 60, 30
_STATES = {"add": "new", "replace": "changed", "skip": "in the kb already", "reject": "cannot be taken"}
_KNOWN_REASONS = frozenset({"unchanged", "duplicate", "excluded"})


@dataclass(frozen=True)
class KnownFile:
    """A file's facts; `name` is whole, and shortened where it is told."""

    name: str
    type: str | None
    size: int
    modified: date | None
    language: str | None
    state: str

    def told(self, handle: str) -> dict[str, Any]:
        """The facts under a handle, as JSON types."""
        return {
            "handle": handle, "name": shortened(self.name), "type": self.type, "bytes": self.size,
            "modified": None if self.modified is None else str(self.modified), "language": self.language,
            "state": self.state,
        }  # fmt: skip


def known_files(
    files: Sequence[PlannedFile], inputs: Sequence[Input], languages: Mapping[str, str | None]
) -> list[KnownFile]:
    """The facts of each file, in order; `languages` by source."""
    dates = {one.source: day_of(one.mtime_ns) for one in inputs}
    return [
        KnownFile(
            file.source, file.media_type or None, file.bytes, dates.get(file.source), languages.get(file.source),
            _state(file),
        )
        for file in files
    ]  # fmt: skip


def _state(file: PlannedFile) -> str:
    """How it stands. Why it cannot be taken is one of our codes; what a parser said of it is not told."""
    state = _STATES.get(file.action, file.action)
    told = file.reason and (file.action == "reject" or file.reason in _KNOWN_REASONS)
    return f"{state}: {file.reason}" if told else state


def shortened(name: str, head: int = _NAME_HEAD, tail: int = _NAME_TAIL) -> str:
    """A name without control characters, at most 91 characters long unless told; its beginning and its end stay."""
    whole = clean(name, limit=4_000)
    return whole if len(whole) <= head + tail else f"{whole[:head]}…{whole[-tail:]}"
