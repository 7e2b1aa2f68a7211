"""The parts of a request that say which files are wanted and which are not, as clauses."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from ..store.plan import Question
from . import request_words as words
from .request_doubt import NEVER
from .request_marks import Named
from .request_phrases import Phrase, phrases, unmet_one, vocabulary
from .request_text import RequestText
from .selection import Clause, Condition, FileFacts, called

_ANYTHING = re.compile(
    r"\b(?:or|and|nor) (?=(?:anything|everything|whatever|any (?:files?|documents?)) )", re.IGNORECASE
)


@dataclass(frozen=True)
class _Part:
    """A stretch of a request that says what is wanted, or what is not."""

    text: str
    wanted: bool
    only: bool = False
    cue: str = ""
    """The word that says so, as it stands there."""
    said_last: bool = False
    """What becomes of it is said behind it, with the reason before: "that one isn't ready, so leave it out"."""

    @property
    def closes(self) -> bool:
        """Whether it is an "only" that stands behind what it is said of."""
        return words.ONLY.fullmatch(self.cue) is not None and not re.search(r"\w", self.text)


def clauses_of(
    left: RequestText,
    files: Sequence[FileFacts],
    *,
    lone: bool,
    only: bool = False,
    elsewhere: frozenset[str] = frozenset(),
) -> tuple[tuple[Clause, ...], tuple[Question, ...], str]:
    """What is said of files, after marks were put for what is said beyond doubt; what has to be asked; what is left.

    `only`: what is named is all that is wanted. `lone`: nothing but files was spoken of, so that a name which no file
    has is asked about; one of those `elsewhere` is none that is missing.
    """
    names = vocabulary(files)
    clauses: list[Clause] = []
    mentioned: list[Clause] = []
    asked: list[Question] = []
    residue: list[str] = []
    before = alone = False
    for part in _parts(left.text):
        part = replace(part, only=part.only or (only and part.wanted))
        conditions, missing = _conditions(part, left, files, names)
        missing = [one for one in missing if one.about not in elsewhere]
        asked += missing
        if conditions:
            clause = Clause(part.wanted, tuple(conditions))
            (mentioned if part.wanted and not part.cue else clauses).append(clause)
            alone = alone or (part.only and bool(clause.names))
        if not missing and not (before and part.closes):
            residue.append(_unread(part, left, conditions))
        before = bool(conditions) or not part.text.strip()
    if not alone:
        clauses += mentioned
    if lone and not clauses and not asked and len(files) > 1:
        what = unmet_one(left.text, names)
        if what:
            asked.append(Question(about="files", text=f"no file's name says {what!r}; which file is meant?"))
    return tuple(clauses), tuple(asked), " ".join(residue)


_REASON = re.compile(
    r"[,;\u2013-] ?(?:because |since |as )?(?:those|they|these|that|it)(?:['\u2019]?(?:s|re)| is| are) [\w' -]{1,60}$",
    re.IGNORECASE,
)
"""Why something is not wanted, said behind it: "those are confidential"."""


def _unread(part: _Part, left: RequestText, conditions: Sequence[Condition]) -> str:
    """A part without what was made of it: its marks, the names in it, and the words that say which way it is meant."""
    said = left.words(part.text)
    if not conditions:
        return f"{part.cue} {said}"
    for word in (word for one in conditions if not one.exact for word in one.said.split()):
        said = re.sub(rf"[\"\u201c']?(?<![\w-]){re.escape(word)}(?![\w-])[\"\u201d']?", " ", said, flags=re.IGNORECASE)
    said = said if part.wanted else _REASON.sub(" ", said.rstrip(" .!"))
    return words.ONLY.sub(" ", said) if part.wanted else NEVER.sub(" ", said) if part.said_last else said


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
    yield _Part(before[cut:], wanted=False, cue="" if match["too"] else "skip", said_last=True)
    yield from _passive(sentence[match.end() :])


def _cued(sentence: str) -> Iterator[_Part]:
    """Parts between words such as "except" and "only"; "or anything above 5 MB" is a part of its own."""
    for part in _between_cues(sentence):
        for piece in _ANYTHING.split(part.text):
            yield replace(part, text=piece)


def _between_cues(sentence: str) -> Iterator[_Part]:
    at, wanted, only, said = 0, True, False, ""
    for cue in re.finditer(f"{words.LEAVE_OUT.pattern}|{words.TAKE.pattern}", sentence, re.IGNORECASE):
        yield _Part(sentence[at : cue.start()], wanted, only, said)
        at, said, wanted = cue.end(), cue[0], words.LEAVE_OUT.match(sentence, cue.start()) is None
        only = words.ONLY.fullmatch(cue[0]) is not None
    yield _Part(sentence[at:], wanted, only, said)


def _conditions(
    part: _Part, left: RequestText, files: Sequence[FileFacts], names: frozenset[str]
) -> tuple[list[Condition], list[Question]]:
    said = left.conditions(part.text)
    missing = [_absent(one, files) for one in said if part.wanted and isinstance(one, Named) and not one.among(files)]
    if missing:
        said = [one for one in said if not isinstance(one, Named) or one.among(files)]
    by_words = _by_words(part, left, files, names)
    if part.only and len(files) > 1 and not said and not by_words and (unmet := _unmet(left.words(part.text), names)):
        text = f"no file's name says {unmet!r}; which files are meant?"
        missing.append(Question(about="files", text=text))
    return [*said, *by_words], missing


def _absent(one: Condition, files: Sequence[FileFacts]) -> Question:
    near = difflib.get_close_matches(one.said, [file.name for file in files], n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    return Question(about=one.said, text=f"{one.said} is not among the files given; which file is meant?{hint}")


def _by_words(part: _Part, left: RequestText, files: Sequence[FileFacts], names: frozenset[str]) -> list[Condition]:
    """Conditions from words that are in files' names."""
    said = words.PURPOSE.sub("", left.words(part.text)) if part.wanted else left.words(part.text)
    if part.wanted and words.ALL.search(said):
        return []
    found = [phrase for phrase in phrases(said, names, files) if phrase.sure]
    if part.wanted and not part.only:
        found = [phrase for phrase in found if _chooses(phrase, said, files)]
    return [called(phrase.words) for phrase in found]


_TELLING_TEXT = """
note list log tell report show mention write say mark send inform name warn ask call ping contact
"""
_TELLING = frozenset(_TELLING_TEXT.split())
"""Verbs of telling: what "just" asks for with them is no file."""


def _unmet(said: str, names: frozenset[str]) -> str | None:
    """The first words of a stretch that would be names, and are in none."""
    stretch = re.split(r"[,.;!?]|\b(?:please|because|so|and|but)\b", words.PURPOSE.sub("", said))[0]
    found = [word for word in re.findall(r"[\w'\u2019-]+", stretch) if len(word) > 2 and word.lower() not in words.IDLE]
    if found and found[0].lower() in _TELLING:
        return None
    return " ".join(found) if found and not any(word.isdigit() for word in found) else None


def _chooses(phrase: Phrase, said: str, files: Sequence[FileFacts]) -> bool:
    """Whether words that are just mentioned are meant to choose: several, a plural, a proper name, a file's own."""
    if phrase.several or (phrase.begin > 0 and phrase.said[0].isupper() and said[: phrase.begin].strip()):
        return True
    whole = words.tokens(phrase.words[-1])
    return any(whole == words.tokens(PurePosixPath(file.name).stem) for file in files)
