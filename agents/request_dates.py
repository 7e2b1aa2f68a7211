"""Dates in a request and in a file's name, as periods of days."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_MONTH = "(?:" + "|".join(f"{name}|{name[:3]}" for name in MONTHS) + r"|sept)\.?"
_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
    "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "couple of": 2, "few": 3,
}  # fmt: skip
_UNIT_DAYS = {"hour": 1 / 24, "day": 1, "week": 7, "fortnight": 14, "month": 30, "quarter": 91, "year": 365}
_EDGE, _END = r"(?<![\w.-])", r"(?![\w-]|\.\d)"
_YEAR = r"(?:19|20)\d\d"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NTH = r"(?:st|nd|rd|th)?"
_NO_COUNT = r"(?![\d:%]|[.,]\d| ?(?:[kmg]b|[ap]m|megs?|pages?|times|days?|weeks?|months?)\b)"
"""Behind "May 10": that it is a day, and not how many there are of something."""
_ATOM = re.compile(
    rf"{_EDGE}(?:(?P<iso>{_YEAR}-\d\d-\d\d)|(?P<iso_month>{_YEAR}-(?:0[1-9]|1[0-2]))"
    rf"|(?P<numeric>\d{{1,2}}(?P<sign>[./])\d{{1,2}}(?P=sign){_YEAR})|(?P<slashed>(?:0?[1-9]|1[0-2])/{_YEAR})"
    rf"|(?:(?P<half>first|second|1st|2nd) half(?: of)?|h(?P<nth>[12]))[ /-]?(?:the year|(?P<half_year>{_YEAR}))"
    rf"|q(?P<quarter>[1-4])[ /-]?(?P<quarter_year>{_YEAR})?"
    rf"|(?:(?:(?P<first>\d{{1,2}}){_NTH} ?[-\u2013] ?)?(?P<day>\d{{1,2}}){_NTH}(?: of)? )?(?P<month>{_MONTH})"
    rf"(?: (?:the )?(?P<day_after>\d{{1,2}}){_NTH}(?: ?[-\u2013] ?(?P<last>\d{{1,2}}){_NTH})?{_NO_COUNT})?"
    rf"(?:,? (?:of )?(?P<month_year>{_YEAR}))?"
    rf"|(?P<year>{_YEAR})(?: ?[-\u2013/] ?(?P<last_year>{_YEAR}))?"
    rf"|(?:last )?(?P<weekday>{'|'.join(WEEKDAYS)})"
    rf"|(?P<near>today|yesterday|(?:this|last|the current|the previous) (?:week|month|quarter|year))"
    rf"|(?:the )?(?:(?:last|past|previous) (?P<count>\d+|{'|'.join(_NUMBERS)}) |past |last (?=fortnight))"
    rf"(?P<unit>{'|'.join(_UNIT_DAYS)})s?"
    rf"){_END}",
    re.IGNORECASE,
)
_AGE = re.compile(
    r"\b(?:(?P<which>older|newer|younger|more recent)(?: than)?|(?P<than>more than|over|less than|under|at most|up to))"
    rf" (?P<count>\d+|{'|'.join(_NUMBERS)})"
    rf" (?P<unit>{'|'.join(_UNIT_DAYS)})s?\b(?(than) old\b)",
    re.IGNORECASE,
)
_BEFORE_ATOM = re.compile(
    r"(?:\b(?P<touched>modified|changed|edited|updated|touched|saved)\s+)?(?:\b(?P<cue>"
    r"not before|starting (?:in|from|with)|since|from|after|newer than|later than|more recent than|not older than"
    r"|not after|before|older than|earlier than|prior to|until|till|up to|through|between|in|of|during|dated|on|for)"
    r"\s+)?(?:the |early |late |end of |year |month of )*$",
    re.IGNORECASE,
)
_AFTER_ATOM = re.compile(
    r"\s*(?:(?P<on>(?:and |or )?(?:onwards?|on\b(?! \w)|later|newer|after(?:wards)?)|to (?:now|date|today)|until now)"
    r"|(?P<back>(?:and|or) (?:earlier|older|before)))",
    re.IGNORECASE,
)
_JOIN = re.compile(r"\s*(?:to|until|till|through|and|-|\u2013)\s*", re.IGNORECASE)
_FIRST = re.compile(
    rf"(?:\b(?P<touched>modified|changed|edited|updated|touched|saved)\s+)?(?:\b(?P<cue>between|from)\s+)?"
    rf"(?:the )?(?<![\w.-])(?P<first>\d{{1,2}}){_NTH}\s+(?P<join>to|until|till|through|and)\s+(?:the )?$",
    re.IGNORECASE,
)
"""The first day of a range whose month is said once: "between 3 and" before "14 November"."""
_LAST = re.compile(
    rf"\s+(?P<join>to|until|till|through|and)\s+(?:the )?(?P<last>\d{{1,2}}){_NTH}{_NO_COUNT}", re.IGNORECASE
)
"""The last day of one whose month came first: "to 14" behind "November 3"."""
_LATE = {"after", "newer than", "later than", "more recent than"}
_FROM = {"since", "not before", "starting in", "starting from", "starting with", "not older than"}
_EARLY = {"before", "older than", "earlier than", "prior to"}
_UNTIL = {"until", "till", "up to", "through", "not after"}
_UNSURE = {"may", "march", "mar", "jan", "dec", "sun", "sat"}
"""Month names that are words or people, too: without a year they need a word such as "in" before them."""


@dataclass(frozen=True)
class Period:
    """Days from `start` up to but not including `end`; None is open."""

    start: date | None
    end: date | None
    touched: bool = False
    """By the time of the last change only, whatever the name says."""

    def holds(self, start: date, end: date) -> bool | None:
        """Whether another period lies in this one; None where it does in part."""
        if (self.start is None or self.start <= start) and (self.end is None or end <= self.end):
            return True
        apart = (self.start is not None and end <= self.start) or (self.end is not None and self.end <= start)
        return False if apart else None


@dataclass(frozen=True)
class Found:
    """A period and where in the text it is said."""

    begin: int
    stop: int
    period: Period


def periods(text: str, today: date) -> Iterator[Found]:
    """Every period that a text speaks of, in order, none inside another."""
    at = 0
    matches = heapq.merge(_AGE.finditer(text), _ATOM.finditer(text), key=lambda match: match.start())
    for match in matches:
        if match.start() < at:
            continue
        if match.re is _AGE:
            found: Found | None = Found(match.start(), match.end(), _aged(match, today))
        else:
            found = _said(text, at, match, today)
        if found is not None:
            at = found.stop
            yield found


def _aged(match: re.Match[str], today: date) -> Period:
    edge = today - _span(match)
    older = (match["which"] or match["than"]).lower() in ("older", "more than", "over")
    return Period(None, edge, True) if older else Period(edge, None, True)


def _span(match: re.Match[str]) -> timedelta:
    count = (match["count"] or "one").lower()
    return timedelta(days=(_NUMBERS.get(count) or int(count)) * _UNIT_DAYS[match["unit"].lower()])


def _said(text: str, at: int, match: re.Match[str], today: date) -> Found | None:
    """A date with the words around it that say which days are meant."""
    before = _BEFORE_ATOM.search(text, max(at, match.start() - 60), match.start())
    cue = (before["cue"] or "").lower() if before else ""
    if match["weekday"] and not (cue == "since" or (before and before["touched"])):
        return None  # a meeting on Thursday, or a Friday's notes
    told = before is not None and before[0].lower().endswith("the ")  # "the May files"
    if (_doubtful(match, cue) and not told) or _in_passing(match, bool(before and (cue or before["touched"])), text):
        return None
    days = _days(match, today)
    if days is None:
        return None
    if (range_ := _one_month(text, at, match, days)) is not None:
        return range_
    begin, stop = before.start() if before else match.start(), match.end()
    touched = bool(before and before["touched"]) or match["near"] is not None or match["unit"] is not None
    start, end = _ranged(cue, *days)
    if (join := _JOIN.match(text, stop)) and (second := _ATOM.match(text, join.end())):
        last = _days(second, today)
        ranged = cue in ("between", "from") or ("and" not in join[0] and cue not in _EARLY | _LATE | _UNTIL)
        if last and ranged and last[1] > days[0]:
            return Found(begin, second.end(), Period(days[0], last[1], touched))
    if after := _AFTER_ATOM.match(text, stop):
        stop = after.end()
        start, end = (days[0], None) if after["on"] else (None, days[1])
    return Found(begin, stop, Period(start, end, touched))


def _one_month(text: str, at: int, match: re.Match[str], days: tuple[date, date]) -> Found | None:
    """A range of days in a month that is said once; None where the date stands for itself."""
    first = _FIRST.search(text, max(at, match.start() - 60), match.start()) if match["day"] else None
    last = _LAST.match(text, match.end()) if match["day_after"] and not match["month_year"] else None
    try:
        if first is not None and (first["cue"] or first["join"] != "and"):
            period = Period(days[0].replace(day=int(first["first"])), days[1], bool(first["touched"]))
            return Found(first.start(), match.end(), period)
        before = _BEFORE_ATOM.search(text, max(at, match.start() - 60), match.start())
        between = before is not None and (before["cue"] or "").lower() == "between"
        if last is not None and (between or last["join"] != "and"):
            end = days[0].replace(day=int(last["last"])) + timedelta(days=1)
            touched = bool(before and before["touched"])
            return Found(before.start() if before else match.start(), last.end(), Period(days[0], end, touched))
    except ValueError:  # the 31st of February
        return None
    return None


def _doubtful(match: re.Match[str], cue: str) -> bool:
    month, dated = match["month"], match["month_year"] or match["day"] or match["day_after"]
    if month is None or dated:
        return False
    return (month.lower().rstrip(".") in _UNSURE or month.islower()) and (not cue or cue in ("for", "on"))


def _in_passing(match: re.Match[str], cued: bool, text: str) -> bool:
    """Whether "yesterday" is told of something else: "they came by mail yesterday" chooses no files."""
    near = (match["near"] or "").lower()
    return near in ("today", "yesterday") and not cued and not text[match.end() :].startswith(("'s", "\u2019s"))


def _ranged(cue: str, start: date, end: date) -> tuple[date | None, date | None]:
    if cue in _LATE:
        return end, None
    if cue in _FROM:
        return start, None
    if cue in _EARLY:
        return None, start
    return (None, end) if cue in _UNTIL else (start, end)


def _days(match: re.Match[str], today: date) -> tuple[date, date] | None:
    """First day, and the day after the last one, of what an expression names."""
    try:
        if match["iso"]:
            day = date.fromisoformat(match["iso"])
            return day, day + timedelta(days=1)
        if match["iso_month"] or match["slashed"]:
            said = match["iso_month"] or match["slashed"]
            year, month = sorted(map(int, re.split("[-/]", said)), reverse=True)
            return month_of(year, month)
        if match["numeric"]:
            return _numeric(match["numeric"], match["sign"])
        if match["weekday"]:
            day = last_weekday(match["weekday"], today)
            return day, day + timedelta(days=1)
        if match["half"] or match["nth"]:
            year, month = int(match["half_year"] or today.year), 1 if (match["half"] or match["nth"])[0] in "fF1" else 7
            return date(year, month, 1), month_of(year, month + 5)[1]
        if match["quarter"]:
            year = int(match["quarter_year"] or today.year)
            first = int(match["quarter"]) * 3 - 2
            return date(year, first, 1), month_of(year, first + 2)[1]
        if match["month"]:
            return _in_month(match, today)
        if match["year"]:
            years = sorted((int(match["year"]), int(match["last_year"] or match["year"])))
            return date(years[0], 1, 1), date(years[1] + 1, 1, 1)
        if match["near"]:
            return _near(match["near"].lower(), today)
        return today - _span(match), today + timedelta(days=1)
    except ValueError:  # the 31st of February
        return None


def _numeric(said: str, sign: str) -> tuple[date, date] | None:
    """A day in digits; None where it may be another one: with slashes people put day or month first."""
    first, second, year = map(int, said.split(sign))
    if sign == "/" and first <= 12 and second <= 12 and first != second:
        return None
    day, month = (second, first) if sign == "/" and second > 12 else (first, second)
    found = date(year, month, day)
    return found, found + timedelta(days=1)


def last_weekday(name: str, today: date) -> date:
    """The last day of that name before today."""
    return today - timedelta(days=(today.weekday() - WEEKDAYS.index(name.lower()) - 1) % 7 + 1)


def _in_month(match: re.Match[str], today: date) -> tuple[date, date]:
    month = month_number(match["month"])
    year = int(match["month_year"] or (today.year if month <= today.month else today.year - 1))
    day = match["day"] or match["day_after"]
    if day is None:
        return month_of(year, month)
    first, last = int(match["first"] or day), int(match["last"] or day)
    return date(year, month, first), date(year, month, last) + timedelta(days=1)


def month_number(name: str) -> int:
    """The number of a month by its name or its first three letters."""
    return next(n for n, full in enumerate(MONTHS, 1) if full.startswith(name.lower()[:3]))


def month_of(year: int, month: int) -> tuple[date, date]:
    """The first day of a month and of the next one."""
    return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)


def _near(said: str, today: date) -> tuple[date, date]:
    day = timedelta(days=1)
    if said in ("today", "yesterday"):
        start = today if said == "today" else today - day
        return start, start + day
    unit = said.rpartition(" ")[2]
    back = "last" in said or "previous" in said
    if unit == "week":
        start = today - day * (today.weekday() + 7 * back)
        return start, start + day * 7
    if unit == "year":
        return date(today.year - back, 1, 1), date(today.year - back + 1, 1, 1)
    months = 3 if unit == "quarter" else 1
    first = today.year * 12 + (today.month - 1) // months * months - back * months
    return date(first // 12, first % 12 + 1, 1), month_of((first + months - 1) // 12, (first + months - 1) % 12 + 1)[1]
