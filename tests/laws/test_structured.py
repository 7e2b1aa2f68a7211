"""Law: under `structured` the steps run in one line, and none starts before the milestone before it is complete."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from own_world import World, asked, chain

from milepost import Milepost
from milepost.agents.executor import Executor
from milepost.tools.embedders import FakeEmbedder

POLICY = {"preset": "rollback", "orchestration": "structured"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world")


@pytest.fixture
def mp(tmp_path: Path) -> Iterator[Milepost]:
    with Milepost(tmp_path / "home", policy=POLICY, journey_types=(asked,), embedder=FakeEmbedder(16)) as opened:
        yield opened


def test_a_failure_stops_the_line(mp: Milepost, world: World) -> None:
    """Nothing after it starts, not even what does not depend on it; resume goes on from there."""
    world.trap("run b", "fail")
    steps = [*chain("a", "b"), *chain("alone")]
    journey = mp.apply(mp.plan([], journey_type="asked", args={**world.args, "steps": steps}))
    assert journey.status == "failed" and world.told("run") == ["a", "b"]
    assert [(one.milestone_id, one.status) for one in journey.milestones] == [
        ("a_complete", "complete"),
        ("b_complete", "failed"),
        ("alone_complete", "open"),
    ]
    world.untrap("run b")
    journey = mp.resume(journey)
    assert journey.status == "completed" and world.told("run") == ["a", "b", "b", "alone"]
    assert {one.status for one in journey.milestones} == {"complete"}
    assert mp.undo(journey).success and {one.status for one in mp.status(journey).milestones} == {"undone"}


def test_a_step_whose_milestone_before_is_not_complete_is_refused(mp: Milepost, world: World) -> None:
    """Whoever asks for it: the executor does not start it, and says which milestone is missing."""
    world.trap("before a", "fail")
    steps = [*chain("a"), *chain("alone")]
    journey = mp.apply(mp.plan([], journey_type="asked", args={**world.args, "steps": steps}))
    executor = Executor(mp.workspace.services, journey.journey_id)
    assert executor.attempt("alone") == "alone was not started: a_complete is not complete, a is failed"
    assert world.told("run") == ["a"] and mp.status(journey).steps[1].status == "pending"


def test_an_ingest_is_held_to_it_as_well(mp: Milepost, tmp_path: Path) -> None:
    """A file that cannot be read stops an ingest at its milestone, and nothing is exposed."""
    journey = mp.ingest([("good.txt", b"good"), ("bad.pdf", b"%PDF-1.4 no pdf")], kb="hr")
    assert journey.status == "failed" and mp.search("good", kb="hr") == []
    assert [one.status for one in journey.milestones][-1] == "open"


def test_each_orchestration_is_drawn_as_it_runs(mp: Milepost, world: World) -> None:
    """Flow by dependencies, structured as a line with gates, a saga with the way back from each step."""
    args = {**world.args, "steps": [*chain("a", "b"), *chain("alone")]}
    drawn = {
        kind: mp.plan([], journey_type="asked", args=args, policy={**POLICY, "orchestration": kind}).mermaid()
        for kind in ("flow", "structured", "saga")
    }
    assert drawn["flow"].count(" --> ") == 1 and "fails" not in drawn["flow"]
    assert [line for line in drawn["structured"].splitlines() if "not complete" in line] == [
        f"  g{at} -- not complete --> failed" for at in (1, 2, 3)
    ]
    assert "g1 -- complete --> s2" in drawn["structured"] and "g3 -- complete --> done" in drawn["structured"]
    assert [line.strip() for line in drawn["saga"].splitlines() if line.strip().startswith("u") and "-->" in line] == [
        "u1 --> compensated",
        "u2 --> u1",
        "u3 --> u2",
    ]
    assert drawn["saga"].count("fails") == 3 and 'u2["undo_put"]' in drawn["saga"]
