"""Blocks of HTML: all text but scripts, styles and navigation, with headings, lists and tables kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

from .decode import Decoded, decode
from .document import Block, Document, Refused
from .parse_table import table_blocks

_HIDDEN = frozenset(("script", "style", "nav", "template", "iframe", "object", "head"))
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
_INLINE = frozenset(
    (
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn",
        "em", "font", "i", "ins", "kbd", "label", "mark", "q", "rp", "rt", "ruby", "s", "samp",
        "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "img",
    )
)  # fmt: skip
_NAVIGATION = frozenset(("nav", "navbar", "navigation", "navheader", "navfooter", "topnav", "sidenav"))
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
# A start tag ends an open element of these kinds, looked for no further up than the bound.
_ENDS = {
    "li": (("li",), ("ul", "ol", "menu")),
    "dt": (("dt", "dd"), ("dl",)),
    "dd": (("dt", "dd"), ("dl",)),
    "tr": (("tr",), ("table",)),
    "td": (("td", "th"), ("tr", "table")),
    "th": (("td", "th"), ("tr", "table")),
    "option": (("option",), ("select",)),
}
_DEEPEST = 150
_DECLARED = re.compile(
    rb"(?:<meta[^>]{0,200}?charset|<\?xml[^>]{0,150}?encoding)\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE
)
_SPACE = re.compile(r"[ \t\n\r\f]+")


def _is_navigation(facts: dict[str, str | None]) -> bool:
    called = f"{facts.get('class') or ''} {facts.get('id') or ''}".lower()
    return "nav" in called and not _NAVIGATION.isdisjoint(called.split())


class Node:
    """An element: its children are elements and texts."""

    __slots__ = ("children", "hidden", "tag")

    def __init__(self, tag: str, hidden: bool = False) -> None:
        self.tag = tag
        self.hidden = hidden
        self.children: list[Node | str] = []


def html_blocks(document: Document) -> Iterator[Block]:
    """Blocks of an HTML document; its title stands above everything."""
    return markup_blocks(_decoded(document).text, document)


def markup_blocks(text: str, document: Document, page: int | None = None, titled: bool = True) -> Iterator[Block]:
    """Blocks of HTML text, as it is also found in mails, books and notebooks."""
    tree = _Tree()
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


class _Tree(HTMLParser):
    """Builds a tree, closing what authors leave open; beyond a depth, elements stay flat."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("html")
        self.open = [self.root]
        self.title = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _ENDS:
            self._end(*_ENDS[tag])
        elif tag not in _INLINE and tag not in _VOID and self.open[-1].tag == "p":
            self.open.pop()
        if tag == "body" and any(node.tag == "head" for node in self.open):
            self._end(("head",), ())
        facts = dict(attrs)
        if tag == "img" and facts.get("alt"):
            self.open[-1].children.append(f" {facts['alt']} ")
        node = Node(tag, tag in _HIDDEN or facts.get("role") == "navigation" or _is_navigation(facts))
        self.open[-1].children.append(node)
        if tag not in _VOID and len(self.open) < _DEEPEST:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID and self.open[-1].tag == tag and tag not in ("p", "div", "li", "td"):
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        self._end((tag,), ("table",) if tag not in ("table", "body", "html", "div") else ())

    def handle_data(self, data: str) -> None:
        if self.open[-1].tag == "title" and not self.title:
            self.title = data
        else:
            self.open[-1].children.append(data)

    def _end(self, tags: tuple[str, ...], bound: tuple[str, ...]) -> None:
        for index in range(len(self.open) - 1, 0, -1):
            if self.open[index].tag in tags:
                del self.open[index:]
                return
            if self.open[index].tag in bound:
                return


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
        elif tag in _INLINE:
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
            parts.append(text if child.tag in _INLINE else f" {text} ")
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
            if child.tag not in _INLINE:
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


def _rows(table: Node) -> Iterator[list[str]]:
    for child in table.children:
        if isinstance(child, str) or child.hidden:
            if isinstance(child, str) and child.strip():
                yield [child.strip()]
        elif child.tag == "tr":
            yield [
                _SPACE.sub(" ", _text_of(cell) if isinstance(cell, Node) else cell).strip()
                for cell in child.children
                if isinstance(cell, Node) or cell.strip()
            ]
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from _rows(child)
        elif text := _SPACE.sub(" ", _text_of(child)).strip():
            yield [text]
