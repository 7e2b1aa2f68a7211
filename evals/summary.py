"""One arm in numbers: rates with intervals, pass^k, constraints, calibration of estimates, cost. Pure functions."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ..store.records import Record
from .intervals import at_most, pass_hat, rate_interval
from .logs import HEADLINE, Trial
from .sides import Side

SHARES = (
    "task_success", "delivery", "valid_first", "valid", "constraint_pass", "node_f1", "edge_f1", "argument_f1",
    "over_planning", "over_asking", "under_asking", "execution_success", "rollback_success", "injection_success",
)  # fmt: skip
"""Scores between 0 and 1, in the order in which they are told."""


class Bounds(Record):
    """An interval, and the method that it is by."""

    low: float
    high: float
    how: str


class Rate(Record):
    """A score's mean over cases, each case's trials averaged first. `bound` is for the all-or-nothing ones in words."""

    score: str
    mean: float
    interval: Bounds | None
    cases: int
    bound: str = ""


class Calibration(Record):
    """Estimated against actual seconds of execution: median and MAD of ln(actual / estimated), and how often the
    actual time lay between the stated p10 and p90."""

    journeys: int
    median: float
    mad: float
    coverage: float


class Costs(Record):
    """What planning took, for each trial: seconds, tokens in and out, calls; `cost` in the policy's money, in all."""

    seconds_p50: float
    seconds_p95: float
    tokens: float
    calls: float
    cost: float | None


class ArmSummary(Record):
    """One arm. `pass_hat` has pass^1, pass^2, ...: the chance that so many trials of a case all succeed."""

    label: str
    planner: str
    model: str | None
    log: str
    cases: int
    families: int
    epochs: int
    trials: int
    dropped: int
    rates: list[Rate]
    means: dict[str, float]
    constraint_micro: float | None
    pass_hat: list[float]
    kinds: dict[str, float]
    origins: dict[str, int]
    unstable: int
    calibration: Calibration | None
    costs: Costs

    def rate(self, score: str) -> Rate | None:
        return next((rate for rate in self.rates if rate.score == score), None)


def summary(arm: Side, *, level: float) -> ArmSummary:
    """The numbers of one arm, over every trial of it that counts."""
    trials = arm.trials
    family = {str(case["id"]): str(case.get("family") or case["id"]) for case in arm.log.header.cases}
    cases = by_case(trials)
    names = _names(trials)
    shares = [name for name in names if name in SHARES]
    told = next(one for one in arm.log.header.planners if one.name == arm.planner)
    return ArmSummary(
        label=arm.label, planner=arm.planner, model=told.model, log=arm.log.path.name, cases=len(cases),
        families=len({family[id] for id in cases}), epochs=arm.epochs, trials=len(trials),
        dropped=sum(map(len, arm.failed.values())),
        rates=[rate for name in shares if (rate := _rate(cases, family, name, arm.epochs, level))],
        means={name: _mean(means(cases, name).values()) for name in names if name not in SHARES},
        constraint_micro=_micro(trials), pass_hat=pass_curve(cases, arm.epochs), kinds=by_kind(trials),
        origins=dict(Counter(trial.origin or "none" for trial in trials)),
        unstable=sum(trial.stable is False for trial in trials), calibration=calibration(trials), costs=costs(trials),
    )  # fmt: skip


def by_case(trials: Iterable[Trial]) -> dict[str, list[Trial]]:
    """Trials by case, in order."""
    found: dict[str, list[Trial]] = defaultdict(list)
    for trial in trials:
        found[trial.id].append(trial)
    return dict(found)


def means(cases: Mapping[str, Sequence[Trial]], score: str) -> dict[str, float]:
    """Each case's mean of a score over its trials; cases to which it does not apply are left out."""
    found = {id: [value for trial in trials if (value := value_of(trial, score)) is not None]
             for id, trials in cases.items()}  # fmt: skip
    return {id: _mean(values) for id, values in found.items() if values}


def value_of(trial: Trial, score: str) -> float | None:
    """A score of a trial, or what it cost: seconds of planning, tokens, calls, cost."""
    if score == "seconds":
        return trial.times.plan
    if score == "tokens":
        return float(trial.usage.input_tokens + trial.usage.output_tokens)
    if score == "calls":
        return float(trial.usage.calls)
    return trial.usage.cost if score == "cost" else trial.scores.get(score)


def _names(trials: Iterable[Trial]) -> list[str]:
    """Every score that there is: those known in their order, then others in the order of the alphabet."""
    there = {name for trial in trials for name in trial.scores}
    return [*(name for name in SHARES if name in there), *sorted(there - set(SHARES))]


def _rate(
    cases: Mapping[str, Sequence[Trial]], family: Mapping[str, str], score: str, epochs: int, level: float
) -> Rate | None:
    values = means(cases, score)
    if not values:
        return None
    mean, count = _mean(values.values()), len(values)
    kept = rate_interval(list(values.values()), [family[id] for id in values], level, epochs=epochs)
    bound = ""
    if mean in (0.0, 1.0):
        what = "success" if mean == 0.0 else "failure"
        share = f"{100 * at_most(count):.2g} %"
        bound = f"no {what} in {count}: at most 3/{count} = {share}" if count > 3 else f"no {what} in {count}"
    return Rate(
        score=score, mean=mean, interval=Bounds(low=kept.low, high=kept.high, how=kept.how), cases=count, bound=bound
    )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return math.fsum(listed) / len(listed) if listed else 0.0


def _micro(trials: Iterable[Trial]) -> float | None:
    """The share of all expectations that held; those of a trial without an answer all failed."""
    held = [check.holds and trial.answer is not None for trial in trials for check in trial.checks]
    return sum(held) / len(held) if held else None


def by_kind(trials: Iterable[Trial]) -> dict[str, float]:
    """The share of expectations that held, by their kind."""
    held: dict[str, list[bool]] = defaultdict(list)
    for trial in trials:
        for check in trial.checks:
            held[check.kind].append(check.holds)
    return {kind: sum(all_of) / len(all_of) for kind, all_of in held.items()}


def pass_curve(cases: Mapping[str, Sequence[Trial]], epochs: int) -> list[float]:
    """pass^1 to pass^epochs of the headline, each over the cases that have so many trials."""
    counts = [(sum(bool(trial.scores.get(HEADLINE)) for trial in trials), len(trials)) for trials in cases.values()]
    curve: list[float] = []
    for k in range(1, epochs + 1):
        enough = [pass_hat(passed, trials, k) for passed, trials in counts if trials >= k]
        if enough:
            curve.append(_mean(enough))
    return curve


def timed(trials: Iterable[Trial]) -> list[tuple[float, Mapping[str, float]]]:
    """Actual seconds and the estimate of every journey that was applied and had one."""
    return [
        (trial.times.execute, trial.times.estimated)
        for trial in trials
        if trial.times.execute and trial.times.estimated and trial.times.estimated.get("p50", 0) > 0
    ]


def calibration(trials: Iterable[Trial]) -> Calibration | None:
    """How good the plans' estimates were; None where nothing was executed."""
    known = timed(trials)
    if not known:
        return None
    off = np.array([math.log(actual / estimate["p50"]) for actual, estimate in known])
    median = float(np.median(off))
    inside = [estimate["p10"] <= actual <= estimate["p90"] for actual, estimate in known]
    return Calibration(
        journeys=len(known), median=median, mad=float(np.median(np.abs(off - median))),
        coverage=sum(inside) / len(inside),
    )  # fmt: skip


def costs(trials: Sequence[Trial]) -> Costs:
    """What planning took."""
    seconds = [trial.times.plan for trial in trials] or [0.0]
    spent = [trial.usage.cost for trial in trials if trial.usage.cost is not None]
    return Costs(
        seconds_p50=float(np.percentile(seconds, 50)), seconds_p95=float(np.percentile(seconds, 95)),
        tokens=_mean(value_of(trial, "tokens") or 0.0 for trial in trials),
        calls=_mean(value_of(trial, "calls") or 0.0 for trial in trials), cost=math.fsum(spent) if spent else None,
    )  # fmt: skip
