"""What the librarian was given comes back as it was to those it belongs to, or is refused."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from librarian_kit import Embedding, House, documents, keys, row_ids, stored, unfinished

from milepost.store.errors import UsageError
from milepost.store.home import Home
from milepost.store.librarian import Document


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
    assert all(len(id_) == 64 for id_ in row_ids(house))


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


def test_what_is_laid_by_can_be_read_at_once_and_is_brought_once(house: House) -> None:
    """It waits in the ledger for the next write, or for `bring`; whoever asks for it has it brought."""
    house.librarian.write_documents(documents(1))
    house.librarian.lay_by([Document("early", {"n": 1})])
    house.librarian.write_documents([Document("other", {"n": 2})], before=True)
    assert house.librarian.retrieve("other") == {"n": 2}
    assert unfinished(house) == 1 and not house.librarian.left_behind()
    assert house.librarian.retrieve("early") == {"n": 1}
    assert unfinished(house) == 0
    house.librarian.lay_by([Document("other", {"n": 9}), Document("late", {"n": 3})])
    assert house.librarian.retrieve("other") == {"n": 9}
    assert unfinished(house) == 1
    house.librarian.write_documents([Document("other", {"n": 4})])
    house.librarian.lay_by([Document("last", {"n": 5})])
    house.librarian.bring()
    assert unfinished(house) == 0
    assert {key: json.loads(body)["n"] for key, body in house.held().items()} == {
        "d0": 0, "early": 1, "late": 3, "other": 4, "last": 5,
    }  # fmt: skip


def test_what_is_given_up_is_the_next_holders(house: House) -> None:
    """Whoever takes the lease next brings it, as what a dead process left."""
    house.librarian.write_documents(documents(1))
    house.librarian.lay_by([Document("early", {"n": 1})])
    with house.home.hold():
        pass
    assert unfinished(house) == 1
    house.librarian.give_up()
    assert house.librarian.left_behind()
    with house.home.hold():
        pass
    assert unfinished(house) == 0


@settings(max_examples=25, deadline=None)
@given(
    said=st.lists(st.tuples(st.sampled_from(["a", "b"]), st.sets(st.sampled_from("xyz")), st.booleans()), max_size=6)
)
def test_a_row_has_the_metadata_of_its_last_writing(said: list[tuple[str, set[str], bool]]) -> None:
    """However often it was written or laid by, with whatever keys: none of an earlier writing is left."""
    with TemporaryDirectory() as folder:
        house = House(Path(folder) / "home")
        try:
            last: dict[str, dict[str, Any]] = {}
            for at, (name, fields, now) in enumerate(said):
                last[name] = {"type": "t", **dict.fromkeys(fields, at)}
                document = Document(name, {"at": at}, last[name], journey_id="j" if "x" in fields else None)
                (house.librarian.write_documents if now else house.librarian.lay_by)([document])
            house.librarian.bring()
            with house.home.hold():
                rows = list(house.index().scan()) if said else []
            kept = {row.metadata["document_id"]: {k: v for k, v in row.metadata.items() if k in "xyz"} for row in rows}
            assert kept == {name: {k: v for k, v in wanted.items() if k in "xyz"} for name, wanted in last.items()}
            assert all(
                ("journey_id" in row.metadata) == ("x" in last[str(row.metadata["document_id"])]) for row in rows
            )
        finally:
            house.home.close()


def test_a_second_writing_takes_away_what_others_added(house: House) -> None:
    """Metadata that another program put on a row are gone when the document is written again."""
    house.librarian.write_documents(documents(1))
    with house.home.hold():
        (row,) = house.index().scan()
        house.index().put([row.id], [row.document], [{**row.metadata, "evil": 1}], row.vector[None, :])
    house.librarian.write_documents(documents(1))
    with house.home.hold():
        (row,) = house.index().scan()
    assert "evil" not in row.metadata
