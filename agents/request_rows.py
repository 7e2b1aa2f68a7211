"""A row of a request's options: how people say it, and what it comes to."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Found = dict[str, Any]
"""What was chosen, by dotted name."""
Read = Callable[[re.Match[str]], Found]
Row = tuple[str, Read]

NUMBERS = {
    "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100,
}  # fmt: skip
COUNT = rf"(?:\d{{1,6}}|{'|'.join(NUMBERS)})"


def number(text: str) -> int:
    """A number in digits or in a word."""
    return NUMBERS.get(text.lower()) or int(text)


def said(**values: Any) -> Read:
    """What a row comes to whatever else it says; `parse__ocr` is the name `parse.ocr`."""
    named = {key.replace("__", "."): value for key, value in values.items()}
    return lambda _: dict(named)
