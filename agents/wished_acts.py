"""What a request wants besides bringing files in: expose, hide, remove, go back, stop, or only an answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from ..store.plan import Declined, Question
from .described import Touched, described
from .request import Constraints
from .request_acts import Act
from .request_back import back, spared
from .request_past import Past, Place, Waiting
from .request_phrases import phrases, vocabulary
from .request_targets import let_out, targets
from .request_text import RequestText
from .selection import FileFacts


@dataclass(frozen=True)
class Deeds:
    """What is done, to which sources or checkpoints; or what is asked, answered, declined."""

    act: Act
    kb: str | None = None
    sources: tuple[str, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    places: tuple[Place, ...] = ()
    questions: tuple[Question, ...] = ()
    declined: tuple[Declined, ...] = ()
    report: str | None = None
    takes_files: bool = False
    kept: tuple[str, ...] = ()


def deeds(
    said: Constraints, kb: str | None, files: Sequence[FileFacts], past: Past, today: date,
    touched: Callable[[str], Touched] = lambda journey_id: Touched(),
) -> Deeds | None:  # fmt: skip
    """What a request comes to that is not just bringing files in; None where it is that."""
    if said.act == "stop":
        return _stop(past)
    if said.act == "decline":
        why = "a plan brings files into a knowledge base, hides, removes or restores them; it does nothing else"
        return Deeds("decline", declined=(Declined(what=said.rest.strip()[:80], why=why),))
    if said.act == "report":
        return _answer(kb, past)
    if said.act == "rollback":
        return _back(said, kb, past, today, touched)
    if kb is None:
        return None if said.act == "ingest" else Deeds(said.act)
    if said.act == "expose":
        return _expose(said, kb, past, today)
    if said.act in ("hide", "remove"):
        found = targets(RequestText(said.rest), past.sources(kb), verb=said.act, today=today)
        return Deeds(said.act, kb, found.sources, questions=found.questions, kept=found.kept)
    if said.act == "wipe":
        return _wipe(said, kb, files, past)
    return _if_missing(said, kb, files, past) if said.only_missing else None


_LISTED = 20


def _answer(kb: str | None, past: Past) -> Deeds:
    """A question changes nothing; what the kb holds is said, which is all that is known here."""
    if kb is None:
        return Deeds("report", report="this is a question, and a plan answers none: nothing would be changed")
    names = sorted(file.name for file in past.sources(kb))
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    holds = f"kb {kb} holds {', '.join(names[:_LISTED])}{more}" if names else f"kb {kb} holds nothing"
    return Deeds("report", kb, report=f"{holds}; nothing would be changed")


def _stop(past: Past) -> Deeds:
    running = [one for one in past.journeys() if one.running]
    if not running:
        return Deeds("stop", report="nothing is under way that could be stopped")
    text = (
        f"{running[0].journey_id} ends after its current batch when its process is stopped (Ctrl-C). "
        "Keep what is done so far, or roll it back?"
    )
    return Deeds("stop", running[0].kb, questions=(Question(about="stop", text=text),))


def _back(
    said: Constraints, kb: str | None, past: Past, today: date, touched: Callable[[str], Touched]
) -> Deeds:  # fmt: skip
    journeys = past.journeys()
    known = {one.kb for one in journeys if one.kb}
    going, staying = spared(said.rest)
    goes, stays = words_of(going), words_of(staying)
    named = [*said.kbs, *(name for name in known if name.lower() in goes and name not in said.kbs)]
    named = [name for name in named if name.lower() not in stays or name.lower() in goes]
    if kb is not None and any(name != kb for name in named):
        text = f"--kb says {kb}, the request says {' and '.join(named)}; which one is meant?"
        return Deeds("rollback", kb, questions=(Question(about="kb", text=text),))
    where = named[0] if len(named) == 1 else kb
    own = [one for one in journeys if where is None or one.kb == where]
    meant = described(going, own, touched, today, [*known])
    if meant.question or meant.report:
        asked = (meant.question,) if meant.question else ()
        return Deeds("rollback" if asked else "report", where, questions=asked, report=meant.report)
    text = said.rest if meant.text == going else f"{meant.text} {staying}"
    others = [one for one in journeys if one not in own]
    found = back(text, [*meant.journeys, *others], kb=where, today=today)
    deed = Deeds("rollback", found.kb or kb, places=found.places, questions=found.questions, report=found.report)
    return replace(deed, act="report") if found.report else deed


def words_of(text: str) -> set[str]:
    """The words of a text, in small letters."""
    return set(re.findall(r"[\w.-]*\w", text.lower()))


def _expose(said: Constraints, kb: str, past: Past, today: date) -> Deeds:
    waiting = past.waiting(kb)
    if not waiting:
        return Deeds("report", kb, report=f"nothing waits to be exposed in kb {kb}")
    found, questions = let_out(RequestText(said.rest), waiting, today)
    return Deeds("expose", kb, tuple(one.source for one in found), waiting=tuple(found), questions=questions)


def _wipe(said: Constraints, kb: str, files: Sequence[FileFacts], past: Past) -> Deeds:
    """Everything is to go: only with a yes in so many words."""
    there = [file.name for file in past.sources(kb)]
    if said.yes:
        return Deeds("ingest" if files else "remove", kb, tuple(there), takes_files=bool(files))
    count = f"all {len(there)} sources" if len(there) != 1 else "the one source"
    text = f"{count} of kb {kb} would go; are you sure? Ask again with the same request and 'I confirm'"
    return Deeds("wipe", kb, questions=(Question(about="removal", text=text),))


def _if_missing(said: Constraints, kb: str, files: Sequence[FileFacts], past: Past) -> Deeds | None:
    """Only what the kb does not have: where it has all of it, that is the answer."""
    there = {file.name for file in past.sources(kb)}
    meant = [file for file in files if file.name in there]
    named = [phrase.words for phrase in phrases(said.rest, vocabulary(files), files)]
    wanted = [file for file in files if not named or any(set(words) & file.words for words in named)] or list(files)
    if wanted and all(file in meant for file in wanted):
        names = ", ".join(file.name for file in wanted[:5])
        return Deeds(
            "report", kb, report=f"{names} is in kb {kb} already" if len(wanted) == 1 else f"kb {kb} has {names}"
        )
    return None
