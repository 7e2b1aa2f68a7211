"""Law: whatever is done in whatever order, a kb holds what a plain dict would hold, and any of its pasts comes back.

The model is a list of dicts, one for each revision: source to text; and for each source the pile of changes that its
text rests on. Undoing journeys takes theirs off a pile, which is a conflict where others' lie on top; a redo lays them
on again. Hypothesis ingests, changes, copies, removes, undoes one journey or several, redoes and goes back, as two
people of a tenant by turns, beside another tenant's kb of the same name, and compares after every step.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from works import KB, QUERY, embedded, opened

from milepost.store.errors import RollbackConflict, StalePlan

State = dict[str, int]
NAMES = st.sampled_from(["a.md", "b.md", "c.md", "d.md"])
CONTENTS = st.integers(0, 4)
THEIRS = 9
"""The content of the other tenant's kb."""


@dataclass(frozen=True)
class Step:
    """A journey of the model: what it calls itself, whose work it belongs to, and the revision that it found."""

    journey_id: str
    roots: frozenset[str]
    found: int
    rollback: bool = False


Pile = tuple[tuple[int, str], ...]
"""The changes that a source's text rests on: revision and journey, oldest first."""


class Kb(RuleBasedStateMachine):
    """A kb and its model."""

    @initialize()
    def open(self) -> None:
        self.stack = ExitStack()
        self.root = Path(tempfile.mkdtemp())
        self.stack.callback(shutil.rmtree, self.root)
        self.people = [self.stack.enter_context(opened(self.root / "home", user=name)) for name in ("ana", "ben")]
        self.mp = self.people[0]
        self.other = self.stack.enter_context(opened(self.root / "home", user={"user": "eve", "tenant": "other"}))
        self.other.ingest([("a.md", _text(THEIRS).encode())], kb=KB)
        self.theirs = self.other.kb_digest(KB)
        self.states: list[State] = [{}]
        self.piles: list[dict[str, Pile]] = [{}]
        self.digests: list[str] = [""]
        self.authors: list[frozenset[str]] = [frozenset()]
        self.steps: list[Step] = []
        self.makers: list[Step] = [Step("", frozenset(), 0)]
        self.known: dict[tuple[tuple[str, int], ...], str] = {}
        self.folders = 0
        self.taken: dict[str, State] = {}
        self.claimed: dict[str, State] = {}

    @rule(who=st.sampled_from([0, 1]))
    def take_turns(self, who: int) -> None:
        """What follows is done by the other one, in whose eyes the home was open all the while."""
        self.mp = self.people[who]

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()

    @rule(files=st.dictionaries(NAMES, CONTENTS, min_size=1, max_size=3))
    def ingest(self, files: State) -> None:
        """New files, changed ones, unchanged ones, copies of one another: a dict's update."""
        self.folders += 1
        folder = self.root / f"folder-{self.folders}"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_text(_text(content))
        journey = self.mp.ingest([folder], kb=KB)
        assert journey.status == "completed"
        laid = {f.source for f in journey.files if f.reason == "duplicate"}
        self.claimed[journey.journey_id] = {name: files[name] for name in laid}
        taken = {f.source for f in journey.files if f.outcome in ("added", "replaced")}
        self.taken[journey.journey_id] = {name: files[name] for name in taken}
        self._did(journey.journey_id, journey.revision_after, {**self.states[-1], **files})

    @precondition(lambda self: self.states[-1])
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        """A source that is taken out; another with the same text goes on showing it."""
        name = data.draw(st.sampled_from(sorted(self.states[-1])))
        journey = self.mp.kb_remove(name, kb=KB)
        left = {source: content for source, content in self.states[-1].items() if source != name}
        self._did(journey.journey_id, journey.revision_after, left)

    @precondition(lambda self: self.steps)
    @rule(data=st.data(), mode=st.sampled_from(["refuse", "refuse", "skip", "force"]))
    def undo(self, data: st.DataObject, mode: str) -> None:
        """Any journey, an old one or a rollback, too: refused in a conflict, else what others did stays."""
        self._undo([data.draw(st.sampled_from(self.steps))], mode)

    @precondition(lambda self: len([step for step in self.steps if not step.rollback]) > 1)
    @rule(data=st.data(), mode=st.sampled_from(["refuse", "refuse", "skip", "force"]))
    def undo_several(self, data: st.DataObject, mode: str) -> None:
        """A set of journeys: only outside changes are conflicts; one rollback, one revision."""
        plain = [step for step in self.steps if not step.rollback]
        self._undo(data.draw(st.lists(st.sampled_from(plain), min_size=2, max_size=3, unique=True)), mode)

    @precondition(lambda self: self.taken)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        """A journey that was undone goes on: its files come back, unless others have changed one of them since."""
        journey_id = data.draw(st.sampled_from(list(self.taken)))
        if self.mp.status(journey_id).status != "rolled_back":
            return
        own, had = {**self.taken[journey_id], **self.claimed[journey_id]}, embedded(self.root / "home")
        last = max(r for r in range(len(self.states)) if journey_id in self.authors[r])
        if any(self.states[last].get(name) != self.states[-1].get(name) for name in own):
            with pytest.raises(StalePlan):
                self.mp.resume(journey_id)
            return
        done = self.mp.resume(journey_id)
        state = {**self.states[-1], **self.taken[journey_id]}
        there = set(state.values())
        state |= {name: content for name, content in self.claimed[journey_id].items() if content in there}
        if state != self.states[-1]:  # else others brought the same back: the journey has no newer revision of its own
            self._did(journey_id, done.revision_after, state)
        assert embedded(self.root / "home") == had, "what the record holds was embedded again"

    @precondition(lambda self: len(self.states) > 1)
    @rule()
    def last(self) -> None:
        """The kb's last journey, which redoes where that was a rollback: exactly the revision before comes back."""
        step = self.makers[-1]
        whole = step.found == len(self.states) - 2
        self._undo([step], "refuse", ask=lambda: self.mp.rollback(last=True, kb=KB))
        if whole:
            assert self.digests[-1] == self.digests[-3] or len(self.states) == 3

    @rule(data=st.data())
    @precondition(lambda self: len(self.states) > 1)
    def back_to(self, data: st.DataObject) -> None:
        """The whole kb as it was in a revision, bit for bit; a second time there is nothing to do."""
        revision = data.draw(st.integers(0, len(self.states) - 1))
        self._go_back_to(revision)
        assert self.mp.rollback(to=revision, kb=KB).already_there

    @precondition(lambda self: len(self.states) > 1)
    @rule(data=st.data())
    def search_at(self, data: st.DataObject) -> None:
        """A past revision is searched as it was."""
        revision = data.draw(st.integers(0, len(self.states) - 1))
        self._shows(self.mp.search(QUERY, kb=KB, k=100, at=revision), self.states[revision])

    @invariant()
    def equals_the_model(self) -> None:
        """Search shows the model's texts under the model's sources; the collection is whole; the log is as long."""
        if not hasattr(self, "states") or len(self.states) == 1:
            return
        self._look()
        self._shows(self.mp.search(QUERY, kb=KB, k=100), self.states[-1])
        assert self.mp.kb_verify(KB).ok
        assert [info.revision for info in self.mp.kb_log(KB)] == list(range(len(self.states) - 1, 0, -1))
        assert self.other.kb_digest(KB) == self.theirs

    def _undo(self, steps: list[Step], mode: str, ask: Callable[[], Any] | None = None) -> None:
        plan = self._plan(steps)
        conflicts = sorted(name for name, (_, foreign) in plan.items() if foreign)
        ids = [step.journey_id for step in steps]
        ask = ask or (lambda: self.mp.undo(ids if len(ids) > 1 else ids[0], on_conflict=mode))
        if conflicts and mode == "refuse":
            before = (self.mp.kb_digest(KB), self.mp.kb_log(KB), len(self.mp.journeys()))
            with pytest.raises(RollbackConflict) as refused:
                ask()
            assert sorted(c["source"] for c in refused.value.facts["conflicts"]) == conflicts
            assert (self.mp.kb_digest(KB), self.mp.kb_log(KB), len(self.mp.journeys())) == before
            return
        done = ask()
        assert done.success
        assert sorted(conflict.source for conflict in done.conflicts) == conflicts
        assert done.verified == "confirmed"
        as_of = {name: to for name, (to, foreign) in plan.items() if mode == "force" or not foreign}
        if done.journey_id:
            state = dict(self.states[-1])
            for name, to in as_of.items():
                state.pop(name, None)
                state |= {name: self.states[to][name]} if name in self.states[to] else {}
            roots = frozenset[str]().union(*(step.roots for step in steps))
            self._did(done.journey_id, done.revision_after, state, roots, as_of)
        again = self.mp.undo(ids, on_conflict=mode)
        assert again.success and (again.already_there or conflicts)
        assert again.revision_after == len(self.states) - 1

    def _go_back_to(self, revision: int) -> None:
        """It takes along the journeys all of whose revisions are later, and belongs to their work."""
        whole = {step.journey_id: step.roots for r, step in enumerate(self.makers) if r > revision}
        whole = {each: roots for each, roots in whole.items() if self._first(each) > revision}
        done = self.mp.rollback(to=revision, kb=KB)
        assert done.success
        assert done.already_there or done.verified == "confirmed"
        if not done.already_there:
            assert [taken.journey_id for taken in done.journeys] == sorted(whole, key=self._first)
            roots = frozenset[str]().union(*whole.values()) or frozenset([done.journey_id])
            as_of = dict.fromkeys({*self.states[-1], *self.states[revision]}, revision)
            self._did(done.journey_id, done.revision_after, self.states[revision], roots, as_of)
        self._look()
        assert self.digests[-1] == self.digests[revision] or revision == 0

    def _plan(self, steps: list[Step]) -> dict[str, tuple[int, bool]]:
        """For each source that an undo changes: the revision as of which it comes back, and whether others object."""
        own = frozenset[str]().union(*(step.roots for step in steps))
        found: dict[str, tuple[int, bool]] = {}
        for name in {name for state in self.states for name in state}:
            undone = self._put_back(name, steps[0]) if steps[0].rollback else self._taken_off(name, steps)
            if undone is None or self.states[undone[0]].get(name) == self.states[-1].get(name):
                continue
            to, laid_on = undone
            found[name] = (to, laid_on is None or any(self._foreign(name, laid_on, own)))
        return found

    def _taken_off(self, name: str, steps: list[Step]) -> tuple[int, Pile | None] | None:
        pile = self.piles[-1].get(name, ())
        found = {step.journey_id: step.found for step in steps}
        for at, (revision, journey) in enumerate(pile):
            if journey in found and revision > found[journey]:
                return revision - 1, pile[at:]
        return None

    def _put_back(self, name: str, step: Step) -> tuple[int, Pile | None] | None:
        """What a rollback took off (or laid on) comes on (or off) again, where that still is how it left the pile."""
        done = step.found + 1
        if done >= len(self.states) or self.makers[done] != step or not self._touched(name, done):
            return None
        before, left, now = (self.piles[r].get(name, ()) for r in (done - 1, done, -1))
        off, on = set(before) - set(left), set(left) - set(before)
        resumed = ({journey for _, journey in off} - {journey for _, journey in left}) & {journey for _, journey in now}
        if off & set(now) or on - set(now) or resumed:
            return None
        return done - 1, now[len(left) :] if now[: len(left)] == left else None

    def _foreign(self, name: str, pile: Pile, own: frozenset[str]) -> list[bool]:
        """For each row of changes by others on a pile: whether they came to a change at all."""
        runs = [list(run) for mine, run in groupby(pile, key=lambda each: each[1] in own) if not mine]
        return [self.states[run[0][0] - 1].get(name) != self.states[run[-1][0]].get(name) for run in runs]

    def _touched(self, name: str, revision: int) -> bool:
        return self.states[revision].get(name) != self.states[revision - 1].get(name)

    def _first(self, journey_id: str) -> int:
        return next(r for r, step in enumerate(self.makers) if step.journey_id == journey_id)

    def _did(
        self, journey_id: str, revision: int, state: State, roots: frozenset[str] = frozenset(),
        as_of: dict[str, int] | None = None,
    ) -> None:  # fmt: skip
        """Note what a journey came to, in the model and in the kb; of a rollback, as of when each source is again."""
        known = len(self.states) - 1
        made = Step(journey_id, roots or frozenset([journey_id]), known, as_of is not None)
        step = next((step for step in self.steps if step.journey_id == journey_id), made)
        if step not in self.steps:
            self.steps.append(step)
        if revision == known:
            assert state == self.states[-1], "no revision was made, though the model changed"
            return
        assert revision == known + 1
        self.states.append(state)
        piles = dict(self.piles[-1])
        for name in {*state, *self.states[-2]}:
            if self._touched(name, revision):
                back = (as_of or {}).get(name)
                on_top = (*piles.get(name, ()), (revision, journey_id))
                piles[name] = on_top if back is None else self.piles[back].get(name, ())
        self.piles.append(piles)
        self.authors.append(step.roots)
        self.makers.append(step)
        self.digests.append(self.mp.kb_digest(KB).digest)
        assert self.mp.kb_log(KB)[0].user == ("ana", "ben")[self.people.index(self.mp)]

    def _look(self) -> None:
        """A state without copies looks the same whenever it comes back."""
        state = self.states[-1]
        if len(set(state.values())) == len(state):
            digest = self.mp.kb_digest(KB).digest
            assert self.known.setdefault(tuple(sorted(state.items())), digest) == digest

    def _shows(self, hits: list[Any], state: State) -> None:
        """Every text of the model is shown, under sources that have it, and nothing else."""
        shown: dict[str, set[str]] = {}
        for hit in hits:
            shown.setdefault(hit.source, set()).add(hit.text.strip())
        for source, texts in shown.items():
            assert source in state
            assert texts == set(_paragraphs(state[source]))
        assert {state[source] for source in shown} == set(state.values())


def _paragraphs(content: int) -> list[str]:
    return [f"Paragraph {n} of text {content}. " + "So on and on. " * 12 + "End." for n in range(1 + content % 3)]


def _text(content: int) -> str:
    return "\n\n".join(_paragraphs(content))


QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
FEW = settings(
    max_examples=6, stateful_step_count=12, deadline=None, derandomize=True, database=None, suppress_health_check=QUIET
)
MANY = settings(max_examples=100, stateful_step_count=25, deadline=None, print_blob=True, suppress_health_check=QUIET)


def test_a_kb_is_a_dict_with_a_past() -> None:
    """A few dozen steps, the same ones every time."""
    run_state_machine_as_test(Kb, settings=FEW)


@pytest.mark.nightly
def test_a_kb_is_a_dict_with_a_past_at_length() -> None:
    """Other steps every night."""
    run_state_machine_as_test(Kb, settings=MANY)
