"""Chunks out of blocks: by structure, at most `size` long, with boundaries that stay where they are.

A boundary is chosen by content: of the places where a chunk may end (it is then at least half full), the one
whose next block has the smallest hash. A line inserted above moves a few boundaries until the choices meet
again, and every chunk after that is the same text as before, so it keeps its id and its vector.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from zlib import crc32

from .choices import choices_id
from .document import Block, ChunkSizes

_VERSION = 1
_HEADING_SHOWN = 200
_AHEAD = 1000
"""Blocks of one section that are held at a time."""
_SENTENCE = re.compile(
    r"(?<=[.!?…])[\"'”’»)\]]*\s+"  # Latin and its like: a stop, closing marks, space
    r"|(?<=[。！？])"  # East Asian: no space follows
    r"|(?<=[:;{},|])\n"  # code and tables
    r"|\n(?=\s*(?:[-*•+#>|\[{]|\d+[.)\]:/-]|$))"  # lists, logs, empty lines
    r"|\n(?=[ \t]+\S)"
)
_LINE = re.compile(r"\n")
_WORD = re.compile(r"\s+")


@dataclass(frozen=True)
class ChunkDraft:
    """One chunk before it has an id. `location` holds what is known of page, heading, rows, start, end."""

    text: str
    heading: str | None
    location: dict[str, Any]


def chunker_id(policy: ChunkSizes) -> str:
    """Name algorithm and settings: equal ids give equal chunks."""
    return f"structure/{_VERSION}:{policy.size}:{policy.overlap}{choices_id(policy)}"


def chunk(blocks: Iterable[Block], policy: ChunkSizes) -> list[ChunkDraft]:
    """Pack blocks into chunks of at most `policy.size` characters; none reaches across a heading or a page.

    A heading stands at the top of each chunk of its section. Headings with nothing below them go to the next
    one.
    """
    return list(_Packer(policy.size, min(policy.overlap, policy.size // 3)).run(blocks))


class _Packer:
    def __init__(self, size: int, overlap: int) -> None:
        self.size = size
        self.overlap = overlap
        self.heading: str | None = None
        self.above: list[Block] = []  # headings that no text has followed yet
        self.page: int | None = None
        self.section: list[Block] = []

    def run(self, blocks: Iterable[Block]) -> Iterator[ChunkDraft]:
        for block in blocks:
            if block.kind == "heading":
                yield from self.flush()
                if not block.text:  # what follows stands under no heading
                    yield from self.alone()
                    self.heading = None
                    continue
                self.above.append(block)
                self.heading = " ".join(block.text.split())[:_HEADING_SHOWN]
                if sum(len(each.text) + 1 for each in self.above) > self.size // 3:
                    yield from self.alone()
                continue
            if block.page != self.page:
                yield from self.flush()
                self.page = block.page
            self.section.append(block)
            if len(self.section) >= _AHEAD:
                yield from self.flush(more=True)
        yield from self.flush()
        yield from self.alone()

    def flush(self, more: bool = False) -> Iterator[ChunkDraft]:
        """Emit the section gathered so far; with `more` of it to come, keep what may still grow."""
        if not self.section:
            return
        again = f"{self.heading}\n" if self.heading and len(self.heading) < self.size // 3 else ""
        first = "".join(f"{block.text}\n" for block in self.above) or again
        room = self.size - max(len(first), len(again))
        units = [unit for block in self.section for unit in _fitted(block, room, self.overlap)]
        self.section = []
        for group, last in _groups(units, room):
            if more and last:
                self.section = group
                return
            above = self.above
            yield self.draft(first if above else again, group, above[0].start if above else None)
            self.above = []

    def alone(self) -> Iterator[ChunkDraft]:
        """Emit headings that are too long to repeat, or that nothing follows."""
        if not self.above:
            return
        text = "\n".join(block.text for block in self.above)
        page = self.above[0].page
        units = list(_fitted(Block(text, start=self.above[0].start, end=self.above[-1].end), self.size, 0))
        for group, _ in _groups(units, self.size):
            for unit in group:
                unit.page = page
            yield self.draft("", group, None)
        self.above = []

    def draft(self, top: str, group: list[Block], start: int | None) -> ChunkDraft:
        first, last = group[0], group[-1]
        location: dict[str, Any] = {}
        if first.page is not None:
            location["page"] = first.page
        if self.heading:
            location["heading"] = self.heading
        rows = [block.row for block in group if block.row is not None]
        if rows and rows[0] <= rows[-1] and len({block.header for block in group if block.row}) == 1:
            location["rows"] = [rows[0], rows[-1]]
        start = first.start if start is None else start
        if start is not None and last.end is not None:
            location["start"], location["end"] = start, last.end
        return ChunkDraft(top + _joined(group), self.heading, location)


def _joined(group: list[Block]) -> str:
    """The text of a group: a table's header above its first row here, rows on lines, paragraphs apart."""
    parts: list[str] = []
    header = ""
    for block in group:
        if block.kind == "row":
            if parts:
                parts.append("\n" if block.header == header else "\n\n")
            if block.header and block.header != header:
                parts.append(block.header + "\n")
            header = block.header
        else:
            if parts:
                parts.append("\n\n")
            header = ""
        parts.append(block.text)
    return "".join(parts)


def _groups(units: list[Block], size: int) -> Iterator[tuple[list[Block], bool]]:
    """Cut `units` into runs of at most `size` characters; the last one is marked."""
    begin, count = 0, len(units)
    while begin < count:
        end = _end(units, begin, size)
        yield units[begin:end], end == count
        begin = end


def _end(units: list[Block], begin: int, size: int) -> int:
    """The end of the run that begins at `begin`: the smallest hash among the ends that leave it half full."""
    used, header = 0, ""
    best, best_hash = begin + 1, -1
    for index in range(begin, len(units)):
        unit = units[index]
        if unit.fresh and index > begin:
            return index
        if index > begin and used * 2 >= size:
            hashed = crc32(unit.text.encode())
            if best_hash < 0 or hashed < best_hash:
                best, best_hash = index, hashed
        used += len(unit.text) + 2
        if unit.header != header:
            header = unit.header
            used += len(header) + 1
        if used - 2 > size and index > begin:
            return best if best_hash >= 0 else index
    return len(units)


def _fitted(block: Block, room: int, overlap: int) -> Iterator[Block]:
    """The block itself where it fits with its header, else its pieces."""
    if len(block.text) + len(block.header) + 1 <= room:
        yield block
        return
    text, base = block.text, block.start
    if block.kind == "row":
        overlap = 0
        if len(block.header) * 2 > room:
            text, base = _as_lines(block), None
    header = block.header if block.kind == "row" and len(block.header) * 2 <= room else ""
    for number, (start, end) in enumerate(_pieces(text, room - len(header) - 1, overlap)):
        yield Block(
            text[start:end],
            kind=block.kind,
            page=block.page,
            row=block.row,
            start=None if base is None else base + start,
            end=None if base is None else base + end,
            header=header,
            fresh=number > 0,
        )


def _as_lines(row: Block) -> str:
    """A row too wide for its header: one line for each cell, with its column's name."""
    names, cells = row.header.split(" | "), row.text.split(" | ")
    if len(names) != len(cells):
        return f"{row.header}\n{row.text}"
    return "\n".join(f"{name}: {cell}" for name, cell in zip(names, cells, strict=True) if cell)


def _pieces(text: str, size: int, overlap: int) -> Iterator[tuple[int, int]]:
    """Spans of `text` of at most `size`, each beginning up to `overlap` before the end of the last."""
    room = size - overlap
    run: list[tuple[int, int]] = []
    before = 0
    for span in _spans(text, 0, len(text), room, (_SENTENCE, _LINE, _WORD)):
        while run and span[1] - run[0][0] > room:
            cut = _cut(text, [*run, span], room)
            yield _overlapping(text, run[0][0], before, overlap), run[cut - 1][1]
            before = run[cut - 1][1]
            del run[:cut]
        run.append(span)
    if run:
        yield _overlapping(text, run[0][0], before, overlap), run[-1][1]


def _cut(text: str, run: list[tuple[int, int]], room: int) -> int:
    """Before which span of `run`, whose last one does not fit, to cut.

    Chosen by content, as for whole blocks.
    """
    origin = run[0][0]
    likely = [n for n in range(1, len(run)) if (run[n - 1][1] - origin) * 2 >= room]
    if not likely:
        return len(run) - 1
    return min(likely, key=lambda n: crc32(text[run[n][0] : run[n][1]].encode()))


def _overlapping(text: str, start: int, before: int, overlap: int) -> int:
    return _word_start(text, max(before - overlap, 0), start) if before and overlap else start


def _spans(
    text: str, start: int, end: int, size: int, boundaries: tuple[re.Pattern[str], ...]
) -> Iterator[tuple[int, int]]:
    """Spans between boundaries of the first kind; what is too long by the next, at last by characters."""
    if not boundaries:
        yield from _by_characters(text, start, end, size)
        return
    begin = start
    for match in boundaries[0].finditer(text, start, end):
        if match.start() > begin:
            yield from _refined(text, begin, match.start(), size, boundaries[1:])
        begin = match.end()
    if end > begin:
        yield from _refined(text, begin, end, size, boundaries[1:])


def _refined(
    text: str, start: int, end: int, size: int, finer: tuple[re.Pattern[str], ...]
) -> Iterator[tuple[int, int]]:
    if end - start <= size:
        yield start, end
    else:
        yield from _spans(text, start, end, size, finer)


def _by_characters(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    while end - start > size:
        cut = start + size
        while cut > start + size // 2 and unicodedata.combining(text[cut]):
            cut -= 1
        yield start, cut
        start = cut
    yield start, end


def _word_start(text: str, earliest: int, latest: int) -> int:
    """The first beginning of a word from `earliest` on, at most `latest`."""
    if earliest == 0 or text[earliest - 1].isspace():
        return earliest
    match = _WORD.search(text, earliest, latest)
    return match.end() if match else latest
