"""Going back, as a request speaks of it: which earlier journeys, and to which of their checkpoints."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ..store.plan import Question
from .request_dates import periods
from .request_doubt import unsure_act
from .request_near import near, within
from .request_past import Earlier, Place
from .request_words import IDLE, tokens

_NUMBERS = {"two": 2, "three": 3, "four": 4, "five": 5}
_LAST = re.compile(
    rf"\b(?:last|back(?: by)?|undo|revert) (?P<count>\d{{1,2}}|{'|'.join(_NUMBERS)})\b|\b(?P<both>both)\b"
    r"|\b(?P<more>(?:the )?(?:one|journey|import|run) before(?: that| it)?)\b",
    re.IGNORECASE,
)
_AGAIN = re.compile(r"\b(?:again|once more|another time|a second time)\b", re.IGNORECASE)
_REDO = re.compile(
    r"\bredo\b|\bbring (?:it|that|this|everything|all of it|them)(?: all)? back\b(?! to\b)"
    r"|\b(?:undo|revert|take back|roll ?back) (?:the |your |that |my )?(?:last )?(?:undo|rollback|roll-back|revert)\b",
    re.IGNORECASE,
)
_STEP_WORDS = {
    "upload": "upload uploading uploaded",
    "parse": "parse parsing parsed reading read",
    "embed": "embed embedding embedded embeddings chunking chunked",
    "expose": "expose exposing exposed publish publishing published",
}
_STEPS = {word: step for step, words in _STEP_WORDS.items() for word in words.split()}
_ORDER = ("upload", "parse", "embed", "expose")
_MOMENT = re.compile(
    r"\b(?P<which>before|after|prior to|right after|just before|until)\s+(?:(?:you|the|it|they|we|anything|chunks|files"
    rf"|texts?|documents|was|were|had|got|been) ){{0,6}}(?P<step>{'|'.join(_STEPS)})\b"
    r"|\b(?P<done>where|when|once|at the point (?:where|when)|to (?:the )?(?:end of )?(?:the )?)\s*(?:the )?"
    rf"(?P<ended>{'|'.join(_STEPS)})(?: (?:was|were|had|is|are|has|step))?(?: been)? ?(?:done|finished|complete\w*"
    rf"|ended|over)"
    rf"|\bthe (?P<state>{'|'.join(_STEPS)}) (?:state|texts?|version)\b"
    r"|\b(?P<name>(?:before[_-]\w+)|(?:\w+[_-]complete))\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Back:
    """Checkpoints to go back to, newest journey first; else a question, or an answer where there is nothing to do."""

    kb: str | None = None
    places: tuple[Place, ...] = ()
    questions: tuple[Question, ...] = ()
    report: str | None = None


def back(text: str, journeys: Sequence[Earlier], *, kb: str | None, today: date) -> Back:
    """What a request to go back means. `kb` is the one that is named or given; journeys come newest first."""
    named = next((one for one in journeys for place in one.places if place.checkpoint_id in text), None)
    if named is not None:
        return Back(named.kb, tuple(place for place in named.places if place.checkpoint_id in text)[:1])
    text, stays = spared(text)
    if kb is not None and _names_another(stays, journeys, kb):
        stays = ""
    own = [one for one in journeys if kb is None or one.kb == kb]
    if doubt := _doubtful(text, stays, today):
        return Back(kb, questions=(doubt,))
    spoken_of = {str(one.kb) for one in _chosen(text, own, today) or own}
    if kb is None and len(spoken_of) > 1:
        kbs = ", ".join(sorted(spoken_of))
        return Back(questions=(Question(about="kb", text=f"in which knowledge base? There are journeys in: {kbs}"),))
    done = [one for one in own if not one.rollback and not one.undone and one.before()]
    latest = own[0] if own else None
    if _REDO.search(text) and not _MOMENT.search(text):
        place = latest.before() if latest is not None and latest.rollback else None
        if latest is not None and place is not None:
            return Back(latest.kb, (place,))
        return Back(kb, report="the last change was no rollback; there is nothing to do over")
    if latest is not None and latest.rollback and not _chosen(text, done, today):
        return Back(
            latest.kb,
            report=f"{latest.request or latest.journey_id}: it was rolled back already; nothing is left to do",
        )
    chosen = _chosen(text, done, today)
    where = f" in kb {kb}" if kb else ""
    if chosen is not None and not chosen and done:
        asked = f"nothing was done then{where}; the last change is of {_local(done[0].started)}. Which one is meant?"
        return Back(kb, questions=(Question(about="journey", text=asked),))
    meant = done[: _count(text)] if chosen is None else chosen
    if not meant:
        return Back(kb, report=f"there is no journey{where} that could be undone")
    return _to(text, meant)


_STEP = re.compile(r"\b(?:pars(?:e|ed|ing)|embed(?:ding|dings)?|chunking|exposing|publishing)\b", re.IGNORECASE)
"""Steps that are no names of whole journeys, as "the upload" is."""
_SPARED = re.compile(
    r"\b(?:but not|but keep|and keep|leave|keep|spare|except(?: for)?|without|not|never|don['\u2019]?t|do not"
    r"|doesn['\u2019]?t"
    r"|mustn['\u2019]?t|shouldn['\u2019]?t)\b.*$",
    re.IGNORECASE | re.DOTALL,
)


def _doubtful(text: str, stays: str, today: date) -> Question | None:
    """What has to be asked before anything is undone: what is to stay, a condition, a checkpoint that is not named."""
    if stays and not _STEP.search(stays) and not periods_in(stays, today):
        said = f"what does {stays.strip()[:60]!r} keep? Name the journey or the checkpoint that is meant"
        return Question(about="rollback", text=said)
    if unsure := unsure_act(_LAST.sub(" ", text), going_back=True):
        return unsure[0]
    if _STEP.search(text) and not _MOMENT.search(text):
        return Question(about="checkpoint", text="to which checkpoint? Say it as 'before the embed' or 'after parsing'")
    return None


def periods_in(text: str, today: date) -> bool:
    """Whether a text speaks of a day or a time."""
    return next(iter(periods(text, today)), None) is not None


def _names_another(stays: str, journeys: Sequence[Earlier], kb: str) -> bool:
    """Whether what is to stay is another kb, which nothing here touches."""
    others = {one.kb.lower() for one in journeys if one.kb and one.kb != kb}
    return not others.isdisjoint(re.findall(r"[\w.-]*\w", stays.lower()))


def spared(text: str) -> tuple[str, str]:
    """What is to go, and the rest of the request, from the word on that says what is to stay."""
    match = _SPARED.search(text)
    return (text[: match.start()], match[0]) if match else (text, "")


def _to(text: str, meant: Sequence[Earlier]) -> Back:
    moment = _MOMENT.search(text)
    places: list[Place] = []
    for one in meant:
        place = _place(one, moment) if moment else one.before()
        if place is None:
            said = ", ".join(place.milestone for place in one.places)
            what = f"{one.journey_id} has no checkpoint there; it has: {said}. Which one is meant?"
            return Back(one.kb, questions=(Question(about="checkpoint", text=what),))
        places.append(place)
    return Back(meant[0].kb, tuple(places))


def _count(text: str) -> int:
    count = 1
    for match in _LAST.finditer(text):
        if match["count"]:
            count = max(count, _NUMBERS.get(match["count"].lower()) or int(match["count"]))
        else:
            count = 2 if match["both"] else count + 1
    return count


def _chosen(text: str, journeys: Sequence[Earlier], today: date) -> list[Earlier] | None:
    """The journeys that are spoken of by their day, or by a word of their request; None where neither is said."""
    if spans := near(text, today):
        return [one for one in journeys if within(one.started, spans)]
    if days := [found.period for found in periods(text, today)]:
        return [one for one in journeys if any(span.holds(*_day(one.started)) for span in days)]
    said = {word for word in re.findall(r"[\w'-]+", text.lower()) if word not in IDLE and len(word) > 3} - _NO_NAMES
    wanted = {one for word in said for one in tokens(word)}
    kbs = {word for one in journeys for word in tokens(one.kb or "")}
    found = [one for one in journeys if one.request and (wanted - kbs) & tokens(one.request)]
    return found if 0 < len(found) < len(journeys) else None


def _day(started: str) -> tuple[date, date]:
    day = datetime.fromisoformat(started).astimezone().date()
    return day, day + timedelta(days=1)


def _local(started: str) -> str:
    return f"{datetime.fromisoformat(started).astimezone():%Y-%m-%d %H:%M}"


_NO_NAMES_TEXT = """
undo revert rollback roll back takes journey import ingest changes change what they that before after state
mistake wrong chunks actually please earlier previous restore parsing embedding upload parsed text look
"""
_NO_NAMES = frozenset(_NO_NAMES_TEXT.split())


def _place(one: Earlier, moment: re.Match[str]) -> Place | None:
    if moment["name"]:
        wanted = moment["name"].lower().replace("-", "_")
    else:
        step = _STEPS[(moment["step"] or moment["ended"] or moment["state"]).lower()]
        at = _ORDER.index(step)
        after = moment["which"] is None or moment["which"].lower().endswith("after")
        wanted = f"{step}_complete" if after else (f"{_ORDER[at - 1]}_complete" if at else "before_upload")
    return next((place for place in reversed(one.places) if place.milestone == wanted), None)
