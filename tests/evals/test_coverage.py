"""Law: intervals cover what they say: of 2,000 simulated runs between 88 and 92 % lie around the truth at 90 %.

The simulated runs are like ours: cases in families of 1 to 8, alike within a family; planners without chance (one
trial) and with (five epochs). One fixed seed for all: no run was chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest

from milepost.evals.intervals import SEED, Interval, at_most, cluster_bootstrap, grouped, paired_t, rate_interval
from milepost.evals.verdicts import effect_of, judge

RUNS = 2_000
SIZES = (1, 2, 3, 4, 8)
DRAWS = 1_000
"""Of the bootstrap, so that the simulation takes seconds; the ends move by less than their own error."""


@dataclass(frozen=True)
class World:
    """Where runs come from: so many families, the true rates of both arms, and the trials of each."""

    families: int
    base: float
    head: float
    base_epochs: int = 1
    head_epochs: int = 5
    sizes: tuple[int, ...] = SIZES
    alike: float = 0.25
    """How alike the cases of a family are: the correlation of their rates' family part."""

    def run(self, random: np.random.Generator) -> tuple[list[float], list[float], list[str]]:
        """One run: each case's mean in both arms, and its family."""
        sizes = random.choice(self.sizes, self.families)
        family = np.repeat(np.arange(self.families), sizes)
        means = [self._means(random, family, rate, trials)
                 for rate, trials in ((self.base, self.base_epochs), (self.head, self.head_epochs))]  # fmt: skip
        return means[0].tolist(), means[1].tolist(), [str(one) for one in family]

    def _means(self, random: np.random.Generator, family: np.ndarray, rate: float, trials: int) -> np.ndarray:
        spread = 1 / self.alike - 1
        by_family = random.beta(rate * spread, (1 - rate) * spread, self.families)[family]
        by_case = random.beta(np.maximum(by_family * 2, 1e-9), np.maximum((1 - by_family) * 2, 1e-9))
        return random.binomial(trials, by_case) / trials


Means = tuple[list[float], list[float], list[str]]
WORLDS = {
    "30 families, template against model": World(30, 0.6, 0.7),
    "60 families, a good model": World(60, 0.75, 0.85),
    "120 single cases": World(120, 0.6, 0.7, sizes=(1,)),
    "two models": World(35, 0.6, 0.75, base_epochs=5),
}


def covered(world: World, interval: Callable[[Means], Interval], truth: float) -> float:
    """The share of runs whose interval holds the truth."""
    random = np.random.default_rng(SEED)
    return sum(interval(world.run(random)).holds(truth) for _ in range(RUNS)) / RUNS


def difference(means: Means) -> list[float]:
    return [second - first for first, second in zip(means[0], means[1], strict=True)]


@pytest.mark.parametrize("name", WORLDS)
def test_the_bootstrap_of_a_difference_covers(name: str) -> None:
    """Over families, of paired differences."""
    world = WORLDS[name]
    found = covered(
        world,
        lambda means: cluster_bootstrap(grouped(difference(means), means[2]), 0.9, draws=DRAWS),
        world.head - world.base,
    )
    assert 0.88 <= found <= 0.92


@pytest.mark.parametrize("name", WORLDS)
def test_the_paired_t_covers(name: str) -> None:
    """With the families' standard error."""
    world = WORLDS[name]
    found = covered(
        world, lambda means: paired_t(grouped(difference(means), means[2]), 0.9).interval, world.head - world.base
    )
    assert 0.88 <= found <= 0.92


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("arm", [0, 1])
def test_the_interval_of_a_rate_covers(name: str, arm: int) -> None:
    """Wilson's on what the families leave, with one trial a case and with five."""
    world = WORLDS[name]
    epochs = (world.base_epochs, world.head_epochs)[arm]
    found = covered(
        world,
        lambda means: rate_interval(means[arm], means[2], 0.9, epochs=epochs),
        (world.base, world.head)[arm],
    )
    assert 0.88 <= found <= 0.92


RATES = [(rate, epochs) for rate in (0.5, 0.9, 0.97) for epochs in (1, 2, 5)]


def rate_covered(world: World, rate: float, epochs: int) -> float:
    """The share of runs in which the interval of the first arm's rate holds it."""
    return covered(world, lambda means: rate_interval(means[0], means[2], 0.9, epochs=epochs), rate)


@pytest.mark.parametrize(("rate", "epochs"), RATES)
def test_the_interval_of_a_rate_covers_near_one_too(rate: float, epochs: int) -> None:
    """60 families, one trial a case or several: where hardly anything fails it is right as often as in the middle."""
    assert 0.88 <= rate_covered(World(60, rate, rate, base_epochs=epochs, head_epochs=1), rate, epochs) <= 0.92


@pytest.mark.nightly
@pytest.mark.parametrize(("rate", "epochs"), RATES)
@pytest.mark.parametrize(
    "world",
    [World(60, 0, 0, alike=0.5), World(60, 0, 0, sizes=(3, 4, 5, 6), alike=0.1), World(120, 0, 0, sizes=(1,)),
     World(33, 0, 0)],
    ids=["alike", "unlike", "single", "few"],
)  # fmt: skip
def test_the_interval_of_a_rate_never_falls_short(world: World, rate: float, epochs: int) -> None:
    """In other families, too, by more than a little; where one or two families fail it is wider than it had to be."""
    assert 0.85 <= rate_covered(replace(world, base=rate, head=rate, base_epochs=epochs), rate, epochs) <= 0.97


def test_cases_that_are_counted_as_single_ones_do_not_cover() -> None:
    """What the families are for: without them 90 % is a good deal less."""
    world = World(30, 0.6, 0.7, alike=0.5)
    found = covered(
        world,
        lambda means: paired_t(grouped(difference(means), [str(at) for at in range(len(means[2]))]), 0.9).interval,
        0.1,
    )
    assert found < 0.85


def test_the_rule_of_three_covers() -> None:
    """A rate just above the bound lets so many trials pass without a single one in at most 5 % of the runs."""
    for n in (10, 40, 150):
        assert (1 - at_most(n)) ** n <= 0.05


def test_arms_that_are_alike_are_rarely_told_apart() -> None:
    """At 95 % a verdict is wrong in at most one of twenty runs, and better as often as worse."""
    random, world = np.random.default_rng(SEED), World(33, 0.6, 0.6)
    words = [_verdict(world.run(random)) for _ in range(500)]
    assert (words.count("better") + words.count("worse")) / len(words) <= 0.06
    assert abs(words.count("better") - words.count("worse")) <= 15


def test_a_difference_that_can_be_seen_is_seen() -> None:
    """At the smallest difference that runs of this kind say they could have seen, about four of five see it."""
    random, world = np.random.default_rng(SEED), World(60, 0.5, 0.5, sizes=(1, 2, 3))
    least = float(np.mean([effect_of(*world.run(random)).least for _ in range(40)]))
    shifted = World(60, 0.5, 0.5 + least, sizes=(1, 2, 3))
    words = [_verdict(shifted.run(random)) for _ in range(300)]
    assert 0.72 <= words.count("better") / len(words) <= 0.9


def _verdict(means: Means) -> str:
    return judge(effect_of(*means)).word
