"""Asking a person about a plan, in the graph: the question is put down, the graph waits, the answer is taken.

Three nodes, because a node that interrupts is run again when its graph goes on: the one that waits holds no services,
and can write nothing. The question stands in the ledger before anybody waits, so that it is among `milepost approvals`
for days, outlives the process, and can be answered elsewhere.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from langgraph.types import interrupt

from ..store.errors import MilepostError, UsageError
from ..store.plan import Plan
from ..store.policy import Policy
from ..store.records import Approval, JourneyStatus
from ..tools.journey_types import BUILT_IN
from ..tools.rollback import ROLLBACK
from .engine import Engine
from .executor import journey_id_of
from .planner import PlanRequest
from .resuming import again, bytes_of
from .state import JourneyState
from .who_approves import needs_approval, only_others

APPLY = "apply_plan"
DECISIONS = ["approve", "edit", "reject"]
NO_EDIT = ["approve", "reject"]
EDITABLE = ("kb", "request", "paths")


class Approving:
    """The bodies of the nodes `ask` and `decide` over one engine; both run on its thread."""

    def __init__(self, engine: Engine, policy: Policy) -> None:
        self._engine = engine
        self._policy = policy

    def ask(self, plan: Plan, *, pausing: bool) -> dict[str, Any]:
        """Put the question down; nobody is asked where nobody has to be, or where somebody has said yes already.

        The ledger is looked at first: after a kill just past an approval the saver may have forgotten it.
        """
        nothing: dict[str, Any] = {"asked": None, "approval_id": "", "answer": None}
        if not needs_approval(plan, self._policy):
            return {"verdict": "go", **nothing}
        home, user = self._engine.services.home, self._engine.services.user
        journey_id = journey_id_of(plan)
        if home.plans.use(plan, self._policy.digest, journey_id):
            return {"verdict": "go", **nothing}
        home.librarian.bring()  # what a person is asked about is written down
        self._engine.begin(plan, self._policy)
        approval = home.plans.ask(plan, self._policy.digest, asked_by=user.user)
        home.ledger.set_status(journey_id, JourneyStatus.AWAITING_APPROVAL, detail=approval.approval_id)
        if not pausing:
            return {"verdict": "stop", "status": "awaiting_approval", **nothing}
        return {"verdict": "go", "asked": question(plan, approval), "approval_id": approval.approval_id, "answer": None}

    def decide(self, plan: Plan, state: JourneyState) -> dict[str, Any]:
        """Take the answer; anything but an approval runs nothing, and an edit is a new plan, asked about anew."""
        said = _decision(state.get("answer"))
        kind = said.get("type")
        try:
            if kind == "approve":
                return self._approved(plan, state.get("approval_id", ""))
            if kind == "edit":
                return self._edited(plan, state.get("approval_id", ""), said)
        except MilepostError as refused:
            return self._ended(plan, state.get("approval_id", ""), refused.message)
        why = f": {said['message'][:300]}" if isinstance(said.get("message"), str) and said["message"] else ""
        return self._ended(plan, state.get("approval_id", ""), f"{kind} by {self._engine.services.user.user}{why}")

    def _approved(self, plan: Plan, approval_id: str) -> dict[str, Any]:
        """A yes to exactly this question; where somebody gave it elsewhere meanwhile, that one counts."""
        home, user = self._engine.services.home, self._engine.services.user
        journey_id = journey_id_of(plan)
        if home.plans.use(plan, self._policy.digest, journey_id) is None:
            approval = home.plans.approval(approval_id, user.tenant)
            if approval.not_by == user.user:
                return {"verdict": "stop", "status": "awaiting_approval", "error": only_others(plan, approval).message}
            home.plans.approve(approval_id, user.tenant, by=user.user)
            if home.plans.use(plan, self._policy.digest, journey_id) is None:
                raise UsageError("the policy is another one than when this was asked")
        return {"verdict": "go", "asked": None, "answer": None}

    def _edited(self, plan: Plan, approval_id: str, said: Mapping[str, Any]) -> dict[str, Any]:
        """The question is answered with a no, and what the person made of the plan is planned."""
        home, user = self._engine.services.home, self._engine.services.user
        asked = edited(plan, self._policy, said.get("edited_action"), bytes_of(self._engine.services, plan))
        home.plans.reject(approval_id, user.tenant, by=user.user)
        detail = f"edited by {user.user}: a new plan was made"
        home.ledger.set_status(journey_id_of(plan), JourneyStatus.CANCELLED, detail=detail, by=user.user)
        handle = uuid.uuid4().hex
        self._engine.inbox[handle] = asked
        return {
            "verdict": "again", "request": handle, "plan_id": "", "asked": None, "answer": None, "error": "",
            "paths": [str(path) for path in asked.paths if not isinstance(path, tuple)], "kb": asked.kb,
            "request_text": asked.request,
        }  # fmt: skip

    def _ended(self, plan: Plan, approval_id: str, said: str) -> dict[str, Any]:
        home, user = self._engine.services.home, self._engine.services.user
        home.plans.reject(approval_id, user.tenant, by=user.user)
        home.ledger.set_status(journey_id_of(plan), JourneyStatus.CANCELLED, detail=said, by=user.user)
        return {"verdict": "stop", "status": "cancelled", "error": said, "asked": None, "answer": None}


async def wait(state: JourneyState) -> dict[str, Any]:
    """Pause until a person has answered. Run anew when the graph goes on, and there is nothing here that writes."""
    return {"answer": interrupt(state.get("asked"))}


def question(plan: Plan, approval: Approval) -> dict[str, Any]:
    """What a person is asked, in LangChain's human-in-the-loop shape. Only what `EDITABLE` names can be edited."""
    args: dict[str, Any] = {"plan_id": plan.plan_id, "digest": plan.digest}
    if editable(plan):
        args |= what_is_wanted(plan)
    elsewhere = f"Approve it elsewhere with: milepost approve {approval.approval_id}"
    return {
        "action_requests": [{"name": APPLY, "args": args, "description": f"{plan.render()}\n{elsewhere}"}],
        "review_configs": [{"action_name": APPLY, "allowed_decisions": DECISIONS if editable(plan) else NO_EDIT}],
    }


def what_is_wanted(plan: Plan) -> dict[str, Any]:
    """What of a plan can be edited."""
    return {"kb": plan.kb, "request": plan.request or "", "paths": list(plan.paths)}


def editable(plan: Plan) -> bool:
    """Whether other words can make another plan of it: not a rollback, and nothing that was not asked for in words."""
    going_back = any(step.action == ROLLBACK for step in plan.steps)
    return plan.journey_type == BUILT_IN and not going_back and bool(plan.paths or plan.request)


def edited(plan: Plan, policy: Policy, action: Any, pairs: list[tuple[str, bytes]]) -> PlanRequest:
    """What a person made of a plan; the policy stays. `UsageError` for what an edit cannot say.

    A person's client may give back every argument as text; paths are JSON then.
    """
    args: Any = action.get("args") if isinstance(action, Mapping) and action.get("name") == APPLY else None
    if not editable(plan):
        raise UsageError("this plan cannot be edited: approve it, or reject it")
    if not isinstance(args, Mapping):
        raise UsageError(f"an edit names {APPLY} and its arguments")
    for name in ("plan_id", "digest"):
        if args.get(name, getattr(plan, name)) != getattr(plan, name):
            raise UsageError(f"an edit says what is wanted ({', '.join(EDITABLE)}), not another {name}")
    before = again(plan, policy, parent=plan.plan_id, kept=(), pairs=pairs)
    paths = _paths(args["paths"]) if "paths" in args else list(plan.paths)
    return replace(
        before, parent=plan.parent, paths=[*paths, *pairs], kb=_text(args, "kb", plan.kb),
        request=_text(args, "request", plan.request),
    )  # fmt: skip


def _text(args: Mapping[str, Any], name: str, otherwise: str | None) -> str | None:
    said = args.get(name, otherwise)
    if said is not None and not isinstance(said, str):
        raise UsageError(f"{name} is a text")
    return said or None


def _paths(said: Any) -> list[str]:
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except ValueError:
            said = [said]
    if not isinstance(said, Sequence) or not all(isinstance(one, str) for one in said):
        raise UsageError("paths is a list of texts")
    return list(said)


def _decision(answer: Any) -> Mapping[str, Any]:
    """The one decision of an answer; nothing where there is another number of them."""
    given = answer.get("decisions") if isinstance(answer, Mapping) else None
    one = given[0] if isinstance(given, list) and len(given) == 1 else None
    return one if isinstance(one, Mapping) else {}
