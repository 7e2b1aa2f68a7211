"""Law: a table of a PDF gives each row once, its cells in order, under its header; no text of a page is lost."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pdf_kit import columns, document, paragraph, table, text

from milepost.store.policy import ChunkPolicy, LimitPolicy
from milepost.tools import parse_pdf
from milepost.tools.document import Block, Document
from milepost.tools.parse import parse_bytes
from milepost.tools.parse_pdf import pdf_blocks

PROSE = [
    "The office buys what people ask for, and says no where it must.",
    "Each of the following has been agreed with those who pay for it,",
    "and holds until somebody changes it in writing.",
]
PRICES = [
    ["Item", "Owner", "Price"],
    ["Desk lamp", "Ann Lee", "35.00"],
    ["Office chair", "", "210.50"],
    ["Standing desk", "Bo Strand", "480.00"],
    ["Monitor arm", "Chidi Okoro", ""],
]


def blocks(*pages: str) -> list[Block]:
    found = Document(document(*pages), "x.pdf", "application/pdf", LimitPolicy())
    return list(pdf_blocks(found))


def rows(found: list[Block]) -> list[tuple[str, str]]:
    return [(block.header, block.text) for block in found if block.kind == "row"]


def expected(given_rows: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    head, *rest = [" | ".join(" ".join(cell.split()) for cell in row) for row in given_rows]
    return [(head, row) for row in rest]


def words(found: list[Block]) -> list[str]:
    """The words of blocks in order, a table's header once above it."""
    every: list[str] = []
    header = ""
    for block in found:
        if block.header != header:
            header = block.header
            every += header.replace("|", " ").split()
        every += block.text.replace("|", " ").split()
    return every


SYLLABLES = ("ba", "den", "fi", "gor", "hum", "ka", "lor", "mi", "nu", "pes", "ri", "sol", "tam", "vu")


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """A header of words; rows that begin with words and end with a number, some cells between them empty."""
    word = map("".join, permutations(SYLLABLES, 3))  # each once: what stands where can be told
    width, length = draw(st.integers(3, 5)), draw(st.integers(3, 8))
    number = st.integers(1, 99_999).map(lambda cents: f"{cents / 100:.2f}")
    middle = st.lists(st.integers(0, 2), min_size=width - 2, max_size=width - 2)
    made = [[next(word) for _ in range(width)]]
    for _ in range(length):
        counts = [draw(st.integers(1, 2)), *draw(middle)]
        made.append([*(" ".join(next(word) for _ in range(count)) for count in counts), draw(number)])
    return made


@settings(max_examples=30, deadline=None)
@given(tables())
def test_a_table_with_lines_gives_its_rows(made: list[list[str]]) -> None:
    """Whatever is in its cells; the text above and below stays text."""
    found = blocks(paragraph(PROSE) + table(made) + paragraph(PROSE, top=120))
    assert rows(found) == expected(made)
    assert [block.kind for block in found] == ["text", *["row"] * (len(made) - 1), "text"]
    assert found[0].text == found[-1].text == " ".join(PROSE)


@settings(max_examples=30, deadline=None)
@given(tables())
def test_a_table_without_lines_gives_its_words_in_order(made: list[list[str]]) -> None:
    """What stands on a line stays on it, even where columns cannot be told."""
    found = blocks(paragraph(PROSE) + table(made, ruled=False))
    assert words(found) == " ".join([*PROSE, *(" ".join(row) for row in made)]).split()


def test_a_table_without_lines_gives_its_rows() -> None:
    """Its columns are told by the gaps between them."""
    found = blocks(paragraph(PROSE) + table(PRICES, ruled=False))
    assert rows(found) == expected(PRICES)


def test_a_cell_of_several_lines_is_one_cell() -> None:
    """In a table with lines."""
    made = [["Rule", "Limit"], ["Meals are paid\nup to a sum\nfor each day", "60.00"], ["Hotel", "150.00"]]
    assert rows(blocks(table(made))) == expected(made)


def test_a_table_that_goes_on_over_the_page_keeps_its_header() -> None:
    """Whether the header stands there again or not; another table, or one a page later, has its own."""
    head, first, second = PRICES[0], PRICES[1:3], PRICES[3:]
    for again in ([], [head]):
        found = blocks(paragraph(PROSE) + table([head, *first], top=130), table([*again, *second], top=740))
        assert rows(found) == expected(PRICES)
        assert [block.page for block in found if block.kind == "row"] == [1, 1, 2, 2]
    other = [["Town", "Tax", "From", "To"], ["Paris", "2.88", "2026", "2027"], ["Rome", "6.00", "2025", "2026"]]
    assert rows(blocks(table([head, *first]), table(other))) == [*expected([head, *first]), *expected(other)]
    apart = blocks(table([head, *first]), paragraph(PROSE), table(second))
    assert [header for header, _ in rows(apart)][2:] == ["", ""]


def test_columns_of_a_page_are_no_table() -> None:
    """Short lines that stand beside each other are read column by column if they were written so."""
    left = ["Annual leave", "Parental leave", "Sick leave", "Unpaid leave"]
    right = ["Travel by rail", "Travel by air", "Hotels and meals", "Rented cars"]
    found = blocks(paragraph(PROSE) + columns(left, right))
    assert not rows(found)
    assert words(found) == " ".join([*PROSE, *left, *right]).split()
    made = list(zip(left, right, strict=True))
    found = blocks(paragraph(PROSE) + table(made, ruled=False))
    assert words(found) == " ".join([*PROSE, *(" ".join(row) for row in made)]).split()


def test_labels_and_sums_stay_together() -> None:
    """As at the foot of an invoice, where labels look like a column of the page and sums like another."""
    made = [["Subtotal", "100.00"], ["Tax", "8.00"], ["", ""], ["Shipping and", "5.00"], ["Total due", "113.00"]]
    found = blocks(paragraph(PROSE) + table(made, ruled=False))
    assert rows(found) == [("", " | ".join(row)) for row in made if row[0]]


def test_a_frame_around_prose_is_no_table() -> None:
    """Its lines are a paragraph."""
    found = blocks(paragraph(PROSE, top=580) + "40 500 520 120 re S\n")
    assert not rows(found) and words(found) == " ".join(PROSE).split()


def test_what_the_layout_loses_is_in_the_text_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page whose blocks lack some of its text is taken as it stands."""
    whole = blocks(paragraph(PROSE) + table(PRICES))
    laid_out = parse_pdf._laid_out
    monkeypatch.setattr(parse_pdf, "_laid_out", lambda *args: list(laid_out(*args))[:-1])
    found = blocks(paragraph(PROSE) + table(PRICES))
    assert sorted(words(found)) == sorted(words(whole)) and not rows(found)
    assert all(block.page == 1 and block.start is None for block in found)


def test_what_somebody_filled_into_a_form_is_text() -> None:
    """Beside the label that it stands beside."""
    shown = text("Ann Lindqvist", 2, 6)
    field = (
        "<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Ann Lindqvist) /F 4 /Rect [100 590 300 610] /P 5 0 R"
        " /AP << /N 7 0 R >> >>"
    )
    form = (
        "<< /Type /XObject /Subtype /Form /BBox [0 0 200 20] /Resources << /Font << /F1 3 0 R >> >>"
        f" /Length {len(shown)} >>\nstream\n{shown}\nendstream"
    )
    data = document(
        text("Name:", 50, 596),
        page="/Annots [6 0 R]",
        catalog="/AcroForm << /Fields [6 0 R] >>",
        objects_after=[field, form],
    )
    [block] = pdf_blocks(Document(data, "x.pdf", "application/pdf", LimitPolicy()))
    assert block.text == "Name: Ann Lindqvist"


def test_marks_that_markdown_would_read_are_text() -> None:
    """Stars, underscores and backslashes of a page stand as they are, without escapes; so they do in cells."""
    line = r"2*3*4 is *not* _twelve_ in snake_case, C:\\temp"  # a backslash in a PDF's string is written twice
    made = [["Name", "Sum"], ["a*b_c", "1.00"], ["*x*", "2.00"]]
    found = blocks(paragraph([line]) + table(made))
    assert found[0].text == line.replace(r"\\", "\\") and rows(found) == expected(made)


def test_a_long_table_is_stopped_at_the_limit() -> None:
    """Rows are counted as they are everywhere."""
    found = parse_bytes(document(table(PRICES)), "x.pdf", chunk=ChunkPolicy(), limits=LimitPolicy(rows=3))
    assert found.reason == "too_large" and "limits.rows" in (found.detail or "")
