"""Blocks of PDF: the text layer of each page, without running headers, as paragraphs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from .document import Block, Document, Refused
from .parse_kreuzberg import Titles, extract_both, extract_pages, extract_titles
from .parse_text import is_title

_OF_TOTAL = re.compile(r"(.*?)\b(\d+) ?(?:/|of|von|sur|de|di|van) ?(\d+)$")
_BARE = re.compile(r"(?:page |seite |- ?)?(\d+)(?: ?-)?$", re.IGNORECASE)
_BULLET = re.compile(r"\s*(?:[•‣▪●○◦–-]\s|\(?\d{1,2}[.)]\s|\(?[a-z][.)]\s)")
_LEADER = re.compile(r"(?:[.·…] ?){3,}")
"""The dots of a table of contents; where two lines have them, what is numbered on that page heads nothing."""
_TITLED_PAGES = 1_000
"""Pages of a document, at most, whose headings are looked for by the size of their type."""
_AT_ONCE_BYTES = 1_000_000
"""Up to here text and headings are read in one go, before the number of pages is known."""
_FURNITURE_PAGES = 4
"""Pages that a document has at least, before lines that repeat on them are taken for running headers."""


def pdf_blocks(document: Document) -> Iterator[Block]:
    """Paragraphs with their page; lines in larger type, and those numbered as headings, are headings.

    Pages without text are a warning.
    """
    pages, titles = _read(document)
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
        yield from _page(_joined(lines, titles.get(number, [])), number)


def _read(document: Document) -> tuple[list[str], Titles]:
    """Each page's text, and the headings by page where there are not too many pages to look for them."""
    if len(document.data) <= _AT_ONCE_BYTES:
        pages, titles = extract_both(document)
        return pages, titles if len(pages) <= _TITLED_PAGES else {}
    pages = extract_pages(document)
    if len(pages) > min(_TITLED_PAGES, document.limits.pages) or not any(page.strip() for page in pages):
        return pages, {}
    return pages, extract_titles(document)


def _joined(lines: Sequence[str], titles: list[list[str]]) -> Iterator[tuple[str, bool]]:
    """Lines, and whether one is a heading; those of a heading over two lines are one."""
    plain = [" ".join(line.split()) for line in lines]
    at = 0
    while at < len(lines):
        title = next((each for each in titles if plain[at : at + len(each)] == each), None)
        yield (" ".join(title), True) if title else (lines[at], False)
        at += len(title) if title else 1


def _page(lines: Iterator[tuple[str, bool]], page: int) -> Iterator[Block]:
    every = list(lines)
    width = max((len(line) for line, _ in every), default=0)
    contents = sum(_LEADER.search(line) is not None for line, _ in every) > 1
    paragraph: list[str] = []
    for line, titled in every:
        text = line.strip()
        heading = titled or (bool(text) and not contents and is_title(text))
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
    """Take the running headers and page numbers away that most pages share; where one first stands, it stays.

    Only what is equal on the pages but for the page's own number goes, and only from a page's edge.
    """
    if len(pages) < _FURNITURE_PAGES:
        return pages
    marked = [{at: _mark(page[at], number, len(pages)) for at in _edges(page)} for number, page in enumerate(pages)]
    seen = Counter(mark for marks in marked for mark in set(marks.values()))
    common = {mark for mark, count in seen.items() if count * 2 > len(pages)}
    kept: set[str] = set()
    result = []
    for page, marks in zip(pages, marked, strict=True):
        away = {at for at, mark in marks.items() if mark in kept}
        kept |= common & set(marks.values())
        result.append([line for at, line in enumerate(page) if at not in away] if len(away) < len(page) else page)
    return result


def _edges(page: list[str]) -> list[int]:
    """Where the first two and the last two lines with text stand."""
    lines = [at for at, line in enumerate(page) if line.strip()]
    return sorted({*lines[:2], *lines[-2:]})


def _mark(line: str, number: int, total: int) -> str:
    """A line with its page number taken out, where it surely is one.

    Alone, or followed by the number of pages.
    """
    line = " ".join(line.split())
    bare = _BARE.match(line)
    if bare:
        return f"# {int(bare[1]) - number}"
    of_total = _OF_TOTAL.match(line)
    if of_total and abs(int(of_total[3]) - total) < 3 and abs(int(of_total[2]) - number) < 3:
        return f"{of_total[1]} # of"
    return line
