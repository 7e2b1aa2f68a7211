"""Blocks of PDF: headings, paragraphs, lists, tables and code of each page's text layer, as liteparse finds them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from .decode import clean
from .document import Block, Document, Refused
from .parse_pdf_order import Order, letters
from .parse_pdf_rows import with_rows
from .parse_pdf_table import Tables
from .parse_text import is_title

if TYPE_CHECKING:
    from liteparse.types import LayoutBlock, ParsedPage, ParseResult

_OF_TOTAL = re.compile(r"(.*?)\b(\d{1,9}) ?(?:/|of|von|sur|de|di|van) ?(\d+)$")
_BARE = re.compile(r"(?:page |seite |- ?)?(\d{1,9})(?: ?-)?$", re.IGNORECASE)
_MARKS = re.compile(r"\\([\\*_])|\*+")
"""Marks of Markdown in paragraphs and the like: escapes, and stars that are no text. Cells and code have none."""
_LEADER = re.compile(r"(?:[.·…] ?){3,}")
"""The dots of a table of contents; where two lines have them, what is numbered on that page heads nothing."""
_NO_TITLE = re.compile(rf"[.,;]\Z|[$€£]|{_LEADER.pattern}")
"""Large type that is no heading: sentences, sums, lines of a table of contents."""
_LONGEST_TITLE = 200
_GAP = re.compile(r" {2,}")
_APART = 0.2
"""Of the gaps within a page's lines, at most, on whose two sides the text may stand in different places."""
_SLICE = 200
"""Pages read at a time: each takes 200 kB while it is read."""
_LOST = 0.02
"""Of a page's letters and digits, at most, that may be missing in its blocks (formulas are set anew): else its text
is taken as it stands."""
_START = b"%PDF-"
_END, _END_WITHIN = b"%%EOF", 2048
"""The mark at the end of every whole PDF, and the last bytes among which it stands."""
_FURNITURE_PAGES = 4
"""Pages that a document has at least, before lines that repeat on them are taken for running headers."""


@dataclass
class _Page:
    number: int
    lines: list[str]
    blocks: list[Block]


def pdf_blocks(document: Document) -> Iterator[Block]:
    """Blocks with their page. Pages without text, and those that cannot be read, are warnings with their number."""
    document.data = document.data[max(0, document.data.find(_START)) :]  # some servers put their own lines above it
    pages, total = _read(document)
    if not total:
        raise Refused("corrupt", "damaged: it has no pages; give an undamaged copy")
    empty = sum(not page.blocks for page in pages)
    cut = _END not in document.data[-_END_WITHIN:]
    if cut and empty == len(pages):
        raise Refused("corrupt", "damaged or cut off (its end is missing); give an undamaged copy")
    if empty == len(pages):
        what = f"{total} page{'s' * (total != 1)}"
        raise Refused("no_text", f"no text layer on {what}: a scan needs OCR; give a copy with text")
    if cut:
        document.warn(f"damaged or cut off: what is left of it has {total} page{'s' * (total != 1)}")
    if len(pages) < total:
        document.warn(f"{total - len(pages)} of {total} pages are damaged and were not read")
    if empty:
        document.warn(f"no text layer on {empty} of {total} pages")
    _take_furniture_away(pages)
    for page in pages:
        yield from page.blocks


def _read(document: Document) -> tuple[list[_Page], int]:
    """The pages that can be read, and how many there are."""
    tables = Tables(document)
    pages: list[_Page] = []
    begin, total = 1, 1
    while begin <= total:
        result = _parse(document, begin)
        total = result.total_pages
        if total > document.limits.pages:
            limit = document.limits.pages
            raise Refused("too_large", f"{total} pages, the limit is {limit}; raise limits.pages or split the file")
        for page in result.pages:
            lines = [plain for line in clean(page.text).split("\n") if (plain := " ".join(line.split()))]
            pages.append(_Page(page.page_num, lines, _page_blocks(page, lines, tables)))
        begin += _SLICE
    return pages, total


def _parse(document: Document, begin: int) -> ParseResult:
    """Some pages from `begin` on. OCR is off, links are not followed, nothing is fetched."""
    from liteparse.parser import LiteParse  # 20 ms, and the PDF library with it
    from liteparse.types import ParseError

    parser = LiteParse(
        ocr_enabled=False,
        quiet=True,
        num_workers=1,
        max_pages=document.limits.pages,
        target_pages=f"{begin}-{begin + _SLICE - 1}",
        continue_on_page_error=True,
        image_mode="off",
        extract_links=False,
        extract_blocks=True,
        keep_headers_footers=True,
    )
    try:
        return parser.parse(document.data)
    except ParseError as error:
        if "password" in str(error):
            raise Refused("encrypted", "encrypted; leave it out, or give an open copy") from None
        said = str(error).removeprefix("PDF error: ")
        raise Refused("corrupt", f"damaged or cut off ({said}); give an undamaged copy") from None


def _page_blocks(page: ParsedPage, lines: list[str], tables: Tables) -> list[Block]:
    """The page's blocks; where they lack or tear apart some of its text, that text line by line, as it was written."""
    titles = _titles(lines)
    blocks = list(_laid_out(page, titles, tables))
    if _whole(blocks, page.text) and not _torn(blocks, page, tables.order):
        return blocks
    text = clean(tables.order.text(page.page_num) or page.text)
    return list(_as_written(text.split("\n"), titles, page.page_num))


def _whole(blocks: list[Block], text: str) -> bool:
    wanted = Counter(text)
    wanted.subtract("".join(_shown(blocks)))
    missing = sum(count for char, count in wanted.items() if count > 0 and char.isalnum())
    return missing <= _LOST * len(text)


def _shown(blocks: list[Block]) -> Iterator[str]:
    """The texts of blocks, and each table's header once."""
    row = 0
    for block in blocks:
        if block.row and not 0 < row < block.row:  # a table begins
            yield block.header
        yield block.text
        row = block.row or 0


def _torn(blocks: list[Block], page: ParsedPage, order: Order) -> bool:
    """Whether lines with gaps in them, written in one go, are in several places of the blocks."""
    shown = letters("".join(_shown(blocks)))
    pairs = [pair for line in page.text.split("\n") for pair in pairwise(_GAP.split(line.strip()))]
    apart = [pair for pair in pairs if letters(pair[0] + pair[1]) not in shown]
    if len(apart) < 2 or len(apart) <= _APART * len(pairs):
        return False
    share = order.together(apart, page.page_num)
    return share is not None and share > 0.5


def _as_written(lines: list[str], titles: list[str], page: int) -> Iterator[Block]:
    paragraph: list[str] = []
    for line in [*(" ".join(line.split()) for line in lines), ""]:
        if (not line or line in titles) and paragraph:
            yield Block("\n".join(paragraph), page=page)
            paragraph = []
        if line in titles:
            yield Block(line, "heading", page=page)
        elif line:
            paragraph.append(line)


def _laid_out(page: ParsedPage, titles: list[str], tables: Tables) -> Iterator[Block]:
    items: list[str] = []
    for found in with_rows(page, tables.order):
        if found.kind == "list_item":
            items.append(" ".join(filter(None, (found.marker, _text(found)))))
            continue
        if items:
            yield Block("\n".join(items), page=page.page_num)
            items = []
        table = found.kind == "table"
        yield from tables.blocks(found, page.page_num) if table else _block(found, page.page_num, titles)
    if items:
        yield Block("\n".join(items), page=page.page_num)


def _block(found: LayoutBlock, page: int, titles: list[str]) -> Iterator[Block]:
    """A heading, a paragraph or code; rules and figures have no text."""
    if found.lines:
        text = "\n".join(clean(line).rstrip() for line in found.lines).strip("\n")
        if text.strip():
            yield Block(text, "code" if found.kind == "code" else "text", page=page)
    elif text := _text(found):
        heading = found.kind == "heading" and len(text) <= _LONGEST_TITLE and not _NO_TITLE.search(text)
        for part in [text] if heading else _parts(text, titles):
            titled = heading or part in titles
            yield Block(part, "heading" if titled else "text", (titled and found.level) or 0, page=page)


def _titles(lines: list[str]) -> list[str]:
    """Lines that are numbered as headings are; none on a page of a table of contents."""
    if sum(_LEADER.search(line) is not None for line in lines) > 1:
        return []
    return [line for line in lines if is_title(line)]


def _parts(text: str, titles: list[str]) -> list[str]:
    """A paragraph, cut where one of its lines is a heading."""
    found = next((title for title in titles if title in text and f" {title} " in f" {text} "), None)
    if found is None:
        return [text]
    before, _, after = text.partition(found)
    return [
        *([before.strip()] if before.strip() else []),
        found,
        *(_parts(after.strip(), titles) if after.strip() else []),
    ]


def _text(found: LayoutBlock) -> str:
    return " ".join(clean(_MARKS.sub(r"\1", found.text or "")).split())


def _take_furniture_away(pages: list[_Page]) -> None:
    """Take the running headers and page numbers away that most pages share; where one first stands, it stays.

    Only what is equal on the pages but for the page's own number goes, and only from a page's edge.
    """
    if len(pages) < _FURNITURE_PAGES:
        return
    marked = [[(_mark(line, page.number), line) for line in _edges(page.lines)] for page in pages]
    seen = Counter(mark for marks in marked for mark in {mark for mark, _ in marks})
    common = {mark for mark, count in seen.items() if count * 2 > len(pages)}
    kept: set[str] = set()
    for page, marks in zip(pages, marked, strict=True):
        away = [line for mark, line in marks if mark in kept]
        kept |= common & {mark for mark, _ in marks}
        if len(away) < len(page.lines):
            _take_lines_away(page.blocks, away)


def _edges(lines: list[str]) -> list[str]:
    """The first two and the last two lines."""
    return [line for at, line in enumerate(lines) if at < 2 or at >= len(lines) - 2]


def _take_lines_away(blocks: list[Block], lines: list[str]) -> None:
    """Remove `lines` from the two blocks at each edge of a page, which are one or begin or end with one."""
    for line in lines:
        for block in [*blocks[:2], *reversed(blocks[2:][-2:])]:
            rest = "" if block.text == line else block.text
            if not _BARE.match(line):
                rest = rest.removeprefix(f"{line} ").removesuffix(f" {line}")
            if rest != block.text and block.kind != "row":
                block.text = rest
                break
    blocks[:] = [block for block in blocks if block.text]


def _mark(line: str, number: int) -> str:
    """A line with its page's number in it replaced by how far that is from the place among the pages.

    The number stands alone, or before how many there are.
    """
    if bare := _BARE.match(line):
        return f"# {int(bare[1]) - number}"
    if of_total := _OF_TOTAL.match(line):
        return f"{of_total[1]} # {int(of_total[2]) - number} of {of_total[3]}"
    return line
