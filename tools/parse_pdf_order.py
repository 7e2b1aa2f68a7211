"""The order in which a PDF page was written: what tells a table's columns from those of a page.

Two columns of short lines look like a table, and a table of two columns like a page's. A table is written row by row,
a page column by column; kreuzberg gives a page's text in the order in which it was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any
from unicodedata import normalize

from .document import Document

if TYPE_CHECKING:
    from liteparse.types import LayoutCell

_TOUCH = 0.5
"""Points between two cells, at most, where they are boxes with a line between them."""


class Order:
    """The order of a document's pages, read when it is first needed."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._texts: dict[int, str] = {}
        self._written: dict[int, str] = {}

    def text(self, page: int) -> str:
        """The page's text as it was written; empty where that cannot be told. 1 ms, once."""
        if page not in self._texts:
            self._texts[page] = self._read(page)
        return self._texts[page]

    def _read(self, page: int) -> str:
        if self._pdf is None:
            return ""
        try:
            return str(self._pdf[page - 1].get_textpage().get_text_range())
        except Exception:  # whatever this reader trips over, the other one has read the page
            return ""

    @cached_property
    def _pdf(self) -> Any:
        """The document as pypdfium2, which has no types, opens it; None where it cannot."""
        try:
            return import_module("pypdfium2").PdfDocument(self.document.data)  # 50 ms, for few documents
        except Exception:  # as above
            return None

    def _letters(self, page: int) -> str:
        if page not in self._written:
            self._written[page] = letters(self.text(page))
        return self._written[page]

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
        written = self._letters(page)
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
