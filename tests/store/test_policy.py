"""Law: the proposal's dicts are policies as they are, and a dict that contradicts itself is none."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.store.errors import PolicyError
from milepost.store.policy import MILESTONES, PRESETS, Policy
from milepost.store.policy_rules import RULES
from milepost.store.policy_sources import policy_from, preset_of

PROPOSAL: dict[str, dict[str, Any]] = {
    "rollback": {
        "enable_rollback": True,
        "rollback_checkpoints": ["upload_complete", "parse_complete", "embed_complete"],
        "auto_checkpoint": True,
    },
    "forward documentation": {
        "enable_forward_docs": True,
        "generate_plan": True,
        "document_steps": True,
        "validate_plan": False,
    },
    "planning": {
        "enable_planning": True,
        "enable_ai_planning": False,
        "validate_plan": True,
        "learn_from_results": False,
    },
    "default": {"enable_rollback": False, "enable_forward_docs": False, "enable_planning": False},
    "policy 2": {
        "enable_rollback": True,
        "rollback_checkpoints": ["upload_complete", "parse_complete"],
        "enable_forward_docs": False,
        "enable_planning": False,
    },
    "policy 3": {
        "enable_rollback": True,
        "enable_forward_docs": True,
        "enable_planning": True,
        "enable_ai_planning": True,
        "validate_plan": True,
    },
    "policy 4": {
        "enable_rollback": False,
        "enable_forward_docs": True,
        "enable_planning": True,
        "enable_ai_planning": False,
    },
}


@pytest.mark.parametrize("name", PROPOSAL)
def test_the_proposals_literal_examples_are_taken_unchanged(name: str) -> None:
    """Each dict of the proposal is accepted, by both doors, and each of its values is in force."""
    said = PROPOSAL[name]
    policy = Policy(**said)
    assert policy_from(said) == policy
    for key, value in said.items():
        got = getattr(policy, key)
        assert (list(got) if isinstance(got, tuple) else got) == value


def test_the_defaults_are_the_proposals() -> None:
    """Every capability is off; the details are true and act only under their capability."""
    policy = Policy()
    assert not (policy.enable_rollback or policy.enable_forward_docs or policy.enable_planning)
    assert not (policy.enable_ai_planning or policy.learn_from_results or policy.validates or policy.restorable)
    assert policy.auto_checkpoint and policy.generate_plan and policy.document_steps
    assert not any(policy.checkpoints_at(milestone) for milestone in MILESTONES)


def test_presets_are_the_proposals_four() -> None:
    """By name, by method and by dict they are the same four; full also asks a person."""
    made = {
        "none": Policy.none(),
        "rollback": Policy.rollback(),
        "full": Policy.full(),
        "documentation": Policy.documentation(),
    }
    assert made.keys() == PRESETS.keys()
    for name, policy in made.items():
        assert policy_from(name) == policy == policy_from({"preset": name}) == policy_from({"policy": name})
        assert preset_of(policy) == name
    assert made["none"] == Policy()
    assert made["full"].approval == "always" and made["rollback"].approval == "never"
    assert preset_of(Policy.full(approval="never")) is None


def test_presets_take_overrides() -> None:
    """An override is stronger than its preset, and silences what needs what it switches off."""
    assert Policy.full(approval="never").approval == "never"
    assert Policy.rollback(chunk={"size": 500}).chunk.size == 500
    unvalidated = Policy.full(validate_plan=False)
    assert not unvalidated.enable_ai_planning and not unvalidated.validates and unvalidated.enable_planning
    unplanned = Policy.full(enable_planning=False)
    assert not unplanned.enable_ai_planning and not unplanned.validates


@pytest.mark.parametrize(
    ("said", "keys"),
    [
        ({"enable_rollback": False, "rollback_checkpoints": ["upload_complete"]}, ["rollback_checkpoints"]),
        ({"enable_rollback": False, "auto_checkpoint": True}, ["auto_checkpoint"]),
        ({"enable_rollback": False, "orchestration": "saga"}, ["orchestration"]),
        ({"enable_forward_docs": False, "generate_plan": True}, ["generate_plan"]),
        ({"enable_forward_docs": False, "document_steps": True}, ["document_steps"]),
        ({"enable_planning": False, "enable_ai_planning": True}, ["enable_ai_planning"]),
        ({"enable_planning": False, "validate_plan": True}, ["validate_plan"]),
        ({"enable_ai_planning": True, "validate_plan": False}, ["enable_ai_planning"]),
    ],
)
def test_a_contradiction_is_refused_with_both_keys(said: dict[str, Any], keys: list[str]) -> None:
    """An explicit true under an explicit false in one source is refused, by both doors, naming both."""
    for door in (policy_from, lambda value: Policy(**value)):
        with pytest.raises(PolicyError) as caught:
            door(said)
        assert caught.value.facts["keys"][0] in keys
        assert all(key in caught.value.message for key in caught.value.facts["keys"])
        assert set(caught.value.facts["keys"]) <= said.keys()


def test_a_detail_that_is_off_or_empty_contradicts_nothing() -> None:
    """False under false is no contradiction, nor is an empty list, or a detail under an unset switch."""
    Policy(enable_rollback=False, auto_checkpoint=False, rollback_checkpoints=[])
    Policy(enable_planning=False, validate_plan=False, enable_ai_planning=False)
    assert not Policy(rollback_checkpoints=["upload_complete"]).checkpoints_at("upload_complete")


def test_a_capability_brings_what_it_needs() -> None:
    """Saga implies rollback and AI planning implies planning, where those are not set."""
    assert Policy(orchestration="saga").enable_rollback
    planned = Policy(enable_ai_planning=True)
    assert planned.enable_planning and planned.validates


def test_checkpoints_are_where_the_policy_says() -> None:
    """Empty means all; a journey's first one always is; without automatic ones only that."""
    listed = Policy.rollback(rollback_checkpoints=["parse_complete"])
    assert [name for name in MILESTONES if listed.checkpoints_at(name)] == ["before_upload", "parse_complete"]
    assert all(Policy.rollback().checkpoints_at(name) for name in MILESTONES)
    manual = Policy.rollback(auto_checkpoint=False)
    assert [name for name in MILESTONES if manual.checkpoints_at(name)] == ["before_upload"]


@pytest.mark.parametrize("name", ["before_geocode", "geocode_complete", "upload_complete"])
def test_milestones_of_own_journey_types_are_allowed(name: str) -> None:
    """before_STEP and STEP_complete may be listed, whatever the step."""
    assert Policy.rollback(rollback_checkpoints=[name]).rollback_checkpoints == (name,)


@pytest.mark.parametrize("name", ["upload_completed", "uploaded", "", "parse complete", "before_"])
def test_an_unknown_milestone_is_refused(name: str) -> None:
    """What can be no milestone is refused with what can."""
    with pytest.raises(PolicyError, match="unknown milestone") as caught:
        Policy.rollback(rollback_checkpoints=[name])
    assert "upload_complete" in caught.value.cause


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"enable_rolback": True}, "did you mean enable_rollback"),
        ({"chunk": {"sise": 3}}, "did you mean chunk.size"),
        ({"chunk": {"size": 3}}, "chunk.size cannot be 3"),
        ({"approval": "sometimes"}, 'approval cannot be "sometimes"'),
        ({"chunk": {"size": 100, "overlap": 100}}, "smaller than chunk.size"),
        ({"budget": {"plan_seconds": float("nan")}}, "budget.plan_seconds cannot be nan"),
    ],
)
def test_a_bad_value_says_key_value_and_what_is_allowed(said: dict[str, Any], message: str) -> None:
    """Unknown keys and bad values are policy errors, from the model itself too."""
    with pytest.raises(PolicyError) as caught:
        Policy(**said)
    assert message in caught.value.message


def test_overlap_follows_a_small_size() -> None:
    """A small chunk size alone is accepted: the overlap that nobody set is a tenth of it, at most 100."""
    assert Policy(chunk={"size": 80}).chunk.overlap == 8
    assert Policy(chunk={"size": 5000}).chunk.overlap == Policy().chunk.overlap == 100


BOOLS = [
    "enable_rollback", "auto_checkpoint", "enable_forward_docs", "generate_plan", "document_steps",
    "enable_planning", "enable_ai_planning", "validate_plan", "learn_from_results",
]  # fmt: skip


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Policies that some dict gives."""
    said: dict[str, Any] = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(BOOLS, st.booleans())))
    said |= draw(
        st.fixed_dictionaries(
            {},
            optional={
                "orchestration": st.sampled_from(["flow", "structured", "saga"]),
                "rollback_checkpoints": st.lists(st.sampled_from(MILESTONES), max_size=3),
                "chunk": st.fixed_dictionaries({"size": st.integers(50, 2000)}),
                "retention": st.fixed_dictionaries({"days": st.none() | st.integers(0, 999)}),
            },
        )
    )
    for rule in RULES:
        if said.get(rule.needs) is False:
            said.pop(rule.key, None)
    return Policy(**said)


@given(policies())
def test_a_stored_policy_comes_back_the_same(policy: Policy) -> None:
    """A dump as JSON or by pickle is the same policy with the same digest: journeys keep theirs."""
    stored = Policy.model_validate(policy.model_dump(mode="json"))
    assert stored == policy and stored.digest == policy.digest and hash(stored) == hash(policy)
    assert pickle.loads(pickle.dumps(policy)) == policy  # noqa: S301  # of our own making
    assert Policy.model_validate(policy) is policy or Policy.model_validate(policy) == policy


@given(policies(), policies())
def test_the_digest_is_of_the_values(one: Policy, other: Policy) -> None:
    """Two policies have one digest exactly where they are equal, however they came about."""
    assert (one.digest == other.digest) == (one == other)


@given(policies())
def test_no_policy_plans_by_model_without_validation(policy: Policy) -> None:
    """Whatever the dict, AI planning comes with validation and planning, and saga with rollback."""
    assert not policy.enable_ai_planning or (policy.validates and policy.enable_planning)
    assert policy.orchestration != "saga" or policy.enable_rollback


def test_the_digest_stays() -> None:
    """Stored journeys and plans name policies by digest: a change of this value is a change of format."""
    assert Policy().digest == DIGEST


DIGEST = "f141d2e0ca04a77da8825fdebc0fef44559d11574b396502d172bc76b6f40abd"
