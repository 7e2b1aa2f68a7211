"""The executor: one wrapper around every step. Intent, run, receipt, checkpoint, written once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..store.errors import MilepostError
from ..store.faults import faultpoint
from ..store.ledger import ENDED
from ..store.librarian import Document
from ..store.plan import Plan, PlanStep, canonical_json
from ..store.receipts import Receipt
from ..store.records import Journey, JourneyStatus, Progress
from ..tools.embedding import EMBED
from ..tools.exposing import EXPOSE, REMOVE
from ..tools.milestones import take
from ..tools.parsing import PARSE
from ..tools.services import Services, Stopped
from ..tools.steps import StepContext, StepDeclaration, StepOutcome
from ..tools.upload import UPLOAD

STEPS: Mapping[str, StepDeclaration] = {step.action: step for step in (UPLOAD, PARSE, EMBED, EXPOSE, REMOVE)}


class Executor:
    """Runs the steps of one journey, each at most once in effect, under the policy that the journey keeps."""

    def __init__(self, services: Services, journey_id: str) -> None:
        self._services = services
        self._home = services.home
        self.journey_id = journey_id
        self.policy = self._home.ledger.policy(journey_id)
        self.plan = self._home.plans.plan(self._home.ledger.journey(journey_id, None).plan_id, services.user.tenant)

    def attempt(self, action: str) -> str | None:
        """Run the step of an action; its own failure is recorded, and returned as the reason to stop."""
        try:
            self.run(action)
        except Stopped:
            raise
        except MilepostError as failure:
            return self._fail(action, failure.message)
        bad = self._stopping_file() if action in ("upload", "parse", "embed") else None
        return self._fail(action, f"stopped at {bad}, as the policy says") if bad else None

    def run(self, action: str) -> None:
        """Run the plan's step of that action, if there is one and it is not done."""
        step = self._step(action)
        if step is None or self._done(step):
            return
        declaration = STEPS[action]
        context = self._context(step)
        subject = declaration.subject(context)
        if not subject["files"] and not self._left_open(step, declaration.milestone):
            self._home.ledger.set_step(self.journey_id, step.id, "done", 0.0)  # unchanged files cost a hash, no more
            return
        self._intend(step, subject, declaration)
        began = self._home.clock.monotonic()
        outcome = declaration.run(context)
        seconds = self._home.clock.monotonic() - began
        faultpoint(f"{action}.before_receipt")
        self._receive(step, declaration, outcome, seconds)
        faultpoint(f"{action}.done")
        text = f"{declaration.milestone.replace('_', ' ')}"
        self._services.on_progress(Progress(kind="milestone", step=action, text=text))

    def _intend(self, step: PlanStep, subject: dict[str, Any], declaration: StepDeclaration) -> None:
        """Write down what is about to be done; what is only to be finished was written down by who began it."""
        faultpoint(f"{step.action}.before_intent")
        with self._home.record.write(lazy=declaration.inside):
            self._home.ledger.set_step(self.journey_id, step.id, "running")
            if subject["files"]:
                self._home.ledger.intend(
                    self.journey_id,
                    step.id,
                    step.action,
                    _key(step.action, subject),
                    target=subject,
                    handler=step.rollback_handler,
                )
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
                ledger.record_timing(tenant, step.action, "", units=outcome.units, seconds=seconds)
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

    def finish(self) -> Journey:
        """Settle the journey's status from what its files came to."""
        ledger = self._home.ledger
        journey = ledger.journey(self.journey_id, None)
        if journey.status == JourneyStatus.RUNNING:
            bad = [f for f in ledger.files(self.journey_id) if f.outcome in ("rejected", "failed")]
            status = JourneyStatus.PARTIAL if bad else JourneyStatus.COMPLETED
            with self._home.record.write():
                self._stage_rest()
                ledger.set_status(self.journey_id, status)
            if self.policy.learn_from_results:
                self._store_outcome()
        return ledger.journey(self.journey_id, None)

    def start(self) -> None:
        """Bind the journey to its kb as it is now, and take its first checkpoint."""
        ledger = self._home.ledger
        with self._home.record.write(lazy=True):
            journey = ledger.journey(self.journey_id, None)
            if journey.status in ENDED:  # another process ran it to its end while this one waited for the store
                return
            attempts = ledger.count_attempt(self.journey_id)
            if attempts > 1 and journey.status == JourneyStatus.INTERRUPTED:
                user = self._services.user.user
                ledger.note(self.journey_id, journey.tenant, user, "resumed", {"attempt": attempts})
            kb_id = self._bind()
            ledger.set_status(self.journey_id, JourneyStatus.RUNNING)
        faultpoint("journey.started")
        first = self.plan.steps[0] if self.plan.steps else None
        if first is not None and not ledger.receipts(self.journey_id):
            take(
                self._services, journey_id=self.journey_id, milestone_id=f"before_{first.action}", kb_id=kb_id,
                policy=self.policy, state={"files": len(self.plan.files), "plan_id": self.plan.plan_id},
                rollback_handler=first.rollback_handler,
            )  # fmt: skip

    def _bind(self) -> int | None:
        """The journey's kb, made where there is none; at the first time the journey is tied to its revision."""
        if self.plan.kb is None:
            return None
        kb = self._home.knowledge.ensure(self._services.user.tenant, self.plan.kb, self._home.embedder())
        if self._home.ledger.kb_id(self.journey_id) is None:
            self._home.ledger.set_kb(self.journey_id, kb.kb_id, kb.head)
        return kb.kb_id

    def _fail(self, action: str, why: str) -> str:
        """Record that a step could not be done; nothing of it is visible."""
        step = self._step(action)
        if step is not None:
            self._home.ledger.set_step(self.journey_id, step.id, "failed")
        self._home.ledger.set_status(self.journey_id, JourneyStatus.FAILED, detail=why[:300])
        return why

    def _stopping_file(self) -> str | None:
        """The first file that was rejected or failed, where the policy stops at one."""
        if self.policy.on_file_error == "continue" and self.policy.orchestration != "structured":
            return None
        files = self._home.ledger.files(self.journey_id)
        return next((f.source for f in files if f.outcome in ("rejected", "failed")), None)

    def _checkpoint(self, milestone: str, step: PlanStep, outcome: StepOutcome) -> None:
        take(
            self._services, journey_id=self.journey_id, milestone_id=milestone,
            kb_id=self._home.ledger.kb_id(self.journey_id), policy=self.policy,
            state={"step": step.id, **outcome.post},
        )  # fmt: skip

    def _stage_rest(self) -> None:
        """Files that are ready but were not to be exposed: staged, until a resume exposes them."""
        rows = self._home.ledger.files_at(self.journey_id, "embedded")
        self._home.ledger.update_files(self.journey_id, [replace(row, outcome="staged") for row in rows])

    def _store_outcome(self) -> None:
        journey = self._home.ledger.journey(self.journey_id, None)
        content = {**journey.model_dump(mode="json", exclude={"files"}), "plan_id": self.plan.plan_id}
        self._home.librarian.write_documents(
            [
                Document(
                    document_id=f"outcome_{self.journey_id}",
                    content=content,
                    metadata={"type": "journey_outcome"},
                    tenant=journey.tenant,
                    journey_id=self.journey_id,
                )
            ]
        )

    def _context(self, step: PlanStep) -> StepContext:
        kb_id = self._home.ledger.kb_id(self.journey_id)
        assert kb_id is not None
        return StepContext(self._services, self.journey_id, self.plan, step, self.policy, kb_id)

    def _step(self, action: str) -> PlanStep | None:
        """The plan's step of an action, or one that the journey was given since."""
        for step in self.plan.steps:
            if step.action == action:
                return step
        added = self._home.ledger.extra(self.journey_id).get("added_steps") or []
        return PlanStep(id=action, action=action) if action in added else None

    def _done(self, step: PlanStep) -> bool:
        return self._home.ledger.step_status(self.journey_id, step.id) == "done"


def journey_id_of(plan: Plan) -> str:
    """A plan has one journey, whoever asks how often: its id comes from the plan's digest."""
    return f"journey_{plan.digest[:24]}"


def _key(action: str, subject: dict[str, Any]) -> str:
    return f"{action}:{hashlib.sha256(canonical_json(subject).encode()).hexdigest()[:32]}"
