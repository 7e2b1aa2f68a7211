"""Rows that were taken for the columns of a page: labels left, numbers right, as at the foot of an invoice."""

from __future__ import annotations

from bisect import bisect, bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING

from .parse_pdf_order import Order

if TYPE_CHECKING:
    from liteparse.types import LayoutBlock, LayoutCell, ParsedPage, TextItem

_TEXT = ("paragraph", "heading", "list_item", "code", "table")
_LINE = 3.0
"""Points by which the text of one line may stand higher or lower."""
_TOGETHER = 0.6
"""Lines, at least, that were written across the columns, where they are rows."""


def with_rows(page: ParsedPage, order: Order) -> list[LayoutBlock]:
    """The page's blocks in order; those beside each other whose lines were written across are one table."""
    from liteparse.types import LayoutBlock

    blocks = list(page.blocks or [])
    done: list[LayoutBlock] = []
    while blocks:
        columns = _beside(done, blocks)
        if rows := _rows_across(columns, page, order) if columns else []:
            del done[len(done) - len(columns[0]) :]
            del blocks[: sum(map(len, columns[1:]))]
            done.append(LayoutBlock("table", rows=rows))
        else:
            done.append(blocks.pop(0))
    return done


def _beside(done: Sequence[LayoutBlock], ahead: Sequence[LayoutBlock]) -> list[list[LayoutBlock]]:
    """Columns of blocks beside each other: the last ones of `done`, then the first ones of `ahead`; or none."""
    left, top = _box(ahead[0])[:2]
    first: list[LayoutBlock] = []
    for block in reversed(done):
        x0, _, x1, bottom = _box(block)
        if block.kind not in _TEXT or not x0 < x1 <= left + 1 or bottom <= top + 1:
            break
        first.insert(0, block)
    if not first:
        return []
    columns, floor = [first], max(_box(block)[3] for block in first)
    for block in ahead:
        x0, y0, _, _ = _box(block)
        if block.kind not in _TEXT or y0 >= floor:
            break
        last = columns[-1]
        if x0 >= max(_box(each)[2] for each in last) - 1 and y0 < _box(last[-1])[3] - 1:
            columns.append([block])
        elif len(columns) > 1 and x0 >= max(_box(each)[2] for each in columns[-2]) - 1:
            last.append(block)
        else:
            break
    return columns if len(columns) > 1 else []


def _rows_across(columns: Sequence[Sequence[LayoutBlock]], page: ParsedPage, order: Order) -> list[list[LayoutCell]]:
    """The rows that reach over the columns; none where these are a page's."""
    lefts = sorted({left for column in columns for left in _lefts(column)})
    rows = _rows(columns, lefts, page.text_items)
    edges = [bisect_left(lefts, min(_lefts(column))) for column in columns[1:]]
    return rows if all(_written_across(rows, edge, page.page_num, order) for edge in edges) else []


def _rows(
    columns: Sequence[Sequence[LayoutBlock]], lefts: list[float], items: Sequence[TextItem]
) -> list[list[LayoutCell]]:
    """The lines across the columns, a cell for each column and for each of a table in one."""
    boxes = [_box(block) for column in columns for block in column]
    rows: list[tuple[float, list[list[TextItem]]]] = []
    for item in sorted(items, key=lambda item: (item.y + item.height, item.x)):
        x, y, base = item.x + item.width / 2, item.y + item.height / 2, item.y + item.height
        if any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in boxes):
            if not rows or base - rows[-1][0] > _LINE:
                rows.append((base, [[] for _ in lefts]))
            rows[-1][1][max(0, bisect(lefts, item.x + 1) - 1)].append(item)
    return [[_cell(items) for items in row] for _, row in rows]


def _lefts(column: Sequence[LayoutBlock]) -> set[float]:
    """Where the cells of a column begin: itself, and each column of a table in it."""
    tables = [block for block in column if block.kind == "table"]
    starts: dict[int, float] = {}
    for block in tables:
        for row in _cells(block):
            for at, cell in enumerate(row):
                if cell.bbox and cell.text.strip():
                    starts[at] = min(cell.bbox.x, starts.get(at, cell.bbox.x))
    return set(starts.values()) if tables else {min(_box(block)[0] for block in column)}


def _cells(table: LayoutBlock) -> list[list[LayoutCell]]:
    return [*([table.header] if table.header else []), *(table.rows or [])]


def _cell(items: Sequence[TextItem]) -> LayoutCell:
    from liteparse.types import AnnotationRect, LayoutCell

    if not items:
        return LayoutCell("")
    left, right = min(item.x for item in items), max(item.x + item.width for item in items)
    box = AnnotationRect(left, items[0].y, right - left, items[0].height)
    return LayoutCell(" ".join(item.text for item in items), box)


def _written_across(rows: Sequence[Sequence[LayoutCell]], edge: int, page: int, order: Order) -> bool:
    """Whether most lines reach over the edge between two columns, and were written so."""
    sides = [
        (
            next((cell.text for cell in reversed(row[:edge]) if cell.text), ""),
            next((cell.text for cell in row[edge:] if cell.text), ""),
        )
        for row in rows
    ]
    across = [side for side in sides if all(side)]
    if len(across) < 2 or len(across) * 2 < len(rows):
        return False
    share = order.together(across, page)
    return share is not None and share >= _TOGETHER


def _box(block: LayoutBlock) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of its text in points; nowhere where that is not known."""
    every = [cell.bbox for row in _cells(block) for cell in row if cell.text.strip()] or [block.bbox]
    boxes = [box for box in every if box]
    if not boxes:
        return (0.0, 0.0, 0.0, 0.0)
    return (
        min(box.x for box in boxes),
        min(box.y for box in boxes),
        max(box.x + box.width for box in boxes),
        max(box.y + box.height for box in boxes),
    )
