"""The newest of several: by the dates in their names, else by their last change, else by their versions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .request_dates import Period
from .request_names import name_days
from .request_text import RequestText
from .selection import FileFacts

_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10}
_SUPER = r"(?:newest|latest|most recent|freshest|youngest|most current)"
_NEWEST = re.compile(
    rf"\b(?:the )?(?P<count>\d{{1,3}}|{'|'.join(_NUMBERS)})? ?{_SUPER}\b(?: (?P<after>\d{{1,3}}"
    rf"|{'|'.join(_NUMBERS)})\b)?"
    r"(?: (?:version|edition|copy|revision|issue|one|file|document)s?)?(?: (?:of|from))?",
    re.IGNORECASE,
)
_VERSION = re.compile(r"(?:(?<![a-z])v|version|final|rev|_|-|\()\s?(\d{1,4})(?!\d)", re.IGNORECASE)
_EVER = Period(None, None)


@dataclass(frozen=True)
class Newest:
    """How many of the newest are meant, and where in the text that is said."""

    count: int
    place: int


def newest(left: RequestText) -> Newest | None:
    """Whether only the newest are meant; what says so is taken out of the text, what they are of stays."""
    match = _NEWEST.search(left.text)
    if match is None:
        return None
    said = (match["count"] or match["after"] or "1").lower()
    left.cut(*match.span())
    return Newest(_NUMBERS.get(said) or int(said), match.start())


def newest_of(files: Sequence[FileFacts], count: int) -> list[FileFacts] | None:
    """The `count` newest, newest first; None where nobody can tell which they are."""
    if len(files) <= count:
        return list(files)
    for age in (_named, _changed, _version):
        ages = {at: found for at, file in enumerate(files) if (found := age(file)) is not None}
        if len(set(ages.values())) == len(files):
            return [files[at] for at in sorted(ages, key=ages.__getitem__, reverse=True)[:count]]
    return None


def _named(file: FileFacts) -> float | None:
    days = name_days(file.name, _EVER)
    return float(days[0].toordinal()) if days else None


def _changed(file: FileFacts) -> float | None:
    return file.moment or None


def _version(file: FileFacts) -> float | None:
    found = _VERSION.findall(file.name)
    return float(found[-1]) if found else 0.0
