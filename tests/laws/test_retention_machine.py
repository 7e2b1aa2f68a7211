"""Law: whatever is collected, what people see stays, every promised undo comes to what it would have come to, and no
other text is left.

The machine of test_state_machine.py, with journeys that promise nothing in between, and `gc` at any moment.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test
from test_state_machine import CONTENTS, FEW, MANY, NAMES, THEIRS, Kb, State, Step, _paragraphs
from works import KB, POLICY, embedded

from milepost.store.errors import CheckpointCollected, PolicyError

BRIEF = {**POLICY, "retention": {"days": 0}}


class Collecting(Kb):
    """A kb whose past is collected now and then, and its model."""

    @initialize()
    def begin(self) -> None:
        self.brief: set[str] = set()
        self.collected: set[str] = set()
        self.released: set[int] = set()
        self.policy: Any = None

    @rule(files=st.dictionaries(NAMES, CONTENTS, min_size=1, max_size=3), collect=st.booleans())
    def ingest_briefly(self, files: State, collect: bool) -> None:
        """As `ingest`, under a policy that promises no undo for any time at all; often it is collected at once."""
        before = {step.journey_id for step in self.steps}
        own = self.mp.ingest
        self.mp.ingest = lambda paths, kb: own(paths, kb=kb, policy=BRIEF)
        try:
            self.ingest(files=files)
        finally:
            del self.mp.ingest
        self.brief |= {step.journey_id for step in self.steps} - before
        if collect:
            self.gc()

    @precondition(lambda self: len(self.states) > 1)
    @rule()
    def gc(self) -> None:
        """What was shown is what ends; nothing that people see changes; what no promise needs is gone."""
        before = (self.mp.kb_digest(KB).digest, self.mp.kb_list())
        shown = self.mp.gc(dry_run=True)
        done = self.mp.gc(as_of=shown["as_of"])
        assert {**done, **shown} == {**shown, "disk_bytes": done["disk_bytes"], "unfinished": False}
        assert (self.mp.kb_digest(KB).digest, self.mp.kb_list()) == before
        ended = {one["journey_id"] for one in done["undos"]}
        assert ended == {s.journey_id for s in self.steps if s.journey_id in self.brief} - self.collected
        self.collected |= ended
        self.released |= {q for q in range(1, len(self.states)) if self._replaced(q) and not self._is_kept(q)}
        assert self._texts() <= self._reachable()
        assert not any(self.mp.gc()[key] for key in ("undos", "chunks", "texts", "uploads"))

    @precondition(lambda self: self.steps)
    @rule(data=st.data(), mode=st.sampled_from(["refuse", "skip", "force"]))
    def undo(self, data: st.DataObject, mode: str) -> None:
        """A promised undo is as it always was; one that ended says so, and changes nothing."""
        step = data.draw(st.sampled_from(self.steps))
        if not self._refused([step], lambda: self.mp.undo(step.journey_id, on_conflict=mode)):
            self._undo([step], mode)

    @precondition(lambda self: len([step for step in self.steps if not step.rollback]) > 1)
    @rule(data=st.data(), mode=st.sampled_from(["refuse", "skip", "force"]))
    def undo_several(self, data: st.DataObject, mode: str) -> None:
        """A set with one whose undo has ended is refused as a whole."""
        plain = [step for step in self.steps if not step.rollback]
        steps = data.draw(st.lists(st.sampled_from(plain), min_size=2, max_size=3, unique=True))
        if not self._refused(steps, lambda: self.mp.undo([step.journey_id for step in steps], on_conflict=mode)):
            self._undo(steps, mode)

    @precondition(lambda self: len(self.states) > 1)
    @rule()
    def last(self) -> None:
        """The kb's last journey, if its undo has not ended."""
        if not self._refused([self.makers[-1]], lambda: self.mp.rollback(last=True, kb=KB)):
            super().last()

    @precondition(lambda self: set(self.taken) - self.collected)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        """A journey that was undone goes on, if its undo has not ended."""
        there, self.taken = self.taken, {key: value for key, value in self.taken.items() if key not in self.collected}
        had = embedded(self.root / "home")
        try:
            super().resume(data)
        finally:
            self.taken = there
        assert embedded(self.root / "home") == had

    @precondition(lambda self: len(self.states) > 1)
    @rule(data=st.data())
    def back_to(self, data: st.DataObject) -> None:
        """A revision of which nothing was given up comes back bit for bit; another is refused."""
        revision = data.draw(st.integers(0, len(self.states) - 1))
        if self._is_whole(revision, lambda: self.mp.rollback(to=revision, kb=KB, dry_run=True)):
            self._go_back_to(revision)

    @precondition(lambda self: len(self.states) > 1)
    @rule(data=st.data())
    def search_at(self, data: st.DataObject) -> None:
        """A past revision is searched as it was, or refused."""
        revision = data.draw(st.integers(0, len(self.states) - 1))
        if self._is_whole(revision, lambda: self.mp.search("x", kb=KB, at=revision)):
            self._shows(self.mp.search("what everybody asks", kb=KB, k=100, at=revision), self.states[revision])

    def _refused(self, steps: list[Step], ask: Any) -> bool:
        if not {step.journey_id for step in steps} & self.collected:
            return False
        with pytest.raises(CheckpointCollected):
            ask()
        return True

    def _is_whole(self, revision: int, ask: Any) -> bool:
        """Whether a revision can be asked for; it must be refused where the model knows of a text that is gone.

        A text that another source went on showing is not: the copy took it over.
        """
        lost = any(
            q > revision and self._next(name, revision) == q and content not in self.states[q].values()
            for q in self.released
            for name, content in self.states[revision].items()
        )
        try:
            ask()
        except PolicyError:
            assert any(q > revision for q in self.released)  # a copy may have changed hands, which no model knows
            return False
        assert not lost
        return True

    def _next(self, name: str, revision: int) -> int | None:
        later = range(revision + 1, len(self.states))
        return next((q for q in later if self._touched(name, q)), None)

    def _replaced(self, q: int) -> bool:
        return any(self._touched(name, q) for name in self.states[q - 1])

    def _is_kept(self, q: int) -> bool:
        standing = (step for step in self.steps if step.journey_id not in self.collected)
        return any(step.roots & self.authors[q] and q > step.found for step in standing)

    def _reachable(self) -> set[str]:
        contents = {THEIRS, *self.states[-1].values()}
        for q in set(range(1, len(self.states))) - self.released:
            for name in {*self.states[q - 1], *self.states[q]}:
                if self._touched(name, q):
                    contents |= {state[name] for state in (self.states[q - 1], self.states[q]) if name in state}
        return {text for content in contents for text in _paragraphs(content)}

    def _texts(self) -> set[str]:
        with self.mp.workspace.services.home.record.read() as reading:
            return {row[0].strip() for row in reading.execute("SELECT expanded(body) FROM texts")}


def test_collecting_keeps_every_promise() -> None:
    """A few dozen steps, the same ones every time."""
    run_state_machine_as_test(Collecting, settings=settings(FEW, max_examples=8))


@pytest.mark.nightly
def test_collecting_keeps_every_promise_at_length() -> None:
    """Other steps every night."""
    run_state_machine_as_test(Collecting, settings=MANY)
