"""Law: killed anywhere, a home shows exactly the old or the new state; going on gives the new one, going back the old.

A child process is killed with SIGKILL at a named fault point of an ingest, a replacement, a rollback, a recovery or a
rebuild. What is then seen, and what finishing or undoing comes to, is compared with a run that nothing interrupted.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kill import POLICY, House, embedded, log_of

NO_ROLLBACK = {**POLICY, "enable_rollback": False}
NEVER_STORED = "embed.before_ledger"
"""Killed here, a batch was embedded and is nowhere: the only texts that may be embedded a second time."""


@dataclass(frozen=True)
class State:
    """What a reader sees of a kb, and the digest of its collection."""

    view: list[list[Any]]
    digest: str


@dataclass(frozen=True)
class Scenario:
    """A home before some work, the work, and what an uninterrupted run makes of it."""

    name: str
    before: Path
    work: str
    args: dict[str, Any]
    old: State
    new: State
    forward: str
    back: str
    undone: State
    journey: dict[str, Any] | None
    points: list[str]

    def moments(self) -> list[tuple[str, int]]:
        """Every fault point of the work: the first time that it is reached, one in the middle, the last."""
        counts = Counter(self.points)
        return [(name, nth) for name, count in counts.items() for nth in sorted({1, (count + 1) // 2, count})]


class Scenarios:
    """Homes made once, and what uninterrupted work makes of copies of them."""

    def __init__(self, house: House, folder: Path) -> None:
        self.house = house
        self.folder = folder
        self._number = 0
        self.first, self.second = _folders(folder)
        empty = folder / "empty"
        empty.mkdir()
        one = self.copy(empty)
        house.run("ingest", one, folder=self.first)
        two = self.copy(one)
        house.run("ingest", two, folder=self.second)
        fallen = self.copy(one)
        assert house.run("ingest", fallen, folder=self.second, kill=("expose.after_publish", 1)).killed
        undone = self.copy(two)
        assert house.run("undo", undone, kill=("rollback.after_publish", 1)).killed
        nothing, first, second = (self.state(self.copy(home)) for home in (empty, one, two))
        self.all = {
            "ingest": self._scenario("ingest", empty, "ingest", "finish", "undo", nothing, folder=self.first),
            "replace": self._scenario("replace", one, "ingest", "finish", "undo", first, folder=self.second),
            "without rollback": self._scenario(
                "without rollback", one, "ingest", "finish", "finish", second, folder=self.second, policy=NO_ROLLBACK
            ),
            "removal": self._scenario("removal", one, "remove", "finish", "undo", first, source="beta.md"),
            "rollback": self._scenario("rollback", two, "undo", "undo", "redo", second),
            "rollback of all": self._scenario("rollback of all", one, "undo", "undo", "redo", first),
            "recovery": self._scenario("recovery", fallen, "reopen", "reopen", "undo", first),
            "recovery of a rollback": self._scenario("recovery", undone, "reopen", "undo", "redo", second),
            "rebuild": self._scenario("rebuild", two, "rebuild", "rebuild", "undo", first),
        }

    def copy(self, home: Path) -> Path:
        """A home's twin in a folder of its own."""
        self._number += 1
        twin = self.folder / f"home-{self._number}"
        shutil.copytree(home, twin)
        if log_of(home).exists():
            shutil.copy(log_of(home), log_of(twin))
        return twin

    def state(self, home: Path) -> State:
        """What a reader sees before anybody recovers; the digest after."""
        view = self.house.run("view", home).value
        return State(view, self.house.run("reopen", home).value["digest"])

    def _scenario(
        self, name: str, before: Path, work: str, forward: str, back: str, undone: State, **args: Any
    ) -> Scenario:
        old = self.state(self.copy(before))
        done = self.copy(before)
        points = self.house.run("points", done, inner=work, args=args).value
        journey = self.house.run("status", done).value if forward == "finish" else None
        return Scenario(name, before, work, args, old, self.state(done), forward, back, undone, journey, points)


def _folders(folder: Path) -> tuple[str, str]:
    """A first and a second edition of a few files: changed, added, the same again, a copy, unchanged."""
    first, second = folder / "first", folder / "second"
    first.mkdir()
    for name in ("alpha", "beta", "gamma"):
        (first / f"{name}.md").write_text(_text(name, range(6)))
    shutil.copytree(first, second)
    (second / "alpha.md").write_text(_text("alpha", [0, 1, 7, 3, 4, 8]))
    (second / "delta.md").write_text(_text("delta", range(5)))
    (second / "copy-of-beta.md").write_text(_text("beta", range(6)))
    return str(first), str(second)


def _text(name: str, numbers: Any) -> str:
    return "\n\n".join(
        f"## {name} {n}\n\nParagraph {n} of {name} says what it says. " + "More of it. " * 8 for n in numbers
    )


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenarios]:
    with House() as house:
        yield Scenarios(house, tmp_path_factory.mktemp("crashes"))


def _crash(scenarios: Scenarios, scenario: Scenario, point: str, nth: int) -> None:
    """Kill at one moment, and hold what is there then, what finishing and what undoing come to, to the law."""
    house = scenarios.house
    home = scenarios.copy(scenario.before)
    assert house.run(scenario.work, home, kill=(point, nth), **scenario.args).killed, "the fault did not fire"
    dead = scenarios.copy(home)

    assert scenarios.state(home) in (scenario.old, scenario.new), "a mixture was seen"
    finished = house.run(scenario.forward, home, **scenario.args).value
    assert finished["digest"] == scenario.new.digest, "finishing came to another state"
    assert finished["ok"], finished["verify"]
    assert house.run("view", home).value == scenario.new.view
    if scenario.journey is not None:
        assert _gist(house.run("status", home).value) == _gist(scenario.journey)
    if point != NEVER_STORED:
        assert max(embedded(home).values(), default=0) <= 1, "a text was embedded twice"

    if scenario.back == "redo":
        house.run(scenario.forward, dead)
    taken_back = house.run(scenario.back, dead, **(scenario.args if scenario.back == "finish" else {})).value
    assert taken_back["digest"] == scenario.undone.digest, "undoing came to another state"
    assert taken_back["ok"], taken_back["verify"]
    assert house.run("view", dead).value == scenario.undone.view


def _gist(journey: dict[str, Any]) -> dict[str, Any]:
    """What two runs of the same work must agree in."""
    files = [[f["source"], f["outcome"], f["reason"], f["chunks"]] for f in journey["files"]]
    same = ("journey_id", "status", "revision_before", "revision_after", "embeddings_computed")
    milestones = sorted({c["milestone_id"] for c in journey["checkpoints"]})
    steps = [[s["id"], s["status"]] for s in journey["steps"]]
    return {**{key: journey[key] for key in same}, "files": files, "milestones": milestones, "steps": steps}


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
    _crash(scenarios, scenarios.all[name], point, 1)


@pytest.mark.parametrize("point", ["embed.before_ledger", "follow.after_add"])
def test_killed_again_and_again(scenarios: Scenarios, point: str) -> None:
    """Killed at the same point in three runs on end, a journey still comes to its end in the fourth."""
    scenario = scenarios.all["replace"]
    home = scenarios.copy(scenario.before)
    works = ["ingest"] + ["finish"] * 2 if point.startswith("embed") else ["ingest", "reopen", "reopen"]
    for work in works:
        args = scenario.args if work != "reopen" else {}
        assert scenarios.house.run(work, home, kill=(point, 1), **args).killed
        assert scenarios.house.run("view", home).value in (scenario.old.view, scenario.new.view)
    finished = scenarios.house.run("finish", home, **scenario.args).value
    assert finished["digest"] == scenario.new.digest and finished["ok"]
    assert _gist(scenarios.house.run("status", home).value) == _gist(scenario.journey or {})


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
        "recovery",
        "recovery of a rollback",
        "rebuild",
    ],
)
def test_killed_at_every_point(scenarios: Scenarios, name: str) -> None:
    """The same at every fault point that the work reaches, several times where it reaches it often."""
    scenario = scenarios.all[name]
    failures = []
    moments = list(scenario.moments())
    for point, nth in moments:
        try:
            _crash(scenarios, scenario, point, nth)
        except AssertionError as failure:
            failures.append(f"{point}, time {nth}: {str(failure)[:2000]}")
    print(f"{name}: killed {len(moments)} times, at {len(set(scenario.points))} points; {len(failures)} failures")
    assert not failures, "\n\n".join(failures)
    assert len(scenario.points) >= 3


def test_every_fault_point_of_the_code_is_reached(scenarios: Scenarios) -> None:
    """A point that no scenario reaches would be proof of nothing."""
    reached = {point for scenario in scenarios.all.values() for point in scenario.points}
    for step in ("upload", "parse", "embed", "expose"):
        assert {f"{step}.before_intent", f"{step}.after_intent", f"{step}.before_receipt", f"{step}.done"} <= reached
    assert _named() <= reached


def _named() -> set[str]:
    """The points that the code names outright."""
    root = Path(__file__).parents[2]
    code = [path.read_text() for floor in ("store", "tools", "agents") for path in (root / floor).glob("*.py")]
    return {name for text in code for name in re.findall(r'faultpoint\("([a-z_.]+)"\)', text)}
