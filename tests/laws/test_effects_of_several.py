"""Law: journeys with effects outside the kb are undone together as one: what they did to one another is no conflict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from own_world import World, asked, chain, put

from milepost import Milepost, RollbackConflict, embed, expose, journey_type, parse, upload
from milepost.store import faults
from milepost.store.records import Journey

POLICY: dict[str, Any] = {"preset": "rollback", "approval": "never"}
mixed = journey_type("mixed", steps=[upload, parse, embed, expose, put])
before = journey_type("before", steps=[put, upload, parse, embed, expose])


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world")


@pytest.fixture
def mp(tmp_path: Path) -> Iterator[Milepost]:
    with Milepost(tmp_path / "home", policy=POLICY, embedder="fake", journey_types=(asked, mixed, before)) as opened:
        yield opened
    faults.arm(None)


def run(mp: Milepost, world: World, text: str, *names: str) -> Journey:
    """A journey that gives files a text."""
    steps = [{**one, "args": {**one["args"], "text": text}} for one in chain(*names)]
    return mp.apply(mp.plan([], journey_type="asked", args={**world.args, "steps": steps}))


def stand(mp: Milepost, *journeys: Journey) -> list[str]:
    return [str(mp.status(journey).status) for journey in journeys]


def test_their_own_changes_are_no_conflict_to_one_another(mp: Milepost, world: World) -> None:
    """Alone the first is in conflict with the second; together both go, the newest first, as one rollback."""
    world.set("a", "old")
    first, second = run(mp, world, "one", "a", "b"), run(mp, world, "two", "a", "c")
    with pytest.raises(RollbackConflict):
        mp.undo(first)
    asked_for = mp.rollback(journey=[first, second], dry_run=True)
    assert asked_for.conflicts == [] and len(asked_for.effects_undone) == 4 and world.calls("undo") == []
    done = mp.undo([first, second])
    assert (done.success, done.verified, world.state()) == (True, "confirmed", {"a": "old"})
    assert done.effects_undone == asked_for.effects_undone and world.told("undo") == ["c", "a", "b", "a"]
    assert stand(mp, first, second) == ["rolled_back"] * 2
    assert mp.undo([second, first]).already_there and len(world.calls("undo")) == 4
    assert [one.journey_type for one in mp.journeys()].count("rollback") == 1


@pytest.mark.parametrize("mode", ["refuse", "skip", "force"])
def test_what_others_did_since_is_in_the_way(mp: Milepost, world: World, mode: str) -> None:
    """Refused with nothing changed, kept, or taken back: what is on it counts for the whole set."""
    journeys = run(mp, world, "one", "a"), run(mp, world, "two", "b")
    world.set("b", "theirs")
    if mode == "refuse":
        with pytest.raises(RollbackConflict):
            mp.undo(journeys)
        assert world.state() == {"a": "one", "b": "theirs"} and stand(mp, *journeys) == ["completed"] * 2
        return
    assert mp.undo(journeys, on_conflict=mode).success
    assert world.state() == ({"b": "theirs"} if mode == "skip" else {})


def test_what_fails_of_one_is_left_and_gone_on_with(mp: Milepost, world: World) -> None:
    """The other one's effects are undone; neither is called rolled back before the same call went on."""
    journeys = run(mp, world, "one", "a"), run(mp, world, "two", "b")
    world.trap("undo b", "fail")
    done = mp.undo(journeys)
    assert (done.success, [one.step for one in done.left], world.state()) == (False, ["b"], {"b": "two"})
    assert stand(mp, *journeys) == ["partial"] * 2
    world.untrap("undo b")
    assert mp.undo(journeys).success and world.state() == {} and stand(mp, *journeys) == ["rolled_back"] * 2
    assert world.told("undo") == ["b", "a", "b"]


def test_cut_off_between_two_journeys_it_goes_on(mp: Milepost, world: World) -> None:
    """The same call finishes it; what was undone is not undone again."""
    journeys = run(mp, world, "one", "a"), run(mp, world, "two", "b")

    def cut(point: str) -> None:
        if point == "put.undone":
            raise RuntimeError("cut off")

    faults.arm(cut)
    with pytest.raises(RuntimeError, match="cut off"):
        mp.undo(journeys)
    faults.arm(None)
    assert world.state() == {"a": "one"}
    assert mp.undo(journeys).success and world.state() == {} and world.told("undo") == ["b", "a"]
    assert stand(mp, *journeys) == ["rolled_back"] * 2


def test_a_kb_and_what_lies_outside_go_back_together(mp: Milepost, world: World) -> None:
    """One revision for the kb, the handlers for the rest; what holds on keeps the publish back, too."""

    def load(text: str) -> Journey:
        args = {**world.args, "name": "a", "text": text}
        return mp.apply(mp.plan([(f"{text}.md", text.encode())], kb="k", journey_type="mixed", args=args))

    first, second = load("one"), load("two")
    world.trap("undo a", "fail")
    held = mp.undo([first, second])
    assert not held.success and held.revision_after == held.revision_before and world.state() == {"a": "two"}
    assert mp.kb_stats("k").sources == 2
    world.untrap("undo a")
    done = mp.undo([first, second])
    assert done.success and (mp.kb_stats("k").sources, world.state()) == (0, {})
    assert done.revision_after == 3 and stand(mp, first, second) == ["rolled_back"] * 2


def test_what_is_left_after_the_kb_went_back_is_not_forgotten(mp: Milepost, world: World) -> None:
    """An effect from before the publish, whose undo fails: the kb is back already, and the same call undoes it."""
    args = {**world.args, "name": "a", "text": "one"}
    journey = mp.apply(mp.plan([("one.md", b"one")], kb="k", journey_type="before", args=args))
    world.trap("undo a", "fail")
    assert not mp.undo(journey).success and (mp.kb_stats("k").sources, world.state()) == (0, {"a": "one"})
    assert stand(mp, journey) == ["partial"]
    world.untrap("undo a")
    assert mp.undo(journey).success and world.state() == {} and stand(mp, journey) == ["rolled_back"]
