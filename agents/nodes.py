"""What the nodes of the graph do. Each is thin: the work is the planner's, the validator's and the executor's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import copy_context
from typing import Any, TypeVar

from langgraph.config import get_stream_writer

from ..store.errors import ApprovalRequired
from ..store.plan import Plan, takes_away_by_model
from ..store.policy import Policy
from ..store.records import Approval, JourneyStatus, Progress
from ..tools.type_finder import built_in
from .documenter import plan_document, step_document, what_came
from .engine import Engine
from .executor import journey_id_of
from .plan_facts import world_facts
from .planner import PlanRequest, admit, drafted, judge, save_plan
from .state import JourneyState
from .validator import Validation

T = TypeVar("T")
APPLY = "apply_plan"


class Nodes:
    """The nodes' bodies over one engine; `policy` is the one that the graph was composed for."""

    def __init__(self, engine: Engine, policy: Policy, actions: tuple[str, ...]) -> None:
        self._engine = engine
        self._policy = policy
        self._actions = actions

    async def plan(self, state: JourneyState) -> dict[str, Any]:
        """Draft a plan from the request, and keep it."""
        request = self._engine.inbox.pop(state.get("request", ""), None) or PlanRequest(
            paths=tuple(state.get("paths", ())),
            kb=state.get("kb"),
            request=state.get("request_text"),
            policy=self._policy,
        )
        engine = self._engine
        await engine.run(lambda: None)  # a home that is opened by its first use is open then
        plan = await drafted(engine.services, request, self._telling)
        await engine.run(lambda: save_plan(engine.services, request, plan))
        return {"plan_id": plan.plan_id, "verdict": "stop" if plan.questions else "go"}

    async def validate(self, state: JourneyState) -> dict[str, Any]:
        """Judge the plan; what is wrong stops the journey before it starts."""
        validation = await self._engine.run(lambda: self._validate(_plan_id(state)))
        return {"valid": validation.valid, "verdict": "go" if validation.valid else "stop"}

    async def document(self, state: JourneyState) -> dict[str, Any]:
        """Write down what will happen, one document for the plan and one for each step, before anything does."""
        await self._engine.run(lambda: self._document(_plan_id(state)))
        return {}

    async def question(self, state: JourneyState) -> dict[str, Any] | None:
        """What a person has to be asked, or None where nobody has to, or somebody has said yes already."""
        return await self._engine.run(lambda: self._question(_plan_id(state)))

    async def answer(self, state: JourneyState, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Take a person's decision; anything but an approval changes nothing."""
        return await self._engine.run(lambda: self._answer(_plan_id(state), answer))

    def step(self, action: str) -> Callable[[JourneyState], Awaitable[dict[str, Any]]]:
        """The executor node of one action."""

        async def run(state: JourneyState) -> dict[str, Any]:
            await self._engine.starting()
            return await self._telling(lambda: self._step(_plan_id(state), action))

        run.__name__ = action
        return run

    async def compensate(self, state: JourneyState) -> dict[str, Any]:
        """Undo what a failed journey did, newest first, by itself."""
        await self._engine.run(lambda: self._engine.compensate(state.get("journey_id", "")))
        return {}

    async def report(self, state: JourneyState) -> dict[str, Any]:
        """Settle the journey, if one ran, and say how it stands."""
        journey_id = state.get("journey_id")
        if journey_id is None:
            return {"status": state.get("status", "planned")}
        status = await self._engine.run(lambda: self._engine.finish(journey_id))
        if self._policy.enable_forward_docs:
            await self._engine.run(lambda: self._say_what_came(journey_id))
        return {"status": status}

    def _say_what_came(self, journey_id: str) -> None:
        """Beside what the documents said would happen, what did."""
        home, user = self._engine.services.home, self._engine.services.user
        journey = home.ledger.journey(journey_id, user.tenant, whole=True)
        documents = what_came(self._plan_of(journey.plan_id), journey, home.ledger.receipts(journey_id), self._policy)
        home.librarian.write_documents(documents)

    async def _telling(self, work: Callable[[], T]) -> T:
        """Do work on the engine's thread; what it tells of its progress becomes events of the graph's stream."""
        loop, write = asyncio.get_running_loop(), get_stream_writer()
        context = copy_context()  # the writer asks it which node is writing

        def tell(progress: Progress) -> None:
            loop.call_soon_threadsafe(write, progress.model_dump(mode="json"), context=context)

        def told() -> T:
            services = self._engine.services
            before, services.on_progress = services.on_progress, tell
            try:
                return work()
            finally:
                services.on_progress = before

        return await self._engine.run(told)

    def _validate(self, plan_id: str) -> Validation:
        services, plan = self._engine.services, self._plan_of(plan_id)
        return judge(plan, self._policy, services.types, world_facts(services, plan))

    def _document(self, plan_id: str) -> None:
        plan = self._plan_of(plan_id)
        documents = [plan_document(plan)] if self._policy.generate_plan else []
        if self._policy.document_steps:
            documents += [step_document(plan, step) for step in plan.steps]
        if documents:
            self._engine.services.home.librarian.write_documents(documents)

    def _question(self, plan_id: str) -> dict[str, Any] | None:
        plan = self._plan_of(plan_id)
        if not needs_approval(plan, self._policy):
            return None
        home, user = self._engine.services.home, self._engine.services.user
        journey_id = journey_id_of(plan)
        if home.plans.use(plan, self._policy.digest, journey_id):
            return None
        self._engine.begin(plan, self._policy)
        approval = home.plans.ask(plan, self._policy.digest, asked_by=user.user)
        home.ledger.set_status(journey_id, JourneyStatus.AWAITING_APPROVAL, detail=approval.approval_id)
        return {
            "action_requests": [
                {
                    "name": APPLY,
                    "args": {"plan_id": plan.plan_id, "digest": plan.digest},
                    "description": plan.render(),
                }
            ],
            "review_configs": [{"action_name": APPLY, "allowed_decisions": ["approve", "edit", "reject"]}],
        }

    def _answer(self, plan_id: str, answer: Mapping[str, Any]) -> dict[str, Any]:
        plan = self._plan_of(plan_id)
        home, user = self._engine.services.home, self._engine.services.user
        decisions = answer.get("decisions")
        kind = decisions[0].get("type") if isinstance(decisions, list) and decisions else None
        approval = home.plans.ask(plan, self._policy.digest, asked_by=user.user)
        journey_id = journey_id_of(plan)
        if kind == "approve":
            if approval.not_by == user.user:
                return {"verdict": "stop", "status": "awaiting_approval", "error": only_others(plan, approval).message}
            home.plans.approve(approval.approval_id, user.tenant, by=user.user)
            home.plans.use(plan, self._policy.digest, journey_id)
            return {"verdict": "go"}
        said = (
            "an edited plan is a new plan: plan again, and apply that" if kind == "edit" else f"{kind} by {user.user}"
        )
        home.plans.reject(approval.approval_id, user.tenant, by=user.user)
        home.ledger.set_status(journey_id, JourneyStatus.CANCELLED, detail=said, by=user.user)
        return {"verdict": "stop", "status": "cancelled", "error": said}

    def _step(self, plan_id: str, action: str) -> dict[str, Any]:
        """Run one step, after admission where it is the first."""
        plan = self._plan_of(plan_id)
        first = action == self._actions[0]
        if first:
            types = self._engine.services.types
            admit(judge(plan, self._policy, types, world_facts(self._engine.services, plan)), plan)
        self._require_approval(plan, running=not first)
        why = self._engine.run_step(plan, self._policy, action, first=first)
        stopped = {"verdict": "stop", "error": why} if why else {"verdict": "go"}
        return {"journey_id": journey_id_of(plan), **stopped}

    def _require_approval(self, plan: Plan, *, running: bool) -> None:
        """Where a step runs, whoever asked for it: the plan as it is was approved, where it has to be."""
        if not needs_approval(plan, self._policy):
            return
        home, journey_id = self._engine.services.home, journey_id_of(plan)
        if home.plans.use(plan, self._policy.digest, journey_id, running=running) is None:
            if running:
                home.ledger.set_status(journey_id, JourneyStatus.INTERRUPTED, detail="its approval is gone")
            raise ApprovalRequired(
                f"{plan.plan_id} is not approved",
                cause="nobody said yes to this plan under this policy, or the yes has expired",
                state="the step did not start",
                next=f"milepost apply {plan.plan_id}",
            )

    def _plan_of(self, plan_id: str) -> Plan:
        return self._engine.services.home.plans.plan(plan_id, self._engine.services.user.tenant)


def _plan_id(state: JourneyState) -> str:
    """The plan that a run is about; every node after the planner has one."""
    return state.get("plan_id", "")


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
    destructive = plan.summary.replace or plan.summary.remove or for_ever
    return policy.approval == "destructive" and bool(destructive)


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
    names = [step.id for step in plan.steps if step.effect == "irreversible"]
    return f'{", ".join(names[:5])} cannot be undone, and the policy does not say approval = "never" itself'


def announce(plan: Plan) -> Progress:
    """Tell whoever watches what is going to happen, before it does."""
    return Progress(kind="plan", text=plan.render())
