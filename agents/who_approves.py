"""Who has to say yes to a plan, and why."""

from __future__ import annotations

from ..store.errors import ApprovalRequired
from ..store.plan import Plan, takes_away, takes_away_by_model
from ..store.policy import Policy
from ..store.records import Approval
from ..tools.type_finder import built_in


def needs_approval(plan: Plan, policy: Policy) -> bool:
    """Whether a person has to say yes first.

    To what cannot be undone, and to a model's plan that takes something away, unless the policy says `never` itself.
    """
    if plan.dry_run:
        return False
    if policy.approval == "always":
        return True
    if takes_away_by_model(plan) and not policy.asks_nobody:
        return True
    for_ever = [step for step in plan.steps if step.effect == "irreversible"]
    if any(not built_in(step.action) for step in for_ever) and not policy.asks_nobody:
        return True
    return policy.approval == "destructive" and (takes_away(plan) or bool(for_ever))


def only_others(plan: Plan, approval: Approval) -> ApprovalRequired:
    """What is said to the maker of a plan that only somebody else may approve."""
    return ApprovalRequired(
        f"{plan.plan_id} waits for another person's approval",
        cause=f'approve_by = "another": {approval.not_by} made the plan',
        state="nothing was changed",
        next=f"milepost approve {approval.approval_id} --user USER",
        approval_id=approval.approval_id,
        plan_id=plan.plan_id,
        only_others=True,
    )


def why_asked(plan: Plan, policy: Policy) -> str:
    """Why a person is asked."""
    if policy.approval != "never":
        return f"approval = {policy.approval!r} by policy"
    if takes_away_by_model(plan):
        return 'a model made the plan, it takes something away, and the policy does not say approval = "never" itself'
    names = [step.id for step in plan.steps if step.effect == "irreversible" and not built_in(step.action)]
    if names:
        return f'{", ".join(names[:5])} cannot be undone, and the policy does not say approval = "never" itself'
    return "an assistant wants it that has read texts of documents, or may have"
