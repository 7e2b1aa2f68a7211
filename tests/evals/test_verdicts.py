"""Law: a verdict says no more than the run shows: interval and exact test agree, or it cannot tell."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from milepost.evals.intervals import grouped, mcnemar
from milepost.evals.verdicts import effect_of, flipped, judge, rounded_up


def singles(count: int) -> list[str]:
    """Families of one case each."""
    return [str(at) for at in range(count)]


def verdict(wins: int, losses: int, cases: int, **more: object) -> str:
    """The verdict where the second arm wins and loses so many of the cases, one trial each."""
    base = [0.0] * wins + [1.0] * losses + [1.0] * (cases - wins - losses)
    head = [1.0] * wins + [0.0] * losses + [1.0] * (cases - wins - losses)
    lower = bool(more.get("lower_is_better"))
    return judge(effect_of(base, head, singles(cases), lower_is_better=lower), **more).word  # type: ignore[arg-type] # passed on


def test_the_four_verdicts() -> None:
    """Twelve wins and a loss are better, the other way round worse, one of each narrow, three of ten open."""
    assert verdict(12, 1, 60) == "better"
    assert verdict(1, 12, 60) == "worse"
    assert verdict(1, 1, 100) == "no difference larger than 0.03"
    assert verdict(3, 4, 20) == "cannot tell"


def test_less_can_be_more() -> None:
    """Of unsafe acts the arm with fewer is the better one."""
    assert verdict(1, 12, 60, lower_is_better=True) == "better"
    assert verdict(12, 1, 60, lower_is_better=True) == "worse"


@pytest.mark.parametrize("wins", [3, 4, 5])
def test_a_few_wins_prove_nothing(wins: int) -> None:
    """The bootstrap alone would call them a proof; no exact test does."""
    effect = effect_of([0.0] * 100, [1.0] * wins + [0.0] * (100 - wins), singles(100))
    assert effect.interval is not None and (effect.interval.low > 0 or wins == 3)
    assert judge(effect).word == ("no difference larger than 0.07" if wins == 3 else "cannot tell")
    assert verdict(6, 0, 100) == "better"


def test_no_case_differs() -> None:
    """At most 3/n could: of 151 cases that is worth saying, of 20 it is not."""
    assert verdict(0, 0, 151) == "no difference larger than 0.02"
    assert verdict(0, 0, 20) == "cannot tell"
    assert verdict(0, 0, 20, margin=0.2) == "no difference larger than 0.15"


def test_one_case_or_one_family_says_nothing() -> None:
    """Whatever came of it."""
    one = judge(effect_of([0.0], [1.0], ["a"]))
    assert one.word == "cannot tell" and "one case" in one.why
    family = judge(effect_of([0.0] * 30, [1.0] * 30, ["a"] * 30))
    assert family.word == "cannot tell" and "one family" in family.why


def test_families_are_what_counts() -> None:
    """Thirty wins in three families prove less than ten wins in ten."""
    base = [0.0] * 60
    clustered = effect_of(base, [1.0] * 30 + [0.0] * 30, [str(at // 10) for at in range(60)])
    assert judge(clustered).word == "cannot tell"
    assert verdict(10, 0, 60) == "better"


@settings(deadline=None)
@given(st.integers(0, 12), st.integers(0, 12))
def test_the_randomisation_test_is_mcnemars(wins: int, losses: int) -> None:
    """Where families have one case and scores are 0 and 1: exactly up to 13 that differ, nearly beyond."""
    parts = grouped([1.0] * wins + [-1.0] * losses + [0.0] * 5, singles(wins + losses + 5))
    near = 1e-9 if wins + losses <= 13 else 0.02
    assert flipped(parts) == pytest.approx(mcnemar(wins, losses), abs=near)


def test_the_randomisation_test_by_hand() -> None:
    """Sums 3, 1, -1: of the eight ways to sign them six reach 3 in either direction."""
    ways = [abs(a * 3 + b - c) for a, b, c in product((1, -1), repeat=3)]
    assert flipped(grouped([3, 1, -1], ["a", "b", "c"])) == sum(one >= 3 for one in ways) / 8 == 0.75


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.sampled_from([0, 0.2, 0.6, 1]), st.sampled_from([0, 0.4, 1])), min_size=2, max_size=40))
def test_the_other_way_round_is_the_other_verdict(pairs: list[tuple[float, float]]) -> None:
    """Swapping the arms swaps better and worse, wins and losses, and the sign of the difference."""
    families = singles(len(pairs))
    base, head = [float(a) for a, _ in pairs], [float(b) for _, b in pairs]
    there, back = effect_of(base, head, families), effect_of(head, base, families)
    assert there.mean == pytest.approx(-back.mean, abs=1e-9)
    assert (there.tally.wins, there.tally.losses) == (back.tally.losses, back.tally.wins)
    assert (there.flip, there.exact) == (back.flip, back.exact)
    opposite = {"better": "worse", "worse": "better"}
    if there.flip < 0.03 or there.flip > 0.08:  # the drawn percentiles of a few cases are not quite even
        word = judge(there).word
        assert judge(back).word.split(" than")[0] in (opposite.get(word, word.split(" than")[0]), "cannot tell")


@given(st.floats(1e-6, 1e4))
def test_a_bound_is_rounded_up(value: float) -> None:
    """To two figures, never below the value, never more than a tenth above."""
    assert value * (1 - 1e-6) <= float(rounded_up(value)) <= value * 1.1 + 1e-9
    assert (rounded_up(0.0342), rounded_up(14.2), rounded_up(0.1), rounded_up(0)) == ("0.035", "15", "0.1", "0")
