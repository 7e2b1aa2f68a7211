"""What a request comes to for one plan: its kb, its files, and the questions that are left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from ..store.errors import UsageError
from ..store.kb import check_name
from ..store.plan import Declined, PlannedFile, Question
from ..store.policy import Policy
from .comparison import planned
from .inputs import Input
from .request import Constraints, read_request
from .selection import FileFacts, Verdict, day_of, verdict

_LONGEST = 10_000


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


def understood(
    text: str | None,
    inputs: Sequence[Input],
    *,
    kb: str | None,
    kbs: Sequence[str],
    policy: Policy,
    expose: bool,
    today: date,
) -> Wishes:
    """Read a request against the inputs; without one, all of them are meant. `UsageError` where no kb is named."""
    check_asked(text, kb, kbs)
    if text is None:
        return Wishes(kb, policy, expose, list(inputs), [])
    facts = [FileFacts(one.source, one.size, day_of(one.mtime_ns)) for one in inputs]
    said = read_request(text, files=facts, kbs=kbs, today=today, policy=policy)
    name, asked = _kb(kb, said, kbs)
    chosen, refused = _existing(said, policy)
    verdicts = {fact.name: verdict(fact, said.clauses) for fact in facts}
    wishes = _chosen(inputs, verdicts, Wishes(name, chosen, expose and said.expose, [], []))
    questions = (*asked, *said.questions, *_about_files(inputs, wishes))
    return replace(wishes, questions=questions, declined=(*said.declined, *refused))


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


def _chosen(inputs: Sequence[Input], verdicts: dict[str, Verdict], wishes: Wishes) -> Wishes:
    for one in inputs:
        judged = verdicts[one.source]
        if judged.left_out is None:
            wishes.taken.append(one)
            if judged.unsure:
                wishes.unsure[one.source] = judged.unsure
        else:
            wishes.left_out.append(planned(one, "skip", reason="excluded", detail=judged.left_out))
    return wishes


def _kb(given: str | None, said: Constraints, known: Sequence[str]) -> tuple[str | None, list[Question]]:
    """The kb of the plan; a request that names another one than was given, or several, is asked about."""
    if given is not None:
        other = [name for name in said.kbs if name in known and name != given]
        text = f"--kb says {given}, the request says {' and '.join(other)}; which one is meant?"
        return given, [Question(about="kb", text=text)] if other else []
    if len(said.kbs) == 1:
        check_name(said.kbs[0])
        return said.kbs[0], []
    if said.kbs:
        text = f"the request names {' and '.join(said.kbs)}; a plan is for one kb: make one for each"
        return None, [Question(about="kb", text=text)]
    there = f" There are: {', '.join(known[:10])}." if known else ""
    return None, [Question(about="kb", text=f"which knowledge base are the files for?{there}")]


def _existing(said: Constraints, policy: Policy) -> tuple[Policy, tuple[Declined, ...]]:
    """The policy with what the request chose for sources that are there; it may be more careful, never less."""
    if said.on_existing is None or said.on_existing == policy.on_existing:
        return policy, ()
    if said.on_existing == "replace":
        why = f"the policy's on_existing is {policy.on_existing}"
        return policy, (Declined(what="replace what is there", why=why, policy_key="on_existing"),)
    return policy.model_copy(update={"on_existing": said.on_existing}), ()


def _about_files(inputs: Sequence[Input], wishes: Wishes) -> list[Question]:
    if wishes.taken:
        return []
    if inputs:
        return [Question(about="files", text=f"none of the {len(inputs)} files fits; which ones are meant?")]
    return [Question(about="files", text="which files? Give their paths, or the folder that holds them.")]
