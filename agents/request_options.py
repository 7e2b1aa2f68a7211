"""Options in a request: how files are read and cut up, what is put on their chunks, what becomes of failures and costs.

Each is a row of a table: how people say it, and what it comes to. What was understood is taken out of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .request_cutting import CUTTING
from .request_failures import COSTS, FAILURES
from .request_languages import LANGUAGES
from .request_reading import READING
from .request_rows import Found, Read
from .request_text import RequestText
from .request_words import IDLE, tokens

_MOST = 20
"""How often one thing may be said: beyond that a request is passed over, so that none takes long to read."""


@dataclass(frozen=True)
class _Option:
    pattern: re.Pattern[str]
    read: Read


def options(left: RequestText, vocabulary: frozenset[str]) -> Found:
    """What a request chooses, by dotted name ("parse.pages", "on_error"), and take it out of the text.

    `vocabulary` has the words of the names on offer: one that is the name of a file is no section of one.
    """
    found: Found = {}
    for option in _TABLE:
        for _ in range(_MOST):
            match = option.pattern.search(left.text)
            read: Found = option.read(match) if match else {}
            if match is None or not read:
                break
            found = _joined(read, found)
            left.cut(*match.span())
    for name, value in _sections(left, vocabulary):
        found.setdefault(name, []).append(value)
    if found.get("parse.ocr"):
        found |= _language(left, _LANGUAGE)
    else:
        found |= _language(left, _WRITTEN)
    if found.get("atomic"):
        found["on_error"] = "rollback_all"
    return found


_TABLE = tuple(
    _Option(re.compile(pattern, re.IGNORECASE), read) for pattern, read in (*READING, *CUTTING, *FAILURES, *COSTS)
)
_SECTIONS = (
    r"appendi(?:x|ces)|annex(?:es)?|bibliograph(?:y|ies)|references|glossary|table of contents|toc|footnotes|endnotes"
    r"|preface|foreword|acknowledge?ments|disclaimers?|cover pages?|title pages?|imprint|legal notices?"
    r"|(?:executive )?summary|introduction|index(?= (?:at the (?:back|end)|pages?|section))"
)
_PARTS = r"(?:slides?|pages?|sections?|chapters?|parts?)"
_THE = r"(?:the |any |its |their |all )"
_LEAVE = (
    r"(?:skip|skipping|without|leave out|leaving out|ignore|ignoring|omit|omitting|drop|minus|except(?: for)?|but not"
    r"|no|exclud(?:e|ing))"
)
_LEFT_OUT = re.compile(
    rf"\b{_LEAVE} {_THE}{{0,6}}(?P<section>{_SECTIONS})(?P<more>(?:(?:,| and| or|, and) {_THE}?(?:{_SECTIONS})){{0,6}})"
    rf"(?: {_PARTS})?(?! ?\.\w)(?: at the (?:back|end))?(?: of (?:it|them|each|the (?:book|document|file|deck)))?",
    re.IGNORECASE,
)
_CALLED = re.compile(
    rf"\b{_LEAVE} {_THE}(?P<section>[a-z][\w-]{{2,30}}(?: (?:and |of )?[a-z][\w-]{{2,30}}){{0,2}})"
    r" (?:slides|sections?|chapters?)\b",
    re.IGNORECASE,
)
"""A section by what it is about: "the pricing section"."""
_PLURALS = {"appendices": "appendix", "annexes": "annex", "bibliographies": "bibliography", "toc": "table of contents"}
_SPOKEN = "|".join(LANGUAGES)
_LANGUAGE = re.compile(
    rf"(?:\b(?:it['\u2019]s|they['\u2019]re|they are|it is|all|in|text is) ){{0,6}}\b(?P<language>{_SPOKEN})\b", re.I
)
_WRITTEN = re.compile(
    r"\b(?:it|they|these|this|that|those|both|(?:the |this |these )?(?:texts?|files?|documents?|contents?|all of it))"
    r"(?:['\u2019]?(?:s|re)| is| are) (?:all |both |written ){0,2}(?:in )?"
    rf"(?P<language>{_SPOKEN})(?: (?:texts?|documents?|files?))?(?=\s*(?:[,.;!)]|$|by the way|so\b|and\b|just\b))"
    rf"|(?:^|[,.;(] ?)(?:all |both |written )?in (?P<language2>{_SPOKEN})(?=\s*[,.;!)]|$)"
    rf"|\blanguage(?: is|:| =)? (?P<language3>{_SPOKEN})\b",
    re.IGNORECASE,
)
"""What the files are in, told and not chosen by: "they're in French"."""


def _joined(value: Found, found: Found) -> Found:
    """What is said first holds; what is put on chunks is put together."""
    new, old = value.get("embed.metadata"), found.get("embed.metadata")
    if isinstance(new, dict) and isinstance(old, dict):
        return value | found | {"embed.metadata": {**new, **old}}
    return value | found


def _sections(left: RequestText, vocabulary: frozenset[str]) -> Iterator[tuple[str, str]]:
    for _ in range(_MOST):
        match = _LEFT_OUT.search(left.text)
        if match is None:
            break
        every = re.findall(_SECTIONS, f"{match['section']}{match['more']} section", re.IGNORECASE)
        if set(match["section"].lower().split()) <= vocabulary:
            break
        left.cut(*match.span())
        for said in map(str.lower, every):
            yield "parse.skip_sections", _PLURALS.get(said, said)
    match = _CALLED.search(left.text)
    if match is not None and not tokens(match["section"]) & (vocabulary | IDLE):
        left.cut(*match.span())
        for said in re.split(r" and ", match["section"].lower()):
            yield "parse.skip_sections", said


def _language(left: RequestText, pattern: re.Pattern[str]) -> Found:
    match = pattern.search(left.text)
    if match is None:
        return {}
    left.cut(*match.span())
    said = next(value for name, value in match.groupdict().items() if name.startswith("language") and value)
    return {"parse.language": LANGUAGES[said.lower()]}
