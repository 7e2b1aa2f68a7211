"""The input files of a request, hashed: what planning knows of each before it parses any."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..store.blobs import ChangedWhileReading, hash_file
from ..store.policy import LimitPolicy
from ..tools.collect import Found, collect

PathOrPair = str | os.PathLike[str] | tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Input:
    """One file as found. With a `reason` it will not be taken; `data` is only there where no file holds it."""

    path: str
    source: str
    sha256: str
    size: int
    mtime_ns: int
    data: bytes | None = None
    reason: str | None = None
    detail: str | None = None
    unpacked: Path | None = None
    """Where the bytes of an archive's member lie while the plan is made."""
    held: bool = False
    """Its bytes lie in the blobs already, by `sha256`."""
    archive: tuple[str, str] | None = None
    """Path and SHA-256 of the archive that it is a member of; no SHA-256 where that came as bytes itself."""

    @property
    def suffix(self) -> str:
        """The lower-case suffix of the name: a hint for its type."""
        return Path(self.source).suffix.lower()


def gather(paths: Sequence[PathOrPair], *, limits: LimitPolicy) -> list[Input]:
    """Find the files of a request, sorted by source. Opens none of them; raises what `collect` raises."""
    return [_unread(found) for found in collect(paths, limits=limits)]


def hashed(inputs: Sequence[Input], *, each: Callable[[int], None] = lambda done: None) -> list[Input]:
    """The inputs with their SHA-256, where they have none yet; one that cannot be read, or changes meanwhile, gets
    its reason."""
    done: list[Input] = []
    for number, one in enumerate(inputs, 1):
        done.append(one if one.reason or one.sha256 else _hashed(one))
        each(number)
    return done


def sha256_of(path: str) -> str | None:
    """A file's SHA-256 now; None where it is gone or cannot be read."""
    try:
        return hash_file(path)[0]
    except (OSError, ChangedWhileReading, ValueError):
        return None


def _unread(found: Found) -> Input:
    return Input(found.path, found.source, "", found.size, found.mtime_ns, found.data, found.reason, found.detail)


def _hashed(one: Input) -> Input:
    if one.data is not None:
        return replace(one, sha256=hashlib.sha256(one.data).hexdigest())
    try:
        sha256, size = hash_file(one.unpacked or one.path)
    except ChangedWhileReading:
        detail = "the file changed while it was read; plan again when it is at rest"
        return replace(one, reason="changed_while_reading", detail=detail)
    except OSError as refused:
        detail = f"{refused.strerror or refused}; make it readable, or leave it out"
        return replace(one, reason="unreadable", detail=detail)
    return Input(  # by hand: `replace` takes as long as reading a small file
        one.path, one.source, sha256, size, one.mtime_ns, None, None, one.detail, one.unpacked, one.held, one.archive
    )
