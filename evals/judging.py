"""From a plan to the line of a log: the plan in the cases' words, what held and what did not, and the scores. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..store.errors import UsageError
from .answers import Answer, answer_of
from .logs import Header, Held, Trial
from .scorers import score
from .scoring import Scorer, scored


def judged(trial: Trial, case: Mapping[str, Any], policy: Mapping[str, Any], scorers: Iterable[Scorer] = ()) -> Trial:
    """A trial with its checks and scores, made of its plan: the same whenever it is done, whatever it said before."""
    bare = trial.model_copy(
        update={"checks": (), "unsafe": (), "extra": (), "answer": None, "scores": {}, "explanation": _trouble(trial)}
    )
    if trial.error is None:
        answer = _answer(trial, policy)
        found = score(answer, case)
        checks = tuple(Held(kind=one.kind, what=one.what, holds=one.holds, why=one.why) for one in found.checks)
        wrong = [f"{check.what}: {check.why}" for check in found.failed]
        said = "; ".join([*([bare.explanation] if bare.explanation else []), *wrong])
        bare = bare.model_copy(
            update={
                "checks": checks, "unsafe": found.unsafe, "extra": found.extra, "answer": _plain(answer),
                "explanation": said,
            }
        )  # fmt: skip
    scores, errors = dict(scored(bare, case)), list[str]()
    for scorer in scorers if bare.counts else ():
        try:
            scores |= _own(scorer(bare, case), scores)
        except Exception as error:  # a scorer of a user's own: its fault costs no trial
            errors.append(f"{type(error).__name__}: {error}"[:300])
    return Trial.model_validate(bare.model_dump() | {"scores": scores, "scorer_errors": errors})


def _own(given: Mapping[str, float | None], known: Mapping[str, object]) -> dict[str, float | None]:
    """What a scorer of a user's own gave, under names that are still free."""
    taken = sorted(known.keys() & given.keys())
    if taken:
        raise UsageError(f"the name {taken[0]} is taken by another score")
    return {str(name): None if value is None else float(value) for name, value in given.items()}


def judged_again(header: Header, trial: Trial, scorers: Iterable[Scorer] = ()) -> Trial:
    """A trial of an old log, judged by the case that the log has."""
    return judged(trial, header.case(trial.id), header.policy, scorers)


def plan_part(plan: Mapping[str, Any], policy: Mapping[str, Any]) -> dict[str, Any]:
    """A plan as a log has it: of its policy only what is not as in the header."""
    own: Mapping[str, Any] = plan.get("policy") or {}
    return {**plan, "policy": {key: value for key, value in own.items() if policy.get(key) != value}}


def _answer(trial: Trial, policy: Mapping[str, Any]) -> Answer:
    """What the plan comes to; a request that was refused outright comes to nothing."""
    if trial.plan is None:
        return Answer(steps=(), valid=False)
    whole = {**trial.plan, "policy": {**policy, **(trial.plan.get("policy") or {})}}
    return answer_of(whole, valid=bool(trial.valid), names=trial.names)


def _trouble(trial: Trial) -> str:
    if trial.error is not None:
        return trial.error.message
    return f"refused: {trial.refused}" if trial.refused else ""


def _plain(answer: Answer) -> dict[str, Any]:
    """An answer as JSON has it; what the policy was is elsewhere in the log."""
    return {
        "steps": list(answer.steps),
        "before": [list(pair) for pair in sorted(answer.before)],
        "targets": {step: sorted(names) for step, names in sorted(answer.targets.items())},
        "files": sorted(answer.files),
        "params": dict(answer.params),
        "questions": list(answer.questions),
        "declined": dict(answer.declined),
        "valid": answer.valid,
    }
