"""Times of the last days in a request to go back: "this morning", "yesterday afternoon", "today", in local time."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from .request_dates import WEEKDAYS, last_weekday

_HOURS = {"morning": (0, 12), "afternoon": (12, 18), "evening": (17, 24), "night": (17, 24)}
_NEAR = re.compile(
    rf"(?<!since )(?<!after )(?<!before )\b(?:(?:last )?(?P<weekday>{'|'.join(WEEKDAYS)})(?:['\u2019]s)?"
    r"(?: (?P<of>morning|afternoon|evening|night))?"
    r"|(?P<back>yesterday|last)(?:['\u2019]s)? (?P<its>morning|afternoon|evening|night)"
    r"|(?:earlier )?this (?P<part>morning|afternoon|evening)"
    r"|(?P<day>today|yesterday|tonight))\b",
    re.IGNORECASE,
)


def near(text: str, today: date) -> list[tuple[datetime, datetime]]:
    """Spans of local time that a text speaks of, each from its first moment to the one after its last."""
    return [_span(match, today) for match in _NEAR.finditer(text)]


def within(started: str, spans: list[tuple[datetime, datetime]]) -> bool:
    """Whether a journey's timestamp lies in one of the spans."""
    at = datetime.fromisoformat(started).astimezone().replace(tzinfo=None)
    return any(first <= at < after for first, after in spans)


def _span(match: re.Match[str], today: date) -> tuple[datetime, datetime]:
    said = (match["day"] or "").lower()
    part = (match["its"] or match["part"] or match["of"] or ("evening" if said == "tonight" else "")).lower()
    back = match["back"] or said == "yesterday"
    day = last_weekday(match["weekday"], today) if match["weekday"] else today - timedelta(days=1 if back else 0)
    midnight = datetime.combine(day, datetime.min.time())
    first, after = _HOURS.get(part, (0, 24))
    return midnight + timedelta(hours=first), midnight + timedelta(hours=after)
