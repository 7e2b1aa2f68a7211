"""`compare`: two arms over the same cases, in paired differences, with a verdict in words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from ..store.errors import UsageError
from ..store.records import Record
from ..store.words import count
from .agreement import LOWER_IS_BETTER
from .intervals import Interval, holm
from .logs import HEADLINE, Log, Trial
from .sides import CasePair, Pairs, Side, paired, pairs_of, sides_of
from .summary import SHARES, ArmSummary, Bounds, by_case, means, summary
from .verdicts import BETTER, LEVEL, MARGIN, UNKNOWN, WORSE, Effect, effect_of, judge

COSTS = ("seconds", "tokens", "calls", "cost")


class Difference(Record):
    """One score in both arms: `difference` is head less base, over cases that both did. `least` is the smallest
    difference that this run could have seen with 80 % power (null: none), `exact_p` McNemar's on each case's majority,
    `flip_p` the randomisation test's over families, `holm_p` that one corrected for being one of several."""

    score: str
    lower_is_better: bool
    cases: int
    base: float
    head: float
    difference: float
    interval: Bounds | None
    t_interval: Bounds
    t_p: float
    exact_p: float | None
    flip_p: float
    holm_p: float | None = None
    wins: int
    losses: int
    ties: int
    least: float | None
    verdict: str
    why: str


class FamilyDifference(Record):
    """The headline in one family; `loses` names the arm that does worse there, or nobody."""

    family: str
    cases: int
    base: float
    head: float
    difference: float
    loses: str | None


class CaseDifference(Record):
    """The headline in one case, as shares of its trials."""

    id: str
    family: str
    base: float
    head: float
    difference: float


class Comparison(Record):
    """Two arms. `verdict` is about the head: "better", "worse", "no difference larger than X" or "cannot tell"."""

    base: str
    head: str
    cases: int
    families: int
    level: float
    margin: float
    verdict: str
    why: str
    headline: Difference
    others: list[Difference]
    costs: list[Difference]
    by_family: list[FamilyDifference]
    by_case: list[CaseDifference]
    left_out: list[str]
    dropped: dict[str, int]
    notes: list[str]

    def score(self, name: str) -> Difference | None:
        """The difference in a score or a cost."""
        return next((one for one in (self.headline, *self.others, *self.costs) if one.score == name), None)


class Evidence(Record):
    """What logs say: every arm by itself, and each against the base."""

    arms: list[ArmSummary]
    comparisons: list[Comparison]


def evidence(
    base: Log, head: Log | None = None, *, planners: Sequence[str] = (), level: float = LEVEL, margin: float = MARGIN
) -> Evidence:
    """Compare two logs, or the arms of one. `UsageError` where their cases differ or no trial is left."""
    _between(level, margin)
    return _evidence(pairs_of(base, head, planners), level, margin)[0]


def evidence_of(
    base: Log, head: Log | None = None, *, planners: Sequence[str] = (), level: float = LEVEL, margin: float = MARGIN
) -> tuple[Evidence, list[Side]]:
    """The same with the arms' trials; one log with one planner is told by itself."""
    _between(level, margin)
    alone = sides_of(base) if head is None and not planners else []
    if len(alone) == 1:
        return Evidence(arms=[summary(alone[0], level=level)], comparisons=[]), alone
    return _evidence(pairs_of(base, head, planners), level, margin)


def _evidence(chosen: Sequence[tuple[Side, Side]], level: float, margin: float) -> tuple[Evidence, list[Side]]:
    sides = list(dict.fromkeys(side for pair in chosen for side in pair))
    compared = [compare(*pair, level=level, margin=margin) for pair in chosen]
    return Evidence(arms=[summary(side, level=level) for side in sides], comparisons=compared), sides


def _between(level: float, margin: float) -> None:
    if not 0.5 <= level < 1:
        raise UsageError(f"--level cannot be {level:g}", cause="it is a share from 0.5 up to, not including, 1")
    if not 0 < margin <= 1:
        raise UsageError(f"--margin cannot be {margin:g}", cause="it is a share above 0, up to 1")


def compare(base: Side, head: Side, *, level: float = LEVEL, margin: float = MARGIN) -> Comparison:
    """Everything that two arms over the same cases say about which is better."""
    pairs = paired(base, head)
    names = _shared(pairs)
    found = {name: difference for name in names if (difference := _difference(pairs, name, level, margin))}
    if HEADLINE not in found:
        raise UsageError(f"the logs have no score {HEADLINE}", next=f"milepost eval score {base.log.path}")
    others = _corrected([found[name] for name in names if name in found and name not in (HEADLINE, *COSTS)], level)
    headline = found[HEADLINE]
    cases = _by_case(pairs)
    return Comparison(
        base=base.label, head=head.label, cases=len(pairs.cases), families=len(set(pairs.families)), level=level,
        margin=margin, verdict=headline.verdict, why=headline.why, headline=headline, others=others,
        costs=[found[name] for name in COSTS if name in found], by_case=cases,
        by_family=_by_family(cases, base.label, head.label), left_out=list(pairs.left_out),
        dropped=dict(pairs.dropped), notes=notes(base, head, pairs),
    )  # fmt: skip


def _shared(pairs: Pairs) -> list[str]:
    """Scores that both arms have, the known ones first, and what both cost."""
    sides = [{name for case in pairs.cases for trial in side(case) for name in trial.scores} for side in _SIDES]
    there = sides[0] & sides[1]
    return [*(name for name in SHARES if name in there), *sorted(there - {*SHARES}), *COSTS]


def _base(case: CasePair) -> tuple[Trial, ...]:
    return case.base


def _head(case: CasePair) -> tuple[Trial, ...]:
    return case.head


_SIDES = (_base, _head)


def _difference(pairs: Pairs, score: str, level: float, margin: float) -> Difference | None:
    """The difference in one score; None where no case has it in both arms."""
    first, second = (means(by_case(trial for case in pairs.cases for trial in side(case)), score) for side in _SIDES)
    family = {case.id: case.family for case in pairs.cases}
    both = [case.id for case in pairs.cases if case.id in first and case.id in second]
    if not both:
        return None
    ours, theirs = [first[id] for id in both], [second[id] for id in both]
    lower = score in LOWER_IS_BETTER
    effect = effect_of(ours, theirs, [family[id] for id in both], level=level, lower_is_better=lower)
    verdict = judge(effect, level=level, margin=None if score in COSTS else margin, lower_is_better=lower)
    return Difference(
        score=score, lower_is_better=lower, cases=len(both), base=sum(ours) / len(both), head=sum(theirs) / len(both),
        verdict=verdict.word, why=verdict.why, **_numbers(effect),
    )  # fmt: skip


def _numbers(effect: Effect) -> dict[str, Any]:
    return {
        "difference": effect.mean, "interval": _bounds(effect.interval) if effect.interval else None,
        "t_interval": _bounds(effect.t.interval), "t_p": effect.t.p, "exact_p": effect.exact, "flip_p": effect.flip,
        "wins": effect.tally.wins, "losses": effect.tally.losses, "ties": effect.tally.ties,
        "least": effect.least if effect.least != float("inf") else None,
    }  # fmt: skip


def _bounds(interval: Interval) -> Bounds:
    return Bounds(low=interval.low, high=interval.high, how=interval.how)


def _corrected(others: list[Difference], level: float) -> list[Difference]:
    """Scores beside the headline, none of which is called better or worse that Holm's correction leaves in doubt."""
    ps = holm({one.score: one.flip_p for one in others})
    return [_doubted(one.model_copy(update={"holm_p": ps[one.score]}), ps[one.score], level) for one in others]


def _doubted(one: Difference, p: float, level: float) -> Difference:
    if one.verdict not in (BETTER, WORSE) or p <= 1 - level + 1e-9:
        return one
    why = f"one of several scores: by Holm's correction p is {p:.2g}"
    return one.model_copy(update={"verdict": UNKNOWN, "why": why})


def _by_case(pairs: Pairs) -> list[CaseDifference]:
    rows: list[CaseDifference] = []
    for case in pairs.cases:
        first, second = (means({case.id: side(case)}, HEADLINE).get(case.id, 0.0) for side in _SIDES)
        gap = round(second - first, 12)
        rows.append(CaseDifference(id=case.id, family=case.family, base=first, head=second, difference=gap))
    return rows


def _by_family(cases: Sequence[CaseDifference], base: str, head: str) -> list[FamilyDifference]:
    """Families, the head's worst first."""
    groups: dict[str, list[CaseDifference]] = defaultdict(list)
    for case in cases:
        groups[case.family].append(case)
    rows: list[FamilyDifference] = []
    for family, members in groups.items():
        first, second = (sum(values) / len(members) for values in
                         ([one.base for one in members], [one.head for one in members]))  # fmt: skip
        gap = round(second - first, 12)
        loses = None if gap == 0 else head if gap < 0 else base
        rows.append(FamilyDifference(
            family=family, cases=len(members), base=first, head=second, difference=gap, loses=loses,
        ))  # fmt: skip
    return sorted(rows, key=lambda row: (row.difference, row.family))


def notes(base: Side, head: Side, pairs: Pairs) -> list[str]:
    """What a reader has to know before believing the numbers."""
    ours, theirs = base.log.header, head.log.header
    told: list[str] = []
    if ours.run_id == theirs.run_id and base.planner == head.planner:
        told.append("both are the same run: nothing but its agreement with itself is shown")
    if ours.policy != theirs.policy:
        keys = sorted(
            k for k in ours.policy.keys() | theirs.policy.keys() if ours.policy.get(k) != theirs.policy.get(k)
        )
        told.append(f"the two runs had different policies: {', '.join(keys)}")
    for what in ("execute", "after"):
        if getattr(ours, what) != getattr(theirs, what):
            told.append(f"the two runs differ in {what}: {getattr(ours, what)} and {getattr(theirs, what)}")
    moved = sorted(
        k for k in ours.versions.keys() | theirs.versions.keys() if ours.versions.get(k) != theirs.versions.get(k)
    )
    told += [f"other versions of {', '.join(moved)}"] * bool(moved)
    for arm in dict.fromkeys((base, head)):
        told += _of(arm, pairs)
    if pairs.left_out:
        told.append(f"{count(len(pairs.left_out), 'case')} left out of both arms, for want of a trial that counts")
    return told


def _of(arm: Side, pairs: Pairs) -> list[str]:
    told: list[str] = []
    dropped = pairs.dropped.get(arm.label, 0)
    if dropped:
        told.append(f"{arm.label}: {count(dropped, 'trial')} not counted (infrastructure errors, or never run)")
    if arm.log.header.broken:
        told.append(f"{arm.log.path.name}: {count(len(arm.log.header.broken), 'line')} of the cases' file is no case")
    unstable = sum(trial.stable is False for trial in arm.trials)
    if unstable:
        told.append(f"{arm.label}: planning again gave another plan in {count(unstable, 'case')}")
    stood_in = sum(trial.origin == "fallback" for trial in arm.trials)
    if stood_in * 2 > len(arm.trials):
        share = f"{stood_in} of {count(len(arm.trials), 'trial')}"
        told.append(f"{arm.label}: the template planned in {share}, so its scores say little of the model")
    return told
