"""Going back: to a checkpoint, to a revision, or by a handler; previewed, recorded as a journey, verified."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from ..store.faults import faultpoint
from ..store.kb import Kb
from ..store.policy import Policy
from ..store.records import HandlerOutcome, JourneyStatus, RollbackResult, TakenBack
from ..store.revisions import Delta, Published, delta
from ..store.standing import ROLLBACK
from .effects import effects
from .handlers import run_handler, run_handlers, upload_receipts
from .marks import Marks, mark_built_in
from .milestones import take
from .receipt_undo import PUBLISHING, UPLOAD
from .receipt_undo_set import EffectsUndo
from .rollback_journey import begin, conflict_error, outside_stays
from .services import Services
from .stopping import stopped
from .targets import Target, check_allowed, revision_target, set_target
from .undo import Undoing, going_back, journeys_after, undoing
from .unfinished import Unfinished
from .within import marked_within, rollbacks_within, undone_within

MANUAL = "Checkpoint restored (manual restoration required)"


class Rollback:
    """Goes back on behalf of one person. Everything is looked at again under the lease, where nothing moves."""

    def __init__(self, services: Services, policy: Policy, *, tries: int = 1, within: str | None = None) -> None:
        self._services, self._home = services, services.home
        self._policy, self._tries, self._within = policy, tries, within
        self._unfinished = Unfinished(services)

    def preview(self, *checkpoint_ids: str, on_conflict: str | None = None) -> RollbackResult:
        """What `to_checkpoint` would do now; changes nothing."""
        target = self._target(checkpoint_ids)
        mode = on_conflict or self._policy.on_conflict
        if inner := rollbacks_within(self._home, target):
            return undone_within(target, inner, lambda one: self.preview(one, on_conflict=mode))
        return self._foreseen(target, self._undoing(target, mode), mode)

    def to_checkpoint(self, *checkpoint_ids: str, on_conflict: str | None = None) -> RollbackResult:
        """Undo what the checkpoint's journey did after it, and keep what others did.

        Of several journeys at once, each to its checkpoint: they are no conflicts to one another, and it is one
        revision. Twice is once; one that was killed is finished by the next. `RollbackConflict` changes nothing.
        """
        mode = on_conflict or self._policy.on_conflict
        found = self._target(checkpoint_ids)  # an unknown one is told before anybody waits for the store
        running = [part.journey_id for part in found.parts if part.journey_id]
        with stopped(self._services, self._policy, running), self._home.hold(wait=self._services.wait, lend=True):
            if found.journey_id is None:
                return self._by_hand(self._target(checkpoint_ids))
            return self._home.on_a_full_disk(lambda: self._to_target(self._target(checkpoint_ids), mode))

    def _to_target(self, target: Target, mode: str) -> RollbackResult:
        if inner := rollbacks_within(self._home, target):
            done = undone_within(target, inner, lambda one: self.to_checkpoint(one, on_conflict=mode))
            return marked_within(self._services, target, done)
        if target.kb is not None:
            self._home.open_index(target.kb.kb_id)
        return self._go_back(target, self._undoing(target, mode), mode)

    def preview_revision(self, kb: Kb, revision: int) -> RollbackResult:
        """What taking the whole kb back would do now; changes nothing."""
        change, target = going_back(self._home, kb, revision), self._revision(kb, revision)
        return outside_stays(self._services, target, self._foreseen(target, change, "force"))

    def to_revision(self, kb_id: int, revision: int) -> RollbackResult:
        """Take the whole kb back to a revision, later journeys of others included."""
        with self._home.hold(wait=self._services.wait, lend=True):
            return self._home.on_a_full_disk(lambda: self._to_revision(kb_id, revision))

    def _to_revision(self, kb_id: int, revision: int) -> RollbackResult:
        kb = self._home.knowledge.by_id(kb_id)
        self._home.open_index(kb_id)
        change, target = going_back(self._home, kb, revision), self._revision(kb, revision)
        return outside_stays(self._services, target, self._go_back(target, change, "force"))

    def finish(self, journey_id: str) -> RollbackResult:
        """Go on with a rollback that was cut off, as it was asked for."""
        said = self._home.ledger.extra(journey_id)
        if said["checkpoints"]:
            return self.to_checkpoint(*said["checkpoints"], on_conflict=said["on_conflict"])
        kb_id = self._home.ledger.kb_id(journey_id)
        assert kb_id is not None
        return self.to_revision(kb_id, int(said["revision"]))

    def _foreseen(self, target: Target, change: Undoing, mode: str) -> RollbackResult:
        outside = self._effects(target, mode)
        result = outside.told(self._described(target, change, success=None), outside.foresee())
        idle = not (change.changes or result.conflicts or self._uploads(target) or self._unfinished.to(target))
        result.already_there = idle and not outside.rows
        return result

    def _effects(self, target: Target, mode: str) -> EffectsUndo:
        """What the journeys did outside the record after their checkpoints, to be undone by their own handlers."""
        return EffectsUndo(self._services, target, self._policy, mode=mode, tries=self._tries)

    def _uploads(self, target: Target) -> list[Any]:
        """The uploads to be undone, each journey's newest first, the newest journey first."""
        found = [upload_receipts(self._services, p.journey_id, p.receipt_seq) for p in target.parts if p.journey_id]
        return [receipts for receipts in reversed(found) if receipts]

    def _target(self, checkpoint_ids: tuple[str, ...]) -> Target:
        return set_target(self._services, self._policy, checkpoint_ids)

    def _revision(self, kb: Kb, revision: int) -> Target:
        return revision_target(self._services, self._policy, kb, revision, journeys_after(self._home, kb, revision))

    def _undoing(self, target: Target, mode: str) -> Undoing:
        if target.journey_id is None or target.kb is None:
            return Undoing()
        journeys = {part.journey_id: part.revision for part in target.parts if part.journey_id}
        change = undoing(self._home, target.kb, journeys, on_conflict=mode)
        claims = any(each.to and each.to.claim for each in change.changes)
        if claims and self._home.knowledge.rehearse(target.kb.kb_id, change.changes).after == target.kb.head:
            return Undoing(conflicts=change.conflicts)  # claims that would have to show their content at once
        return change

    def _go_back(self, target: Target, change: Undoing, mode: str) -> RollbackResult:
        outside = self._effects(target, mode)
        foreseen = outside.foresee()
        if mode == "refuse" and (change.conflicts or foreseen.conflicts):
            standing = replace(change, conflicts=[*change.conflicts, *foreseen.conflicts])
            raise conflict_error(target, self._described(target, standing, success=False))
        for each in {conflict.changed_by for conflict in change.conflicts if mode == "force"}:
            check_allowed(self._services, self._policy, each)  # by force it is taken back as well
        uploads = self._uploads(target)
        pending = self._unfinished.to(target)
        if pending and change.changes and self._unfinished.published(pending):
            self._unfinished.settle(pending, None)  # the kb moved on since: what is asked now is another rollback
            pending = None
        if not change.changes and not uploads and not foreseen.undone and pending is None:
            return outside.told(self._nothing_to_do(target, change), foreseen)
        journey_id = pending or begin(self._services, self._policy, target, mode, self._within)
        self._unfinished.overtake(target, journey_id)
        with self._running(journey_id, target):
            newest, between, oldest = outside.zones()
            outside.run(journey_id, newest)
            published = Published(target.kb.head, target.kb.head) if target.kb else Published(0, 0)
            if outside.may_go(PUBLISHING):
                published = self._publish(journey_id, target, change)
            outside.run(journey_id, between)
            going = uploads if outside.may_go((UPLOAD,)) else []
            handlers = [each for of_one in going for each in run_handlers(self._services, journey_id, of_one)]
            outside.run(journey_id, oldest)
            return self._finish(journey_id, target, change, published, handlers, outside)

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
                home.knowledge.say_returned(kb.kb_id, published.after, change.as_of)
                mark_built_in(self._services, journey_id, target)
                if not any(effects(self._services, part.journey_id, part.receipt_seq) for part in target.parts):
                    self._mark(journey_id, target, change, whole=True)
                faultpoint("rollback.before_commit")
        else:  # a rollback that was killed after its publish goes on from here
            post = intent.post or {}
            published = Published(post["before"], post["after"], post["added"], post["removed"])
        faultpoint("rollback.after_publish")
        home.follower.follow(kb.kb_id, prove=self._policy.prove)
        faultpoint("rollback.after_follow")
        return published

    def _mark(self, journey_id: str, target: Target, change: Undoing, *, whole: bool) -> None:
        """The undone journeys say so; a rollback that is undone gives its journeys back what they were.

        Where something is left (not `whole`), they say that, and none of them is called rolled back.
        """
        ledger, by = self._home.ledger, self._services.user.user
        if whole:
            Marks(self._home, by).done(journey_id, kept=change.kept)
            return
        for part in (part for part in target.parts if part.journey_id):
            was = ledger.journey(str(part.journey_id), None).status
            status = JourneyStatus.PARTIAL if was == JourneyStatus.COMPLETED else was
            detail = f"undone in part, back to {part.checkpoint_id}"
            ledger.set_status(str(part.journey_id), status, detail=detail, by=by)

    def _finish(
        self, journey_id: str, target: Target, change: Undoing, published: Published, handlers: list[HandlerOutcome],
        outside: EffectsUndo,
    ) -> RollbackResult:  # fmt: skip
        failed = [handler for handler in handlers if handler.status == "failed"]
        result = self._described(target, change, success=not failed)
        with self._home.record.read() as reading:
            moved = delta(reading, target.kb.kb_id, published.before, published.after) if target.kb else None
        receipt = next((one for one in self._home.ledger.receipts(journey_id) if one.action == ROLLBACK), None)
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
        if outside.rows:
            result = outside.told(result, outside.done)
            passed_over = [*change.kept, *(conflict.source for conflict in outside.done.conflicts)]
            self._mark(journey_id, target, replace(change, kept=passed_over), whole=bool(result.success))
        faultpoint("rollback.before_done")
        self._unfinished.settle(journey_id, result.error)
        return result

    def _nothing_to_do(self, target: Target, change: Undoing) -> RollbackResult:
        result = self._described(target, change, success=True)
        result.already_there = not change.conflicts
        result.verified = self._home.follower.confirm(target.kb.kb_id, Delta([], [])) if target.kb else "unverifiable"
        result.message = "nothing to undo: everything is as it was at the checkpoint"
        return result

    def _described(self, target: Target, change: Undoing, *, success: bool | None) -> RollbackResult:
        removed, restored = self._counts(target, change)
        head = target.kb.head if target.kb else 0
        return RollbackResult(
            success=success, checkpoint_id=target.checkpoint_id, journeys=self._taken(target),
            chunks_removed=removed, chunks_restored=restored,
            sources_removed=change.removed, sources_restored=change.restored, conflicts=change.conflicts,
            revision_before=head, revision_after=head, state=target.document.get("state"),
        )  # fmt: skip

    def _taken(self, target: Target) -> list[TakenBack]:
        """The journeys that are taken back; of several, and of a whole kb, whoever's they are."""
        ids = [part.journey_id for part in target.parts if part.journey_id] or target.later
        return [TakenBack(journey_id=each, user=self._home.ledger.journey(each, None).user) for each in ids]

    def _counts(self, target: Target, change: Undoing) -> tuple[int, int]:
        """How many chunks will go and come: what publishing the changes would count, without publishing."""
        if target.kb is None or not change.changes:
            return 0, 0
        with self._home.reserve.lent():  # it is counted by doing it, and not keeping it
            counted = self._home.knowledge.rehearse(target.kb.kb_id, change.changes)
        return counted.removed, counted.added
