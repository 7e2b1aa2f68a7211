"""Figures and names as people read them: sizes, counts, spans of time, shortened ids, cleaned text."""

from __future__ import annotations

import re

_ID = re.compile(r"(?P<kind>(?:plan|journey|approval|preview)_|checkpoint_\w*?_?)(?P<rest>[0-9a-f]{8}[0-9a-f-]*)")
_UNITS = ("B", "kB", "MB", "GB", "TB")


def clean(text: str, limit: int = 400) -> str:
    """A text for one line of a terminal or page: no control characters, none that turn its direction."""
    short = text if len(text) <= limit else f"{text[: limit - 3]}..."
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in short)


def count(number: int, noun: str) -> str:
    """A number with its noun: `1 file`, `12 files`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def size(bytes: float) -> str:
    """A size with two figures at most: `640 B`, `3.1 MB`, `12 MB`."""
    at = 0
    while at < len(_UNITS) - 1 and bytes >= 999.5:
        bytes, at = bytes / 1000, at + 1
    return f"{_figure(bytes)} {_UNITS[at]}"


def span(seconds: float, unit: str = "s") -> str:
    """A time in seconds or minutes, the small ones with one place: `0.4`, `14`."""
    return _figure(seconds / 60 if unit == "min" else seconds)


def _figure(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0") if value < 9.95 else f"{value:.0f}"


def duration(seconds: float) -> str:
    """A time with its unit: `0.4 s`, `14 s`, `3.5 min`."""
    unit = "s" if seconds < 120 else "min"
    return f"{span(seconds, unit)} {unit}"


def brief(seconds: float) -> str:
    """A time that may be very short: `47 ms`, `0.4 s`, `3.5 min`, `2.1 h`."""
    if seconds < 0.095:
        return f"{_figure(seconds * 1000)} ms" if seconds else "0 s"
    return duration(seconds) if seconds < 5400 else f"{_figure(seconds / 3600)} h"


def short_id(full: str) -> str:
    """An id shortened for people; the command line takes it for the full one."""
    found = _ID.fullmatch(full)
    return f"{found['kind']}{found['rest'][:8]}" if found else clean(full)
