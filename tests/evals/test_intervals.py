"""Law: every number is what it is by hand, and what a well-kept library says where it has the same."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from milepost.evals.intervals import (
    at_most,
    cluster_bootstrap,
    detectable,
    effective,
    grouped,
    holm,
    least_wins,
    mcnemar,
    paired_t,
    pass_hat,
    rate_interval,
    spread_of_mean,
    student,
    wilson,
)
from milepost.store.errors import UsageError


def test_wilson_by_hand() -> None:
    """Of 0 in 10 the upper end is z^2 / (n + z^2); of 5 in 10 the ends lie even around the middle."""
    z2 = 1.959964**2
    none = wilson(0.0, 10, 0.95)
    assert none.low == 0.0 and none.high == pytest.approx(z2 / (10 + z2), abs=1e-6)
    half = wilson(0.5, 10, 0.95)
    assert (half.low, half.high) == (pytest.approx(0.236593, abs=1e-6), pytest.approx(0.763407, abs=1e-6))


@settings(deadline=None)
@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_wilson_is_scipys(seen: tuple[int, int], level: float) -> None:
    """For whole numbers of trials."""
    k, n = seen
    theirs = stats.binomtest(k, n).proportion_ci(level, method="wilson")
    ours = wilson(k / n, n, level)
    assert (ours.low, ours.high) == (pytest.approx(theirs.low, abs=1e-9), pytest.approx(theirs.high, abs=1e-9))


def _covered(intervals: list[tuple[float, float]], rate: float) -> float:
    """The exact chance that an interval of k in n holds the rate."""
    n = len(intervals) - 1
    return sum(stats.binom.pmf(k, n, rate) for k, (low, high) in enumerate(intervals) if low <= rate <= high)


def test_why_wilson() -> None:
    """At a true rate of 0.97 and n = 20 a t interval of 95 % covers 45 %, Wilson's 98 %."""
    n, t = 20, student(0.95, 19)
    reach = [t * math.sqrt(k / n * (1 - k / n) / (n - 1)) for k in range(n + 1)]
    usual = [(k / n - half, k / n + half) for k, half in enumerate(reach)]
    ours = [(one.low, one.high) for one in (wilson(k / n, n, 0.95) for k in range(n + 1))]
    assert _covered(usual, 0.97) == pytest.approx(0.45, abs=0.01)
    assert _covered(ours, 0.97) == pytest.approx(0.98, abs=0.01)


def test_the_rule_of_three() -> None:
    """No failure in 60 leaves at most 5 %; in two, anything."""
    assert (at_most(60), at_most(2)) == (0.05, 1.0)


def test_the_spread_of_a_mean_by_hand() -> None:
    """Families (1, 1) and (0, 0): without either the mean is off by 1/2, so sqrt(1/2 * (1/4 + 1/4)) = 1/2."""
    assert spread_of_mean(grouped([1, 1, 0, 0], ["a", "a", "b", "b"])) == pytest.approx(0.5)
    assert spread_of_mean(grouped([1, 1, 0], ["a", "a", "a"])) == math.inf


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=60))
def test_families_of_one_case_are_the_usual_statistics(values: list[float]) -> None:
    """The standard error is s / sqrt(n), the worth is n."""
    parts = grouped(values, [str(at) for at in range(len(values))])
    assert spread_of_mean(parts) == pytest.approx(float(np.std(values, ddof=1)) / math.sqrt(len(values)), abs=1e-9)
    assert parts.worth == pytest.approx(len(values))


def test_paired_t_by_hand() -> None:
    """Differences 1, 1, 0, 0: mean 1/2, standard error sqrt(1/12), t(3) at 97.5 % 3.182446."""
    found = paired_t(grouped([1, 1, 0, 0], ["a", "b", "c", "d"]), 0.95)
    half = 3.182446 * math.sqrt(1 / 12)
    assert (found.interval.low, found.interval.high) == (pytest.approx(0.5 - half), pytest.approx(0.5 + half))
    theirs = stats.ttest_rel([1, 1, 0, 0], [0, 0, 0, 0])
    assert found.p == pytest.approx(theirs.pvalue)


def test_paired_t_of_families_is_wider() -> None:
    """Ten copies of a case are no ten cases."""
    values = [1.0, 0.0, 0.0, 1.0, 1.0]
    alone = paired_t(grouped(values * 10, [str(at) for at in range(50)]), 0.95).interval
    copies = paired_t(grouped(values * 10, [str(at % 5) for at in range(50)]), 0.95).interval
    assert copies.high - copies.low > 3 * (alone.high - alone.low)


def test_mcnemar_by_hand() -> None:
    """One win and seven losses: 2 * (C(8,0) + C(8,1)) / 256; none of either: 1; six to nothing: 1/32."""
    assert mcnemar(1, 7) == pytest.approx(2 * 9 / 256)
    assert (mcnemar(0, 0), mcnemar(4, 4)) == (1.0, 1.0)
    assert mcnemar(6, 0) == pytest.approx(1 / 32)


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95, 0.99])
def test_the_fewest_wins_that_prove(level: float) -> None:
    """So many without a loss are enough, one less is not."""
    least = least_wins(level)
    assert mcnemar(least, 0) < 1 - level <= mcnemar(least - 1, 0)


def test_holm_by_hand() -> None:
    """0.005 * 4, 0.01 * 3, 0.03 * 2, and 0.04, which may not fall below the one before."""
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert found == {name: pytest.approx(p) for name, p in {"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06}.items()}
    assert holm({}) == {} and holm({"one": 0.7, "two": 0.8}) == {"one": 1.0, "two": 1.0}


def test_pass_hat_by_hand() -> None:
    """Three of five: C(3,2) / C(5,2) = 3/10; k beyond what passed is 0; more than there were is refused."""
    assert pass_hat(3, 5, 2) == pytest.approx(0.3)
    assert (pass_hat(3, 5, 4), pass_hat(5, 5, 5), pass_hat(2, 4, 1)) == (0.0, 1.0, 0.5)
    with pytest.raises(ValueError, match="6 of 5"):
        pass_hat(5, 5, 6)


def test_the_bootstrap_is_the_same_every_time() -> None:
    """A fixed seed: twice the same ends, and another seed gives others that are near."""
    values = [float(at % 3 == 0) for at in range(60)]
    parts = grouped(values, [str(at // 4) for at in range(60)])
    one, two, other = (cluster_bootstrap(parts, 0.95, seed=seed) for seed in (1, 1, 2))
    assert one == two
    assert other.low == pytest.approx(one.low, abs=0.02) and other.high == pytest.approx(one.high, abs=0.02)


def test_the_bootstrap_by_theory() -> None:
    """With many families it is the normal interval: mean +- 1.96 standard errors."""
    values = list(np.random.default_rng(5).normal(0.2, 1, 400))
    parts = grouped(values, [str(at) for at in range(400)])
    found = cluster_bootstrap(parts, 0.95)
    reach = 1.96 * spread_of_mean(parts)
    assert found.low == pytest.approx(parts.mean - reach, abs=0.01)
    assert found.high == pytest.approx(parts.mean + reach, abs=0.01)


def test_families_leave_fewer_cases() -> None:
    """Four copies of each case are worth as many cases as there are families; single ones are all worth themselves."""
    values = [float(at % 2) for at in range(20)]
    alone = grouped(values, [str(at) for at in range(20)])
    copies = grouped([one for one in values for _ in range(4)], [str(at // 4) for at in range(80)])
    assert effective(alone) == pytest.approx(20, rel=0.06)
    assert effective(copies) == pytest.approx(20 * (1.959964 / student(0.95, 19)) ** 2, rel=0.06)
    assert effective(grouped([1, 1, 1], ["a", "a", "a"])) == 1.0
    assert effective(grouped([1.0] * 8, [str(at // 4) for at in range(8)])) == 2.0


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.5, 1.0]), st.sampled_from("abcdef")), min_size=1, max_size=40),
    st.integers(1, 5),
)
def test_a_rate_lies_in_its_interval(cases: list[tuple[float, str]], epochs: int) -> None:
    """Whatever the families: the interval is within 0 and 1 and holds the mean, or nearly (a bootstrap of few)."""
    values, families = [value for value, _ in cases], [family for _, family in cases]
    found = rate_interval(values, families, 0.95, epochs=epochs)
    assert 0 <= found.low <= found.high <= 1
    mean = sum(values) / len(values)
    assert found.low - 1e-9 <= mean <= found.high + 1e-9


def test_the_smallest_difference_that_could_be_seen() -> None:
    """EVALS: 80 % power needs 19 to 27 points with 40 cases, 9 to 13 with 200, where 20 to 35 % of the cases differ."""
    for cases, low, high in ((40, 0.19, 0.28), (200, 0.085, 0.125)):
        for differ in (0.2, 0.35):
            half = round(cases * differ / 2)
            values = [1.0] * half + [-1.0] * half + [0.0] * (cases - 2 * half)
            found = detectable(grouped(values, [str(at) for at in range(cases)]), 0.95)
            assert low <= found <= high


def test_a_run_without_a_difference_did_not_see_everything() -> None:
    """At least as many cases as the exact test needs would have had to change."""
    assert detectable(grouped([0.0] * 40, [str(at) for at in range(40)]), 0.95) == pytest.approx(6 / 40)
    assert detectable(grouped([0.0] * 4, ["a"] * 4), 0.95) == math.inf


def test_values_and_families_go_together() -> None:
    """Else nothing is added up."""
    with pytest.raises(ValueError, match="2 values for 1 families"):
        grouped([1, 2], ["a"])
    with pytest.raises(ValueError, match="0 values"):
        grouped([], [])


def test_without_scipy_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """One error with the command that helps, not a missing module."""
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(UsageError) as found:
        mcnemar(1, 2)
    assert "scipy" in found.value.message and found.value.next == "pip install 'milepost[evals]'"
