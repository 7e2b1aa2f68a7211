"""Law: days are read the way people write them; where a date may be two different days, nothing is read of it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.agents.request_dates import WEEKDAYS, last_weekday, periods
from milepost.agents.request_doubt import doubts

TODAY = date(2026, 11, 27)  # a Friday


def said(text: str) -> list[tuple[str, str]]:
    """Each period's first day and the day after its last, as text."""
    return [(str(found.period.start), str(found.period.end)) for found in periods(text, TODAY)]


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("between 3 and 14 November", "2026-11-03", "2026-11-15"),
        ("from the 3rd to the 14th of November", "2026-11-03", "2026-11-15"),
        ("3-14 November", "2026-11-03", "2026-11-15"),
        ("November 3 to 14", "2026-11-03", "2026-11-15"),
        ("between May 3 and 9", "2026-05-03", "2026-05-10"),
        ("2026-11-03 to 2026-11-14", "2026-11-03", "2026-11-15"),
        ("the 2021-2023 reports", "2021-01-01", "2024-01-01"),
        ("since October 15", "2026-10-15", "None"),
        ("before March 10", "None", "2026-03-10"),
        ("since 15.10.2026", "2026-10-15", "None"),
        ("after 10/15/2026", "2026-10-16", "None"),
        ("on 15/10/2026", "2026-10-15", "2026-10-16"),
        ("the first half of 2024", "2024-01-01", "2024-07-01"),
        ("H2 2025", "2025-07-01", "2026-01-01"),
        ("the past fortnight", "2026-11-13", "2026-11-28"),
        ("the May files", "2026-05-01", "2026-06-01"),
        ("changed since Monday", "2026-11-23", "None"),
        ("edited last Tuesday", "2026-11-24", "2026-11-25"),
    ],
)
def test_a_day_and_a_range_of_days(text: str, first: str, after: str) -> None:
    assert said(text) == [(first, after)]


@pytest.mark.parametrize("text", ["since 03/04/2026", "modified after 12/11/26", "before the 15/10"])
def test_a_date_that_may_be_another_day_is_asked_about(text: str) -> None:
    assert said(text) == []
    assert doubts(text)


@pytest.mark.parametrize("text", ["the auditors come on Thursday", "Monday's notes", "31-32 May", "May 10 pm"])
def test_what_is_no_choice_of_files_is_no_period(text: str) -> None:
    assert said(text) == []


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.sampled_from(WEEKDAYS))
def test_a_weekday_is_the_last_one_before_today(today: date, name: str) -> None:
    day = last_weekday(name, today)
    assert day.strftime("%A").lower() == name
    assert timedelta(1) <= today - day <= timedelta(7)
