"""The order in which a PDF page was written: what tells a table's columns from those of a page.

Two columns of short lines look like a table, and a table of two columns like a page's. A table is written row by row,
a page column by column; kreuzberg gives a page's text in the order in which it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING
from unicodedata import normalize

from .document import Document
from .parse_kreuzberg import page_texts

if TYPE_CHECKING:
    from liteparse.types import LayoutCell

_TOUCH = 0.5
"""Points between two cells, at most, where they are boxes with a line between them."""
_PAGES = 1_000
"""Pages of a document, at most, whose order is looked at."""


class Order:
    """The order of a document's pages, read when it is first needed."""

    def __init__(self, document: Document) -> None:
        self.document = document

    @cached_property
    def _texts(self) -> list[str]:
        return page_texts(self.document)

    @cached_property
    def _written(self) -> list[str]:
        return [letters(text) for text in self._texts]

    def text(self, page: int) -> str:
        """The page's text as it was written; empty where that cannot be told."""
        return self._texts[page - 1] if page <= len(self._texts) else ""

    def columns(self, table: Sequence[Sequence[LayoutCell]], page: int) -> list[list[list[LayoutCell]]]:
        """The table, cut into one for each column of the page where it reaches over several."""
        width = max(map(len, table), default=0)
        gutters = [at for at in range(1, width) if not _ruled(table, at) and self._gutter(table, at, page)]
        return [
            [list(row[begin:end]) for row in table] for begin, end in zip([0, *gutters], [*gutters, width], strict=True)
        ]

    def _gutter(self, table: Sequence[Sequence[LayoutCell]], at: int, page: int) -> bool:
        share = self.together(((row[at - 1].text, row[at].text) for row in table if at < len(row)), page)
        return share is not None and share < 0.5

    def together(self, pairs: Iterable[tuple[str, str]], page: int) -> float | None:
        """How many of the pairs, as a share, were written one right after the other; None where it cannot be told."""
        if page > min(_PAGES, len(self._written)):
            return None
        written = self._written[page - 1]
        known = [
            (one, other)
            for one, other in ((letters(one), letters(other)) for one, other in pairs)
            if one and other and one in written and other in written
        ]
        return sum(one + other in written for one, other in known) / len(known) if len(known) > 1 else None


def _ruled(table: Sequence[Sequence[LayoutCell]], at: int) -> bool:
    boxes = [(row[at - 1].bbox, row[at].bbox) for row in table if at < len(row)]
    touch: list[bool] = [
        abs(one.x + one.width - other.x) <= _TOUCH for one, other in boxes if one and other and one.width
    ]
    return sum(touch) * 2 > len(touch)


def letters(text: str) -> str:
    """Letters and digits alone: what two readers of a page agree on."""
    return "".join(filter(str.isalnum, normalize("NFKC", text)))
