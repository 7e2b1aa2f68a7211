"""Law: killed anywhere, a home shows exactly the old or the new state; going on gives the new one, going back the old.

A child process is killed with SIGKILL at a named fault point of an ingest, a replacement, a rollback, a recovery or a
rebuild. What is then seen, and what finishing or undoing comes to, is compared with a run that nothing interrupted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kill import House
from scenarios import Scenarios

NEVER_STORED = "embed.before_ledger"
"""Killed here, a batch was embedded and is nowhere: the only texts that may be embedded a second time."""


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenarios]:
    with House(quick=True) as house:
        yield Scenarios(house, tmp_path_factory.mktemp("crashes"))


def _crash(scenarios: Scenarios, name: str, point: str, nth: int) -> None:
    """Kill at one moment, and hold what is there then to the law."""
    scenario = scenarios.all[name]
    home = scenarios.copy(scenario.before)
    assert scenarios.house.run(scenario.work, home, kill=(point, nth), **scenario.args).killed, "it did not fire"
    scenarios.check(scenario, home, house=scenarios.house, again=2 if point == NEVER_STORED else 1)


SAMPLE = [
    ("ingest", "upload.after_batch"),
    ("ingest", "embed.after_batch"),
    ("ingest", "follow.before_switch"),
    ("replace", "checkpoint.before_commit"),
    ("replace", "publish.before_commit"),
    ("replace", "follow.after_add"),
    ("without rollback", "expose.after_publish"),
    ("removal", "remove.after_intent"),
    ("rollback", "rollback.after_publish"),
    ("rollback of all", "follow.after_switch"),
    ("recovery", "follow.before_settle"),
    ("rebuild", "follow.after_batch"),
]


@pytest.mark.parametrize(("name", "point"), SAMPLE)
def test_a_killed_process_leaves_old_or_new(scenarios: Scenarios, name: str, point: str) -> None:
    """One kill each at the points where most could go wrong."""
    _crash(scenarios, name, point, 1)


@pytest.mark.nightly
@pytest.mark.parametrize(
    "name",
    [
        "ingest",
        "replace",
        "without rollback",
        "removal",
        "rollback",
        "rollback of all",
        "rollback of a rollback",
        "recovery",
        "recovery of a rollback",
        "recovery of damage",
        "rebuild",
    ],
)
def test_killed_at_every_point(scenarios: Scenarios, name: str, figures: Callable[[str, int, int], None]) -> None:
    """The same at every fault point that the work reaches, several times where it reaches it often."""
    scenario = scenarios.all[name]
    failures = []
    moments = list(scenario.moments())
    for point, nth in moments:
        try:
            _crash(scenarios, name, point, nth)
        except AssertionError as failure:
            failures.append(f"{point}, time {nth}: {str(failure)[:2000]}")
    figures("kill points at named points", len(moments), len(failures))
    print(f"{name}: killed {len(moments)} times, at {len(set(scenario.points))} points; {len(failures)} failures")
    assert not failures, "\n\n".join(failures)
    assert len(scenario.points) >= 3


def test_every_fault_point_of_the_code_is_reached(scenarios: Scenarios) -> None:
    """A point that no scenario reaches would be proof of nothing."""
    reached = {point for scenario in scenarios.all.values() for point in scenario.points}
    for step in ("upload", "parse", "embed", "expose"):
        assert {f"{step}.before_intent", f"{step}.after_intent", f"{step}.before_receipt", f"{step}.done"} <= reached
    assert _named() <= reached | _killed_elsewhere()


def _killed_elsewhere() -> set[str]:
    """The points that another test of crashes names, in so many words."""
    others = [path.read_text() for path in Path(__file__).parents[1].glob("*/test_*.py") if path != Path(__file__)]
    return {name for text in others for name in re.findall(r'"([a-z]+\.[a-z_]+)"', text)}


def _named() -> set[str]:
    """The points that the code names outright."""
    root = Path(__file__).parents[2]
    code = [path.read_text() for floor in ("store", "tools", "agents") for path in (root / floor).glob("*.py")]
    return {name for text in code for name in re.findall(r'faultpoint\("([a-z_.]+)"\)', text)}
