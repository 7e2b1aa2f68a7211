"""Law: an intent is written before its effect and a receipt after it, in an order that nothing changes afterwards."""

from __future__ import annotations

import sqlite3

import pytest
from store_kit import Kit

from milepost.store.errors import NotFound
from milepost.store.plan import Base, Plan, PlanStep
from milepost.store.policy import Policy
from milepost.store.records import JourneyStatus


def begin(kit: Kit, journey_id: str = "journey_1", tenant: str = "default") -> str:
    plan = Plan(
        journey_type="data_ingest", kb="hr", tenant=tenant, owner="ann", request=journey_id,
        base=Base(kb_revision=0, policy_digest="p"), policy={}, generated_at=kit.home.clock.now(),
    ).sealed()  # fmt: skip
    assert kit.home.ledger.begin(journey_id, plan, user="ann", policy=Policy.rollback(), kb_id=None, revision=0)
    assert not kit.home.ledger.begin(journey_id, plan, user="eve", policy=Policy.none(), kb_id=None, revision=9)
    return journey_id


def test_an_intent_is_there_before_its_receipt(kit: Kit) -> None:
    """Without a receipt it is unknown, not failed: its target and prior state say where to look."""
    ledger, journey = kit.home.ledger, begin(kit)
    intent = ledger.intend(journey, "s1", "upload", "key", target={"file": "a"}, prior={"there": False}, handler="h")
    kit.reopen()
    (found,) = kit.home.ledger.receipts(journey)
    assert found == intent
    assert (found.state, found.target, found.prior, found.post, found.handler) == (
        "intended", {"file": "a"}, {"there": False}, None, "h"
    )  # fmt: skip
    kit.home.ledger.receive(intent.seq, {"there": True})
    (found,) = kit.home.ledger.receipts(journey)
    assert (found.state, found.post) == ("received", {"there": True})


def test_the_same_intent_again_is_the_one_that_is_there(kit: Kit) -> None:
    """A step that runs again after a crash finds its intent, and what was received stays received."""
    ledger, journey = kit.home.ledger, begin(kit)
    first = ledger.intend(journey, "s1", "expose", "key", target={"n": 1})
    assert ledger.intend(journey, "s1", "expose", "key", target={"n": 2}) == first
    ledger.receive(first.seq, {})
    assert ledger.intend(journey, "s1", "expose", "key", target={"n": 1}).state == "received"
    other = begin(kit, "journey_2")
    assert ledger.intend(other, "s1", "expose", "key", target={"n": 1}).seq != first.seq


def test_what_was_undone_is_done_anew_under_a_number_of_its_own(kit: Kit) -> None:
    """A checkpoint taken between two tries tells them apart: the new effect comes after it, the undone one before."""
    ledger, journey = kit.home.ledger, begin(kit)
    upload = ledger.intend(journey, "s1", "upload", "u", target={})
    expose = ledger.intend(journey, "s2", "expose", "e", target={})
    ledger.receive(expose.seq, {"revision": 1})
    ledger.mark_undone([expose.seq, upload.seq])
    again = ledger.intend(journey, "s1", "upload", "u", target={})
    checkpoint = ledger.last_receipt(journey)
    exposed = ledger.intend(journey, "s2", "expose", "e", target={})
    assert again.seq == checkpoint < exposed.seq
    assert (exposed.state, exposed.post) == ("intended", None)
    assert [receipt.seq for receipt in ledger.receipts(journey, after=checkpoint)] == [exposed.seq]
    assert [receipt.state for receipt in ledger.receipts(journey)] == ["undone", "undone", "intended", "intended"]


def test_a_journey_keeps_the_policy_and_the_user_it_began_with(kit: Kit) -> None:
    """Beginning it a second time changes nothing."""
    journey = begin(kit)
    assert kit.home.ledger.journey(journey, "default").user == "ann"
    assert kit.home.ledger.policy(journey).enable_rollback
    assert not kit.home.ledger.policy(journey).enable_forward_docs


def test_journeys_are_found_by_status_kb_and_tenant(kit: Kit) -> None:
    """Newest first, and never another tenant's; one that never was and another's are the same to a caller."""
    ledger = kit.home.ledger
    for n in (1, 2, 3):
        begin(kit, f"journey_{n}")
    begin(kit, "journey_other", tenant="other")
    ledger.set_status("journey_2", JourneyStatus.RUNNING)
    ids = [journey.journey_id for journey in ledger.journeys("default")]
    assert ids == ["journey_3", "journey_2", "journey_1"]
    running = ledger.journeys(None, statuses=(JourneyStatus.RUNNING, JourneyStatus.COMPENSATING))
    assert [journey.journey_id for journey in running] == ["journey_2"]
    assert ledger.journeys("default", kb="another") == []
    for unknown in ("journey_other", "journey_nowhere"):
        with pytest.raises(NotFound, match="there is no journey"):
            ledger.journey(unknown, "default")


def test_a_process_that_died_leaves_its_journey_interrupted(kit: Kit) -> None:
    """Whoever takes the lease next says so; what waits or has ended is left alone."""
    ledger = kit.home.ledger
    for n, status in enumerate((JourneyStatus.RUNNING, JourneyStatus.AWAITING_APPROVAL, JourneyStatus.COMPLETED)):
        begin(kit, f"journey_{n}")
        ledger.set_status(f"journey_{n}", status)
    kit.reopen().recover_if_idle()
    found = {journey.journey_id: str(journey.status) for journey in kit.home.ledger.journeys("default")}
    assert found == {"journey_0": "interrupted", "journey_1": "awaiting_approval", "journey_2": "completed"}


def test_two_that_find_a_home_unfinished_both_get_in(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever comes second, when the first has just begun to recover, goes on without an error."""
    begin(kit)
    kit.home.ledger.set_status("journey_1", JourneyStatus.RUNNING)
    second = Kit(kit.path)
    monkeypatch.setattr(second.home.lease, "free", lambda: True)
    with kit.home.lease.hold("recovering"):
        second.home.recover_if_idle()
    second.home.recover_if_idle()
    assert second.home.ledger.journey("journey_1", None).status == JourneyStatus.INTERRUPTED
    second.home.close()


def test_the_timeline_only_grows(kit: Kit) -> None:
    """Who did what, in the order of its writing, each change of status among it once."""
    ledger, journey = kit.home.ledger, begin(kit)
    for status in (JourneyStatus.RUNNING, JourneyStatus.RUNNING, JourneyStatus.COMPLETED):
        ledger.set_status(journey, status)
    kinds = [event.kind for event in ledger.timeline(journey)]
    assert kinds == ["planned", "running", "completed"]
    ledger.note(journey, "default", "ben", "looked", {"at": 1})
    events = ledger.timeline(journey)
    assert [event.kind for event in events] == [*kinds, "looked"]
    assert [event.seq for event in events] == sorted(event.seq for event in events)


@pytest.mark.parametrize("change", ["UPDATE events SET user = 'eve'", "DELETE FROM events"])
def test_an_event_is_never_changed(kit: Kit, change: str) -> None:
    """The database itself refuses, whoever asks it: who did what stays as it was written."""
    events = kit.home.ledger.timeline(begin(kit))
    with pytest.raises(sqlite3.IntegrityError, match="only added"), kit.home.record.write() as writing:
        writing.execute(change)
    assert kit.home.ledger.timeline("journey_1") == events


def test_every_try_of_a_step_is_kept(kit: Kit) -> None:
    """One that nothing ended is running while its journey is, and interrupted afterwards; one that failed failed."""
    plan = Plan(kb="hr", steps=(PlanStep(id="a", action="upload"), PlanStep(id="b", action="parse"))).sealed()
    ledger, journey = kit.home.ledger, "journey_tries"
    ledger.begin(journey, plan, user="ann", policy=Policy.rollback(), kb_id=None, revision=0)
    ledger.set_status(journey, JourneyStatus.RUNNING)
    for status in ("running", "running", "failed", "running", "done"):
        ledger.set_step(journey, "a", status)
    ledger.set_step(journey, "b", "running")
    tried = ledger.journey(journey, None, whole=True).steps
    assert [[(one.status, one.ended_at is None) for one in step.tries] for step in tried] == [
        [("interrupted", True), ("failed", False), ("done", False)], [("running", True)],
    ]  # fmt: skip
    ledger.set_status(journey, JourneyStatus.INTERRUPTED)
    assert [one.status for one in ledger.journey(journey, None, whole=True).steps[1].tries] == ["interrupted"]
    ledger.set_step(journey, "b", "done", 0.0)
    assert [one.status for one in ledger.journey(journey, None, whole=True).steps[1].tries] == ["done"]
