"""Which files a request means: conditions of name, type, size and date, said of what is wanted or not wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatch
from functools import cached_property
from pathlib import PurePosixPath
from typing import Literal

from .request_dates import Period
from .request_names import name_days
from .request_words import tokens


@dataclass(frozen=True)
class FileFacts:
    """What a request can speak of: a file's name inside the kb, its size in bytes, the day of its last change."""

    name: str
    size: int
    modified: date | None = None
    moment: float = 0.0
    """Its last change in seconds, or that of a source's publish; 0 where nobody knows."""
    sha256: str = ""
    """Known only where a request speaks of a hash, or of what lies in a kb."""
    language: str | None = None
    """The code of the language that its text is in; known only where a request speaks of one, and it is clear."""

    @cached_property
    def words(self) -> frozenset[str]:
        return tokens(self.name)

    @cached_property
    def suffix(self) -> str:
        return PurePosixPath(self.name.lower()).suffix


Fits = bool | None
"""None: it cannot be told."""


@dataclass(frozen=True)
class Condition:
    """One thing said of files, in the words of `said`."""

    kind: Literal["what", "type", "place", "size", "date", "day", "language"]
    """A "day" is a period with two ends, of which a clause may name several; a "place" is where the others are."""
    said: str
    test: Callable[[FileFacts], Fits]
    exact: bool = True
    """A name, a pattern or a hash; else words that are in names."""


_NAMING = ("what", "type", "place")


@dataclass(frozen=True)
class Clause:
    """Conditions said together: any of those of name and type, in any of the places, and all the others."""

    wanted: bool
    conditions: tuple[Condition, ...]

    @property
    def names(self) -> tuple[Condition, ...]:
        """Its conditions of name and type."""
        return tuple(condition for condition in self.conditions if condition.kind in _NAMING)

    @property
    def said(self) -> str:
        """The clause in words."""
        what = " or ".join(dict.fromkeys(condition.said for condition in self.names))
        rest = [condition.said for condition in self.conditions if condition.kind not in _NAMING]
        return ", ".join([what, *rest] if what else rest)

    def fits(self, file: FileFacts) -> Fits:
        """Whether a file is meant."""
        rest = [one.test(file) for one in self.conditions if one.kind not in (*_NAMING, "day")]
        days = [one.test(file) for one in self.conditions if one.kind == "day"]
        tests: list[Fits] = [self._called(file)] if self.names else []
        return _all([*tests, *rest, *([_any(days)] if days else [])])

    def _called(self, file: FileFacts) -> bool:
        """Whether a file is named: exactly, or by type or words, which may be said of a place."""
        loose = [one for one in self.names if one.kind == "type" or not one.exact]
        places = [one for one in self.names if one.kind == "place"]
        exact = [one for one in self.names if one.exact and one.kind == "what"]
        if any(one.test(file) for one in exact):
            return True
        if loose and places:
            return any(one.test(file) for one in loose) and any(one.test(file) for one in places)
        return any(one.test(file) for one in (*loose, *places))


@dataclass(frozen=True)
class Verdict:
    """What a request says of one file: why it is left out, and what could not be told."""

    left_out: str | None = None
    unsure: str | None = None


def verdict(file: FileFacts, clauses: Sequence[Clause]) -> Verdict:
    """Judge a file by all that was said; what is unsure is taken, with a warning."""
    unsure: list[str] = []
    for clause in clauses:
        fits = clause.fits(file)
        if not clause.wanted and fits:
            return Verdict(f"the request leaves out: {clause.said}")
        if fits is None:
            unsure.append(clause.said)
    naming = [clause for clause in clauses if clause.wanted and clause.names]
    if naming and all(clause.fits(file) is False for clause in naming):
        said = " or ".join(dict.fromkeys(clause.said for clause in naming))
        return Verdict(f"the request asks for: {said}")
    for clause in clauses:
        if clause.wanted and not clause.names and clause.fits(file) is False:
            return Verdict(f"the request asks for: {clause.said}")
    return Verdict(unsure=f"it cannot be told whether the request means it: {unsure[0]}" if unsure else None)


def _all(tests: Sequence[Fits]) -> Fits:
    if any(test is False for test in tests):
        return False
    return None if None in tests else True


def _any(tests: Sequence[Fits]) -> Fits:
    if any(tests):
        return True
    return None if None in tests else False


def named(name: str) -> Condition:
    """The file of exactly that name, with or without its folders."""
    wanted = name.lower().removeprefix("./")
    return Condition("what", name, lambda file: file.name.lower() == wanted or file.name.lower().endswith(f"/{wanted}"))


def matching(pattern: str) -> Condition:
    """Files that a pattern such as `2024-*.pdf` fits, by whole name or by the last part of it."""
    wanted = pattern.lower()
    return Condition(
        "what", pattern,
        lambda file: fnmatch(file.name.lower(), wanted) or fnmatch(PurePosixPath(file.name.lower()).name, wanted),
    )  # fmt: skip


def of_type(said: str, suffixes: Sequence[str]) -> Condition:
    """Files whose name ends so."""
    return Condition("type", said, lambda file: file.suffix in suffixes)


def in_folder(folder: str, *, of_others: bool = False) -> Condition:
    """Files below a folder, wherever that is; `of_others`: it says where the other things that are named are."""
    parts = tuple(folder.lower().strip("/").removeprefix("./").split("/"))

    def test(file: FileFacts) -> Fits:
        above = PurePosixPath(file.name.lower()).parts[:-1]
        return any(above[at : at + len(parts)] == parts for at in range(len(above)))

    return Condition("place" if of_others else "what", f"{folder.strip('/')}/", test)


def called(words: Sequence[str]) -> Condition:
    """Files in whose name, folders included, each of the words is."""
    stems = sorted({one for word in words for one in tokens(word)})
    return Condition("what", " ".join(words), lambda file: all(among(one, file.words) for one in stems), exact=False)


def among(word: str, words: frozenset[str]) -> bool:
    """Whether a word is there, or one that it begins with or that begins with it ("oct", "october")."""
    if word in words:
        return True
    return len(word) >= 4 and any(
        len(other) >= 3 and (other.startswith(word) or word.startswith(other)) for other in words if not other.isdigit()
    )


def sized(said: str, low: float, high: float) -> Condition:
    """Files of at least `low` and at most `high` bytes."""
    return Condition("size", said, lambda file: low <= file.size <= high)


def dated(said: str, period: Period) -> Condition:
    """Files of a period: by the date in the name where there is one, else by the last change."""

    def test(file: FileFacts) -> Fits:
        days = None if period.touched and file.modified else name_days(file.name, period)
        fits = period.holds(*days) if days else None
        if fits is None and file.modified is not None:
            return period.holds(*_day(file.modified))
        return fits

    closed = period.start is not None and period.end is not None
    return Condition("day" if closed else "date", said, test)


def _day(day: date) -> tuple[date, date]:
    return day, date.fromordinal(day.toordinal() + 1)


def day_of(mtime_ns: int) -> date | None:
    """The day of a time stamp, in UTC; None for 0, which says that there is none."""
    return datetime.fromtimestamp(mtime_ns / 1e9, UTC).date() if mtime_ns else None
