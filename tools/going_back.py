"""Going back: to a checkpoint, to a revision, or by a handler; previewed, recorded as a journey, verified."""

from __future__ import annotations

import uuid
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from ..store.errors import RollbackConflict
from ..store.faults import faultpoint
from ..store.kb import Kb
from ..store.plan import Base, Plan, PlanStep, canonical_json
from ..store.policy import Policy
from ..store.records import HandlerOutcome, JourneyStatus, RollbackResult
from ..store.revisions import Delta, Published, delta
from .handlers import run_handler, run_handlers, upload_receipts
from .milestones import take
from .services import Services
from .targets import Target, checkpoint_target, revision_target
from .undo import Undoing, going_back, undoing

ROLLBACK = "rollback"
MANUAL = "Checkpoint restored (manual restoration required)"


class Rollback:
    """Goes back on behalf of one person. Everything is looked at again under the lease, where nothing moves."""

    def __init__(self, services: Services, policy: Policy) -> None:
        self._services = services
        self._home = services.home
        self._policy = policy

    def preview(self, checkpoint_id: str, *, on_conflict: str | None = None) -> RollbackResult:
        """What `to_checkpoint` would do now; changes nothing."""
        target = self._target(checkpoint_id)
        return self._foreseen(target, self._undoing(target, on_conflict or self._policy.on_conflict))

    def to_checkpoint(self, checkpoint_id: str, *, on_conflict: str | None = None) -> RollbackResult:
        """Undo what the checkpoint's journey did after it, and keep what others did.

        Twice is once; one that was killed is finished by the next. `RollbackConflict` changes nothing.
        """
        mode = on_conflict or self._policy.on_conflict
        self._target(checkpoint_id)  # an unknown one is told before anybody waits for the store
        with self._home.hold(None, wait=self._services.wait):
            target = self._target(checkpoint_id)
            if target.journey_id is None:
                return self._by_hand(target)
            if target.kb is not None:
                self._home.open_index(target.kb.kb_id)
            return self._go_back(target, self._undoing(target, mode), mode)

    def preview_revision(self, kb: Kb, revision: int) -> RollbackResult:
        """What taking the whole kb back would do now; changes nothing."""
        return self._foreseen(revision_target(kb, revision), going_back(self._home, kb, revision))

    def to_revision(self, kb_id: int, revision: int) -> RollbackResult:
        """Take the whole kb back to a revision, later journeys of others included."""
        with self._home.hold(None, wait=self._services.wait):
            kb = self._home.knowledge.by_id(kb_id)
            self._home.open_index(kb_id)
            return self._go_back(revision_target(kb, revision), going_back(self._home, kb, revision), "force")

    def finish(self, journey_id: str) -> RollbackResult:
        """Go on with a rollback that was cut off, as it was asked for."""
        said = self._home.ledger.extra(journey_id)
        if said["undoes"] is not None:
            return self.to_checkpoint(said["checkpoint"], on_conflict=said["on_conflict"])
        kb_id = self._home.ledger.kb_id(journey_id)
        assert kb_id is not None
        return self.to_revision(kb_id, int(said["checkpoint"].rpartition("@")[2]))

    def _foreseen(self, target: Target, change: Undoing) -> RollbackResult:
        result = self._described(target, change, success=None)
        idle = not (change.changes or change.conflicts or self._uploads(target) or self._pending(target))
        result.already_there = idle
        return result

    def _uploads(self, target: Target) -> list[Any]:
        return upload_receipts(self._services, target.journey_id, target.receipt_seq) if target.journey_id else []

    def _target(self, checkpoint_id: str) -> Target:
        return checkpoint_target(self._services, self._policy, checkpoint_id)

    def _undoing(self, target: Target, mode: str) -> Undoing:
        if target.journey_id is None or target.kb is None:
            return Undoing()
        change = undoing(self._home, target.kb, target.journey_id, after=target.revision, on_conflict=mode)
        claims = any(each.to and each.to.claim for each in change.changes)
        if claims and self._home.knowledge.rehearse(target.kb.kb_id, change.changes).after == target.kb.head:
            return Undoing(conflicts=change.conflicts)  # claims that would have to show their content at once
        return change

    def _go_back(self, target: Target, change: Undoing, mode: str) -> RollbackResult:
        if change.conflicts and mode == "refuse":
            raise self._conflict(target, change)
        uploads = self._uploads(target)
        pending = self._pending(target)
        if pending and change.changes and self._published(pending):
            self._settle(pending, None)  # the kb moved on since: what is asked now is another rollback
            pending = None
        if not change.changes and not uploads and pending is None:
            return self._nothing_to_do(target, change)
        journey_id = pending or self._begin(target, mode)
        with self._running(journey_id, target):
            published = self._publish(journey_id, target, change)
            handlers = run_handlers(self._services, journey_id, uploads)
            return self._finish(journey_id, target, change, published, handlers)

    def _by_hand(self, target: Target) -> RollbackResult:
        """A checkpoint that somebody took of a state of their own: its handler runs, or they get the state back."""
        result = self._described(target, Undoing(), success=True)
        result.verified = "unverifiable"
        if target.handler is None:
            result.message = MANUAL
        else:
            outcome = run_handler(self._services, target.handler, result.state or {})
            result.success, result.error = outcome.status in ("done", "skipped"), outcome.error
            result.handlers = [outcome]
        user = self._services.user
        told = {"checkpoint_id": target.checkpoint_id, "success": result.success}
        self._home.ledger.note(None, user.tenant, user.user, "rolled_back_by_hand", told)
        return result

    def _begin(self, target: Target, mode: str) -> str:
        """Write the rollback down as a journey of its own, with the checkpoint that makes it undoable."""
        kb = target.kb
        base = Base(kb_revision=kb.head if kb else 0, policy_digest=self._policy.digest)
        step = PlanStep(
            id=ROLLBACK, action=ROLLBACK, args={"checkpoint": target.checkpoint_id}, milestone="rollback_complete"
        )
        plan = Plan(
            journey_type=ROLLBACK, kb=kb.name if kb else None, tenant=self._services.user.tenant,
            owner=self._services.user.user, request=uuid.uuid4().hex, steps=(step,), base=base,
            policy=self._policy.model_dump(mode="json"), generated_at=self._home.clock.now(),
        ).sealed()  # fmt: skip
        journey_id = f"journey_{plan.digest[:24]}"
        keeping = self._policy.model_copy(update={"enable_rollback": True})
        extra = {"undoes": target.journey_id, "checkpoint": target.checkpoint_id, "on_conflict": mode}
        with self._home.record.write():  # a plan without its journey would wait to be applied
            self._home.plans.save(plan, None)
            self._home.ledger.begin(
                journey_id, plan, user=self._services.user.user, policy=keeping,
                kb_id=kb.kb_id if kb else None, revision=kb.head if kb else 0, journey_type=ROLLBACK, extra=extra,
            )  # fmt: skip
            self._home.ledger.set_status(journey_id, JourneyStatus.RUNNING)
        return journey_id

    @contextmanager
    def _running(self, journey_id: str, target: Target) -> Generator[None, None, None]:
        """Run as a journey; what interrupts it leaves it to be finished by the next call."""
        ledger = self._home.ledger
        ledger.set_status(journey_id, JourneyStatus.RUNNING)
        take(
            self._services, journey_id=journey_id, milestone_id="before_rollback",
            kb_id=target.kb.kb_id if target.kb else None, policy=ledger.policy(journey_id),
            state={"going_back_to": target.checkpoint_id},
        )  # fmt: skip
        try:
            yield
        except BaseException as failure:
            ledger.set_status(journey_id, JourneyStatus.INTERRUPTED, detail=str(failure)[:300])
            raise

    def _publish(self, journey_id: str, target: Target, change: Undoing) -> Published:
        home, kb = self._home, target.kb
        if kb is None:
            return Published(0, 0)
        intent = home.ledger.intend(
            journey_id,
            ROLLBACK,
            ROLLBACK,
            f"rollback:{target.checkpoint_id}",
            target={"kb": kb.name, "revision": target.revision},
        )
        faultpoint("rollback.after_intent")
        if intent.state == "intended":
            with home.record.write():
                published = home.knowledge.publish(
                    kb.kb_id, change.changes, journey_id=journey_id, user=self._services.user.user, restorable=True
                )
                home.ledger.set_revisions(journey_id, after=published.after, before=published.before)
                post: dict[str, Any] = {"before": published.before, "after": published.after, "added": published.added,
                        "removed": published.removed, "sources_removed": change.removed,
                        "sources_restored": change.restored}  # fmt: skip
                home.ledger.receive(intent.seq, post)
                self._mark(target)
                faultpoint("rollback.before_commit")
        else:  # a rollback that was killed after its publish goes on from here
            post = intent.post or {}
            published = Published(post["before"], post["after"], post["added"], post["removed"])
        faultpoint("rollback.after_publish")
        home.follower.follow(kb.kb_id, prove=self._policy.prove)
        faultpoint("rollback.after_follow")
        return published

    def _mark(self, target: Target) -> None:
        """The undone journey says so; a rollback that is undone gives its journey back what it was."""
        ledger = self._home.ledger
        if target.journey_id is None:
            return
        after = ledger.receipts(target.journey_id, after=target.receipt_seq)
        if not after:  # nothing of the journey comes later than this checkpoint: it is whole again
            ledger.take_up_again(target.journey_id)
            return
        ledger.mark_undone([receipt.seq for receipt in after if receipt.action != "upload"])
        ledger.roll_back(target.journey_id, target.document["milestone_id"], detail=f"back to {target.checkpoint_id}")
        redone = ledger.extra(target.journey_id).get("undoes")
        if redone:
            ledger.take_up_again(str(redone))

    def _finish(
        self, journey_id: str, target: Target, change: Undoing, published: Published, handlers: list[HandlerOutcome]
    ) -> RollbackResult:
        failed = [handler for handler in handlers if handler.status == "failed"]
        result = self._described(target, change, success=not failed)
        with self._home.record.read() as reading:
            moved = delta(reading, target.kb.kb_id, published.before, published.after) if target.kb else None
        receipt = next(iter(self._home.ledger.receipts(journey_id)), None)
        told = (receipt.post if receipt else None) or {}
        confirm = self._home.follower.confirm
        verified = confirm(target.kb.kb_id, moved) if target.kb and moved else "unverifiable"
        result = result.model_copy(
            update={
                "chunks_removed": published.removed, "chunks_restored": published.added,
                "sources_removed": told.get("sources_removed", change.removed),
                "sources_restored": told.get("sources_restored", change.restored),
                "revision_before": published.before, "revision_after": published.after,
                "handlers": handlers, "journey_id": journey_id,
                "verified": verified,
            }
        )  # fmt: skip
        if failed:
            result.error = "; ".join(f"{h.name}: {h.error}" for h in failed)
        faultpoint("rollback.before_done")
        self._settle(journey_id, result.error)
        return result

    def _published(self, journey_id: str) -> bool:
        return any(receipt.state == "received" for receipt in self._home.ledger.receipts(journey_id))

    def _settle(self, journey_id: str, error: str | None) -> None:
        self._home.ledger.set_step(journey_id, ROLLBACK, "done")
        status = JourneyStatus.FAILED if error else JourneyStatus.COMPLETED
        self._home.ledger.set_status(journey_id, status, detail=error)

    def _pending(self, target: Target) -> str | None:
        """A rollback to the same checkpoint that was started and did not come to its end."""
        for journey in self._home.ledger.journeys(self._services.user.tenant, statuses=(JourneyStatus.INTERRUPTED,)):
            if journey.journey_type == ROLLBACK and (
                self._home.ledger.extra(journey.journey_id).get("checkpoint") == target.checkpoint_id
            ):
                return journey.journey_id
        return None

    def _nothing_to_do(self, target: Target, change: Undoing) -> RollbackResult:
        result = self._described(target, change, success=True)
        result.already_there = not change.conflicts
        result.verified = self._home.follower.confirm(target.kb.kb_id, _NOTHING) if target.kb else "unverifiable"
        result.message = "nothing to undo: everything is as it was at the checkpoint"
        return result

    def _described(self, target: Target, change: Undoing, *, success: bool | None) -> RollbackResult:
        removed, restored = self._counts(target, change)
        head = target.kb.head if target.kb else 0
        return RollbackResult(
            success=success, checkpoint_id=target.checkpoint_id, chunks_removed=removed, chunks_restored=restored,
            sources_removed=change.removed, sources_restored=change.restored, conflicts=change.conflicts,
            revision_before=head, revision_after=head, state=target.document.get("state"),
        )  # fmt: skip

    def _counts(self, target: Target, change: Undoing) -> tuple[int, int]:
        """How many chunks will go and come: what publishing the changes would count, without publishing."""
        if target.kb is None or not change.changes:
            return 0, 0
        counted = self._home.knowledge.rehearse(target.kb.kb_id, change.changes)
        return counted.removed, counted.added

    def _conflict(self, target: Target, change: Undoing) -> RollbackConflict:
        first = change.conflicts[0]
        more = f" and {len(change.conflicts) - 1} more" if len(change.conflicts) > 1 else ""
        conflicts = [conflict.model_dump() for conflict in change.conflicts]
        described = self._described(target, change, success=False)
        described.error = f"{first.source} was changed later by {first.changed_by}{more}"
        return RollbackConflict(
            f"cannot undo: {first.source} was changed later by {first.changed_by}{more}",
            cause="a later journey changed the same source",
            state="nothing was changed",
            next=f"milepost rollback {target.checkpoint_id} --on-conflict skip",
            conflicts=conflicts,
            rollback=canonical_json(described.model_dump(mode="json")),
        )


_NOTHING = Delta([], [])
