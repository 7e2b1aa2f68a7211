"""Blocks of OpenDocument texts, spreadsheets and presentations."""

from __future__ import annotations

from collections.abc import Iterator

from .document import Block, Document, Refused
from .package import Element, Package, whole
from .parse_table import table_blocks

_ODF = "{urn:oasis:names:tc:opendocument:xmlns:%s:1.0}"
TEXT, TABLE, DRAW, OFFICE, STYLE = (_ODF % each for each in ("text", "table", "drawing", "office", "style"))
_MARKS = {f"{TEXT}tab": "\t", f"{TEXT}line-break": "\n"}
_SKIPPED = frozenset(
    (
        f"{OFFICE}annotation",
        *(f"{TEXT}{each}" for each in ("tracked-changes", "note-citation", "page-number", "page-count")),
    )
)
_TOP = (f"{TEXT}h", f"{TEXT}p", f"{TEXT}list", f"{TABLE}table", f"{TEXT}tracked-changes", f"{DRAW}page")
_EDGES = (f"{STYLE}header", f"{STYLE}footer")
_REPEATED = 1000
"""Times, at most, that a repeated cell or row is written out."""


def odf_blocks(document: Document) -> Iterator[Block]:
    """Headings, paragraphs, lists and tables, page headers last; a sheet is a section, a slide a page."""
    package = Package(document)
    if "META-INF/manifest.xml" in package and b"encryption-data" in package.read("META-INF/manifest.xml"):
        raise Refused("encrypted", "encrypted; leave it out, or give an open copy")
    sheets = document.media_type.endswith("spreadsheet")
    page = 0
    for element in package.elements("content.xml", *_TOP):
        if element.tag == f"{DRAW}page":
            page += 1
            yield from _slide(element, page, document)
        elif element.tag != f"{TEXT}tracked-changes":
            if sheets and element.tag == f"{TABLE}table":
                yield Block(element.get(f"{TABLE}name", "Sheet"), "heading", level=1)
            yield from _block(element, document)
    if document.media_type.endswith("text") and "styles.xml" in package:
        yield from _edges(package, document)


def _edges(package: Package, document: Document) -> Iterator[Block]:
    """The texts of page headers and footers, each once."""
    seen = {""}
    for edge in package.elements("styles.xml", *_EDGES):
        for block in (block for element in edge for block in _block(element, document)):
            if block.text not in seen:
                seen.add(block.text)
                yield block


def _slide(slide: Element, page: int, document: Document) -> Iterator[Block]:
    if page > document.limits.pages:
        raise Refused("too_large", f"more than {document.limits.pages} slides; raise limits.pages or split it")
    for frame in slide:
        for element in _boxes(frame):
            for block in _block(element, document):
                block.page = page
                yield block


def _boxes(frame: Element) -> Iterator[Element]:
    """Tables and text boxes of a frame, those of its notes too."""
    for element in frame.iter():
        if element.tag in (f"{DRAW}text-box", f"{TABLE}table"):
            yield element


def _block(element: Element, document: Document) -> Iterator[Block]:
    if element.tag == f"{TABLE}table":
        yield from table_blocks(_rows(element), document)
    elif element.tag == f"{TEXT}list":
        text = "\n".join(_items(element, 0))
        if text:
            yield Block(text)
    elif text := _tidy("".join(_runs(element))):
        level = element.get(f"{TEXT}outline-level", "1")
        heading = element.tag == f"{TEXT}h"
        yield Block(" ".join(text.split()), "heading", whole(level, 1)) if heading else Block(text)


def _tidy(text: str) -> str:
    return "\n".join(line for line in (line.strip() for line in text.split("\n")) if line)


def _runs(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        if child.tag == f"{TEXT}s":
            count = child.get(f"{TEXT}c", "1")
            yield " " * (min(whole(count, 1), 100))
        elif child.tag in _MARKS:
            yield _MARKS[child.tag]
        elif child.tag not in _SKIPPED:
            inner = child.tag in (f"{TEXT}p", f"{TEXT}h", f"{TEXT}list-item", f"{TEXT}note")
            yield "\n" if inner else ""
            yield from _runs(child)
            yield "\n" if inner else ""
        yield child.tail or ""


def _items(items: Element, depth: int) -> Iterator[str]:
    for item in items:
        for child in item:
            if child.tag == f"{TEXT}list":
                yield from _items(child, depth + 1)
            elif text := " ".join("".join(_runs(child)).split()):
                yield f"{'  ' * depth}- {text}"


def _rows(table: Element) -> Iterator[tuple[int, list[str]]]:
    number = 0
    for row in table.iter(f"{TABLE}table-row"):
        cells: list[str] = []
        for cell in row:
            text = " ".join("".join(_runs(cell)).split())
            cells.extend([text] * _times(cell, "columns"))
        while cells and not cells[-1]:
            cells.pop()
        for _ in range(_times(row, "rows") if cells else 1):
            number += 1
            if cells:
                yield number, cells
        if not cells:
            number += whole(row.get(f"{TABLE}number-rows-repeated", "1"), 1) - 1


def _times(element: Element, what: str) -> int:
    times = element.get(f"{TABLE}number-{what}-repeated", "1")
    return min(whole(times, 1), _REPEATED)
