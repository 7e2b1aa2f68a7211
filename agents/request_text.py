"""A request's text while it is read: what has been understood is blanked, or stands as a mark for its condition."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .selection import Condition

MARK = re.compile("\u27e6(\\d+)\u27e7")
_BRACKETS = str.maketrans("", "", "\u27e6\u27e7")


def ways(*ways: str) -> re.Pattern[str]:
    """Several ways to say one thing, each by whole words."""
    return re.compile(rf"\b(?:{'|'.join(ways)})\b", re.IGNORECASE)


class RequestText:
    """Text that is read from the certain to the uncertain; nothing is understood twice."""

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.translate(_BRACKETS).split())
        self.marks: list[Condition] = []

    def blank(self, pattern: re.Pattern[str]) -> bool:
        """Take out what matches; returns whether there was any."""
        text, found = pattern.subn(" ", self.text)
        self.text = " ".join(text.split()) if found else self.text
        return bool(found)

    def cut(self, begin: int, stop: int) -> None:
        """Take out one span."""
        self.text = f"{self.text[:begin]} {self.text[stop:]}"

    def mark(self, spans: Iterable[tuple[int, int, Condition]]) -> None:
        """Put marks where conditions are said."""
        for begin, stop, condition in sorted(spans, key=lambda span: span[0], reverse=True):
            self.marks.append(condition)
            self.text = f"{self.text[:begin]}\u27e6{len(self.marks) - 1}\u27e7{self.text[stop:]}"

    def conditions(self, part: str) -> list[Condition]:
        """The conditions whose marks are in a part of the text, in order."""
        return [self.marks[int(number)] for number in MARK.findall(part)]

    def words(self, part: str) -> str:
        """A part without its marks: a date or size leaves a space, a name ends what came before it."""
        return MARK.sub(lambda mark: "," if self.marks[int(mark[1])].kind in ("what", "type", "place") else " ", part)
