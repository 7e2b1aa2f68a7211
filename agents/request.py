"""A request in words, read with plain rules: which files, which kb, what becomes of what is there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath
from typing import Literal

from ..store.plan import Declined, Question
from ..store.policy import Policy
from . import request_words as words
from .request_checks import declined
from .request_kb import kbs_named
from .request_marks import Named, mark_all
from .request_text import RequestText
from .selection import Clause, Condition, FileFacts, called

OnExisting = Literal["replace", "skip", "keep_both"]


@dataclass(frozen=True)
class Constraints:
    """What a request says. Empty for one that says nothing of the kind."""

    clauses: tuple[Clause, ...] = ()
    kbs: tuple[str, ...] = ()
    on_existing: OnExisting | None = None
    expose: bool = True
    declined: tuple[Declined, ...] = ()
    questions: tuple[Question, ...] = ()


def read_request(
    text: str, *, files: Sequence[FileFacts], kbs: Sequence[str], today: date, policy: Policy
) -> Constraints:
    """Read a request against the files on offer and the kbs that are there.

    Words that mean nothing here are passed over; what names files that are not there becomes a question.
    """
    left = RequestText(text)
    refused = tuple(declined(left.text, policy))
    left.blank(words.SKIP_CHECK)
    expose = not left.blank(words.NO_EXPOSE)
    on_existing = _on_existing(left)
    asked = list(_taking_away(left.text))
    named_kbs = kbs_named(left, kbs)
    mark_all(left, files, today)
    clauses: list[Clause] = []
    for part in _parts(left.text):
        conditions, missing = _conditions(part, left, files)
        asked += missing
        if conditions:
            clauses.append(Clause(part.wanted, tuple(conditions)))
    return Constraints(tuple(clauses), tuple(named_kbs), on_existing, expose, refused, tuple(asked))


@dataclass(frozen=True)
class _Part:
    """A stretch of a request that says what is wanted, or what is not."""

    text: str
    wanted: bool
    only: bool = False


def _on_existing(left: RequestText) -> OnExisting | None:
    if left.blank(words.KEEP_BOTH):
        return "keep_both"
    if left.blank(words.SKIP_EXISTING):
        return "skip"
    return "replace" if words.REPLACE.search(left.text) else None


def _taking_away(text: str) -> Iterator[Question]:
    match = words.TAKE_AWAY.search(text)
    if match:
        yield Question(
            about=match[0].lower(),
            text=f"this plan only brings files in; what is to be done about {_around(text, match)!r}? "
            "(milepost kb remove, milepost rollback)",
        )


def _around(text: str, match: re.Match[str]) -> str:
    return text[match.start() : match.start() + 60].strip()


def _parts(text: str) -> Iterator[_Part]:
    for sentence in re.split(r"(?<=[.;!?])\s+|;", text):
        yield from _passive(sentence)


def _passive(sentence: str) -> Iterator[_Part]:
    """Parts of a sentence; "drafts can be skipped" says last that what came first is not wanted."""
    match = words.LEFT_OUT.search(sentence)
    if match is None:
        yield from _cued(sentence)
        return
    before = sentence[: match.start()]
    cut = max((found.end() for found in re.finditer(r"[,:]|\bbut\b", before)), default=0)
    yield from _cued(before[:cut])
    yield _Part(before[cut:], wanted=False)
    yield from _passive(sentence[match.end() :])


def _cued(sentence: str) -> Iterator[_Part]:
    """Parts between words such as "except" and "only"."""
    at, wanted, only = 0, True, False
    for cue in re.finditer(f"{words.LEAVE_OUT.pattern}|{words.TAKE.pattern}", sentence, re.IGNORECASE):
        yield _Part(sentence[at : cue.start()], wanted, only)
        at, wanted = cue.end(), words.LEAVE_OUT.fullmatch(cue[0]) is None
        only = words.ONLY.fullmatch(cue[0]) is not None
    yield _Part(sentence[at:], wanted, only)


def _conditions(part: _Part, left: RequestText, files: Sequence[FileFacts]) -> tuple[list[Condition], list[Question]]:
    said = left.conditions(part.text)
    missing = [_absent(one, files) for one in said if part.wanted and isinstance(one, Named) and not one.among(files)]
    if missing:
        said = [one for one in said if not isinstance(one, Named) or one.among(files)]
    by_words, unmet = _by_words(part, left, files)
    if part.only and unmet and not said and not by_words:
        missing.append(
            Question(about="files", text=f"no file's name says {' or '.join(unmet)!r}; which files are meant?")
        )
    return [*said, *by_words], missing


def _absent(one: Condition, files: Sequence[FileFacts]) -> Question:
    near = difflib.get_close_matches(one.said, [file.name for file in files], n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return Question(about=one.said, text=f"{one.said} is not among the files given; which file is meant?{hint}")


def _by_words(part: _Part, left: RequestText, files: Sequence[FileFacts]) -> tuple[list[Condition], list[str]]:
    """Conditions from words that are in files' names, and the phrases that are in none."""
    said = words.PURPOSE.sub("", left.words(part.text))
    if part.wanted and words.ALL.search(said):
        return [], []
    phrases = list(_phrases(said))
    met = [phrase for phrase in phrases if any(called(phrase).test(file) for file in files)]
    unmet = [" ".join(phrase) for phrase in phrases if phrase not in met]
    if part.wanted and not part.only and (unmet or not all(_sure(phrase, files) for phrase in met)):
        return [], unmet
    return [called(phrase) for phrase in met], unmet


def _phrases(said: str) -> Iterator[tuple[str, ...]]:
    for phrase in re.split(r",|\band\b|\bor\b|\bplus\b|[&:()]|\bfrom\b|\bof\b", said):
        found = [word.lower() for word in re.findall(r"[\w'\u2019-]+", phrase)]
        kept = tuple(word for word in found if len(word) > 2 and word not in words.IDLE)
        if kept:
            yield kept


def _sure(phrase: Sequence[str], files: Sequence[FileFacts]) -> bool:
    """Whether words that are just mentioned are meant to choose: several, a plural, or a file's whole name."""
    if len(phrase) > 1 or phrase[-1].endswith("s"):
        return True
    whole = words.tokens(phrase[-1])
    return any(whole == words.tokens(PurePosixPath(file.name).stem) for file in files)
