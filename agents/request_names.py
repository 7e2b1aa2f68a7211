"""The date in a file's name."""

from __future__ import annotations

import re
from datetime import date, timedelta

from .request_dates import MONTHS, Period, month_number, month_of

_DATE = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:[-_. ]?(0[1-9]|1[0-2])(?:[-_. ]?(0[1-9]|[12]\d|3[01]))?)?(?!\d)")
_QUARTER = re.compile(r"(?<![a-z0-9])q([1-4])(?!\d)")
_HALF = re.compile(r"(?<![a-z0-9])h([12])(?!\d)")
_MONTH = re.compile(rf"(?<![a-z])(?:{'|'.join(f'{name}|{name[:3]}' for name in MONTHS)}|sept)(?![a-z])")


def name_days(name: str, period: Period) -> tuple[date, date] | None:
    """First day, and the day after the last one, of the date in a name; None where there is none.

    A month or quarter without a year is that of a period that is no longer than a quarter, else nobody knows.
    """
    low = name.lower()
    dates = _DATE.findall(low)
    month, quarter, half = _MONTH.search(low), _QUARTER.search(low), _HALF.search(low)
    year = int(dates[-1][0]) if dates else _short_of(period)
    if year is None or not (dates or month or quarter):
        return None
    try:
        if dates and dates[-1][2]:
            day = date(year, int(dates[-1][1]), int(dates[-1][2]))
            return day, day + timedelta(days=1)
        if dates and dates[-1][1]:
            return month_of(year, int(dates[-1][1]))
    except ValueError:
        return None
    if month:
        return month_of(year, month_number(month[0]))
    if quarter:
        last = int(quarter[1]) * 3
        return date(year, last - 2, 1), month_of(year, last)[1]
    if half:
        return date(year, 6 * int(half[1]) - 5, 1), month_of(year, 6 * int(half[1]))[1]
    return date(year, 1, 1), date(year + 1, 1, 1)


def _short_of(period: Period) -> int | None:
    """The year of a period of at most a quarter."""
    if period.start is None or period.end is None or period.touched:
        return None
    return period.start.year if period.end - period.start < timedelta(days=93) else None
