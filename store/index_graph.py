"""The links between the rows of an index, read as bytes: Chroma's native code follows them wherever they lead.

One that leads nowhere may end the process that follows it, or only the next one: what lies there in memory differs.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .chroma_files import DATABASE
from .index_header import LINK, IndexHeader

_COUNT = struct.Struct("<I")


def tangled(folder: Path) -> dict[str, str]:
    """Collections whose index has links that lead to no row, by name; what is wrong with each.

    An index in a form that we do not know is not judged, nor one of no collection.
    """
    found = {
        header.parent.name: trouble for header in folder.glob("*/header.bin") if (trouble := _trouble(header.parent))
    }
    names = _names(folder / DATABASE) if found else {}
    return {names[index]: f"its index cannot be followed: {trouble}" for index, trouble in found.items()
            if index in names}  # fmt: skip


def _names(database: Path) -> dict[str, str]:
    """Collections by the names of their index folders. Not read-only: a killed process may have left a journal."""
    if not database.exists():
        return {}
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=rw", uri=True)
    try:
        names = "SELECT s.id, c.name FROM segments s JOIN collections c ON c.id = s.collection"
        return dict(connection.execute(names).fetchall())
    finally:
        connection.close()


def _trouble(index: Path) -> str | None:
    shape = IndexHeader.of((index / "header.bin").read_bytes())
    if shape is None or not shape.used:
        return None
    try:
        levels = _levels((index / "link_lists.bin").read_bytes(), shape)
        rows = np.fromfile(index / "data_level0.bin", dtype=np.uint8, count=shape.used * shape.row)
    except (OSError, struct.error, ValueError, _Astray) as wrong:
        return str(wrong) or "a file of it is too short"
    if rows.size < shape.used * shape.row:
        return "rows are missing"
    if shape.begin >= shape.used or levels[shape.begin] != shape.highest:
        return "searches would begin nowhere"
    return _lowest(rows.reshape(shape.used, shape.row), shape)


def _lowest(rows: NDArray[np.uint8], shape: IndexHeader) -> str | None:
    counts = rows[:, :2].copy().view("<u2")  # the third byte is hnswlib's mark of a deleted row
    links = rows[:, LINK : (shape.lowest + 1) * LINK].copy().view("<u4")
    in_use = np.arange(shape.lowest) < counts
    if (counts > shape.lowest).any() or (links[in_use] >= shape.used).any():
        return "links lead to rows that are not there"
    return None


class _Astray(Exception):
    """A link above the lowest level leads where no row has that level."""


def _levels(lists: bytes, shape: IndexHeader) -> NDArray[np.int64]:
    """The level of each row, by the lists of links above the lowest; every link leads to a row that has its level."""
    levels = np.zeros(shape.used, dtype=np.int64)
    seen: list[tuple[int, NDArray[np.uint32]]] = []
    for number, above in enumerate(_lists(lists, shape)):
        levels[number] = len(above)
        seen += enumerate(above, start=1)
    for level, links in seen:
        if (links >= shape.used).any() or (levels[links] < level).any():
            raise _Astray("links lead to rows that are not there")
    return levels


def _lists(lists: bytes, shape: IndexHeader) -> Iterator[list[NDArray[np.uint32]]]:
    """For each row the links on each level above the lowest."""
    at, each = 0, (shape.above + 1) * LINK
    for _ in range(shape.used):
        (size,) = _COUNT.unpack_from(lists, at)
        at += _COUNT.size
        if size % each or at + size > len(lists):
            raise _Astray("lists of links are cut off")
        found = []
        for start in range(at, at + size, each):
            count = int.from_bytes(lists[start : start + 2], "little")
            if count > shape.above:
                raise _Astray("links lead to rows that are not there")
            found.append(np.frombuffer(lists, dtype="<u4", count=count, offset=start + LINK))
        at += size
        yield found
