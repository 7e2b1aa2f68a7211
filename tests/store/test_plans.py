"""Law: an approval is bound to one plan under one policy, is used once, and can be taken back until then."""

from __future__ import annotations

from typing import Any

import pytest
from store_kit import Kit

from milepost.store.errors import NotFound, UsageError
from milepost.store.plan import Base, Plan, PlannedFile, PlanStep
from milepost.store.plans import _kept as plans_kept


def plan(kit: Kit, request: str = "one", tenant: str = "default") -> Plan:
    made = Plan(
        journey_type="data_ingest", kb="hr", tenant=tenant, owner="ann", request=request,
        base=Base(kb_revision=0, policy_digest="p"), policy={}, generated_at=kit.home.clock.now(),
    ).sealed()  # fmt: skip
    kit.home.plans.save(made, None)
    return made


def test_a_plan_comes_back_as_it_was_saved(kit: Kit) -> None:
    """By its id, for its tenant only: to another it is one that never was."""
    made = plan(kit)
    assert kit.home.plans.plan(made.plan_id, "default") == made
    with pytest.raises(NotFound):
        kit.home.plans.plan(made.plan_id, "other")


def test_whoever_writes_into_a_plan_writes_into_his_own(kit: Kit) -> None:
    """A plan is read once and handed out often: what one reader makes of it no other sees."""
    steps = (PlanStep(id="upload", action="upload", args={"files": ["a.md"]}),)
    made = Plan(kb="hr", steps=steps, args={"a": 1}, asked={"b": 1}, resources={"c": 1}, policy={"d": {"e": 1}},
                base=Base(archives={"f": "g"})).sealed()  # fmt: skip
    kit.home.plans.save(made, None)
    mine = kit.home.plans.plan(made.plan_id, "default")
    for dictionary in (mine.args, mine.asked, mine.resources, mine.policy["d"], mine.base.archives, mine.steps[0].args):
        dictionary["mine"] = True
    assert kit.home.plans.plan(made.plan_id, "default") == made


def test_a_plan_just_saved_is_what_reading_it_gives(kit: Kit) -> None:
    """Who asks for it in the process that made it gets what JSON makes of it, as everybody else does."""
    file = PlannedFile(path="/a.md", source="a.md", sha256="0" * 64, action="add", warnings=("w", "\u2028\\\x1f"))
    steps = (PlanStep(id="upload", action="upload", args={"files": ("a.md",)}),)
    made = Plan(kb="hr", steps=steps, files=(file,), args={"pair": (1, [2])}).sealed()
    kit.home.plans.save(made, None)
    saved = kit.home.plans.plan(made.plan_id, "default")
    plans_kept.clear()
    assert kit.home.plans.plan(made.plan_id, "default") == saved
    assert saved.steps[0].args == {"files": ["a.md"]} and saved.args == {"pair": [1, [2]]}
    assert saved.files == made.files and saved.sealed() == saved


CHANGES: dict[str, Any] = {
    "path": "/b.md", "source": "b.md", "sha256": "1", "bytes": 1, "media_type": "text/plain", "action": "skip",
    "reason": "unchanged", "detail": "d", "warnings": ("w",), "chunks": 1, "chunks_replaced": 1, "estimated": True,
    "archive": "z.zip",
}  # fmt: skip


def test_a_digest_is_over_everything_about_every_file() -> None:
    """Another value in any field of any file, another order or number of them: another plan."""
    one, two = (PlannedFile(path=f"/{name}", source=name, action="add") for name in ("x.md", "y.md"))
    assert CHANGES.keys() == PlannedFile.model_fields.keys()
    others = [(one, two.model_copy(update={name: value})) for name, value in CHANGES.items()]
    every = [(), (one,), (one, two), (two, one), *others]
    assert len({Plan(files=files).sealed().digest for files in every}) == len(every)


def test_asking_again_is_the_same_question(kit: Kit) -> None:
    """One plan under one policy has one open question; another policy or plan has its own."""
    plans, made = kit.home.plans, plan(kit)
    first = plans.ask(made, "policy", asked_by="ann")
    assert plans.ask(made, "policy", asked_by="ben") == first
    others = [plans.ask(made, "other policy", asked_by="ann"), plans.ask(plan(kit, "two"), "policy", asked_by="ann")]
    assert [approval.approval_id for approval in plans.waiting("default")] == [
        first.approval_id,
        *(approval.approval_id for approval in others),
    ]
    assert plans.waiting("other") == []


def test_an_approval_is_used_by_one_journey(kit: Kit) -> None:
    """Before a yes nothing may run; then one journey, again after its crash; never a second, nor another plan."""
    plans, made = kit.home.plans, plan(kit)
    asked = plans.ask(made, "policy", asked_by="ann")
    assert plans.use(made, "policy", "journey_1") is None
    plans.approve(asked.approval_id, "default", by="ben")
    assert plans.use(made, "other policy", "journey_1") is None
    assert plans.use(plan(kit, "two"), "policy", "journey_1") is None
    for _ in range(2):
        used = plans.use(made, "policy", "journey_1")
        assert used and (used.approver, used.approval_id) == ("ben", asked.approval_id)
    assert plans.use(made, "policy", "journey_2") is None
    assert plans.ask(made, "policy", asked_by="ann").approval_id != asked.approval_id


def test_a_no_after_a_yes_counts(kit: Kit) -> None:
    """What was approved and not yet used can be taken back."""
    plans, made = kit.home.plans, plan(kit)
    asked = plans.ask(made, "policy", asked_by="ann")
    plans.approve(asked.approval_id, "default", by="ben")
    plans.reject(asked.approval_id, "default", by="ben")
    assert plans.use(made, "policy", "journey_1") is None
    assert plans.waiting("default") == []


def test_a_yes_after_a_no_is_refused(kit: Kit) -> None:
    """A question is answered once: who said no is not overruled by a later yes, and hears so."""
    plans, made = kit.home.plans, plan(kit)
    asked = plans.ask(made, "policy", asked_by="ann")
    plans.reject(asked.approval_id, "default", by="ben")
    with pytest.raises(UsageError, match="was declined"):
        plans.approve(asked.approval_id, "default", by="cem")
    assert plans.use(made, "policy", "journey_1") is None
    assert plans.waiting("default") == []


def test_another_tenant_cannot_answer(kit: Kit) -> None:
    """Its yes and its no change nothing, and tell it nothing."""
    plans, made = kit.home.plans, plan(kit)
    asked = plans.ask(made, "policy", asked_by="ann")
    for word in (plans.approve, plans.reject):
        with pytest.raises(NotFound):
            word(asked.approval_id, "other", by="eve")
    assert [approval.approval_id for approval in plans.waiting("default")] == [asked.approval_id]
