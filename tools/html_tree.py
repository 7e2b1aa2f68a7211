"""HTML as a tree: what authors leave open is closed, what is not to be read is marked."""

from __future__ import annotations

from html.parser import HTMLParser

_HIDDEN = frozenset(("script", "style", "nav", "template", "iframe", "object", "head"))
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
INLINE = frozenset(
    (
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn",
        "em", "font", "i", "ins", "kbd", "label", "mark", "q", "rp", "rt", "ruby", "s", "samp",
        "small", "span", "strike", "strong", "sub", "sup", "time", "tt", "u", "var", "wbr", "img",
    )
)  # fmt: skip
_NAVIGATION = frozenset(("nav", "navbar", "navigation", "navheader", "navfooter", "topnav", "sidenav"))
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
_WIDEST = 100
"""Columns or rows that one cell may span."""


def _is_navigation(facts: dict[str, str | None]) -> bool:
    called = f"{facts.get('class') or ''} {facts.get('id') or ''}".lower()
    return "nav" in called and not _NAVIGATION.isdisjoint(called.split())


def _times(said: str | None) -> int:
    """How many columns or rows a cell spans; authors write anything."""
    return min(int(said), _WIDEST) if said and said.isascii() and said.isdigit() and said != "0" else 1


class Node:
    """An element: its children are elements and texts."""

    __slots__ = ("children", "hidden", "span", "tag")

    def __init__(self, tag: str, hidden: bool = False, span: tuple[int, int] = (1, 1)) -> None:
        self.tag = tag
        self.hidden = hidden
        self.span = span
        self.children: list[Node | str] = []


class Tree(HTMLParser):
    """Builds a tree, closing what authors leave open; beyond a depth, elements stay flat."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("html")
        self.open = [self.root]
        self.title = ""

    def updatepos(self, i: int, j: int) -> int:
        """Count no lines: nobody asks where in the file an element stands."""
        return j

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _ENDS:
            self._end(*_ENDS[tag])
        elif tag not in INLINE and tag not in _VOID and self.open[-1].tag == "p":
            self.open.pop()
        if tag == "body" and any(node.tag == "head" for node in self.open):
            self._end(("head",), ())
        facts = dict(attrs)
        if tag == "img" and facts.get("alt"):
            self.open[-1].children.append(f" {facts['alt']} ")
        hidden = tag in _HIDDEN or facts.get("role") == "navigation" or _is_navigation(facts)
        span = (_times(facts.get("colspan")), _times(facts.get("rowspan"))) if tag in ("td", "th") else (1, 1)
        node = Node(tag, hidden, span)
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
        if self.open[-1].tag == "title" and not self.title and not any(node.tag == "svg" for node in self.open):
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
