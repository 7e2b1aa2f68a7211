"""Chroma is never the only place of a document: what is lost there is made anew, what is changed there is refused."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from librarian_kit import Embedding, House, busy, documents, keys, put, row_ids, rows_in, stored

from milepost.store.chroma import Index
from milepost.store.documents import row_id
from milepost.store.errors import EmbeddingFailed, StoreBusy, StoreDamaged
from milepost.store.librarian import Librarian


def test_reading_makes_nothing(house: House) -> None:
    """Where nothing was written, reading opens no Chroma folder and embeds nothing."""
    assert house.librarian.retrieve("a") is None
    assert house.librarian.documents() == house.librarian.documents(find="a") == []
    assert house.librarian.get(("a",), "k") is None
    assert house.librarian.search((), query="a") == house.librarian.list_namespaces() == []
    assert not house.home.chroma.path.exists()
    assert house.embedder.embedded == []


def test_a_document_lies_in_chroma_under_its_digest(house: House) -> None:
    """What is read by another program from the collection is the document's JSON, with what it can be filtered by."""
    stored(house.librarian, "a", {"b": 1, "a": "ä"}, type="execution_plan", journey_id="j1")
    with house.home.hold():
        (row,) = house.index().scan()
    assert row.document == '{"a":"ä","b":1}'
    assert row.id == row_id(("journeys", "default"), "a")
    wanted = {"document_id": "a", "tenant": "default", "type": "execution_plan", "journey_id": "j1"}
    assert wanted.items() <= row.metadata.items()


def test_many_documents_cost_one_call(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of documents is one transaction and one write to Chroma, however many they are."""
    sizes: list[int] = []
    put = Index.put

    def counting(self: Index, ids: Any, *rest: Any, **more: Any) -> None:
        sizes.append(len(ids))
        put(self, ids, *rest, **more)

    monkeypatch.setattr(Index, "put", counting)
    house.librarian.write_documents(documents(200))
    assert sizes == [200]
    house.librarian.write_documents([])
    assert sizes == [200]


def test_more_documents_than_a_page(house: House) -> None:
    """Thousands of documents in one call are all there, and gone again when deleted."""
    librarian = house.librarian
    librarian.batch([*(put(i, {"n": i}) for i in range(2_300))])
    assert len(librarian.search((), limit=5_000)) == len(house.held()) == 2_300
    librarian.batch([*(put(i, None) for i in range(2_299))])
    assert list(house.held()) == ["2299"]


def test_tampering_in_chroma_is_refused(house: House) -> None:
    """A document that somebody changed in Chroma is refused by every way of reading; the others are not."""
    house.librarian.write_documents(documents(3))
    house.librarian.put(("a",), "k", {"n": 1})
    house.librarian.documents(find="x")
    with house.home.hold():
        for row in list(house.index().scan()):
            if row.metadata["document_id"] in ("d1", "k"):
                house.index().put([row.id], ['{"evil":1}'], [row.metadata], row.vector[None, :])
    reads: list[Callable[[], Any]] = [
        lambda: house.librarian.retrieve("d1"),
        lambda: house.librarian.documents(),
        lambda: house.librarian.documents(find="x"),
        lambda: house.librarian.get(("a",), "k"),
        lambda: house.librarian.search(()),
        lambda: asyncio.run(house.librarian.retrieve_document("d1")),
    ]
    for read in reads:
        with pytest.raises(StoreDamaged, match="is not the one that was written"):
            read()
    assert house.librarian.retrieve("d0") == {"n": 0, "text": "sentence number 0"}
    assert sorted(house.librarian.damages()) == ["d1", "k"]
    house.librarian.rebuild()
    assert house.librarian.damages() == []
    assert house.librarian.retrieve("d1") == {"n": 1, "text": "sentence number 1"}


def test_tampering_in_the_ledger_is_refused(house: House) -> None:
    """A document whose text was changed in the ledger is refused too, also while another process has the store."""
    house.librarian.write_documents(documents(1))
    with house.home.record.write() as writing:
        writing.execute("UPDATE documents SET body = '{}'")
    with pytest.raises(StoreDamaged, match="is not the one that was written"):
        house.librarian.retrieve("d0")
    with busy(house), pytest.raises(StoreDamaged) as refused:
        house.librarian.retrieve("d0")
    assert "in the ledger" in refused.value.cause
    assert house.librarian.damages() == ["d0"]


def test_changed_metadata_in_chroma_shows_nobody_anything(house: House) -> None:
    """A row that was given another tenant in Chroma is still shown to its own tenant, and to nobody else."""
    stored(house.librarian, "a", {"secret": 1}, type="t", tenant="acme")
    stored(house.librarian, "b", {"n": 1}, type="t")
    with house.home.hold():
        for row in list(house.index().scan()):
            if row.metadata["tenant"] == "acme":
                changed = {**row.metadata, "tenant": "default", "type": "t"}
                house.index().put([row.id], [row.document], [changed], row.vector[None, :])
    assert keys(house.librarian.documents()) == keys(house.librarian.documents(find="x")) == ["b"]
    assert keys(house.librarian.documents(tenant="acme")) == ["a"]


def test_rows_that_nobody_wrote_are_not_shown(house: House) -> None:
    """A row that another program put into the collection is no document, and goes when the collection is mended."""
    house.librarian.write_documents(documents(2))
    house.librarian.documents(find="x")
    with house.home.hold():
        (row, *_) = house.index().scan()
        house.index().add(["0" * 64], ['{"evil":1}'], [{**row.metadata, "document_id": "evil"}], row.vector[None, :])
    assert keys(house.librarian.documents()) == ["d0", "d1"]
    assert sorted(keys(house.librarian.documents(find="x"))) == ["d0", "d1"]
    assert house.librarian.retrieve("evil") is None
    with house.home.hold():
        house.index().delete([row.id])
    assert keys(house.librarian.documents()) == ["d0", "d1"]
    assert sorted(house.held()) == ["d0", "d1"]


def _lose_rows(house: House) -> None:
    with house.home.hold():
        house.index().delete(sorted(row_ids(house))[:3])


def _lose_collection(house: House) -> None:
    with house.home.hold():
        house.home.chroma.drop(house.index().name)


def _lose_folder(house: House) -> None:
    house.home.close()
    shutil.rmtree(house.path / "chroma")


def _lose_index_files(house: House) -> None:
    house.home.close()
    for folder in (house.path / "chroma").iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)


def _damage_database(house: House) -> None:
    house.home.close()
    database = house.path / "chroma" / "chroma.sqlite3"
    database.write_bytes(database.read_bytes()[:50_000])


def _brick(house: House) -> None:
    house.home.close()
    for folder in (house.path / "chroma").iterdir():
        if folder.is_dir():
            for file in folder.iterdir():
                file.write_bytes(b"\xff" * 16)


@pytest.mark.parametrize("how", ["id", "filter", "meaning", "write"])
@pytest.mark.parametrize(
    "lose", [_lose_rows, _lose_collection, _lose_folder, _damage_database, _lose_index_files, _brick]
)
def test_what_chroma_lost_is_made_anew(house: House, lose: Callable[[House], None], how: str) -> None:
    """Whatever is lost of the view, the next read or write mends it from the ledger, and embeds nothing again."""
    in_files = lose in (_lose_index_files, _brick)
    n = 1_050 if in_files else 30  # from 1,000 on the index lies in files
    house.librarian.batch([put(i, {"n": i}) for i in range(n - 5)])
    house.librarian.write_documents(documents(5))
    house.librarian.search((), query="x", limit=1)
    house.librarian.documents(find="x")
    before = len(house.embedder.embedded)
    lose(house)
    librarian = house.reopen()
    if how == "id":
        assert [librarian.retrieve(f"d{i}") is not None for i in range(5)] == [True] * 5
    elif how == "filter":
        assert len(librarian.documents(type="t")) == 5
    elif how == "meaning":
        assert len(librarian.documents(find="x")) == 5
    else:
        stored(librarian, "d5", {"n": 5}, type="t")
    assert {f"d{i}" for i in range(5)} <= set(house.held())
    assert [librarian.retrieve(f"d{i}") for i in range(5)] == [document.content for document in documents(5)]
    assert len([text for text in house.embedder.embedded[before:] if text != "x"]) == 0


def test_while_another_has_the_store_the_ledger_answers(house: House) -> None:
    """A reader beside a running journey is answered at once from the ledger, by id, filter and meaning."""
    house.librarian.write_documents(documents(4))
    house.librarian.put(("a",), "k", {"n": 1})
    with busy(house):
        assert house.librarian.retrieve("d1") == {"n": 1, "text": "sentence number 1"}
        assert len(house.librarian.documents()) == 4
        assert house.librarian.documents(find="n 2\ntext sentence number 2", limit=2)[0]["document_id"] == "d2"
        item = house.librarian.get(("a",), "k")
        assert item is not None
        assert item.value == {"n": 1}
        assert house.librarian.search((), query="n 1")[0].score is not None


def test_a_writer_that_cannot_have_the_store_writes_nothing(house: House) -> None:
    """Where the lease cannot be had, nothing is written, not to the ledger either."""
    hold = house.home.hold
    librarian = Librarian(
        house.home.record, house.home.chroma, lambda *, wait=0.0: hold(wait=0), lambda: house.embedder, house.home.clock
    )
    with busy(house), pytest.raises(StoreBusy, match="busy"):
        librarian.write_documents(documents(1))
    assert house.librarian.retrieve("d0") is None


def test_writing_reading_and_recovery_embed_nothing(house: House) -> None:
    """The embedder is called when somebody searches by meaning, once for each text, whatever is written or reopened."""
    house.librarian.write_documents(documents(3))
    house.librarian.put(("a",), "k", {"n": 1})
    house.librarian.retrieve("d1")
    house.librarian.documents()
    house.reopen().rebuild()
    assert house.embedder.embedded == []
    for _ in range(3):
        house.librarian.documents(find="query")
    assert len(house.embedder.embedded) == 3 + 3
    stored(house.librarian, "again", {"n": 1, "text": "sentence number 1"}, type="other")
    house.reopen().documents(find="query")
    assert len(house.embedder.embedded) == 3 + 3 + 1, "an equal text has its vector already"


def test_an_embedder_that_is_away_stops_only_the_search_by_meaning(house: House) -> None:
    """With the embedder failing documents are written, read and filtered; searching by meaning says what is wrong."""
    house.embedder.broken = True
    house.librarian.write_documents(documents(2))
    assert len(house.librarian.documents()) == 2
    with pytest.raises(EmbeddingFailed, match="away"):
        house.librarian.documents(find="x")
    house.embedder.broken = False
    assert len(house.librarian.documents(find="x")) == 2


def test_another_embedder_is_another_collection(house: House) -> None:
    """With another embedder the collection is filled again from the ledger, the old one goes, and back again."""
    house.librarian.write_documents(documents(4))
    house.librarian.documents(find="x")
    with house.home.hold():
        first = house.index().name
    other = Embedding(24)
    librarian = house.reopen(other)
    assert librarian.retrieve("d1") == {"n": 1, "text": "sentence number 1"}
    with house.home.hold():
        assert house.index().name != first
    assert len(librarian.documents(find="x")) == 4
    embedded = len(house.embedder.embedded)
    assert len(house.reopen().documents(find="x")) == 4
    with house.home.hold():
        assert house.index().name == first
    assert len(house.embedder.embedded) == embedded + 1, "only the question"


def test_vectors_of_deleted_texts_are_forgotten(house: House) -> None:
    """A deleted item leaves no vector behind from which its text could be guessed; an equal text keeps it."""
    for key in ("k1", "k2"):
        house.librarian.put(("a",), key, {"text": "same"})
    house.librarian.put(("a",), "k3", {"text": "other"})
    house.librarian.search((), query="x")
    counted = [rows_in(house, "meanings")]
    for key in ("k3", "k1", "k2"):
        house.librarian.delete(("a",), key)
        counted.append(rows_in(house, "meanings"))
    assert counted == [2, 1, 1, 0]
    assert rows_in(house, "documents") == 0


def test_index_false_is_not_found_by_meaning_in_chroma(house: House) -> None:
    """An item that shall not be searched is marked so for whoever asks the collection, and is never embedded."""
    house.librarian.put(("a",), "hidden", {"text": "secret"}, index=False)
    house.librarian.put(("a",), "shown", {"text": "open", "more": "no"}, index=["text"])
    house.librarian.search((), query="x")
    assert house.embedder.embedded == ["open", "x"]
    with house.home.hold():
        marks = {row.metadata["document_id"]: row.metadata["by_meaning"] for row in house.index().scan()}
    assert marks == {"hidden": False, "shown": True}


def test_a_time_to_live_is_refused(house: House) -> None:
    """What shall go by itself is refused, since it would stay; nothing of its batch is written."""
    with pytest.raises(NotImplementedError):
        house.librarian.put(("a",), "k", {"n": 1}, ttl=5)
    with pytest.raises(NotImplementedError, match="ttl"):
        house.librarian.batch([put(1, {"n": 1}), put(2, {"n": 2})._replace(ttl=5)])
    assert house.librarian.search(()) == []
