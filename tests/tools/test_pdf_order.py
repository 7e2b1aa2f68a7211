"""Law: what stands beside each other on a PDF page is a row if it was written so, and else two columns."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from liteparse.types import AnnotationRect, LayoutBlock, LayoutCell
from pdf_kit import columns, document, paragraph

from milepost.store.policy import LimitPolicy
from milepost.tools import parse_pdf
from milepost.tools.document import Block, Document
from milepost.tools.parse_pdf import pdf_blocks
from milepost.tools.parse_pdf_order import Order
from milepost.tools.parse_pdf_table import Tables

LEAVE = [["Annual leave", "25 days"], ["Parental leave", "16 weeks"], ["Sick leave", "as needed"]]
TRAVEL = [["Rail", "second class"], ["Air", "economy"], ["Hotel", "150 a night"]]
BESIDE = [[*one, *other] for one, other in zip(LEAVE, TRAVEL, strict=True)]


class Written(Order):
    """The order of a page whose text is given."""

    def __init__(self, *rows: Sequence[str]) -> None:
        super().__init__(Document(b"", "x.pdf", "application/pdf", LimitPolicy()))
        self._texts = {1: "\n".join(" ".join(row) for row in rows)}


def cells(rows: Sequence[Sequence[str]], width: float = 80.0) -> list[list[LayoutCell]]:
    """Cells 100 points apart; with a width of 100 they touch each other, as boxes do."""
    return [
        [LayoutCell(text, AnnotationRect(100.0 * at, 20.0 * line, width, 12.0)) for at, text in enumerate(row)]
        for line, row in enumerate(rows)
    ]


def texts(table: Sequence[Sequence[LayoutCell]]) -> list[list[str]]:
    return [[cell.text for cell in row] for row in table]


def laid_out(rows: list[list[LayoutCell]], order: Order) -> list[Block]:
    tables = Tables(order.document)
    tables.order = order
    return list(tables.blocks(LayoutBlock("table", rows=rows), 1))


def test_a_table_is_cut_where_it_reaches_over_two_columns_of_a_page() -> None:
    """Those were written one after the other; a table was written row by row, and one with boxes is one."""
    page = Written(*LEAVE, *TRAVEL)
    assert [texts(part) for part in page.columns(cells(BESIDE), 1)] == [LEAVE, TRAVEL]
    assert [texts(part) for part in Written(*BESIDE).columns(cells(BESIDE), 1)] == [BESIDE]
    assert [texts(part) for part in page.columns(cells(BESIDE, width=100.0), 1)] == [BESIDE]
    assert [texts(part) for part in Written().columns(cells(BESIDE), 1)] == [BESIDE]


def test_lines_of_prose_at_the_edge_of_a_table_are_text() -> None:
    """They were cut up as rows, but begin to the left of their columns."""
    above, below = ["", "Each of the following", "has been", "agreed."], ["", "It holds until", "somebody", "objects."]
    rows = cells([above, *BESIDE, below])
    for row, left in ((rows[0], -20.0), (rows[-1], -20.0)):
        for at, cell in enumerate(row[1:]):
            cell.bbox = AnnotationRect(left + 90.0 * at, 0.0, 80.0, 12.0)
    found = laid_out(rows, Written(above, *BESIDE, below))
    assert [(block.kind, block.text) for block in found] == [
        ("text", " ".join(above[1:])),
        *(("row", " | ".join(row)) for row in BESIDE[1:]),
        ("text", " ".join(below[1:])),
    ]
    assert found[1].header == " | ".join(BESIDE[0])


def test_lines_that_were_cut_where_nothing_shows_are_text() -> None:
    """A cell whose place was guessed has no width."""
    rows = cells(LEAVE)
    for row in rows[1:]:
        for at, cell in enumerate(row):
            cell.bbox = AnnotationRect(100.0 * at, 0.0, 0.0, 12.0)
    [block] = laid_out(rows, Written(*LEAVE))
    assert (block.kind, block.text) == ("text", "\n".join(" ".join(row) for row in LEAVE))


def test_labels_and_sums_of_two_columns_stay_two() -> None:
    """Where they were written one column after the other."""
    labels, sums = ["Subtotal", "Tax", "Total due"], ["100.00", "8.00", "108.00"]
    page = document(paragraph(["What this month cost the office."]) + columns(labels, sums))
    found = list(pdf_blocks(Document(page, "x.pdf", "application/pdf", LimitPolicy())))
    assert [block.text for block in found][1:] == [" ".join(labels), " ".join(sums)]


def test_a_page_whose_lines_were_torn_apart_is_known() -> None:
    """If they were written in one go, and only then."""
    page: Any = SimpleNamespace(page_num=1, text="\n".join("   ".join(row) for row in LEAVE))
    torn = [Block(" ".join(row[at] for row in LEAVE)) for at in (0, 1)]
    rows = [Block(" | ".join(row)) for row in LEAVE]
    in_columns = Written(*([row[at]] for at in (0, 1) for row in LEAVE))
    assert parse_pdf._torn(torn, page, Written(*LEAVE))
    assert not parse_pdf._torn(rows, page, Written(*LEAVE))
    assert not parse_pdf._torn(torn, page, in_columns)
