"""Law: the index follows the commit: whatever stops it, doing it again ends in a collection equal to the record."""

from __future__ import annotations

import random
import shutil
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import chromadb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_kit import Contents, Kit, Stop, stop_at

from milepost.store import faults
from milepost.store.chroma import Index
from milepost.store.documents import Document
from milepost.store.errors import StoreDamaged
from milepost.store.follow import SAMPLE
from milepost.store.ports import Vectors

TEXTS = [f"text {n}" for n in range(30)]
FOLLOW_POINTS = [
    "follow.after_batch",
    "follow.after_add",
    "follow.after_delete",
    "follow.before_settle",
    "follow.before_switch",
    "follow.after_switch",
]


def collections(kit: Kit) -> set[str]:
    """The kbs' collections as they are, with nothing finished before."""
    with kit.home.lease.hold(None):
        return {name for name in kit.home.chroma.names() if "librarian" not in name}


def vector_folder(kit: Kit, collection: str) -> Path:
    """Where Chroma keeps a collection's index files."""
    chroma = kit.path / "chroma"
    database = sqlite3.connect(f"file:{chroma / 'chroma.sqlite3'}?mode=ro", uri=True)
    (segment,) = database.execute(
        "SELECT s.id FROM segments s JOIN collections c ON s.collection = c.id WHERE c.name = ? AND s.scope = 'VECTOR'",
        (collection,),
    ).fetchone()
    database.close()
    return chroma / str(segment)


# It follows


def test_the_collection_is_equal_to_the_newest_revision(kit: Kit) -> None:
    """Ids, texts, metadata and the vectors' bits of the collection are the record's, after every publish."""
    kb = kit.kb()
    steps: list[dict[str, Contents]] = [{"a": TEXTS[:9], "b": ["b"]}, {"a": TEXTS[1:10]}, {"b": None, "c": ["c", "c"]}]
    for step in steps:
        kit.publish(kb, step)
        assert kit.view(kb) == kit.chunks(kb)
        assert kit.now(kb).index_revision == kit.now(kb).head
    assert kit.whole(kb)


def test_following_again_changes_nothing(kit: Kit) -> None:
    """Twice is once, also where the ledger does not know that the first time was finished."""
    kb = kit.kb()
    kit.publish(kb, {"a": TEXTS})
    kit.publish(kb, {"a": TEXTS[5:], "b": ["b"]})
    view, settled = kit.view(kb), kit.now(kb)
    with kit.home.hold():
        kit.home.follower.follow(kb.kb_id)
        with kit.home.record.write() as writing:
            writing.execute("UPDATE kbs SET index_revision = 1, index_rows = 30 WHERE kb_id = ?", (kb.kb_id,))
        kit.home.follower.follow(kb.kb_id)
    assert kit.view(kb) == view
    assert kit.now(kb) == settled
    assert kit.whole(kb)


def grow(kit: Kit) -> None:
    kit.publish(kit.kb(), {"a": TEXTS[3:], "b": ["b"]})


def most(kit: Kit) -> None:
    kit.publish(kit.kb(), {"a": ["all new"]})


def first(kit: Kit) -> None:
    kit.publish(kit.kb("new"), {"a": TEXTS})


@pytest.mark.parametrize("point", FOLLOW_POINTS)
@pytest.mark.parametrize("change", [grow, most, first])
def test_a_follow_that_stopped_anywhere_is_finished_by_the_next_holder(
    kit: Kit, point: str, change: Callable[[Kit], None]
) -> None:
    """Readers see the new revision at once; whoever takes the lease next finds the collection whole, and no other."""
    kit.publish(kit.kb(), {"a": TEXTS})
    stop_at(point)
    stopped = False
    try:
        change(kit)
    except Stop:
        stopped = True
    faults.arm(None)
    assert stopped or point not in reached(change), "the point was passed and did not stop it"
    home = kit.reopen()
    for kb in home.knowledge.all():
        embedded = len(kit.embedder.embedded)
        assert {hit.text for hit in kit.search(kb, "b", k=50)} == set(kit.texts(kb))
        assert kit.view(kb) == kit.chunks(kb)
        assert kit.whole(kb)
        assert len(kit.embedder.embedded) == embedded + 1, "only the question was embedded"
    assert collections(kit) == {kb.collection for kb in home.knowledge.all()}


def reached(change: Callable[[Kit], None]) -> set[str]:
    """The points that a change passes when nothing stops it."""
    common = {"follow.after_batch"}
    return common | (
        {"follow.before_switch", "follow.after_switch"}
        if change is not grow
        else {"follow.after_add", "follow.after_delete", "follow.before_settle"}
    )


@pytest.mark.parametrize("point", ["follow.after_batch", "follow.before_switch", "follow.after_switch"])
def test_a_rebuild_that_stopped_leaves_no_collection_behind(kit: Kit, point: str) -> None:
    """Half-made and replaced collections go at the next taking of the lease, by any command that opens the home."""
    kb = kit.kb()
    kit.publish(kb, {"a": TEXTS})
    stop_at(point)
    with pytest.raises(Stop), kit.home.hold():
        kit.home.follower.rebuild(kb.kb_id)
    faults.arm(None)
    home = kit.reopen()
    home.recover_if_idle()
    assert home.chroma.names() == {kit.now(kb).collection}
    assert len([path for path in (kit.path / "chroma").iterdir() if path.is_dir()]) <= 1
    assert kit.whole(kb)


def test_a_dropped_kb_takes_its_collection_along_even_if_the_process_dies(kit: Kit) -> None:
    """Dropping is written down before the collection goes, so that the next process finishes it."""
    kb, other = kit.kb(), kit.kb("other")
    kit.publish(kb, {"a": TEXTS})
    kit.publish(other, {"a": ["kept"]})
    kit.home.knowledge.drop(kit.now(kb))
    home = kit.reopen()
    home.recover_if_idle()
    assert collections(kit) == {kit.now(other).collection}
    kit.publish(kit.kb(), {"a": ["new"]})
    assert kit.whole(kit.kb())
    assert kit.texts(kit.kb()) == ["new"]


def test_a_new_generation_where_most_would_change(kit: Kit) -> None:
    """A change that takes most rows away is written to a new collection; the old one and its folder go."""
    kb = kit.kb()
    kit.publish(kb, {"a": TEXTS, "b": ["b"]})
    old = kit.now(kb)
    folder = vector_folder(kit, old.collection)
    kit.publish(kb, {"a": TEXTS[:20]})
    assert kit.now(kb).collection == old.collection, "a third may go in place"
    kit.publish(kb, {"a": None})
    new = kit.now(kb)
    assert (new.generation, new.collection != old.collection) == (old.generation + 1, True)
    assert collections(kit) == {new.collection}
    assert not folder.exists()
    kit.go_back(kb, 1)
    assert kit.whole(kb)


def test_a_new_generation_where_the_index_has_grown(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Index files never shrink: once twice the visible rows were written, they are written anew."""
    monkeypatch.setattr("milepost.store.follow.SMALL", 50)
    kb = kit.kb()
    kit.publish(kb, {"a": TEXTS})
    generations = set()
    for n in range(8):
        kit.publish(
            kb, {"a": [*TEXTS[: 30 - n], *(f"new {n} {i}" for i in range(n))], "b": [f"b {n} {i}" for i in range(8)]}
        )
        now = kit.now(kb)
        generations.add(now.generation)
        assert now.index_rows <= max(50, 2 * len(kit.texts(kb)))
        assert kit.whole(kb)
    assert len(generations) > 1
    assert collections(kit) == {kit.now(kb).collection}


def test_each_batch_is_proved_by_a_sample_and_all_where_asked(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample of each batch is searched by its own vector; with `prove="all"`, and in a new generation, every id."""
    monkeypatch.setattr("milepost.store.follow.BATCH", 50)
    asked: list[int] = []
    real = Index.unsearchable
    monkeypatch.setattr(Index, "unsearchable", lambda self, ids, own: asked.append(len(ids)) or real(self, ids, own))
    kb = kit.kb()
    kit.publish(kb, {"a": [f"a {n}" for n in range(120)]})
    assert asked == [SAMPLE, SAMPLE, SAMPLE]
    kit.publish(kb, {"b": [f"b {n}" for n in range(60)]}, follow=False)
    asked.clear()
    with kit.home.hold():
        pass  # finishes it
    assert asked == [SAMPLE, 10]
    kit.publish(kb, {"c": [f"c {n}" for n in range(60)]}, follow=False)
    asked.clear()
    with kit.home.lease.hold(None):
        kit.home.follower.follow(kb.kb_id, prove="all")
        assert asked == [50, 10]
        asked.clear()
        kit.home.follower.rebuild(kb.kb_id)
        assert sum(asked) == 240


def test_a_vector_that_search_misses_is_written_again(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """New ids are proved by their own vector, and one that is missed is upserted again, once."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one"]})
    put: list[str] = []
    real_unsearchable, real_put = Index.unsearchable, Index.put

    def unsearchable(self: Index, ids: list[str], own: Vectors) -> list[str]:
        return real_unsearchable(self, ids, own) if put else list(ids)

    def remember(self: Index, ids: list[str], *rest: object) -> None:
        put.extend(ids)
        real_put(self, ids, *rest)  # type: ignore[arg-type]  # passed on as they came

    monkeypatch.setattr(Index, "unsearchable", unsearchable)
    monkeypatch.setattr(Index, "put", remember)
    kit.publish(kb, {"b": ["two"]}, follow=False)
    with kit.home.lease.hold(None):
        kit.home.follower.follow(kb.kb_id)
    monkeypatch.undo()
    assert len(put) == 1
    assert kit.whole(kb)


def test_a_vector_that_stays_missed_fails_loudly(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be found even after it was written again is an error that names the rebuild; the commit stands."""
    kb = kit.kb()
    monkeypatch.setattr(Index, "unsearchable", lambda self, ids, own: list(ids))
    with pytest.raises(StoreDamaged) as refused:
        kit.publish(kb, {"a": ["one"]})
    monkeypatch.undo()
    assert "rebuild" in refused.value.next
    assert [hit.text for hit in kit.search(kb, "one")] == ["one"]
    kit.reopen()
    assert kit.whole(kb)


def test_a_follow_that_is_asked_to_stop_ends_between_two_batches(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was added stays, what is missing comes with the next holder, and the commit stood from the beginning."""
    monkeypatch.setattr("milepost.store.follow.BATCH", 10)
    kb = kit.kb()
    batches = iter([None, Stop()])

    def between() -> None:
        if stop := next(batches):
            raise stop

    kit.home.follower.between = between
    with pytest.raises(Stop):
        kit.publish(kb, {"a": TEXTS})
    assert kit.now(kb).index_revision < kit.now(kb).head
    kit.reopen()
    assert kit.whole(kb)
    assert kit.view(kb) == kit.chunks(kb)


# What is damaged is made anew


def damage_folder_gone(kit: Kit, folder: Path) -> None:
    shutil.rmtree(folder)


def damage_header(kit: Kit, folder: Path) -> None:
    (folder / "header.bin").write_bytes(b"\0" * 3)


def damage_chroma_gone(kit: Kit, folder: Path) -> None:
    shutil.rmtree(kit.path / "chroma")


def damage_collection_gone(kit: Kit, folder: Path) -> None:
    client = chromadb.PersistentClient(str((kit.path / "chroma").absolute()))
    client.delete_collection(client.list_collections()[0].name)
    client.close()


def damage_rows_gone(kit: Kit, folder: Path) -> None:
    edit(kit, lambda collection: collection.delete(ids=collection.get(limit=2)["ids"]))


def damage_rows_added(kit: Kit, folder: Path) -> None:
    edit(kit, lambda collection: collection.add(ids=["odd"], documents=["odd"], embeddings=[[1.0] + [0.0] * 15]))


def damage_rows_changed(kit: Kit, folder: Path) -> None:
    edit(kit, forge)


def forge(collection: chromadb.Collection, ids: list[str] | None = None) -> None:
    held = collection.get(ids=ids, include=["embeddings"])
    collection.update(ids=held["ids"], documents=["forged"] * len(held["ids"]), embeddings=held["embeddings"])


def edit(kit: Kit, change: Callable[[chromadb.Collection], object]) -> None:
    client = chromadb.PersistentClient(str((kit.path / "chroma").absolute()))
    change(client.get_collection(client.list_collections()[0].name, embedding_function=None))
    client.close()


@pytest.fixture(scope="module")
def persisted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose kb is large enough for Chroma to have written its index files."""
    kit = Kit(tmp_path_factory.mktemp("persisted") / "home")
    kit.publish(kit.kb(), {"a": [f"text {n}" for n in range(1_200)]})
    kit.home.close()
    return kit.path


@pytest.mark.parametrize(
    "damage",
    [
        damage_folder_gone,
        damage_header,
        damage_chroma_gone,
        damage_collection_gone,
        damage_rows_gone,
        damage_rows_added,
        damage_rows_changed,
    ],
)
def test_a_damaged_collection_is_noticed_and_made_anew(
    persisted: Path, tmp_path: Path, damage: Callable[[Kit, Path], None]
) -> None:
    """Opening a kb compares counts, and probes chunks by their own vector and content; it embeds nothing.

    Chroma itself often says nothing: with its index folder gone it counts rightly and finds next to nothing.
    """
    shutil.copytree(persisted, tmp_path / "home")
    kit = Kit(tmp_path / "home")
    kb = kit.home.knowledge.kb("default", "hr")
    damage(kit, vector_folder(kit, kb.collection))
    kit.publish(kb, {"b": ["one more"]})
    assert kit.home.findings
    assert kit.view(kb) == kit.chunks(kb)
    assert kit.whole(kb)
    assert kit.now(kb).collection != kb.collection
    assert kit.embedder.embedded == ["one more"]
    kit.home.close()


def test_a_health_probe_costs_a_sample_and_not_the_whole(
    persisted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A kb is looked at once for each opening, and not read whole."""
    shutil.copytree(persisted, tmp_path / "home")
    kit = Kit(tmp_path / "home")
    kb = kit.home.knowledge.kb("default", "hr")
    seen: list[int] = []
    real = Index.unsearchable
    monkeypatch.setattr(Index, "unsearchable", lambda self, ids, own: seen.append(len(ids)) or real(self, ids, own))
    for source in "bcd":
        kit.publish(kb, {source: [source]})
    assert seen == [SAMPLE, 1, 1, 1], "a sample of the kb once, and each row that came"
    assert kit.home.findings == []
    kit.home.close()


def test_verify_names_what_is_wrong(kit: Kit) -> None:
    """`kb verify` reads every row: missing, extra, differing ones by id; then a rebuild makes it whole."""
    kb = kit.kb()
    kit.publish(kb, {"a": TEXTS})
    missing, differing, *_ = sorted(kit.chunks(kb))
    with kit.home.hold():
        index = kit.home.chroma.index(kit.now(kb).collection)
        index.delete([missing])
        forge(index._collection, [differing])
        index.add(["odd"], ["t"], [{"source": "x"}], np.ones((1, 16), dtype=np.float32))
        report = kit.home.follower.verify(kb.kb_id)
        assert (report.ok, report.missing, report.extra, report.differing) == (False, [missing], ["odd"], [differing])
        kit.home.follower.rebuild(kb.kb_id)
        assert kit.home.follower.verify(kb.kb_id).ok


# Beside others


def test_nothing_reaches_for_the_network_and_vectors_are_always_passed(
    kit: Kit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upsert without vectors would download a model; ours always have them, and no socket is opened."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("something reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket.socket, "connect_ex", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    default = chromadb.utils.embedding_functions.DefaultEmbeddingFunction
    monkeypatch.setattr(default, "__call__", lambda self, input: refuse())
    kb = kit.kb()
    kit.publish(kb, {"a": ["one", "two"], "b": ["three"]})
    kit.publish(kb, {"a": ["one", "changed"]})
    kit.go_back(kb, 1)
    kit.home.librarian.write_documents([Document("d", {"text": "find me"})])
    assert [found["document_id"] for found in kit.home.librarian.documents(find="find me")] == ["d"]
    assert kit.whole(kb)


def test_somebody_else_may_have_the_folder_open_in_this_process(kit: Kit) -> None:
    """A program that reads the published view with its own client neither stops us nor makes us stale."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one"]})
    theirs = chromadb.PersistentClient(str((kit.path / "chroma").absolute()))
    assert theirs.get_collection(kit.now(kb).collection, embedding_function=None).count() == 1
    kit.publish(kb, {"b": ["two"]})
    theirs.close()
    kit.publish(kb, {"c": ["three"]})
    assert kit.whole(kb)


def test_tenants_never_share_a_collection(kit: Kit) -> None:
    """`$ne` matches rows without the key, so a filter is no wall: two tenants' kbs are two collections."""
    ann, ben = kit.kb("hr", "ann"), kit.kb("hr", "ben")
    kit.publish(ann, {"a": ["of ann"]})
    kit.publish(ben, {"a": ["of ben"]})
    assert kit.now(ann).collection != kit.now(ben).collection
    assert [row.document for row in kit.rows(ann).values()] == ["of ann"]
    assert not kit.chunks(ann).keys() & kit.chunks(ben).keys()


def test_people_never_name_a_collection(kit: Kit) -> None:
    """Names that Chroma would refuse are kbs like any other: collections are named by a hash."""
    seen = set()
    for name in ("kb", "../..", "x" * 200, "персонал", "a/b", "A"):
        kb = kit.kb(name)
        kit.publish(kb, {"a": [name]})
        seen.add(kit.now(kb).collection)
    assert len(seen) == 6
    assert all(name.replace("-", "").isalnum() and name.isascii() and len(name) < 64 for name in seen)


WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[3])
from store_kit import Kit
kit = Kit(Path(sys.argv[1]))
kb = kit.kb()
for n in range(4):
    with kit.home.hold(wait=60):
        kit.publish(kb, {f"{sys.argv[2]}-{n}": [f"{sys.argv[2]} {n} {i}" for i in range(30)]})
kit.home.close()
"""


def test_two_processes_that_publish_by_turns_lose_nothing(kit: Kit) -> None:
    """Both write to one folder through the lease; everything is there afterwards, and found, here too."""
    kb = kit.kb()
    kit.publish(kb, {"here": ["open before the others"]})
    here = str(Path(__file__).parent)
    running = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(kit.path), name, here], stderr=subprocess.PIPE)
        for name in ("left", "right")
    ]
    for process in running:
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors.decode()
    kit.publish(kb, {"here": ["and after them"]})
    assert len(kit.texts(kb)) == 2 * 4 * 30 + 1
    assert kit.now(kb).head == 2 + 8
    assert kit.view(kb) == kit.chunks(kb)
    assert kit.whole(kb)


# Any history


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 6))
def test_after_any_history_the_collection_is_the_record(
    tmp_path_factory: pytest.TempPathFactory, seed: int, steps: int
) -> None:
    """Publishes, rollbacks and follows that stopped, in any order: the collection ends equal to the record."""
    kit = Kit(tmp_path_factory.mktemp("history") / "home")
    dice = random.Random(seed)
    kb = kit.kb()
    for _ in range(steps):
        if dice.random() < 0.3:
            stop_at(dice.choice(FOLLOW_POINTS))
        try:
            if dice.random() < 0.25 and kit.now(kb).head:
                kit.go_back(kb, dice.randrange(kit.now(kb).head + 1))
            else:
                source = dice.choice("abc")
                kit.publish(kb, {source: dice.choices(TEXTS, k=dice.randrange(8)) or None})
        except Stop:
            pass
        faults.arm(None)
    with kit.home.hold():
        pass
    if kit.now(kb).generation:
        assert kit.view(kb) == kit.chunks(kb)
        assert kit.whole(kb)
        assert kit.home.chroma.names() == {kit.now(kb).collection}
    kit.home.close()
