"""Blocks of Excel workbooks.

Each sheet a section, its rows as they are numbered there, values as they are shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice

from .document import Block, Document
from .package import Element, Package, whole
from .parse_drawing import drawing_blocks
from .parse_table import table_blocks

S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_DATES = frozenset((*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)))
_PERCENTS = frozenset((9, 10))
_ELAPSED = 46
_LITERAL = re.compile(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.')
_ELAPSED_CODE = re.compile(r"\[(?:h+|m+|s+)\]")
"""Of durations, whose hours go on beyond a day."""
_COLUMN = re.compile(r"([A-Z]{1,3})(\d*)")
_WIDEST = 16_384
_LOOK = 50


def xlsx_blocks(document: Document) -> Iterator[Block]:
    """Every sheet that holds something, hidden ones with a warning."""
    package = Package(document)
    book = _Book(package)
    for name, part, hidden in book.sheets:
        rows = book.rows(part)
        first = next(rows, None)
        drawn = list(drawing_blocks(package, part, document))
        if first is None and not drawn:
            continue
        if hidden:
            document.warn(f"sheet {name!r} is hidden in the workbook and was read all the same")
        yield Block(name, "heading", level=1)
        if first is not None:
            yield from table_blocks(_without_margin(chain((first,), rows)), document)
        yield from drawn


class _Book:
    def __init__(self, package: Package) -> None:
        self.package = package
        main = package.main()
        root = package.xml(main)
        related = package.related(main)
        parts = {kind: part for kind, part in related.values() if part in package}
        self.strings = list(self._strings(parts["sharedStrings"])) if "sharedStrings" in parts else []
        self.kinds = list(self._kinds(parts["styles"])) if "styles" in parts else []
        properties = root.find(f"{S}workbookPr")
        old = properties is not None and properties.get("date1904") in ("1", "true")
        self.epoch = datetime(1904, 1, 1) if old else datetime(1899, 12, 30)
        self.sheets = [
            (sheet.get("name", "Sheet"), part, sheet.get("state", "visible") != "visible")
            for sheet in root.iter(f"{S}sheet")
            if (part := related.get(sheet.get(_ID, ""), ("", ""))[1]) in package
        ]

    def rows(self, part: str) -> Iterator[tuple[int, list[str]]]:
        """Rows that hold something, with their numbers."""
        number = 0
        for row in self.package.elements(part, f"{S}row"):
            said = row.get("r", "")
            number = whole(said, number + 1)
            cells: list[str] = []
            for cell in row:
                column = _column(cell.get("r", ""), len(cells))
                text = self._shown(cell)
                if text and column < _WIDEST:
                    cells.extend([""] * (column - len(cells)))
                    cells[column:] = [" ".join(text.split())]
            if cells:
                yield number, cells

    def _strings(self, part: str) -> Iterator[str]:
        for item in self.package.elements(part, f"{S}si"):
            yield _text(item)

    def _kinds(self, part: str) -> Iterator[str]:
        """For each cell style: d for dates, h for durations, % for percentages, else empty."""
        root = self.package.xml(part)
        codes = {whole(f.get("numFmtId", ""), 0): f.get("formatCode", "") for f in root.iter(f"{S}numFmt")}
        for style in root.iterfind(f"{S}cellXfs/{S}xf"):
            number = whole(style.get("numFmtId", ""), 0)
            said = codes.get(number, "").lower()
            code = _LITERAL.sub("", said)
            if number == _ELAPSED or _ELAPSED_CODE.search(said):
                yield "h"
            elif number in _DATES or re.search(r"[ymdhs]", code.replace("general", "")):
                yield "d"
            else:
                yield "%" if number in _PERCENTS or "%" in code else ""

    def _shown(self, cell: Element) -> str:
        kind, value = cell.get("t", "n"), cell.findtext(f"{S}v", "")
        if kind == "s":
            at = whole(value, -1)
            return self.strings[at] if 0 <= at < len(self.strings) else ""
        if kind == "inlineStr":
            inline = cell.find(f"{S}is")
            return "" if inline is None else _text(inline)
        if kind == "b":
            return "TRUE" if value == "1" else "FALSE"
        if not value:
            formula = cell.findtext(f"{S}f", "")
            return f"={formula}" if formula else ""
        style = cell.get("s", "")
        at = whole(style, -1)
        form = self.kinds[at] if 0 <= at < len(self.kinds) else ""
        return self._number(value, form) if kind == "n" else value

    def _number(self, value: str, form: str) -> str:
        try:
            number = float(value)
            if form == "d" and 0 <= number < 2_958_466:
                return _date(self.epoch, number)
            if form == "h" and number >= 0:
                return _duration(round(number * 86_400))
            if form == "%":
                return f"{number * 100:.10g}%"
            return f"{number:.15g}" if "e" not in value.lower() and "." in value else value
        except (ValueError, OverflowError):
            return value


def _date(epoch: datetime, days: float) -> str:
    """A serial number as ISO 8601: without time where it has none, without date where it is none."""
    moment = epoch + timedelta(seconds=round(days * 86_400))
    if days < 1:
        return moment.strftime("%H:%M:%S")
    return moment.strftime("%Y-%m-%d" if moment.time() == datetime.min.time() else "%Y-%m-%d %H:%M:%S")


def _duration(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _text(item: Element) -> str:
    """A rich string's text without the readings above East Asian characters."""
    return "".join(
        run.findtext(f"{S}t", "") if run.tag == f"{S}r" else run.text or ""
        for run in item
        if run.tag in (f"{S}r", f"{S}t")
    )


def _column(reference: str, default: int) -> int:
    match = _COLUMN.match(reference)
    if not match:
        return default
    number = 0
    for letter in match[1]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _without_margin(rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, Sequence[str]]]:
    """Leave out the empty columns at the left of a table that does not begin at the edge."""
    look = list(islice(rows, _LOOK))
    margin = min((next(n for n, cell in enumerate(row) if cell) for _, row in look), default=0)
    for number, row in chain(look, rows):
        yield number, row if any(row[:margin]) else row[margin:]
