"""Law: a plan that was handed over carries the policy in force, or a more careful one, however it is sealed."""

from __future__ import annotations

from typing import Any

import pytest
from planner_kit import EMBEDDER, USER, World

from milepost import Milepost, Policy
from milepost.agents.held_policy import loosened
from milepost.store.errors import ApprovalRequired, PlanRejected

STRICT = Policy.full(approval="always", on_existing="skip", budget={"max_cost": 2.0, "max_model_calls": 5})
CHANGES: list[tuple[dict[str, Any], list[str]]] = [
    ({"approval": "never"}, ["approval"]),
    ({"approve_by": "another"}, ["approve_by"]),
    ({"enable_forward_docs": False, "retention": {"days": 0}}, ["enable_forward_docs", "retention"]),
    ({"on_existing": "replace"}, ["on_existing"]),
    ({"on_existing": "keep_both"}, []),
    ({"on_file_error": "stop", "orchestration": "saga"}, []),
    ({"chunk": {"size": 300}}, []),
    ({"budget": {"max_cost": 1.0, "max_model_calls": 5}}, []),
    ({"budget": {"max_cost": 3.0, "max_model_calls": 5}}, ["budget"]),
    ({"budget": {"max_cost": 1.0, "max_model_calls": 6}}, ["budget"]),
    ({"budget": {"max_model_calls": 5}}, ["budget"]),
]


@pytest.mark.parametrize(("changed", "keys"), CHANGES)
def test_what_a_request_may_choose_and_nothing_else(changed: dict[str, Any], keys: list[str]) -> None:
    """More careful, or another way to cut up."""
    carried = Policy.model_validate({**STRICT.model_dump(), **changed})
    assert loosened(carried, STRICT) == keys
    assert loosened(STRICT, STRICT) == []


def test_a_maker_who_is_made_up_is_nobody_else(world: World) -> None:
    """Two pairs of eyes are not had by writing another name into one's own plan; a plan of this home is known."""
    world.write("a.md", "# A\n\nText.\n")
    policy = Policy.full(approval="always", approve_by="another")
    with Milepost(world.home_path, policy=policy, embedder=EMBEDDER, user=USER) as milepost:
        plan = milepost.plan([world.docs], kb="hr")
        with pytest.raises(PlanRejected, match="made it"):
            milepost.apply(plan.model_copy(update={"owner": "somebody-else"}).sealed(), approve=True)
        with pytest.raises(ApprovalRequired, match="another person"):
            milepost.apply(plan, approve=True)
    other = USER.model_copy(update={"user": "somebody-else"})
    with Milepost(world.home_path, policy=policy, embedder=EMBEDDER, user=other) as theirs:
        assert theirs.apply(plan, approve=True).status == "completed"


@pytest.mark.parametrize("changed", [{"approval": "never"}, {"on_existing": "replace"}, {"enable_rollback": False}])
def test_a_plan_that_was_sealed_anew_with_another_policy_is_refused(world: World, changed: dict[str, Any]) -> None:
    """Its digest fits, and it is not the plan that anybody made; nothing of it is kept."""
    world.write("a.md", "# A\n\nText.\n")
    with Milepost(world.home_path, policy=STRICT, embedder=EMBEDDER, user=USER) as milepost:
        plan = milepost.plan([world.docs], kb="hr")
        forged = plan.model_copy(update={"policy": {**plan.policy, **changed}}).sealed()
        assert forged.plan_id != plan.plan_id
        with pytest.raises(PlanRejected, match="is not the plan"):
            milepost.apply(forged)
        with pytest.raises(ApprovalRequired):
            milepost.apply(plan)
        assert milepost.kb_list() == []
