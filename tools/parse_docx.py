"""Blocks of Word documents.

Headings by style, paragraphs, lists, tables, notes, text boxes, page headers once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .document import Block, Document
from .package import Element, Package, whole
from .parse_drawing import drawing_blocks
from .parse_table import table_blocks

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_HEADING = re.compile(r"(?:heading|überschrift|titre|título|titolo|kop|rubrik|nagłówek)\s*(\d)$", re.IGNORECASE)
_TEXTS = (f"{W}t", "{http://schemas.openxmlformats.org/officeDocument/2006/math}t")
_MARKS = {
    f"{W}tab": "\t",
    f"{W}br": "\n",
    f"{W}cr": "\n",
    f"{W}noBreakHyphen": "-",
    f"{W}ptab": "\t",
}
_SKIPPED = frozenset((_FALLBACK, f"{W}pPr", f"{W}rPr", f"{W}del", f"{W}moveFrom"))
_LIST = -1
_EXTRA = ("header", "footer", "footnotes", "endnotes")


def docx_blocks(document: Document) -> Iterator[Block]:
    """Blocks in reading order; charts and diagrams, notes, and the texts of headers and footers, come last."""
    package = Package(document)
    main = package.main()
    levels = _levels(package, main)
    yield from _blocks(package, main, levels, document)
    yield from drawing_blocks(package, main, document)
    seen: set[str] = set()
    for kind, part in sorted(package.related(main).values()):
        if kind in _EXTRA and part in package:
            for block in _blocks(package, part, {}, document):
                if block.text not in seen:
                    seen.add(block.text)
                    yield block


def _levels(package: Package, main: str) -> dict[str, int]:
    """Style ids that are headings, with their level, and those of lists."""
    parts = [part for kind, part in package.related(main).values() if kind == "styles" and part in package]
    found: dict[str, int] = {}
    based: dict[str, str] = {}
    for style in package.xml(parts[0]).iter(f"{W}style") if parts else ():
        key, name = style.get(f"{W}styleId", ""), _value(style.find(f"{W}name"))
        outline = _value(style.find(f"{W}pPr/{W}outlineLvl"))
        match = _HEADING.match(name)
        if match:
            found[key] = int(match[1])
        elif name.lower() == "title":
            found[key] = 1
        elif whole(outline, 9) < 9:
            found[key] = whole(outline, 9) + 1
        elif style.find(f"{W}pPr/{W}numPr") is not None:
            found[key] = _LIST
        based[key] = _value(style.find(f"{W}basedOn"))
    for key in based:
        above, steps = key, 0
        while above and above not in found and steps < 20:
            above, steps = based.get(above, ""), steps + 1
        if above in found:
            found[key] = found[above]
    return found


def _value(element: Element | None) -> str:
    return "" if element is None else element.get(f"{W}val", "")


def _blocks(package: Package, part: str, levels: dict[str, int], document: Document) -> Iterator[Block]:
    items: list[str] = []
    for element in package.elements(part, f"{W}p", f"{W}tbl"):
        text = _paragraph(element) if element.tag == f"{W}p" else ""
        if text and _is_item(element, levels):
            items.append(f"- {text}")
            continue
        if items:
            yield Block("\n".join(items))
            items = []
        if element.tag == f"{W}tbl":
            yield from _table(element, document)
        elif text:
            level = _level(element, levels)
            yield Block(" ".join(text.split()), "heading", level) if level else Block(text)
    if items:
        yield Block("\n".join(items))


def _is_item(paragraph: Element, levels: dict[str, int]) -> bool:
    style = levels.get(_value(paragraph.find(f"{W}pPr/{W}pStyle")))
    numbered = paragraph.find(f"{W}pPr/{W}numPr") is not None
    return style == _LIST or (numbered and not style)


def _level(paragraph: Element, levels: dict[str, int]) -> int:
    outline = _value(paragraph.find(f"{W}pPr/{W}outlineLvl"))
    if whole(outline, 9) < 9:
        return whole(outline, 9) + 1
    return max(0, levels.get(_value(paragraph.find(f"{W}pPr/{W}pStyle")), 0))


def _paragraph(paragraph: Element) -> str:
    lines = "".join(_runs(paragraph)).split("\n")
    return "\n".join(line for line in (line.strip() for line in lines) if line)


def _runs(element: Element) -> Iterator[str]:
    """Text in order.

    A text box is a paragraph in a paragraph; its older twin, kept for old readers, is left out.
    """
    for child in element:
        if child.tag in _TEXTS:
            yield child.text or ""
        elif child.tag in _MARKS:
            yield _MARKS[child.tag]
        elif child.tag not in _SKIPPED:
            if child.tag == f"{W}p":
                yield "\n"
            yield from _runs(child)
            if child.tag == f"{W}p":
                yield "\n"


def _table(table: Element, document: Document) -> Iterator[Block]:
    rows = [_cells(row) for row in table.iterfind(f"{W}tr")]
    if max(map(len, rows), default=0) > 1:
        yield from table_blocks(enumerate(rows, 1), document)
        return
    for row in rows:
        for text in filter(None, row):
            yield Block(text)


def _cells(row: Element) -> list[str]:
    """A row's texts; a cell over several columns fills the first of them."""
    texts: list[str] = []
    cells = (cell for child in row for cell in ([child] if child.tag == f"{W}tc" else child.iter(f"{W}tc")))
    for cell in cells:
        span = _value(cell.find(f"{W}tcPr/{W}gridSpan"))
        texts.append(_paragraph(cell))
        texts.extend([""] * (max(0, min(whole(span, 1), 100) - 1)))
    return texts
