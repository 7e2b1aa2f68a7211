"""The executor: one wrapper around every step. Intent, run, receipt, checkpoint, written once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ..store.errors import MilepostError, PlanRejected
from ..store.faults import faultpoint
from ..store.plan import Plan, PlanStep, canonical_json
from ..store.receipts import Receipt
from ..store.records import Journey, JourneyStatus, Progress
from ..store.standing import ENDED
from ..store.tracing import span
from ..tools.answering import REPORT
from ..tools.effects import perform
from ..tools.embedding import EMBED
from ..tools.exposing import EXPOSE, HIDE, REMOVE
from ..tools.journey_types import BUILT_IN
from ..tools.milestones import take
from ..tools.parsing import PARSE
from ..tools.services import Services, Stopped
from ..tools.steps import StepDeclaration, StepOutcome, StepRun
from ..tools.taking_back import ROLLBACK_STEP
from ..tools.upload import UPLOAD
from .ending import Came, settle
from .order import Order

STEPS: Mapping[str, StepDeclaration] = {
    step.action: step for step in (UPLOAD, PARSE, EMBED, EXPOSE, REMOVE, HIDE, ROLLBACK_STEP, REPORT)
}


class Executor:
    """Runs the steps of one journey, each at most once in effect, under the policy that the journey keeps."""

    def __init__(self, services: Services, journey_id: str) -> None:
        self._services = services
        self._home = services.home
        self.journey_id = journey_id
        self.policy = self._home.ledger.policy(journey_id)
        self.plan = self._home.plans.plan(self._home.ledger.journey(journey_id, None).plan_id, services.user.tenant)
        self.order = Order(services, journey_id, self.plan, self.policy)

    def attempt(self, name: str) -> str | None:
        """Run a step, by its id or action; its own failure is recorded, and returned where the journey stops there.

        A step is left alone while one that it depends on is not done. Under `structured` that is every earlier one,
        and its milestone counts.
        """
        step = self._step(name)
        if step is None or self._done(step):
            return None
        waits_for = self.order.open_before(step)
        if waits_for is not None:
            return self._wait(step, waits_for)
        with span(f"step {step.action}", milepost__step__id=step.id, milepost__journey__id=self.journey_id) as told:
            try:
                self._run(step)
            except Stopped:
                self._home.ledger.try_ended(self.journey_id, step.id, "stopped")
                raise
            except MilepostError as failure:
                told.fail(type(failure).__name__)
                return self._fail(step, failure.message)
        bad = self._stopping_file() if step.action in ("upload", "parse", "embed") else None
        return self._fail(step, f"stopped at {bad}, as the policy says") if bad else None

    def _idle(self, names: Iterable[str]) -> bool:
        """Whether none of these steps has a file to work on: unchanged files cost a hash."""
        return self.plan.journey_type == BUILT_IN and not any(self._has_work(step) for step in self._open(names))

    def all_done(self, names: Iterable[str]) -> None:
        """End steps that have nothing to do, all at once."""
        with self._home.record.write(lazy=True):
            for step in self._open(names):
                self._home.ledger.set_step(self.journey_id, step.id, "done", 0.0)

    def _open(self, names: Iterable[str]) -> list[PlanStep]:
        """The steps of these names, each once, that are not done."""
        steps = {step.id: step for name in names if (step := self._step(name)) is not None}
        return [step for step in steps.values() if not self._done(step)]

    def _has_work(self, step: PlanStep) -> bool:
        known = STEPS.get(step.action)
        has_files = known is None or known.subject(self._context(step))["files"]
        return bool(has_files) or (known is not None and self._left_open(step, known.milestone))

    def _run(self, step: PlanStep) -> None:
        if step.action in STEPS:
            self._run_built_in(step, STEPS[step.action])
            return
        began = self._home.clock.monotonic()
        post = perform(self._services, self.journey_id, self.plan, step, self.policy)
        seconds = self._home.clock.monotonic() - began
        self._home.ledger.record_timing(
            self._services.user.tenant, step.action, "", units=1.0, seconds=seconds, journey_id=self.journey_id
        )
        milestone = step.milestone or f"{step.action}_complete"
        if self.policy.checkpoints_at(milestone):
            self._checkpoint(milestone, step, StepOutcome(post={"result": post}))
        self._home.ledger.set_step(self.journey_id, step.id, "done", seconds)
        self._tell_milestone(step, milestone)

    def _run_built_in(self, step: PlanStep, declaration: StepDeclaration) -> None:
        action, context = step.action, self._context(step)
        subject = declaration.subject(context)
        if not subject["files"] and not self._left_open(step, declaration.milestone):
            self._home.ledger.set_step(self.journey_id, step.id, "done", 0.0)
            return
        self._intend(step, subject, declaration)
        began = self._home.clock.monotonic()
        outcome = declaration.run(context)
        seconds = self._home.clock.monotonic() - began
        faultpoint(f"{action}.before_receipt")
        self._receive(step, declaration, outcome, seconds)
        faultpoint(f"{action}.done")
        self._tell_milestone(step, declaration.milestone)

    def _tell_milestone(self, step: PlanStep, milestone: str) -> None:
        self._services.on_progress(Progress(kind="milestone", step=step.action, text=milestone.replace("_", " ")))

    def _intend(self, step: PlanStep, subject: dict[str, Any], declaration: StepDeclaration) -> None:
        """Write down what is about to be done; what is only to be finished was written down by who began it."""
        faultpoint(f"{step.action}.before_intent")
        with self._home.record.write(lazy=declaration.inside):
            self._home.ledger.set_step(self.journey_id, step.id, "running")
            if subject["files"]:
                self._home.ledger.intend(
                    self.journey_id, step.id, step.action, _key(step.action, subject), target=subject,
                    handler=step.rollback_handler,
                )  # fmt: skip
        faultpoint(f"{step.action}.after_intent")

    def _receive(self, step: PlanStep, declaration: StepDeclaration, outcome: StepOutcome, seconds: float) -> None:
        """Write down what was done, a killed run's share of it included, and take the milestone's checkpoint."""
        ledger, milestone = self._home.ledger, declaration.milestone
        with self._home.record.write(lazy=declaration.inside):
            for receipt in self._receipts(step):
                if receipt.state == "intended":
                    ledger.receive(receipt.seq, outcome.post)
            if outcome.units:
                tenant = self._services.user.tenant
                ledger.record_timing(
                    tenant, step.action, "", units=outcome.units, seconds=seconds, journey_id=self.journey_id
                )
            if not self.policy.checkpoints_at(milestone):
                ledger.set_step(self.journey_id, step.id, "done", seconds)
        if self.policy.checkpoints_at(milestone):
            self._checkpoint(milestone, step, outcome)
            ledger.set_step(self.journey_id, step.id, "done", seconds)

    def _left_open(self, step: PlanStep, milestone: str) -> bool:
        """Whether a run that was killed began this step, and did not come to its receipt or to its checkpoint."""
        own = self._receipts(step)
        if any(receipt.state == "intended" for receipt in own):
            return True
        if not own or not self.policy.checkpoints_at(milestone):
            return False
        taken = self._home.checkpoints.at(self.journey_id, milestone)
        return taken is None or taken["receipt_seq"] < own[-1].seq

    def _receipts(self, step: PlanStep) -> list[Receipt]:
        receipts = self._home.ledger.receipts(self.journey_id)
        return [receipt for receipt in receipts if receipt.step_id == step.id and receipt.state != "undone"]

    def finish(self, came: Came | None = None) -> Journey:
        """Settle the journey's status from what its files came to; `came` gives the documents that say so."""
        return settle(self._services, self.journey_id, self.order, came)

    def start(self, every: Sequence[str]) -> bool:
        """Bind the journey to its kb as it is now, take its first checkpoint, and say whether `every` step is idle.

        What was written down before is in Chroma then; where nothing is to be done it goes there with what came of it.
        """
        ledger = self._home.ledger
        with self._home.record.write(lazy=True):
            journey = ledger.journey(self.journey_id, None)
            if journey.status in ENDED:  # another process ran it to its end while this one waited for the store
                return self._idle(every)
            attempts = ledger.count_attempt(self.journey_id)
            if attempts > 1:
                self._services.began.pop(self.journey_id, None)
            if attempts > 1 and journey.status == JourneyStatus.INTERRUPTED:
                user = self._services.user.user
                ledger.note(self.journey_id, journey.tenant, user, "resumed", {"attempt": attempts})
            kb_id = self._bind()
            ledger.need_not_stop(self.journey_id)
            ledger.set_status(self.journey_id, JourneyStatus.RUNNING)
        faultpoint("journey.started")
        idle = self._idle(every)
        first = self.plan.steps[0] if self.plan.steps else None
        if first is not None and not ledger.receipts(self.journey_id):
            take(
                self._services, journey_id=self.journey_id, milestone_id=f"before_{first.action}", kb_id=kb_id,
                policy=self.policy, state={"files": len(self.plan.files), "plan_id": self.plan.plan_id},
                rollback_handler=first.rollback_handler, before=idle,
            )  # fmt: skip
        if not idle:
            self._home.librarian.bring()
        return idle

    def _bind(self) -> int | None:
        """The journey's kb, made where there is none; at the first time the journey is tied to its revision."""
        if self.plan.kb is None or all(step.action == "report" for step in self.plan.steps):
            return self._home.ledger.kb_id(self.journey_id)  # an answer makes no kb
        kb = self._home.knowledge.ensure(self._services.user.tenant, self.plan.kb, self._home.embedder())
        if self._home.ledger.kb_id(self.journey_id) is None:
            self._home.ledger.set_kb(self.journey_id, kb.kb_id, kb.head)
        return kb.kb_id

    def _fail(self, step: PlanStep, why: str) -> str | None:
        """Record that a step could not be done; in a flow of a user's own type, what does not depend on it goes on."""
        ledger = self._home.ledger
        if self.plan.journey_type != BUILT_IN and self.policy.orchestration == "flow":
            ledger.set_step(self.journey_id, step.id, "failed", error=why[:300])
            return None
        with self._home.record.write():
            ledger.set_step(self.journey_id, step.id, "failed", error=why[:300])
            if self.policy.orchestration == "saga":  # who finds it so after a kill goes on undoing, not doing
                ledger.set_extra(self.journey_id, compensating=True)
            ledger.set_status(self.journey_id, JourneyStatus.FAILED, detail=why[:300])
        return why

    def _wait(self, step: PlanStep, waits_for: str) -> str | None:
        """A step whose turn has not come: refused under `structured`, left as it is in a flow."""
        if self.policy.orchestration != "structured":
            return None
        why = f"{step.id} was not started: {waits_for}"
        self._home.ledger.set_status(self.journey_id, JourneyStatus.FAILED, detail=why[:300])
        return why

    def _stopping_file(self) -> str | None:
        """The first file that was rejected or failed, where the policy stops at one."""
        if self.policy.on_file_error == "continue" and self.policy.orchestration != "structured":
            return None
        return next((file.source for file in self._home.ledger.failures(self.journey_id)), None)

    def _checkpoint(self, milestone: str, step: PlanStep, outcome: StepOutcome) -> None:
        take(
            self._services, journey_id=self.journey_id, milestone_id=milestone,
            kb_id=self._home.ledger.kb_id(self.journey_id), policy=self.policy,
            state={"step": step.id, **outcome.post},
        )  # fmt: skip

    def _context(self, step: PlanStep) -> StepRun:
        kb_id = self._home.ledger.kb_id(self.journey_id)
        if kb_id is None and step.action != "report":
            raise PlanRejected(f"{step.action} puts files into a kb, and the plan names none", add=["--kb", "NAME"])
        return StepRun(self._services, self.journey_id, self.plan, step, self.policy, kb_id or 0)

    def _step(self, name: str) -> PlanStep | None:
        """The plan's step of that id or else action, or one that the journey was given since."""
        steps = self.plan.steps
        found = next((step for step in steps if step.id == name), None)
        found = found or next((step for step in steps if step.action == name), None)
        if found is not None:
            return found
        added = self._home.ledger.extra(self.journey_id).get("added_steps") or []
        return PlanStep(id=name, action=name) if name in added else None

    def _done(self, step: PlanStep) -> bool:
        return self._home.ledger.step_status(self.journey_id, step.id) == "done"


def journey_id_of(plan: Plan) -> str:
    """A plan has one journey, whoever asks how often: its id comes from the plan's digest."""
    return f"journey_{plan.digest[:24]}"


def _key(action: str, subject: dict[str, Any]) -> str:
    return f"{action}:{hashlib.sha256(canonical_json(subject).encode()).hexdigest()[:32]}"
