"""Blocks of XML: records as `tag: value` lines, running text as paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from xml.etree import ElementTree

from .decode import decode
from .document import Block, Document, Refused
from .parse_text import plain

_DEEPEST = 100
_UNREAD = frozenset(
    f"{{http://www.w3.org/{where}}}{what}" for where in ("2000/svg", "1999/xhtml") for what in ("style", "script")
)
"""Elements of drawings and pages in which a program stands, and no text."""
_DECLARED = re.compile(rb"\s*<\?xml[^>]{0,150}?encoding\s*=\s*[\"']([\w.:-]+)")


def xml_blocks(document: Document) -> Iterator[Block]:
    """Elements that hold only values are records; text among elements is a paragraph.

    Entities are not fetched.
    """
    root = _root(document)
    if root is None:
        yield from plain(document.text)
        return
    for node in root.iter():
        if node.tag in _UNREAD:
            node.text = None
    for number, block in enumerate(_element(root, 0)):
        if number >= document.limits.rows:
            raise Refused("too_large", f"more than {document.limits.rows} records; raise limits.rows or split the file")
        yield block


def _root(document: Document) -> ElementTree.Element | None:
    """The root; None for what is no XML. Of encodings, expat knows those with one byte for a letter, and UTF."""
    try:
        return ElementTree.fromstring(document.data)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        declared = _DECLARED.match(document.data[:200])
        decoded = decode(document.data, declared[1].decode() if declared else None)
        if decoded is not None and decoded.encoding != "utf-8":
            with suppress(ElementTree.ParseError, ValueError):
                root = ElementTree.fromstring(decoded.text)  # as text: what it declares counts no more
                document.warnings.extend(decoded.warnings)
                return root
        document.warn(f"not valid XML ({error}): read as text")
        return None


def name(tag: object) -> str:
    """An element's name without its namespace; comments and instructions have none."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _element(node: ElementTree.Element, depth: int) -> Iterator[Block]:
    if _is_running(node):
        text = " ".join("".join(node.itertext()).split())
        if text:
            yield Block(text)
    elif all(not len(child) for child in node) or depth > _DEEPEST:
        text = "\n".join(_values(node))
        if text:
            yield Block(text)
    else:
        own = "\n".join(_attributes(node, ""))
        if own:
            yield Block(own)
        loose: list[str] = []
        for child in node:
            if len(child):
                if loose:
                    yield Block("\n".join(loose))
                    loose = []
                yield from _element(child, depth + 1)
            else:
                loose.extend(_leaf(child))
        if loose:
            yield Block("\n".join(loose))


def _is_running(node: ElementTree.Element) -> bool:
    """Text stands beside the elements inside."""
    if not len(node):
        return False
    return bool((node.text or "").strip()) or any((child.tail or "").strip() for child in node)


def _values(node: ElementTree.Element) -> Iterator[str]:
    yield from _attributes(node, "")
    if not len(node):
        yield from _leaf(node)
    for child in node:
        yield from _leaf(child)


def _leaf(node: ElementTree.Element) -> Iterator[str]:
    tag = name(node.tag)
    text = " ".join("".join(node.itertext()).split()) if tag else ""
    if text:
        yield f"{tag}: {text}"
    if tag:
        yield from _attributes(node, f"{tag}.")


def _attributes(node: ElementTree.Element, prefix: str) -> Iterator[str]:
    for key, value in node.attrib.items():
        if value.strip():
            yield f"{prefix}{name(key)}: {value.strip()}"
