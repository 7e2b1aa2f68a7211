"""Law: an id that nothing has is told beside the one that was meant, and beside no other."""

from __future__ import annotations

import pytest

from milepost.agents.expanding import unknown

THERE = ["checkpoint_before_upload_58df1299-7f1b-4c7e-9b70-6f6ad2a7e9d1", "journey_4fbdb6b95a40a7ae953e41fd"]


@pytest.mark.parametrize("typed", ["checkpoint_before_upload_58df1290", "checkpoint_befor_upload_58df1299"])
def test_a_slip_is_answered_with_the_id_that_was_meant(typed: str) -> None:
    """One wrong letter, in the name or in the number."""
    assert unknown(typed, THERE, "").cause == "did you mean checkpoint_before_upload_58df1299?"


@pytest.mark.parametrize(
    "typed", ["checkpoint_before_upload_58a01b2c", "checkpoint_before_upload_00000000", "journey_0"]
)
def test_another_id_of_the_kind_is_none_that_was_meant(typed: str) -> None:
    """All checkpoints before an upload begin alike; that makes them no nearer."""
    assert "did you mean" not in unknown(typed, THERE, "").cause
