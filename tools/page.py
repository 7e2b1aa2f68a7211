"""`page`: one self-contained HTML page, and markup whose text is always escaped.

The room that reports are written in: `milepost report` and the evaluation report. Nothing made here runs or reaches
out, whatever text it is given: only passive elements, no event attributes, no styles in attributes, links to
places in the page only, and a content security policy that forbids the rest. The look (`page.css`: light and dark,
narrow screens, print) is in the page itself; `svg.py` draws into it.

    page("Title", section("What", table(["Case", "Score"], [["a<b", "0.9"]], figures=(1,))), over="milepost 1.0")
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.resources import files

_TEXT = """
    a abbr b bdi br caption code dd details div dl dt em figcaption figure footer h1 h2 h3 header i li main ol p pre
    section small span strong summary table tbody td th thead tr ul
"""
_PICTURE = "circle desc g line path polyline polygon rect svg text title tspan"
PASSIVE = frozenset((_TEXT + _PICTURE).split())
_EMPTY = frozenset(("br",))
_KEPT = "\n\t\u200c\u200d"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


class Markup(str):
    """Text that is markup already; any other text is escaped where it is put in."""

    __slots__ = ()


def readable(text: str) -> str:
    """A text as a page can hold it: what is no letter, space or line end shows as a replacement character."""
    if text.isprintable():
        return text
    return "".join(letter if letter.isprintable() or letter in _KEPT else "\ufffd" for letter in text)


def markup(*inside: object) -> Markup:
    """Things one after the other: markup as it is, anything else escaped; None is nothing, a list its parts."""
    return Markup("".join(_inside(one) for one in inside))


def _inside(one: object) -> str:
    if one is None:
        return ""
    if isinstance(one, Markup):
        return one
    if isinstance(one, list | tuple):
        return markup(*one)
    return escape(readable(str(one)))


def element(name: str, *inside: object, **attributes: object) -> Markup:
    """An element. `class_` is the class, `_` in other names a hyphen; None and False leave an attribute out.

    ValueError for what could run or reach out: another element than a passive one, `on...`, `style`, `src`, and an
    `href` that leaves the page.
    """
    if name not in PASSIVE:
        raise ValueError(f"<{name}> has no place on a page that only shows")
    given = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    return Markup(f"<{name}{given}>" if name in _EMPTY else f"<{name}{given}>{markup(*inside)}</{name}>")


def _attribute(key: str, value: object) -> str:
    name = key.rstrip("_").replace("_", "-")
    if name.startswith("on") or name in ("style", "src") or (name == "href" and not str(value).startswith("#")):
        raise ValueError(f"{name}={value!r} could run or reach out of the page")
    if value is False:
        return ""
    if name == "viewbox":
        name = "viewBox"
    return f' {name}="{escape(readable(str(value)), quote=True)}"'


def bdi(text: str) -> Markup:
    """A name out of the world (a file, a source, a user): it keeps its own writing direction."""
    return element("bdi", text)


def badge(text: str, tone: str) -> Markup:
    """A word on a ground: `tone` is "good", "warn", "bad" or "calm"."""
    return element("span", text, class_=f"badge {tone}")


def wash(*inside: object, tone: str) -> Markup:
    """A paragraph that has to be seen, on a ground of the tone (see `badge`)."""
    return element("p", *inside, class_=f"wash {tone}")


def section(title: str, *inside: object, id: str | None = None) -> Markup:
    """A part of a page under its heading; `id` is what `href="#id"` leads to."""
    return element("section", element("h2", title), *inside, id=id)


def details(summary: object, *inside: object, open: bool = False, id: str | None = None) -> Markup:
    """What can be opened without a script, and is printed open."""
    return element("details", element("summary", summary), *inside, open="" if open else None, id=id)


def command(text: str) -> Markup:
    """A command to copy."""
    return element("pre", element("code", text))


def tiles(facts: Iterable[tuple[str, object, object]]) -> Markup:
    """The figures at the head of a page: (label, figure, a few words or None)."""
    shown = [
        element("div", element("dt", label), element("dd", figure, element("small", words) if words else None),
                class_="tile")
        for label, figure, words in facts
    ]  # fmt: skip
    return element("dl", shown, class_="tiles")


def listing(facts: Iterable[tuple[str, object]]) -> Markup:
    """Facts, each with its label."""
    rows = [markup(element("dt", label), element("dd", value)) for label, value in facts]
    return element("dl", rows, class_="facts")


def table(
    heads: Sequence[object], rows: Iterable[Sequence[object]], *, figures: Sequence[int] = (), caption: str = ""
) -> Markup:
    """Rows under their heads; the columns numbered in `figures` end at one place. Cells are text or markup.

    A cell may be a `td` element itself, where it needs a class of its own.
    """
    kinds = ["figure" if at in figures else None for at in range(len(heads))]
    head = element("tr", [element("th", one, class_=kinds[at], scope="col") for at, one in enumerate(heads)])
    body = [element("tr", [_cell(one, kinds[at]) for at, one in enumerate(row)]) for row in rows]
    told = element("caption", caption) if caption else None
    return element("div", element("table", told, element("thead", head), element("tbody", body)), class_="wide")


def _cell(one: object, kind: str | None) -> Markup:
    return one if isinstance(one, Markup) and one.startswith("<td") else element("td", one, class_=kind)


def figure(picture: Markup, caption: object = None) -> Markup:
    """A picture of `svg.picture` with what there is to say about it."""
    return element("figure", picture, element("figcaption", caption) if caption else None)


def page(title: str, *body: object, over: object = None, under: object = None, foot: object = None) -> str:
    """A whole page as text, to be written as UTF-8: `over` and `under` stand around the title, `foot` at the end.

    Needs no network and no script; the same content gives the same text.
    """
    head = (
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<title>{markup(title)}</title><style>\n{_look()}</style>"
    )
    top = element("header", element("p", over, class_="over") if over else None, element("h1", title), under)
    end = element("footer", foot) if foot else ""
    whole = f"{top}\n{element('main', *body)}\n{end}"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{whole}</body></html>\n'


def _look() -> str:
    return files(__package__ or "milepost.tools").joinpath("page.css").read_text(encoding="utf-8")
