"""Blocks of EPUB books: the chapters in reading order."""

from __future__ import annotations

from collections.abc import Iterator

from .decode import decode
from .document import Block, Document, Refused
from .package import Element, Package, resolve
from .parse_html import markup_blocks

_CONTAINER = "META-INF/container.xml"
_PAGES = (".xhtml", ".html", ".htm")


def epub_blocks(document: Document) -> Iterator[Block]:
    """Headings are the locations: a book's pages are whatever its reader makes them."""
    package = Package(document)
    if "META-INF/encryption.xml" in package and "META-INF/rights.xml" in package:
        raise Refused("encrypted", "protected by rights management; leave it out, or give an open copy")
    for part in _chapters(package, document):
        decoded = decode(package.read(part))
        if decoded is None:
            document.warn(f"chapter {part} is no text and was left out")
            continue
        yield from markup_blocks(decoded.text, document, titled=False)


def _chapters(package: Package, document: Document) -> Iterator[str]:
    book = _book(package)
    if book is None:
        document.warn("it does not say which part is the book: its pages stand in the order of their names")
        yield from sorted(name for name in package.names() if name.lower().endswith(_PAGES))
        return
    root = package.xml(book)
    items = {item.get("id", ""): item for item in _all(root, "item")}
    for reference in _all(root, "itemref"):
        item = items.get(reference.get("idref", ""))
        if item is None or "nav" in item.get("properties", "").split():
            continue
        part = resolve(book, item.get("href", ""))
        if part in package:
            yield part


def _book(package: Package) -> str | None:
    """The part that lists the chapters; where the container does not say, the first that is called like one."""
    if _CONTAINER in package:
        named = [root.get("full-path", "") for root in _all(package.xml(_CONTAINER), "rootfile")]
        if named and named[0] in package:
            return named[0]
    return next((name for name in package.names() if name.lower().endswith(".opf")), None)


def _all(root: Element, name: str) -> Iterator[Element]:
    return (each for each in root.iter() if each.tag.rpartition("}")[2] == name)
