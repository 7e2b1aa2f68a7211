"""The engine: one thread on which everything that changes a home is done, one thing at a time."""

from __future__ import annotations

import asyncio
import shlex
import threading
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from contextvars import copy_context
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from ..store.errors import MilepostError, StalePlan
from ..store.plan import Plan
from ..store.policy import Policy
from ..store.records import JourneyStatus
from ..store.secrets import told
from ..store.trouble import as_trouble
from ..tools.rollback import ROLLBACK, Rollback
from ..tools.services import Services
from ..tools.undo import changed_since
from .ending import Came
from .executor import Executor, journey_id_of
from .planner import PlanRequest
from .saga import compensate, finish_sagas, unfinished

T = TypeVar("T")
RESERVED = "reserved"
TURN_SECONDS = 0.005
"""How often it is looked whether another journey of this process has ended."""


class _Turn:
    """Whose turn it is to run a journey; shared by everybody who acts through one engine."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.task: asyncio.Task[Any] | None = None


class _Held:
    """What the store is held for; shared as well, so that nobody takes it for his own after another gave it back."""

    def __init__(self) -> None:
        self.lease = ExitStack()
        self.journey: str | None = None


class Engine:
    """Runs work on its thread, and holds the store's lease there for the executing part of a journey."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.inbox: dict[str, PlanRequest] = {}
        self.graphs: dict[tuple[str, tuple[str, ...], bool, bool], Any] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="milepost-engine")
        self._held = _Held()
        self._turn = _Turn()
        self._compensated: set[str] = set()

    @asynccontextmanager
    async def turn(self) -> AsyncGenerator[None, None]:
        """One journey or rollback at a time, from its first step to its last; a task may take its turn in its turn."""
        task = asyncio.current_task()
        if self._turn.task is task:
            yield
            return
        await self.take_turn()
        self._turn.task = task
        self.services.stop.clear()  # whoever asked to stop meant what ran before
        try:
            yield
        finally:
            self._turn.task = None
            self.end_turn()

    async def take_turn(self) -> None:
        """Wait until no other journey of this process runs; `end_turn` has to follow, on any thread."""
        while not self._turn.lock.acquire(blocking=False):  # whatever event loop the other one runs on
            await asyncio.sleep(TURN_SECONDS)

    def end_turn(self) -> None:
        """Let the next journey of this process run."""
        self._turn.lock.release()

    async def open(self) -> None:
        """From here on there is a home; an engine that waits for its first use opens it."""

    async def starting(self) -> None:
        """A step is about to run; whoever runs the graph over this engine has taken the turn."""

    async def in_turn(self, work: Callable[[], T]) -> T:
        """Do something on the engine's thread, and not between two steps of somebody's journey."""
        async with self.turn():
            return await self.run(work)

    async def run(self, work: Callable[[], T]) -> T:
        """Do something on the engine's thread; what the system refuses is raised as an error of ours."""
        context = copy_context()  # spans belong to what asked for them

        def there() -> T:
            return context.run(in_our_words, self.home, work)

        return await asyncio.get_running_loop().run_in_executor(self._thread, there)

    @property
    def home(self) -> Path:
        """The home's folder."""
        return self.services.home.path

    def acting_as(self, services: Services) -> Engine:
        """The same thread and store, on behalf of another person."""
        other = copy(self)
        other.services, other.graphs = services, {}
        return other

    def first(self, work: Callable[[], object]) -> None:
        """Do something on the engine's thread before anything else, and wait for it."""
        self._thread.submit(partial(in_our_words, self.home, work)).result()

    def enter(self, journey_id: str) -> None:
        """Hold the store for a journey until `leave`; called on the engine's thread. `StoreBusy` names the holder."""
        if self._held.journey in (journey_id, RESERVED):
            self._held.journey = journey_id
            return
        self._held.journey = None
        self._held.lease.close()
        self._held.lease.enter_context(self.services.home.hold(journey_id, wait=self.services.wait))
        self._held.journey = journey_id

    def reserve(self) -> None:
        """Hold the store before there is a journey: nothing moves between the planning and the run that follow."""
        self.enter(RESERVED)

    def leave(self) -> None:
        """Give the store back; documents that a journey laid by and did not come to bring are the next holder's."""
        self.services.home.librarian.give_up()
        self._held.journey = None
        self._held.lease.close()

    def begin(self, plan: Plan, policy: Policy) -> str:
        """Write a plan's journey down, if it is not there yet; returns its id."""
        home, user = self.services.home, self.services.user
        journey_id = journey_id_of(plan)
        if home.ledger.journey_of_plan(plan.plan_id) == journey_id:
            return journey_id
        kb = home.knowledge.find(user.tenant, plan.kb) if plan.kb else None
        home.ledger.begin(
            journey_id, plan, user=user.user, policy=policy, kb_id=kb.kb_id if kb else None,
            revision=kb.head if kb else 0,
        )  # fmt: skip
        return journey_id

    def make_ready(self, journey_id: str, plan: Plan) -> bool:
        """Prepare a journey to go on; False where there is nothing to do. `StalePlan` where its sources changed."""
        home, tenant = self.services.home, self.services.user.tenant
        self.enter(journey_id)  # another process may be at it; what a dead one left is finished first
        journey = home.ledger.journey(journey_id, tenant)
        ended = journey.status in (JourneyStatus.COMPLETED, JourneyStatus.PARTIAL)
        staged = ended and any(row.outcome == "staged" for row in home.ledger.files(journey_id))
        if journey.journey_type == ROLLBACK:
            if journey.status in (JourneyStatus.INTERRUPTED, JourneyStatus.NEEDS_ATTENTION):
                home.ledger.set_status(journey_id, JourneyStatus.INTERRUPTED, detail="about to go on")
                Rollback(self.services, home.ledger.policy(journey_id)).finish(journey_id)
            return False
        if journey_id in self._compensated:  # what was cut off was gone on with when the home was opened
            self._compensated.discard(journey_id)
            return False
        if unfinished(self.services, journey):
            compensate(self.services, journey_id)
            return False
        if journey.status == JourneyStatus.COMPLETED and not staged:
            return False
        self._refuse_changed(journey_id, plan)
        home.ledger.rewind(journey_id, retry=journey.status in (JourneyStatus.PARTIAL, JourneyStatus.FAILED))
        if staged:
            home.ledger.add_step(journey_id, "expose", "expose")
        home.ledger.set_status(journey_id, JourneyStatus.INTERRUPTED, detail="about to go on")
        return True

    def _refuse_changed(self, journey_id: str, plan: Plan) -> None:
        changed = changed_since(self.services.home, journey_id)
        if changed:
            who = ", ".join(f"{source} by {journey}" for source, journey in changed[:3])
            raise StalePlan(
                f"{journey_id} cannot go on: its sources changed since",
                cause=f"changed: {who}",
                state="nothing was changed",
                next=f"milepost plan PATH --kb {shlex.quote(plan.kb or 'NAME')}",
                moved=[f"{source} was changed by {journey}" for source, journey in changed],
            )

    def run_step(self, plan: Plan, policy: Policy, action: str, *, every: Sequence[str] = ()) -> dict[str, str]:
        """Run one step of a plan's journey; returns the verdict for the graph, and why the journey stops here.

        With the first step comes `every` step's name: where none of them has anything to do, all are done at once. A
        step's own failure is recorded and returned; what else ends it leaves the journey interrupted, the store
        free, and is raised.
        """
        journey_id, first = journey_id_of(plan), bool(every)
        self.enter(journey_id)
        if first:
            self._require_room()
        try:
            if first:
                self._refuse_moved(plan, journey_id)
            self.begin(plan, policy)
            executor = Executor(self.services, journey_id)
            idle = executor.start(every) if first else False
            self.services.running = journey_id
            self.services.check()
            if idle:
                executor.all_done(every)
                return {"verdict": "done"}
            why = executor.attempt(action)
            return {"verdict": "stop", "error": why} if why else {"verdict": "go"}
        except StalePlan:
            self.leave()
            raise
        except BaseException as failure:
            try:
                self._interrupted(plan, journey_id, failure)
            finally:
                self.leave()
            raise
        finally:
            self.services.running = None

    def _interrupted(self, plan: Plan, journey_id: str, failure: BaseException) -> None:
        """Say of a journey that it was cut off, and by what; one that could not be written down was never begun."""
        ledger = self.services.home.ledger
        if ledger.journey_of_plan(plan.plan_id) == journey_id:
            ledger.set_status(journey_id, JourneyStatus.INTERRUPTED, detail=_sentence(self.home, failure))

    def _require_room(self) -> None:
        """Nothing starts on a disk that has no room for writing down what it does, and for taking it back."""
        try:
            self.services.home.reserve.keep()
        except MilepostError:
            self.leave()
            raise

    def _refuse_moved(self, plan: Plan, journey_id: str) -> None:
        """Under the lease, where nothing moves any more: a plan that never ran is for the kb as it is now."""
        home = self.services.home
        if plan.kb is None or home.ledger.has_run(journey_id):
            return
        kb = home.knowledge.find(plan.tenant, plan.kb)
        head = kb.head if kb else 0
        if head != plan.base.kb_revision:
            moved = f"kb {plan.kb} is at revision {head}, the plan was made at {plan.base.kb_revision}"
            raise StalePlan(
                f"{plan.plan_id} is stale: {moved}",
                cause="somebody published in between",
                state="nothing was changed",
                next=f"milepost apply {plan.plan_id} --replan",
                moved=[moved],
            )

    def finish(self, journey_id: str, came: Came | None = None) -> str:
        """Settle a journey, with documents of what came of it, give the store back, and return the status."""
        try:
            return str(Executor(self.services, journey_id).finish(came).status)
        finally:
            self.leave()

    def compensate(self, journey_id: str) -> None:
        """Undo what a failed journey did, as its saga says; the journey keeps the reason for which it failed."""
        compensate(self.services, journey_id)

    def finish_sagas(self) -> None:
        """Go on with compensations that a process that died left unfinished, where nobody else is at it."""
        self._compensated |= finish_sagas(self.services)

    def close(self) -> None:
        """End the thread and everything that it opened."""
        self._thread.submit(self.leave).result()
        self._thread.submit(self.services.close).result()
        self._thread.shutdown()


def in_our_words(home: Path, work: Callable[[], T]) -> T:
    """Do work; a full disk, a missing permission or a damaged record is raised as such, under `home`."""
    try:
        return work()
    except Exception as error:
        trouble = as_trouble(error, home)
        if trouble is None:
            raise
        raise trouble from error


def _sentence(home: Path, error: BaseException) -> str:
    failure = as_trouble(error, home) or error
    text = failure.message if isinstance(failure, MilepostError) else told(failure)
    return text[:300]
