"""How long a plan's steps will take: intervals from past journeys, or from shipped constants before there are any.

A step's seconds are fitted as a start-up time and a time for each unit, by least squares of relative errors; how far
past runs were from the fit, as logarithms, gives the interval. A journey's whole time is the sum of its steps, held to
what whole journeys really took: they take longer than their steps, and machines have slow days.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..store.plan import Interval

Timing = tuple[str, float, float]
"""Media type ("" for all of a step's files together), units and seconds of one run of a step."""

Work = Mapping[str, Mapping[str, float]]
"""Units by action and media type: bytes for upload and read, chunks for parse and for what publishes, embeddings."""

JourneyTiming = tuple[Mapping[str, float], float]
"""Units by action, and the seconds of the whole journey."""


class Timings(Protocol):
    """The part of the ledger that is read."""

    def timings(self, tenant: str, action: str, *, limit: int = 200) -> list[Timing]: ...


@dataclass(frozen=True)
class Shipped:
    """Seconds that a step takes for nothing, and for each unit, on a machine of today."""

    start: float
    unit: float


SHIPPED: dict[str, Shipped] = {
    "upload": Shipped(0.01, 2e-8),
    "parse": Shipped(0.01, 2e-5),
    "read": Shipped(0.02, 5e-8),
    "embed": Shipped(0.05, 2e-4),
    "expose": Shipped(0.1, 8e-4),
}
"""`parse` takes what planning has read from the cache; `read` is the parsing itself, of files that planning left."""
OTHER = Shipped(0.05, 1e-4)
_SPREAD = 0.9
"""Standard deviation of ln(seconds / fit) before anything was measured: p90 is ten times p10."""
_PRIOR = 2.0
"""How many runs that spread counts for."""
_FLOOR = 0.05
_NORMAL = 1.2816
"""The 90 % quantile of a normal distribution."""
_FEW = 3
"""Runs below which the shipped constants are scaled and not replaced."""
_FITTED = 1
"""Runs by which the fit flatters itself: it has seen them."""
_ENOUGH = 9
"""Runs from which the middle 80 % of their errors has ends of its own: (n + 1) / 10 is one of them."""


@dataclass(frozen=True)
class Fit:
    """A start-up time, a time for each unit, and how far runs are from that: ln(actual / fit) at p10, p50 and p90."""

    start: float
    unit: float
    errors: tuple[float, float, float]
    runs: int

    def at(self, units: float) -> tuple[float, float, float]:
        """Seconds at p10, p50 and p90 for so many units; zero for none."""
        if units <= 0:
            return (0.0, 0.0, 0.0)
        seconds = self.start + self.unit * units
        low, middle, high = (seconds * math.exp(error) for error in self.errors)
        return (low, middle, high)


def estimate_steps(ledger: Timings, tenant: str, work: Work) -> dict[str, Interval]:
    """The interval of each action of `work`, from what the ledger remembers of this tenant's journeys."""
    return {action: estimate(action, units, ledger.timings(tenant, action)) for action, units in work.items()}


def estimate(action: str, units: Mapping[str, float], timings: Sequence[Timing]) -> Interval:
    """One action's interval: for each file type by its own past where it has one, else by all that was met."""
    told = [timing for timing in timings if timing[1] > 0]
    parts: list[tuple[float, float, float]] = []
    for media_type, amount in units.items():
        own = [timing for timing in told if timing[0] == media_type]
        parts.append(fit(SHIPPED.get(action, OTHER), [(u, s) for _, u, s in own or told]).at(amount))
    return _interval([sum(values) for values in zip(*parts, strict=True)] or [0.0] * 3, basis(len(told)))


def fit(shipped: Shipped, runs: Sequence[tuple[float, float]]) -> Fit:
    """Fit (units, seconds) of past runs; with fewer than three, the shipped constants are scaled to them."""
    met = [(max(units, 1e-6), max(seconds, 1e-6)) for units, seconds in runs]
    start, unit = shipped.start, shipped.unit
    if len(met) >= _FEW:
        start, unit = _line(met)
    errors = [math.log(seconds / max(start + unit * units, 1e-9)) for units, seconds in met]
    return Fit(start, unit, _spread(errors), len(met))


def _line(runs: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Least squares of relative errors; neither part is below zero."""
    weights = [1 / seconds**2 for _, seconds in runs]
    pairs = list(zip(weights, runs, strict=True))
    w, wu = sum(weights), sum(k * u for k, (u, _) in pairs)
    wuu, wy = sum(k * u * u for k, (u, _) in pairs), sum(k * s for k, (_, s) in pairs)
    wuy = sum(k * u * s for k, (u, s) in pairs)
    scale = w * wuu
    apart = scale - wu * wu
    if apart > 1e-9 * scale:
        unit = (w * wuy - wu * wy) / apart
        start = (wy - unit * wu) / w
        if unit >= 0 and start >= 0:
            return start, unit
        if unit < 0:
            return wy / w, 0.0
    return 0.0, wuy / wuu


def _spread(errors: Sequence[float]) -> tuple[float, float, float]:
    """Where the next error will lie: quantiles of those that were, from nine on; before that by a wide normal."""
    count = len(errors)
    if count >= _ENOUGH:
        tail = 0.1 * count / (count + _FITTED)  # the fit has seen these runs; it has not seen the next
        low, middle, high = (_quantile(sorted(errors), at) for at in (tail, 0.5, 1 - tail))
        return min(low, middle - _FLOOR), middle, max(high, middle + _FLOOR)
    middle = statistics.median(errors) if errors else 0.0
    squares = sum((error - middle) ** 2 for error in errors)
    freedom = _PRIOR + max(0, count - 1)
    deviation = math.sqrt((_PRIOR * (_SPREAD / (1 + count)) ** 2 + squares) / freedom)
    width = _NORMAL * (1 + 0.85 / freedom) * math.sqrt(1 + 1 / (1 + count)) * max(deviation, _FLOOR)
    return middle - width, middle, middle + width


def _quantile(ordered: Sequence[float], at: float) -> float:
    """The place below which the next of a row of alike values lies with this probability: (n + 1) * at, between two."""
    place = min(max(at * (len(ordered) + 1) - 1, 0.0), len(ordered) - 1.0)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def total(
    intervals: Sequence[Interval], past: Iterable[JourneyTiming] = (), fits: Mapping[str, Fit] | None = None
) -> Interval:
    """The steps one after the other, as sure as the weakest; from three whole journeys on, held to what those took.

    `past` are whole journeys, `fits` says for each action what its steps are taken to have taken in them.
    """
    if not intervals:
        return Interval()
    sums = [sum(getattr(interval, name) for interval in intervals) for name in ("p10", "p50", "p90")]
    weakest = min(intervals, key=lambda interval: _runs(interval.basis))
    whole = [(sum(_middle(fits or {}, a, u) for a, u in units.items()), seconds) for units, seconds in past]
    whole = [(stated, seconds) for stated, seconds in whole if stated > 0]
    if len(whole) < _FEW or sums[1] <= 0:
        return _interval(sums, weakest.basis)
    return _interval(fit(Shipped(0.0, 1.0), whole).at(sums[1]), basis(len(whole)))


def _middle(fits: Mapping[str, Fit], action: str, units: float) -> float:
    return fits[action].at(units)[1] if action in fits else 0.0


def basis(journeys: int) -> str:
    """Where an interval comes from, in words."""
    if not journeys:
        return "shipped constants"
    return f"from {journeys} past {'journey' if journeys == 1 else 'journeys'}"


def _runs(said: str) -> int:
    return next((int(word) for word in said.split() if word.isdigit()), 0)


def _interval(quantiles: Sequence[float], said: str) -> Interval:
    p10, p50, p90 = (round(value, 3) for value in quantiles)
    return Interval(p10=p10, p50=p50, p90=p90, basis=said)
