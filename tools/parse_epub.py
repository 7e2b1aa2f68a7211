"""Blocks of EPUB books: the chapters in reading order."""

from __future__ import annotations

from collections.abc import Iterator

from .decode import decode
from .document import Block, Document, Refused
from .package import Element, Package, resolve
from .parse_html import markup_blocks

_CONTAINER = "META-INF/container.xml"


def epub_blocks(document: Document) -> Iterator[Block]:
    """Headings are the locations: a book's pages are whatever its reader makes them."""
    package = Package(document)
    if "META-INF/encryption.xml" in package and "META-INF/rights.xml" in package:
        raise Refused("encrypted", "protected by rights management; leave it out, or give an open copy")
    for part in _chapters(package):
        decoded = decode(package.read(part))
        if decoded is None:
            document.warn(f"chapter {part} is no text and was left out")
            continue
        yield from markup_blocks(decoded.text, document, titled=False)


def _chapters(package: Package) -> Iterator[str]:
    container = package.xml(_CONTAINER)
    book = next((root.get("full-path", "") for root in _all(container, "rootfile")), "")
    root = package.xml(book)
    items = {item.get("id", ""): item for item in _all(root, "item")}
    for reference in _all(root, "itemref"):
        item = items.get(reference.get("idref", ""))
        if item is None or "nav" in item.get("properties", "").split():
            continue
        part = resolve(book, item.get("href", ""))
        if part in package:
            yield part


def _all(root: Element, name: str) -> Iterator[Element]:
    return (each for each in root.iter() if each.tag.rpartition("}")[2] == name)
