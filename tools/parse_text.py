"""Blocks of plain text, Markdown and reStructuredText: headings, paragraphs, fenced code, tables."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

from .document import Block, Document

_GAP = re.compile(r"\n[ \t]*\n\s*")
_ATX = re.compile(r"(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)", re.MULTILINE)
_UNDERLINE = re.compile(r"([=\-~^\"'`#*+.:_])\1{2,}[ \t]*$")
_NUMBERED = re.compile(
    r"(?:(?:chapter|section|part|article|appendix|annex|kapitel|chapitre)\s+[\divxlc]+\b|\d+(?:\.\d+)+\.?\s)",
    re.IGNORECASE,
)
_DELIMITER = re.compile(r"^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_FRONT = re.compile(r"\A---[ \t]*\n(.*?\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_HTML_TABLE = re.compile(r"^ {0,3}<table\b", re.MULTILINE | re.IGNORECASE)
_HTML_TABLE_END = re.compile(r"</table>[ \t]*$", re.MULTILINE | re.IGNORECASE)
_TITLE = re.compile(r"^title:[ \t]*[\"']?(.+?)[\"']?[ \t]*$", re.MULTILINE)


def text_blocks(document: Document) -> Iterator[Block]:
    """Paragraphs of plain text; underlined and numbered lines that stand by themselves are headings."""
    return plain(document.text)


def markdown_blocks(document: Document) -> Iterator[Block]:
    """Headings, paragraphs, code and tables of Markdown, those in HTML too; inline marks stay as they are written."""
    text, begin = document.text, 0
    for start, end in _html_tables(text):
        yield from _moved(markdown(text[begin:start]), begin)
        yield from _html(text[start:end], document)
        begin = end
    yield from _moved(markdown(text[begin:]), begin)


def _html_tables(text: str) -> Iterator[tuple[int, int]]:
    """Spans of tables in HTML that begin a line, outside of fences: there they are shown, not meant."""
    counted = fences = end = 0
    for opening in _HTML_TABLE.finditer(text):
        if opening.start() < end:
            continue
        fences += text.count("```", counted, opening.start())
        counted = opening.start()
        if fences % 2 == 0:
            closing = _HTML_TABLE_END.search(text, opening.end())
            if closing is None:
                return
            end = closing.end()
            yield opening.start(), end


def _moved(blocks: Iterator[Block], offset: int) -> Iterator[Block]:
    for block in blocks:
        if offset and block.start is not None and block.end is not None:
            block.start, block.end = block.start + offset, block.end + offset
        yield block


def _html(table: str, document: Document) -> Iterator[Block]:
    from .parse_html import markup_blocks  # few pages of Markdown hold any

    return markup_blocks(table, document, titled=False)


def plain(text: str, offset: int = 0, page: int | None = None) -> Iterator[Block]:
    """Blocks of plain text whose first character has the offset `offset`."""
    for start, end in _paragraphs(text, 0, len(text)):
        yield from _plain_paragraph(text, start, end, offset, page)


def _paragraphs(text: str, begin: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans between empty lines, without the line ends around them; indentation of a first line stays."""
    for gap in _GAP.finditer(text, begin, end):
        if gap.start() > begin and not text[begin : gap.start()].isspace():
            yield begin, gap.start()
        begin = text.rfind("\n", gap.start(), gap.end()) + 1
    while begin < end and text[begin] == "\n":
        begin += 1
    while end > begin and text[end - 1].isspace():
        end -= 1
    if end > begin and not text[begin:end].isspace():
        yield begin, end


def _plain_paragraph(text: str, start: int, end: int, offset: int, page: int | None) -> Iterator[Block]:
    first_end = text.find("\n", start, end)
    if first_end < 0:
        line = text[start:end]
        yield Block(
            line.strip() if (heading := is_title(line)) else line,
            kind="heading" if heading else "text",
            page=page,
            start=offset + start,
            end=offset + end,
        )
        return
    heading_end = _underlined(text, start, first_end, end)
    if heading_end:
        title = _SECTION_MARKS.sub("", text[start:heading_end]).strip()
        yield Block(title, kind="heading", page=page, start=offset + start, end=offset + heading_end)
        start = heading_end + 1
        if start >= end:
            return
    yield Block(text[start:end], page=page, start=offset + start, end=offset + end)


_SECTION_MARKS = re.compile(r"^[=\-~^\"'`#*+.:_]{3,}[ \t]*$", re.MULTILINE)


def is_title(line: str) -> bool:
    """A line by itself that is numbered as headings are."""
    return len(line) < 120 and line[-1] not in ".,;:!?" and _NUMBERED.match(line.lstrip()) is not None


def _underlined(text: str, start: int, first_end: int, end: int) -> int:
    """The end of a heading that has a line of marks below it (and perhaps above), or 0."""
    line = text[start:first_end]
    if _UNDERLINE.fullmatch(line):
        start, first_end = first_end + 1, text.find("\n", first_end + 1, end)
        if first_end < 0:
            return 0
        line = text[start:first_end]
    if not line.strip() or len(line) > 120:
        return 0
    below_end = text.find("\n", first_end + 1, end)
    below_end = end if below_end < 0 else below_end
    below = text[first_end + 1 : below_end]
    if _UNDERLINE.fullmatch(below) and len(below.strip()) * 2 >= len(line.strip()):
        return below_end
    return 0


def markdown(text: str, page: int | None = None) -> Iterator[Block]:
    """Blocks of Markdown text."""
    begin = 0
    front = _FRONT.match(text)
    if front:
        yield from _front_matter(front)
        begin = front.end()
    while begin < len(text):
        fence = _FENCE.search(text, begin)
        yield from _prose(text, begin, fence.start() if fence else len(text), page)
        if not fence:
            return
        close = re.compile(rf"^ {{0,3}}{re.escape(fence[1])}[`~]*[ \t]*$", re.MULTILINE)
        closed = close.search(text, text.find("\n", fence.end()) + 1 or len(text))
        end = closed.end() if closed else len(text.rstrip())
        yield Block(text[fence.start() : end], kind="code", page=page, start=fence.start(), end=end)
        begin = end


def _front_matter(front: re.Match[str]) -> Iterator[Block]:
    title = _TITLE.search(front[1])
    if title:
        yield Block(title[1], kind="heading", level=1, start=0, end=front.end())
    rest = "\n".join(line for line in front[1].splitlines() if not line.startswith("title:")).strip()
    if rest:
        yield Block(rest, start=0, end=front.end())


def _prose(text: str, begin: int, end: int, page: int | None) -> Iterator[Block]:
    for start, stop in _paragraphs(text, begin, end):
        if "#" not in text[start:stop] and "|" not in text[start:stop] and text.find("\n", start, stop) < 0:
            yield Block(text[start:stop], page=page, start=start, end=stop)
        else:
            yield from _markdown_paragraph(text, start, stop, page)


def _markdown_paragraph(text: str, start: int, end: int, page: int | None) -> Iterator[Block]:
    """Headings and tables may stand right above and below text, without an empty line."""
    begin = here = start
    while here < end:
        line_end = text.find("\n", here, end)
        line_end = end if line_end < 0 else line_end
        line = text[here:line_end]
        heading = _ATX.match(line.strip()) if "#" in line[:4] else None
        if heading is None and "|" in line and _table_at(text, line_end, end):
            yield from _text(text, begin, here, page)
            begin = here = yield from _table(text, here, line_end, end, page)
            continue
        if heading is None:
            heading_end = _setext(text, here, line_end, end) if here == begin else 0
            if not heading_end:
                here = line_end + 1
                continue
            title, level = line.strip(), 1 if text[heading_end - 1] == "=" else 2
            line_end = heading_end
        else:
            title, level = heading[2], len(heading[1])
            yield from _text(text, begin, here, page)
        if title:
            yield Block(title, kind="heading", level=level, page=page, start=here, end=line_end)
        begin = here = line_end + 1
    yield from _text(text, begin, end, page)


def _text(text: str, start: int, end: int, page: int | None) -> Iterator[Block]:
    end = min(end, len(text))
    while end > start and text[end - 1] == "\n":
        end -= 1
    if end > start and not text[start:end].isspace():
        yield Block(text[start:end], page=page, start=start, end=end)


def _setext(text: str, start: int, line_end: int, end: int) -> int:
    below_end = text.find("\n", line_end + 1, end)
    below_end = end if below_end < 0 else below_end
    below = text[line_end + 1 : below_end].strip()
    if len(below) >= 2 and set(below) in ({"="}, {"-"}) and not text[start:line_end].lstrip().startswith(">"):
        return below_end
    return 0


def _table_at(text: str, line_end: int, end: int) -> bool:
    below_end = text.find("\n", line_end + 1, end)
    below = text[line_end + 1 : end if below_end < 0 else below_end]
    return "-" in below and "|" in below and _DELIMITER.match(below) is not None


def _table(text: str, start: int, line_end: int, end: int, page: int | None) -> Generator[Block, None, int]:
    """Yield the rows of a pipe table; return where the text after it begins."""
    header = cells(text[start:line_end])
    here = text.find("\n", line_end + 1, end) + 1 or end
    row = 1
    while here < end:
        line_end = text.find("\n", here, end)
        line_end = end if line_end < 0 else line_end
        line = text[here:line_end]
        if "|" not in line:
            break
        row += 1
        yield Block(cells(line), "row", page=page, row=row, start=here, end=line_end, header=header)
        here = line_end + 1
    if row == 1:
        yield Block(header, page=page, start=start, end=min(here, end))
    return here


def cells(line: str) -> str:
    """A pipe table's row as its cells with ` | ` between them."""
    line = line.strip().removeprefix("|")
    if line.endswith("|") and not line.endswith("\\|"):
        line = line[:-1]
    return " | ".join(cell.strip() for cell in re.split(r"(?<!\\)\|", line))
