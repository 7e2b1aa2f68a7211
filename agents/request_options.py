"""Options in a request: how files are read and cut up, what is put on their chunks, what becomes of failures and costs.

Each is a row of a table: how people say it, and what it comes to. What was understood is taken out of the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from .request_languages import LANGUAGES
from .request_text import RequestText

_NUMBERS = {
    "a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100,
}  # fmt: skip
_COUNT = rf"(?:\d{{1,6}}|{'|'.join(_NUMBERS)})"
_SECTIONS = (
    r"appendi(?:x|ces)|annex(?:es)?|bibliograph(?:y|ies)|references|glossary|table of contents|toc|footnotes|endnotes"
    r"|preface|foreword|acknowledge?ments|disclaimers?|cover pages?|title pages?|imprint|legal notices?"
)
_FAILS = (
    r"(?:fails?|failed|failing|breaks?|(?:is|are|turns? out) (?:broken|damaged"
    r"|unreadable|corrupt)|can(?:not|['\u2019]t)"
    r" be (?:read|parsed|opened)|does(?:n['\u2019]t| not) (?:work|parse|open"
    r"|load)|do(?:n['\u2019]t| not) (?:work|parse|load)"
    r"|goes wrong|go wrong|errors?(?: out)?|has (?:an error|a problem|errors))"
)
_ON = r"(?:skip|ignore|leave|pass over|carry on|continue|go on|move on|keep going|proceed|drop)"
_BACK = (
    r"(?:undo|roll(?:ed)? ?back|revert|take (?:it |them |everything |all )?back|back out|nothing (?:should|may|must))"
)

Found = dict[str, Any]


_MOST = 20
"""How often one thing may be said: beyond that a request is passed over, so that none takes long to read."""


@dataclass(frozen=True)
class _Option:
    pattern: re.Pattern[str]
    read: Callable[[re.Match[str]], Found]


def options(left: RequestText, vocabulary: frozenset[str]) -> Found:
    """What a request chooses, by dotted name ("parse.pages", "on_error"), and take it out of the text.

    `vocabulary` has the words of the names on offer: one that is the name of a file is no section of one.
    """
    found: Found = {}
    for option in _TABLE:
        for _ in range(_MOST):
            match = option.pattern.search(left.text)
            if match is None:
                break
            found = option.read(match) | found
            left.cut(*match.span())
    for name, value in _sections(left, vocabulary):
        found.setdefault(name, []).append(value)
    if found.get("parse.ocr"):
        found |= _language(left)
    if found.get("atomic"):
        found["on_error"] = "rollback_all"
    return found


def _number(said: str) -> int:
    return _NUMBERS.get(said.lower()) or int(said)


def _pages(match: re.Match[str]) -> Found:
    if match["first"]:
        return {"parse.pages": f"1-{_number(match['first'])}"}
    text = re.sub(r"\s*(?:to|through|until|till|up to|-|\u2013)\s*", "-", match["list"].strip(" ,"))
    return {"parse.pages": re.sub(r"\s*(?:,|and|&)\s*", ",", text)}


def _chunks(match: re.Match[str]) -> Found:
    groups = match.groupdict()
    found: Found = {}
    if groups.get("size"):
        found["embed.chunk_size"] = int(groups["size"])
    if groups.get("overlap"):
        found["embed.overlap"] = int(groups["overlap"])
    return found


def _pairs(match: re.Match[str]) -> Found:
    pairs = re.findall(
        r"([\w-]{1,40})\s*[=:]\s*(?:\"([^\"]{1,100})\"|'([^']{1,100})'|([\w.@-]{1,100}))", match["pairs"]
    )
    return {"embed.metadata": {name: (one or two or three).rstrip(".") for name, one, two, three in pairs}}


def _keys(match: re.Match[str]) -> Found:
    names = [name for name in re.split(r",|\band\b|\bthe\b|\bits\b|\btheir\b|\s", match["keys"].lower()) if name]
    return {"embed.metadata": names}


def _said(**values: Any) -> Callable[[re.Match[str]], Found]:
    named = {key.replace("__", "."): value for key, value in values.items()}
    return lambda _: dict(named)


def _rows() -> Iterator[tuple[str, Callable[[re.Match[str]], Found]]]:
    yield (
        rf"(?:\b(?:only|just|use|take|we (?:only )?need|read) ){{0,6}}(?:the )?\bfirst (?P<first>{_COUNT}) pages?\b"
        rf"(?: (?:of|from|in) (?:it|them|each|the (?!kb)[\w-]+))?(?:,? (?:is|are|will be|should be) enough)?(?P<list>)",
        _pages,
    )
    yield (
        r"(?:\b(?:only|just|use|take|we (?:only )?need|read)(?: [a-z]+)? ){0,6}\bpages? (?P<list>\d+(?:\s*(?:to"
        r"|through|until|till|up to|-"
        r"|\u2013|,|and|&)\s*\d+){0,6})\b(?: (?:of|from) (?:it|them|each))?(?P<first>)",
        _pages,
    )
    yield (
        r"\b(?:keep|preserve|retain|leave|make sure|ensure|with|don['\u2019]?t (?:break|flatten|split|mangle|lose))\b"
        r"[^.;,]{0,20}\btables?\b(?:[^.;,]{0,12}\b(?:intact|together|survive|whole|as tables|structure|in shape))?",
        _said(parse__keep_tables=True),
    )
    yield (
        r"\btables? (?:intact|survive|as tables|as rows|structure)\b"
        r"|(?:\b[\w-]+ )?\btables (?:must|should|have to|need to)"
        r" (?:stay|remain|survive|be kept)\b[^.;,]*",
        _said(parse__keep_tables=True),
    )
    yield (
        r"(?:\b(?:run|use|do|apply|need|needs|with|so|you['\u2019]ll|will|some) ){0,6}(?<!no )(?<!without )(?<!skip )"
        r"\b(?:ocr(?:['\u2019]?(?:ed|ing))?|text[- ]recognition|recogni[sz]e the text)\b",
        _said(parse__ocr=True),
    )
    yield (
        r"\b(?:read|recogni[sz]e|make sense of) (?:[a-z]+ )?(?:scans?|scanned (?:pages|files|documents)|photographed"
        r" pages)"
        r"\b(?: too| as well)?",
        _said(parse__ocr=True),
    )
    yield (
        r"\b(?:incl(?:\.|uding|ude)?|with|plus|and|keep|also)? ?(?:the |its |their )?(?:speaker|presenter|presentation)"
        r"(?:['\u2019]?s)? notes\b(?: too| as well)?",
        _said(parse__speaker_notes=True),
    )
    yield (
        r"(?:\b(?:in(?:to)?|use|with|of) )?(?:\b(?:smaller|larger|bigger|shorter|longer|small|large) )?"
        r"\b(?:chunks?|pieces|parts|segments|passages)(?: ?-?(?:size|length|sizes))?(?: of"
        r"| to| should be| with|,|:| ?=)?"
        r"(?: (?:up to|at most|about|around))? (?P<size>\d{2,6})\b(?: ?(?:characters|chars|letters|signs))?(?: each)?"
        r"(?:,? ?(?:and |with )?(?:an? )?overlap(?:ping)?(?: of| by|:| ?=)? ?(?P<overlap>\d{1,5})\b"
        r"(?: ?(?:characters|chars))?)?",
        _chunks,
    )
    yield (
        r"(?:\b(?:with|and|an?) ){0,6}(?:\boverlap(?:ping)?(?: of| by|:| ?=)? ?(?P<overlap>\d{1,5})\b)"
        r"(?: ?(?:characters|chars))?(?P<size>)",
        _chunks,
    )
    yield r"\b(?:no|zero|without(?: any)?) overlap(?:ping)?\b", _said(embed__overlap=0)
    yield (
        r"\b(?:put|tag|label|mark|add|set|attach|stamp|write)\b[^.;=:]{0,40}?(?P<pairs>\b[\w-]{1,40} ?[=:] ?"
        r"(?:\"[^\"]+\"|'[^']+'|[\w.@-]+)(?:(?:,| and|, and) [\w-]{1,40} ?[=:] ?(?:\"[^\"]+\"|'[^']+'|[\w.@-]+)){0,6})"
        r"(?: (?:on|to|onto|in) (?:every|each|all)(?: (?:the|of the))? (?:chunks?|pieces?|files?|documents?|of them))?"
        r"(?: so (?:that )?[^.;]*)?",
        _pairs,
    )
    yield (
        r"\b(?:tag|label|mark)\b (?:them|it|these|those|each|every (?:chunk|file)|all(?: of them)?|everything)"
        r" (?:with|by) (?:the |its |their )?(?P<keys>[a-z_-]+(?:(?:,| and| and the|, the) [a-z_-]+){0,5})"
        r"(?: if [^.;,]*)?",
        _keys,
    )
    yield from _failures()
    yield from _costs()


def _failures() -> Iterator[tuple[str, Callable[[re.Match[str]], Found]]]:
    whole = _said(atomic=True)
    yield r"\b(?:it['\u2019]s )?all[- ]or[- ](?:nothing|none)\b(?: (?:on|for|with) [^.;,]*)?", whole
    yield (
        r"\b(?:either )?(?:all|every one) (?:of (?:these|them|it)? ?)?(?:go(?:es)? in "
        r"|are in |in )?or (?:none|nothing)\b",
        whole,
    )
    yield (
        r"\b(?:either )?(?:the )?(?:whole|entire|complete|full) (?:set|batch|lot|thing|bundle|package)\b[^.;,]{0,30}"
        r"\bor (?:none|nothing)\b[^.;,]*",
        whole,
    )
    yield r"\beither (?:they|these|the files)? ?all\b[^.;]{0,30}\bor (?:none|nothing)\b[^.;,]*", whole
    yield (
        rf"\bif (?:any|one|something|anything|a|even)\b[^.;]{{0,30}}\b{_FAILS}[^.;]{{0,20}}\b(?:none"
        rf"|nothing|{_BACK})\b[^.;]*",
        whole,
    )
    yield (
        rf"\b(?:none|nothing|{_BACK})\b[^.;]{{0,30}}\bif (?:any|one|something|anything"
        rf"|a|even)\b[^.;]{{0,30}}\b{_FAILS}",
        whole,
    )
    skip = _said(on_error="skip")
    yield (
        r"\b(?:don['\u2019]?t let|do not let) (?:one|a|any|single|some) (?:\w+ )?(?:files?|documents?|ones?|failures?)"
        r" (?:hold up|hold back|stop|block|spoil|ruin|delay|break)\b[^.;,]*",
        skip,
    )
    yield (
        r"\b(?:broken|bad|damaged|unreadable|corrupt|failing|failed) (?:ones?|files?|documents?)"
        r" (?:do not|don['\u2019]?t) matter\b",
        skip,
    )
    yield rf"\b(?:if|when|should|where)\b[^.;]{{0,40}}\b(?:{_FAILS}|broken)\b[^.;]{{0,20}}\b{_ON}\b[^.;]*", skip
    yield (
        rf"\b{_ON}\b[^.;,]{{0,25}}\b(?:ones?|files?|those|whatever|any(?:thing)?"
        rf"|everything|documents?)\b (?:(?:that|which) )?{_FAILS}[^.;]*",
        skip,
    )
    yield (
        rf"\b{_ON}\b (?:with the (?:others|rest)|(?:if|when|even if|despite|after)[^.;]{{0,25}}\b(?:"
        rf"{_FAILS}|errors|failures))[^.;]*",
        skip,
    )
    stop = _said(on_error="stop")
    yield (
        r"\b(?:stop|halt|quit|abort|end) (?:at|on|after|with) (?:the )?(?:first"
        r"|any) (?:problem|error|failure|file|one|bad)\w*[^.;,]*",
        stop,
    )
    yield rf"\b(?:stop|halt|abort)(?: [a-z]+){{0,3}} (?:if|when|as soon as)\b[^.;]{{0,30}}\b{_FAILS}", stop
    yield rf"\bif\b[^.;]{{0,30}}\b{_FAILS},? (?:then )?(?:please )?(?:stop|halt|abort)[^.;,]*", stop


def _costs() -> Iterator[tuple[str, Callable[[re.Match[str]], Found]]]:
    amount = (
        r"(?:(?:(?:us)?\$|\u20ac|\u00a3) ?(?P<amount>\d+(?:[.,]\d+)?)|(?P<amount2>\d+(?:[.,]\d+)?"
        rf"|{'|'.join(_NUMBERS)}) ?(?P<unit>dollars?|usd|us\$|\$|bucks?|euros?|eur|\u20ac|pounds?|gbp|\u00a3|cents?))"
    )
    limit = (
        r"(?:don['\u2019]?t|do not|never|must not|mustn['\u2019]?t|may not|should not"
        r"|shouldn['\u2019]?t|no|not|keep|stay|limit|cap"
        r"|max(?:imum)?|at most|under|below|up to|within|spend|cost|budget|for)"
    )
    yield (
        rf"\b(?:(?:it|this|that|the|and|but|please) ){{0,6}}{limit}\b[^.;$\d]{{0,60}}?{amount}(?: (?:on"
        r"|for) [^.;,]*| in total| overall| at most)?",
        _cost,
    )


def _cost(match: re.Match[str]) -> Found:
    said = match["amount"] or match["amount2"]
    value = float(_NUMBERS.get(said.lower()) or said.replace(",", "."))
    return {"budget.max_cost_usd": value / 100 if (match["unit"] or "").lower().startswith("cent") else value}


_TABLE = tuple(_Option(re.compile(pattern, re.IGNORECASE), read) for pattern, read in _rows())
_LEFT_OUT = re.compile(
    r"\b(?:skip|skipping|without|leave out|leaving out|ignore|ignoring|omit"
    r"|omitting|drop|minus|except(?: for)?|but not|no"
    rf"|exclud(?:e|ing)) (?:the |any |its |their |all ){{0,6}}(?P<section>{_SECTIONS})"
    rf"(?P<more>(?:(?:,| and| or|, and) (?:the |any |its |all )?(?:{_SECTIONS})){{0,6}})"
    rf"(?: (?:slides?|pages?|sections?|chapters?|parts?))?(?! ?\.\w)",
    re.IGNORECASE,
)
_PLURALS = {"appendices": "appendix", "annexes": "annex", "bibliographies": "bibliography", "toc": "table of contents"}
_LANGUAGE = re.compile(
    rf"(?:\b(?:it['\u2019]s|they['\u2019]re|they are|it is|all|in|text is) ){{0,6}}\b({'|'.join(LANGUAGES)})\b", re.I
)


def _sections(left: RequestText, vocabulary: frozenset[str]) -> Iterator[tuple[str, str]]:
    for _ in range(_MOST):
        match = _LEFT_OUT.search(left.text)
        if match is None:
            return
        every = re.findall(_SECTIONS, f"{match['section']}{match['more']}", re.IGNORECASE)
        if set(match["section"].lower().split()) <= vocabulary:
            return
        left.cut(*match.span())
        for said in map(str.lower, every):
            yield "parse.skip_sections", _PLURALS.get(said, said)


def _language(left: RequestText) -> Found:
    match = _LANGUAGE.search(left.text)
    if match is None:
        return {}
    left.cut(*match.span())
    return {"parse.language": LANGUAGES[match[1].lower()]}
