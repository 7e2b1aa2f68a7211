"""What a request comes to for one plan: what is done, to which files and sources, and the questions that are left."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from ..store.errors import UsageError
from ..store.kb import check_name
from ..store.plan import Declined, PlannedFile, Question
from ..store.policy import Policy
from .described import Touched
from .inputs import Input, hashed
from .request import Constraints, read_request
from .request_acts import Act
from .request_languages import speaks_of_language
from .request_past import Past, Place, Waiting
from .request_treatment import speaks_of_hash
from .selection import FileFacts, day_of
from .treatment import ONLY_WITH, by_action, held
from .wished_acts import Deeds, deeds
from .wished_files import chosen, facts_of
from .wished_policy import kept_policy

_LONGEST = 10_000
DOING = ("upload", "parse", "embed", "expose", "hide", "remove", "rollback")
"""Every act but an answer."""


@dataclass(frozen=True)
class Wishes:
    """The request, understood. `kb` is None where it is asked for; `policy` has what the request chose."""

    kb: str | None
    policy: Policy
    expose: bool
    taken: list[Input]
    left_out: list[PlannedFile]
    unsure: dict[str, str] = field(default_factory=dict)
    """By source: a warning that it could not be told whether the file is meant."""
    questions: tuple[Question, ...] = ()
    declined: tuple[Declined, ...] = ()
    act: Act = "ingest"
    args: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Arguments of the steps, by action."""
    asked: Mapping[str, Any] = field(default_factory=dict)
    """What was asked for the plan as a whole."""
    sources: tuple[str, ...] = ()
    """Sources of the kb that are hidden or removed, or that go when the new ones come."""
    waiting: tuple[Waiting, ...] = ()
    places: tuple[Place, ...] = ()
    report: str | None = None
    dry_run: bool = False
    only_missing: bool = False
    kept: tuple[str, ...] = ()
    """Sources that are to stay, whatever goes."""

    @property
    def excludes(self) -> tuple[str, ...]:
        """What the request wants not to happen, for the validator: acts, or one with its source."""
        if self.dry_run:
            return ()
        held = self.act == "ingest" and (not self.expose or "hold_for" in self.asked)
        both = self.asked.get("dedupe") in ("keep_both", "skip")
        acts = [*(["expose"] if held else []), *(["replace", "remove"] if both else [])]
        acts += ["remove"] if self.act == "hide" else []
        exposing = self.args.get("expose", {})
        acts += [act for act, argument in ONLY_WITH.items() if argument in exposing]
        return (*acts, *(f"remove:{name}" for name in self.kept))


@dataclass(frozen=True)
class Setting:
    """What a request is understood against, besides the files."""

    kb: str | None
    kbs: Sequence[str]
    policy: Policy
    expose: bool
    today: date
    past: Past = field(default_factory=Past)
    roots: Sequence[str] = ()
    """Folders and files that were given, as paths."""
    now: datetime | None = None
    languages: Callable[[Sequence[Input]], Mapping[str, str | None]] = lambda inputs: {}
    """The languages of hashed inputs, by source: asked for only where a request speaks of one."""
    touched: Callable[[str], Touched] = lambda journey_id: Touched()
    """What a journey changed, by its id: asked for only where a request goes back."""


def understood(text: str | None, inputs: Sequence[Input], setting: Setting) -> Wishes:
    """Read a request against the inputs; without one, all of them are meant. `UsageError` where no kb is named."""
    check_asked(text, setting.kb, setting.kbs)
    if text is None:
        return Wishes(setting.kb, setting.policy, setting.expose, list(inputs), [])
    spoken: Mapping[str, str | None] = {}
    if speaks_of_hash(text) or speaks_of_language(text):
        inputs = hashed(inputs)
    if speaks_of_language(text):
        spoken = setting.languages(inputs)
    facts = [facts_of(one, spoken.get(one.source)) for one in inputs]
    said = _read(text, facts, setting)
    kb, asked = _kb(setting.kb, said, setting.kbs)
    policy, refused = kept_policy(said, setting.policy)
    wishes = Wishes(kb, policy, setting.expose and said.expose, [], [], declined=(*said.declined, *refused))
    wishes = replace(wishes, act=said.act, **_options(said, policy), only_missing=said.only_missing)
    if any(one.policy_key == "enable_rollback" and one.what == "going back" for one in refused):
        return replace(wishes, act="decline")
    deed = deeds(said, kb, facts, setting.past, setting.today, setting.touched)
    if deed is not None:
        return _with_deed(wishes, deed, asked, said, inputs)
    return _ingest(wishes, said, inputs, facts, asked, setting)


def is_text(said: str) -> bool:
    """Whether a text can be written as UTF-8: one out of bytes or JSON may hold half a character."""
    return not any("\ud800" <= letter <= "\udfff" for letter in said)


def check_asked(text: str | None, kb: str | None, kbs: Sequence[str]) -> None:
    """Refuse what nobody can plan, by a model either: neither kb nor words, a bad name, a request without end."""
    if kb is not None:
        check_name(kb)
    if text is None and kb is None:
        raise UsageError(
            "no knowledge base is named",
            cause="a home can hold several: --kb names one",
            state="nothing was changed",
            next="milepost plan PATH --kb NAME",
            option="--kb",
            add=["--kb", kbs[0] if len(kbs) == 1 else "NAME"],
        )
    if text is not None and not is_text(text):
        raise UsageError(
            "the request is no text: it holds halves of characters",
            cause="its bytes are not UTF-8",
            state="nothing was changed",
            next="milepost plan PATH --kb NAME --request TEXT",
        )
    if text is not None and len(text) > _LONGEST:
        raise UsageError(
            f"the request has {len(text)} characters, at most {_LONGEST} are read",
            cause="say it in fewer words",
            next="milepost plan PATH --kb NAME --request TEXT",
        )


def _read(text: str, facts: Sequence[FileFacts], setting: Setting) -> Constraints:
    kb = setting.kb
    waiting = bool(kb and not facts and setting.past.waiting(kb))
    return read_request(
        text, files=facts, kbs=setting.kbs, today=setting.today, policy=setting.policy, past=setting.past,
        roots=setting.roots, now=setting.now, waiting=waiting, kb=kb,
    )  # fmt: skip


def _options(said: Constraints, policy: Policy) -> dict[str, Any]:
    """What was chosen, as arguments of actions and as wishes of the whole plan; what the policy refused is neither."""
    given, chunk = by_action(said.options), policy.chunk.model_dump()
    args = {
        action: {name: value for name, value in named.items() if held(action, name, value, chunk)}
        for action, named in given.items()
    }
    told = {f"{action}.{name}" for action, named in given.items() for name in named} | {"kb"}
    return {"args": args, "asked": {name: value for name, value in said.options.items() if name not in told}}


def _with_deed(
    wishes: Wishes, deed: Deeds, asked: list[Question], said: Constraints, inputs: Sequence[Input]
) -> Wishes:
    """A plan that brings no files in, or first takes others out."""
    kb = deed.kb or wishes.kb
    questions = [*deed.questions]
    if kb is None and not questions and wishes.act not in ("stop", "decline", "rollback"):
        questions = asked
    taken = list(inputs) if deed.takes_files else []
    if said.dry_run and not questions:
        wishes = replace(wishes, dry_run=True)
    return replace(
        wishes, kb=kb, taken=taken, questions=tuple(questions), declined=(*wishes.declined, *deed.declined),
        sources=deed.sources, kept=deed.kept, waiting=deed.waiting, places=deed.places, report=deed.report,
        act=deed.act,
    )  # fmt: skip


def _ingest(
    wishes: Wishes,
    said: Constraints,
    inputs: Sequence[Input],
    facts: Sequence[FileFacts],
    asked: list[Question],
    setting: Setting,
) -> Wishes:
    found = chosen(said, inputs, facts)
    questions = [*asked, *said.questions, *found.questions]
    sources: tuple[str, ...] = ()
    if said.on_existing == "replace" and wishes.kb and not questions and wishes.policy.on_existing == "replace":
        from .request_targets import replaced
        from .request_text import RequestText

        taken = [fact for fact in facts if fact.name in {one.source for one in found.taken}]
        held = setting.past.sources(wishes.kb)
        sources, more = replaced(RequestText(said.rest), taken, held, setting.today)
        questions += more
    if said.updates and wishes.kb and not questions:
        questions += _updated(found.taken, [file.name for file in setting.past.sources(wishes.kb)], wishes.kb)
    if wishes.kb is None and asked:
        found = replace(found, taken=[], left_out=[], unsure={})  # nothing can be compared yet
    wishes = replace(
        wishes, taken=found.taken, left_out=found.left_out, unsure=found.unsure, sources=sources,
        dry_run=(said.dry_run or said.plan_first) and not said.yes,
    )  # fmt: skip
    if wishes.dry_run:  # no step carries them: the plan itself says what would be chosen
        wishes = replace(wishes, asked=dict(said.options))
    if said.plan_first and not said.yes and not questions:
        questions.append(
            Question(
                about="approval",
                text="this is what would be done; shall it be? Ask again with the same request and 'go ahead'",
            )
        )
    return replace(wishes, questions=tuple(questions))


def _updated(taken: Sequence[Input], there: Sequence[str], kb: str) -> list[Question]:
    """What an update is of has to be said where no file has the name of a source."""
    new = [one.source for one in taken if one.source not in there]
    if not new or not there:
        return []
    names = ", ".join(there[:10])
    return [Question(about="replace", text=f"what does {new[0]} take the place of in kb {kb}? There are: {names}")]


def _kb(given: str | None, said: Constraints, known: Sequence[str]) -> tuple[str | None, list[Question]]:
    """The kb of the plan; a request that names another one than was given, or several, is asked about."""
    if given is not None:
        listed = given in said.kbs
        other = [name for name in said.kbs if name != given and (listed or name in known)]
        text = f"--kb says {given}, the request says {' and '.join(other)}; which one is meant?"
        return given, [Question(about="kb", text=text)] if other else []
    if len(said.kbs) == 1:
        check_name(said.kbs[0])
        return said.kbs[0], []
    if said.kbs:
        absent = " and no ".join(name for name in said.kbs if name not in known)
        one = "a plan is for one kb: make one for each"
        one = f"there is no {absent}: say that it is to be made, or name another" if absent else one
        return None, [Question(about="kb", text=f"the request names {' and '.join(said.kbs)}; {one}")]
    if said.options.get("kb"):
        return str(said.options["kb"]), []
    there = f" There are: {', '.join(known[:10])}." if known else ""
    return None, [Question(about="kb", text=f"which knowledge base are the files for?{there}")]


__all__ = ["Setting", "Wishes", "check_asked", "day_of", "understood"]
