"""HTML as a tree: what authors leave open is closed, what is not to be read is marked."""

from __future__ import annotations

from html.parser import HTMLParser

_UNREAD = frozenset(("script", "style", "template", "iframe", "object", "head"))
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
_OF_HEAD = frozenset(("title", "meta", "link", "style", "script", "base", "noscript", "template"))
"""What a head may hold; anything else ends it, with or without its end tag."""
_OF_BODY = frozenset(("html", "body", "main", "article"))
"""What holds the text of a page: it is never navigation, and ends navigation that was left open."""
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


def _is_navigation(tag: str, facts: dict[str, str | None]) -> bool:
    if tag == "nav" or facts.get("role") == "navigation":
        return True
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
        if (tag not in _OF_HEAD and self.open[-1].tag == "head") or tag == "body":
            self._end(("head",), ())
        if tag in _OF_BODY:
            self._end_navigation()
        facts = dict(attrs)
        if tag == "img" and facts.get("alt"):
            self.open[-1].children.append(f" {facts['alt']} ")
        hidden = tag in _UNREAD or (tag not in _OF_BODY and _is_navigation(tag, facts))
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
            if self.open[-1].tag == "head" and data.strip():
                self._end(("head",), ())
            self.open[-1].children.append(data)

    def _end_navigation(self) -> None:
        """Leave what is navigation, by name or by mistake, for what holds a page's text."""
        at = next((at for at, node in enumerate(self.open) if node.hidden and node.tag not in _UNREAD), None)
        if at is not None:
            del self.open[at:]

    def _end(self, tags: tuple[str, ...], bound: tuple[str, ...]) -> None:
        for index in range(len(self.open) - 1, 0, -1):
            if self.open[index].tag in tags:
                del self.open[index:]
                return
            if self.open[index].tag in bound:
                return
