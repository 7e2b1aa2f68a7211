"""What Chroma loses or changes without a word, `store/chroma.py` prevents, refuses or notices.

Each test is named for a fact of Chroma 1.5.9; where it is cheap, the fact itself is shown first, so that a
version without it is noticed too.
"""

from __future__ import annotations

import inspect
import multiprocessing
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from milepost.store.chroma import BATCH, QUEUED, ChromaFolder, Index, Metadata
from milepost.store.chroma_files import DATABASE, blank
from milepost.store.errors import UsageError
from milepost.store.lease import Lease
from milepost.store.ports import SystemClock, Vectors
from milepost.store.record import Record

NAME = "mp-facts"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[ChromaFolder]:
    opened = ChromaFolder(tmp_path / "chroma")
    yield opened
    opened.close()


@pytest.fixture
def index(folder: ChromaFolder) -> Index:
    return folder.index(NAME, create=True)


def vectors(n: int, dimensions: int = 8, seed: int = 0) -> Vectors:
    drawn = np.random.default_rng(seed).standard_normal((n, dimensions))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)


def names(n: int, prefix: str = "id") -> list[str]:
    return [f"{prefix}{i}" for i in range(n)]


def fill(index: Index, n: int, *, seed: int = 0, prefix: str = "id") -> tuple[list[str], Vectors]:
    ids, made = names(n, prefix), vectors(n, seed=seed)
    index.add(ids, [f"text of {id_}" for id_ in ids], [{"n": i} for i in range(n)], made)
    return ids, made


def raw(index: Index) -> Any:
    """Chroma's own collection, to show what it does when nobody is careful."""
    return index._collection


def test_add_of_an_existing_id_keeps_the_first_and_is_noticed(index: Index) -> None:
    """An `add` over another row changes nothing, and the proof by own vector says that the new row is not there."""
    old, new = vectors(1, seed=1), vectors(1, seed=2)
    index.add(["a"], ["old"], [{"n": 1}], old)
    index.add(["a"], ["new"], [{"n": 2}], new)
    row = index.rows(["a"])["a"]
    assert (row.document, row.metadata) == ("old", {"n": 1})
    assert index.unsearchable(["a"], new) == ["a"]
    assert index.unsearchable(["a"], old) == []


def test_put_writes_over_an_existing_id(index: Index) -> None:
    """A `put` replaces text, metadata and vector; doing it again changes nothing more."""
    index.add(["a"], ["old"], [{"n": 1}], vectors(1, seed=1))
    for _ in range(2):
        index.put(["a"], ["new"], [{"n": 2}], vectors(1, seed=2))
        row = index.rows(["a"])["a"]
        assert (row.document, row.metadata, index.count()) == ("new", {"n": 2}, 1)
        assert index.unsearchable(["a"], vectors(1, seed=2)) == []


def test_upsert_merges_metadata_and_put_does_not(index: Index) -> None:
    """Chroma keeps the keys that an upsert does not send; `put` takes them away."""
    index.add(["a", "b"], ["x", "y"], [{"old": 1, "both": 1}, {"old": 1}], vectors(2))
    raw(index).upsert(ids=["a"], documents=["x"], metadatas=[{"both": 2}], embeddings=vectors(1))
    assert index.rows(["a"])["a"].metadata == {"old": 1, "both": 2}
    index.put(["a", "b"], ["x", "y"], [{"both": 3}, {"new": 1}], vectors(2))
    assert {id_: row.metadata for id_, row in index.rows(["a", "b"]).items()} == {"a": {"both": 3}, "b": {"new": 1}}


@pytest.mark.parametrize("value", [None, float("nan"), float("inf"), 2**63, -(2**63) - 1, {"a": 1}, b"x"], ids=repr)
def test_metadata_that_would_be_dropped_or_changed_is_refused(index: Index, value: Any) -> None:
    """None, NaN and infinity would be dropped, 2**63 become a float: nothing of such a batch is written."""
    bad: Metadata = {"good": 1, "bad": value}
    for write in (index.add, index.put):
        with pytest.raises(UsageError, match="'bad' of row 'b'"):
            write(["a", "b"], ["x", "y"], [{"n": 1}, bad], vectors(2))
    assert index.count() == 0


def test_metadata_that_is_accepted_comes_back_the_same(folder: ChromaFolder, index: Index) -> None:
    """Texts, booleans, 64-bit integers and floats come back with value and type, after reopening too."""
    metadata: Metadata = {
        "text": "ä 漢 \0", "empty": "", "yes": True, "no": False, "zero": 0, "most": 2**63 - 1, "least": -(2**63),
        "exact": 2**53 + 1, "float": 0.1, "whole": 1.0, "tiny": 5e-324, "large": str(2**200),
    }  # fmt: skip
    index.add(["a"], ["x"], [metadata], vectors(1))
    folder.close()
    found = folder.index(NAME).rows(["a"])["a"].metadata
    assert found == metadata
    assert {key: type(value) for key, value in found.items()} == {key: type(value) for key, value in metadata.items()}


def test_a_nan_query_vector_is_refused(index: Index) -> None:
    """Chroma would answer a NaN with any ids; here it is an error."""
    fill(index, 3)
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="NaN or infinity"):
            index.nearest(np.full((1, 8), bad, dtype=np.float32))


def test_nan_vectors_and_wrong_dimensions_are_not_stored(folder: ChromaFolder) -> None:
    """A vector that is no number, or of another length, is an error and leaves the collection as it was."""
    fill(folder.index(NAME, create=True), 3)
    for bad in (np.full((1, 8), np.nan, dtype=np.float32), vectors(1, dimensions=4)):
        with pytest.raises(Exception, match=r"(?i)nan|dimension|embedding"):
            folder.index(NAME).put(["bad"], ["x"], [{"n": 1}], bad)
    assert folder.index(NAME).ids() == set(names(3))


@pytest.mark.parametrize("call", ["add", "upsert", "delete"])
def test_after_a_failed_write_the_client_is_closed(
    folder: ChromaFolder, index: Index, call: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could not take its transaction back, and has the database locked: the next write would wait 1,000 s for it."""

    def fail(**_: Any) -> None:
        raise RuntimeError("disk I/O error")

    monkeypatch.setattr(raw(index), call, fail)
    work = {"add": index.add, "upsert": index.put}.get(call)
    with pytest.raises(RuntimeError):
        work(["a"], ["text"], [{"n": 1}], vectors(1)) if work else index.delete(["a"])
    assert folder.session == 0
    again = folder.index(NAME, create=True)
    fill(again, 3)
    assert again.count() == 3


def test_deleting_what_is_absent_deletes_nothing_else(index: Index) -> None:
    """Absent ids among those to delete are no error, and only the named rows go."""
    fill(index, 5)
    index.delete(["id1", "nobody", "id3"])
    index.delete(["nobody"])
    index.delete([])
    assert index.ids() == {"id0", "id2", "id4"}


def test_get_has_its_own_order_and_leaves_out_the_unknown(index: Index) -> None:
    """Rows are told apart by id, whatever order Chroma gives them in; unknown ids are not there."""
    ids, made = fill(index, 40)
    asked = [*reversed(ids), "nobody"]
    assert list(raw(index).get(ids=asked)["ids"]) != asked[:-1]
    rows, texts = index.rows(asked), index.texts(asked)
    assert set(rows) == set(texts) == set(ids)
    for i, id_ in enumerate(ids):
        assert rows[id_].document == texts[id_] == f"text of {id_}"
        assert rows[id_].vector.tobytes() == made[i].tobytes()


def test_not_equal_matches_rows_without_the_key(index: Index) -> None:
    """`$ne` finds rows that lack the key, so that a wall between tenants is always `$eq`."""
    index.add(["a", "b"], ["x", "y"], [{"tenant": "a"}, {"n": 1}], vectors(2))
    assert set(index.texts_where({"tenant": {"$ne": "c"}})) == {"a", "b"}
    assert set(index.texts_where({"tenant": {"$eq": "a"}})) == {"a"}
    assert index.nearest(vectors(1), k=2, where={"tenant": {"$eq": "a"}}) == [["a"]]


def test_vectors_are_always_passed(folder: ChromaFolder, index: Index) -> None:
    """No write can leave the vectors out: a reopened collection would then fetch a model from the network."""
    for write in (Index.add, Index.put):
        assert inspect.signature(write).parameters["vectors"].default is inspect.Parameter.empty
    fill(index, 2)
    folder.close()
    again = folder.index(NAME)
    again.put(["id0"], ["new"], [{"n": 9}], vectors(1, seed=5))
    assert again.unsearchable(["id0"], vectors(1, seed=5)) == []


def test_vectors_come_back_bit_for_bit(folder: ChromaFolder, index: Index) -> None:
    """The space is L2, which keeps the float32 bits of vectors of any length and of tiny numbers."""
    made = vectors(6)
    made[1] *= 7.5
    made[2] = np.float32(1e-38)
    made[3, 0] = np.float32(-0.0)
    index.add(names(6), ["x"] * 6, [{"n": i} for i in range(6)], made)
    folder.close()
    rows = folder.index(NAME).rows(names(6))
    assert [rows[id_].vector.tobytes() for id_ in names(6)] == [vector.tobytes() for vector in made]


def test_a_lone_surrogate_writes_nothing_of_its_batch(folder: ChromaFolder, index: Index) -> None:
    """Text that is no valid Unicode is an error, and none of the rows beside it is written."""
    with pytest.raises(UnicodeEncodeError):
        index.add(["a", "b"], ["fine", "\udcff"], [{"n": 1}, {"n": 2}], vectors(2))
    assert folder.index(NAME).count() == 0


def test_batches_beyond_chromas_limit_go_in_whole(index: Index) -> None:
    """More than 5,461 rows in one call are written, replaced, read, proven and deleted without one missing."""
    ids, made = names(5_600), vectors(5_600)
    index.add(ids, ["x"] * 5_600, [{"n": i} for i in range(5_600)], made)
    assert index.count() == 5_600
    assert len(index.rows(ids)) == len(index.texts(ids)) == len(index.texts_where({"n": {"$gte": 0}})) == 5_600
    assert index.unsearchable(ids[::10], made[::10]) == []
    index.delete(ids[:-3])
    assert index.ids() == set(ids[-3:])


@pytest.mark.nightly
def test_reading_more_than_32_000_rows_is_paged(index: Index) -> None:
    """Chroma cannot read so many rows at once; every way of reading here goes page by page."""
    n = 33_500
    ids, made = names(n), vectors(n, dimensions=2)
    index.add(ids, ["x"] * n, [{"n": 1} for _ in ids], made)
    with pytest.raises(Exception, match=r"(?i)too many SQL variables"):
        raw(index).get(include=["metadatas"])
    assert {row.id for row in index.scan()} == index.ids() == set(ids)
    assert len(index.rows(ids)) == len(index.texts(ids)) == len(index.texts_where({"n": {"$eq": 1}})) == n


def test_every_read_asks_for_a_page_at_most(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    """No read asks Chroma for more rows than a page, whatever their number; so none can pass 32,000."""
    ids, _ = fill(index, 2 * BATCH + 1)
    asked: list[int] = []
    get = raw(index).get

    def counting(**wanted: Any) -> Any:
        asked.append(wanted["limit"] if wanted.get("ids") is None else len(wanted["ids"]))
        return get(**wanted)

    monkeypatch.setattr(raw(index), "get", counting)
    assert len(list(index.scan())) == len(index.ids()) == len(index.rows(ids)) == len(ids)
    assert len(index.texts(ids)) == len(index.texts_where({"n": {"$gte": 0}})) == len(ids)
    assert max(asked) == BATCH


def test_deleted_index_files_are_noticed(folder: ChromaFolder, index: Index) -> None:
    """With its index files gone a collection counts right and finds nearly nothing: the proof by own vector tells."""
    ids, made = fill(index, 1_500)
    folder.close()
    for segment in _segments(folder):
        shutil.rmtree(segment)
    again = folder.index(NAME)
    assert again.count() == 1_500
    assert len(again.unsearchable(ids, made)) > 900
    assert len(again.texts(ids)) == 1_500, "texts lie in SQLite"


def test_a_bricked_collection_is_dropped_and_made_anew(folder: ChromaFolder, index: Index) -> None:
    """A collection whose index files are damaged raises at every search; dropping it works, and spares the others."""
    ids, made = fill(index, 1_500)
    _, kept = fill(folder.index("mp-other", create=True), 20, seed=3)
    folder.close()
    for segment in _segments(folder):
        for file in segment.iterdir():
            file.write_bytes(b"\xff" * 16)
    with pytest.raises(Exception, match=r"."):  # whatever the native code raises
        folder.index(NAME).unsearchable(ids, made)
    folder.drop(NAME)
    again = folder.index(NAME, create=True)
    fill(again, 1_500)
    missed = again.unsearchable(ids, made)  # Chroma loses one now and then: that is what the proof after an add is for
    again.put(missed, missed, [{"n": 1}] * len(missed), made[[ids.index(id_) for id_ in missed]])
    assert len(missed) < 5 and again.unsearchable(ids, made) == []
    assert folder.index("mp-other").unsearchable(names(20), kept) == []


@pytest.mark.parametrize("left", [0.5, 0.0], ids=["truncated", "overwritten"])
def test_a_damaged_database_is_set_aside(folder: ChromaFolder, index: Index, left: float) -> None:
    """A folder whose database cannot be read is kept under another name, and a new one can be filled."""
    fill(index, 50)
    folder.close()
    database = folder.path / "chroma.sqlite3"
    whole = database.read_bytes()
    database.write_bytes(whole[: int(len(whole) * left)] or b"\xff" * len(whole))
    assert folder.names() == set()
    fill(folder.index(NAME, create=True), 5)
    assert folder.index(NAME).count() == 5
    aside = folder.path.with_name("chroma.damaged-1")
    assert (aside / "chroma.sqlite3").stat().st_size == (int(len(whole) * left) or len(whole))


def test_a_folder_that_cannot_be_opened_for_another_reason_stays(folder: ChromaFolder, index: Index) -> None:
    """A sound folder is never set aside, whatever else keeps Chroma from opening it."""
    fill(index, 5)
    folder.close()
    (folder.path / "chroma.sqlite3").rename(folder.path / "kept")
    (folder.path / "chroma.sqlite3").mkdir()
    with pytest.raises(Exception, match=r"."):  # whatever the native code raises
        folder.names()
    (folder.path / "chroma.sqlite3").rmdir()
    (folder.path / "kept").rename(folder.path / "chroma.sqlite3")
    assert folder.index(NAME).count() == 5


def test_an_unreachable_vector_is_repaired_by_putting_it_again(folder: ChromaFolder, index: Index) -> None:
    """Deleting nearly everything and adding it again may leave vectors unreachable: all of them are named."""
    ids, made = fill(index, 1_500)
    index.delete(ids[3:])
    index.add(ids[3:], ["x"] * 1_497, [{"n": i} for i in range(1_497)], made[3:])
    lost = set(index.unsearchable(ids, made))
    for i, id_ in enumerate(ids):
        assert (index.nearest(made[i : i + 1])[0] == [id_]) is (id_ not in lost)
    fresh = folder.index("mp-fresh", create=True)
    fill(fresh, 1_500)
    assert fresh.unsearchable(ids, made) == [], "a new collection has them all"


def test_equal_vectors_stand_for_each_other(index: Index) -> None:
    """Rows with the same vector are not called lost because their twin is found first; a missing one is."""
    same = np.repeat(vectors(1), 5, axis=0)
    index.add(names(5), ["x"] * 5, [{"n": i} for i in range(5)], same)
    assert index.unsearchable(names(5), same) == []
    assert index.unsearchable(["nobody"], vectors(1, seed=9)) == ["nobody"]


def test_delete_collection_leaves_its_folder_and_drop_sweeps_it(folder: ChromaFolder) -> None:
    """Dropping a collection takes its index files from the disk, those of others stay; absent ones are fine."""
    for name in ("mp-one", "mp-two"):
        fill(folder.index(name, create=True), 1_200)
    assert len(_segments(folder)) == 2
    folder.drop("mp-one")
    assert len(_segments(folder)) == 1
    folder.drop("mp-one")
    assert folder.names() == {"mp-two"}
    assert folder.index("mp-two").count() == 1_200


def database(folder: ChromaFolder, sql: str) -> int:
    with closing(sqlite3.connect(folder.path / DATABASE)) as connection:
        return int(connection.execute(sql).fetchone()[0])


def test_its_queue_is_short_and_its_database_shrinks(folder: ChromaFolder, index: Index) -> None:
    """By itself Chroma lets 1,000 rows wait, and keeps what it deleted: ours is emptied, and given back to the disk."""
    ids, _ = fill(index, 900)
    assert database(folder, "SELECT count(*) FROM embeddings_queue") <= QUEUED
    full = (folder.path / DATABASE).stat().st_size
    index.delete(ids[:800])
    fill(index, QUEUED + 10, prefix="new")
    assert database(folder, "PRAGMA freelist_count") == 0
    assert (folder.path / DATABASE).stat().st_size < full
    assert index.count() == 100 + QUEUED + 10


def test_a_database_that_is_there_is_left_as_it_is(tmp_path: Path) -> None:
    """Chroma's own, made before by whomever: its pages stay what they were, and its rows can be read."""
    import chromadb

    client = chromadb.PersistentClient(str(tmp_path / "chroma"))
    client.create_collection(NAME, embedding_function=None).add(ids=["a"], embeddings=vectors(1), documents=["old"])
    client.close()
    folder = ChromaFolder(tmp_path / "chroma")
    assert folder.index(NAME).texts(["a"]) == {"a": "old"}
    assert (database(folder, "PRAGMA page_size"), database(folder, "PRAGMA auto_vacuum")) == (4_096, 0)
    folder.close()


def test_no_collection_appears_by_asking_for_it(folder: ChromaFolder, index: Index) -> None:
    """Opening a collection that is not there is an error, unless making it is asked for."""
    with pytest.raises(KeyError):
        folder.index("mp-nobody")
    assert folder.names() == {index.name}


def test_two_openings_of_one_path_agree(folder: ChromaFolder, index: Index) -> None:
    """There is one way to open a folder, so that a second opening in the process is not refused."""
    second = ChromaFolder(folder.path)
    try:
        fill(index, 3)
        assert second.index(NAME).ids() == set(names(3))
        assert folder.index(NAME).ids() == set(names(3))
    finally:
        second.close()


def test_a_reader_is_stale_until_it_opens_again(folder: ChromaFolder, index: Index) -> None:
    """What another process wrote is searched after closing and opening, which is what taking the lease does."""
    fill(index, 1_100)
    index.nearest(vectors(1))
    _in_child(_write_one, str(folder.path))
    new = vectors(1, seed=77)
    assert index.nearest(new)[0] != ["new"], "Chroma sees other processes' writes now: closing could be spared"
    folder.close()
    assert folder.index(NAME).nearest(new)[0] == ["new"]


def test_two_processes_under_the_lease_lose_nothing(tmp_path: Path, folder: ChromaFolder) -> None:
    """Two processes that write by turns, each opening inside the lease, leave every vector found by itself."""
    Record(tmp_path / "milepost.db").close()
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_by_turns, args=(str(tmp_path), name)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
        assert writer.exitcode == 0
    index = folder.index(NAME)
    assert index.count() == 2 * ROUNDS * EACH
    for name in ("a", "b"):
        for turn in range(ROUNDS):
            ids, made = names(EACH, f"{name}{turn}-"), vectors(EACH, seed=ord(name) * 100 + turn)
            assert index.unsearchable(ids, made) == []


ROUNDS, EACH = 4, 150


def _write_by_turns(home: str, name: str) -> None:
    record = Record(Path(home) / "milepost.db")
    lease = Lease(Path(home) / "lease.lock", record, SystemClock())
    folder = ChromaFolder(Path(home) / "chroma")
    for turn in range(ROUNDS):
        with lease.hold(None, wait=100):
            fill(folder.index(NAME, create=True), EACH, seed=ord(name) * 100 + turn, prefix=f"{name}{turn}-")
            folder.close()
    record.close()


def _write_one(path: str) -> None:
    folder = ChromaFolder(Path(path))
    folder.index(NAME).add(["new"], ["x"], [{"n": 1}], vectors(1, seed=77))
    folder.close()


def _in_child(target: Any, *args: str) -> None:
    child = multiprocessing.get_context("spawn").Process(target=target, args=args)
    child.start()
    child.join(60)
    assert child.exitcode == 0


def _segments(folder: ChromaFolder) -> list[Path]:
    return [path for path in folder.path.iterdir() if path.is_dir()]


@pytest.mark.parametrize("rows", [3, 1_500])
def test_unused_rows_of_index_files_are_blanked(folder: ChromaFolder, index: Index, rows: int) -> None:
    """The index writes its unused capacity as memory happens to be; blanked, it still answers, and grows."""
    own = vectors(rows)
    names = [str(n) for n in range(rows)]
    index.add(names, names, [{"n": n} for n in range(rows)], own)
    (file,) = folder.path.glob("*/data_level0.bin")
    assert file.stat().st_size > 0
    blank(folder.path)
    used = 0 if rows < BATCH else BATCH
    assert not any(file.read_bytes()[used * (file.stat().st_size // max(used, 100)) :])
    assert index.unsearchable(names, own) == []
    folder.close()
    again = folder.index(NAME)
    assert again.unsearchable(names, own) == []
    more = vectors(1_000, seed=1)
    added = [f"more {n}" for n in range(1_000)]
    again.add(added, added, [{"n": n} for n in range(1_000)], more)
    blank(folder.path)
    assert again.unsearchable([*names, *added], np.concatenate([own, more])) == []
    folder.close()
    assert folder.index(NAME).unsearchable([*names, *added], np.concatenate([own, more])) == []


def crowded(index: Index, crowd: int, others: int) -> tuple[list[str], Vectors]:
    """Rows of one and the same vector among others, in an order drawn by chance."""
    rows = np.concatenate([np.repeat(vectors(1, 64, seed=5), crowd, axis=0), vectors(others, 64)])
    rows = rows[np.random.default_rng(0).permutation(len(rows))]
    ids = names(len(rows))
    index.add(ids, ["x"] * len(ids), [{"n": 1}] * len(ids), rows)
    return ids, rows


def test_equal_vectors_keep_chroma_from_others_and_that_is_no_loss(index: Index) -> None:
    """A thousand equal vectors make hundreds of others unreachable: named as crowded out, none of them as lost."""
    ids, rows = crowded(index, 1_000, 1_000)
    plain = [id_ for id_, found in zip(ids, index.distances(rows, 1), strict=True) if not found or found[0][1]]
    assert len(plain) > 20, "Chroma finds its way out of a crowd now: the proof could be simpler"
    missed = index.missed(ids, rows)
    assert missed.lost == [] and 20 < len(missed.crowded) <= len(plain)


def test_what_is_lost_in_a_crowd_is_lost(folder: ChromaFolder, index: Index) -> None:
    """Beside a crowd that explains much: rows that are gone, have another vector, or whose index files were deleted."""
    ids, rows = crowded(index, 1_000, 1_000)
    out = index.missed(ids, rows).crowded
    gone, changed = out[:5], out[5:10]
    index.delete(gone)
    index.put(changed, changed, [{"n": 1}] * 5, vectors(5, 64, seed=9))
    lost = index.unsearchable(ids, rows)
    assert set(lost) == {*gone, *changed}
    folder.close()
    for segment in _segments(folder):
        shutil.rmtree(segment)
    again = folder.index(NAME)
    assert again.count() == 1_995
    missed = again.missed(ids, rows)
    assert len(missed.lost) > 500 and missed.crowded == []
