"""How texts are cut up and what is written on the pieces, as requests say it; a row for each way."""

from __future__ import annotations

import re

from .request_rows import Found, Row, said


def _chunks(match: re.Match[str]) -> Found:
    groups = match.groupdict()
    found: Found = {}
    if groups.get("size"):
        found["embed.chunk_size"] = int(groups["size"])
    if groups.get("overlap"):
        found["embed.overlap"] = int(groups["overlap"])
    if any((groups.get(name) or "").lower().startswith("token") for name in ("unit", "unit2")):
        found["chunk_unit"] = "tokens"
    return found


def _pairs(match: re.Match[str]) -> Found:
    pairs = re.findall(
        r"([\w-]{1,40})\s*[=:]\s*(?:\"([^\"]{1,100})\"|'([^']{1,100})'|([\w.@-]{1,100}))", match["pairs"]
    )
    return {"embed.metadata": {name: (one or two or three).rstrip(".") for name, one, two, three in pairs}}


def _keys(match: re.Match[str]) -> Found:
    names = [name for name in re.split(r",|\band\b|\bthe\b|\bits\b|\btheir\b|\s", match["keys"].lower()) if name]
    return {"embed.metadata": names}


_PIECES = r"(?:chunks?|pieces|parts|segments|passages)"
_UNIT = r"(?:characters?|chars?|letters?|signs?|tokens?)"
_OVERLAP = r"overlap(?:ping)?"
_BE = r"(?: of| by| to| at| should be|:| ?=)?"
_VALUE = r"(?:\"[^\"]+\"|'[^']+'|[\w.@-]+)"
_ON_EACH = (
    r"(?: (?:on|to|onto|in) (?:every|each|all)(?: (?:the|of the))? (?:chunks?|pieces?|files?|documents?|of them))?"
    r"(?: so (?:that )?[^.;]*)?"
)


def _list(sign: str) -> str:
    pair = rf"[\w-]{{1,40}}{sign}{_VALUE}"
    return rf"(?P<pairs>\b{pair}(?:(?:,| and|, and|,? &) {pair}){{0,6}})"


CUTTING: tuple[Row, ...] = (
    (
        rf"(?:\b(?:in(?:to)?|use|with|of) )?(?:\b(?:smaller|larger|bigger|shorter|longer|small|large) )?\b{_PIECES}"
        r"(?:[ _-]{0,2}(?:size|length|sizes))?(?: of| to| should be| with|,|:| ?=)?(?: (?:up to|at most|about|around))?"
        rf"(?: |(?<==))(?P<size>\d{{2,6}})\b(?: ?(?P<unit>{_UNIT}))?(?: each)?"
        rf"(?:,? ?(?:and |with )?(?:an? |the )?{_OVERLAP}{_BE} ?(?P<overlap>\d{{1,5}})\b"
        rf"(?: ?(?P<unit2>{_UNIT}))?)?",
        _chunks,
    ),
    (
        rf"\b(?P<size>\d{{2,6}}) ?(?P<unit>{_UNIT})?,? (?:per|a|to a|for each|for every|in each) {_PIECES}\b",
        _chunks,
    ),
    (rf"(?:\b(?:in|into) )?\b(?P<size>\d{{2,6}})[ -]?(?P<unit>{_UNIT})[ -]{_PIECES}\b", _chunks),
    (
        rf"(?:\b(?:with|and|an?|the) ){{0,6}}\b{_OVERLAP}{_BE} ?(?P<overlap>\d{{1,5}})\b"
        rf"(?: ?(?P<unit>{_UNIT}))?(?P<size>)",
        _chunks,
    ),
    (
        rf"(?:\b(?:with|and|plus|an?) ){{0,6}}\b(?P<overlap>\d{{1,5}}) ?(?P<unit>{_UNIT})?(?: of)? {_OVERLAP}\b"
        "(?P<size>)",
        _chunks,
    ),
    (rf"\b(?:no|zero|without(?: any)?) {_OVERLAP}\b", said(embed__overlap=0)),
    (
        rf"\b(?:put|tag|label|mark|add|set|attach|stamp|write)\b[^.;=:]{{0,40}}?{_list(' ?[=:] ?')}{_ON_EACH}",
        _pairs,
    ),
    (rf"(?:\b(?:with|have|carry|the|tags?|metadata|labels?)[: ]+){{0,4}}{_list('=')}{_ON_EACH}", _pairs),
    (
        r"\b(?:tag|label|mark)\b (?:them|it|these|those|each|every (?:chunk|file)|all(?: of them)?|everything)"
        r" (?:with|by) (?:the |its |their )?(?P<keys>[a-z_-]+(?:(?:,| and| and the|, the) [a-z_-]+){0,5})"
        r"(?: if [^.;,]*)?",
        _keys,
    ),
)
"""Arguments of `embed`."""
