"""Blocks of HTML: all text but scripts, styles and navigation, with headings, lists and tables kept."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .decode import Decoded, decode
from .document import Block, Document, Refused
from .html_tree import INLINE, Node, Tree
from .parse_table import table_blocks

_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_DECLARED = re.compile(
    rb"(?:<meta[^>]{0,200}?charset|<\?xml[^>]{0,150}?encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE
)
_SPACE = re.compile(r"[ \t\n\r\f]+")


def html_blocks(document: Document) -> Iterator[Block]:
    """Blocks of an HTML document; its title stands above everything."""
    return markup_blocks(_decoded(document).text, document)


def markup_blocks(text: str, document: Document, page: int | None = None, titled: bool = True) -> Iterator[Block]:
    """Blocks of HTML text, as it is also found in mails, books and notebooks."""
    tree = Tree()
    tree.feed(text)
    tree.close()
    title = _SPACE.sub(" ", tree.title).strip()
    walk = _Walk(document, page)
    blocks = walk.blocks(tree.root)
    first = next(blocks, None)
    if titled and title and not (first and first.kind == "heading" and first.text == title):
        yield Block(title, "heading", level=1, page=page)
    if first:
        yield first
    yield from blocks


def _decoded(document: Document) -> Decoded:
    declared = _DECLARED.search(document.data[:5000])
    found = decode(document.data, declared[1].decode() if declared else None)
    if found is None:
        raise Refused("corrupt", "holds bytes that are no text; give an undamaged copy")
    document.warnings.extend(found.warnings)
    return found


class _Walk:
    def __init__(self, document: Document, page: int | None) -> None:
        self.document = document
        self.page = page
        self.line: list[str] = []

    def blocks(self, root: Node) -> Iterator[Block]:
        yield from self.inside(root)
        yield from self.flush()

    def flush(self, prefix: str = "") -> Iterator[Block]:
        """Emit the text gathered since the last block began."""
        text = _tidy("".join(self.line))
        self.line = []
        if text:
            yield Block(prefix + text, page=self.page)

    def inside(self, node: Node) -> Iterator[Block]:
        for child in node.children:
            if isinstance(child, str):
                self.line.append(child)
            elif not child.hidden:
                yield from self.element(child)

    def element(self, node: Node) -> Iterator[Block]:
        tag = node.tag
        if tag == "br":
            self.line.append("\0")
        elif tag in INLINE:
            yield from self.inside(node)
        elif tag in _HEADINGS:
            yield from self.flush()
            text = _SPACE.sub(" ", _text_of(node)).strip()
            if text:
                yield Block(text, "heading", level=_HEADINGS[tag], page=self.page)
        elif tag == "table" and _is_data_table(node):
            yield from self.flush()
            yield from table_blocks(enumerate(_rows(node), 1), self.document, self.page)
        elif tag == "pre":
            yield from self.flush()
            text = _text_of(node).strip("\n")
            if text.strip():
                yield Block(text, "code", page=self.page)
        elif tag in ("ul", "ol", "dl") and not _holds(node, ("table", "pre", *_HEADINGS)):
            yield from self.flush()
            text = "\n".join(_items(node, 0))
            if text.strip():
                yield Block(text, page=self.page)
        else:
            yield from self.flush()
            yield from self.inside(node)
            yield from self.flush()


def _tidy(text: str) -> str:
    lines = (_SPACE.sub(" ", line).strip() for line in text.split("\0"))
    return "\n".join(line for line in lines if line)


def _text_of(node: Node) -> str:
    """All text inside, as it stands; cells and blocks do not run into each other."""
    parts: list[str] = []
    for child in node.children:
        if isinstance(child, str):
            parts.append(child)
        elif child.tag == "br":
            parts.append("\n")
        elif not child.hidden:
            text = _text_of(child)
            parts.append(text if child.tag in INLINE else f" {text} ")
    return "".join(parts)


def _items(node: Node, depth: int) -> Iterator[str]:
    """A list's items, a line each, indented by their depth."""
    line: list[str] = []
    for child in node.children:
        if isinstance(child, str):
            line.append(child)
        elif child.hidden:
            continue
        elif child.tag in ("li", "dt", "dd", "ul", "ol", "dl"):
            yield from _item("".join(line), depth)
            line = []
            yield from _items(child, depth + (child.tag in ("ul", "ol", "dl", "dd")))
        elif _holds(child, ("ul", "ol", "dl")):
            yield from _item("".join(line), depth)
            line = []
            yield from _items(child, depth)
        else:
            line.append("\n" if child.tag == "br" else _text_of(child))
            if child.tag not in INLINE:
                line.append(" ")
    yield from _item("".join(line), depth)


def _item(text: str, depth: int) -> Iterator[str]:
    text = _SPACE.sub(" ", text).strip()
    if text:
        yield f"{'  ' * depth}- {text}"


def _holds(node: Node, tags: tuple[str, ...]) -> bool:
    return any(not isinstance(c, str) and (c.tag in tags or _holds(c, tags)) for c in node.children)


def _is_data_table(table: Node) -> bool:
    """Not one that lays out a page: no table, heading or long text inside, and more than one cell a row."""
    if _holds(table, ("table", *_HEADINGS)):
        return False
    rows = list(_rows(table))
    return max(map(len, rows), default=0) > 1 and max((len(c) for row in rows for c in row), default=0) < 2000


Cell = tuple[str, tuple[int, int]]


def _rows(table: Node) -> Iterator[list[str]]:
    """A table's rows; a cell over several columns fills the first of them, one over several rows each of those."""
    above: dict[int, tuple[str, int]] = {}
    for cells in _rows_of_cells(table):
        row: list[str] = []
        for text, (columns, rows) in cells:
            _come_down(row, above)
            if rows > 1:
                above[len(row)] = (text, rows - 1)
            row += [text] + [""] * (columns - 1)
        _come_down(row, above)
        yield row


def _come_down(row: list[str], above: dict[int, tuple[str, int]]) -> None:
    """Fill the columns that cells further up reach into."""
    while (at := len(row)) in above:
        text, left = above.pop(at)
        if left > 1:
            above[at] = (text, left - 1)
        row.append(text)


def _rows_of_cells(table: Node) -> Iterator[list[Cell]]:
    one = (1, 1)
    for child in table.children:
        if isinstance(child, str) or child.hidden:
            if isinstance(child, str) and child.strip():
                yield [(child.strip(), one)]
        elif child.tag == "tr":
            yield [
                (_SPACE.sub(" ", _text_of(cell)).strip(), cell.span) if isinstance(cell, Node) else (cell.strip(), one)
                for cell in child.children
                if isinstance(cell, Node) or cell.strip()
            ]
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from _rows_of_cells(child)
        elif text := _SPACE.sub(" ", _text_of(child)).strip():
            yield [(text, one)]
