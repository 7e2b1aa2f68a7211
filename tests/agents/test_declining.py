"""Law: a no answers the question: nothing waits, nothing changed, and whoever applies the plan again is asked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from milepost import ApprovalRequired, Milepost, UsageError


@pytest.fixture
def waiting(tmp_path: Path) -> tuple[Milepost, str]:
    """A home in which one plan waits for a person."""
    (tmp_path / "a.md").write_text("# A\n\nA page.\n")
    mp = Milepost(tmp_path / "home", policy={"approval": "always"}, embedder="fake", user="ada")
    plan = mp.plan([str(tmp_path / "a.md")], kb="hr")
    with pytest.raises(ApprovalRequired):
        mp.apply(plan)
    return mp, plan.plan_id


def test_a_no_cancels(waiting: tuple[Milepost, str]) -> None:
    """By the plan's id: the journey is cancelled and says by whom, no approval waits, and there is no kb yet."""
    mp, plan_id = waiting
    mp.reject(plan_id)
    journey = mp.status()
    assert (journey.status, journey.detail) == ("cancelled", "declined by ada")
    assert mp.approvals() == [] and mp.kb_list() == []
    mp.close()


def test_a_declined_question_cannot_be_answered_again(waiting: tuple[Milepost, str]) -> None:
    """Approving it is refused: the yes has to be to a new question."""
    mp, plan_id = waiting
    (approval,) = mp.approvals()
    mp.reject(approval)
    with pytest.raises(UsageError, match="was declined"):
        mp.approve(approval)
    with pytest.raises(ApprovalRequired):
        mp.apply(plan_id)
    assert len(mp.approvals()) == 1
    mp.close()


def test_a_yes_to_the_new_question_runs_it(waiting: tuple[Milepost, str]) -> None:
    """The same plan, the same journey, and it is completed."""
    mp, plan_id = waiting
    declined = mp.status().journey_id
    mp.reject(plan_id)
    journey = mp.apply(plan_id, approve=True)
    assert (journey.journey_id, journey.status) == (declined, "completed")
    mp.close()
