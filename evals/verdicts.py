"""What a difference comes to in words: better, worse, no difference larger than X, or cannot tell.

"Better" and "worse" need two things to agree: the bootstrap interval leaves zero out, and the exact test over
families is as sure (a bootstrap alone calls three wins without a loss a proof). "No difference larger than X" needs
an interval that is narrow enough to be of use: X at most the margin. All the rest is "cannot tell", and says why.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .intervals import (
    DRAWS,
    SEED,
    Floats,
    Grouped,
    Interval,
    PairedT,
    at_most,
    cluster_bootstrap,
    detectable,
    grouped,
    mcnemar,
    paired_t,
)

BETTER, WORSE, UNKNOWN = "better", "worse", "cannot tell"
LEVEL = 0.95
MARGIN = 0.1
_EXACT_UP_TO = 13
"""Families of which every combination of signs is looked at; beyond, so many are drawn as in the bootstrap."""


class Tally(NamedTuple):
    """Cases that the second arm wins, loses, and where both are even."""

    wins: int
    losses: int
    ties: int


@dataclass(frozen=True)
class Effect:
    """The difference of two arms over the same cases; positive where the second arm has more.

    `exact` is McNemar's p on each case's majority, where the score is yes or no; `flip` that of the randomisation test
    over families. `least` is the smallest difference that the run could have seen with 80 % power.
    """

    mean: float
    interval: Interval | None
    t: PairedT
    flip: float
    exact: float | None
    tally: Tally
    least: float
    cases: int
    families: int

    @property
    def unseen(self) -> float | None:
        """Where no case differs: what share of cases might differ all the same."""
        return None if self.tally.wins + self.tally.losses else at_most(self.cases)


def effect_of(
    base: list[float], head: list[float], families: list[str], *, level: float = LEVEL, lower_is_better: bool = False
) -> Effect:
    """The effect on a score, from each case's mean in both arms; shapes (cases,)."""
    differences = [round(second - first, 12) for first, second in zip(base, head, strict=True)]
    parts = grouped(differences, families)
    several = len(parts.sums) > 1
    gains = [-one if lower_is_better else one for one in differences]
    tally = Tally(sum(one > 0 for one in gains), sum(one < 0 for one in gains), sum(one == 0 for one in gains))
    return Effect(
        mean=parts.mean,
        interval=cluster_bootstrap(parts, level) if several else None,
        t=paired_t(parts, level),
        flip=flipped(parts),
        exact=_majority(base, head),
        tally=tally,
        least=detectable(parts, level),
        cases=len(differences),
        families=len(parts.sums),
    )


def _majority(base: list[float], head: list[float]) -> float | None:
    """McNemar's exact p over which arm did a case in most of its trials; None for a score that is no yes or no."""
    if any(not 0 <= one <= 1 for one in (*base, *head)):
        return None
    pairs = [(first > 0.5, second > 0.5) for first, second in zip(base, head, strict=True)]
    return mcnemar(pairs.count((False, True)), pairs.count((True, False)))


def flipped(parts: Grouped) -> float:
    """The two-sided p of a randomisation test: were the arms alike, each family's sign would be a coin's.

    Exact up to 13 families that differ, else over drawn signs. With families of one case and scores of 0 and 1 it is
    McNemar's test.
    """
    sums = parts.sums[np.abs(parts.sums) > 1e-12]
    if not len(sums):
        return 1.0
    if len(sums) <= _EXACT_UP_TO:
        bits = np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1
        return float((np.abs((2 * bits - 1) @ sums) >= abs(sums.sum()) - 1e-9).mean())
    as_far = np.abs(_signs(len(sums)) @ sums) >= abs(sums.sum()) - 1e-9
    return float((as_far.sum() + 1) / (DRAWS + 1))


@lru_cache(maxsize=4)
def _signs(families: int) -> Floats:
    """Coins for every family, shape (draws, families)."""
    coins = np.random.default_rng(SEED).integers(0, 2, (DRAWS, families))
    return coins.astype(np.float64) * 2.0 - 1.0


@dataclass(frozen=True)
class Verdict:
    """The verdict, and why in one sentence."""

    word: str
    why: str


def judge(
    effect: Effect, *, level: float = LEVEL, margin: float | None = MARGIN, lower_is_better: bool = False
) -> Verdict:
    """The verdict on an effect. `margin` is the largest X still worth saying; None for any (seconds, tokens)."""
    if effect.interval is None:
        what = "one case" if effect.cases == 1 else "one family of cases"
        return Verdict(UNKNOWN, f"{what} says nothing about others")
    low, high = effect.interval.low, effect.interval.high
    zero_out, sure = low > 0 or high < 0, effect.flip <= 1 - level + 1e-9
    if zero_out and sure:
        return Verdict(WORSE if (low > 0) == lower_is_better else BETTER, "the interval leaves zero out")
    reach = max(abs(low), abs(high), effect.unseen or 0.0)
    if zero_out and not sure:
        return Verdict(UNKNOWN, f"too few families differ for an exact test to be sure (p = {effect.flip:.2g})")
    if margin is None or reach <= margin + 1e-9:
        least = "no case differs" if effect.unseen is not None else "the interval holds zero and is narrow"
        return Verdict(f"no difference larger than {rounded_up(reach)}", least)
    if effect.unseen is not None:
        return Verdict(UNKNOWN, f"no case differs, but of {effect.cases} that leaves up to {effect.unseen:.2g} open")
    return Verdict(UNKNOWN, f"the interval holds zero and reaches to {rounded_up(reach)}, beyond the margin {margin:g}")


def rounded_up(value: float) -> str:
    """A bound with two figures, never below the value itself: 0.0342 is 0.035, 14.2 is 15."""
    if value <= 0:
        return "0"
    places = 1 - math.floor(math.log10(value))
    up = math.ceil(round(value * 10**places, 6)) / 10**places
    return f"{up:.{max(places, 0)}f}".rstrip("0").rstrip(".") if places > 0 else f"{up:.0f}"
