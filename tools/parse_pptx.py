"""Blocks of PowerPoint presentations.

Each slide a page, its title a heading, tables as rows, speaker notes.
"""

from __future__ import annotations

from collections.abc import Iterator

from .document import Block, Document, Refused
from .package import Element, Package
from .parse_drawing import drawing_blocks
from .parse_table import table_blocks

A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_TEXTS = (f"{A}t", "{http://schemas.openxmlformats.org/officeDocument/2006/math}t")
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TITLES = ("title", "ctrTitle")
_FURNITURE = ("sldNum", "dt", "ftr", "hdr", "sldImg")


def pptx_blocks(document: Document) -> Iterator[Block]:
    """Slides in the order in which they are shown, hidden ones too."""
    package = Package(document)
    main = package.main()
    related = package.related(main)
    slides = [related.get(each.get(_ID, ""), ("", ""))[1] for each in package.xml(main).iter(f"{P}sldId")]
    slides = [slide for slide in slides if slide in package]
    if len(slides) > document.limits.pages:
        raise Refused(
            "too_large",
            f"{len(slides)} slides, the limit is {document.limits.pages}; raise limits.pages or split it",
        )
    for number, slide in enumerate(slides, 1):
        yield from _slide(package, slide, number, document)


def _slide(package: Package, slide: str, number: int, document: Document) -> Iterator[Block]:
    shapes = list(_shapes(package.xml(slide)))
    for shape in (each for each in shapes if _role(each) in _TITLES):
        title = " ".join(_text(shape).split())
        if title:
            yield Block(title, "heading", level=1, page=number)
    for shape in shapes:
        if _role(shape) in (*_TITLES, *_FURNITURE):
            continue
        for table in shape.iter(f"{A}tbl"):
            rows = [[" ".join(_text(cell).split()) for cell in row.iter(f"{A}tc")] for row in table.iter(f"{A}tr")]
            yield from table_blocks(enumerate(rows, 1), document, number)
        if shape.tag != f"{P}graphicFrame" and (text := _text(shape)):
            yield Block(text, page=number)
    yield from drawing_blocks(package, slide, document, number)
    for kind, part in package.related(slide).values():
        if kind == "notesSlide" and part in package:
            for shape in _shapes(package.xml(part)):
                if _role(shape) not in _FURNITURE and (text := _text(shape)):
                    yield Block(f"Notes: {text}", page=number)


def _shapes(root: Element) -> Iterator[Element]:
    """Shapes and frames, those in groups too."""
    for element in root.iter():
        if element.tag in (f"{P}sp", f"{P}graphicFrame"):
            yield element


def _role(shape: Element) -> str:
    placeholder = shape.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
    return "" if placeholder is None else placeholder.get("type", "body")


def _text(shape: Element) -> str:
    lines = ("".join(_runs(paragraph)).strip() for paragraph in shape.iter(f"{A}p"))
    return "\n".join(line for line in lines if line)


def _runs(paragraph: Element) -> Iterator[str]:
    for element in paragraph.iter():
        if element.tag in _TEXTS:
            yield element.text or ""
        elif element.tag == f"{A}br":
            yield "\n"
        elif element.tag == f"{A}tab":
            yield "\t"
