"""Blocks of PDF: the text layer of each page, without running headers, as paragraphs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from .document import Block, Document, Refused
from .parse_kreuzberg import extract_pages
from .parse_text import is_title

_DIGITS = re.compile(r"\d+")
_BULLET = re.compile(r"\s*(?:[•‣▪●○◦–-]\s|\(?\d{1,2}[.)]\s|\(?[a-z][.)]\s)")
_FURNITURE_PAGES = 4
"""Pages that a document has at least, before lines that repeat on them are taken for running headers."""


def pdf_blocks(document: Document) -> Iterator[Block]:
    """Paragraphs with their page; lines numbered as headings are headings. Pages without text are a warning."""
    pages = extract_pages(document)
    if len(pages) > document.limits.pages:
        raise Refused(
            "too_large",
            f"{len(pages)} pages, the limit is {document.limits.pages}; raise limits.pages or split the file",
        )
    empty = [number for number, page in enumerate(pages, 1) if not page.strip()]
    if len(empty) == len(pages):
        what = f"{len(pages)} page{'s' if len(pages) != 1 else ''}"
        raise Refused("no_text", f"no text layer on {what}: a scan needs OCR; give a copy with text")
    if empty:
        document.warn(f"no text layer on {len(empty)} of {len(pages)} pages")
    for number, lines in enumerate(_without_furniture([page.split("\n") for page in pages]), 1):
        yield from _page(lines, number)


def _page(lines: Sequence[str], page: int) -> Iterator[Block]:
    width = max(map(len, lines), default=0)
    paragraph: list[str] = []
    for line in lines:
        text = line.strip()
        heading = bool(text) and is_title(text)
        if (not text or heading or _BULLET.match(line)) and paragraph:
            yield Block("\n".join(paragraph), page=page)
            paragraph = []
        if heading:
            yield Block(text, "heading", page=page)
        elif text:
            paragraph.append(text)
            if len(text) < width * 0.7 and text[-1] in ".!?:":
                yield Block("\n".join(paragraph), page=page)
                paragraph = []
    if paragraph:
        yield Block("\n".join(paragraph), page=page)


def _without_furniture(pages: list[list[str]]) -> list[list[str]]:
    """Take away first and last lines that most pages share but for a number; where one first stands, it stays."""
    if len(pages) < _FURNITURE_PAGES:
        return pages
    seen = Counter(mark for page in pages for mark in {_mark(line) for line in _edges(page)})
    common = {mark for mark, count in seen.items() if count * 2 > len(pages)}
    kept: set[str] = set()
    result = []
    for page in pages:
        edges = {_mark(line) for line in _edges(page)} & common
        result.append([line for line in page if _mark(line) not in edges or not (_mark(line) in kept)])
        kept |= edges
    return result


def _edges(page: list[str]) -> list[str]:
    lines = [line for line in page if line.strip()]
    return lines[:2] + lines[-2:]


def _mark(line: str) -> str:
    return _DIGITS.sub("#", " ".join(line.split()))
