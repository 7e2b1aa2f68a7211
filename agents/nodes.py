"""What the nodes of the graph do. Each is thin: the work is the planner's, the validator's and the executor's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Any, TypeVar

from langgraph.config import get_stream_writer

from ..store.errors import ApprovalRequired
from ..store.plan import Plan
from ..store.policy import Policy
from ..store.records import JourneyStatus, Progress
from ..store.step_order import in_order
from .approving import Approving
from .documenter import forward_documents, what_came
from .engine import Engine
from .executor import journey_id_of
from .plan_facts import world_facts
from .planner import PlanRequest, admit, drafted, judge, save_plan
from .state import JourneyState
from .validator import Validation
from .who_approves import needs_approval

T = TypeVar("T")


class Nodes:
    """The nodes' bodies over one engine; `policy` is the one that the graph was composed for."""

    def __init__(self, engine: Engine, policy: Policy, actions: tuple[str, ...]) -> None:
        self._engine = engine
        self._policy = policy
        self._actions = actions
        self._approving = Approving(engine, policy)

    async def plan(self, state: JourneyState) -> dict[str, Any]:
        """Draft a plan from the request, and keep it."""
        request = self._engine.inbox.pop(state.get("request", ""), None) or PlanRequest(
            paths=tuple(state.get("paths", ())),
            kb=state.get("kb"),
            request=state.get("request_text"),
            policy=self._policy,
        )
        engine = self._engine
        await engine.open()
        plan = await drafted(engine.services, request, engine.run if state.get("unheard") else self._telling)
        await engine.run(lambda: save_plan(engine.services, request, plan))
        return {"plan_id": plan.plan_id, "verdict": "stop" if plan.questions else "go"}

    async def validate(self, state: JourneyState) -> dict[str, Any]:
        """Judge the plan; what is wrong stops the journey before it starts."""
        validation = await self._engine.run(lambda: self._validate(_plan_id(state)))
        return {"valid": validation.valid, "verdict": "go" if validation.valid else "stop"}

    async def document(self, state: JourneyState) -> dict[str, Any]:
        """Write down what will happen, one document for the plan and one for each step, before anything does.

        Where the plan is run at once, the journey's first checkpoint takes them along.
        """
        alone = bool(state.get("only_planning")) and not state.get("going_on")
        await self._engine.run(lambda: self._document(_plan_id(state), alone=alone))
        return {}

    async def ask(self, state: JourneyState, *, pausing: bool) -> dict[str, Any]:
        """Put the question to a person down, where one has to be asked."""
        return await self._engine.run(lambda: self._approving.ask(self._plan_of(_plan_id(state)), pausing=pausing))

    async def decide(self, state: JourneyState) -> dict[str, Any]:
        """Take a person's decision; anything but an approval changes nothing."""
        return await self._engine.run(lambda: self._approving.decide(self._plan_of(_plan_id(state)), state))

    def step(self, action: str) -> Callable[[JourneyState], Awaitable[dict[str, Any]]]:
        """The executor node of one action."""

        async def run(state: JourneyState) -> dict[str, Any]:
            await self._engine.starting()
            run_there = self._engine.run if state.get("unheard") else self._telling
            return await run_there(lambda: self._step(_plan_id(state), action))

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
        came = what_came if self._policy.enable_forward_docs else None
        return {"status": await self._engine.run(lambda: self._engine.finish(journey_id, came))}

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

    def _document(self, plan_id: str, *, alone: bool) -> None:
        plan = self._plan_of(plan_id)
        documents = forward_documents(plan, self._policy)
        librarian = self._engine.services.home.librarian
        if alone:
            librarian.write_documents(documents)
        else:
            librarian.lay_by(documents)

    def _step(self, plan_id: str, action: str) -> dict[str, Any]:
        """Run one node's steps, after admission where it is the first."""
        plan = self._plan_of(plan_id)
        first = action == self._actions[0]
        if first:
            types = self._engine.services.types
            admit(judge(plan, self._policy, types, world_facts(self._engine.services, plan)), plan)
        verdict = {"verdict": "go"}
        for name in share(plan, self._actions, action) or [action]:
            self._require_approval(plan, running=not first)
            every = [*self._actions, *(step.id for step in plan.steps)] if first else ()
            verdict = self._engine.run_step(plan, self._policy, name, every=every)
            first = False
            if verdict["verdict"] != "go":
                break
        return {"journey_id": journey_id_of(plan), **verdict}

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


def share(plan: Plan, actions: tuple[str, ...], action: str) -> list[str]:
    """The plan's steps that one node of a graph runs, in order.

    A graph that was composed before there was a plan has no node for what nobody foresaw, a removal or a rollback: such
    a step is run by the node of the step that follows it, or by the last one.
    """
    found: dict[str, list[str]] = {}
    waiting: list[str] = []
    for step in in_order(plan.steps):
        waiting.append(step.id)
        node = next((name for name in (step.id, step.action) if name in actions), None)
        if node is not None:
            found.setdefault(node, []).extend(waiting)
            waiting = []
    found.setdefault(actions[-1], []).extend(waiting)
    return found.get(action, [])


def _plan_id(state: JourneyState) -> str:
    """The plan that a run is about; every node after the planner has one."""
    return state.get("plan_id", "")
