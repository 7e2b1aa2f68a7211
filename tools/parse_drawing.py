"""Blocks of what is drawn into Office documents: charts as tables of their numbers, diagrams and text boxes as text."""

from __future__ import annotations

from collections.abc import Iterator

from .document import Block, Document
from .package import Element, Package, whole
from .parse_table import table_blocks

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_TEXTS = ("diagramData", "drawing")


def drawing_blocks(package: Package, part: str, document: Document, page: int | None = None) -> Iterator[Block]:
    """Blocks of the charts, diagrams and text boxes that `part` refers to."""
    for kind, target in package.related(part).values():
        if target not in package:
            continue
        if kind == "chart":
            yield from _chart(package.xml(target), document, page)
        elif kind in _TEXTS:
            text = "\n".join(_paragraphs(package.xml(target)))
            if text:
                yield Block(text, page=page)


def _paragraphs(root: Element) -> Iterator[str]:
    for paragraph in root.iter(f"{A}p"):
        text = " ".join("".join(each.text or "" for each in paragraph.iter(f"{A}t")).split())
        if text:
            yield text


def _chart(root: Element, document: Document, page: int | None) -> Iterator[Block]:
    """The title, then a row for each category with the numbers of all series, under their names."""
    titles = [text for title in root.iter(f"{C}title") for text in _paragraphs(title)]
    if titles:
        yield Block("\n".join(titles), page=page)
    series = list(root.iter(f"{C}ser"))
    names = [" ".join(_points(each.find(f"{C}tx")).values()) for each in series]
    categories = next((found for each in series if (found := _categories(each))), {})
    values = [_points(each.find(f"{C}val")) or _points(each.find(f"{C}yVal")) for each in series]
    at = sorted({index for each in (categories, *values) for index in each})
    rows = [[categories.get(index, ""), *(each.get(index, "") for each in values)] for index in at]
    if rows:
        yield from table_blocks(enumerate([["", *names], *rows], 1), document, page)


def _categories(series: Element) -> dict[int, str]:
    return _points(series.find(f"{C}cat")) or _points(series.find(f"{C}xVal"))


def _points(holder: Element | None) -> dict[int, str]:
    """Number and value of each point that the document keeps."""
    if holder is None:
        return {}
    points = ((each.get("idx", ""), each.findtext(f"{C}v", "")) for each in holder.iter(f"{C}pt"))
    found = {number: value for index, value in points if (number := whole(index, -1)) >= 0}
    direct = holder.findtext(f"{C}v", "")
    return found or ({0: direct} if direct else {})
