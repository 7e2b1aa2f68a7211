"""The header of an index, as Chroma's hnswlib writes it; whoever reads its files as bytes reads this first."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_FIELDS = struct.Struct("<i6qiI2q")
_VERSION = 1
LINK = 4
LABEL = 8
"""Bytes of a link, and of a row's label."""


@dataclass(frozen=True)
class IndexHeader:
    """Rows in use, and bytes of a row: a count and links, a vector, a label. Levels go up to `highest`, -1 of none.

    Searches begin at row `begin`; a row has at most `lowest` links on the lowest level and `above` on each other one.
    """

    used: int
    row: int
    highest: int
    begin: int
    above: int
    lowest: int

    @classmethod
    def of(cls, header: bytes) -> IndexHeader | None:
        """What header.bin says; None where it is not of the form that we know."""
        if len(header) < _FIELDS.size:
            return None
        version, _, capacity, used, row, label, vector, highest, begin, above, lowest = _FIELDS.unpack_from(header)
        known = version == _VERSION and 0 <= used <= capacity and highest >= -1 and above > 0 < lowest
        if not known or vector != (lowest + 1) * LINK or not vector < label == row - LABEL:
            return None
        return cls(used, row, highest, begin, above, lowest)
