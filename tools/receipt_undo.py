"""Undoing effects outside the record, newest first: each written down before and after, none that another needs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tenacity import Retrying, retry_if_not_exception_type, stop_after_attempt, wait_exponential, wait_random

from ..store.faults import faultpoint
from ..store.policy import Policy
from ..store.receipts import Receipt as Row
from ..store.records import Conflict, HandlerOutcome, Left, RollbackResult
from ..store.secrets import told as said_by
from ..store.secrets import without_secrets
from .effects import is_effect
from .limited import TookTooLong, call
from .looking import Looker, Sight, Verdict, label, prior_of, same, target_of, trusted
from .services import Services
from .user_steps import Receipt, Undo

UPLOAD = "upload"
PUBLISHING = ("expose", "remove")


@dataclass
class Undone:
    """What became of a journey's effects."""

    handlers: list[HandlerOutcome] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    """What looking afterwards found: confirmed, drift, unverifiable."""
    open_steps: set[str] = field(default_factory=set)
    """Steps whose effects are still there: what they depend on has to wait."""
    stopped: bool = False

    @property
    def complete(self) -> bool:
        """Whether nothing is left that ought to be undone."""
        return not self.left


class EffectUndo:
    """Undoes a journey's effects on behalf of its owner, for one rollback of it."""

    def __init__(
        self, services: Services, journey_id: str, rows: Sequence[Row], policy: Policy, *, mode: str, tries: int = 1
    ) -> None:
        self._services = services
        self._journey_id = journey_id
        self._policy = policy
        self._mode = mode
        self._tries = tries
        self.rows = list(rows)
        self.looker = Looker(services, journey_id, policy) if rows else None
        self.done = Undone()

    def foresee(self, coming: dict[str, Any] | None = None) -> Undone:
        """What undoing would come to now; looks, and changes nothing.

        `coming` has the states that will be there by then, and gets those that this leaves.
        """
        found, past = Undone(), self._mode in ("skip", "force")
        for sight in self.looker.sights(self.rows, coming) if self.looker else []:
            row, verdict = sight.row, sight.verdict
            why = self._held_up(row, found)
            if why is None and verdict is Verdict.CONFLICT and sight.conflict is not None:
                found.conflicts.append(sight.conflict)
            if why is None and verdict in _TOLD:
                found.handlers.append(_outcome(sight, _TOLD[verdict]))
            undone = verdict in (Verdict.UNDO, Verdict.ALREADY) or (verdict is Verdict.CONFLICT and past)
            if why is None and undone and not (verdict is Verdict.CONFLICT and self._mode == "skip"):
                found.undone.append(label(row))
            elif why is not None or not (undone or verdict is Verdict.NOTHING_KNOWN):
                goes_past = verdict is Verdict.IRREVERSIBLE and past
                found.stopped = found.stopped or (verdict is Verdict.IRREVERSIBLE and not goes_past)
                _leave(found, row, why or sight.why or "", blocks=not goes_past)
        return found

    def zones(self) -> tuple[list[Row], list[Row], list[Row]]:
        """The effects newer than the journey's publish, those older that are newer than its upload, and the rest."""
        receipts = self._services.home.ledger.receipts(self._journey_id) if self.rows else []
        newest = {row.action: row.seq for row in receipts if not is_effect(row)}
        upload = newest.get(UPLOAD, 0)
        publish = max([upload, *(newest.get(action, 0) for action in PUBLISHING)])
        middle = [row for row in self.rows if upload < row.seq <= publish]
        return (
            [row for row in self.rows if row.seq > publish], middle,
            [row for row in self.rows if row.seq <= upload],
        )  # fmt: skip

    def may_go(self, actions: Iterable[str]) -> bool:
        """Whether what built-in steps did may be undone now: nothing that is still there needs it or bars the way."""
        if self.looker is None:
            return True
        steps = [step.id for step in self.looker.plan.steps if step.action in actions]
        needing = set[str]().union(*(self._needing(step_id) for step_id in steps))
        held = bool(steps) and (self.done.stopped or bool(needing & self.done.open_steps))
        if held:
            self.done.left += [Left(step=step, action=step, why="what needs it is not undone") for step in steps]
        return not held

    def run(self, rollback_id: str, rows: Sequence[Row]) -> None:
        """Undo these of its effects, as far as nothing that was not undone depends on them."""
        for row in rows:
            self._services.check()
            why = self._held_up(row, self.done)
            if why is not None:
                _leave(self.done, row, why)
            else:
                self._one(rollback_id, row)

    def _held_up(self, row: Row, done: Undone) -> str | None:
        if done.stopped:
            return "it is older than what cannot be undone"
        return "what needs it is not undone" if self._needing(row.step_id) & done.open_steps else None

    def _one(self, rollback_id: str, row: Row) -> None:
        assert self.looker is not None
        sight = self.looker.look(row)
        verdict = sight.verdict
        if verdict is Verdict.ALREADY:
            self._mark(row)
            self.done.handlers.append(_outcome(sight, "skipped"))
            self.done.seen.add("confirmed")
        elif verdict is Verdict.UNDO or (verdict is Verdict.CONFLICT and self._mode == "force"):
            self._undo(rollback_id, sight)
        elif verdict is Verdict.CONFLICT and sight.conflict is not None:
            self.done.conflicts.append(sight.conflict)
            if self._mode != "skip":
                _leave(self.done, row, sight.why or "")
        elif verdict is Verdict.NOTHING_KNOWN:
            self.done.handlers.append(_outcome(sight, "irreversible"))
            self._mark(row)
        else:
            self.done.handlers.append(_outcome(sight, _TOLD[verdict]))
            goes_past = verdict is Verdict.IRREVERSIBLE and self._mode in ("skip", "force")
            self.done.stopped = verdict is Verdict.IRREVERSIBLE and not goes_past
            _leave(self.done, row, sight.why or "", blocks=not goes_past)

    def _undo(self, rollback_id: str, sight: Sight) -> None:
        """Intent, the handler, a look, the receipt."""
        row, ledger = sight.row, self._services.home.ledger
        intent = ledger.intend(
            rollback_id, row.step_id, "undo", f"undo:{row.seq}", target={"undoes": row.seq, "action": row.action},
            about={"args": {}, "undoes": row.seq},
        )  # fmt: skip
        faultpoint(f"{row.action}.before_undo")
        try:
            self._call(row)
            seen = self._after(sight)
        except Exception as failure:  # a handler may raise anything; the rollback reports it and goes on
            ledger.fail_effect(intent.seq)
            plain = isinstance(failure, _Said | TookTooLong)
            why = without_secrets(str(failure)) if plain else said_by(failure)
            limit = " (limits.undo_seconds)" if isinstance(failure, TookTooLong) else ""
            self._failed(row, f"{why[:300]}{limit}")
            return
        faultpoint(f"{row.action}.after_undo")
        with self._services.home.record.write():
            ledger.receive_effect(intent.seq, target=intent.target, prior=row.post, post=prior_of(row))
            self._mark(row)
        faultpoint(f"{row.action}.undone")
        self.done.seen.add(seen)
        self.done.handlers.append(HandlerOutcome(name=row.handler or row.action, status="done", step=row.step_id))
        self.done.undone.append(label(row))

    def _call(self, row: Row) -> None:
        assert self.looker is not None
        step = self.looker.step(row.action)
        assert step is not None
        handler = step.undos[(row.about or {})["version"]]
        journey, target = self.looker.journey, target_of(row)
        received = row.state == "received"
        undo = Undo(
            receipt=Receipt(target=row.target, prior=prior_of(row), post=row.post) if received else None,
            args=(row.about or {}).get("args") or {}, key=row.key, user=journey.user, tenant=journey.tenant,
            journey_id=row.journey_id, step_id=row.step_id, action=row.action, target=target, prior=prior_of(row),
            prior_known=received or "noted" in (row.about or {}),
        )  # fmt: skip
        retrying = Retrying(
            stop=stop_after_attempt(self._tries),
            retry=retry_if_not_exception_type(TookTooLong),
            wait=wait_exponential(multiplier=0.1, max=2.0) + wait_random(0, 0.1),
            reraise=True,
        )
        retrying(call, handler, undo, seconds=self._policy.limits.undo_seconds)

    def _after(self, sight: Sight) -> str:
        """What is there now: the state from before the effect, or something else, which is no success."""
        assert self.looker is not None
        row, target = sight.row, target_of(sight.row)
        step = self.looker.step(row.action)
        known = trusted(row) and (row.state == "received" or "noted" in (row.about or {}))
        if step is None or step.look is None or target is None or not known:
            return "unverifiable"
        if not same(self.looker.live(step, target), prior_of(row)):
            self.done.seen.add("drift")
            raise _Said("it ran, and what is there now is not what was there before")
        return "confirmed"

    def _failed(self, row: Row, why: str) -> None:
        outcome = HandlerOutcome(name=row.handler or row.action, status="failed", error=why, step=row.step_id)
        self.done.handlers.append(outcome)
        _leave(self.done, row, why)

    def _mark(self, row: Row) -> None:
        with self._services.home.record.write():
            self._services.home.ledger.mark_undone([row.seq])
            self._services.home.ledger.set_step(row.journey_id, row.step_id, "undone")

    def _needing(self, step_id: str) -> set[str]:
        """The steps that depend on one, at once or through others."""
        if self.looker is None:
            return set()
        needing, steps = {step_id}, self.looker.plan.steps
        while more := {step.id for step in steps if needing.intersection(step.depends_on)} - needing:
            needing |= more
        return needing - {step_id}


def _leave(done: Undone, row: Row, why: str, *, blocks: bool = True) -> None:
    done.left.append(Left(step=row.step_id, action=row.action, why=why))
    if blocks:
        done.open_steps.add(row.step_id)


_TOLD = {
    Verdict.IRREVERSIBLE: "irreversible", Verdict.NOTHING_KNOWN: "irreversible", Verdict.NO_HANDLER: "no_handler",
    Verdict.UNSEEN: "failed",
}  # fmt: skip
"""How a verdict that is no undo is called in a result."""


class _Said(Exception):
    """A failure whose message is all that there is to say."""


def _outcome(sight: Sight, status: str) -> HandlerOutcome:
    row = sight.row
    return HandlerOutcome.model_validate(
        {"name": row.handler or row.action, "status": status, "error": sight.why, "step": row.step_id}
    )


def told(result: RollbackResult, done: Undone) -> RollbackResult:
    """The result of a rollback with what became of effects outside the record, or would."""
    verified = worst({*done.seen, *([str(result.verified)] if result.verified and result.revision_after else [])})
    trouble = [*([result.error] if result.error else []), *(f"{left.step}: {left.why}" for left in done.left)]
    previewed = result.success is None
    return result.model_copy(
        update={
            "success": None if previewed else bool(result.success) and done.complete,
            "conflicts": [*result.conflicts, *done.conflicts],
            "handlers": [*done.handlers, *result.handlers],
            "effects_undone": done.undone,
            "left": done.left,
            "message": None if done.left or done.conflicts else result.message,
            "verified": result.verified if previewed else verified or result.verified,
            "error": None if previewed else "; ".join(trouble) or None,
            "already_there": result.already_there and not done.left and not done.conflicts,
        }
    )


def worst(seen: set[str]) -> str | None:
    """The one word for what was found: drift before unverifiable before confirmed; None where nothing was looked at."""
    return next((word for word in ("drift", "unverifiable", "confirmed") if word in seen), None)
