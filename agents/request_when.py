"""When something is to go live, and who has to look at it before: "Monday 9am", "until Maria has checked them"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from .request_dates import MONTHS, WEEKDAYS, month_number
from .request_text import RequestText

_LIVE = (
    r"(?:go(?:es|ing)?(?: it)? (?:live|online|public)|(?:be|become) (?:live|visible|public|searchable|published|online)"
    r"|publish(?:ed)?|expos(?:e|ed)|releas(?:e|ed)|(?:live|visible|public|searchable|online)|appears?|launch(?:es|ed)?"
    r"|show (?:up|it|them))"
)
_TIME = (
    r"(?:(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))?\s*(?P<half>[ap]\.?m\.?)?(?:\s*o['\u2019]?clock"
    r")?|(?P<word>noon|midnight))"
)
_WHEN = (
    rf"(?:(?:next|this|coming|on|from|at|until|by|the) ){{0,6}}(?P<day>{'|'.join(WEEKDAYS)}|today|tonight|tomorrow"
    rf"|(?:19|20)\d\d-\d\d-\d\d|\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{'|'.join(MONTHS)}))"
    rf"(?:,?\s*(?:at|from|@)?\s*{_TIME}\b)?"
)
_SCHEDULE = re.compile(
    r"(?:(?:but|and|then)[ ,]+)?(?:(?:only|may|can|should|must|not|mustn['\u2019]t|it|them|these|to"
    rf"|make|until|not before)\s+){{0,6}}\b{_LIVE}\b"
    rf"(?: (?:it|them|these|that|only|not|before|on|at|from|for|everybody|everyone)){{0,6}}[ ,]+{_WHEN}"
    rf"(?:[ ,]+not (?:earlier|before|sooner))?",
    re.IGNORECASE,
)
_PERSON = r"(?P<who>[A-Z][a-z\u00e0-\u024f]+(?: [A-Z][a-z\u00e0-\u024f]+)?)"
_LOOKS = (
    r"(?i:(?:needs?|has|wants?|must|should|will|would like|is going)(?: (?:still|first|to|yet)){0,6} "
    r"(?:review|check|approv|sign|look|read|see|confirm|proof|ok)\w*(?: (?:it"
    r"|them|these|those|at|off|over|through|out)){0,6}"
    r"(?: (?:first|before))?"
    r"(?: before (?:any(?:one|body)|people|users|customers|others|it|they|the [a-z]+) [^.;,]{1,40})?)"
)
_LOOKED = (
    r"(?i:(?:has |have |is |gives? |says? |had )?(?:checked|review(?:s|ed)"
    r"|approv(?:es|ed)|sign(?:s|ed)|seen|looked|read"
    r"|confirm(?:s|ed)|ok|okay|yes|her ok|his ok|done|agree[sd]?|(?:had|taken) a (?:\w+ )?look)(?: (?:it"
    r"|them|these|those|at|off|over|so|to it)){0,6})"
)
_HELD = (
    re.compile(rf"(?:[-\u2013,;:]\s*)?(?:\b(?i:until|till|before|as|because) )?\b{_PERSON} {_LOOKS}"),
    re.compile(rf"\b(?i:until|till|unless|before) {_PERSON} {_LOOKED}"),
    re.compile(rf"\b(?i:hold|keep|park|reserve)(?i: (?:it|them|these|those|that))?(?i: back)? (?i:for) {_PERSON}\b"),
    re.compile(rf"\b(?i:(?:wait|waiting) for) {_PERSON}(?i:['\u2019]s)?(?i: (?:to )?\w+)?"),
)
_NOBODY_TEXT = """
I It He She They We You This That These Those There Somebody Someone Nobody
"""
_NOBODY = frozenset(_NOBODY_TEXT.split())


@dataclass(frozen=True)
class Live:
    """When something may go live: in words that everybody reads alike, and as a moment."""

    words: str
    moment: datetime


def schedule(left: RequestText, now: datetime) -> Live | None:
    """When a request says that things go live, and take it out of the text; None where it says nothing of it."""
    match = _SCHEDULE.search(left.text)
    if match is None:
        return None
    day = _day(match["day"].lower(), now.date())
    if day is None:
        return None
    at = _time(match)
    left.cut(*match.span())
    words = f"{_words(match['day'].lower(), day)} {at:%H:%M}"
    return Live(words, datetime.combine(day, at))


def held_for(left: RequestText) -> str | None:
    """Who has to look at the files before they go live; what says so is taken out of the text."""
    for pattern in _HELD:
        for match in pattern.finditer(left.text):
            if match["who"] not in _NOBODY:
                left.cut(*match.span())
                return match["who"]
    return None


def _words(said: str, day: date) -> str:
    if said in WEEKDAYS:
        return f"next {said.capitalize()}"
    return said if said in ("today", "tomorrow") else "today" if said == "tonight" else day.isoformat()


def _day(said: str, today: date) -> date | None:
    if said in ("today", "tonight"):
        return today
    if said == "tomorrow":
        return today + timedelta(days=1)
    if said in WEEKDAYS:
        return today + timedelta(days=(WEEKDAYS.index(said) - today.weekday() - 1) % 7 + 1)
    try:
        if said[:4].isdigit():
            return date.fromisoformat(said)
        number, month = re.match(r"\d+", said), said.split()[-1]
        assert number is not None
        found = date(today.year, month_number(month), int(number[0]))
        return found if found >= today else found.replace(year=today.year + 1)
    except ValueError:
        return None


def _time(match: re.Match[str]) -> time:
    if match["word"]:
        return time(12 if match["word"].lower() == "noon" else 0)
    if not match["hour"]:
        return time(0)
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    half = (match["half"] or "").lower()
    if half.startswith("p") and hour < 12:
        hour += 12
    if half.startswith("a") and hour == 12:
        hour = 0
    return time(hour, minute) if hour < 24 and minute < 60 else time(0)
