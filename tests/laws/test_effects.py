"""Law: what a step of a user's own did is undone as it declares: looked at before and after, each once, none too soon.

Nothing is called rolled back that is not; what is left is listed, and the same call goes on with it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from own_world import World, asked, chain, one_blind, one_file

from milepost import Milepost, Receipt, RollbackConflict, StepContext, journey_type, step
from milepost.store.records import Journey, RollbackResult

POLICY: dict[str, Any] = {"preset": "rollback", "approval": "never"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "world")


@pytest.fixture
def mp(tmp_path: Path) -> Iterator[Milepost]:
    with Milepost(tmp_path / "home", policy=POLICY, journey_types=(asked, one_file, one_blind)) as opened:
        yield opened


def run(mp: Milepost, world: World, *steps: dict[str, Any], policy: Any = None) -> Journey:
    """Plan and apply these steps."""
    args = {**world.args, "steps": list(steps)}
    return mp.apply(mp.plan([], journey_type="asked", args=args, policy=policy))


def statuses(result: RollbackResult) -> list[tuple[str | None, str]]:
    return [(handler.step, handler.status) for handler in result.handlers]


def test_undo_restores_what_was_there(mp: Milepost, world: World) -> None:
    """What was made goes, what was changed comes back, newest first, and looking again confirms it."""
    world.set("b", "old")
    journey = run(mp, world, *chain("a", "b", "c"))
    assert journey.status == "completed" and world.state() == {"a": "new", "b": "new", "c": "new"}
    preview = mp.preview_rollback(journey.checkpoint("before_put"))
    assert preview.success is None and len(preview.effects_undone) == 3 and not preview.already_there
    result = mp.undo(journey)
    assert (result.success, result.verified, world.state()) == (True, "confirmed", {"b": "old"})
    assert statuses(result) == [("c", "done"), ("b", "done"), ("a", "done")]
    assert world.told("undo") == ["c", "b", "a"]
    undone = mp.status(journey)
    assert undone.status == "rolled_back" and [one.status for one in undone.steps] == ["undone"] * 3


def test_twice_is_once(mp: Milepost, world: World) -> None:
    """The second undo finds nothing to do, and calls nobody."""
    journey = run(mp, world, *chain("a"))
    mp.undo(journey)
    again = mp.undo(journey)
    assert again.already_there and again.success and world.told("undo") == ["a"]


def test_going_back_to_a_milestone_keeps_what_was_before_it(mp: Milepost, world: World) -> None:
    """A checkpoint is a place to return to: only what came after it goes; resume does it again under a new key."""
    journey = run(mp, world, *chain("a", "b"))
    assert mp.rollback_to_checkpoint(journey.checkpoint("a_complete")).success
    assert world.state() == {"a": "new"}
    assert mp.resume(journey).status == "completed" and world.state() == {"a": "new", "b": "new"}
    assert world.told("run") == ["a", "b", "b"]
    keys = [call[2] for call in world.calls("run")]
    assert len(set(keys)) == 3 and keys[2].startswith(keys[1])


def test_equal_effects_have_keys_of_their_own(mp: Milepost, world: World) -> None:
    """The key is of what the effect is about; a second equal one in the same journey is another effect."""
    steps = chain("a", "b")
    steps[1]["args"] = {"name": "a"}
    run(mp, world, *steps)
    first, second = (call[2] for call in world.calls("run"))
    assert second == f"{first}#2"


def test_undone_already_is_skipped(mp: Milepost, world: World) -> None:
    """Where the live state equals the prior one, the handler is not called."""
    journey = run(mp, world, *chain("a", "b"))
    world.set("b", None)
    result = mp.undo(journey)
    assert statuses(result) == [("b", "skipped"), ("a", "done")] and result.success
    assert world.told("undo") == ["a"] and world.state() == {}


@pytest.mark.parametrize("mode", ["refuse", "skip", "force"])
def test_what_others_changed_is_a_conflict(mp: Milepost, world: World, mode: str) -> None:
    """Neither prior nor post: refused with nothing changed, kept where asked, undone all the same where forced."""
    journey = run(mp, world, *chain("a", "b"))
    world.set("a", "theirs")
    before = world.state()
    assert [one.source for one in mp.preview_rollback(journey.checkpoint("before_put")).conflicts] != []
    if mode == "refuse":
        with pytest.raises(RollbackConflict) as refused:
            mp.undo(journey)
        assert world.state() == before and world.calls("undo") == []
        assert refused.value.facts["conflicts"][0]["changed_by"] == "somebody outside Milepost"
        assert mp.status(journey).status == "completed"
        return
    result = mp.undo(journey, on_conflict=mode)
    assert result.success and world.state() == ({"a": "theirs"} if mode == "skip" else {})
    assert len(result.conflicts) == (1 if mode == "skip" else 0)
    assert ("except for a " in str(mp.status(journey).detail)) == (mode == "skip")


def test_a_conflict_names_the_journey(mp: Milepost, world: World) -> None:
    """Where another journey changed the target, the conflict says which; its undo makes way for the first's."""
    first = run(mp, world, *chain("a"))
    second = mp.apply(mp.plan([], journey_type="one_file", args={**world.args, "name": "a", "text": "second"}))
    with pytest.raises(RollbackConflict) as refused:
        mp.undo(first)
    assert refused.value.facts["conflicts"][0]["changed_by"] == second.journey_id
    assert mp.undo(second).success and mp.undo(first).success and world.state() == {}


def test_one_target_changed_twice_is_no_conflict(mp: Milepost, world: World) -> None:
    """A journey's own later effect on the same target is undone first, and does not stand in the way."""
    steps = chain("a", "again")
    steps[1]["args"] = {"name": "a", "text": "second"}
    journey = run(mp, world, *steps)
    assert world.state() == {"a": "second"}
    assert mp.undo(journey).success and world.state() == {}


def test_what_cannot_be_looked_at_is_unverifiable(mp: Milepost, world: World) -> None:
    """Without an observer the undo runs, nobody can confirm it, and the plan said so."""
    plan = mp.plan([], journey_type="one_blind", args={**world.args, "name": "a"})
    assert "its undo cannot be verified" in plan.render()
    result = mp.undo(mp.apply(plan))
    assert (result.success, result.verified, world.state()) == (True, "unverifiable", {})


def test_an_undo_that_lies_is_found_out(mp: Milepost, world: World) -> None:
    """The handler came back, and the state is not what it was: drift, no success, and nothing is called rolled back."""
    journey = run(mp, world, *chain("a", "b"))
    world.trap("undo b", "lie")
    result = mp.undo(journey)
    assert (result.success, result.verified, mp.status(journey).status) == (False, "drift", "partial")
    world.untrap("undo b")
    assert mp.undo(journey).success and mp.status(journey).status == "rolled_back"


@pytest.mark.parametrize("trouble", ["fail", "hang"])
def test_a_failing_undo_stops_only_what_it_needs(mp: Milepost, world: World, trouble: str) -> None:
    """Independent effects are undone, what it depends on waits, the result lists both, and the same call goes on."""
    journey = run(mp, world, *chain("base", "top"), *chain("alone"))
    world.trap("undo top", trouble)
    seconds = 2.0 if trouble == "hang" else 60.0  # time enough for those that do not hang
    mp.close()
    with Milepost(mp.home, policy={**POLICY, "limits.undo_seconds": seconds}, journey_types=(asked,)) as hasty:
        result = hasty.undo(journey)
    assert result.success is False and world.state() == {"base": "new", "top": "new"}
    assert statuses(result) == [("alone", "done"), ("top", "failed")]
    assert [(left.step, left.why.partition(":")[0]) for left in result.left] == [
        ("top", "OSError" if trouble == "fail" else "took longer than 2 s (limits.undo_seconds)"),
        ("base", "what needs it is not undone"),
    ]
    assert mp.status(journey).status == "partial" and "top" in str(result.error)
    world.untrap("undo top")
    assert mp.undo(journey).success and world.state() == {}
    assert world.told("undo") == ["alone", "top", "top", "base"]
    assert mp.status(journey).status == "rolled_back"


def test_a_rollback_stops_at_what_cannot_be_undone(mp: Milepost, world: World) -> None:
    """What is newer is undone; it is listed, with all that is older, also what it does not need; `skip` goes on."""
    steps = [*chain("first"), *chain("a", "b", "c")]
    steps[2]["action"] = "shout"
    journey = run(mp, world, *steps)
    preview = mp.preview_rollback(journey.checkpoint("before_put"))
    assert [(one.step, one.status) for one in preview.handlers] == [("b", "irreversible")]
    result = mp.undo(journey)
    assert statuses(result) == [("c", "done"), ("b", "irreversible")] and result.success is False
    assert world.state() == {"first": "new", "a": "new", "b": "heard"}
    assert [one.step for one in result.left] == [one.step for one in preview.left] == ["b", "a", "first"]
    past = mp.undo(journey, on_conflict="skip")
    assert past.success is False and world.state() == {"b": "heard"} and [one.step for one in past.left] == ["b"]
    assert mp.status(journey).status == "partial"


def test_a_step_that_failed_is_undone_without_a_receipt(mp: Milepost, world: World) -> None:
    """It may have had its effect: its handler is called, with None for the receipt and what was noted before."""
    world.set("b", "old")
    world.trap("run b", "fail")
    journey = run(mp, world, *chain("a", "b"), *chain("alone"))
    assert journey.status == "partial" and "OSError" in str(journey.detail)
    assert {one.id: one.status for one in journey.steps} == {"a": "done", "b": "failed", "alone": "done"}
    assert world.state() == {"a": "new", "b": "new", "alone": "new"}
    assert mp.undo(journey).success and world.state() == {"b": "old"}
    assert [call[3] for call in world.calls("undo")] == ["receipt", "none", "receipt"]


def test_what_depends_on_a_failed_step_waits(mp: Milepost, world: World) -> None:
    """In a flow it is not started, and resume goes on from there; what was done is not done again."""
    world.trap("before b", "fail")
    journey = run(mp, world, *chain("a", "b", "c"))
    assert [one.status for one in journey.steps] == ["done", "failed", "pending"] and journey.status == "failed"
    world.untrap("before b")
    assert mp.resume(journey).status == "completed" and world.told("run") == ["a", "b", "b", "c"]


def test_an_undo_runs_for_the_journeys_owner(tmp_path: Path, world: World) -> None:
    """Whoever rolls back: the handler gets the person who ran the journey."""
    with Milepost(tmp_path / "home", policy=POLICY, user="ada", journey_types=(one_file,)) as ada:
        journey = ada.apply(ada.plan([], journey_type="one_file", args={**world.args, "name": "a"}))
    with Milepost(tmp_path / "home", policy=POLICY, user="ben", journey_types=(one_file,)) as ben:
        assert ben.undo(journey).success
    assert world.calls("undo")[0][2] == "ada"


def test_a_handler_is_found_by_name_and_version(mp: Milepost, world: World) -> None:
    """Another version's handler is not called for a receipt; one that is declared for the old version is."""

    def newer(*, with_old: bool) -> Any:
        @step("put", version=2)
        def put(ctx: StepContext, place: str, name: str, text: str = "new") -> Receipt:
            raise AssertionError("it is not run here")

        put.undoes(lambda undo: None)
        if with_old:
            put.undoes(lambda undo: world.set(undo.args["name"], None), version=1)
        return journey_type("one_file", steps=[put])

    journey = mp.apply(mp.plan([], journey_type="one_file", args={**world.args, "name": "a"}))
    mp.close()
    with Milepost(mp.home, policy=POLICY, journey_types=(newer(with_old=False),)) as other:
        result = other.undo(journey)
        assert result.success is False and statuses(result) == [("put", "no_handler")]
        assert "version 1" in str(result.error) and world.state() == {"a": "new"}
    with Milepost(mp.home, policy=POLICY, journey_types=(newer(with_old=True),)) as other:
        assert other.undo(journey).success and world.state() == {}


def test_redo_does_not_claim_what_it_cannot_do(mp: Milepost, world: World) -> None:
    """A rollback of a rollback stops at the effects that it undid outside, and says so; resume does them again."""
    journey = run(mp, world, *chain("a"))
    undone = mp.undo(journey)
    assert undone.journey_id is not None
    again = mp.undo(undone.journey_id)
    assert again.success is False and world.state() == {} and mp.status(journey).status == "rolled_back"
    assert mp.resume(journey).status == "completed" and world.state() == {"a": "new"}


def test_a_step_that_hangs_fails_in_its_time(mp: Milepost, world: World) -> None:
    """Its effect is not known: undone without a receipt; what does not need it goes on."""
    world.trap("run a", "hang")
    policy = {**POLICY, "limits.step_seconds": 2.0}
    journey = run(mp, world, *chain("a"), *chain("alone"), policy=policy)
    assert [one.status for one in journey.steps] == ["failed", "done"]
    assert "took longer than 2 s (limits.step_seconds)" in str(journey.detail)
    assert mp.undo(journey).success and world.state() == {}


def test_a_stop_while_a_step_runs_is_taken_up_again(mp: Milepost, world: World) -> None:
    """Ctrl-C: the journey is interrupted, not failed, and resume runs the step again under the same key."""
    world.trap("run a", "hang")
    watcher = threading.Thread(target=_stop_when, args=(mp, world))
    watcher.start()
    journey = run(mp, world, *chain("a", "b"))
    watcher.join()
    assert journey.status == "interrupted" and world.told("run") == ["a"]
    world.untrap("run a")
    assert mp.resume(journey).status == "completed"
    keys = [call[2] for call in world.calls("run")]
    assert keys[0] == keys[1] and world.told("run") == ["a", "a", "b"]
    assert mp.undo(journey).success and world.state() == {}


def _stop_when(mp: Milepost, world: World) -> None:
    """Ask to stop as soon as the first step runs."""
    while not world.calls("run"):
        threading.Event().wait(0.01)
    mp.stop()
