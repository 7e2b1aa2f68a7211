"""Sizes in a request: "bigger than 5 MB", "under 200 kB", "between 1 and 2 GB", "10 MB or more"."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from .selection import Condition, sized

_UNITS = {
    "": 1, "b": 1, "byte": 1, "k": 1e3, "kb": 1e3, "kilobyte": 1e3, "m": 1e6, "mb": 1e6, "meg": 1e6, "megabyte": 1e6,
    "g": 1e9, "gb": 1e9, "gig": 1e9, "gigabyte": 1e9, "kib": 1024, "mib": 1024**2, "gib": 1024**3,
}  # fmt: skip
_DIGITS = r"(?<!\d)(\d{1,15}(?:[.,]\d{1,9})?)"
_UNIT = r"(bytes?|b|kilobytes?|kib|kb|k|megabytes?|megs?|mib|mb|m|gigabytes?|gigs?|gib|gb|g)"
_NUMBER = rf"{_DIGITS}\s*{_UNIT}\b"
_MORE = (
    r"(?:bigger|larger|heavier|greater|more)(?: in size)? than|over|above|exceed(?:s|ing)?|beyond|at least|from|>=?|≥"
)
_LESS = (
    r"(?:no|not) (?:more|bigger|larger|heavier|greater|over) than|(?:no|not) (?:over|above)"
    r"|(?:smaller|less|lighter) than|under|below|at most|up to|within|max(?:imum)?(?: of| size)?|<=?|≤"
)
_SIZE = re.compile(
    rf"(?P<less>{_LESS})?(?P<more>{_MORE})?\s*{_NUMBER}(?P<after>\s+(?:(?:or|and)\s+\w+|upwards?|onwards?))?",
    re.IGNORECASE,
)
_UP = ("more", "larger", "bigger", "above", "over", "up", "upward", "upwards", "onward", "onwards")
_BETWEEN = re.compile(rf"\b(?:between|from)\s+{_DIGITS}\s*([a-z]*)\s+(?:and|to)\s+{_NUMBER}", re.IGNORECASE)


def sizes(text: str) -> Iterator[tuple[int, int, Condition]]:
    """Every size that a text asks for, with its place; a size without "over" or "under" asks for nothing."""
    taken: list[range] = []
    for match in _BETWEEN.finditer(text):
        low = _bytes(match[1], match[2] or match[4])
        taken.append(range(*match.span()))
        yield *match.span(), sized(match[0].strip(), low, _bytes(match[3], match[4]))
    for match in _SIZE.finditer(text):
        if any(match.start() in span for span in taken):
            continue
        limits = _limits(match)
        if limits:
            stop = match.end() if _word_after(match) else match.start("after") if match["after"] else match.end()
            yield match.start(), stop, sized(text[match.start() : stop].strip(), *limits)


def _limits(match: re.Match[str]) -> tuple[float, float] | None:
    size = _bytes(match[3], match[4])
    after = _word_after(match)
    if after in _UP:
        return size, math.inf
    if after in ("less", "smaller", "under", "below"):
        return 0, size
    if match["less"]:
        at_most = match["less"].lower().startswith(("no", "at most", "up to", "within", "max", "<=", "≤"))
        return 0, size if at_most else size - 1
    if match["more"]:
        at_least = match["more"].lower() in ("at least", "from", ">=", "≥")
        return (size if at_least else size + 1), math.inf
    return None


def _word_after(match: re.Match[str]) -> str | None:
    word = match["after"].split()[-1].lower() if match["after"] else ""
    return word if word in (*_UP, "less", "smaller", "under", "below") else None


def _bytes(number: str, unit: str) -> float:
    low = unit.lower()
    return float(number.replace(",", ".")) * _UNITS.get(low, _UNITS.get(low.rstrip("s"), 1))
