"""Names in plain words: which words of a request are in the names on offer, and which are only near one."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from .request_words import IDLE, tokens
from .selection import FileFacts, among, called

_WORD = re.compile(r"[\w'\u2019-]+|[^\w\s]")
_MODIFIED_TEXT = """
two three four five six ten several some every each the a an our my your their its this that these those all
both other another old new
"""
_MODIFIED = frozenset(_MODIFIED_TEXT.split())
_PEOPLE_TEXT = """
team teams group people department users meeting colleagues staff
"""
_PEOPLE = frozenset(_PEOPLE_TEXT.split())
"""What follows a name that says for whom something is, not which file it is."""
_HEADS_TEXT = """
project bridge page pages article articles document documents doc docs file files sheet sheets list list one
ones version versions copy copies edition folder material materials stuff team group kb info
"""
_HEADS = frozenset(_HEADS_TEXT.split())
"""Nouns that may follow a name without being in it: "the Heron project", "the pricing page"."""


_JOINS = frozenset(("of", "for", "from", "the", "our"))
"""What joins two words of one name."""


@dataclass(frozen=True)
class Phrase:
    """Words of a request, next to one another, that are in names on offer. `said` as they stand there.

    `sure`: no word before them narrows what they mean ("the signed lease" is not just any lease).
    """

    words: Sequence[str]
    said: str
    sure: bool
    begin: int

    @property
    def several(self) -> bool:
        """Whether they are said of more than one."""
        return len(self.words) > 1 or self.words[-1].endswith("s")


def vocabulary(files: Collection[FileFacts]) -> frozenset[str]:
    """The words of all names on offer."""
    return frozenset[str]().union(*(file.words for file in files))


def phrases(text: str, names: frozenset[str], files: Sequence[FileFacts]) -> Iterator[Phrase]:
    """The phrases of a text that are in names, in order; each is met by at least one file whole."""
    run: list[re.Match[str]] = []
    before: str = ""
    last = ""
    every = [*_WORD.finditer(text)]
    for at, match in enumerate((*every, None)):
        word = match[0].lower() if match else ""
        if run and word in _JOINS and _goes_on(every[at + 1 : at + 4], names):
            last = word
            continue
        if match and _in(word, names) and (_counts(word) or (run and word in IDLE and word.isalpha())):
            if not run:
                before = last
            run.append(match)
        else:
            while run and not _counts(run[-1][0].lower()):
                run.pop()
            if run and word not in _PEOPLE:
                yield from _met(text, run, before, files)
            run = []
            last = word
            continue
        last = word


def _goes_on(after: Sequence[re.Match[str]], names: frozenset[str]) -> bool:
    """Whether a name goes on behind a word that joins: "minutes of the board" is one thing, not two."""
    following = next((match[0].lower() for match in after if match[0].lower() not in _JOINS), "")
    return _counts(following) and _in(following, names)


def _counts(word: str) -> bool:
    return len(word) > 1 and word not in IDLE and any(letter.isalnum() for letter in word)


def _in(word: str, names: frozenset[str]) -> bool:
    stems = tokens(word)
    return bool(stems) and all(among(one, names) for one in stems)


def _met(text: str, run: Sequence[re.Match[str]], before: str, files: Sequence[FileFacts]) -> Iterator[Phrase]:
    """The run whole where a file has all of it, else each of its words by itself."""
    words = tuple(match[0].lower() for match in run)
    sure = _free(before)
    if any(called(words).test(file) for file in files):
        yield Phrase(words, text[run[0].start() : run[-1].end()], sure, run[0].start())
        return
    for match in run:
        yield Phrase((match[0].lower(),), match[0], sure, match.start())


def _free(before: str) -> bool:
    """Whether the word before a name does not belong to it."""
    return not before or before in IDLE or before in _MODIFIED or not before[0].isalpha() or len(before) < 3


def unmet_one(text: str, names: frozenset[str]) -> str | None:
    """A single thing that a request brings in by a name that no file has: "ingest the quarterly summary"."""
    match = re.match(
        r"\W*(?:(?:please|can you|could you|would you|kindly|now|just) )*(?:ingest"
        r"|import|upload|add|load|index|include|put in)"
        r" the (?P<what>[a-z][\w-]*(?: [a-z][\w-]*){0,2})\W*$",
        text.strip(),
        re.IGNORECASE,
    )
    if match is None:
        return None
    words = match["what"].lower().split()
    if words[-1].endswith("s") or words[-1] in IDLE or words[-1] in _HEADS or any(_in(word, names) for word in words):
        return None
    return match["what"]
