"""What a step with its undo, and an embedder, must do to work here: laws that anybody's can be held to.

    check_step(touch, {"path": "made.txt"}, state=lambda: Path("made.txt").exists())
    check_embedder(lambda: MyEmbedder())

A broken law raises `NotConforming`, an `AssertionError` that says which, with what, and where it was killed.
"""

from __future__ import annotations

import copy
import inspect
import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..store.conformance_embedder import check_embedder
from ..store.conformance_report import NotConforming
from ..store.plan import canonical_json
from .conformance_kill import SECONDS, count_lines, die_for_real, die_here
from .limited import call
from .user_steps import Receipt, StepContext, Undo, UserStep

__all__ = ["NotConforming", "check_embedder", "check_step"]

MOST_KILLS = 200
"""Lines at which a long function is killed; of more, evenly spaced ones."""


def check_step(
    step: UserStep[..., Any], args: Mapping[str, Any], *, state: Callable[[], Any], process: bool = False
) -> int:
    """Prove a step with its undo, run with `args`, in the world that `state` describes; returns how many kills it met.

    `state` returns what the step may change, as anything that can be compared, without what differs at every run,
    such as an id that a server gives; the step's key may be in it. What is proved: the receipt is JSON and
    says what the observer sees; the undo restores, twice is once, and undoing what never was done changes nothing; a
    second run under the same key changes nothing more; killed at any line of the step's file, of the step or its
    undo, it is undone, or run again, to the same state. The world is left as it was found.

    With `process` a forked process is killed with SIGKILL, for a world that outlives the process; else an exception
    ends the function. To prove it for many arguments, call this from a Hypothesis test.
    """
    bench = _Bench(step, args, state, process)
    if step.effect == "irreversible":
        raise bench.broken("an undo is declared", why=f"there is no @{step.action}.undoes")
    _receipt_tells_the_truth(bench)
    _undo_restores(bench)
    _run_again_is_once(bench)
    return _killed_while_doing(bench) + _killed_while_undoing(bench)


@dataclass
class _Run:
    """One effect, as a journey would have it: with a key of its own, and what is known of it."""

    bench: _Bench
    key: str = field(default_factory=lambda: f"conformance:{uuid.uuid4().hex}")
    receipt: Receipt | None = None
    noted: dict[str, Any] | None = None
    again: bool = False

    def do(self, send: Callable[[Any], None] | None = None) -> Any:
        """Run the step's function; the caller waits for it where it is async."""
        step = self.bench.step
        context = StepContext(
            key=self.key, user="somebody", tenant="default", journey_id="journey_conformance", step_id=step.action,
            action=step.action, again=self.again, note=lambda target, prior: self._note(target, prior, send),
        )  # fmt: skip
        return step.run(context, **step.typed(self.bench.args))

    def done(self) -> _Run:
        """Run the step to its end, and keep its receipt."""
        self.receipt = self.bench.receipt(call(self.do, seconds=SECONDS))
        if self.noted:
            self.receipt = Receipt(self.receipt.target, self.noted["prior"], self.receipt.post)
        self.again = True
        return self

    def undo(self) -> Any:
        """Call the undo; the caller waits for it where it is async."""
        step, known = self.bench.step, self.receipt
        noted = self.noted or {}
        undo = Undo(
            receipt=known, args=dict(self.bench.args), key=self.key, user="somebody", tenant="default",
            journey_id="journey_conformance", step_id=step.action, action=step.action,
            target=known.target if known else noted.get("target"), prior=known.prior if known else noted.get("prior"),
            prior_known=known is not None or self.noted is not None,
        )  # fmt: skip
        return step.undos[step.version](undo)

    def undone(self) -> _Run:
        """Call the undo, and wait for its end."""
        call(self.undo, seconds=SECONDS)
        return self

    def _note(self, target: Mapping[str, Any], prior: Any, send: Callable[[Any], None] | None) -> Any:
        if self.noted is None:
            self.noted = {"target": dict(target), "prior": prior}
            if send is not None:
                send(self.noted)
        return self.noted["prior"]


class _Bench:
    """The step under test, its world, and how that was found."""

    def __init__(
        self, step: UserStep[..., Any], args: Mapping[str, Any], state: Callable[[], Any], process: bool
    ) -> None:
        self.step = step
        self.args = dict(args)
        self.process = process
        self.file = inspect.getfile(inspect.unwrap(step.run))
        self._state = state
        self.before = self.state()

    def state(self) -> Any:
        """The world as it is now."""
        return copy.deepcopy(self._state())

    def receipt(self, found: Any) -> Receipt:
        """The receipt as JSON has it."""
        if not isinstance(found, Receipt):
            raise self.broken("a step returns a Receipt", why=f"it returned {found!r}"[:200])
        said = {"target": dict(found.target), "prior": found.prior, "post": found.post}
        try:
            return Receipt(**json.loads(canonical_json(said)))
        except (TypeError, ValueError) as wrong:
            raise self.broken("a receipt is JSON", why=str(wrong)) from None

    def finish(self, work: Callable[[], Any], law: str, **told: Any) -> None:
        """Run a step or an undo to its end, which is part of the law."""
        try:
            work()
        except NotConforming:
            raise
        except Exception as failure:  # whatever a step of somebody's raises is the finding
            raise self.broken(law, why=f"{type(failure).__name__}: {failure}", **told) from failure

    def undone(self, run: _Run, law: str, *, where: str = "", hint: str = "") -> None:
        """Undo a run, after which the world is as it was found."""
        self.finish(run.undone, law, where=where, hint=hint)
        self.hold(law, self.before, where=where, hint=hint)

    def hold(self, law: str, expected: Any, *, where: str = "", hint: str = "") -> None:
        """Raise where the world is not as expected."""
        found = self.state()
        if found != expected:
            raise self.broken(law, where=where, expected=expected, found=found, hint=hint)

    def hold_alike(self, law: str, expected: Any, run: _Run, other: _Run, *, where: str) -> None:
        """Raise where the world is not as another run left it, but for the two keys."""
        found = self.state()
        if found != expected and repr(found).replace(run.key, other.key) != repr(expected):
            raise self.broken(law, where=where, expected=expected, found=found)

    def broken(self, law: str, **told: Any) -> NotConforming:
        """The failure of a law."""
        return NotConforming(self.step.action, law, self.args, **told)

    def moments(self, function: Callable[[], Any]) -> list[int]:
        """The lines of a function's run at which it is killed, by number."""
        lines = count_lines(function, self.file)
        pace = max(1, -(-lines // MOST_KILLS))
        return list(range(1, lines + 1, pace))

    def kill_doing(self, run: _Run, at: int) -> str | None:
        """Kill the step at a line; what it noted before is known, and no more."""
        if not self.process:
            return die_here(run.do, self.file, at)
        killed, said = die_for_real(run.do, self.file, at)
        run.noted = said[0] if said else run.noted
        return f"line number {at} of its run" if killed else None

    def kill_undoing(self, run: _Run, at: int) -> str | None:
        """Kill the undo at a line."""
        if not self.process:
            return die_here(run.undo, self.file, at)
        killed, _ = die_for_real(lambda send: run.undo(), self.file, at)
        return f"line number {at} of its run" if killed else None


def _receipt_tells_the_truth(bench: _Bench) -> None:
    run = _Run(bench)
    bench.finish(run.done, "the step runs")
    assert run.receipt is not None
    try:
        if bench.step.look is not None:
            seen = call(bench.step.look, dict(run.receipt.target), seconds=SECONDS)
            if json.loads(canonical_json(seen)) != json.loads(canonical_json(run.receipt.post)):
                raise bench.broken(
                    "the observer sees what the receipt says", expected=run.receipt.post, found=seen,
                    hint="post is what .observes returns for the receipt's target",
                )  # fmt: skip
    finally:
        bench.finish(run.undone, "the undo runs")


def _undo_restores(bench: _Bench) -> None:
    run = _Run(bench).done()
    bench.undone(run, "undo(do(x)) restores what was there", hint="the undo leaves or takes too much")
    bench.undone(run, "undoing twice is undoing once", hint="it may have been called before")
    why = "undo.receipt is None where the step died before it had one; prior_known says whether prior means anything"
    bench.undone(_Run(bench), "undoing what was never done changes nothing", hint=why)


def _run_again_is_once(bench: _Bench) -> None:
    run, law = _Run(bench).done(), "a second run under the same key changes nothing more"
    once = bench.state()
    bench.finish(run.done, law)
    bench.hold(law, once, hint="use ctx.key to tell a repeat")
    bench.undone(run, "the undo after a second run restores", hint="ctx.intend keeps the first prior state")


def _killed_while_doing(bench: _Bench) -> int:
    whole, law = _Run(bench), "killed while doing, it is done by a second run"
    moments = bench.moments(whole.do)
    after = bench.state()
    bench.undone(whole, "undo without a receipt restores, where the step was done")
    for at in moments:
        run = _Run(bench)
        where = f"in the step, {bench.kill_doing(run, at)}"
        bench.undone(run, "killed while doing, it is undone", where=where)
        run = _Run(bench, again=True)
        bench.kill_doing(run, at)
        bench.finish(run.done, law, where=where)
        bench.hold_alike(law, after, run, whole, where=where)
        bench.undone(run, "what a second run did is undone", where=where)
    return 2 * len(moments)


def _killed_while_undoing(bench: _Bench) -> int:
    run = _Run(bench).done()
    moments = bench.moments(run.undo)
    for at in moments:
        run = _Run(bench).done()
        where = f"in the undo, {bench.kill_undoing(run, at)}"
        bench.undone(run, "killed while undoing, a second undo restores", where=where)
    return len(moments)
