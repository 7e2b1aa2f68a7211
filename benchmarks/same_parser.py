"""Milepost's parser for everybody, in the arm's own process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from milepost import Policy
from milepost.tools.parse import parse_path
from milepost.tools.parse_worker import Bounds


class SameParser:
    """What Milepost makes of files, for an arm that has no parser: without sandbox, record and write.

    A second file of the same content gives nothing, as in Milepost. With `kept`, a content that an earlier run met
    costs its hash only, as if somebody stored results for it for nothing.
    """

    def __init__(self, *, kept: bool = False) -> None:
        self._kept = kept
        policy = Policy.none()
        self._sizes = policy.chunk
        self._limits = Bounds(**policy.limits.model_dump(include=set(Bounds.__dataclass_fields__)))
        self._known: dict[str, tuple[str, list[str]]] = {}

    def read(self, folder: Path) -> Iterator[tuple[str, str, list[str]]]:
        """Source, media type and chunks of every file that has text, sorted by path."""
        met: set[str] = set()
        if not self._kept:
            self._known.clear()
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            if sha256 in met:
                continue
            met.add(sha256)
            if sha256 not in self._known:
                parsed = parse_path(path, path.name, chunk=self._sizes, limits=self._limits)
                self._known[sha256] = parsed.media_type, [draft.text for draft in parsed.chunks]
            media_type, texts = self._known[sha256]
            if texts:
                yield path.relative_to(folder).as_posix(), media_type, texts
