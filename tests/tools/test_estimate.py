"""Law: estimates are ordered intervals from what was measured, and say from how much; before that, from constants."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from milepost.store.plan import Interval
from milepost.tools.estimate import SHIPPED, Timing, estimate, estimate_steps, total

TIMINGS = st.lists(
    st.tuples(
        st.sampled_from(["", "text/plain", "application/pdf"]),
        st.floats(0, 1e9, allow_nan=False),
        st.floats(0, 1e4, allow_nan=False),
    ),
    max_size=30,
)


class Remembered:
    """A ledger that remembers only timings."""

    def __init__(self, timings: dict[str, list[Timing]]) -> None:
        self._timings = timings

    def timings(self, tenant: str, action: str, *, limit: int = 200) -> list[Timing]:
        return self._timings.get(action, [])[:limit] if tenant == "default" else []


def test_before_any_journey_the_constants_speak_and_say_so() -> None:
    """Every built-in step has its own; the basis is "shipped constants"."""
    for action in SHIPPED:
        guess = estimate(action, {"": 1000.0}, [])
        assert guess.basis == "shipped constants"
        assert 0 < guess.p10 < guess.p50 < guess.p90


def test_past_journeys_give_the_rate_and_their_number() -> None:
    """Twelve runs at 2 ms a unit, give or take: 1,000 units take about 2 s."""
    rng = random.Random(7)
    past = [("", 500.0, 500 * 0.002 * rng.uniform(0.8, 1.25)) for _ in range(12)]
    guess = estimate("embed", {"": 1000.0}, past)
    assert guess.basis == "from 12 past journeys"
    assert guess.p10 <= 2.0 <= guess.p90
    assert guess.p50 == pytest.approx(2.0, rel=0.3)
    assert estimate("embed", {"": 1000.0}, past[:1]).basis == "from 1 past journey"


def test_a_file_type_has_its_own_rate() -> None:
    """PDFs that took long make PDFs long, not plain text; an unmet type goes by all that was met."""
    past = [("application/pdf", 1e6, 10.0)] * 6 + [("text/plain", 1e6, 0.1)] * 6
    pdf, text, new = (estimate("parse", {kind: 1e6}, past).p50 for kind in ("application/pdf", "text/plain", "x/y"))
    assert pdf > 9 and text < 0.3
    assert text <= new <= pdf


def test_small_runs_do_not_make_large_ones_slow() -> None:
    """The time that every run takes is not counted as the time for a unit."""
    past = [("", 1.0, SHIPPED["expose"].start)] * 10 + [("", 10_000.0, 5.0)] * 3
    assert estimate("expose", {"": 20_000.0}, past).p50 < 15


def test_nothing_to_do_takes_no_time() -> None:
    """A plan that skips everything is estimated at zero."""
    assert estimate("embed", {"": 0.0}, []).p90 == 0
    assert estimate("upload", {}, []).p90 == 0


def test_the_total_is_the_sum_and_as_sure_as_its_weakest_part() -> None:
    """One step without a past makes the whole one from shipped constants."""
    past = Remembered({"upload": [("", 1000.0, 1.0)] * 5})
    parts = estimate_steps(past, "default", {"upload": {"": 1000.0}, "parse": {"": 1000.0}})
    whole = total(list(parts.values()))
    assert whole.p50 == pytest.approx(parts["upload"].p50 + parts["parse"].p50, abs=0.002)
    assert (parts["upload"].basis, whole.basis) == ("from 5 past journeys", "shipped constants")
    assert total([]) == Interval()
    assert estimate_steps(past, "another", {"upload": {"": 1.0}})["upload"].basis == "shipped constants"


@example([("", 1.4e-275, 0.0)] + [("", 2.3e-313, 0.0)] * 2, {"": 0.0})
@given(TIMINGS, st.dictionaries(st.sampled_from(["", "text/plain"]), st.floats(0, 1e9), max_size=2))
def test_an_interval_is_ordered_and_finite(past: list[Timing], units: dict[str, float]) -> None:
    """Whatever was measured: 0 <= p10 <= p50 <= p90."""
    for action in ("parse", "geocode"):
        guess = estimate(action, units, past)
        assert 0 <= guess.p10 <= guess.p50 <= guess.p90 < float("inf")
