"""Law: whatever text is put into a page, it comes out as that text: nothing in it runs, and nothing reaches out."""

from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milepost.tools.page import (
    PASSIVE,
    badge,
    bdi,
    command,
    details,
    element,
    figure,
    listing,
    markup,
    page,
    readable,
    section,
    table,
    tiles,
    wash,
)
from milepost.tools.svg import Scale, axes, bar, curve, diamond, dot, label, line, link, picture, spread

HOSTILE = (
    "<script>alert(1)</script>", "</style><script src=//evil.example/x.js></script>", '" onload="alert(1)',
    "<img src=https://evil.example/a.png>", "]]><svg onload=alert(1)>", "&lt;b&gt;", "a\x00b\x1b[31m\u202egnp.exe",
    "javascript:alert(1)", "<!--", "\ud800",
)  # fmt: skip
TEXT = st.text(min_size=1, max_size=60) | st.sampled_from(HOSTILE)


class Parsed(HTMLParser):
    """A page's elements with their attributes, and its text outside of `style`."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._style = False
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_endtag(self, tag: str) -> None:
        self._style = self._style and tag != "style"

    def handle_data(self, data: str) -> None:
        if not self._style:
            self.texts.append(data)


def everything(text: str) -> str:
    """A page with one text in every place that takes text."""
    x, y = Scale(0, 1, 50, 550), Scale(0, 1, 250, 20)
    marks = [
        axes(x, y, text, text, x_words=lambda _: text), curve(x, y, [(0, 0), (1, 1)], "s1"), dot(9, 9, "s2", says=text),
        bar(1, 1, 5, 5, "s3", says=text, faint=0.5), diamond(4, 4, "s4", says=text), label(1, 2, text, turn=-90),
        spread(x, 0.2, 0.4, 50, "s5"), link("here", line(0, 0, 1, 1, "rule")),
    ]  # fmt: skip
    return page(
        text, section(text, wash(text, badge(text, "good"), tone="bad"), bdi(text), id="here"),
        table([text], [[text], [element("td", text, class_="sign")]], caption=text), listing([(text, text)]),
        tiles([(text, text, text)]), details(text, text), command(text), element("p", text, title=text),
        figure(picture(600, 300, marks, title=text, about=text), text), over=text, under=text, foot=text,
    )  # fmt: skip


def shape(text: str) -> list[tuple[str, frozenset[str]]]:
    return [(tag, frozenset(given)) for tag, given in Parsed(text).elements]


PLAIN = shape(everything("plain"))


@given(TEXT)
@example(HOSTILE[0])
@example(HOSTILE[1])
def test_text_changes_no_element(text: str) -> None:
    """A page has the elements and attributes that it has with plain text, and its text is the text."""
    whole = everything(text)
    assert shape(whole) == PLAIN
    told = Parsed(whole)
    whole.encode()
    assert dict(told.elements)["p"].get("title", readable(text)) == readable(text)
    if text.strip():
        assert "".join(told.texts).count(readable(text)) >= 25


def test_a_page_runs_nothing_and_reaches_nowhere() -> None:
    """No script, no link out of the page, no address of a host, and a policy that forbids them."""
    whole = everything("plain")
    told = Parsed(whole)
    assert {tag for tag, _ in told.elements} <= PASSIVE | {"html", "head", "body", "meta", "title", "style"}
    assert all(str(given.get("href", "#")).startswith("#") for _, given in told.elements)
    assert "//" not in whole and "url(" not in whole and "@import" not in whole
    assert "default-src 'none'" in whole


@pytest.mark.parametrize("name", ["script", "iframe", "img", "link", "style", "form", "foreignObject", "b onload=x"])
def test_an_active_element_is_refused(name: str) -> None:
    """What could run or load something is no element of a page."""
    with pytest.raises(ValueError, match="no place"):
        element(name)


@pytest.mark.parametrize("given", [{"onclick": "x"}, {"href": "http:a"}, {"style": "x"}, {"src": "x"}, {"href": ""}])
def test_an_active_attribute_is_refused(given: dict[str, object]) -> None:
    """An attribute that runs, loads or leaves the page is refused, not escaped."""
    with pytest.raises(ValueError, match="reach out"):
        element("a", **given)


def test_markup_is_kept_and_nothing_else_is() -> None:
    """None is nothing, lists are their parts, figures are text."""
    assert markup(None, ["a<", element("b", 3)], 0.5) == "a&lt;<b>3</b>0.5"


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6), st.integers(2, 9))
def test_ticks_are_few_round_and_inside(low: float, wide: float, about: int) -> None:
    """Ticks lie between low and high, a round step apart, and are about as many as were wished."""
    scale = Scale(low, low + wide, 0, 100)
    ticks = scale.ticks(about)
    slack = wide * 1e-6 + abs(low) * 1e-9
    assert 1 <= len(ticks) <= about + 2 or len(ticks) == 0
    assert all(low - slack <= one <= low + wide + slack for one in ticks)
    assert ticks == sorted(ticks)


def test_a_scale_puts_values_in_their_place() -> None:
    """Ends are ends, the middle is the middle, and what lies outside stays at the edge."""
    scale = Scale(0, 10, 100, 200)
    assert [scale(one) for one in (0, 5, 10, 11, -1)] == [100, 150, 200, 200, 100]
    assert scale.ticks() == [0, 2, 4, 6, 8, 10]
    log = Scale(0.1, 1000, 0, 400, log=True)
    assert [log(one) for one in (0.1, 1, 10, 1000)] == [0, 100, 200, 400]
    assert log.ticks() == [0.1, 1, 10, 100, 1000]
    assert Scale(3, 3, 0, 9)(3) == 0 and Scale(3, 3, 0, 9).ticks() == [3]
