"""`svg`: pictures inside a page of `page.py`: scales with round ticks, axes, and marks in the page's own colours.

Lengths are in the picture's own units (about pixels at full width), angles none; y grows downwards. A mark's
`class_` is a colour of `page.css`: `s1` to `s6` for series (with `stroke` for lines, `hollow` for open dots),
`fill-good|warn|bad|calm|soft|line`. The colours follow light, dark and print by themselves.

    x = Scale(0, 10, 60, 560)
    y = Scale(0, 1, 220, 20)
    picture(600, 260, axes(x, y, "k", "pass^k"), curve(x, y, points, "s1"), title="pass^k", about="...")
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from .page import Markup, element

Words = Callable[[float], str]


def plain(value: float) -> str:
    """A tick's figure: no more places than it needs."""
    return f"{value:.6g}"


@dataclass(frozen=True)
class Scale:
    """From values `low` to `high` onto lengths `start` to `end`; with `log` by powers of ten (`low` above 0)."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, value: float) -> float:
        """Where a value lies; outside of the scale, at its end."""
        low, high, at = (self._level(one) for one in (self.low, self.high, value))
        share = 0.0 if high == low else (at - low) / (high - low)
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 2)

    def _level(self, value: float) -> float:
        return math.log10(max(value, 1e-12)) if self.log else value

    def ticks(self, about: int = 5) -> list[float]:
        """Round values from low to high, about so many: steps of 1, 2 or 5; powers of ten on a log scale."""
        if self.high <= self.low:
            return [self.low]
        if self.log:
            powers = range(math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9) + 1)
            return [10.0**power for power in powers] or [self.low, self.high]
        rough = (self.high - self.low) / max(about, 1)
        size = 10.0 ** math.floor(math.log10(rough))
        step = size * next(one for one in (1, 2, 5, 10) if one * size >= rough * 0.999)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(at * step, 12) for at in range(first, last + 1)]


def picture(width: float, height: float, *marks: object, title: str, about: str = "") -> Markup:
    """The whole picture; `title` and `about` are what somebody hears who does not see it."""
    said = [element("title", title), element("desc", about) if about else None]
    return element("svg", said, *marks, viewbox=f"0 0 {width:g} {height:g}", role="img", aria_label=title)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    return element("line", x1=_at(x1), y1=_at(y1), x2=_at(x2), y2=_at(y2), class_=class_)


def bar(x: float, y: float, width: float, height: float, class_: str, *, says: str = "", faint: float = 1.0) -> Markup:
    """A rectangle; `says` is shown where the pointer rests on it, `faint` its opacity from 0 to 1 (heat maps)."""
    return element(
        "rect", element("title", says) if says else None, x=_at(x), y=_at(y), width=_at(max(width, 0.0)),
        height=_at(max(height, 0.0)), rx=min(2.0, height / 2), class_=class_,
        fill_opacity=None if faint == 1.0 else _at(faint),
    )  # fmt: skip


def dot(x: float, y: float, class_: str, *, radius: float = 4, says: str = "") -> Markup:
    """A dot; `says` is shown where the pointer rests on it."""
    told = element("title", says) if says else None
    return element("circle", told, cx=_at(x), cy=_at(y), r=_at(radius), class_=class_)


def diamond(x: float, y: float, class_: str, *, radius: float = 6, says: str = "") -> Markup:
    """A milestone's mark."""
    corners = [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)]
    told = element("title", says) if says else None
    return element("polygon", told, points=" ".join(f"{_at(a)},{_at(b)}" for a, b in corners), class_=class_)


def label(x: float, y: float, text: object, *, class_: str = "", anchor: str = "start", turn: float = 0) -> Markup:
    """Text that begins at, ends at or (anchor "middle") stands around a point; `turn` in degrees around it."""
    return element(
        "text", text, x=_at(x), y=_at(y), class_=class_ or None, text_anchor=None if anchor == "start" else anchor,
        transform=f"rotate({turn:g} {_at(x)} {_at(y)})" if turn else None,
    )  # fmt: skip


def link(place: str, *marks: object) -> Markup:
    """Marks that lead to a place in the page, by its id."""
    return element("a", *marks, href=f"#{place}")


def curve(x: Scale, y: Scale, points: Iterable[tuple[float, float]], class_: str, *, steps: bool = False) -> Markup:
    """A line through points (values, not lengths); with `steps` level until the next one."""
    path: list[tuple[float, float]] = []
    for a, b in points:
        if steps and path:
            path.append((x(a), path[-1][1]))
        path.append((x(a), y(b)))
    return element("polyline", points=" ".join(f"{_at(a)},{_at(b)}" for a, b in path), class_=f"stroke {class_}")


def spread(scale: Scale, low: float, high: float, across: float, class_: str, *, upright: bool = False) -> Markup:
    """An interval from `low` to `high` (values) with its two ends, at `across` (a length)."""
    a, b, end = scale(low), scale(high), 4
    lines = [(a, across, b, across), (a, across - end, a, across + end), (b, across - end, b, across + end)]
    drawn = [(y1, x1, y2, x2) if upright else (x1, y1, x2, y2) for x1, y1, x2, y2 in lines]
    return element("g", [line(*one, f"stroke {class_}") for one in drawn])


def axes(
    x: Scale, y: Scale, x_name: str, y_name: str, *, x_words: Words = plain, y_words: Words = plain,
    x_ticks: Sequence[float] | None = None, y_ticks: Sequence[float] | None = None,
) -> Markup:  # fmt: skip
    """Grid, ticks and names around the field that two scales span (y from below to above)."""
    floor, roof = max(y.start, y.end), min(y.start, y.end)
    marks: list[Markup] = []
    for value in y.ticks() if y_ticks is None else y_ticks:
        marks += [line(x.start, y(value), x.end, y(value), "grid"),
                  label(x.start - 8, y(value) + 4, y_words(value), class_="soft", anchor="end")]  # fmt: skip
    for value in x.ticks() if x_ticks is None else x_ticks:
        marks += [line(x(value), floor, x(value), floor + 4, "axis"),
                  label(x(value), floor + 18, x_words(value), class_="soft", anchor="middle")]  # fmt: skip
    marks.append(line(x.start, floor, x.end, floor, "axis"))
    marks.append(label((x.start + x.end) / 2, floor + 36, x_name, class_="soft", anchor="middle"))
    middle = (floor + roof) / 2
    marks.append(label(14, middle, y_name, class_="soft", anchor="middle", turn=-90))
    return element("g", marks)


def _at(length: float) -> str:
    return f"{length:.2f}".rstrip("0").rstrip(".")
