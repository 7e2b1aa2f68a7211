"""Law: a journey that is taken back while it runs stops at its next batch and is gone; or that is refused, by policy.

Another process may ask as well as this one; what it asked for is in the ledger.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from works import KB, POLICY, opened, view

from milepost.store import faults
from milepost.store.errors import PolicyError, StoreBusy
from milepost.store.records import JourneyStatus

REFUSING = {**POLICY, "undo_running": "refuse"}


class Held:
    """A journey that waits at a fault point, in a thread of its own, until it is let go."""

    def __init__(self, mp: Any, point: str) -> None:
        self._there, self._go = threading.Event(), threading.Event()
        self._point = point
        self.ended: Any = None
        faults.arm(self._wait)
        self._thread = threading.Thread(target=self._run, args=(mp,))
        self._thread.start()
        assert self._there.wait(60)

    def end(self) -> Any:
        """Let it go on, and return how it ended."""
        self._go.set()
        self._thread.join(60)
        assert not self._thread.is_alive()
        return self.ended

    def _run(self, mp: Any) -> None:
        self.ended = mp.ingest([(f"{n}.md", f"# {n}\n\nText {n}.".encode()) for n in range(3)], kb=KB)

    def _wait(self, point: str) -> None:
        if point == self._point and not self._go.is_set():
            self._there.set()
            assert self._go.wait(60)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "home"
    faults.arm(None)


def asking(mp: Any, journey_id: str) -> tuple[threading.Thread, list[Any]]:
    """An undo in a thread of its own, which has asked for the stop by the time this returns."""
    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.append(mp.undo(journey_id)))
    thread.start()
    ledger, waited = mp.workspace.services.home.ledger, threading.Event()
    while thread.is_alive() and ledger.stop_asked(journey_id) is None:
        waited.wait(0.01)
    return thread, done


@pytest.mark.parametrize("point", ["upload.after_intent", "parse.before_batch", "embed.before_ledger"])
@pytest.mark.parametrize("whose", ["another", "own"])
def test_it_stops_at_the_next_batch_and_is_taken_back(home: Path, point: str, whose: str) -> None:
    """Nothing of it is ever seen; it says who stopped it, and can be resumed."""
    with opened(home) as mp, opened(home, user="ben", wait=60) as ben:
        held = Held(mp, point)
        journey_id = mp.status().journey_id
        thread, done = asking(ben if whose == "another" else mp, journey_id)
        ended = held.end()
        thread.join(60)
        assert done[0].success and done[0].verified == "confirmed"
        assert ended.status in (JourneyStatus.INTERRUPTED, JourneyStatus.ROLLED_BACK)
        assert mp.status(journey_id).status == JourneyStatus.ROLLED_BACK
        assert view(home) == [] and mp.kb_stats(KB).revision == 0
        who = "ben" if whose == "another" else "ana"
        told = [(event.user, event.kind) for event in mp.timeline(journey_id)]
        assert (who, "stop_asked") in told and (who, "rolled_back") in told
        faults.arm(None)
        assert mp.resume(journey_id).status == JourneyStatus.COMPLETED
        assert len(view(home)) == 3


@pytest.mark.parametrize("side", ["journey", "person"])
def test_it_is_refused_where_a_policy_says_so(home: Path, side: str) -> None:
    """The policy of who asks, or the one that the journey keeps: exit 3, and it comes to its end untroubled."""
    of_journey, of_person = (REFUSING if side == whose else None for whose in ("journey", "person"))
    with opened(home, policy=of_journey) as mp, opened(home, user="ben", policy=of_person) as ben:
        held = Held(mp, "parse.before_batch")
        journey_id = mp.status().journey_id
        with pytest.raises(PolicyError, match="is running") as refused:
            ben.undo(journey_id)
        assert refused.value.exit_code == 3 and "undo_running" in refused.value.cause
        assert held.end().status == JourneyStatus.COMPLETED
        assert ben.undo(journey_id).success


def test_who_does_not_wait_long_enough_is_told_who_holds_it(home: Path) -> None:
    """The stop is no longer asked for then: the journey comes to its end."""
    with opened(home) as mp, opened(home, user="ben", wait=0) as ben:
        held = Held(mp, "embed.before_ledger")
        journey_id = mp.status().journey_id
        with pytest.raises(StoreBusy) as busy:
            ben.undo(journey_id)
        assert busy.value.exit_code == 7 and busy.value.facts["holder"]["journey_id"] == journey_id
        assert held.end().status == JourneyStatus.COMPLETED
        assert len(view(home)) == 3


def test_who_asked_and_died_stops_no_later_run(home: Path) -> None:
    """A stop that was asked for before a journey goes on is not for the run that begins then."""
    with opened(home) as mp:
        held = Held(mp, "parse.before_batch")
        ledger, journey_id = mp.workspace.services.home.ledger, mp.status().journey_id
        ledger.ask_to_stop(journey_id, by="ben")
        assert held.end().status == JourneyStatus.INTERRUPTED
        assert ledger.stop_asked(journey_id) == "ben"
        assert mp.resume(journey_id).status == JourneyStatus.COMPLETED


def test_a_preview_stops_nothing(home: Path) -> None:
    with opened(home) as mp, opened(home, user="ben") as ben:
        held = Held(mp, "parse.before_batch")
        assert ben.rollback(journey=mp.status().journey_id, dry_run=True).success is None
        assert held.end().status == JourneyStatus.COMPLETED


def test_past_its_publish_it_is_taken_back_all_the_same(home: Path) -> None:
    """Stopped or not, what it had shown is gone in the end."""
    with opened(home) as mp, opened(home, user="ben", wait=60) as ben:
        held = Held(mp, "expose.after_publish")
        journey_id = mp.status().journey_id
        assert len(view(home)) == 3
        thread, done = asking(ben, journey_id)
        held.end()
        thread.join(60)
        assert done[0].success and view(home) == []
        assert mp.status(journey_id).status == JourneyStatus.ROLLED_BACK


def test_another_tenant_stops_nothing(home: Path) -> None:
    """To it there is no such journey, running or not."""
    with opened(home) as mp, opened(home, user={"user": "eve", "tenant": "other"}, wait=0) as eve:
        held = Held(mp, "parse.before_batch")
        with pytest.raises(Exception, match="there is no journey"):
            eve.undo(mp.status().journey_id)
        assert held.end().status == JourneyStatus.COMPLETED
