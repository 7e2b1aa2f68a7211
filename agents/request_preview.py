"""What a request wants before anything is done: only to be told, to see the plan first; or that it says yes."""

from __future__ import annotations

import re

from .request_text import RequestText, ways

_TELL = (
    r"(?:tell|show|let me (?:know|see)|give|send|explain(?: to)?|list|describe"
    r"|(?:run|pass|put) (?:it|this|that|them|(?:the|your|a) plan) (?:by|past)|check with|ask|consult)"
)
_NOTHING_MORE = re.compile(r"[,;]?\s*(?:\b(?:and|but) )?\bnothing (?:else|more)\b", re.IGNORECASE)
_DONT = r"(?:don['\u2019]?t|do not)"
_IT = r"(?:it|them|that|this)"
_YET = r"(?: (?:yet|now|for real))"
_DRY = ways(
    r"(?:dry|trial|test)[- ]?run|pretend(?: to| that| you)?|hands off\b(?: for now)?",
    r"(?:just |only )?(?:walk|talk|take) (?:me|us) through",
    r"how (?:long|much|many|big|expensive)\b[^.?!]{0,60}\b(?:would|will|does|do|is|are|take|cost|chunks?)\b[^.?!]*",
    r"(?:(?:just |only )?(?:tell|show) (?:me|us) )?what (?:would|will) (?:happen|change|(?:it|this) (?:cost|take|do))\b"
    r"[^.?!]*",
    r"(?:just|only) (?:asking|curious|wondering)",
    rf"(?:just |only )?{_TELL} (?:me |us )?(?:exactly )?what (?:you|{_IT})"
    r"(?:['\u2019](?:d|ll|re)| would| will| are| is)?"
    r" (?:going to |about to |planning to |plan to |intend to )?(?:do|change|happen)\b[^.?!;,]*",
    rf"{_DONT} (?:do|run|change|apply) (?:{_IT}|anything)?{_YET}?",
    rf"{_DONT} start(?: (?:{_IT}|anything))?{_YET}?(?! \w)",
    rf"{_DONT} (?:touch|load|ingest|import) (?:anything|(?:{_IT} )?(?:yet|now|for real))",
    rf"(?:^|(?<=[.!?] ))(?:please )?{_DONT} (?:touch|load|ingest|import) {_IT}",
    r"(?:no|without(?: making)?(?: any)?) changes\b(?! (?:to|since|in|from|were|was)\b)",
    r"(?:change|touch) nothing\b(?! (?:else|but|except)\b)",
    r"nothing (?:should|must|may|is to) (?:be )?(?:chang|happen|touch|writt)\w*",
    r"(?:just )?(?:give (?:me|us)|i (?:only |just )?(?:want|need)) an? (?:estimate|preview)",
    r"(?:just |only )?(?:simulate|estimate|preview)\b"
    r"(?: (?:the|its|their) (?:costs?|time|price|effort|size|results?))?",
    r"without (?:actually )?(?:doing|changing|running|applying|loading|touching)\b(?: (?:it|anything|them))?",
)
_FIRST = re.compile(
    r"\bi(?:['\u2019]?ll| will) (?:then )?(?:confirm|approve|decide|say (?:go|yes|ok)|sign (?:it )?off"
    r"|give (?:you )?(?:the|my) (?:go|ok(?:ay)?|green light))\b[^.?!;]*"
    rf"|\b{_TELL}(?: (?:me|us))?\b[^.?!;]{{0,80}}\b(?:before|first|beforehand|up front|in advance)\b[^.?!;]*"
    rf"|\b(?:before|first)\b[^.?!;]{{0,40}}\b{_TELL}(?: (?:me|us))?\b[^.?!;]*"
    r"|\b(?:wait|hold off|hold)\b[^.?!;]{0,30}\b(?:my|our) (?:ok|okay|approval"
    r"|go|go-ahead|yes|confirmation|answer|sign-?off)\b[^.?!;]*"
    r"|\b(?:i|we) (?:want|need|would like|['\u2019]d like) to (?:approve|see"
    r"|know|hear|check|review|sign off)[^.?!;]{0,60}\b(?:plan|first|before|beforehand)\b[^.?!;]*"
    r"|\b(?:show|give|send|make) (?:me )?(?:the|a) plan (?:first|before)[^.?!;]*",
    re.IGNORECASE,
)
_YES = re.compile(
    r"(?:^|[.!?;,]\s*)\s*(?:yes|yep|sure|ok(?:ay)?|confirmed|approved|i confirm"
    r"|i approve|agreed)\b[ ,!.]*(?:(?:please )?"
    r"(?:go ahead|do it|proceed|delete (?:it|them|all)|carry on|that['\u2019]s (?:fine"
    r"|right)|i (?:mean it|am sure|confirm)))?"
    r"|\b(?:go ahead|please proceed|do it now|i(?:['\u2019]m| am) sure|i confirm(?: it)?|yes,? delete)\b",
    re.IGNORECASE,
)


def only_asks(left: RequestText) -> bool:
    """Whether a request wants to know what would happen, and nothing done."""
    asks = left.blank(_DRY)
    if asks:
        left.blank(_NOTHING_MORE)
    return asks


def plan_first(left: RequestText) -> bool:
    """Whether a person wants to see the plan before anything is done."""
    return left.blank(_FIRST)


def says_yes(left: RequestText) -> bool:
    """Whether a request carries the yes to a question that would be asked."""
    return left.blank(_YES)
