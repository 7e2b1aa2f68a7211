"""Law: nothing that a person has to approve runs without that person's yes to exactly this, given in time, and once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from milepost import ApprovalRequired, Milepost, Policy, StalePlan
from milepost.store import faults
from milepost.store.errors import NotFound, PolicyError, UsageError
from milepost.store.ports import SystemClock
from milepost.tools.embedders import FakeEmbedder

ASKS = Policy.rollback(approval="always")
FOUR_EYES = Policy.rollback(approval="always", approve_by="another")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "text.md").write_text("Trains are booked by the office.")
    yield tmp_path / "home"
    faults.arm(None)


def opened(home: Path, user: str = "ann", policy: Policy = ASKS, tenant: str = "default") -> Milepost:
    return Milepost(home, policy=policy, embedder=FakeEmbedder(16), user={"user": user, "tenant": tenant})


def planned(mp: Milepost, home: Path) -> Any:
    return mp.plan([home.parent / "text.md"], kb="hr")


def waiting(mp: Milepost, plan: Any) -> str:
    """Apply a plan that nobody has approved; the question's id."""
    with pytest.raises(ApprovalRequired) as asked:
        mp.apply(plan)
    return str(asked.value.facts["approval_id"])


class Later:
    """The clock, some hours on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch

    def hours(self, hours: float) -> None:
        at = (datetime.now(UTC) + timedelta(hours=hours)).isoformat(timespec="microseconds")
        self._patch.setattr(SystemClock, "now", lambda _: at)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Later:
    return Later(monkeypatch)


def test_the_maker_of_a_plan_does_not_approve_it_where_another_has_to(home: Path) -> None:
    """Neither with the call nor by the question's id, is told who has to, and another's yes is what runs it."""
    with opened(home, policy=FOUR_EYES) as ann, opened(home, "ben", FOUR_EYES) as ben:
        plan = planned(ann, home)
        with pytest.raises(ApprovalRequired) as refused:
            ann.apply(plan, approve=True)
        assert refused.value.exit_code == 3 and refused.value.facts["only_others"]
        assert "another" in refused.value.cause and "ann made the plan" in refused.value.cause
        [question] = ann.approvals()
        assert question.not_by == "ann"
        for wanted in (question.approval_id, plan.plan_id):
            with pytest.raises(PolicyError) as own:
                ann.approve(wanted)
            assert own.value.exit_code == 3
        assert ann.kb_list() == [] and ben.approvals() == [question]
        assert ben.approve(plan.plan_id).approver == "ben"
        assert ann.apply(plan).status == "completed"
        told = {(event.user, event.kind) for event in ann.timeline(ann.status())}
        assert {("ann", "approval_asked"), ("ben", "approved"), ("ben", "approval_used")} <= told


def test_a_yes_of_the_maker_in_the_record_opens_nothing(home: Path) -> None:
    """However it came there: where another has to approve, the step looks who did."""
    with opened(home, policy=FOUR_EYES) as ann:
        plan = planned(ann, home)
        waiting(ann, plan)
        with ann.workspace.services.home.record.write() as writing:
            writing.execute("UPDATE approvals SET approver = not_by, approved = asked")
        with pytest.raises(ApprovalRequired):
            ann.apply(plan)
        assert ann.kb_list() == []


def test_another_runs_it_with_a_yes_of_their_own(home: Path) -> None:
    """Who did not make the plan may give the yes with the call."""
    with opened(home, policy=FOUR_EYES) as ann, opened(home, "ben", FOUR_EYES) as ben:
        assert ben.apply(planned(ann, home), approve=True).status == "completed"


def test_an_approval_expires_before_it_is_used(home: Path, later: Later) -> None:
    """After its hours it opens nothing; the question waits again, and a new yes counts from when it is given."""
    with opened(home) as mp:
        plan = planned(mp, home)
        question = waiting(mp, plan)
        given = mp.approve(question)
        assert given.approved_at and given.expires_at
        hours = datetime.fromisoformat(given.expires_at) - datetime.fromisoformat(given.approved_at)
        assert abs(hours - timedelta(hours=24)) < timedelta(seconds=5)
        assert mp.approvals() == []
        later.hours(25)
        assert [one.approval_id for one in mp.approvals()] == [question]
        assert waiting(mp, plan) == question
        mp.approve(question)
        later.hours(48)
        assert mp.apply(plan).status == "completed"


def test_an_approval_without_hours_is_good_for_ever(home: Path, later: Later) -> None:
    """`approval_hours` None: no end."""
    with opened(home, policy=Policy.rollback(approval="always", approval_hours=None)) as mp:
        plan = planned(mp, home)
        assert mp.approve(waiting(mp, plan)).expires_at is None
        later.hours(100_000)
        assert mp.apply(plan).status == "completed"


@pytest.mark.parametrize(("hours", "asked"), [(23, False), (25, True)])
def test_going_on_needs_an_approval_that_is_still_good(home: Path, later: Later, hours: int, asked: bool) -> None:
    """A journey that was cut off is not asked about twice within the hours of its approval, and is after them."""

    def cut(point: str) -> None:
        if point == "embed.after_intent":
            raise RuntimeError("cut off")

    with opened(home) as mp:
        plan = planned(mp, home)
        mp.approve(waiting(mp, plan))
        faults.arm(cut)
        with pytest.raises(RuntimeError, match="cut off"):
            mp.apply(plan)
        faults.arm(None)
        later.hours(hours)
        if asked:
            with pytest.raises(ApprovalRequired):
                mp.resume(mp.status())
            assert mp.kb_stats("hr").revision == 0
            mp.approve(plan.plan_id)
        assert mp.resume(mp.status()).status == "completed"


def test_a_journey_that_runs_comes_to_its_end(home: Path, later: Later) -> None:
    """An approval that expires between two steps does not stop a run that began in time."""

    def late(point: str) -> None:
        if point == "parse.done":
            later.hours(30)

    with opened(home) as mp:
        faults.arm(late)
        assert mp.apply(planned(mp, home), approve=True).status == "completed"


def test_every_step_looks_for_the_approval(home: Path) -> None:
    """Taken out of the record between two steps, it is missed by the next one: nothing is shown."""
    with opened(home) as mp:
        record = mp.workspace.services.home.record

        def take_away(point: str) -> None:
            if point == "embed.done":
                with record.write() as writing:
                    writing.execute("UPDATE approvals SET approver = NULL")

        plan = planned(mp, home)
        faults.arm(take_away)
        with pytest.raises(ApprovalRequired, match="is not approved"):
            mp.apply(plan, approve=True)
        assert mp.kb_stats("hr").revision == 0
        assert mp.status().status == "interrupted"


def test_an_approval_is_not_for_another_plan_or_policy(home: Path) -> None:
    """A plan made again for a changed file, and the same plan under another policy, are asked about anew."""
    with opened(home) as mp:
        plan = planned(mp, home)
        mp.approve(waiting(mp, plan))
        (home.parent / "text.md").write_text("Taxis need a receipt.")
        with pytest.raises(StalePlan):
            mp.apply(plan)
        with pytest.raises(ApprovalRequired):
            mp.apply(plan, replan=True)
        assert mp.kb_list() == []
    with opened(home, policy=Policy.rollback(approval="always", prove="all")) as mp, pytest.raises(StalePlan):
        mp.apply(plan)


def test_a_used_approval_is_used_up(home: Path) -> None:
    """The yes to a journey is no yes to the next one, though it does the same."""
    with opened(home) as mp:
        mp.apply(planned(mp, home), approve=True)
        mp.kb_remove("text.md", kb="hr", approve=True)
        with pytest.raises(ApprovalRequired):
            mp.apply(planned(mp, home))


def test_a_yes_can_be_taken_back_until_it_is_used(home: Path) -> None:
    """By the plan's id as well; then the journey is cancelled, and applying it asks anew."""
    with opened(home) as mp:
        plan = planned(mp, home)
        question = waiting(mp, plan)
        mp.approve(question)
        mp.reject(plan.plan_id)
        assert mp.status().status == "cancelled"
        with pytest.raises(UsageError, match="declined"):
            mp.approve(question)
        assert waiting(mp, plan) != question


def test_another_tenant_approves_nothing(home: Path) -> None:
    """To it neither the question nor the plan is there."""
    with opened(home) as mp, opened(home, "eve", tenant="other") as eve:
        plan = planned(mp, home)
        question = waiting(mp, plan)
        assert eve.approvals() == []
        for wanted in (question, plan.plan_id):
            with pytest.raises(NotFound):
                eve.approve(wanted)
            with pytest.raises(NotFound):
                eve.reject(wanted)
        assert [one.approval_id for one in mp.approvals()] == [question]
