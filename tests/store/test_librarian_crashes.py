"""A librarian's work that was killed anywhere is finished at the next open; nothing is acknowledged too early."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from librarian_kit import Embedding, House, documents, put, rows_in, unfinished

from milepost.store import faults
from milepost.store.chroma import Index
from milepost.store.errors import StoreDamaged
from milepost.store.librarian import Document

POINTS = ("librarian.after_ledger", "librarian.after_index", "librarian.before_ack")


def _write(house: House) -> None:
    house.librarian.write_documents(documents(5))


def _write_over(house: House) -> None:
    house.librarian.write_documents([Document(f"d{i}", {"new": i}, {"type": "new"}) for i in range(5)])


def _change_items(house: House) -> None:
    house.librarian.batch([put(1, None), put(2, {"new": 2}), put(9, {"n": 9})])


def _find(house: House) -> None:
    house.librarian.documents(find="x")
    house.librarian.write_documents([Document("last", {"n": 1})])


def _other_embedder(house: House) -> None:
    house.reopen(Embedding(24)).write_documents([Document("last", {"n": 1})])


def _lay_by(house: House) -> None:
    house.librarian.lay_by(documents(5))
    house.librarian.write_documents([Document("first", {"n": 1})], before=True)
    house.librarian.lay_by([Document("d1", {"n": 1, "more": True}, {"type": "other"})])
    house.librarian.bring()


WORKS: dict[str, Callable[[House], None]] = {
    work.__name__: work for work in (_write, _write_over, _change_items, _find, _other_embedder, _lay_by)
}


def _prepare(house: House) -> None:
    house.librarian.batch([put(i, {"n": i}) for i in range(3)])
    house.librarian.write_documents([Document(f"d{i}", {"old": i}, {"type": "old", "old": True}) for i in range(3)])


def _die(path: str, work: str, point: str, nth: int) -> None:
    house = House(Path(path))
    faults.arm(faults.kill_at(point, nth))
    WORKS[work](house)


@pytest.fixture(scope="module")
def children() -> multiprocessing.context.ForkServerContext:
    """Processes that have everything imported and nothing open."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["chromadb", "milepost.store.home", "milepost.tools.embedders", __name__])
    return context


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("work", sorted(WORKS))
def test_killed_anywhere_it_is_finished_at_the_next_open(house: House, children: Any, work: str, point: str) -> None:
    """A process that is killed between ledger, Chroma and acknowledgement leaves what the next open completes."""
    _prepare(house)
    house.home.close()
    child = children.Process(target=_die, args=(str(house.path), work, point, 1))
    child.start()
    child.join(60)
    assert child.exitcode == -9, "it was killed at that point"
    librarian = house.open(Embedding(24) if work == "_other_embedder" else None).librarian
    with house.home.hold():
        pass
    assert unfinished(house) == 0
    assert librarian.damages() == []
    assert len(house.held()) == rows_in(house, "documents")
    WORKS[work](house)
    assert house.held() == _undisturbed(house, work)


@pytest.mark.parametrize("point", POINTS)
def test_an_error_at_any_point_reaches_the_caller_and_is_made_good(house: House, point: str) -> None:
    """A failure that is not Chroma's reaches the caller, and the next use of the librarian mends what it left."""

    class Stop(Exception):
        pass

    def trap(reached: str) -> None:
        if reached == point:
            raise Stop

    _prepare(house)
    faults.arm(trap)
    with pytest.raises(Stop):
        _write(house)
    faults.arm(None)
    assert house.librarian.retrieve("d4") == {"n": 4, "text": "sentence number 4"}
    assert unfinished(house) == 0


@pytest.mark.parametrize(
    "second",
    [
        Document("d", {"n": 2}, {"type": "t", "new": 1}, journey_id="j"),
        Document("d", {"n": 2}, {"type": "t", "old": 1}),
    ],
    ids=["another key", "no journey"],
)
def test_what_chroma_got_before_a_failure_leaves_no_metadata(house: House, second: Document) -> None:
    """A first writing that came as far as Chroma and was not settled is written over, with every key that it had."""

    def trap(reached: str) -> None:
        if reached == "librarian.after_index":
            raise InterruptedError

    faults.arm(trap)
    with pytest.raises(InterruptedError):
        house.librarian.write_documents([Document("d", {"n": 1}, {"type": "t", "old": 1}, journey_id="j")])
    faults.arm(None)
    house.librarian.lay_by([second])
    house.librarian.bring()
    with house.home.hold():
        (row,) = house.index().scan()
    told = {"document_id", "tenant", "room", "digest", "by_meaning"} | ({"journey_id"} if second.journey_id else set())
    assert row.metadata.keys() == told | second.metadata.keys()


def test_a_document_is_not_acknowledged_before_it_can_be_read_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Chroma takes a document and does not give it back, the writer is told."""
    monkeypatch.setattr(Index, "put", lambda *_, **__: None)
    with pytest.raises(StoreDamaged, match="cannot be read back"):
        _write(house)


def _undisturbed(house: House, work: str) -> dict[str, str]:
    """What the collection holds where the same was done without a kill."""
    calm = House(house.path.with_name("calm"))
    try:
        _prepare(calm)
        WORKS[work](calm)
        WORKS[work](calm)
        return calm.held()
    finally:
        calm.home.close()
