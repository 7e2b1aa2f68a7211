"""What becomes of failures, and what all may cost, as requests say it; a row for each way."""

from __future__ import annotations

import re

from .request_rows import NUMBERS, Found, Row, said

_FAILS = (
    r"(?:fails?|failed|failing|breaks?|(?:is|are|turns? out) (?:broken|damaged|unreadable|corrupt)"
    r"|can(?:not|['\u2019]t) be (?:read|parsed|opened|loaded|ingested|processed)"
    r"|does(?:n['\u2019]t| not) (?:work|parse|open|load)"
    r"|do(?:n['\u2019]t| not) (?:work|parse|load)|goes wrong|go wrong|errors?(?: out)?"
    r"|has (?:an error|a problem|errors))"
)
_ON = r"(?:skip|ignore|leave|pass over|carry on|continue|go on|move on|keep going|proceed|drop)"
_THEM = r"(?:it|them|everything|all(?: of (?:it|them))?|(?:all )?the (?:others?|rest|whole (?:lot|batch|set)))"
_BACK = (
    rf"(?:undo|roll(?:ed)? ?back|roll {_THEM} back|revert|(?:take|pull|throw) (?:{_THEM} )?(?:back|out)|back out"
    rf"|(?:remove|withdraw|drop) {_THEM}|nothing (?:should|may|must)"
    r"|(?:don['\u2019]?t|do not) (?:want|load|take|keep|add) any)"
)
_LET_THEM = r"(?:don['\u2019]?t let|do not let)"
_BAD = r"(?:broken|bad|damaged|unreadable|corrupt(?:ed)?|failing|failed) (?:ones?|files?|documents?)"
_ANY = r"(?:any|one|a single|something|anything|a|even)"
_WHOLE = said(atomic=True)
_SKIP = said(on_error="skip")
_STOP = said(on_error="stop")

FAILURES: tuple[Row, ...] = (
    (r"\b(?:it['\u2019]s )?all[- ]or[- ](?:nothing|none)\b(?: (?:on|for|with) [^.;,]*)?", _WHOLE),
    (
        r"\b(?:either )?(?:all|every one) (?:of (?:these|them|it)? ?)?(?:\w+ )?(?:go(?:es)? in |are in |in )?"
        r"or (?:none|nothing)\b",
        _WHOLE,
    ),
    (
        r"\b(?:either )?(?:the )?(?:whole|entire|complete|full) (?:set|batch|lot|thing|bundle|package)\b[^.;,]{0,30}"
        r"\bor (?:none|nothing)\b[^.;,]*",
        _WHOLE,
    ),
    (
        r"\beither (?:\w+ ){0,3}?(?:all|everything|every one|each)\b[^.;]{0,30}"
        r"\bor (?:[^.;,]{0,12} )?(?:none|nothing)\b[^.;,]*",
        _WHOLE,
    ),
    (rf"\bif {_ANY}\b[^.;]{{0,30}}\b{_FAILS}[^.;]{{0,20}}\b(?:none|nothing|{_BACK})\b[^.;]*", _WHOLE),
    (rf"\b(?:none|nothing|{_BACK})\b[^.;]{{0,30}}\bif {_ANY}\b[^.;]{{0,30}}\b{_FAILS}", _WHOLE),
    (
        rf"\b{_LET_THEM} (?:one|a|any|single|some) (?:\w+ )?(?:files?|documents?|ones?|failures?)"
        r" (?:hold up|hold back|stop|block|spoil|ruin|delay|break)\b[^.;,]*",
        _SKIP,
    ),
    (
        r"\b(?:don['\u2019]?t|do not|never) (?:stop|halt|abort|give up|quit) (?:for|at|on|because of)"
        rf" (?:the |an? |any |single ){{0,3}}(?:{_BAD}|errors?|failures?|problems?)\b[^.;,]*",
        _SKIP,
    ),
    (
        rf"\b{_BAD} (?:must|should|may|can)(?:n['\u2019]?t| ?not)"
        r" (?:hold up|hold back|stop|block|spoil|ruin|delay|break)\b[^.;,]*",
        _SKIP,
    ),
    (
        rf"\b{_BAD}"
        r" (?:(?:do not|don['\u2019]?t) matter|are no problem|(?:can|may) stay out"
        r"|(?:can|may|should) be (?:left (?:behind|out)|skipped|ignored|passed over))\b",
        _SKIP,
    ),
    (rf"\b(?:if|when|should|where)\b[^.;]{{0,40}}\b(?:{_FAILS}|broken)\b[^.;]{{0,20}}\b{_ON}\b[^.;]*", _SKIP),
    (
        rf"\b{_ON}\b[^.;,]{{0,25}}\b(?:ones?|files?|those|whatever|any(?:thing)?|everything|documents?)\b"
        rf" (?:(?:that|which) )?{_FAILS}[^.;]*",
        _SKIP,
    ),
    (
        rf"\b{_ON}\b (?:with the (?:others|rest)|(?:if|when|even if|despite|after)[^.;]{{0,25}}"
        rf"\b(?:{_FAILS}|errors|failures))[^.;]*",
        _SKIP,
    ),
    (
        r"\b(?:stop|halt|quit|abort|end) (?:at|on|after|with) (?:the )?(?:first|any)"
        r" (?:problem|error|failure|file|one|bad)\w*[^.;,]*",
        _STOP,
    ),
    (rf"\b(?:stop|halt|abort)(?: [a-z]+){{0,3}} (?:if|when|as soon as)\b[^.;]{{0,30}}\b{_FAILS}", _STOP),
    (rf"\bif\b[^.;]{{0,30}}\b{_FAILS},? (?:then )?(?:please )?(?:stop|halt|abort)[^.;,]*", _STOP),
)
"""Wishes of the whole plan: `atomic`, `on_error`."""

_AMOUNT = (
    r"(?:(?:(?:us)?\$|\u20ac|\u00a3|usd|eur|gbp) ?(?P<amount>\d+(?:[.,]\d+)?)|(?P<amount2>\d+(?:[.,]\d+)?"
    rf"|{'|'.join(NUMBERS)}) ?(?P<unit>dollars?|usd|us\$|\$|bucks?|euros?|eur|\u20ac|pounds?|gbp|\u00a3|cents?))"
)
_LIMIT = (
    r"(?:don['\u2019]?t|do not|never|must not|mustn['\u2019]?t|may not|should not|shouldn['\u2019]?t|no|not|keep|stay"
    r"|limit|cap|max(?:imum)?|at most|under|below|up to|within|spend|cost|budget|for)"
)


def _cost(match: re.Match[str]) -> Found:
    amount = match["amount"] or match["amount2"]
    value = float(NUMBERS.get(amount.lower()) or amount.replace(",", "."))
    return {"budget.max_cost_usd": value / 100 if (match["unit"] or "").lower().startswith("cent") else value}


COSTS: tuple[Row, ...] = (
    (
        rf"(?:\b(?:we|i) (?:only )?have (?:only )?)?{_AMOUNT}(?: (?:left|tops|max(?:imum)?|or less|at most)\b"
        r"| (?:is|are) (?:the|my|our|all) (?:\w+ )?(?:limit|max(?:imum)?|most|ceiling|budget|cap|we have|there is)\b)"
        r"(?: (?:on|for) [^.;,]*)?(?:,? (?:so |and )?(?:please )?stay (?:within|below|under) (?:that|it))?",
        _cost,
    ),
    (
        rf"\b(?:(?:it|this|that|the|and|but|please) ){{0,6}}{_LIMIT}\b[^.;$\d]{{0,60}}?{_AMOUNT}"
        r"(?: (?:on|for) [^.;,]*| in total| overall| at most| or (?:less|under|below)"
        r"|,? (?:not|and no) [\w ]{1,20}more)?",
        _cost,
    ),
)
"""What all may cost."""
