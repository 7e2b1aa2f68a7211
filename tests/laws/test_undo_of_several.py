"""Law: journeys that are undone together are one rollback and one revision; only what others did since is in the way.

And what a journey's status says is so, whichever way it was taken back or given back.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from works import KB, POLICY, opened, view

from milepost.store import faults
from milepost.store.errors import CheckpointNotFound, NotFound, PolicyError, RollbackConflict, UsageError
from milepost.store.records import JourneyStatus

COMPLETED, ROLLED_BACK = JourneyStatus.COMPLETED, JourneyStatus.ROLLED_BACK


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    faults.arm(None)


def put(mp: Any, kb: str = KB, **texts: str) -> Any:
    """A journey that gives sources their texts."""
    return mp.ingest([(f"{name}.md", f"# {name}\n\n{text}\n".encode()) for name, text in texts.items()], kb=kb)


def shown(home: Path) -> dict[str, str]:
    """What a reader finds: the text of each source."""
    return {row[2].removesuffix(".md"): row[3].split("\n")[-1] for row in view(home)}


def cut_at(point: str) -> None:
    def cut(reached: str) -> None:
        if reached == point:
            raise RuntimeError("cut off")

    faults.arm(cut)


def test_their_own_changes_are_no_conflict_to_one_another(home: Path) -> None:
    """Alone the first is in conflict with the second; together they go, in one revision, and come back as one."""
    with opened(home) as mp:
        put(mp, a="old", keep="kept")
        before = mp.kb_digest(KB).digest
        first, second = put(mp, a="one", b="one"), put(mp, a="two", c="two")
        after = mp.kb_digest(KB).digest
        with pytest.raises(RollbackConflict):
            mp.undo(first)
        asked = mp.rollback(journey=[second, first], dry_run=True)
        assert (asked.success, asked.conflicts) == (None, []) and mp.kb_digest(KB).digest == after
        done = mp.undo([second, first])
        assert done.success and done.verified == "confirmed" and done.revision_after == done.revision_before + 1
        assert [one.journey_id for one in done.journeys] == [first.journey_id, second.journey_id]
        assert (asked.chunks_removed, asked.chunks_restored) == (done.chunks_removed, done.chunks_restored)
        assert (done.sources_removed, done.sources_restored) == (["b.md", "c.md"], ["a.md"])
        assert mp.kb_digest(KB).digest == before
        assert {str(mp.status(each).status) for each in (first, second)} == {"rolled_back"}
        assert mp.undo([first, second]).already_there
        assert mp.undo(second).already_there and mp.undo(first).already_there
        assert mp.rollback(last=True, kb=KB).success
        assert mp.kb_digest(KB).digest == after
        assert [mp.status(each).status for each in (first, second)] == [COMPLETED, COMPLETED]


@pytest.mark.parametrize(("mode", "left"), [("refuse", None), ("skip", {"a": "mine", "c": "new"}), ("force", {})])
def test_what_others_laid_on_top_is(home: Path, mode: str, left: dict[str, str] | None) -> None:
    """An outside journey between or after them is in the way, is named, and refused, skipped or forced."""
    with opened(home) as mp:
        first = put(mp, a="one", b="one")
        outside = put(mp, a="mine", c="new")
        second = put(mp, b="two")
        if left is None:
            before = mp.kb_digest(KB), len(mp.journeys())
            with pytest.raises(RollbackConflict) as refused:
                mp.undo([first, second], on_conflict=mode)
            assert refused.value.facts["conflicts"] == [{"source": "a.md", "changed_by": outside.journey_id}]
            assert f"--journey {first.journey_id} --journey {second.journey_id}" in refused.value.next
            assert (mp.kb_digest(KB), len(mp.journeys())) == before
            return
        done = mp.undo([first, second], on_conflict=mode)
        assert [(one.source, one.changed_by) for one in done.conflicts] == [("a.md", outside.journey_id)]
        assert shown(home) == (left if mode == "skip" else {"c": "new"})


def test_a_set_of_one_is_that_one_and_named_twice_is_once(home: Path) -> None:
    with opened(home) as mp:
        journey = put(mp, a="text")
        assert mp.undo([journey, journey.journey_id]).success
        assert mp.undo([journey]).already_there and mp.undo(journey).already_there


def test_what_does_not_belong_together_is_refused(home: Path) -> None:
    """Two kbs, a rollback among them, none at all, one that never was: said before anything is changed."""
    with opened(home) as mp:
        here, there = put(mp, a="text"), put(mp, kb="other", a="text")
        undone = mp.undo(put(mp, b="text"))
        before = mp.kb_digest(KB)
        for wanted, error in (
            ([here, there], UsageError), ([here, undone.journey_id], UsageError), ([], UsageError),
            ([here, "journey_never"], NotFound),
        ):  # fmt: skip
            with pytest.raises(error):
                mp.undo(wanted)
        assert mp.kb_digest(KB) == before


@pytest.mark.parametrize("point", ["rollback.after_intent", "rollback.before_commit", "rollback.after_publish"])
def test_cut_off_it_is_finished_as_it_was_asked_for(home: Path, point: str) -> None:
    """By `resume` of the rollback, with both journeys."""
    with opened(home) as mp:
        first, second = put(mp, a="one"), put(mp, a="two")
        cut_at(point)
        with pytest.raises(RuntimeError):
            mp.undo([first, second])
        faults.arm(None)
        assert mp.resume(mp.status()).status == COMPLETED
        assert shown(home) == {} and mp.kb_stats(KB).revision == 3
        assert [mp.status(each).status for each in (first, second)] == [ROLLED_BACK, ROLLED_BACK]


def test_one_of_a_set_goes_on_alone(home: Path) -> None:
    """Resumed after the set was undone, it lies on what is there now, and its undo leaves exactly that."""
    with opened(home) as mp:
        put(mp, a="old")
        first, second = put(mp, a="one"), put(mp, a="two")
        mp.undo([first, second])
        assert mp.resume(second).status == COMPLETED and shown(home) == {"a": "two"}
        assert mp.status(first).status == ROLLED_BACK
        assert mp.undo(first).already_there
        assert mp.undo(second).success and shown(home) == {"a": "old"}


def test_what_was_taken_back_stays_so_whoever_came_since(home: Path) -> None:
    """A second undo finds it done, even by force: what others put there since is theirs."""
    with opened(home) as mp:
        journey = put(mp, a="one")
        mp.undo(journey)
        put(mp, a="theirs")
        for mode in ("refuse", "skip", "force"):
            assert mp.undo(journey, on_conflict=mode).already_there
        assert shown(home) == {"a": "theirs"}


def test_a_rollback_that_was_undone_is_not_undone_again(home: Path) -> None:
    """Whoever came since: what it took off is back already, and what lies on top is theirs, force or not."""
    with opened(home) as mp:
        journey = put(mp, a="one")
        undone = mp.undo(journey)
        mp.rollback(last=True, kb=KB)
        put(mp, a="theirs")
        for mode in ("refuse", "force"):
            assert mp.undo(str(undone.journey_id), on_conflict=mode).already_there
        assert shown(home) == {"a": "theirs"}


def test_going_back_to_a_revision_says_of_every_journey_how_it_stands(home: Path) -> None:
    """Those that came later are taken back, whoever's they are, and listed before; undone, they are what they were."""
    with opened(home) as mp, opened(home, user="ben") as ben:
        base = put(mp, a="old")
        first = put(mp, a="one")
        undone = mp.undo(first)
        theirs = put(ben, b="two")
        asked = mp.rollback(to=1, kb=KB, dry_run=True)
        listed = [(first.journey_id, "ana"), (undone.journey_id, "ana"), (theirs.journey_id, "ben")]
        assert [(one.journey_id, one.user) for one in asked.journeys] == listed
        stood = [mp.status(each).status for each in (base, first, undone.journey_id, theirs)]
        assert stood == [COMPLETED, ROLLED_BACK, COMPLETED, COMPLETED]
        mp.rollback(to=1, kb=KB)
        now = [mp.status(each).status for each in (base, first, undone.journey_id, theirs)]
        assert now == [COMPLETED, ROLLED_BACK, ROLLED_BACK, ROLLED_BACK]
        done = ben.undo(theirs)  # its upload goes; of the kb nothing is left to undo
        assert done.success and done.revision_after == done.revision_before
        assert mp.rollback(last=True, kb=KB).success
        assert [mp.status(each).status for each in (base, first, undone.journey_id, theirs)] == stood
        mp.rollback(to=2, kb=KB)
        assert [mp.status(each).status for each in (first, undone.journey_id)] == [COMPLETED, ROLLED_BACK]
        assert shown(home) == {"a": "one"}
        assert mp.resume(theirs).status == COMPLETED and shown(home) == {"a": "one", "b": "two"}


def test_undo_redo_undo_is_told_each_time(home: Path) -> None:
    """However often a rollback is rolled back, the journey below says how it stands."""
    with opened(home) as mp:
        journey = put(mp, a="one")
        mp.undo(journey)
        for turn in range(4):
            mp.rollback(last=True, kb=KB)
            assert mp.status(journey).status == (ROLLED_BACK if turn % 2 else COMPLETED)
            assert bool(shown(home)) is (turn % 2 == 0)


def test_back_and_forth_is_told_once_each_time(home: Path) -> None:
    """The twentieth turn between two revisions moves each journey once, like the first; so does its undo."""
    with opened(home) as mp:
        put(mp, a="one")
        second = put(mp, a="two")
        told = len(mp.timeline(second))
        for turn in range(20):
            mp.rollback(to=2 if turn % 2 else 1, kb=KB)
            assert len(mp.timeline(second)) == told + turn + 1
            assert mp.status(second).status == (COMPLETED if turn % 2 else ROLLED_BACK)
        mp.rollback(last=True, kb=KB)
        assert len(mp.timeline(second)) == told + 21 and mp.status(second).status == ROLLED_BACK


def test_a_journey_that_ran_again_is_not_moved_by_what_was_before(home: Path) -> None:
    """Undone, resumed, and another one undone and redone: the first stays completed all the while."""
    with opened(home) as mp:
        first, second = put(mp, a="one"), put(mp, b="two")
        mp.undo([first, second])
        assert mp.resume(first).status == COMPLETED
        told = len(mp.timeline(first))
        assert mp.resume(second).status == COMPLETED
        for stands in (ROLLED_BACK, COMPLETED):
            mp.rollback(last=True, kb=KB)
            assert [mp.status(each).status for each in (first, second)] == [COMPLETED, stands]
        assert len(mp.timeline(first)) == told


def test_what_was_passed_over_is_said_with_the_journey(home: Path) -> None:
    """With `skip`, a journey that is taken back says which sources it was not taken back from."""
    with opened(home) as mp:
        mine, theirs = put(mp, a="mine", b="mine"), put(mp, a="theirs")
        assert mp.undo(mine, on_conflict="skip").success
        assert "except for a.md" in str(mp.status(mine).detail) and "b.md" not in str(mp.status(mine).detail)
        mp.undo(theirs)
        assert mp.undo(mine).success and "except" not in str(mp.status(mine).detail)


def test_who_took_a_journey_back_is_in_its_timeline(home: Path) -> None:
    """Not its owner, but the one who did it; `kb log` names that one, too."""
    with opened(home) as mp, opened(home, user="ben") as ben:
        journey = put(mp, a="one")
        ben.undo(journey)
        assert [e.user for e in mp.timeline(journey) if e.kind == "rolled_back"] == ["ben"]
        assert [row.user for row in mp.kb_log(KB)] == ["ben", "ana"]
        mp.rollback(last=True, kb=KB)
        assert mp.timeline(journey)[-1].user == "ana"


@pytest.mark.parametrize("point", ["rollback.after_intent", "rollback.after_publish"])
def test_of_two_rollbacks_of_one_journey_the_last_one_counts(home: Path, point: str) -> None:
    """One that was cut off is not gone on with once another place was gone back to, not by its own resume either."""
    with opened(home) as mp:
        journey = put(mp, a="one")
        cut_at(point)
        with pytest.raises(RuntimeError):
            mp.rollback_to_checkpoint(journey.checkpoint("embed_complete"))
        faults.arm(None)
        pending = mp.status()
        assert pending.status == JourneyStatus.INTERRUPTED
        assert mp.rollback_to_checkpoint(journey.checkpoint("before_upload")).success
        assert mp.status(pending).status == (COMPLETED if point == "rollback.after_publish" else "cancelled")
        assert mp.resume(pending).status == mp.status(pending).status
        assert shown(home) == {} and mp.status(journey).status == ROLLED_BACK
        again = mp.resume(journey)
        assert again.status == COMPLETED and shown(home) == {"a": "one"}


def test_a_journey_that_others_built_on_is_refused_with_their_list(home: Path) -> None:
    """Their replacement and their removal both stand in the way, each named; undone with them, all of it goes."""
    with opened(home) as mp:
        put(mp, b="old")
        base = put(mp, a="one", b="one", c="one")
        replaced, removed = put(mp, a="two"), mp.kb_remove("b.md", kb=KB)
        with pytest.raises(RollbackConflict) as refused:
            mp.undo(base)
        assert refused.value.facts["conflicts"] == [
            {"source": "a.md", "changed_by": replaced.journey_id},
            {"source": "b.md", "changed_by": removed.journey_id},
        ]
        assert mp.undo([base, replaced, removed]).success
        assert shown(home) == {"b": "old"}


def test_another_tenants_journey_in_a_set_is_one_that_never_was(home: Path) -> None:
    with opened(home) as mp, opened(home, user={"user": "eve", "tenant": "other"}) as eve:
        mine, theirs = put(eve, a="text"), put(mp, a="text")
        for wanted in (theirs.journey_id, "journey_000000000000000000000000"):
            with pytest.raises(NotFound) as refused:
                eve.undo([mine, wanted])
            assert not isinstance(refused.value, CheckpointNotFound)
            assert refused.value.message == f"there is no journey {wanted!r}"
        assert eve.kb_stats(KB).revision == 1


def test_what_only_its_owner_may_undo_no_other_way_undoes(home: Path) -> None:
    """Not alone, not in a set, not with the whole kb, and not by force over it; its owner may."""
    owned = {**POLICY, "undo_by": "owner"}
    with opened(home) as mp, opened(home, user="ben", policy=owned) as ben:
        mine, theirs = put(mp, a="one", b="one"), put(ben, a="two")
        before = mp.kb_digest(KB), len(mp.journeys())
        for attempt in (
            lambda: mp.undo(theirs),
            lambda: mp.undo([mine, theirs]),
            lambda: mp.undo(mine, on_conflict="force"),
            lambda: mp.rollback(to=1, kb=KB),
            lambda: mp.rollback(to=0, kb=KB, dry_run=True),
            lambda: mp.rollback(last=True, kb=KB),
        ):
            with pytest.raises(PolicyError, match=f"only ben may undo {theirs.journey_id}"):
                attempt()
        assert (mp.kb_digest(KB), len(mp.journeys())) == before
        assert mp.undo(mine, on_conflict="skip").success and shown(home) == {"a": "two"}
        assert ben.undo(theirs).success and shown(home) == {"a": "one"}
        assert mp.rollback(to=0, kb=KB).success and shown(home) == {}


def test_a_journey_is_undone_under_the_policy_it_keeps(home: Path) -> None:
    """Rollback switched off since then takes nothing from a journey that ran with it."""
    with opened(home) as mp:
        put(mp, a="old")
        before = mp.kb_digest(KB).digest
        journey = put(mp, a="one")
    with opened(home, policy={**POLICY, "enable_rollback": False}) as mp:
        assert mp.undo(journey).verified == "confirmed"
        assert mp.kb_digest(KB).digest == before and mp.status(journey).status == ROLLED_BACK
        assert mp.rollback(last=True, kb=KB).success, "a rollback can be taken back under any policy"


def test_a_journey_before_what_was_given_up_is_refused(home: Path) -> None:
    """What an older one replaced is gone after a journey with rollback off: its undo is refused, nothing lost."""
    with opened(home) as mp:
        put(mp, a="old")
        mine = put(mp, a="new")
        mp.ingest([("b.md", b"# b\n\nother\n")], kb=KB, policy="none")
        for journeys in (mine, [mine]):
            with pytest.raises(PolicyError, match="not restorable"):
                mp.undo(journeys, on_conflict="force")
        assert shown(home) == {"a": "new", "b": "other"} and mp.status(mine).status == COMPLETED


def test_a_journey_has_one_place_in_a_set(home: Path) -> None:
    """Two checkpoints of one journey say two places to go back to: refused, and nothing is changed."""
    with opened(home) as mp:
        journey, other = put(mp, a="one"), put(mp, b="two")
        places = [journey.checkpoint("before_upload"), journey.checkpoint("upload_complete")]
        with pytest.raises(UsageError, match="two of these checkpoints are of one journey"):
            mp.preview_rollback([*places, other.checkpoint("before_upload")])
        assert shown(home) == {"a": "one", "b": "two"}
