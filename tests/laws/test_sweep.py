"""Law: killed at any call that changes a file, a process leaves the old state or the new one, and all that it said.

Where `test_crashes.py` kills at points that we named, this kills where nobody thought of: before a call, or in the
middle of a write, of our own code, of SQLite's, and of Chroma's native code. Calls are counted by a shim that is
built here from `shim.c`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

import pytest
from kill import House
from scenarios import Scenario, Scenarios
from shim import Call, built, why_not

Figures = Callable[[str, int, int], None]

STEPS = {
    "ingest": 9,
    "replace": 1,
    "without rollback": 9,
    "removal": 9,
    "rollback": 1,
    "rollback of all": 9,
    "rollback of a rollback": 1,
    "recovery": 1,
    "recovery of a rollback": 9,
    "recovery of damage": 9,
    "rebuild": 1,
}
"""At every so many calls each piece of work is killed at night: those that are like another one are thinned out.

An odd number, so that of those, too, some calls are torn and some never begun.
"""
PARTS = {name: 1 if step > 1 else 4 for name, step in STEPS.items()}
"""Tests into which the night's kills of each piece of work are divided, for workers to share."""
SAMPLE = 2
"""Kills of each piece of work in `make test`."""
BACK = 7
"""Every so many kills it is looked at what undoing comes to, besides what going on does."""


class Sweep:
    """Scenarios, and as many houses with the shim as there are processors for them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        shim = built(folder)
        self._houses: SimpleQueue[House] = SimpleQueue()
        alone = "PYTEST_XDIST_WORKER" not in os.environ  # else the others have the other processors
        workers = len(os.sched_getaffinity(0)) if alone else 1
        houses = [stack.enter_context(House(shim, quick=True)) for _ in range(workers)]
        for house in houses:
            self._houses.put(house)
        self.workers = len(houses)
        self._calls: dict[str, list[str]] = {}
        self.folder = folder
        self.scenarios = Scenarios(houses[0], folder)

    def calls(self, name: str) -> list[str]:
        """Every call that changes a file, in one run of a piece of work: its name and its file."""
        if name not in self._calls:
            scenario, trace = self.scenarios.all[name], self.folder / f"{name}.calls"
            home, house = self.scenarios.copy(scenario.before), self._houses.get()
            ended = house.run(scenario.work, home, call=Call(trace=str(trace)), **scenario.args)
            self._houses.put(house)
            self._calls[name] = trace.read_text().splitlines()
            assert ended.calls == len(self._calls[name]) > 0
            self.scenarios.forget(home)
        return self._calls[name]

    def kill(self, name: str, number: int) -> tuple[bool, str]:
        """Kill at a call, and hold what is there then to the law: whether it came to that call, and what is wrong."""
        scenario, house = self.scenarios.all[name], self._houses.get()
        try:
            return self._kill(scenario, house, number)
        except AssertionError as failure:
            return True, str(failure)[:1000]
        finally:
            self._houses.put(house)

    def _kill(self, scenario: Scenario, house: House, number: int) -> tuple[bool, str]:
        home = self.scenarios.copy(scenario.before)
        call = Call("tear" if number % 2 else "kill", number)
        killed = house.run(scenario.work, home, call=call, **scenario.args).killed
        # one batch of texts may have been embedded and not stored
        self.scenarios.check(scenario, home, house=house, back=number % BACK == 0, again=2)
        return killed, ""


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    if reason := why_not():
        pytest.skip(reason)
    with ExitStack() as stack:
        yield Sweep(tmp_path_factory.mktemp("sweep"), stack)


def _swept(sweep: Sweep, name: str, numbers: range, figures: Figures) -> int:
    """Kill at these calls; returns how many kills there were."""
    calls = sweep.calls(name)
    with ThreadPoolExecutor(sweep.workers) as pool:
        ends = list(pool.map(lambda number: sweep.kill(name, number), numbers))
    wrong = [f"{calls[n - 1]} (call {n}): {said}" for n, (_, said) in zip(numbers, ends, strict=True) if said]
    kills = sum(killed for killed, _ in ends)
    figures("kill points at calls that change a file", kills, len(wrong))
    kinds = Counter(calls[n - 1].split()[0] for n in numbers)
    print(f"{name}: {len(calls)} calls, {kills} kills, {len(wrong)} failures; {dict(kinds)}")
    assert not wrong, f"{len(wrong)} of {kills}\n" + "\n".join(wrong[:10])
    return kills


@pytest.mark.parametrize("name", STEPS)
def test_killed_at_some_calls(sweep: Sweep, name: str, figures: Figures) -> None:
    """A few kills of each piece of work, the last one at its last call."""
    calls = len(sweep.calls(name))
    assert _swept(sweep, name, range(calls, 0, -max(1, calls // SAMPLE)), figures) >= 1


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "part"), [(name, part) for name, parts in PARTS.items() for part in range(parts)])
def test_killed_at_every_call(sweep: Sweep, name: str, part: int, figures: Figures) -> None:
    """Every one of them, some thousands over all; the last lines of the night say how many."""
    step = STEPS[name] * PARTS[name]
    assert _swept(sweep, name, range(len(sweep.calls(name)) - part, 0, -step), figures) > 20
