"""The plan that a journey ran, as a part of its report."""

from __future__ import annotations

from collections.abc import Sequence

from ..store.plan import Plan, PlanStep
from ..store.plan_text import planner_words
from ..store.policy import Policy
from ..store.words import brief
from .page import Markup, bdi, details, element, listing, markup, section, table, wash

STEPS = 200


def planned(plan: Plan, guarantees: Sequence[str]) -> Markup:
    """Who made the plan, from what, its steps, and what its policy gives and costs."""
    policy = Policy.model_validate(plan.policy)
    facts: list[tuple[str, object]] = [
        ("Plan", element("code", plan.plan_id)),
        ("Planner", planner_words(plan, policy)),
    ]
    facts += [("Made", f"{plan.generated_at[:19].replace('T', ' ')} UTC")] if plan.generated_at else []
    facts += [("Paths", [markup(bdi(path), " ") for path in plan.paths[:20]])] if plan.paths else []
    facts.append(("Digest", element("code", plan.digest)))
    asked = [wash(element("b", one.about), f": {one.text}", tone="calm") for one in plan.questions]
    refused = [
        wash(element("b", "Declined: "), f"{one.what}: {one.why}", f" ({one.policy_key})" if one.policy_key else None,
             tone="warn")
        for one in plan.declined
    ]  # fmt: skip
    lines = element("ul", [element("li", line) for line in guarantees])
    return section("Plan", listing(facts), _steps(plan), asked, refused,
                   details("What the policy gives, and what it costs", lines), id="plan")  # fmt: skip


def _steps(plan: Plan) -> Markup | None:
    if not plan.steps:
        return None
    heads = ("Step", "Does", "Effect", "After it", "Undone by", "Expected")
    more = len(plan.steps) - STEPS
    cut = f"The first {STEPS} of {len(plan.steps)} steps." if more > 0 else ""
    return table(heads, [_row(step) for step in plan.steps[:STEPS]], figures=(5,), caption=cut)


def _row(step: PlanStep) -> Sequence[object]:
    by = step.rollback_handler or ("" if step.effect == "irreversible" else "the kb's revisions")
    time = step.estimate
    expected = f"{brief(time.p50)} ({brief(time.p10)} to {brief(time.p90)})" if time else ""
    return (
        element("b", step.id), step.action,
        element("span", step.effect, class_="bad" if step.effect == "irreversible" else None),
        (step.milestone or "").replace("_", " "), by, expected,
    )  # fmt: skip
