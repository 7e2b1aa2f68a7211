"""Running journeys: what `apply`, `ingest`, `kb remove` and `resume` do, and who has to say yes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ..store.errors import ApprovalRequired, NotFound, StalePlan
from ..store.plan import Plan
from ..store.policy import Policy
from ..store.policy_sources import PolicyValue
from ..store.records import Approval, Checkpoint, Journey, JourneyStatus
from ..store.step_order import in_order
from ..tools.journey_types import BUILT_IN
from ..tools.rollback import Rollback
from ..tools.services import Services, Stopped
from .executor import journey_id_of
from .inputs import PathOrPair
from .order import milestones
from .planner import PlanRequest, admit, draft_removal
from .planning import OnProgress, Planning, streamed
from .resuming import again, bytes_of, kept_files, own_checkpoint, plan_of
from .saver import opened_saver
from .spans import spanned
from .stale import refused
from .who_approves import needs_approval, only_others, why_asked

__all__ = ["Journeys", "OnProgress"]

UNFINISHED = (JourneyStatus.RUNNING, JourneyStatus.INTERRUPTED)
DONE = (JourneyStatus.COMPLETED, JourneyStatus.PARTIAL, JourneyStatus.FAILED, JourneyStatus.ROLLED_BACK,
        JourneyStatus.COMPENSATED, JourneyStatus.COMPENSATION_FAILED, JourneyStatus.NEEDS_ATTENTION)  # fmt: skip
NOT_STARTED = (None, JourneyStatus.PLANNED, JourneyStatus.AWAITING_APPROVAL, JourneyStatus.CANCELLED)
"""Of a plan that a person declined, too: whoever applies it again is asked again."""


class Journeys(Planning):
    """The part of a workspace that runs."""

    running: str | None = None
    """The plan that was run last, also by `ingest`, which makes it."""

    asks_always: bool = False
    """Whether a person has to say yes to every plan, also where the policy would let it run: for assistants."""

    async def apply(
        self,
        plan: Plan | str | None = None,
        *,
        replan: bool = False,
        approve: bool = False,
        on_progress: OnProgress = None,
    ) -> Journey:
        """Run exactly that plan, or the newest that was not applied.

        Returns the journey whatever its status; a plan that was applied already returns its journey, and an
        unfinished one goes on. Raises where it could not start: `StalePlan`, `PlanRejected`, `ApprovalRequired`,
        `StoreBusy`. `approve` gives the approval that the policy asks for, in the name of this user.
        """
        began = self.services.home.clock.monotonic() if self.there else 0.0
        wanted = await self._plan(plan)
        journey_id = journey_id_of(wanted)
        self.services.began[journey_id] = began
        before = await self.engine.run(lambda: _status(self.services, journey_id))
        if before in DONE:
            return await self.status(journey_id)
        if before in UNFINISHED:
            return await self.resume(journey_id, approve=approve, on_progress=on_progress)
        if before in NOT_STARTED:
            moved = await self.engine.run(lambda: self._moved(wanted))
            if moved:
                if not replan:
                    raise refused(wanted, moved)
                wanted = await self._plan_again(wanted)
        return await self._run(wanted, approve=approve, on_progress=on_progress)

    @spanned("ingest")
    async def ingest(
        self,
        paths: Sequence[PathOrPair],
        *,
        kb: str | None = None,
        request: str | None = None,
        policy: PolicyValue = None,
        planner: str = "auto",
        expose: bool = True,
        approve: bool = False,
        on_progress: OnProgress = None,
    ) -> Journey:
        """Plan and apply in one go."""
        planned = partial(
            self._planned_to_run, paths, kb=kb, request=request, policy=policy, planner=planner, expose=expose,
            on_progress=on_progress,
        )  # fmt: skip
        try:
            return await self._run(await planned(), approve=approve, on_progress=on_progress)
        except StalePlan:  # somebody published in between: again, with the store held
            async with self.engine.turn():
                await self.engine.run(self.engine.reserve)
                try:
                    return await self._run(await planned(), approve=approve, on_progress=on_progress)
                finally:
                    await self.engine.run(self.engine.leave)

    async def kb_remove(
        self, source: str, *, kb: str, approve: bool = False, on_progress: OnProgress = None
    ) -> Journey:
        """Take a source out of a kb, as a journey that can be undone."""
        self._require_home(kb)

        def removal() -> Plan:
            plan = draft_removal(self.services, kb, source, self.policy)
            self.services.home.plans.save(plan, self._judged(plan).model_dump(mode="json"))
            return plan

        plan = await self.engine.run(removal)
        return await self._run(plan, approve=approve, on_progress=on_progress)

    async def plan_removal(self, source: str, *, kb: str) -> Plan:
        """What `kb_remove` would run; saves and changes nothing. `NotFound` where the kb has no such source."""
        self._require_home(kb)
        return await self.engine.run(lambda: draft_removal(self.services, kb, source, self.policy))

    async def resume(
        self,
        journey: Journey | str,
        *,
        from_checkpoint: Checkpoint | str | None = None,
        policy: PolicyValue = None,
        approve: bool = False,
        on_progress: OnProgress = None,
    ) -> Journey:
        """Go on after a crash, a stop or a failure, or from where a rollback went back to.

        Of a `partial` journey the files that were rejected or failed are tried again; of a completed one staged files
        are exposed, and without any there is nothing to do. `StalePlan` where somebody changed its sources since.
        A journey keeps its policy: with another one this is a new plan and a new journey that names its parent.
        With one of its checkpoints the journey is taken back there first (see `rollback_to_checkpoint`), and goes on
        from there; under another policy with the files that it had uploaded by then, if it had.
        """
        journey_id = journey if isinstance(journey, str) else journey.journey_id
        plan = await self.read(lambda s: plan_of(s, journey_id))
        wanted = None if policy is None else self._policy(policy)
        pairs = [] if wanted is None else await self.read(lambda s: bytes_of(s, plan))  # going back may delete them
        milestone = "" if from_checkpoint is None else await self._taken_back(journey_id, from_checkpoint)
        if wanted is not None:
            kept = await self.read(lambda s: kept_files(s, journey_id, milestone)) if milestone else ()
            asked = again(plan, wanted, parent=journey_id, kept=kept, pairs=pairs)
            return await self._resumed_as(asked, approve, on_progress, back=bool(milestone))
        async with self.engine.turn():
            try:
                if not await self.engine.run(lambda: self.engine.make_ready(journey_id, plan)):
                    return await self.status(journey_id)
                return await self._run(plan, approve=approve, on_progress=on_progress)
            finally:
                await self.engine.run(self.engine.leave)

    async def _taken_back(self, journey_id: str, checkpoint: Checkpoint | str) -> str:
        """Go back to a journey's own checkpoint; returns its milestone."""
        wanted = checkpoint if isinstance(checkpoint, str) else checkpoint.checkpoint_id
        milestone = await self.read(lambda s: own_checkpoint(s, journey_id, wanted))
        await self.engine.in_turn(lambda: Rollback(self.services, self.policy).to_checkpoint(wanted))
        return milestone

    async def _resumed_as(self, asked: PlanRequest, approve: bool, on_progress: OnProgress, *, back: bool) -> Journey:
        """Plan again what a journey was asked for, under another policy, and run that."""
        made = await self._planned(asked, asked.policy, on_progress, going_on=True)
        try:
            return await self._run(made, approve=approve, on_progress=on_progress)
        except ApprovalRequired as needed:
            if back:
                needed.state = f"{asked.parent} was taken back; the new plan waits"
            raise

    async def approvals(self) -> list[Approval]:
        """What waits for a person, oldest first."""
        return await self.read(lambda s: s.home.plans.waiting(self.user.tenant), [])

    async def approve(self, approval: Approval | str) -> Approval:
        """Say yes to an approval, by its id or its plan's."""
        wanted = approval if isinstance(approval, str) else approval.approval_id
        return await self.read(lambda s: _approve(s, wanted))

    async def reject(self, approval: Approval | str) -> Approval:
        """Say no to an approval, by its id or its plan's: its journey is cancelled, and nothing was changed."""
        wanted = approval if isinstance(approval, str) else approval.approval_id
        return await self.engine.run(lambda: _reject(self.services, wanted))

    async def journeys(self, kb: str | None = None) -> list[Journey]:
        """Journeys, newest first, without their files and steps."""
        return await self.read(lambda s: s.home.ledger.journeys(self.user.tenant, kb=kb), [])

    async def status(self, journey: Journey | str | None = None) -> Journey:
        """One journey with its files, steps and checkpoints; the newest where none is named."""
        wanted = journey.journey_id if isinstance(journey, Journey) else journey
        return await self.read(lambda s: _whole(s, wanted))

    async def _run(self, plan: Plan, *, approve: bool, on_progress: OnProgress) -> Journey:
        self.running = plan.plan_id
        if await self.engine.run(lambda: _status(self.services, journey_id_of(plan))) == JourneyStatus.NEEDS_ATTENTION:
            return await self.status(journey_id_of(plan))  # a person has to say `resume`
        policy = Policy.model_validate(plan.policy)
        engine = self.engine
        if self.asks_always or needs_approval(plan, policy):
            await engine.run(lambda: self._settle_approval(plan, policy, approve))
        async with engine.turn():
            return await self._run_graph(plan, policy, on_progress)

    @spanned("journey")
    async def _run_graph(self, plan: Plan, policy: Policy, on_progress: OnProgress) -> Journey:
        from .graph import INGEST

        engine = self.engine
        actions: tuple[str, ...] = INGEST  # staging has no expose step, its graph has
        if plan.journey_type != BUILT_IN or not {step.action for step in plan.steps} <= set(INGEST):
            actions = tuple(step.id for step in in_order(plan.steps))
        journey_id = journey_id_of(plan)
        async with opened_saver(self.home, policy) as saver:
            graph = self._graph(policy, actions, saver, asking=needs_approval(plan, policy))
            config: Any = {"configurable": {"thread_id": journey_id}}
            durability = "exit" if saver else None
            try:
                await streamed(graph, {"plan_id": plan.plan_id}, on_progress, config, durability=durability)
            except Stopped:
                pass
            finally:
                await engine.run(engine.leave)
        return await self.status(journey_id)

    def _settle_approval(self, plan: Plan, policy: Policy, approve: bool) -> None:
        """Give the approval where it is given with the call; else put the question down and say that it waits."""
        services, user = self.services, self.user
        admit(self._judged(plan), plan)
        if services.home.plans.use(plan, policy.digest, journey_id_of(plan)):
            return
        services.home.librarian.bring()
        self.engine.begin(plan, policy)
        approval = services.home.plans.ask(plan, policy.digest, asked_by=user.user)  # of a declined plan anew, too
        services.home.ledger.set_status(
            journey_id_of(plan), JourneyStatus.AWAITING_APPROVAL, detail=approval.approval_id
        )
        if approval.not_by == user.user:
            raise only_others(plan, approval)
        if approve:
            services.home.plans.approve(approval.approval_id, user.tenant, by=user.user)
            return
        raise ApprovalRequired(
            f"{plan.plan_id} waits for a person's approval",
            cause=why_asked(plan, policy),
            state="nothing was changed",
            next=f"milepost approve {approval.approval_id}",
            approval_id=approval.approval_id,
            plan_id=plan.plan_id,
        )

    def _require_home(self, kb: str) -> None:
        if not self.there:
            raise NotFound(f"there is no kb {kb!r}", state="nothing was made", next="milepost kb list")


def _status(services: Services, journey_id: str) -> JourneyStatus | None:
    try:
        return services.home.ledger.journey(journey_id, services.user.tenant).status
    except NotFound:
        return None


def _whole(services: Services, journey_id: str | None) -> Journey:
    ledger, tenant = services.home.ledger, services.user.tenant
    if journey_id is None:
        newest = ledger.journeys(tenant)
        if not newest:
            why = "nothing was ingested into this home"
            raise NotFound("there is no journey yet", cause=why, next="milepost ingest PATH --kb NAME")
        journey_id = newest[0].journey_id
    journey = ledger.journey(journey_id, tenant, whole=True)
    journey.checkpoints = services.home.checkpoints.find(tenant, journey_id=journey_id)
    journey.milestones = milestones(services.home.plans.plan(journey.plan_id, tenant), journey)
    return journey


def _approve(services: Services, wanted: str) -> Approval:
    plans, user = services.home.plans, services.user
    return plans.approve(_waiting(services, wanted), user.tenant, by=user.user)


def _reject(services: Services, wanted: str) -> Approval:
    home, user = services.home, services.user
    rejected = home.plans.reject(_waiting(services, wanted), user.tenant, by=user.user)
    journey_id = journey_id_of(home.plans.plan(rejected.plan_id, user.tenant))
    if _status(services, journey_id) == JourneyStatus.AWAITING_APPROVAL:
        home.ledger.set_status(journey_id, JourneyStatus.CANCELLED, detail=f"declined by {user.user}", by=user.user)
    return rejected


def _waiting(services: Services, wanted: str) -> str:
    """The open question under its own id or its plan's; else what was asked for, to be looked up."""
    waiting = services.home.plans.open_questions(services.user.tenant)
    return next((one.approval_id for one in waiting if wanted in (one.approval_id, one.plan_id)), wanted)
