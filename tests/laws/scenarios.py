"""Homes before some work, the work, and what it comes to where nothing interrupts it: what crashes are held to."""

from __future__ import annotations

import itertools
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from damage import DATABASE, damage
from kill import House
from works import POLICY, embedded, log_of, told_of

NO_ROLLBACK = {**POLICY, "enable_rollback": False}


@dataclass(frozen=True)
class State:
    """What a reader sees of a kb, and the digest of its collection."""

    view: list[list[Any]]
    digest: str


@dataclass(frozen=True)
class Scenario:
    """A home before some work, the work, and what an uninterrupted run makes of it."""

    before: Path
    work: str
    args: dict[str, Any]
    old: State
    new: State
    forward: str
    back: str
    undone: State
    journey: dict[str, Any] | None
    litter: list[str]
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
        self._numbers = itertools.count(1)
        self.first, self.second = _folders(folder)
        empty = folder / "empty"
        empty.mkdir()
        one = self._after(empty, "ingest", folder=self.first)
        two = self._after(one, "ingest", folder=self.second)
        back = self.copy(two)
        undoing = house.run("undo", back).value["rollback"]["journey_id"]
        fallen = self._after(one, "ingest", kill=("expose.after_publish", 1), folder=self.second)
        undone = self._after(two, "undo", kill=("rollback.after_publish", 1))
        nothing, first, second = (self.state(self.copy(home)) for home in (empty, one, two))
        ended = {"folder": self.second, "policy": NO_ROLLBACK}
        self.all = {
            "ingest": self._scenario(empty, "ingest", "finish", "undo", nothing, folder=self.first),
            "replace": self._scenario(one, "ingest", "finish", "undo", first, folder=self.second),
            "without rollback": self._scenario(one, "ingest", "finish", "finish", second, **ended),
            "removal": self._scenario(one, "remove", "finish", "undo", first, source="beta.md"),
            "rollback": self._scenario(two, "undo", "undo", "redo", second),
            "rollback of all": self._scenario(one, "undo", "undo", "redo", first),
            "rollback of a rollback": self._scenario(back, "undo", "undo", "redo", first, journey=undoing),
            "recovery": self._scenario(fallen, "reopen", "reopen", "undo", first),
            "recovery of a rollback": self._scenario(undone, "reopen", "undo", "redo", second),
            "recovery of damage": self._scenario(_torn(self.copy(fallen)), "reopen", "reopen", "undo", first),
            "rebuild": self._scenario(two, "rebuild", "rebuild", "undo", first),
        }

    def copy(self, home: Path) -> Path:
        """A home's twin in a folder of its own."""
        twin = self.folder / f"home-{next(self._numbers)}"
        shutil.copytree(home, twin)
        for about in (log_of, told_of):
            if about(home).exists():
                shutil.copy(about(home), about(twin))
        return twin

    def forget(self, *homes: Path) -> None:
        """Remove twins with everything that children wrote about them."""
        for home in homes:
            shutil.rmtree(home)
            for about in self.folder.glob(f"{home.name}.*"):
                about.unlink()

    def state(self, home: Path) -> State:
        """What a reader sees before anybody recovers; the digest after."""
        view = self.house.run("view", home).value
        return State(view, self.house.run("reopen", home).value["digest"])

    def check(self, scenario: Scenario, dead: Path, *, house: House, back: bool = True, again: int = 1) -> None:
        """Hold what a killed process left, what finishing and what undoing come to, to the law; removes the home.

        No text may be embedded more than `again` times.
        """
        twin = self.copy(dead) if back else dead
        told = told_of(dead).read_text().splitlines() if told_of(dead).exists() else []
        journey = scenario.journey["journey_id"] if scenario.journey else None
        after = house.run(
            "aftermath", dead, forward=scenario.forward, args=scenario.args, journey=journey
        ).value  # fmt: skip
        assert after["seen"] in (scenario.old.view, scenario.new.view), "a mixture was seen"
        promised = {"done", "expose complete", "remove complete"} & set(told)
        assert after["seen"] == scenario.new.view or not promised, f"{promised} was said, and not kept"
        assert not after["broken"], f"the checkpoints of {after['broken']} were said to be there"
        assert after["digest"] == scenario.new.digest, "finishing came to another state"
        assert after["ok"], after["verify"]
        assert after["then"] == scenario.new.view
        assert after["litter"] == scenario.litter
        if scenario.journey is not None:
            assert gist(after["journey"]) == gist(scenario.journey)
        assert max(embedded(dead).values(), default=0) <= again, "a text was embedded twice"
        if back:
            self._check_back(scenario, twin, house)
            self.forget(twin)
        self.forget(dead)

    def _check_back(self, scenario: Scenario, home: Path, house: House) -> None:
        if scenario.back == "redo":
            house.run(scenario.forward, home, **scenario.args)
        args = scenario.args if scenario.back == "finish" else {}
        if scenario.back == "undo" and scenario.journey:
            args = {"journey": scenario.journey["journey_id"]}
        taken_back = house.run(scenario.back, home, **args).value
        assert taken_back["digest"] == scenario.undone.digest, "undoing came to another state"
        assert taken_back["ok"], taken_back["verify"]
        assert house.run("view", home).value == scenario.undone.view

    def _after(self, home: Path, work: str, *, kill: tuple[str, int] | None = None, **args: Any) -> Path:
        """A home's twin after some work, or after a process that did it was killed."""
        twin = self.copy(home)
        assert self.house.run(work, twin, kill=kill, **args).killed == bool(kill)
        told_of(twin).unlink(missing_ok=True)
        return twin

    def _scenario(self, before: Path, work: str, forward: str, back: str, undone: State, **args: Any) -> Scenario:
        told_of(before).unlink(missing_ok=True)
        old = self.state(self.copy(before))
        done = self.copy(before)
        points = self.house.run("points", done, inner=work, args=args).value
        new = self.state(self.copy(done))
        # what is finished has nothing to go on with; a rollback that an opening finds half done is gone on with
        again, given = ("reopen", {}) if forward == "finish" else (forward, args)
        after = self.house.run("aftermath", done, forward=again, args=given).value
        journey = after["journey"] if forward == "finish" else None
        return Scenario(before, work, args, old, new, forward, back, undone, journey, after["litter"], points)


def gist(journey: dict[str, Any]) -> dict[str, Any]:
    """What two runs of the same work must agree in."""
    files = [[f["source"], f["outcome"], f["reason"], f["chunks"]] for f in journey["files"]]
    same = ("journey_id", "status", "revision_before", "revision_after", "embeddings_computed")
    milestones = sorted({c["milestone_id"] for c in journey["checkpoints"]})
    steps = [[s["id"], s["status"]] for s in journey["steps"]]
    return {**{key: journey[key] for key in same}, "files": files, "milestones": milestones, "steps": steps}


def _torn(home: Path) -> Path:
    """A home whose Chroma database has lost its second half."""
    damage(home, DATABASE, "halved")
    return home


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
