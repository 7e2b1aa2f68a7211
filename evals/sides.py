"""Sides: a planner's trials in a log; which sides of one log or two are held against each other, and over what.

Both arms of a pair have the same cases. A trial that an infrastructure error ended says nothing about its planner: it
is left out of both arms, and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import Any

from ..store.errors import UsageError
from ..store.policy import did_you_mean
from ..store.words import clean, count
from .logs import Log, Trial

SHOWN = 5
"""How many names an error lists."""


@dataclass(frozen=True, eq=False)
class Side:
    """One planner of one log; `label` tells it from the arm that it is compared with."""

    log: Log
    planner: str
    label: str

    @property
    def epochs(self) -> int:
        return next(arm.epochs for arm in self.log.header.planners if arm.name == self.planner)

    @property
    def trials(self) -> list[Trial]:
        """Those that count."""
        return self.log.of(self.planner)

    @property
    def failed(self) -> dict[str, set[int]]:
        """The epochs, by case, that an infrastructure error ended or that were never run."""
        bad: dict[str, set[int]] = {}
        for trial in self.log.trials:
            if trial.planner == self.planner and not trial.counts:
                bad.setdefault(trial.id, set()).add(trial.epoch)
        for id, planner, epoch in self.log.missing:
            if planner == self.planner:
                bad.setdefault(id, set()).add(epoch)
        return bad


@dataclass(frozen=True)
class CasePair:
    """A case as both arms did it, trials by epoch."""

    id: str
    family: str
    base: tuple[Trial, ...]
    head: tuple[Trial, ...]


@dataclass(frozen=True)
class Pairs:
    """The cases of two arms; `left_out` are those of which one arm has no trial that counts."""

    cases: tuple[CasePair, ...]
    left_out: tuple[str, ...] = ()
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Trials that an infrastructure error ended, or that were not run, by arm's label."""

    @property
    def families(self) -> list[str]:
        return [case.family for case in self.cases]


def sides_of(log: Log, *, name: str = "") -> list[Side]:
    """Every planner of a log, in the order in which they were asked for; `name` tells the log from another."""
    planners = [arm.name for arm in log.header.planners]
    return [Side(log, planner, f"{planner} ({name})" if name else planner) for planner in planners]


def pairs_of(base: Log, head: Log | None, planners: Sequence[str] = ()) -> list[tuple[Side, Side]]:
    """Which arm is held against which.

    Within one log the first planner is what the others are compared with. Of two logs each planner is compared with
    the same one of the other log; where they have none in common, every one of the second with the first of the
    first. `planners` chooses: one name for both, or the base's and the head's. `UsageError` where nothing is left.
    """
    if head is None:
        return _within(sides_of(base), planners)
    same_cases(base, head)
    ours, theirs = (
        _chosen(sides_of(log), planners[at : at + 1] or planners[:1]) for at, log in enumerate((base, head))
    )
    if len(ours) == len(theirs) == 1:
        return [_told_apart(ours[0], theirs[0])]
    common = [(one, other) for one, other in product(ours, theirs) if one.planner == other.planner]
    return [_told_apart(one, other) for one, other in common or product(ours[:1], theirs)]


def _within(arms: list[Side], planners: Sequence[str]) -> list[tuple[Side, Side]]:
    chosen = [arm for name in planners for arm in _chosen(arms, [name])] if planners else arms
    if len(chosen) < 2:
        raise UsageError(
            f"there is nothing to compare {clean(chosen[0].planner)} with",
            cause=f'the log "{chosen[0].log.path}" has {_listed([arm.planner for arm in arms])}, and one log was given',
            next=f"milepost eval compare {chosen[0].log.path} OTHER.jsonl",
        )
    return [(chosen[0], other) for other in chosen[1:]]


def _chosen(arms: list[Side], planners: Sequence[str]) -> list[Side]:
    if not planners:
        return arms
    names = [arm.planner for arm in arms]
    if planners[0] not in names:
        raise UsageError(
            f'the log "{arms[0].log.path}" has no planner "{clean(planners[0])}"{did_you_mean(planners[0], names)}',
            cause=f"it has {_listed(names)}",
        )
    return [arm for arm in arms if arm.planner == planners[0]]


def _told_apart(base: Side, head: Side) -> tuple[Side, Side]:
    """Two arms with labels that differ: by the planner, else by the file, else by A and B."""
    if base.planner != head.planner:
        return base, head
    names = [one.log.path.stem for one in (base, head)]
    first, second = names if names[0] != names[1] else ("A", "B")
    return (
        Side(base.log, base.planner, f"{base.planner} ({first})"),
        Side(head.log, head.planner, f"{head.planner} ({second})"),
    )


def same_cases(base: Log, head: Log) -> None:
    """Refuse two logs over different cases, with what differs."""
    if base.header.cases_digest == head.header.cases_digest:
        return
    ours, theirs = ({str(case["id"]): case for case in log.header.cases} for log in (base, head))
    told = [
        f"only in {log.path.name}: {_listed(sorted(here.keys() - there.keys()))}"
        for log, here, there in ((base, ours, theirs), (head, theirs, ours))
        if here.keys() - there.keys()
    ]
    changed = sorted(id for id in ours.keys() & theirs.keys() if ours[id] != theirs[id])
    told += [f"another case under the same id: {_listed([_moved(id, ours, theirs) for id in changed])}"] * bool(changed)
    raise UsageError(
        f"the two logs are over different cases, so their difference would say nothing: {base.path} and {head.path}",
        cause="; ".join(told) or "their digests differ", state="nothing was compared",
        next="milepost eval run --cases FILE --planner NAME --out FILE",
    )  # fmt: skip


def _moved(id: str, ours: Mapping[str, Mapping[str, Any]], theirs: Mapping[str, Mapping[str, Any]]) -> str:
    here, there = ours[id], theirs[id]
    keys = sorted(key for key in here.keys() | there.keys() if here.get(key) != there.get(key))
    return f"{id} ({', '.join(keys)})"


def _listed(names: Iterable[str]) -> str:
    all_of = [clean(name, 80) for name in names]
    more = len(all_of) - SHOWN
    return ", ".join([*all_of[:SHOWN], *([f"and {more} more"] if more > 0 else [])])


def paired(base: Side, head: Side) -> Pairs:
    """Both arms' trials by case, without those that do not count; `UsageError` where no case is left."""
    bad = {arm.label: arm.failed for arm in (base, head)}
    both_repeat = base.epochs > 1 and head.epochs > 1
    trials = {arm.label: _by_case(arm.trials) for arm in (base, head)}
    cases: list[CasePair] = []
    left_out: list[str] = []
    for case in base.log.header.cases:
        id = str(case["id"])
        out = bad[base.label].get(id, set()) | bad[head.label].get(id, set()) if both_repeat else set[int]()
        first, second = (
            tuple(trial for trial in trials[arm.label].get(id, ()) if trial.epoch not in out) for arm in (base, head)
        )
        if first and second:
            cases.append(CasePair(id, str(case.get("family") or id), first, second))
        else:
            left_out.append(id)
    if not cases:
        raise _nothing_left(base, head, trials)
    return Pairs(tuple(cases), tuple(left_out), {label: _size(epochs) for label, epochs in bad.items()})


def _size(epochs: Mapping[str, set[int]]) -> int:
    return sum(map(len, epochs.values()))


def _by_case(trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    found: dict[str, list[Trial]] = {}
    for trial in trials:
        found.setdefault(trial.id, []).append(trial)
    return found


def _nothing_left(base: Side, head: Side, trials: Mapping[str, Mapping[str, Sequence[Trial]]]) -> UsageError:
    told = [
        f"{clean(arm.label)} has {count(len(trials[arm.label]), 'case')} with a trial that counts"
        f" ({count(_size(arm.failed), 'trial')} failed for other reasons than the planner's, or did not run)"
        for arm in (base, head)
    ]
    first = next((trial.error.message for arm in (base, head) for trial in arm.log.trials if trial.error), "")
    return UsageError(
        "there is no case that both arms did", cause="; ".join([*told, *([f"the first error: {first}"] * bool(first))]),
        state="nothing was compared",
    )  # fmt: skip
