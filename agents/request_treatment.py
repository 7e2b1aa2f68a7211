"""How files are to be treated: who may find them, what becomes of what is there, what lies outside, what was before."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from ..store.plan import Declined
from . import request_words as words
from .request_text import RequestText
from .request_words import KINDS
from .selection import Condition

OnExisting = Literal["replace", "skip", "keep_both"]

_GROUPS = "team|group|department|staff|board|unit|squad|office|people|folks|colleagues|crew|members"
_WHO = rf"(?:the |our |my )?(?P<who>[A-Za-z][\w-]{{1,30}}(?: (?:{_GROUPS}|(?!eyes)[a-z][\w-]{{2,30}}s))?)"
_SEES = r"(?:find|see|search|read|access|use|view|get|look at)"
_SEEN = r"(?:found|seen|read|searched|used|accessed|searchable|visible|readable|accessible|findable|available|shown)"
_AUDIENCE = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?<!not )(?<!n['\u2019]t )\b(?:(?:make|keep) (?:it|them|this|these|that) )?(?:(?:searchable|visible"
        rf"|available|findable|open|readable|shown) )(?:only )?(?:for|to|by) (?:only )?{_WHO}(?: only"
        r"| alone)?\b",
        rf"\bonly {_WHO} (?:is|are )?(?:may|can|should|must|shall|allowed to|get to"
        rf"|gets to|will be able to) (?:be able to )?{_SEES}\b(?: (?:this|these"
        r"|it|them))?",
        rf"\b(?:nobody|no ?one|none) (?:but|except|other than|outside(?: of)?) {_WHO}"
        rf" (?:may|can|should|must|is to|gets? to)"
        rf" {_SEES}\b(?: (?:this|these|it|them))?",
        rf"\b(?:only|exclusively|just)(?: be)? {_SEEN}(?: only)? (?:by|to|for) {_WHO}\b",
        rf"\b{_SEEN} (?:by|to|for) {_WHO} (?:only|alone|exclusively)\b",
        rf"\brestrict(?:ed)? (?:(?:it|them|this|these|access) )?to {_WHO}(?: only)?\b",
        rf"\b(?:for|to) {_WHO}(?: eyes)? (?:only|alone|exclusively)\b(?: please)?",
        rf"\b(?:only|just|exclusively) for {_WHO}['\u2019]?(?: eyes)?\b",
    )
)
_ALONE = re.compile(rf"(?:^|[.;:!?,] ?)(?:please )?{_WHO}(?: eyes)? only\b(?: please)?", re.IGNORECASE)
_GROUPED = re.compile(rf" (?:{_GROUPS})$")
_OTHERS = re.compile(
    r"[ ,;]{0,4}\bnot (?:the |our )?[\w-]+(?= *(?:[.,;!]|$))"
    r"|[ ,;]{0,4}\b(?:and|but) (?:nobody|no ?one|none) else\b(?: [\w ]{0,20})?"
    r"|[ ,;]{0,4}(?:\bbut )?\b(?:not|never) (?:for|to|by) (?:the |our )?[\w-]+(?: [\w-]+)?"
    r"|[ ,;]{0,4}\b(?:the )?[\w-]+ (?:mustn['\u2019]?t|must not|may not|should(?:n['\u2019]t"
    rf"| not)|can(?:not|['\u2019]t)|aren['\u2019]t allowed to) {_SEES}\b"
    r"(?: (?:it|them|this|these))?",
    re.IGNORECASE,
)
_IF_THERE = re.compile(
    r"\b(?:if|when|where(?:ver)?)\b[^.;:!?]{1,50}?\b(?:already(?: there| in(?: there)?)?|exists?|in there)\b"
    r"[^.;:!?]{0,20}?,? (?:then |please |just ){0,2}(?:(?P<keep_both>keep both(?: versions| of them)?)"
    r"|(?P<replace>(?:overwrite|replace) (?:it|them|that one)))(?=\s*(?:[.;,!]|$))",
    re.IGNORECASE,
)
_NOBODY_TEXT = """
now me us you anyone anybody nobody someone noone it them this that these those everyone everybody all files
documents search review kb the a
reference later once today tomorrow example instance publishing testing test questions
"""
_NOBODY = frozenset(_NOBODY_TEXT.split())
_GROUP = re.compile(r" (?:group|department|unit|squad|people|folks|colleagues|crew|members)$")
_MOST = 20
"""Paths of one request that are declined by name."""
_PATH = re.compile(
    r"(?<![\w./~*-])(?P<path>~[\w.-]{0,40}/(?:[\w.*-]+/?){0,40}|/[\w.-]+(?:/[\w.*-]+){0,40}/?"
    r"|(?:\.\./)+[\w./-]*|\.\.(?=\s|$)|[A-Za-z]:\\[\w.\\-]+)"
)
_AGAIN = re.compile(
    r"\b(?:(?:do|run|handle|treat|load|ingest|import) (?:it|them|these|this"
    r"|the same)? ?)?(?:the )?(?:exactly )?(?:same|just|much)?"
    r" ?(?:thing|procedure|way|options|settings|drill)? ?\b(?:as|like|repeat"
    r"|redo)\b (?:(?:what )?(?:we|you|i) (?:did|ran|used|loaded|imported|ingested) |the |for ){0,6}"
    r"(?:yesterday|last (?:time|week|month)|before|earlier|the other day|previously"
    r"|usual|always|(?:on )?\w+day)\b(?:['\u2019]s (?:import|ingest\w*|run"
    r"|job|upload|load))?"
    r"|\b(?:exactly |just )?(?:like|as) (?:we|you|i) did (?:it |them |those )?(?:for |with |in )?(?:the )?\w+"
    r"(?: ones| files)?"
    r"|\b(?:repeat|redo) (?:the )?(?:last|previous|earlier|same) (?:import|ingest\w*|run|job|upload|load|journey)\b"
    r"|\bsame (?:again|procedure|settings|options|treatment|thing again)\b",
    re.IGNORECASE,
)
_HASH = re.compile(
    r"\b(?:sha-?256|hash|checksum|digest)(?: sum)?\b(?:[ :=]|(?:is|of|starts?"
    r"|starting|begins?|beginning|with)){0,6}\b(?P<hex>[0-9a-f]{6,64})\b"
    r"|\b(?P<whole>[0-9a-f]{64})\b",
    re.IGNORECASE,
)


def audience(left: RequestText) -> str | None:
    """The only ones who may find the files ("support-team"), taken out of the text; None where anybody may."""
    others = _OTHERS.search(left.text) is not None
    for pattern in (*_AUDIENCE, _ALONE):
        for match in pattern.finditer(left.text):
            who = match["who"].lower()
            if pattern is _ALONE and not (others or _GROUPED.search(who)):
                continue  # it may be said of files
            if who.split()[0] in _NOBODY or any(kind.fullmatch(who) for kind, _ in KINDS) or who.endswith(" kb"):
                continue
            if re.match(r"\s*(?:kbs?|knowledge)\b", left.text[match.end("who") :]):
                continue
            left.cut(*match.span())
            left.blank(_OTHERS)
            return _GROUP.sub("", who).replace(" ", "-")
    return None


def treatment(left: RequestText, *, files: bool) -> tuple[OnExisting | None, bool]:
    """What is to become of what is there, and whether a request wants both: that the old goes and that it stays.

    `files`: some are on offer, which can take the place of what is to go.
    """
    told = _where_there(left)
    if told is not None:
        left.blank(words.SKIP_EXISTING)  # "don't overwrite anything: keep both" says one thing twice
        return told, False
    keeps = left.blank(words.KEEP_BOTH)
    skips = left.blank(words.SKIP_EXISTING)
    halves = words.INSTEAD.search(left.text)
    if halves is not None:
        left.cut(*halves.span("instead"))
        left.cut(halves.start("out"), halves.start("joins"))
        return "replace", False
    stays = words.STAYS.search(left.text) is not None
    replaces = left.blank(words.OLD_ONE) | left.blank(words.REPLACE) | (files and left.blank(words.OLD_OUT))
    if replaces and (keeps or stays):
        return None, True
    if keeps:
        return "keep_both", False
    if skips:
        return "skip", False
    return ("replace" if replaces else None), False


def _where_there(left: RequestText) -> OnExisting | None:
    """What is to be done where a file's name is in the kb already, if a request says it as a condition."""
    match = _IF_THERE.search(left.text)
    if match is None:
        return None
    left.cut(*match.span())
    return next(name for name in ("keep_both", "replace") if match[name])


def outside(left: RequestText, roots: Sequence[str]) -> Iterator[Declined]:
    """Paths that a request names and that were not given: declined, and taken out of the text."""

    def given(path: str) -> bool:
        return any(path == root or path.startswith(f"{root.rstrip('/')}/") for root in roots)

    named = dict.fromkeys(match["path"] for match in _PATH.finditer(left.text) if not given(match["path"]))
    rest = _PATH.sub(lambda match: match[0] if given(match["path"]) else " ", left.text)
    left.text = " ".join(rest.split())
    for path in [*named][:_MOST]:
        yield Declined(what=path[:200], why="it is outside the files given; who may read it gives it as a PATH")


def as_before(left: RequestText) -> bool:
    """Whether the files are to be treated like those of an earlier journey."""
    return left.blank(_AGAIN)


def speaks_of_hash(text: str) -> bool:
    """Whether a request chooses files by their content's hash."""
    return _HASH.search(text) is not None


def hashes(text: str) -> Iterator[tuple[int, int, Condition]]:
    """Every hash that is named, or the beginning of one."""
    for match in _HASH.finditer(text):
        begin = (match["hex"] or match["whole"]).lower()
        if any(letter.isdigit() for letter in begin):
            yield *match.span(), Condition("what", f"sha256 {begin[:16]}", _hashed(begin))


def _hashed(begin: str):  # type: ignore[no-untyped-def]
    return lambda file: bool(file.sha256) and file.sha256.startswith(begin)
