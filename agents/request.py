"""A request in words, read with plain rules: what is to be done, to which files, in which kb, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from ..store.plan import Declined, Question
from ..store.policy import Policy
from . import request_acts as acts
from . import request_words as words
from .request_acts import Act
from .request_checks import declined
from .request_clauses import clauses_of
from .request_doubt import doubts, not_english
from .request_guesses import guesses, updates
from .request_kb import kbs_named
from .request_marks import mark_all
from .request_newest import Newest, newest
from .request_options import options
from .request_past import Past
from .request_phrases import vocabulary
from .request_preview import only_asks, plan_first, says_yes
from .request_text import RequestText
from .request_topics import Topic, topics
from .request_treatment import OnExisting, as_before, audience, outside, treatment
from .request_when import held_for, schedule
from .selection import Clause, FileFacts


@dataclass(frozen=True)
class Constraints:
    """What a request says. Empty for one that says nothing of the kind."""

    clauses: tuple[Clause, ...] = ()
    kbs: tuple[str, ...] = ()
    on_existing: OnExisting | None = None
    expose: bool = True
    declined: tuple[Declined, ...] = ()
    questions: tuple[Question, ...] = ()
    act: Act = "ingest"
    options: Mapping[str, Any] = field(default_factory=dict)
    """What was chosen, by dotted name: an action's argument ("parse.pages"), or a wish of the whole plan."""
    topics: tuple[Topic, ...] = ()
    newest: Newest | None = None
    only_missing: bool = False
    dry_run: bool = False
    plan_first: bool = False
    yes: bool = False
    updates: bool = False
    """It wants something brought up to date, and does not say what goes."""
    rest: str = ""
    """The text without what was understood of it: what names sources, journeys and kbs is still there."""


def read_request(
    text: str,
    *,
    files: Sequence[FileFacts],
    kbs: Sequence[str],
    today: date,
    policy: Policy,
    past: Past | None = None,
    roots: Sequence[str] = (),
    now: datetime | None = None,
    waiting: bool = False,
    kb: str | None = None,
) -> Constraints:
    """Read a request against the files on offer, the kbs that are there and what happened before.

    `kb` is the one that is given. Words that mean nothing here are passed over; what names files that are not there
    becomes a question.
    """
    left = RequestText(text)
    refused = [*declined(left.text, policy)]
    left.blank(words.SKIP_CHECK)
    refused += outside(left, roots)
    known = past or Past()
    running = acts.may_stop(left) and any(one.running for one in known.journeys())
    if acts.stops(left, running):
        return Constraints(act="stop", declined=tuple(refused))
    chosen, expose = _wished(left, known, files, now or datetime.combine(today, time(8)))
    first, dry, yes = plan_first(left), only_asks(left), says_yes(left)
    whole = left.text
    existing, both = treatment(left, files=bool(files))
    if existing:
        chosen["dedupe"] = existing
    missing = acts.if_missing(left)
    about = tuple(topics(left))
    if about:
        chosen["on_uncertain"] = "ask"
    act = acts.act_of(left, files=bool(files), waiting=waiting, held=not expose, dry=dry)
    act = "ingest" if missing and files else act
    named_kbs = kbs_named(left, kbs)
    rest = whole if existing == "replace" else left.text  # what is replaced is a source of the kb, not a file
    made = Constraints(
        kbs=tuple(named_kbs), on_existing=existing, expose=expose, declined=tuple(refused), act=act, options=chosen,
        topics=about, only_missing=missing, dry_run=dry and not first, plan_first=first, yes=yes, rest=rest,
        updates=existing is None and not missing and updates(text),
    )  # fmt: skip
    if act != "ingest":
        return made
    kb = kb or (named_kbs[0] if len(named_kbs) == 1 else None)
    replaced = known.sources(kb) if kb and existing == "replace" else ()
    return _with_files(made, text, left, files, today, [_both()] if both else [], replaced)


def _with_files(
    made: Constraints,
    text: str,
    left: RequestText,
    files: Sequence[FileFacts],
    today: date,
    asked: list[Question],
    replaced: Sequence[FileFacts],
) -> Constraints:
    """What a request says of the files on offer; it may name `replaced`, too, which are to go instead."""
    from dataclasses import replace

    said = left.text
    top = newest(left)
    mark_all(left, files, today)
    clauses, questions, residue = clauses_of(
        left, files, lone=not made.options and not made.topics, only=top is not None,
        elsewhere=frozenset(one.name for one in replaced),
    )  # fmt: skip
    if not (asked or questions):
        chosen = top is not None or any(clause.wanted for clause in clauses)
        questions = (*(not_english(text) or guesses(said) or doubts(residue, chosen=chosen)),)
    return replace(made, clauses=clauses, newest=top, questions=(*asked, *questions))


def _wished(left: RequestText, past: Past, files: Sequence[FileFacts], now: datetime) -> tuple[dict[str, Any], bool]:
    """What is chosen of how, when and for whom, and whether it is to be exposed at once."""
    chosen = _earlier(left, past) | options(left, vocabulary(files)) | _when_and_who(left, now)
    return chosen, not left.blank(words.NO_EXPOSE) and "hold_for" not in chosen


def _earlier(left: RequestText, past: Past) -> dict[str, Any]:
    """The options of the last journey that was asked for in words, where a request wants the same again."""
    if not as_before(left):
        return {}
    last = next((one for one in past.journeys() if one.request and not one.rollback and not one.undone), None)
    if last is None or last.request is None:
        return {}
    again = RequestText(last.request)
    return {"kb": last.kb, **options(again, frozenset())} if last.kb else options(again, frozenset())


def _when_and_who(left: RequestText, now: datetime) -> dict[str, Any]:
    """When things go live, who looks at them before, and who may find them."""
    found: dict[str, Any] = {}
    live = schedule(left, now)
    if live is not None:
        found["expose.after"] = live.words
        found["expose.not_before"] = live.moment.astimezone().isoformat(timespec="minutes")
    whom = held_for(left)
    if whom is not None:
        found["hold_for"] = whom
    who = audience(left)
    if who is not None:
        found["expose.audience"] = who
    return found


def _both() -> Question:
    return Question(
        about="replace", text="the request says that the old one goes and that it stays: replace it, or keep both?"
    )
