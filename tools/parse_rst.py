"""Blocks of reStructuredText: as plain text, with its four kinds of tables as rows under their header."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator, Sequence

from .document import Block, Document
from .parse_table import table_blocks
from .parse_text import plain

_GRID = re.compile(r"^([ \t]*)\+(?:[-=]+\+)+[ \t]*$")
_SIMPLE = re.compile(r"^[ \t]*=+(?:[ \t]+=+)+[ \t]*$")
_DIRECTIVE = re.compile(r"^([ \t]*)\.\. (list-table|csv-table|table)::[ \t]*(.*)$")
_OPTION = re.compile(r"^[ \t]+:([\w-]+):[ \t]*(.*)$")
_ITEM = re.compile(r"^[ \t]*(\*[ \t]+)?-(?:[ \t]+(.*))?$")
_LONGEST = 2_000
"""Lines of a simple table, at most: where its end is not found, it is text."""
Rows = list[list[str]]


def rst_blocks(document: Document) -> Iterator[Block]:
    """Text with offsets; the rows of tables with their numbers, counted within the table."""
    text = document.text
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    begin = at = 0
    while at < len(lines):
        found = _table_at(lines, at)
        if found is None:
            at += 1
            continue
        end, caption, rows = found
        yield from _prose(text, starts[begin], starts[at])
        if caption:
            yield Block(caption)
        yield from table_blocks(enumerate(rows, 1), document)
        begin = at = end
    yield from _prose(text, starts[begin], len(text))


def _prose(text: str, begin: int, end: int) -> Iterator[Block]:
    while begin < end and text[begin] == "\n":
        begin += 1
    return plain(text[begin:end], offset=begin)


def _table_at(lines: Sequence[str], at: int) -> tuple[int, str, Rows] | None:
    """The line after a table that begins here, its caption, its rows; None where there is none."""
    line = lines[at]
    if _GRID.match(line):
        end = next((each for each in range(at, len(lines)) if lines[each].lstrip()[:1] not in ("+", "|")), len(lines))
        rows = _grid([each.strip() for each in lines[at:end]])
        return (end, "", rows) if rows else None
    if _SIMPLE.match(line):
        end = _end_of_simple(lines, at)
        rows = _simple(lines[at:end]) if end else []
        return (end, "", rows) if rows else None
    directive = _DIRECTIVE.match(line)
    return _directive(lines, at, directive) if directive and directive[2] != "table" else None


def _grid(lines: Sequence[str]) -> Rows:
    """Rows between the lines of a grid; a cell over several columns fills the first of them."""
    if len(lines) < 3:
        return []
    edges = sorted({at for line in lines if line.startswith("+") for at, char in enumerate(line) if char == "+"})
    columns = list(itertools.pairwise(edges))
    rows: Rows = []
    current = [""] * len(columns)
    for line in lines[1:]:
        if _GRID.match(line):
            if any(current):
                rows.append([" ".join(cell.split()) for cell in current])
            current = [""] * len(columns)
            continue
        place = 0
        for number, (left, right) in enumerate(columns):
            if left < len(line) and line[left] in "|+":
                place = number
            part = line[left + 1 : right + 1]
            current[place] += (" " if place == number else "") + part.rstrip("|+")
    return rows


def _end_of_simple(lines: Sequence[str], at: int) -> int:
    """The line after the table's last border: the one that an empty line follows; 0 where there is none."""
    borders = 0
    for number in range(at, min(len(lines), at + _LONGEST)):
        if _SIMPLE.match(lines[number]):
            borders += 1
            last = number + 1 == len(lines) or not lines[number + 1].strip()
            if borders > 1 and last:
                return number + 1
        elif not lines[number].strip() and borders > 2:
            return 0
    return 0


def _simple(lines: Sequence[str]) -> Rows:
    """Rows under the marks of the first line; one with an empty first cell goes on from the one above."""
    spans = [match.span() for match in re.finditer(r"=+", lines[0])]
    ends = [*(begin for begin, _ in spans[1:]), 10_000]
    rows: Rows = []
    for line in lines[1:]:
        if _SIMPLE.match(line) or not line.strip() or set(line.strip()) <= set("- "):
            continue
        if any(line[end - 1 : end].strip() for end in ends[:-1]):
            return []  # words across the columns: only lines of marks
        cells = [line[begin:end].strip() for (begin, _), end in zip(spans, ends, strict=True)]
        if cells[0] or not rows:
            rows.append(cells)
        else:
            rows[-1] = [" ".join(f"{above} {cell}".split()) for above, cell in zip(rows[-1], cells, strict=True)]
    return rows


def _directive(lines: Sequence[str], at: int, found: re.Match[str]) -> tuple[int, str, Rows] | None:
    """`list-table` and `csv-table`: what is indented below the directive."""
    indent = len(found[1])
    end = at + 1
    while end < len(lines) and (not lines[end].strip() or len(lines[end]) - len(lines[end].lstrip()) > indent):
        end += 1
    body = at + 1
    options: dict[str, str] = {}
    while body < end and (option := _OPTION.match(lines[body])):
        options[option[1]] = option[2]
        body += 1
    inner = [line for line in lines[body:end] if line.strip()]
    rows = _list(inner) if found[2] == "list-table" else _csv(inner, options)
    return (end, found[3].strip(), rows) if rows else None


def _list(lines: Sequence[str]) -> Rows:
    rows: Rows = []
    for line in lines:
        item = _ITEM.match(line)
        if item and item[1]:
            rows.append([])
        if item and rows:
            rows[-1].append((item[2] or "").strip())
        elif rows and rows[-1]:
            rows[-1][-1] = f"{rows[-1][-1]} {line.strip()}".strip()
    return rows


def _csv(lines: Sequence[str], options: dict[str, str]) -> Rows:
    delimiter = {"tab": "\t", "space": " "}.get(options.get("delim", ","), options.get("delim", ",")[:1] or ",")
    given = [options["header"], *lines] if "header" in options else list(lines)
    text = "\n".join(line.strip() for line in given)
    return [row for row in csv.reader(io.StringIO(text), delimiter=delimiter, skipinitialspace=True) if row]
