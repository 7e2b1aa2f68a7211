"""Which sources of a kb a request speaks of: those to hide, to remove, to replace, or to let out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ..store.plan import Question
from .request_acts import FOR_NOW, UNSEEN
from .request_doubt import unsure_act
from .request_marks import Named, mark_all
from .request_newest import Newest, newest, newest_of
from .request_past import Waiting
from .request_phrases import phrases, vocabulary
from .request_text import RequestText
from .request_words import ALL
from .selection import Condition, FileFacts, called

_BUT = re.compile(
    r"\b(?:all|every(?:thing| one)?) (?:but|except(?: for)?|other than) (?:the )?$"
    r"|\b(?:keep|leave|retain|only)(?: only| just)? (?:the )?$",
    re.IGNORECASE,
)
_EXCEPT = re.compile(
    r"\b(?:except(?: for)?|but not|apart from|other than|excluding|(?<=all )but|(?<=everything )but|but keep|but"
    r" leave)\b",
    re.IGNORECASE,
)
_OLDER = re.compile(
    r"\b(?:the )?(?:older|old|oldest|outdated|out of date|previous|earlier|superseded)"
    r" (?:one|version|cop(?:y|ie)|edition)s?\b"
    r"|\b(?:the )?(?:older|oldest)(?: of (?:the )?(?:two|both|them))?(?=\s*(?:[.,;!]|$))",
    re.IGNORECASE,
)
"""All but the newest of several."""
_ENOUGH = re.compile(r"\bany ?more\b|\b(?:no|any) longer\b", re.IGNORECASE)
_COPIES = re.compile(r"\b(?:duplicates?|copies|cop(?:y|ies)|versions?|editions?)\b", re.IGNORECASE)
_MARKS = frozenset(("final", "copy", "new", "old", "draft", "latest", "v", "version", "rev", "updated", "edited"))


@dataclass(frozen=True)
class Targets:
    """Sources by name, those that are to stay, or what has to be asked."""

    sources: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    questions: tuple[Question, ...] = ()


def targets(left: RequestText, sources: Sequence[FileFacts], *, verb: str, today: date) -> Targets:
    """The sources to be hidden or removed. With "keep the latest" the newest of them stays.

    Nothing is guessed: what is named must be there, whole or by all its words.
    """
    left, spared = _spared(RequestText(_ENOUGH.sub(" ", UNSEEN.sub(" ", FOR_NOW.sub(" ", left.text)))))
    text = left.text
    ask = newest(left)
    keeps_newest = ask is not None and bool(_BUT.search(text[: ask.place]) or _COPIES.search(text))
    if ask is None and _COPIES.search(text) and left.blank(_OLDER):
        ask, keeps_newest = Newest(1, 0), True
    every = bool(spared) and ALL.search(text) is not None
    meant = list(sources) if every else _meant(left, sources, today)
    if not meant:
        return Targets(questions=(_which(sources, verb),))
    if spared:
        stay = {file.name for file in _meant(RequestText(spared), sources, today)}
        if not stay:
            return Targets(
                questions=(Question(about=verb, text=f"what stays? No source is called {spared.strip()[:60]!r}"),)
            )
        return Targets(tuple(file.name for file in meant if file.name not in stay), tuple(sorted(stay)))
    words = frozenset[str]().union(*(file.words for file in meant))
    if ask is None and (questions := unsure_act(text, names=words)):
        return Targets(questions=tuple(questions))
    if ask is None:
        return Targets(tuple(file.name for file in meant))
    top = newest_of(meant, ask.count)
    if top is None:
        names = ", ".join(file.name for file in meant[:10])
        return Targets(questions=(Question(about=verb, text=f"which of these is the newest? {names}"),))
    if not keeps_newest:
        return Targets(tuple(file.name for file in top))
    kept = {file.name for file in top}
    return Targets(tuple(file.name for file in meant if file.name not in kept), tuple(sorted(kept)))


def _spared(left: RequestText) -> tuple[RequestText, str]:
    """What goes, and what is named after "except"; nothing where that is the newest, which is read by itself."""
    match = _EXCEPT.search(left.text)
    if match is None or newest(RequestText(left.text[match.start() :])) is not None:
        return left, ""
    return RequestText(left.text[: match.start()]), left.text[match.end() :]


def replaced(
    left: RequestText, taken: Sequence[FileFacts], sources: Sequence[FileFacts], today: date
) -> tuple[tuple[str, ...], tuple[Question, ...]]:
    """The sources that the taken files are to take the place of; those of the same name go anyway."""
    same = {file.name for file in taken}
    if taken and all(file.name in {source.name for source in sources} for file in taken):
        return (), ()
    others = [source for source in sources if source.name not in same]
    meant = _meant(left, others, today) if others else []
    if len(meant) != 1:
        bases = [_base(file) for file in taken]
        like = [source for source in (meant or others) if _base(source) in bases]
        meant = like or meant
    if len(meant) == 1:
        return (meant[0].name,), ()
    if same & {source.name for source in sources}:
        return (), ()
    names = ", ".join(source.name for source in (meant or others)[:10]) or "the kb has none"
    return (), (Question(about="replace", text=f"which source is to be replaced? There are: {names}"),)


def let_out(left: RequestText, waiting: Sequence[Waiting], today: date) -> tuple[list[Waiting], tuple[Question, ...]]:
    """What of all that waits is to go live: what is named, or what waited for the person who is named, else all."""
    facts = [FileFacts(one.source, 0) for one in waiting]
    meant = {file.name for file in _meant(left, facts, today)}
    if meant:
        return [one for one in waiting if one.source in meant], ()
    people = [one for one in waiting if one.hold_for and re.search(rf"\b{re.escape(one.hold_for)}\b", left.text, re.I)]
    if people:
        return people, ()
    staged = [one for one in waiting if not one.hidden]
    if staged or len(waiting) == 1:
        return staged or list(waiting), ()
    names = ", ".join(one.source for one in waiting[:10])
    return [], (Question(about="expose", text=f"which of these is to be found again? {names}"),) if waiting else ()


def _meant(left: RequestText, sources: Sequence[FileFacts], today: date) -> list[FileFacts]:
    """Sources by name, pattern, type or date where one is said, else by all the words of a phrase."""
    copy = RequestText(left.text)
    mark_all(copy, sources, today)
    exact = [
        one
        for one in copy.marks
        if isinstance(one, Named) or one.kind not in ("what", "type", "place") or "*" in one.said
    ]
    named: list[Condition] = [one for one in exact if any(one.test(file) for file in sources)]
    if any(isinstance(one, Named) for one in copy.marks) and not named:
        return []
    if not named:
        found = phrases(copy.words(copy.text), vocabulary(sources), sources)
        named = [called(phrase.words) for phrase in found if phrase.sure]
        whole = [one for one in named if len(one.said.split()) > 1]
        named = whole or named
    return [file for file in sources if any(one.test(file) for one in named)]


def _base(file: FileFacts) -> frozenset[str]:
    """What a file is called without versions, dates and such."""
    return frozenset(
        word for word in file.words if not word.isdigit() and word not in _MARKS and f".{word}" != file.suffix
    )


def _which(sources: Sequence[FileFacts], verb: str) -> Question:
    names = ", ".join(source.name for source in sources[:10])
    return Question(
        about=verb, text=f"which source is meant? There are: {names}" if names else "the kb holds no sources"
    )
