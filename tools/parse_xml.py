"""Blocks of XML: records as `tag: value` lines, running text as paragraphs."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree

from .document import Block, Document, Refused
from .parse_text import plain

_DEEPEST = 100


def xml_blocks(document: Document) -> Iterator[Block]:
    """Elements that hold only values are records; text among elements is a paragraph.

    Entities are not fetched.
    """
    try:
        root = ElementTree.fromstring(document.data)
    except ElementTree.ParseError as error:
        document.warn(f"not valid XML ({error}): read as text")
        yield from plain(document.text)
        return
    for number, block in enumerate(_element(root, 0)):
        if number >= document.limits.rows:
            raise Refused("too_large", f"more than {document.limits.rows} records; raise limits.rows or split the file")
        yield block


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
