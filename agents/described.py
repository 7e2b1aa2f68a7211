"""Which earlier journey a request to go back means, by what it changed, whose it was, its kind, or its id."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from ..store.plan import Question
from ..store.words import short_id
from .request_back import periods_in
from .request_near import near
from .request_past import Earlier
from .request_words import tokens


@dataclass(frozen=True)
class Touched:
    """What a journey did to each source ("add", "remove", "hide"), and whose it was."""

    acts: Mapping[str, str] = field(default_factory=dict)
    user: str = ""


@dataclass(frozen=True)
class Described:
    """The journeys that are left, newest first, and the request without what was read; or a question, or an answer."""

    journeys: Sequence[Earlier]
    text: str
    question: Question | None = None
    report: str | None = None


_ID = re.compile(r"\bjourney_[0-9a-f]{4,}\b")
_FILE = re.compile(r"(?<![\w./-])[\w()-][\w./()-]*\.[A-Za-z][A-Za-z0-9]{1,7}\b")
_KINDS = {
    "remove": re.compile(r"\b(?:the )?(?:removals?|removing|deletions?|deleting)\b(?: of)?", re.IGNORECASE),
    "hide": re.compile(r"\b(?:the )?hiding\b(?: of)?", re.IGNORECASE),
    "add": re.compile(
        r"\b(?:the )?(?:imports?|importing|ingest(?:ion|ing)?|uploads?|uploading|adding|additions?)\b(?: of)?", re.I
    ),
}
_WHO = re.compile(
    r"\b(?:what|everything|all)\s+(?:that )?(?P<who>[\w.@-]+)\s+(?:did|changed|added|removed|imported|put)\b", re.I
)
_NOBODY_TEXT = "you i we they he she it that this somebody someone everybody was were had have has just"
_NOBODY = frozenset(_NOBODY_TEXT.split())
_NOUN = re.compile(
    r"\b(?:undo|revert|roll ?back|take back)\s+(?:the|my|that|our)\s+(?P<noun>[\w-]+)\s+"
    r"(?:import|upload|ingest(?:ion)?|load|journey|run)\b",
    re.IGNORECASE,
)
_PLAIN_TEXT = """
last latest previous recent newest first second third fourth whole entire other wrong bad broken same old new current
most morning evening night afternoon noon today yesterday monday tuesday wednesday thursday friday saturday sunday
january february march april may june july august september october november december earlier later file files document
big batch second-to-last partial failed two three four five
"""
_PLAIN = frozenset(_PLAIN_TEXT.split())
_NEWEST = re.compile(r"\b(?:last|latest|newest|most recent)\b", re.IGNORECASE)


def described(
    text: str, journeys: Sequence[Earlier], touched: Callable[[str], Touched], today: date, kbs: Sequence[str] = ()
) -> Described:
    """Read what a request says of the journey to undo; one that says nothing of the kind leaves all of them.

    What it names and nobody did is asked about: another journey in its place is never undone.
    """
    candidates = [one for one in journeys if not one.rollback and one.places]
    if match := _ID.search(text):
        found = [one for one in candidates if one.journey_id.startswith(match[0])]
        return _settled(text.replace(match[0], " "), found, f"there is no journey {match[0]}", today)
    names = _FILE.findall(text)
    rest, unknown = text, ""
    for name in names:
        candidates = [one for one in candidates if _acts(touched(one.journey_id), name)]
        unknown = unknown or f"no journey changed {', '.join(names)}"
        rest = rest.replace(name, " ")
    kind = next((kind for kind, pattern in _KINDS.items() if pattern.search(text)), None)
    if kind is not None and (names or kind != "add"):
        candidates = [one for one in candidates if kind in _of(touched(one.journey_id), names)]
        unknown = unknown or f"no journey did that ({kind})"
        rest = _KINDS[kind].sub(" ", rest)
    if (who := _WHO.search(text)) and who["who"].lower() not in _NOBODY:
        candidates = [one for one in candidates if touched(one.journey_id).user.lower() == who["who"].lower()]
        unknown = unknown or f"no journey is of {who['who']}"
        rest = rest.replace(who[0], " ")
    if unknown:
        return _settled(rest, candidates, unknown, today)
    return _by_noun(text, journeys, candidates, touched, today, kbs)


def _by_noun(
    text: str, journeys: Sequence[Earlier], candidates: Sequence[Earlier], touched: Callable[[str], Touched],
    today: date, kbs: Sequence[str],
) -> Described:  # fmt: skip
    """ "The handbook import": by a word of a request, which others read, or by one of the names that were changed."""
    noun = _NOUN.search(text)
    words = set(tokens(noun["noun"])) if noun else set[str]()
    if noun is None or noun["noun"].lower() in _PLAIN or noun["noun"][0].isdigit():
        return Described(journeys, text)
    if any(words & set(tokens(kb)) for kb in kbs) or any(words & set(tokens(one.request or "")) for one in candidates):
        return Described(journeys, text)
    found = [one for one in candidates if any(words & set(tokens(name)) for name in touched(one.journey_id).acts)]
    rest = text.replace(noun["noun"], " ", 1)
    return _settled(rest, found, f"no journey is known by {noun['noun']!r}", today)


def _settled(text: str, found: Sequence[Earlier], unknown: str, today: date) -> Described:
    left = [one for one in found if not one.undone]
    if not found:
        return Described((), text, Question(about="journey", text=f"{unknown}; which one is meant?"))
    if not left:
        return Described((), text, report=f"{found[0].journey_id} was rolled back already; nothing is left to do")
    if len(left) > 1 and not near(text, today) and not periods_in(text, today):
        if not _NEWEST.search(text):
            listed = ", ".join(f"{short_id(one.journey_id)} ({one.started[:16]})" for one in left[:6])
            return Described((), text, Question(about="journey", text=f"which journey is meant? Say its id: {listed}"))
        left = left[:1]
    return Described(left, text)


def _acts(touched: Touched, name: str) -> set[str]:
    """What a journey did to sources of that name, in whatever folder."""
    wanted = name.lower()
    return {act for source, act in touched.acts.items() if f"/{source.lower()}".endswith(f"/{wanted}")}


def _of(touched: Touched, names: Sequence[str]) -> set[str]:
    return set(touched.acts.values()) if not names else {act for name in names for act in _acts(touched, name)}
