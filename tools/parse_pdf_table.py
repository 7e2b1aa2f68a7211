"""Tables of PDF pages: rows under their header, also where a table goes on over the page; lines where it is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median_low
from typing import TYPE_CHECKING, TypeAlias

from .decode import clean
from .document import Block, Document
from .parse_pdf_order import Order
from .parse_table import table_blocks
from .parse_text import is_title

if TYPE_CHECKING:
    from liteparse.types import LayoutBlock, LayoutCell

    Table: TypeAlias = Sequence[Sequence[LayoutCell]]

_GUESSED = 0.25
"""Rows of a table, at most, that were cut into cells where nothing on the page shows a boundary."""
_SHIFT = 3.0
"""Points by which a column may stand elsewhere: in a row, or on the table's next page."""


class Tables:
    """The tables of one document, page by page, in order."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.order = Order(document)
        self._page = 0
        self._columns: list[float] = []
        self._header = ""

    def blocks(self, found: LayoutBlock, page: int) -> Iterator[Block]:
        """The rows of a table; text where it is a box, or lines of prose that happen to stand below each other.

        Rows that go on with the last table of the page before, column below column, stand under its header.
        """
        for table in self.order.columns([*([found.header] if found.header else []), *(found.rows or [])], page):
            yield from self._table(table, page)

    def _table(self, table: Table, page: int) -> Iterator[Block]:
        begin, end = _bounds(table)
        rows = table[begin:end]
        if not _is_table(rows):
            yield from _lines(table, page)
            return
        yield from _lines(table[:begin], page)
        columns = _columns(rows)
        above = self._header if page == self._page + 1 and _alike(columns, self._columns) else ""
        self._page, self._columns, self._header = page, columns, ""
        for block in table_blocks(enumerate(map(_texts, rows), 1), self.document, page, above):
            self._header = block.header
            yield block
        yield from _lines(table[end:], page)


def _is_table(table: Table) -> bool:
    """At least two rows of two cells, most of them cut where the page shows a boundary or a gap."""
    filled = [cells for row in table if (cells := [cell for cell in row if cell.text.strip()])]
    guessed = sum(not any(cell.bbox and cell.bbox.width for cell in row) for row in filled)
    return sum(len(row) > 1 for row in filled) > 1 and guessed <= _GUESSED * len(filled)


def _bounds(table: Table) -> tuple[int, int]:
    """The first row and the one after the last, without the lines of prose above and below that were cut up, too."""
    columns = _columns(table)
    begin, end = 0, len(table)
    while begin < end and _across(table[begin], columns):
        begin += 1
    while begin < end and _across(table[end - 1], columns):
        end -= 1
    return begin, end


def _across(row: Sequence[LayoutCell], columns: list[float]) -> bool:
    """Whether a cell begins where the column before its own one does, or further to the left: a line of prose."""
    return any(
        cell.bbox is not None and cell.bbox.x <= columns[at - 1]
        for at, cell in enumerate(row)
        if at and cell.text.strip()
    )


def _lines(table: Table, page: int) -> Iterator[Block]:
    """What was taken for rows, as the lines of text that they were made of."""
    lines: list[str] = []
    for row in table:
        text = " ".join(filter(None, _texts(row)))
        if text and is_title(text):
            yield from _paragraph(lines, page)
            yield Block(text, "heading", page=page)
            lines = []
        elif text:
            lines.append(text)
    yield from _paragraph(lines, page)


def _paragraph(lines: list[str], page: int) -> Iterator[Block]:
    if lines:
        yield Block("\n".join(lines), page=page)


def _texts(row: Sequence[LayoutCell]) -> list[str]:
    """The texts of a row; a cell over several columns, which is given for each of them, fills the first."""
    return [
        "" if at and cell.bbox and cell == row[at - 1] else " ".join(clean(cell.text).split())
        for at, cell in enumerate(row)
    ]


def _columns(table: Table) -> list[float]:
    """Where the columns begin, in points: in most of their rows."""
    width = max(map(len, table), default=0)
    starts = ([row[at].bbox for row in table if at < len(row)] for at in range(width))
    return [median_low([box.x for box in boxes if box] or [-1.0]) for boxes in starts]


def _alike(one: list[float], other: list[float]) -> bool:
    return len(one) == len(other) and all(abs(a - b) <= _SHIFT for a, b in zip(one, other, strict=True))
