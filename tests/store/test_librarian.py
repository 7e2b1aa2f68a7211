"""What the librarian was given can be read back as it was, or is refused; Chroma is never the only place of it."""

from __future__ import annotations

import asyncio
import json
import math
import multiprocessing
import shutil
import threading
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from milepost.store import faults
from milepost.store.chroma import Index
from milepost.store.documents import row_id
from milepost.store.errors import EmbeddingFailed, StoreBusy, StoreDamaged, UsageError
from milepost.store.home import Home
from milepost.store.librarian import Document, Librarian
from milepost.store.ports import Embedder, Vectors
from milepost.tools.embedders import FakeEmbedder


class Embedding(FakeEmbedder):
    """A fake that remembers what it embedded, and fails where `broken`."""

    def __init__(self, dimensions: int = 16) -> None:
        super().__init__(dimensions)
        self.embedded: list[str] = []
        self.broken = False

    def embed(self, texts: list[str]) -> Vectors:
        if self.broken:
            raise EmbeddingFailed("the embedder is away")
        self.embedded += texts
        return super().embed(texts)


class House:
    """A home in a folder, which can be opened again, with another embedder too."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.embedder = Embedding()
        self.home = self.open()

    def open(self, embedder: Embedder | None = None) -> Home:
        self.home = Home(self.path, embedder=lambda: embedder or self.embedder)
        return self.home

    def reopen(self, embedder: Embedder | None = None) -> Librarian:
        self.home.close()
        return self.open(embedder).librarian

    @property
    def librarian(self) -> Librarian:
        return self.home.librarian

    def index(self) -> Index:
        """The librarian's collection; to be used under the lease."""
        (name,) = (name for name in self.home.chroma.names() if name.startswith("mp-librarian-"))
        return self.home.chroma.index(name)

    def held(self) -> dict[str, str]:
        """What the collection holds: key to JSON."""
        with self.home.hold():
            return {row.metadata["document_id"]: row.document for row in self.index().scan()}  # type: ignore[misc]  # a text


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path / "home")
    yield made
    faults.arm(None)
    made.home.close()


def documents(n: int, **metadata: Any) -> list[Document]:
    return [Document(f"d{i}", {"n": i, "text": f"sentence number {i}"}, {"type": "t", **metadata}) for i in range(n)]


def keys(found: list[dict[str, Any]]) -> list[str]:
    return [document["document_id"] for document in found]


def stored(librarian: Librarian, id_: str, content: Any, **metadata: Any) -> None:
    asyncio.run(librarian.store_document(id_, content, metadata))


# What goes in comes out


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Document], Any]]:
    """Writes a document's content under a new name and reads it back, from a held home."""
    numbers = count()
    home = Home(tmp_path_factory.mktemp("librarian") / "home", embedder=Embedding)

    def round_trip(content: Any) -> Any:
        name = f"d{next(numbers)}"
        home.librarian.write_documents([Document(name, content)])
        return home.librarian.retrieve(name)

    with home.hold():
        yield round_trip
    home.close()


texts = st.text(st.characters(), max_size=8)
numbers = st.integers() | st.floats() | st.sampled_from([2**63, -(2**63) - 1, 10**300, 5e-324])
contents = st.dictionaries(
    texts | st.sampled_from(["lc", "type", "$eq", "__class__"]),
    st.recursive(
        st.none() | st.booleans() | numbers | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=contents)
@example(content={"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {"command": "true"}})
@example(content={"name of a file": "caf\udce9.txt"})
@example(content={"two halves": "\ud83d\ude00"})
@example(content={"\udcff": 1})
def test_json_comes_back_equal_or_is_refused(shared: Callable[[Any], Any], content: dict[str, Any]) -> None:
    """Any JSON object is read back equal, value by value and type by type; what JSON cannot say is refused."""
    try:
        found = shared(content)
    except UsageError as refused:
        assert "would not come back as it is" in refused.message
        assert _odd(content)
    else:
        assert found == content
        assert json.dumps(found, sort_keys=True) == json.dumps(content, sort_keys=True)


def _odd(value: Any) -> bool:
    """Whether a value holds a number that is none, or two halves of a character that JSON would join."""
    if isinstance(value, dict):
        return any(_odd(inner) for pair in value.items() for inner in pair)
    if isinstance(value, list):
        return any(map(_odd, value))
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, str) and value != json.loads(json.dumps(value))


@pytest.mark.parametrize(
    "content",
    [{"x": math.nan}, {"x": math.inf}, {1: "x"}, {"x": {None: 1}}, {"x": {1, 2}}, {"x": b"y"}, {"x": 10**5000},
     [1], "x", {"x": object()}],
    ids=["nan", "inf", "int-key", "none-key", "set", "bytes", "huge", "list", "text", "object"],
)  # fmt: skip
def test_what_is_no_json_is_refused_whole(house: House, content: Any) -> None:
    """One document that JSON cannot say is an error for the caller, and none of those beside it is written."""
    with pytest.raises(UsageError, match="would not come back"):
        house.librarian.write_documents([Document("good", {"n": 1}), Document("bad", content)])
    assert house.librarian.retrieve("good") is None
    assert not house.home.chroma.path.exists()


def test_depth_beyond_pythons_own_limit_is_refused(house: House) -> None:
    """A document that is nested without end is an error that says so, and no crash."""
    deep: dict[str, Any] = {}
    for _ in range(100_000):
        deep = {"x": deep}
    with pytest.raises(UsageError, match="would not come back"):
        house.librarian.write_documents([Document("deep", deep)])
    while deep:  # taken apart by hand: the interpreter's own way of doing it is as deep
        deep = deep.pop("x")


def test_tuples_come_back_as_lists(house: House) -> None:
    """A tuple is a list in JSON, and nothing is lost by that."""
    house.librarian.write_documents([Document("a", {"pair": (1, (2, 3))})])
    assert house.librarian.retrieve("a") == {"pair": [1, [2, 3]]}


def test_a_large_document_comes_back(house: House) -> None:
    """Megabytes of text come back equal, and are found by their beginning."""
    content = {"text": "wörter " * 300_000, "numbers": list(range(20_000))}
    stored(house.librarian, "large", content)
    assert house.librarian.retrieve("large") == content
    assert keys(house.librarian.documents(find="x")) == ["large"]
    assert len(house.embedder.embedded[0]) <= 4_000


@pytest.mark.parametrize("name", ["", "ä 漢 \N{GRINNING FACE}", "a" * 5_000, "../../etc", "\0", '"', "a\nb"], ids=ascii)
def test_any_text_may_be_an_id(house: House, name: str) -> None:
    """Ids are people's text: any is kept apart from all others, and none becomes a path or an id of Chroma's."""
    stored(house.librarian, name, {"n": 1})
    stored(house.librarian, name + "x", {"n": 2})
    assert house.librarian.retrieve(name) == {"n": 1}
    assert all(len(id_) == 64 for id_ in _ids(house))


def test_an_id_that_is_no_text_is_refused(house: House) -> None:
    """Half a character cannot be a name: who writes is told so, and who asks finds nothing."""
    with pytest.raises(UsageError, match="name of a document"):
        stored(house.librarian, "a\udcff", {"n": 1})
    with pytest.raises(UsageError, match="name of a document"):
        house.librarian.put(("a\udcff",), "k", {"n": 1})
    stored(house.librarian, "a", {"n": 1})
    assert house.librarian.retrieve("a\udcff") is None
    assert house.librarian.documents(type="\udcff") == house.librarian.documents(tenant="\udcff") == []
    assert keys(house.librarian.documents(find="\udcff")) == ["a"]
    house.librarian.delete(("a",), "k\udcff")


@pytest.mark.parametrize("name", ["", "#document", "$and", "a" * 5_000, "chroma:document", "\0", "é", "a b"], ids=ascii)
def test_a_metadata_key_that_chroma_refuses_stops_nobody(house: House, name: str) -> None:
    """Chroma refuses some keys, and the batch with them: those stay in the ledger, and the document is stored."""
    stored(house.librarian, "odd", {"n": 1}, type="t", **{name: 1})
    stored(house.librarian, "next", {"n": 2}, type="t")
    assert house.librarian.retrieve("odd") == {"n": 1}
    assert keys(house.librarian.documents(type="t")) == ["odd", "next"]
    with house.home.hold():
        assert all(name not in row.metadata for row in house.index().scan())


def test_metadata_must_be_flat(house: House) -> None:
    """Nested metadata and what is no number are refused; None means absent, large integers are kept as text."""
    for bad in ({"a": 1}, [1], math.nan, math.inf, "\udcff"):
        with pytest.raises(UsageError, match="metadata 'bad'"):
            stored(house.librarian, "x", {"n": 1}, bad=bad)
    stored(house.librarian, "x", {"n": 1}, none=None, large=2**70, type="t", digest="mine", tenant="default", yes=True)
    with house.home.hold():
        (row,) = house.index().scan()
    assert row.metadata["large"] == str(2**70)
    assert row.metadata["own_digest"] == "mine"
    assert row.metadata["yes"] is True
    assert "none" not in row.metadata


def test_writing_again_replaces_content_and_metadata(house: House) -> None:
    """A second document of the same id takes the place of the first, its metadata too; it keeps when it was made."""
    stored(house.librarian, "a", {"old": 1}, type="first", old="x", journey_id="j1")
    before = house.librarian.documents()
    stored(house.librarian, "a", {"new": 1}, type="second")
    after = house.librarian.documents()
    assert after == [{**before[0], "type": "second", "journey_id": None, "content": {"new": 1}}]
    with house.home.hold():
        (row,) = house.index().scan()
    assert {"old", "journey_id"}.isdisjoint(row.metadata)


def test_of_equal_ids_in_one_call_the_last_counts(house: House) -> None:
    """Two documents of one id in one call are one document, the later."""
    house.librarian.write_documents([Document("a", {"n": 1}), Document("a", {"n": 2})])
    assert house.librarian.retrieve("a") == {"n": 2}


# Who sees what


def test_tenants_do_not_see_each_other(house: House) -> None:
    """One id in two tenants is two documents, by id, in lists, by meaning, and among a graph's items."""
    for tenant in ("default", "acme"):
        stored(house.librarian, "same", {"whose": tenant}, tenant=tenant, type="t")
        house.librarian.for_tenant(tenant).put(("a",), "k", {"whose": tenant})
    for tenant in ("default", "acme"):
        mine = house.librarian.for_tenant(tenant)
        assert mine.retrieve("same") == {"whose": tenant}
        assert asyncio.run(house.librarian.retrieve_document("same", tenant)) == {"whose": tenant}
        for found in (mine.documents(), mine.documents(find="whose"), house.librarian.documents(tenant=tenant)):
            assert [one["content"] for one in found] == [{"whose": tenant}]
        assert [item.value for item in mine.search(())] == [{"whose": tenant}]
    assert house.librarian.for_tenant("other").retrieve("same") is None
    assert house.librarian.documents(tenant="other") == house.librarian.documents(tenant="other", find="x") == []
    assert house.librarian.for_tenant("other").list_namespaces() == []


def test_a_graphs_items_and_journeys_documents_never_meet(house: House) -> None:
    """No namespace leads from a graph's items to the documents of journeys, and no id the other way."""
    stored(house.librarian, "k", {"n": 1})
    for namespace in [("journeys", "default"), ("items",), ("default",)]:
        house.librarian.put(namespace, "k", {"n": 2})
    assert house.librarian.retrieve("k") == {"n": 1}
    assert keys(house.librarian.documents()) == ["k"]
    assert len(house.librarian.search(())) == 3


def test_documents_are_found_by_filter(house: House) -> None:
    """Documents are listed by type, journey and tenant, oldest first, each with its id, time and content."""
    stored(house.librarian, "a", {"n": 1}, type="execution_plan", journey_id="j1")
    stored(house.librarian, "b", {"n": 2}, type="rollback_checkpoint", journey_id="j1")
    stored(house.librarian, "c", {"n": 3}, type="execution_plan", journey_id="j2")
    ask = house.librarian.documents
    assert keys(ask()) == ["a", "b", "c"]
    assert keys(ask(type="execution_plan")) == ["a", "c"]
    assert keys(ask(journey_id="j1")) == ["a", "b"]
    assert keys(ask(type="execution_plan", journey_id="j2")) == ["c"]
    assert keys(ask(limit=2)) == ["a", "b"]
    assert ask(type="none") == []
    first = ask()[0]
    assert first.pop("timestamp").endswith("+00:00")
    assert first == {"document_id": "a", "type": "execution_plan", "journey_id": "j1", "content": {"n": 1}}


def test_documents_are_found_by_meaning(house: House) -> None:
    """The nearest comes first, within the filter, with scores that fall; a limit cuts the list."""
    house.librarian.write_documents(documents(30))
    stored(house.librarian, "other", {"text": "sentence"}, type="other")
    found = house.librarian.documents(find="n 7\ntext sentence number 7")
    assert found[0]["document_id"] == "d7"
    assert found[0]["score"] > 0.999
    assert len(found) == 31
    scores = [document["score"] for document in found]
    assert scores == sorted(scores, reverse=True)
    assert keys(house.librarian.documents(find="x", type="other")) == ["other"]
    assert len(house.librarian.documents(find="x", limit=4)) == 4
    assert set(house.librarian.documents(find="x", type="t")[0]) == {
        "document_id", "type", "journey_id", "timestamp", "content", "score"
    }  # fmt: skip


# Where it lies


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

    def counting(self: Index, ids: Any, *rest: Any) -> None:
        sizes.append(len(ids))
        put(self, ids, *rest)

    monkeypatch.setattr(Index, "put", counting)
    house.librarian.write_documents(documents(200))
    assert sizes == [200]
    house.librarian.write_documents([])
    assert sizes == [200]


def test_more_documents_than_a_page(house: House) -> None:
    """Thousands of documents in one call are all there, and gone again when deleted."""
    librarian = house.librarian
    librarian.batch([*(_put(i, {"n": i}) for i in range(2_300))])
    assert len(librarian.search((), limit=5_000)) == len(house.held()) == 2_300
    librarian.batch([*(_put(i, None) for i in range(2_299))])
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
    with _busy(house), pytest.raises(StoreDamaged) as refused:
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
        house.index().delete(sorted(_ids(house))[:3])


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
    house.librarian.batch([_put(i, {"n": i}) for i in range(n - 5)])
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
    with _busy(house):
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
    with _busy(house), pytest.raises(StoreBusy, match="busy"):
        librarian.write_documents(documents(1))
    assert house.librarian.retrieve("d0") is None


# Meaning


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
    counted = [_count(house, "meanings")]
    for key in ("k3", "k1", "k2"):
        house.librarian.delete(("a",), key)
        counted.append(_count(house, "meanings"))
    assert counted == [2, 1, 1, 0]
    assert _count(house, "documents") == 0


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
        house.librarian.batch([_put(1, {"n": 1}), _put(2, {"n": 2})._replace(ttl=5)])
    assert house.librarian.search(()) == []


# Crashes

POINTS = ("librarian.after_ledger", "librarian.after_index", "librarian.before_ack")


def _write(house: House) -> None:
    house.librarian.write_documents(documents(5))


def _write_over(house: House) -> None:
    house.librarian.write_documents([Document(f"d{i}", {"new": i}, {"type": "new"}) for i in range(5)])


def _change_items(house: House) -> None:
    house.librarian.batch([_put(1, None), _put(2, {"new": 2}), _put(9, {"n": 9})])


def _find(house: House) -> None:
    house.librarian.documents(find="x")
    house.librarian.write_documents([Document("last", {"n": 1})])


def _other_embedder(house: House) -> None:
    house.reopen(Embedding(24)).write_documents([Document("last", {"n": 1})])


WORKS: dict[str, Callable[[House], None]] = {
    work.__name__: work for work in (_write, _write_over, _change_items, _find, _other_embedder)
}


def _prepare(house: House) -> None:
    house.librarian.batch([_put(i, {"n": i}) for i in range(3)])
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
    assert _unfinished(house) == 0
    assert librarian.damages() == []
    assert len(house.held()) == _count(house, "documents")
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
    assert _unfinished(house) == 0


def test_a_document_is_not_acknowledged_before_it_can_be_read_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If Chroma takes a document and does not give it back, the writer is told."""
    monkeypatch.setattr(Index, "put", lambda *_: None)
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


def _put(n: int, value: dict[str, Any] | None) -> Any:
    from langgraph.store.base import PutOp

    return PutOp(("a",), str(n), value)


def _ids(house: House) -> set[str]:
    with house.home.hold():
        return house.index().ids()


def _count(house: House, table: str) -> int:
    with house.home.record.read() as reading:
        return int(reading.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _unfinished(house: House) -> int:
    with house.home.record.read() as reading:
        return int(reading.execute("SELECT count(*) FROM documents WHERE indexed = 0 OR deleted").fetchone()[0])


class _busy:
    """Another thread has the lease, as another process would, until the block ends."""

    def __init__(self, house: House) -> None:
        self._lease = house.home.lease
        self._taken, self._done = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._keep)

    def _keep(self) -> None:
        with self._lease.hold("somebody"):
            self._taken.set()
            self._done.wait(60)

    def __enter__(self) -> None:
        self._thread.start()
        assert self._taken.wait(60)

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(60)
