"""Law: a saga that fails undoes by itself what it did, in reverse order of step start, the failing step included.

Whatever the graph of its steps, and wherever the process is killed: whoever opens the home next goes on.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from own_world import World, asked, chain
from saga_child import POLICY

from milepost import Milepost
from milepost.store.records import Journey

CHILD = Path(__file__).with_name("saga_child.py")


@pytest.fixture(scope="module")
def mp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Milepost]:
    with Milepost(tmp_path_factory.mktemp("saga") / "home", policy=POLICY, journey_types=(asked,)) as opened:
        yield opened


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world")


def run(mp: Milepost, world: World, steps: list[dict[str, Any]], **policy: Any) -> Journey:
    plan = mp.plan([], journey_type="asked", args={**world.args, "steps": steps}, policy={**POLICY, **policy})
    return mp.apply(plan)


@st.composite
def graphs(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Steps of two kinds with random dependencies on earlier ones, listed in a random order."""
    names = [f"s{n}" for n in range(draw(st.integers(1, 7)))]
    steps = [
        {
            "id": name,
            "action": draw(st.sampled_from(["put", "blind"])),
            "args": {"name": name},
            "depends_on": sorted(draw(st.sets(st.sampled_from(names[:at]), max_size=3))) if at else [],
        }
        for at, name in enumerate(names)
    ]
    return draw(st.permutations(steps))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(graphs(), st.data())
def test_it_is_undone_in_reverse_order_of_step_start(
    mp: Milepost, tmp_path: Path, steps: list[dict[str, Any]], data: st.DataObject
) -> None:
    """Each once, the failing one first and without a receipt, and what was there is there again."""
    shutil.rmtree(tmp_path / "world", ignore_errors=True)
    world = World(tmp_path / "world")
    failing = data.draw(st.sampled_from([step["id"] for step in steps]))
    world.trap(f"{data.draw(st.sampled_from(['before', 'run']))} {failing}", "fail")
    puts = [step["id"] for step in steps if step["action"] == "put"]
    if puts:
        world.set(data.draw(st.sampled_from(puts)), "old")
    before = world.state()

    journey = run(mp, world, steps)
    started = world.told("run")
    assert started[-1] == failing and len(started) == len(set(started))
    needed = {step["id"]: set(step["depends_on"]) for step in steps}
    assert all(needed[name] <= set(started[:at]) for at, name in enumerate(started))
    undone = [call[1] for call in world.calls("undo")]
    skipped = [name for name in started if name not in undone]
    assert skipped in ([], [failing])  # looking showed that it had done nothing yet
    assert undone == [name for name in reversed(started) if name not in skipped]
    assert [call[3] for call in world.calls("undo") if call[1] == failing] in ([], ["none"])
    assert (journey.status, world.state()) == ("compensated", before)
    assert failing in str(journey.detail)


def test_an_undo_that_fails_is_tried_again(mp: Milepost, world: World) -> None:
    """As often as the policy says; then the journey is compensated all the same."""
    world.trap("run c", "fail")
    world.trap("undo b", "fail 2")
    journey = run(mp, world, chain("a", "b", "c"), **{"limits.undo_tries": 3})
    assert journey.status == "compensated" and world.state() == {}
    assert world.told("undo") == ["c", "b", "b", "b", "a"]


def test_what_is_left_is_said_and_gone_on_with(mp: Milepost, world: World) -> None:
    """A compensation that fails lists what is left; independent effects are undone; resume goes on with the rest."""
    steps = [*chain("base", "top"), *chain("alone"), *chain("last")]
    world.trap("run last", "fail")
    world.trap("undo top", "fail")
    journey = run(mp, world, steps)
    assert journey.status == "compensation_failed" and world.state() == {"base": "new", "top": "new"}
    assert "top (OSError" in str(journey.detail) and "base (what needs it is not undone)" in str(journey.detail)
    assert "last" in str(journey.detail)
    assert "compensating" in [event.kind for event in mp.timeline(journey)]
    world.untrap("undo top")
    assert mp.resume(journey).status == "compensated" and world.state() == {}
    assert world.told("undo") == ["last", "alone", "top", "top", "base"]


def test_a_compensated_journey_can_run_again(mp: Milepost, world: World) -> None:
    """Once what made it fail is mended, resume does every step anew, each under a new key."""
    world.trap("run b", "fail")
    journey = run(mp, world, chain("a", "b"))
    assert journey.status == "compensated"
    world.untrap("run b")
    assert mp.resume(journey).status == "completed" and world.state() == {"a": "new", "b": "new"}
    assert len({call[2] for call in world.calls("run")}) == 4


def test_a_conflict_is_left_alone(mp: Milepost, world: World) -> None:
    """What somebody else changed meanwhile stays, and the journey says that it is not compensated."""
    world.trap("before b", "fail")
    steps = chain("a", "b")
    steps[1]["args"] = {"name": "b"}
    mp_plan = mp.plan([], journey_type="asked", args={**world.args, "steps": steps}, policy=POLICY)
    world.trap("undo a", "fail")
    journey = mp.apply(mp_plan)
    assert journey.status == "compensation_failed"
    world.untrap("undo a")
    world.set("a", "theirs")
    journey = mp.resume(journey)
    assert journey.status == "compensation_failed" and world.state() == {"a": "theirs"}
    assert "somebody outside Milepost" in str(journey.detail)


def test_what_cannot_be_undone_is_left_and_the_rest_is_not(mp: Milepost, world: World) -> None:
    """Going past it: the other effects are undone, and the journey is not called compensated."""
    steps = chain("a", "b", "c")
    steps[1]["action"] = "shout"
    world.trap("run c", "fail")
    journey = run(mp, world, steps, approval="never")
    assert journey.status == "compensation_failed" and world.state() == {"b": "heard"}
    assert "b (it cannot be undone)" in str(journey.detail)


def test_a_failing_step_without_an_undo_does_not_bar_the_way(mp: Milepost, world: World) -> None:
    """By its own word it could not; what was done before it is undone."""
    steps = chain("a", "b")
    steps[1]["action"] = "shout"
    world.trap("before b", "fail")
    journey = run(mp, world, steps, approval="never")
    assert journey.status == "compensated" and world.state() == {}


KILLS: list[tuple[str, ...]] = [
    ("trap", "run b"),
    ("trap", "undo c"),
    ("trap", "undone b"),
    ("fault", "put.after_intent", "2"),
    ("fault", "put.before_receipt", "1"),
    ("fault", "put.after_undo", "1"),
    ("fault", "put.undone", "2"),
    ("fault", "rollback.before_done", "1"),
]
MORE: list[tuple[str, ...]] = [
    ("trap", "before a"),
    ("trap", "before c"),
    ("trap", "undo a"),
    ("trap", "undone c"),
    ("trap", "undone a"),
    *(("fault", point, str(nth)) for point in ("put.before_intent", "put.noted", "put.done") for nth in (1, 2, 3)),
    *(("fault", "put.before_undo", str(nth)) for nth in (1, 2, 3)),
    ("fault", "journey.started", "1"),
    ("fault", "checkpoint.before_commit", "3"),
    ("fault", "checkpoint.after_commit", "4"),
]


def _kill(tmp_path: Path, how: tuple[str, ...], *, finish: str) -> None:
    world, home = World(tmp_path / "world"), tmp_path / "home"
    world.set("b", "old")
    world.trap("fails c", "fail")
    if how[0] == "trap":
        world.trap(how[1], "die")
    steps = json.dumps(chain("a", "b", "c"))
    fault = how[1:] if how[0] == "fault" else ()
    command = [sys.executable, str(CHILD), str(home), str(world.folder), steps, *fault]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if how == ("fault", "put.done", "3"):
        assert ended.stdout.strip() == "compensated"  # the step that fails has no receipt, so nobody died
        return
    assert ended.returncode == -9, ended.stdout + ended.stderr
    with Milepost(home, policy=POLICY, journey_types=(asked,)) as mp:
        journey = mp.status()
        if finish == "resume" or journey.status == "interrupted":
            journey = mp.resume(journey_of(mp))
        journey = mp.status(journey_of(mp))
        assert (journey.status, world.state()) == ("compensated", {"b": "old"}), journey.detail
        undone = world.told("undo")
        order = [name for at, name in enumerate(undone) if name not in undone[at + 1 :]]
        assert order == sorted(order, reverse=True) and len(undone) <= len(order) + 1


def journey_of(mp: Milepost) -> str:
    """The saga among the journeys: its rollbacks are journeys, too."""
    return next(one.journey_id for one in mp.journeys() if one.journey_type == "asked")


@pytest.mark.parametrize("how", KILLS, ids=" ".join)
def test_killed_anywhere_it_is_gone_on_with(tmp_path: Path, how: tuple[str, ...]) -> None:
    """At the next open or resume, in the same order, and no undo but the one that was cut off is called twice."""
    _kill(tmp_path, how, finish="open")


@pytest.mark.nightly
@pytest.mark.parametrize("how", [*KILLS, *MORE], ids=" ".join)
@pytest.mark.parametrize("finish", ["open", "resume"])
def test_killed_at_every_point(tmp_path: Path, how: tuple[str, ...], finish: str) -> None:
    """The same everywhere, finished by looking at the home or by resume."""
    _kill(tmp_path, how, finish=finish)


def test_another_process_without_the_type_leaves_it(tmp_path: Path) -> None:
    """A process that does not know the handlers does not call the compensation failed; who knows them goes on."""
    world, home = World(tmp_path / "world"), tmp_path / "home"
    world.trap("fails b", "fail")
    world.trap("undo a", "die")
    command = [sys.executable, str(CHILD), str(home), str(world.folder), json.dumps(chain("a", "b"))]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -9
    program = "import sys; from milepost import Milepost\nwith Milepost(sys.argv[1]) as mp: print(mp.status().status)"
    looked = subprocess.run([sys.executable, "-c", program, str(home)], capture_output=True, text=True, check=True)
    assert looked.stdout.strip() in ("interrupted", "running")
    with Milepost(home, policy=POLICY, journey_types=(asked,)) as mp:
        assert mp.status(journey_of(mp)).status == "compensated" and world.state() == {}
