"""Law: "undo what you did this morning" means the journeys of this morning, all of them, and never another instead."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from milepost.agents.request_back import Back, back
from milepost.agents.request_past import Earlier, Place

TODAY = date(2026, 11, 27)


def done(at: str, kb: str = "hr") -> Earlier:
    """A journey of that local time."""
    moment = datetime.fromisoformat(at).astimezone()
    return Earlier(f"journey_{at}", kb, None, moment.isoformat(), places=(Place(f"{kb}@{at}", "before_upload"),))


DONE = [done(at) for at in ("2026-11-27T14:30", "2026-11-27T09:00", "2026-11-27T08:10", "2026-11-26T10:00")]


def asked(words: str, journeys: list[Earlier] = DONE, kb: str | None = "hr") -> Back:
    return back(words, journeys, kb=kb, today=TODAY)


@pytest.mark.parametrize(
    ("words", "times"),
    [
        ("undo what you did this morning to HR", ["27T09:00", "27T08:10"]),
        ("undo what you did this afternoon", ["27T14:30"]),
        ("please undo everything that you did today", ["27T14:30", "27T09:00", "27T08:10"]),
        ("roll back what came in yesterday", ["26T10:00"]),
        ("undo yesterday morning's import", ["26T10:00"]),
        ("undo the last two imports", ["27T14:30", "27T09:00"]),
        ("undo that", ["27T14:30"]),
    ],
)
def test_the_journeys_of_that_time_newest_first(words: str, times: list[str]) -> None:
    """Not the last one only, and none of another time."""
    assert [place.checkpoint_id for place in asked(words).places] == [f"hr@2026-11-{time}" for time in times]


@pytest.mark.parametrize("words", ["undo what you did this evening", "undo what you did yesterday afternoon"])
def test_where_nothing_was_done_then_it_is_asked(words: str) -> None:
    """Another journey is not taken in its place."""
    found = asked(words)
    assert not found.places
    assert "nothing was done then in kb hr" in found.questions[0].text
    assert "2026-11-27 14:30" in found.questions[0].text


def test_one_kb_is_gone_back_in_or_it_is_asked_which() -> None:
    """What was done this morning to several kbs is no one plan; what was done to one of them is."""
    both = [done("2026-11-27T09:30", "legal"), *DONE]
    assert "hr, legal" in asked("undo what you did this morning", both, kb=None).questions[0].text
    found = asked("undo what you did this afternoon", both, kb=None)
    assert (found.kb, len(found.places)) == ("hr", 1)


def test_a_day_is_a_local_day() -> None:
    """A journey a second before midnight is of that day, one a second after of the next."""
    midnight = datetime(2026, 11, 27)
    edge = [done((midnight + timedelta(seconds=n)).isoformat()) for n in (1, -1)]
    assert len(asked("undo what you did today", edge).places) == 1
    assert len(asked("undo what you did yesterday", edge).places) == 1
