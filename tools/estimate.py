"""How long a plan's steps will take: intervals from past journeys, or from shipped constants before there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..store.plan import Interval

Timing = tuple[str, float, float]
"""Media type ("" for all of a step's files together), units and seconds of one run of a step."""

Work = Mapping[str, Mapping[str, float]]
"""Units by action and media type: bytes for upload and parse, embeddings for embed, chunks for the rest."""


class Timings(Protocol):
    """The part of the ledger that is read."""

    def timings(self, tenant: str, action: str, *, limit: int = 200) -> list[Timing]: ...


@dataclass(frozen=True)
class Shipped:
    """Seconds that a step takes for nothing, and for each unit, on a slow and a fast machine of today."""

    start: float
    unit: tuple[float, float, float]


SHIPPED: dict[str, Shipped] = {
    "upload": Shipped(0.02, (2e-9, 1e-8, 4e-8)),
    "parse": Shipped(0.02, (5e-9, 5e-8, 5e-7)),
    "embed": Shipped(0.2, (5e-5, 2e-4, 1e-3)),
    "expose": Shipped(0.1, (3e-4, 8e-4, 2.5e-3)),
}
_OTHER = Shipped(0.05, (1e-5, 1e-4, 1e-3))
_SPREAD = (0.5, 1.0, 2.0)
"""What the time for nothing is multiplied by at p10, p50 and p90."""
_ENOUGH = 5
"""Runs from which quantiles say something; the interval of fewer is widened."""


def estimate_steps(ledger: Timings, tenant: str, work: Work) -> dict[str, Interval]:
    """The interval of each action of `work`, from what the ledger remembers of this tenant's journeys."""
    return {action: estimate(action, units, ledger.timings(tenant, action)) for action, units in work.items()}


def estimate(action: str, units: Mapping[str, float], timings: Sequence[Timing]) -> Interval:
    """One action's interval: a start-up time, and for each file type its units times seconds for a unit."""
    shipped = SHIPPED.get(action, _OTHER)
    told = [timing for timing in timings if timing[1] > 0]
    quantiles = [shipped.start * factor if any(units.values()) else 0.0 for factor in _SPREAD]
    for media_type, amount in units.items():
        rates = _rates(shipped, media_type, told)
        quantiles = [so_far + amount * rate for so_far, rate in zip(quantiles, rates, strict=True)]
    return _interval(quantiles, basis(len(told)))


def total(intervals: Sequence[Interval]) -> Interval:
    """The steps one after the other: a sum; its basis is the weakest of theirs."""
    if not intervals:
        return Interval()
    weakest = min(intervals, key=lambda interval: _runs(interval.basis))
    sums = [sum(getattr(interval, name) for interval in intervals) for name in ("p10", "p50", "p90")]
    return _interval(sums, weakest.basis)


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


def _rates(shipped: Shipped, media_type: str, timings: Sequence[Timing]) -> tuple[float, float, float]:
    """Seconds for a unit at p10, p50 and p90, of this file type where it was met, else of all."""
    own = [timing for timing in timings if timing[0] == media_type]
    met = own or timings
    if not met:
        return shipped.unit
    rates = sorted((max(seconds - shipped.start, seconds * 0.1) / units, units) for _, units, seconds in met)
    p10, p50, p90 = (_weighted(rates, at) for at in (0.1, 0.5, 0.9))
    if len(rates) < _ENOUGH:
        return p10 * 0.6, p50, p90 * 1.7
    return p10, p50, p90


def _weighted(rates: Sequence[tuple[float, float]], at: float) -> float:
    """A quantile of sorted (rate, units): a run of many units says more about the rate than one of few."""
    wanted = at * sum(units for _, units in rates)
    passed = 0.0
    for rate, units in rates:
        passed += units
        if passed >= wanted:
            return rate
    return rates[-1][0]
