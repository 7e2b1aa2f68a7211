"""Blocks of tables: delimited text, and rows of cells from any other format."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from .document import Block, Document, Refused

DELIMITERS = (",", "\t", ";", "|")
_RARE = ("^", "~", ":")
"""Delimiters of a file that is called a table, where no usual one fits."""
_DECLARED = re.compile(r"\A\ufeff?sep=(.)[ \t]*\n", re.IGNORECASE)
"""A first line that tells Excel the delimiter."""
_DECIMAL = re.compile(r"[-+]?\d+(?:\.\d{3})*,\d+(?:\s?[%€$£]|e[-+]?\d+)?$", re.IGNORECASE)
_NUMBER = re.compile(r"[-+(]?[$€£¥]?\s?\d[\d.,'\s]*%?\)?$")
_YEAR = re.compile(r"(?:1[5-9]|20|21)\d\d$")
_CAPTION_REPEATED = 200
"""Characters of a caption, at most, that is repeated with the header."""
_SPARSE = 50
"""Cells of a row from which on empty ones are left out, where most are empty."""
_LOOK = 50
"""Rows looked at to find the header."""

csv.field_size_limit(2**31 - 1)


def delimited_blocks(document: Document) -> Iterator[Block]:
    """Rows of delimited text; the delimiter is the one that gives the most even table."""
    text = document.text
    declared = _DECLARED.match(text)
    usual = "\t" if document.media_type.startswith("text/tab") else ","
    delimiter = declared[1] if declared else find_delimiter(text) or find_delimiter(text, _RARE) or usual
    lines = io.StringIO(text, newline="")
    first = 1
    if declared:
        lines.readline()
        first = 2
    if _quotes_are_text(text, delimiter):
        reader = csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE)
    else:
        reader = csv.reader(lines, delimiter=delimiter)
    return table_blocks(enumerate(reader, first), document)


def table_blocks(
    rows: Iterable[tuple[int, Sequence[str]]], document: Document, page: int | None = None, above: str = ""
) -> Iterator[Block]:
    """Each row a block with ` | ` between its cells, under the header found above them.

    `rows` come with their numbers, as a spreadsheet counts. Lines above the header that fill one cell only
    are the table's caption. `above` is the header of a table that these rows go on with.
    """
    numbered = iter(rows)
    look = list(islice(numbered, _LOOK))
    width = max((_width(row) for _, row in look), default=0)
    caption, header_at, header = _header(look, width)
    if above and header != above.rpartition("\n")[2]:
        caption, header_at, header = "", 0, above
    if caption and len(caption) > _CAPTION_REPEATED:
        yield Block(caption, page=page)
    elif caption:
        header = f"{caption}\n{header}" if header else caption
    limit, count, last = document.limits.rows, 0, header_at
    for number, row in chain(look, numbered):
        if number <= header_at:
            continue
        text = _row_text(row)
        if not text:
            continue
        count += 1
        if count > limit:
            raise Refused("too_large", f"more than {limit} rows; raise limits.rows or split the file")
        last = number
        yield Block(text, "row", page=page, row=number, header=header)
    if last == header_at and header:
        yield Block(header, "row", page=page, row=header_at)


def find_delimiter(text: str, among: Sequence[str] = DELIMITERS) -> str | None:
    """The delimiter under which the first lines have the same number of cells, at least two; or None.

    A comma gives way to another one between whose cells it stands in numbers only.
    """
    sample = text[:20_000]
    cut = sample.rfind("\n")
    sample = sample[:cut] if cut > 0 and len(text) > 20_000 else sample
    best, best_score = None, 0.0
    for delimiter in among:
        if delimiter not in sample:
            continue
        widths = [len(row) for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter) if row]
        if not widths:
            continue
        usual = max(set(widths), key=widths.count)
        even = widths.count(usual) / len(widths)
        score = even * (1 + min(usual, 20) / 100) if usual > 1 else 0.0
        if score > best_score or (best == "," and score > 0.9 and _decimal_commas(sample, delimiter)):
            best, best_score = delimiter, score
    return best if best_score > 0.5 else None


def _decimal_commas(sample: str, delimiter: str) -> bool:
    rows = csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter)
    cells = [cell.strip() for row in rows for cell in row if "," in cell]
    return bool(cells) and sum(_DECIMAL.match(cell) is not None for cell in cells) > 0.9 * len(cells)


def _quotes_are_text(text: str, delimiter: str) -> bool:
    """A quote opened and never closed would swallow the rest of the file."""
    if text.count('"') % 2 == 0:
        return False
    opened = re.search(rf'(?:^|[{re.escape(delimiter)}\n])"', text)
    return opened is not None


def _header(look: list[tuple[int, Sequence[str]]], width: int) -> tuple[str, int, str]:
    """The caption, the header's row number (0 for none) and the header."""
    captions: list[str] = []
    before = 0
    for number, row in look[:10]:
        filled = [cell for cell in row if cell.strip()]
        if not filled or (len(filled) == 1 and width > 1 and not _is_data(filled[0])):
            captions += [cell.strip() for cell in filled]
            before = number
            continue
        if len(look) > 1 and not any(map(_is_data, filled)) and len(filled) * 2 > width:
            return "\n".join(captions), number, _row_text(row)
        break
    return "\n".join(captions), before, ""


def _is_data(cell: str) -> bool:
    cell = cell.strip()
    return _NUMBER.match(cell) is not None and not _YEAR.match(cell)


def _width(row: Sequence[str]) -> int:
    return max((number for number, cell in enumerate(row, 1) if cell.strip()), default=0)


def _row_text(row: Sequence[str]) -> str:
    if len(row) > _SPARSE and len(filled := [cell for cell in row if cell.strip()]) * 4 < len(row):
        row = filled
    text = " | ".join(row)
    if "\n" in text or "  " in text:
        text = " | ".join(" ".join(cell.split()) for cell in row)
    return text if text.strip(" |") else ""
