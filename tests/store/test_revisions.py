"""Law: a kb is a history of revisions: each is a set of chunks for ever, and one publish leads from one to the next."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from store_kit import Kit, Stop, stop_at

from milepost.store import faults
from milepost.store.chunks import state_digest, text_sha
from milepost.store.errors import NotFound, PolicyError
from milepost.store.history import History
from milepost.store.kb import Kb
from milepost.store.revisions import delta, pack_slots, revision_digest, state_at, unpack_slots, visible, visible_slots


def spans(kit: Kit, kb: Kb) -> list[tuple[int, int, int | None]]:
    with kit.home.record.read() as reading:
        rows = reading.execute(
            "SELECT slot, appeared, gone FROM spans WHERE kb_id = ? ORDER BY slot, appeared", (kb.kb_id,)
        )
        return [tuple(row) for row in rows]


def digest(kit: Kit, kb: Kb, revision: int) -> str:
    with kit.home.record.read() as reading:
        return revision_digest(reading, kb.kb_id, revision)


# Revisions


def test_a_revision_is_rows_from_where_they_appeared_to_where_they_went(kit: Kit) -> None:
    """A revision costs what it changed: unchanged chunks get no row, and one that comes back gets a second span."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one", "two"]})
    kit.publish(kb, {"a": ["two", "three"]})
    kit.publish(kb, {"a": ["one", "two"]})
    assert spans(kit, kb) == [(0, 1, 2), (0, 3, None), (1, 1, None), (2, 2, 3)]


def test_a_publish_that_changes_nothing_makes_no_revision(kit: Kit) -> None:
    """The same content again, or removing what is not there, is free and leaves no trace."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one"]})
    before = (kit.now(kb), spans(kit, kb))
    assert kit.publish(kb, {"a": ["one"], "b": None}).after == 1
    assert (kit.now(kb), spans(kit, kb)) == before


@pytest.mark.parametrize("point", ["publish.mid_transaction", "publish.before_commit"])
def test_a_publish_that_fails_leaves_nothing(kit: Kit, point: str) -> None:
    """It is one transaction: up to its very end it can stop, and nobody ever sees anything of it."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one"], "b": ["b"]})
    before = (kit.now(kb), spans(kit, kb), kit.texts(kb), digest(kit, kb, 1))
    staged = [kit.change(kb, "a", ["two"]), kit.change(kb, "b", None)]
    head = kit.now(kb)
    stop_at(point)
    with pytest.raises(Stop):
        kit.commit(kb, staged)
    faults.arm(None)
    assert kit.now(kb) == head
    assert (spans(kit, kb), kit.texts(kb), digest(kit, kb, 1)) == before[1:]
    assert kit.commit(kb, staged).after == 2


def test_no_number_is_used_twice(kit: Kit) -> None:
    """Abandoned work takes no number with it, and no two revisions have one: each is in the log once, in order."""
    kb = kit.kb()
    for n in range(6):
        if n % 2:
            stop_at("publish.before_commit")
            with pytest.raises(Stop):
                kit.publish(kb, {"a": [f"abandoned {n}"]})
            faults.arm(None)
        kit.publish(kb, {"a": [f"text {n}"]})
    log = History(kit.home.record).log(kit.now(kb))
    assert [entry.revision for entry in log] == [6, 5, 4, 3, 2, 1]
    assert len({entry.journey_id for entry in log}) == 6
    assert [kit.texts(kb, revision) for revision in range(1, 7)] == [[f"text {n}"] for n in range(6)]


def test_history_is_never_rewritten(kit: Kit) -> None:
    """Whatever comes later, a past revision shows what it showed, digest included."""
    kb = kit.kb()
    then = []
    for n in range(5):
        kit.publish(kb, {"a": [f"a {n}", "kept"], "b": [f"b {n}"] if n % 2 else None}, follow=False)
        then.append((kit.chunks(kb), digest(kit, kb, n + 1)))
    kit.go_back(kb, 2)
    kit.publish(kb, {"a": None, "b": None})
    assert [(kit.chunks(kb, n), digest(kit, kb, n)) for n in range(1, 6)] == then


def test_a_rollback_is_a_new_revision_equal_to_the_old_one(kit: Kit) -> None:
    """Equal ids, texts, metadata and float32 bits, in the record and in the collection; it embeds nothing."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one", "two"], "b": ["three"]})
    record, view, found = kit.chunks(kb), kit.view(kb), kit.search(kb, "two")
    kit.publish(kb, {"a": ["two", "four"], "b": None, "c": ["five"]})
    embedded = list(kit.embedder.embedded)
    published = kit.go_back(kb, 1)
    assert (published.before, published.after) == (2, 3)
    assert kit.embedder.embedded == embedded
    assert kit.chunks(kb) == record
    assert kit.view(kb) == view
    assert digest(kit, kb, 3) == digest(kit, kb, 1)
    assert [(hit.chunk_id, hit.score, hit.location) for hit in kit.search(kb, "two")] == [
        (hit.chunk_id, hit.score, hit.location) for hit in found
    ]


def test_going_back_twice_is_once_and_undoing_an_undo_is_free(kit: Kit) -> None:
    """The second makes no revision; redo is going forward to what there was, for the rows that differ."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one"]})
    kit.publish(kb, {"a": ["one", "two"]})
    after = kit.chunks(kb)
    kit.go_back(kb, 1)
    assert kit.go_back(kb, 1).after == 3
    redone = kit.go_back(kb, 2)
    assert (redone.after, redone.added, redone.removed) == (4, 1, 0)
    assert kit.chunks(kb) == after


def test_the_counts_of_a_publish_are_the_differences_of_its_revisions(kit: Kit) -> None:
    """What was said to be added and removed is the diff of two neighbours, forwards and backwards."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one", "two"], "b": ["three"]})
    published = kit.publish(kb, {"a": ["two", "four", "five"], "b": None})
    assert (published.added, published.removed) == (2, 2)
    history = History(kit.home.record)
    forth, back = history.diff(kit.now(kb), 1, 2), history.diff(kit.now(kb), 2, 1)
    assert (forth.sources_added, forth.sources_removed, forth.sources_changed) == ([], ["b"], ["a"])
    assert (forth.chunks_added, forth.chunks_removed) == (2, 2)
    assert (back.sources_added, back.chunks_added, back.chunks_removed) == (["b"], 2, 2)
    assert history.diff(kit.now(kb), 2, 2).model_dump() == history.diff(kit.now(kb), 0, 0).model_dump()


def test_a_revision_that_never_was_or_was_released_is_refused(kit: Kit) -> None:
    """Beyond the newest: not found. Before the floor: policy released it, and the message says so."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one"]})
    kit.publish(kb, {"a": ["two"]}, restorable=False)
    history = History(kit.home.record)
    for never in (-1, 3):
        with pytest.raises(NotFound):
            history.require(kit.now(kb), never)
    with pytest.raises(PolicyError, match="not restorable"):
        history.require(kit.now(kb), 1)
    assert [entry.restorable for entry in history.log(kit.now(kb))] == [False, False]
    kit.publish(kb, {"a": ["three"]})
    assert [entry.restorable for entry in history.log(kit.now(kb))] == [True, False, False]


def test_who_touched_what_is_told_in_order(kit: Kit) -> None:
    """Each change of a source with its revision and journey, removals and returns included."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one"], "b": ["b"]})
    kit.publish(kb, {"b": None})
    kit.publish(kb, {"a": ["two"], "b": ["b"]})
    touches = History(kit.home.record).touches(kb.kb_id, after=0)
    told = [f"{t.source} {t.revision} {t.journey_id}" for t in touches]
    assert told == ["a 1 journey_1", "b 1 journey_1", "b 2 journey_2", "a 3 journey_3", "b 3 journey_3"]
    assert [t.revision for t in History(kit.home.record).touches(kb.kb_id, after=2)] == [3, 3]


# Readers


def test_a_reader_sees_the_old_or_the_new_and_nothing_between(kit: Kit) -> None:
    """A thread that reads all the time while others are published sees whole revisions only, and never an older one."""
    kb = kit.kb()
    rounds = 25
    kit.publish(kb, {source: [f"0 {source} {n}" for n in range(3)] for source in "abcd"}, follow=False)
    seen: list[set[str]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.append({text.partition(" ")[0] for text in kit.texts(kb)})
            assert len(kit.search(kb, "anything", k=12)) == 12
            found = {hit.text.partition(" ")[0] for hit in kit.search(kb, "anything", k=12)}
            seen.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(1, rounds):
        kit.publish(kb, {s: [f"{turn} {s} {n}" for n in range(3)] for s in "abcd"}, follow=False)
    done.set()
    reader.join(30)
    assert not reader.is_alive()
    assert all(len(mixture) == 1 for mixture in seen), "a mixture of two revisions"
    turns = [int(next(iter(one))) for one in seen]
    assert turns == sorted(turns)
    assert len(set(turns)) > 2, "it read while others published"


READER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from store_kit import Kit
kit = Kit(Path(sys.argv[1]))
kb = kit.kb()
print("open", [hit.text for hit in kit.search(kb, "text", k=5)], flush=True)
for _ in sys.stdin:
    print("read", [hit.text for hit in kit.search(kb, "text", k=5)], flush=True)
"""


def test_readers_in_other_processes_are_right_at_once(kit: Kit) -> None:
    """A process that was open before sees each commit at its next search, before the index has followed."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["before"]})
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(kit.path), str(Path(__file__).parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert reader.stdin and reader.stdout
    assert reader.stdout.readline() == "open ['before']\n"
    for text in ("second", "third"):
        kit.publish(kb, {"a": [text]}, follow=False)
        reader.stdin.write("again\n")
        reader.stdin.flush()
        assert reader.stdout.readline() == f"read ['{text}']\n"
    reader.communicate(timeout=30)
    assert reader.returncode == 0


# The algebra


@given(slots=st.lists(st.integers(0, 2**32 - 1)))
def test_slots_pack_and_unpack(slots: list[int]) -> None:
    """Four bytes each, order kept."""
    assert unpack_slots(pack_slots(slots)) == slots
    assert len(pack_slots(slots)) == 4 * len(slots)


rows = st.lists(st.integers().map(lambda n: text_sha(str(n))), unique=True, max_size=8)


@given(rows=rows, order=st.randoms())
def test_a_state_that_comes_back_has_the_digest_that_it_had(rows: list[bytes], order: object) -> None:
    """The digest follows from what is there, not from the way there; adding and taking away is nothing."""
    nothing = bytes(32)
    full = state_digest(nothing, added=rows, removed=[])
    shuffled = list(rows)
    order.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis' Random
    one_by_one = nothing
    for row in shuffled:
        one_by_one = state_digest(one_by_one, added=[row], removed=[])
    assert one_by_one == full
    assert state_digest(full, added=[], removed=rows) == nothing
    if rows:
        assert full != nothing


class Histories(RuleBasedStateMachine):
    """Any publishes and rollbacks of a kb, against a list of dicts: one for each revision."""

    home: Path

    @initialize()
    def begin(self) -> None:
        self.kit = Kit(Histories.home / f"home-{len(list(Histories.home.iterdir()))}")
        self.kb = self.kit.kb()
        self.model: list[dict[str, tuple[str, ...]]] = [{}]

    @rule(
        changes=st.dictionaries(
            st.sampled_from("abc"), st.lists(st.sampled_from(["p", "q", "r", "s"]), max_size=4), min_size=1
        )
    )
    def publish(self, changes: dict[str, list[str]]) -> None:
        self.kit.publish(self.kb, {s: texts or None for s, texts in changes.items()}, follow=False)
        new = {**self.model[-1], **{s: tuple(texts) for s, texts in changes.items()}}
        self._expect({s: texts for s, texts in new.items() if texts})

    @rule(which=st.integers(0, 100))
    def go_back(self, which: int) -> None:
        revision = which % len(self.model)
        self.kit.go_back(self.kb, revision, follow=False)
        self._expect(self.model[revision])

    def _expect(self, new: dict[str, tuple[str, ...]]) -> None:
        if new != self.model[-1]:
            self.model.append(new)

    @invariant()
    def every_revision_is_what_it_was(self) -> None:
        kb = self.kit.now(self.kb)
        assert kb.head == len(self.model) - 1
        with self.kit.home.record.read() as reading:
            shown = [set(visible_slots(reading, kb.kb_id, revision)) for revision in range(kb.head + 1)]
            for revision, model in enumerate(self.model):
                assert len(state_at(reading, kb.kb_id, revision)) == len(model)
                assert self.kit.texts(kb, revision) == sorted(text for texts in model.values() for text in texts)
                everything = list(range(kb.next_slot))
                assert visible(reading, kb.kb_id, revision, everything) == shown[revision]
                for other in range(kb.head + 1):
                    change = delta(reading, kb.kb_id, revision, other)
                    assert set(change.added) == shown[other] - shown[revision]
                    assert set(change.removed) == shown[revision] - shown[other]
            digests = [revision_digest(reading, kb.kb_id, revision) for revision in range(kb.head + 1)]
        for a in range(kb.head + 1):
            for b in range(kb.head + 1):
                assert (digests[a] == digests[b]) is (shown[a] == shown[b])

    def teardown(self) -> None:
        if hasattr(self, "kit"):
            self.kit.home.close()


def test_any_history_is_kept_as_a_list_of_dicts_would_keep_it(tmp_path: Path) -> None:
    """Texts, visibility, differences of any two and digests of all revisions are the model's, after every step."""
    Histories.home = tmp_path
    run_state_machine_as_test(Histories, settings=settings(max_examples=25, stateful_step_count=8, deadline=None))
