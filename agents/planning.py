"""Planning: a plan is made, judged, kept and found again; nothing in any kb changes."""

from __future__ import annotations

import asyncio
import tempfile
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..store.errors import NotFound, PlanRejected, UsageError
from ..store.plan import Plan, plan_digest
from ..store.policy import Policy
from ..store.policy_sources import PolicyValue
from ..store.records import Progress
from ..tools.journey_types import BUILT_IN
from .documenter import plan_document
from .drafting import gathered
from .held_policy import loosened
from .inputs import PathOrPair
from .opening import Opening
from .plan_facts import world_facts
from .planner import PlanRequest, admit, drafted, judge, stale
from .request_kb import for_each_kb
from .resuming import bytes_of
from .spans import spanned
from .validator import Validation
from .wishes import check_asked

OnProgress = Callable[[Progress], None] | None


class Planning(Opening):
    """The part of a workspace that plans."""

    async def plan(
        self,
        paths: Sequence[PathOrPair] = (),
        *,
        kb: str | None = None,
        request: str | None = None,
        policy: PolicyValue = None,
        planner: str = "auto",
        expose: bool = True,
        save: bool = True,
        journey_type: str = BUILT_IN,
        args: Mapping[str, Any] | None = None,
        on_progress: OnProgress = None,
    ) -> Plan:
        """Make, validate, document and save a plan; nothing in any kb changes.

        `journey_type` and `args` are for types of a user's own: `NotFound` for one that is not known, `PlanRejected`
        where the arguments are not what its steps take.
        """
        wanted = self._policy(policy)
        self._known_policies[wanted.digest] = wanted
        if journey_type == BUILT_IN and args:
            raise UsageError("an ingest takes no args", cause="they are for journey types of your own")
        asked = PlanRequest(
            paths=_paths(paths), kb=kb, request=request, policy=wanted, planner=planner, expose=expose,
            journey_type=journey_type, args=dict(args or {}),
        )  # fmt: skip
        if not save and not self.there:
            return await self._planned_elsewhere(asked, on_progress)
        await self._begin(asked)
        if not save:
            return await drafted(self.services, asked, self.engine.run, on_progress=on_progress)
        return await self._planned(asked, wanted, on_progress)

    async def _begin(self, asked: PlanRequest) -> None:
        """Open the home for a request; one that nobody can plan makes none."""
        if not self.there and asked.journey_type == BUILT_IN:
            await asyncio.to_thread(_check, asked)
        self.services.stop.clear()

    async def _planned_to_run(
        self, paths: Sequence[PathOrPair], *, policy: PolicyValue, on_progress: OnProgress, **wishes: Any
    ) -> Plan:
        """A plan that is run at once by whoever asked for it; its documents are laid by until then."""
        wanted = self._policy(policy)
        self._known_policies[wanted.digest] = wanted
        asked = PlanRequest(paths=_paths(paths), policy=wanted, **wishes)
        await self._begin(asked)
        return await self._planned(asked, wanted, on_progress, going_on=True)

    async def plan_each(
        self,
        paths: Sequence[PathOrPair] = (),
        *,
        request: str,
        policy: PolicyValue = None,
        planner: str = "auto",
        expose: bool = True,
        save: bool = True,
        on_progress: OnProgress = None,
    ) -> list[Plan]:
        """A plan for each knowledge base that the request names ("into hr and legal"), as `plan` makes one.

        Each is planned, approved, applied and undone by itself; its `request` names its own kb only.
        """
        known: list[str] = await self.read(lambda s: [kb.name for kb in s.home.knowledge.all(self.user.tenant)], [])
        return [
            await self.plan(
                paths, request=one, policy=policy, planner=planner, expose=expose, save=save, on_progress=on_progress
            )
            for one in for_each_kb(request, known)
        ]

    async def validate(self, plan: Plan | str) -> Validation:
        """Judge a plan; changes nothing."""
        wanted = plan if isinstance(plan, Plan) else await self._plan(plan)
        return await self.engine.run(lambda: self._judged(wanted, look=True)) if self.there else self._judged(wanted)

    async def newest_plan(self) -> Plan | None:
        """The newest plan whose journey has not started to run."""
        if not self.there:
            return None
        return await self.engine.run(lambda: self.services.home.plans.newest_unapplied(self.user.tenant))

    async def _planned_elsewhere(self, asked: PlanRequest, on_progress: OnProgress) -> Plan:
        """A plan for a home that is not there, without making it: looking leaves nothing behind."""
        with tempfile.TemporaryDirectory() as folder:
            other = Opening(
                folder, embedder=self.embedder, chat_model=self.chat_model, user=self.user, clock=self._clock
            )
            other.types = self.types
            try:
                return await drafted(other.services, asked, other.engine.run, on_progress=on_progress)
            finally:
                await other.close()

    @spanned("plan")
    async def _planned(
        self, asked: PlanRequest, policy: Policy, on_progress: OnProgress, *, going_on: bool = False
    ) -> Plan:
        handle = uuid.uuid4().hex
        engine = self.engine
        engine.inbox[handle] = asked
        try:
            asking = {"request": handle, "only_planning": True, "going_on": going_on}
            state = await streamed(self._graph(policy), asking, on_progress)
        finally:
            engine.inbox.pop(handle, None)
        plan_id = state["plan_id"]
        return await engine.run(lambda: self.services.home.plans.plan(plan_id, self.user.tenant))

    def _judged(self, plan: Plan, *, look: bool = False) -> Validation:
        """The verdict on a plan, in this home where there is one; `look` hashes its files again."""
        world = world_facts(self.services, plan, look=look) if self.there else None
        return judge(plan, Policy.model_validate(plan.policy), self.types, world)

    def _moved(self, plan: Plan) -> list[str]:
        moved = list(stale(self.services, plan))
        if plan.base.policy_digest not in self._known_policies:
            moved.append("the policy is another one than the plan was made under")
        return moved

    def _check_maker(self, plan: Plan) -> None:
        """Where another person than the maker has to approve, this home has to know who that is."""
        in_force = self._known_policies.get(plan.base.policy_digest, self.policy)
        if plan.owner != self.user.user and in_force.approve_by == "another":
            raise PlanRejected(
                f"{plan.plan_id} says that {plan.owner or 'nobody'} made it, and this home does not know it",
                cause="approve_by is another: who made a plan must be known, and a file may say anything",
                state="nothing was changed",
                next="milepost plan PATH --kb NAME",
            )

    def _loosened(self, plan: Plan) -> list[str]:
        """Keys in which a plan's policy is less careful than the one that it says it was made under."""
        in_force = self._known_policies.get(plan.base.policy_digest)
        return [] if in_force is None else loosened(Policy.model_validate(plan.policy), in_force)

    async def _plan_again(self, plan: Plan) -> Plan:
        """The same request in the world as it is now, under the policy in force or the one given for this plan."""
        expose = any(step.action == "expose" for step in plan.steps) or plan.journey_type != BUILT_IN
        policy = self._known_policies.get(plan.base.policy_digest)
        pairs = await self.engine.run(lambda: bytes_of(self.services, plan))
        return await self.plan(
            [*plan.paths, *pairs], kb=plan.kb, request=plan.request, policy=policy, expose=expose,
            planner=self._planner_of(plan), journey_type=plan.journey_type, args=plan.args,
        )  # fmt: skip

    def _planner_of(self, plan: Plan) -> str:
        """Whoever planned it plans it again: the model that was asked for, where there is one."""
        return "ai" if plan.origin.planner == "ai" and self.services.chat_model is not None else "auto"

    async def _plan(self, plan: Plan | str | None) -> Plan:
        """The plan meant: by id, the newest, or one that was handed over, which has to be what its digest says."""
        if plan is None:
            newest = await self.newest_plan()
            if newest is None:
                why = "none was made in this home"
                raise NotFound("there is no plan to apply", cause=why, next="milepost plan PATH --kb NAME")
            return newest
        if isinstance(plan, str):
            wanted = plan
            return await self.read(lambda s: s.home.plans.plan(wanted, self.user.tenant))
        return await self.engine.run(lambda: self._received(plan))

    def _received(self, plan: Plan) -> Plan:
        home = self.services.home
        if plan.tenant != self.user.tenant:
            raise NotFound(f"there is no plan {plan.plan_id!r}", next="milepost plan PATH --kb NAME")
        edited = plan.digest != plan_digest(plan) or plan.plan_id != plan.sealed().plan_id
        if edited or self._loosened(plan):
            raise PlanRejected(
                f"{plan.plan_id or 'the plan'} is not the plan that its digest says",
                cause="it was edited; an edited plan is a new plan",
                state="nothing was changed",
                next="milepost plan PATH --kb NAME",
            )
        try:
            return home.plans.plan(plan.plan_id, self.user.tenant)
        except NotFound:
            self._check_maker(plan)
            validation = self._judged(plan)
            if plan.journey_type != BUILT_IN:
                admit(validation, plan)
            home.plans.save(plan, validation.model_dump(mode="json"))
            policy = Policy.model_validate(plan.policy)
            if policy.enable_forward_docs and policy.generate_plan:
                home.librarian.write_documents([plan_document(plan)])
            return plan


async def streamed(
    graph: Any, given: dict[str, Any], on_progress: OnProgress, config: Any = None, **options: Any
) -> dict[str, Any]:
    """Run a graph to its end or pause; its progress events go to whoever watches. Returns the last state."""
    state: dict[str, Any] = {}
    if on_progress is None:  # an event wakes the loop, for nobody
        async for said in graph.astream({**given, "unheard": True}, config, stream_mode="values", **options):
            state = said
        return state
    async for kind, said in graph.astream(given, config, stream_mode=["custom", "values"], **options):
        if kind == "values":
            state = said
        else:
            on_progress(Progress.model_validate(said))
    return state


def _check(request: PlanRequest) -> None:
    """Refuse what nobody can plan before anything is made for it: no kb, a bad name, a path that is not there."""
    check_asked(request.request, request.kb, ())
    if request.request is None:
        gathered(request)


def _paths(paths: Sequence[PathOrPair] | str | Path) -> tuple[PathOrPair, ...]:
    return (paths,) if isinstance(paths, str | Path) else tuple(paths)
