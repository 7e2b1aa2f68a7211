"""Law: search is exact, at every revision, at once, and whatever has become of its file."""

from __future__ import annotations

import os
import random
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_kit import DIMENSIONS, Claim, Draft, Kit

from milepost.store.errors import NotFound, PolicyError
from milepost.store.kb import Kb
from milepost.store.nearest import nearest
from milepost.store.pack import FILED, Pack
from milepost.store.packed_rows import packed_rows
from milepost.store.packing import EXTRA, pack_rows, read_rows
from milepost.store.vector_bits import restored
from milepost.store.vectors import embed_normalised


def unit(rows: int, dimensions: int, seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((rows, dimensions))
    return np.ascontiguousarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)


def pack_file(kit: Kit, kb: Kb) -> Path:
    return kit.path / "vectors" / f"{kb.pack}.i8"


@pytest.fixture
def filed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kb is large enough for a file."""
    monkeypatch.setattr("milepost.store.pack.FILED", 1)


# Exact


@settings(max_examples=24, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 6), filed=st.sampled_from([1, 9, 20, FILED]))
def test_search_is_the_brute_force_answer_at_every_revision(
    tmp_path_factory: pytest.TempPathFactory, seed: int, steps: int, filed: int
) -> None:
    """After any history, for any query and k, now and at each past revision: the very chunks, in order, with scores.

    With a file, without one, and where the kb comes to be large enough for one meanwhile.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("milepost.store.pack.FILED", filed)
        search_after_any_history(tmp_path_factory, seed, steps)


def search_after_any_history(tmp_path_factory: pytest.TempPathFactory, seed: int, steps: int) -> None:
    kit = Kit(tmp_path_factory.mktemp("search") / "home")
    dice, kb = random.Random(seed), kit.kb()
    for _ in range(steps):
        if dice.random() < 0.25 and kit.now(kb).head:
            kit.go_back(kb, dice.randrange(kit.now(kb).head + 1), follow=False)
        else:
            contents = [f"text {dice.randrange(200)}" for _ in range(dice.randrange(12))]
            kit.publish(kb, {dice.choice("abcd"): contents or None}, follow=False)
        assert all(0 <= hit.score <= 1 for hit in kit.search(kb, "whatever", k=3))
    query = embed_normalised(kit.embedder, [f"query {seed}"])[0]
    for revision in range(kit.now(kb).head + 1):
        for k in (1, 4, 100):
            found = kit.search_vector(kb, query, k=k, at=revision)
            right = kit.best(kb, query, k, revision)
            assert np.allclose([hit.score for hit in found], [max(0, score) for _, score in right], atol=1e-6)
            shown = kit.chunks(kb, revision)
            assert {hit.chunk_id for hit in found} <= shown.keys()
            assert len({hit.chunk_id for hit in found}) == len(found) == min(k, len(shown))
            assert [hit.rank for hit in found] == list(range(1, len(found) + 1))
            assert all(hit.revision == revision and shown[hit.chunk_id][0] == hit.text for hit in found)
    kit.home.close()


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(0, 400),
    k=st.integers(0, 30),
    hidden=st.floats(0, 1),
    twins=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_hidden_rows_cost_a_wider_look_and_never_an_answer(
    rows: int, k: int, hidden: float, twins: bool, seed: int
) -> None:
    """However many of the nearest are hidden or equal, the best visible ones come, in one order: product, then slot."""
    made = unit(rows, 8, seed) if not twins else np.repeat(unit(1 + rows // 50, 8, seed), 50, axis=0)[:rows]
    query = unit(1, 8, seed + 1)[0]
    dice = np.random.default_rng(seed)
    shown = set(np.flatnonzero(dice.random(rows) >= hidden).tolist())
    found = nearest(read_rows(pack_rows(made)), query, k, lambda slots: shown & set(slots), lambda slots: made[slots])
    products = np.add.reduce(made * query, axis=1)
    right = sorted(shown, key=lambda slot: (-products[slot], slot))[:k]
    assert found == [(slot, float(products[slot])) for slot in right]


@pytest.mark.parametrize("seed", range(5))
def test_rounding_decides_nothing(seed: int) -> None:
    """Among rows that differ in their last bits only, the best by exact addition come, though the fast one errs."""
    base = unit(1, 256, seed)
    noise = np.random.default_rng(seed).integers(-2, 3, (3_000, 256)).astype(np.float32) * np.float32(2e-8)
    made = np.ascontiguousarray(base + noise * (np.abs(base) > 0.05))
    products = np.add.reduce(made * base[0], axis=1)
    right = sorted(range(3_000), key=lambda slot: (-products[slot], slot))[:3]
    assert [slot for slot, _ in nearest(read_rows(pack_rows(made)), base[0], 3, set, made.__getitem__)] == right


@settings(max_examples=100, deadline=None)
@given(rows=st.integers(1, 60), dimensions=st.integers(1, 400), sharp=st.floats(0, 6), seed=st.integers(0, 2**32))
def test_packing_is_off_by_no_more_than_it_says(rows: int, dimensions: int, sharp: float, seed: int) -> None:
    """Whatever the vectors' shape, flat or with a few large numbers: the product lies within the bound."""
    dice = np.random.default_rng(seed)
    made = dice.standard_normal((rows + 1, dimensions)) * np.exp(sharp * dice.standard_normal((rows + 1, dimensions)))
    made = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    quick, off = read_rows(pack_rows(made[1:])).products(made[0])
    right = made[1:].astype(np.float64) @ made[0].astype(np.float64)
    assert (np.abs(quick - right) <= off).all()
    assert (off < 0.2).all()


def test_packing_sieves(kit: Kit) -> None:
    """Of 5,000 vectors, few have to be looked at exactly."""
    made, asked = unit(5_000, 256, 1), []
    nearest(read_rows(pack_rows(made)), made[7], 5, set, lambda slots: asked.append(len(slots)) or made[slots])
    assert sum(asked) < 100


def test_rows_that_nobody_sees_change_no_score_and_no_order(kit: Kit) -> None:
    """Staged and past chunks lie in the same file: an answer is the same, to its last bit, with and without them."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["twin", "other"], "b": ["twin"], "c": ["twin", "twin"]}, follow=False)
    before = kit.search(kb, "something", k=9)
    for n in range(1, 40, 3):
        kit.change(kb, f"staged {n}", [f"staged {n} {i}" for i in range(n)])
        assert kit.search(kb, "something", k=9) == before


def test_an_empty_kb_answers_nothing(kit: Kit) -> None:
    """No chunk, no hit: before the first publish, at revision 0, and after everything went."""
    kb = kit.kb()
    assert kit.search(kb, "x") == []
    kit.publish(kb, {"a": ["one"]})
    kit.publish(kb, {"a": None})
    assert [kit.search(kb, "one", at=at) for at in (0, 2)] == [[], []]
    assert [hit.text for hit in kit.search(kb, "one", at=1)] == ["one"]


def test_a_released_revision_is_refused_and_never_answered_in_part(kit: Kit) -> None:
    """With rollback off what was replaced is released: going by what is left of it would be a wrong answer."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one", "kept"]})
    kit.publish(kb, {"a": ["two", "kept"]}, restorable=False)
    with pytest.raises(PolicyError):
        kit.search(kb, "one", at=1)
    with pytest.raises(NotFound):
        kit.search(kb, "one", at=3)
    assert {hit.text for hit in kit.search(kb, "one", at=2)} == {"two", "kept"}


def test_a_hit_says_where_it_comes_from(kit: Kit) -> None:
    """Source, heading, location, score between 0 and 1, chunk id and revision, as they were at that revision."""
    kb = kit.kb()
    kit.publish(kb, {"a.txt": [Draft("moved", "Old", {"start": 0, "end": 5}), "x"]})
    kit.publish(kb, {"a.txt": ["x", "y", Draft("moved", "Old", {"start": 70, "end": 75})]})
    past, now = kit.search(kb, "moved", k=1, at=1)[0], kit.search(kb, "moved", k=1)[0]
    assert past.chunk_id == now.chunk_id
    assert (past.location["start"], now.location["start"]) == (0, 70)
    assert (now.source, now.text, now.location["heading"], now.revision) == ("a.txt", "moved", "Old", 2)
    assert now.score == pytest.approx(1.0)
    assert all(0 <= hit.score <= 1 for hit in kit.search(kb, "unlike anything", k=9))


def test_a_location_is_found_for_each_of_equal_chunks(kit: Kit) -> None:
    """Two equal pieces of one source are two hits, each with its own place."""
    kb = kit.kb()
    kit.publish(kb, {"a": [Draft("same", None, {"page": page}) for page in (1, 2, 3)]})
    assert [hit.location["page"] for hit in kit.search(kb, "same")] == [1, 2, 3]


def test_search_needs_no_lease_and_no_chroma(kit: Kit) -> None:
    """It reads record and packed file: right before the index followed, and where there is no Chroma folder at all."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one"]}, follow=False)
    with kit.home.hold():
        assert [hit.text for hit in kit.search(kb, "one")] == ["one"]
    kit.reopen()
    kit.publish(kb, {"a": ["two"]}, follow=False)
    assert [hit.text for hit in kit.search(kb, "one")] == ["two"]
    assert kit.home.chroma._client is None


# The packed file


@pytest.mark.usefixtures("filed")
@pytest.mark.parametrize("damage", ["deleted", "empty", "truncated", "folder gone"])
def test_search_is_right_without_its_file_which_the_next_holder_mends(kit: Kit, damage: str) -> None:
    """Deleted or cut off, it is answered from the record; opening the kb under the lease writes it anew, whole."""
    kb = kit.kb()
    kit.publish(kb, {"a": [f"text {n}" for n in range(20)], "b": ["b"]})
    kit.publish(kb, {"a": [f"text {n}" for n in range(5, 25)]})
    file, before = pack_file(kit, kb), [kit.search(kb, "text 3", k=30, at=at) for at in (1, 2)]
    whole = file.read_bytes()
    kit.home.close()
    if damage == "truncated":
        file.write_bytes(whole[: len(whole) // 2 + 3])
    elif damage == "empty":
        file.write_bytes(b"")
    else:
        file.unlink()
    if damage == "folder gone":
        file.parent.rmdir()
    kit.reopen()
    assert [kit.search(kb, "text 3", k=30, at=at) for at in (1, 2)] == before
    embedded = len(kit.embedder.embedded)
    with kit.home.hold():
        kit.home.open_index(kb.kb_id)
    assert file.read_bytes() == whole
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert len(kit.embedder.embedded) == embedded
    assert [kit.search(kb, "text 3", k=30, at=at) for at in (1, 2)] == before


@pytest.mark.usefixtures("filed")
def test_a_file_with_other_numbers_is_noticed_and_mended(kit: Kit) -> None:
    """Of the right length and wrong inside: `verify` names the chunks, opening the kb makes the file anew."""
    kb = kit.kb()
    kit.publish(kb, {"a": [f"text {n}" for n in range(8)]})
    file, right = pack_file(kit, kb), kit.search(kb, "text 3", k=8)
    whole = file.read_bytes()
    kit.home.close()
    file.write_bytes(whole[::-1])
    kit.reopen()
    with kit.home.hold():
        assert set(kit.home.follower.verify(kb.kb_id).unsearchable) == kit.chunks(kb).keys()
        kit.home.open_index(kb.kb_id)
    assert file.read_bytes() == whole
    assert kit.search(kb, "text 3", k=8) == right


@pytest.mark.usefixtures("filed")
def test_a_kb_made_again_under_its_name_has_a_file_of_its_own(kit: Kit) -> None:
    """What a dropped kb left behind, or an older record names, is never taken for another's vectors."""
    first = kit.kb()
    kit.publish(first, {"a": ["one", "two", "three"]})
    left = pack_file(kit, first).read_bytes()
    kit.home.knowledge.drop(kit.now(first))
    pack_file(kit, first).write_bytes(left)
    second = kit.kb()
    assert second.pack != first.pack
    kit.publish(second, {"a": ["four"]})
    assert [hit.text for hit in kit.search(second, "four", k=9)] == ["four"]


@pytest.mark.usefixtures("filed")
def test_a_file_whose_last_rows_were_released_is_mended_once(kit: Kit) -> None:
    """Slots that no chunk has any more still count: the file made anew is as long as the ledger says."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["kept"], "b": ["goes", "goes too"]})
    kit.publish(kb, {"b": None}, restorable=False)
    kit.home.knowledge.release(kb.kb_id)
    pack_file(kit, kb).unlink()
    with kit.home.lease.hold(None):
        kit.home.follower.check(kb.kb_id)
    pack = kit.home.knowledge.pack(kit.now(kb))
    assert pack.rows(kit.now(kb).next_slot) is not None
    assert [hit.text for hit in kit.search(kb, "kept")] == ["kept"]


@pytest.mark.usefixtures("filed")
def test_rows_are_on_disk_before_the_commit(kit: Kit) -> None:
    """A staging that is undone leaves rows that mean nothing; the slots are given out again, and written over."""
    kb = kit.kb()
    with pytest.raises(sqlite3.IntegrityError), kit.home.record.write() as writing:
        kit.change(kb, "a", ["lost", "lost too"])
        assert pack_file(kit, kb).stat().st_size == 2 * (DIMENSIONS + EXTRA)
        writing.execute("INSERT INTO holder (id, epoch) VALUES (2, 0)")
    assert kit.now(kb).next_slot == 0
    kit.publish(kb, {"a": ["kept"]}, follow=False)
    assert [hit.text for hit in kit.search(kb, "lost", k=9)] == ["kept"]
    assert kit.search(kb, "kept")[0].score == pytest.approx(1.0)


@pytest.mark.usefixtures("filed")
def test_rows_are_synced_once_for_a_transaction_and_before_it_counts(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three staged sources, one sync; while that goes on nobody sees the slots, and its failure undoes them."""
    kb, synced = kit.kb(), []

    def sync(descriptor: int) -> None:
        with sqlite3.connect(kit.path / "milepost.db") as other:
            synced.append(other.execute("SELECT next_slot FROM kbs").fetchone()[0])
        other.close()
        if len(synced) > 1:
            raise OSError("the disk said no")

    monkeypatch.setattr(os, "fdatasync", sync)
    with kit.home.record.write():
        for name in "abc":
            kit.change(kb, name, [f"text {name}"])
        assert synced == []
    assert (synced, kit.now(kb).next_slot) == ([0], 3)
    with pytest.raises(OSError, match="said no"), kit.home.record.write():
        kit.change(kb, "d", ["text d"])
    assert (synced, kit.now(kb).next_slot) == ([0, 3], 3)


def test_a_small_kb_has_no_file_until_it_is_large(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slot that makes it large has all of them written; what was searched before and after is the same."""
    monkeypatch.setattr("milepost.store.pack.FILED", 6)
    kb = kit.kb()
    kit.publish(kb, {"a": ["text 1", "text 2", "text 3"]})
    small = kit.search(kb, "text 2", k=3)
    assert not pack_file(kit, kb).exists()
    with kit.home.hold():
        kit.home.follower.rebuild(kb.kb_id)
    assert kit.home.follower.verify(kb.kb_id).ok
    assert not pack_file(kit, kb).exists()
    kit.publish(kb, {"b": ["text 4", "text 5", "text 6", "text 7"]})
    assert pack_file(kit, kb).stat().st_size == 7 * (DIMENSIONS + EXTRA)
    assert kit.search(kb, "text 2", k=3, at=1) == small
    whole = pack_file(kit, kb).read_bytes()
    kit.reopen()
    with kit.home.hold():
        kit.home.follower.rebuild(kb.kb_id)
    assert pack_file(kit, kb).read_bytes() == whole


def test_what_a_process_packed_of_a_small_kb_is_kept_and_grows(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second search reads no vector but those of its hits; one after a publish only those that came."""
    read: list[int] = []

    def counting(rows: list[bytes], dimensions: int) -> np.ndarray:
        read.append(len(rows))
        return restored(rows, dimensions)

    monkeypatch.setattr("milepost.store.packed_rows.restored", counting)
    kb = kit.kb()
    kit.publish(kb, {"a": [f"text {n}" for n in range(10)]})
    first = kit.search(kb, "text 2")
    assert kit.search(kb, "text 2") == first
    assert read == [10]
    kit.publish(kb, {"b": ["text 11", "text 12"]})
    assert [hit.text for hit in kit.search(kb, "text 12", k=1)] == ["text 12"]
    assert read == [10, 2]


def test_rows_of_a_transaction_that_is_undone_are_not_kept(kit: Kit) -> None:
    """Its slots are given out again, for other texts."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["kept"]})
    with pytest.raises(sqlite3.IntegrityError), kit.home.record.write() as writing:
        kit.change(kb, "b", [f"lost {n}" for n in range(90)])
        kit.search(kb, "lost 3")
        writing.execute("INSERT INTO holder (id, epoch) VALUES (2, 0)")
    kit.publish(kb, {"b": [f"other {n}" for n in range(90)]}, follow=False)
    assert [kit.search(kb, f"other {n}", k=1)[0].text for n in range(90)] == [f"other {n}" for n in range(90)]


def test_what_was_given_up_is_not_kept_packed(kit: Kit) -> None:
    """A file of another name is for other rows, those in memory too."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["stays"], "b": ["goes"]})
    kit.search(kb, "goes")
    kit.publish(kb, {"b": None}, restorable=False)
    kit.home.knowledge.release(kb.kb_id)
    kit.home.knowledge.renew_pack(kb.kb_id)
    kit.search(kb, "stays")
    now = kit.now(kb)
    with kit.home.record.read() as reading:
        rows = packed_rows(kit.home.record, reading, now, kit.home.knowledge.pack(now), now.next_slot)
    assert [bool(row.any()) for row in rows.codes] == [True, False]


def test_a_kb_dropped_and_made_again_is_packed_again(kit: Kit) -> None:
    first = kit.kb()
    kit.publish(first, {"a": ["one", "two", "three"]})
    assert kit.search(first, "two")[0].text == "two"
    kit.home.knowledge.drop(kit.now(first))
    second = kit.kb()
    kit.publish(second, {"a": ["four", "five", "six"]})
    assert [kit.search(second, text)[0].text for text in ("four", "five", "six")] == ["four", "five", "six"]


def test_a_claim_is_found_under_the_name_that_shows_it(kit: Kit) -> None:
    """At each revision a hit names the source that shows the content there."""
    kb = kit.kb()
    kit.publish(kb, {"first": ["same"], "second": Claim(("same",))})
    kit.publish(kb, {"first": None})
    assert [kit.search(kb, "same", at=at)[0].source for at in (1, 2)] == ["first", "second"]


def test_a_pack_maps_only_what_is_whole(tmp_path: Path) -> None:
    """Too short for what the ledger says is None, never a mapping past the end."""
    pack, rows = Pack(tmp_path / "p.i8", 4), unit(3, 4, 0)
    assert pack.rows(1) is None
    pack.write(0, [row.tobytes() for row in rows])
    assert pack.rows(3) is not None
    assert [pack.holds(slot, row.tobytes(), 3) for slot, row in enumerate(rows)] == [True] * 3
    assert not pack.holds(0, rows[1].tobytes(), 3)
    assert pack.rows(4) is None
    empty = pack.rows(0)
    assert empty is not None and empty.codes.shape == (0, 4)
    with pack.path.open("r+b") as file:
        file.truncate(3 * 12 - 1)
    assert pack.rows(3) is None
