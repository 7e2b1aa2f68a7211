"""How sure a number is: intervals for rates and for differences whose cases come in families. Pure functions.

Values have shape (cases,); `families` says, in the same order, which cases are paraphrases of one another: they stand
and fall together, so families, not cases, are what is drawn anew. Levels are shares: 0.95 is 95 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any, NamedTuple, cast

import numpy as np
import numpy.typing as npt

from ..store.errors import UsageError

DRAWS = 10_000
SEED = 20_261_127
_HALF = 0.5
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """From `low` to `high`; `how` names the method."""

    low: float
    high: float
    how: str

    def holds(self, value: float) -> bool:
        return self.low <= value <= self.high


class Grouped(NamedTuple):
    """Values added up by family: sums and numbers of cases, each of shape (families,)."""

    sums: Floats
    sizes: Floats

    @property
    def mean(self) -> float:
        return float(self.sums.sum() / self.sizes.sum())

    @property
    def worth(self) -> float:
        """How many families of equal size would say as much (Kish): n^2 / sum of squared sizes."""
        return float(self.sizes.sum() ** 2 / (self.sizes**2).sum())


def scipy_stats() -> Any:
    """The library of distributions; `UsageError` with the way to get it where it is not installed."""
    try:
        from scipy import stats  # type: ignore[import-untyped] # it has no types
    except ImportError:
        raise UsageError(
            "comparing runs needs scipy, which is not installed",
            cause="it is 115 MB and nothing else here needs it, so it comes with the extra evals",
            state="nothing was written",
            next="pip install 'milepost[evals]'",
        ) from None
    return cast("Any", stats)


def grouped(values: Sequence[float], families: Sequence[str]) -> Grouped:
    """Add values up by family; `ValueError` without any, or where the two do not go together."""
    if not values or len(values) != len(families):
        raise ValueError(f"{len(values)} values for {len(families)} families")
    _, which = np.unique(np.asarray(families), return_inverse=True)
    sums = np.bincount(which, np.asarray(values, dtype=float)).astype(float)
    return Grouped(sums, np.bincount(which).astype(float))


def wilson(rate: float, n: float, level: float) -> Interval:
    """Wilson's score interval of a rate seen in `n` trials (Wilson 1927); `n` may be an effective number."""
    z2 = NormalDist().inv_cdf((1 + level) / 2) ** 2
    middle = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * rate * (1 - rate) / n + (z2 / (2 * n)) ** 2) / (1 + z2 / n)
    low, high = (round(min(max(end, 0.0), 1.0), 12) for end in (middle - half, middle + half))
    return Interval(low, high, "Wilson")


def at_most(n: float) -> float:
    """What a rate is at most, with 95 %, after `n` trials without a single one (the rule of three)."""
    return min(1.0, 3 / n)


def spread_of_mean(parts: Grouped) -> float:
    """The standard error of a mean over cases, families being what varies; infinite with one family.

    The jackknife's: the square root of (G-1)/G * sum of (mean without a family - mean)^2, which does not fall short
    where families are of unequal size. With families of one case each it is the usual s / sqrt(n).
    """
    count = len(parts.sums)
    if count < 2:
        return math.inf
    without = (parts.sums.sum() - parts.sums) / (parts.sizes.sum() - parts.sizes)
    return float(math.sqrt((count - 1) / count * ((without - parts.mean) ** 2).sum()))


def rate_interval(values: Sequence[float], families: Sequence[str], level: float, *, epochs: int) -> Interval:
    """The interval of a mean of values between 0 and 1: Wilson's, on as many trials as the families leave.

    With one trial a case as with several: a bootstrap over families holds a rate of 0.97 far too rarely, as most of its
    draws have none of the few families that fail.
    """
    parts = grouped(values, families)
    return wilson(min(max(parts.mean, 0.0), 1.0), effective(parts, level, epochs=epochs), level)


def effective(parts: Grouped, level: float = 0.95, *, epochs: int = 1) -> float:
    """How many independent trials say as much about a rate as these families do; never more than there are.

    The design effect is the variance of the mean over families, against p (1 - p) / n. It is read off the cases and, as
    if it had been seen besides, half a family of mean size that succeeded and half a one that failed: few failures show
    too little of how alike a family is. Where all values are 0 or all 1 nothing shows it, and the families are counted.
    """
    rate, cases = parts.mean, float(parts.sizes.sum())
    if len(parts.sums) == 1:
        return 1.0
    if not 0 < rate < 1:
        return parts.worth
    half = _HALF * cases / len(parts.sums)
    fuller = Grouped(np.append(parts.sums, [0.0, half]), np.append(parts.sizes, [half, half]))
    seen = fuller.mean * (1 - fuller.mean) / spread_of_mean(fuller) ** 2 * cases / float(fuller.sizes.sum())
    alone = min(cases * epochs, max(1.0, seen))
    return alone if parts.sizes.max() == 1 else alone * _doubt(parts.worth, level)


def _doubt(worth: float, level: float) -> float:
    """What not knowing how alike families are takes away (Korn and Graubard 1998): (normal / Student's quantile)^2."""
    normal = NormalDist().inv_cdf((1 + level) / 2)
    return (normal / student(level, max(worth - 1, 0.5))) ** 2


def cluster_bootstrap(parts: Grouped, level: float, *, draws: int = DRAWS, seed: int = SEED) -> Interval:
    """The bootstrap interval of a mean: families are drawn with replacement, percentiles taken.

    The percentiles are those that make up for few families (Hesterberg 2015, "expanded percentile": the normal
    quantile is replaced by sqrt(g/(g-1)) times Student's with g-1 degrees of freedom, g the families' worth).
    """
    weights = _drawn(len(parts.sums), draws, seed)
    means = (weights @ parts.sums) / (weights @ parts.sizes)
    worth = max(parts.worth, 1.5)
    reach = math.sqrt(worth / (worth - 1)) * student(level, worth - 1)
    tail = NormalDist().cdf(-reach)
    low, high = np.quantile(means, [tail, 1 - tail])
    return Interval(float(low), float(high), "bootstrap over families")


@lru_cache(maxsize=4)
def _drawn(families: int, draws: int, seed: int) -> Floats:
    """How often each family was drawn, shape (draws, families)."""
    drawn = np.random.default_rng(seed).multinomial(families, np.full(families, 1 / families), size=draws)
    return drawn.astype(np.float64)


def student(level: float, freedom: float) -> float:
    """Student's quantile that leaves (1 - level) / 2 above it."""
    return float(scipy_stats().t.ppf((1 + level) / 2, freedom))


class PairedT(NamedTuple):
    """A paired t test: the interval of the mean difference, and the two-sided p."""

    interval: Interval
    p: float


def paired_t(parts: Grouped, level: float) -> PairedT:
    """Student's interval of the mean of paired differences; families of one case each make it the usual paired t."""
    error, freedom = spread_of_mean(parts), max(parts.worth - 1, 0.5)
    mean = parts.mean
    if math.isinf(error):
        return PairedT(Interval(-1.0, 1.0, "none: one family"), 1.0)
    half = student(level, freedom) * error
    p = 1.0 if mean == 0 else 0.0 if error == 0 else float(2 * scipy_stats().t.sf(abs(mean) / error, freedom))
    return PairedT(Interval(mean - half, mean + half, "paired t"), p)


def mcnemar(wins: int, losses: int) -> float:
    """The exact two-sided p of so many wins and losses where each is as likely (McNemar, by the binomial)."""
    if wins + losses == 0:
        return 1.0
    return float(scipy_stats().binomtest(wins, wins + losses, 0.5).pvalue)


def holm(ps: dict[str, float]) -> dict[str, float]:
    """Several p values, corrected so that one false alarm among them all stays as rare as it says (Holm 1979)."""
    corrected: dict[str, float] = {}
    highest = 0.0
    for rank, (name, p) in enumerate(sorted(ps.items(), key=lambda pair: pair[1])):
        highest = max(highest, min(1.0, p * (len(ps) - rank)))
        corrected[name] = highest
    return corrected


def detectable(parts: Grouped, level: float, *, power: float = 0.8) -> float:
    """The smallest true difference that a run like this one would have found with so much power.

    Student's two quantiles times the standard error; never below what an exact test needs at the least, so many cases
    that all change the same way, so that a run without any difference does not claim to see everything.
    """
    error = spread_of_mean(parts)
    if math.isinf(error):
        return math.inf
    freedom = max(parts.worth - 1, 0.5)
    seen = (student(level, freedom) + float(scipy_stats().t.ppf(power, freedom))) * error
    return max(seen, least_wins(level) / float(parts.sizes.sum()))


def least_wins(level: float) -> int:
    """The fewest wins without a loss whose exact p is below 1 - level: 6 at 95 %, 5 at 90 %."""
    return math.floor(1 - math.log2(1 - level) + 1e-9) + 1


def pass_hat(passed: int, trials: int, k: int) -> float:
    """The chance that `k` of the trials, drawn without replacement, all passed: C(passed, k) / C(trials, k)."""
    if not 1 <= k <= trials:
        raise ValueError(f"cannot draw {k} of {trials} trials")
    return math.comb(passed, k) / math.comb(trials, k)
