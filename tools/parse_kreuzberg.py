"""Blocks of what kreuzberg reads: PDF pages, and documents as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .decode import clean
from .document import Block, Document, Refused
from .parse_text import markdown

if TYPE_CHECKING:
    from kreuzberg import ExtractionResult

_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_IMAGE = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)")
_STRONG = re.compile(r"(?<!\\)\*\*(?=\S)(.+?)(?<=\S)(?<!\\)\*\*")
_TITLE = re.compile(r"[^\W_a-z][^\n]{2,110}(?:\n[^\n]{1,110})?\Z")
_NO_TITLE = re.compile(r"[.,;]\Z|[^\d\W]\W* \d+\Z|[$€£]|\. \. \.")
"""Large type that is no heading: sentences, lines of a table of contents, sums."""
Titles = dict[int, list[list[str]]]
"""By page, the lines of each heading."""
_ENCRYPTED = re.compile(r"password|encrypt", re.IGNORECASE)


def extract(document: Document, *, markdown: bool, pages: bool = False, structure: bool = False) -> ExtractionResult:
    """Run kreuzberg; Refused where it cannot read the bytes. OCR is off, nothing is cached or fetched."""
    from kreuzberg import ExtractionConfig, PageConfig, extract_bytes_sync  # 130 ms and 100 MB

    config = ExtractionConfig(
        use_cache=False,
        enable_quality_processing=False,
        include_document_structure=structure,
        output_format="markdown" if markdown else "plain",
        pages=PageConfig(extract_pages=True) if pages else None,
    )
    try:
        return extract_bytes_sync(document.data, document.media_type, config)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as error:  # a panic of its Rust side is no Exception
        raise _refusal(document, str(error)) from None


def extract_pages(document: Document) -> list[str]:
    """The plain text of each page."""
    result = extract(document, markdown=False, pages=True)
    if not result.pages:
        return [clean(result.content)]
    return [clean(page["content"]) for page in result.pages]


def extract_titles(document: Document) -> Titles:
    """By page, the lines of each heading that its type size gives away; none where that cannot be told.

    10 ms a page, three times what the text takes.
    """
    try:
        return _titles(extract(document, markdown=True, structure=True))
    except Refused:
        return {}


def extract_both(document: Document) -> tuple[list[str], Titles]:
    """What `extract_pages` and `extract_titles` give, in three quarters of the time; all pages are looked at."""
    try:
        result = extract(document, markdown=True, pages=True, structure=True)
    except Refused:  # the text alone may still be had
        return extract_pages(document), {}
    pages = [clean(page["content"]) for page in result.pages or []]
    return pages or extract_pages(document), _titles(result)


def _titles(result: ExtractionResult) -> Titles:
    found: dict[str, Any] = dict(result.document or {})
    titles: Titles = {}
    for node in found.get("nodes") or []:
        content, page = node.get("content") or {}, node.get("page")
        text = clean(content.get("text") or "")
        if content.get("node_type") == "heading" and page and _TITLE.match(text) and not _NO_TITLE.search(text):
            titles.setdefault(page, []).append([" ".join(line.split()) for line in text.split("\n") if line.strip()])
    return titles


def document_blocks(document: Document) -> Iterator[Block]:
    """Blocks of any format that kreuzberg turns into Markdown."""
    result = extract(document, markdown=True)
    for block in markdown(_IMAGE.sub("", clean(result.content))):
        block.text = _ESCAPED.sub(r"\1", _STRONG.sub(r"\1", block.text))
        block.header = _ESCAPED.sub(r"\1", block.header)
        block.start = block.end = None
        yield block


def _refusal(document: Document, message: str) -> Refused:
    if _ENCRYPTED.search(message):
        return Refused("encrypted", "encrypted; leave it out, or give an open copy")
    return Refused("corrupt", f"damaged or cut off ({_first_line(message)}); give an undamaged copy")


def _first_line(message: str) -> str:
    line = " ".join(message.split("\n", 1)[0].split())
    return line[:117] + "..." if len(line) > 120 else line or "the parser gave up"
