"""Law: a chunk is what it is and nothing else, and a kb shows exactly the content that somebody still claims."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import struct
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_kit import Claim, Draft, Kit

from milepost.store.chunks import canonical_metadata, chunk_id, metadata_of, text_sha
from milepost.store.claims import claims_to_show
from milepost.store.content import ParseKey
from milepost.store.errors import NotFound, UsageError
from milepost.store.revisions import Change, SourceState
from milepost.tools.embedders import FakeEmbedder

CONTENT = ("first of the content", "second of the content")


def by_text(kit: Kit, kb: object, text: str) -> set[str]:
    return {id_ for id_, (found, _, _) in kit.chunks(kb).items() if found == text}  # type: ignore[arg-type]


# A chunk


def test_an_id_is_the_hash_that_the_design_names(kit: Kit) -> None:
    """SHA-256 of tenant, kb, source, text hash, canonical metadata, embedder and occurrence, each after its length."""
    kb = kit.kb("hr", "acme")
    kit.publish(kb, {"a.txt": [Draft("text", "Heading")]})
    metadata = '{"heading":"Heading","media_type":"text/plain","source":"a.txt"}'
    parts = ("acme", "hr", "a.txt", hashlib.sha256(b"text").hexdigest(), metadata, "fake-16", "0")
    framed = b"".join(struct.pack("<Q", len(part.encode())) + part.encode() for part in parts)
    assert list(kit.chunks(kb)) == [hashlib.sha256(framed).hexdigest()]


def test_an_inserted_line_moves_no_other_chunk(kit: Kit) -> None:
    """Position is not in the id: a text put in front adds one row and replaces none."""
    kb = kit.kb()
    kit.publish(kb, {"a": [f"line {n}" for n in range(20)]})
    before = kit.chunks(kb)
    published = kit.publish(kb, {"a": ["inserted", *(f"line {n}" for n in range(20))]})
    assert (published.added, published.removed) == (1, 0)
    assert before.items() <= kit.chunks(kb).items()


def test_two_homes_that_did_the_same_work_have_equal_chunks(kit: Kit, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither journey nor revision nor time is in an id: another home, another way there, the same rows."""
    other = Kit(tmp_path_factory.mktemp("other") / "home")
    kb, twin = kit.kb(), other.kb()
    kit.publish(kb, {"a": ["one", "two"], "b": ["three"]})
    other.publish(twin, {"b": ["to be replaced"]})
    other.publish(twin, {"b": ["three"]})
    other.publish(twin, {"a": ["two", "one"]})
    other.publish(twin, {"a": ["one", "two"]})
    assert other.chunks(twin) == kit.chunks(kb)
    assert other.view(twin) == kit.view(kb)
    digests = []
    for each, of in ((kit, kb), (other, twin)):
        with each.home.hold():
            digests.append(each.home.follower.digest(of.kb_id).digest)
    assert digests[0] == digests[1]
    other.home.close()


def test_everything_that_a_chunk_is_is_in_its_id() -> None:
    """Another tenant, kb, source, text, metadata, embedder or number is another chunk; parts do not run together."""
    said: dict[str, Any] = {
        "tenant": "t", "kb": "k", "source": "s", "sha": text_sha("x"), "metadata": "{}", "embedder": "e",
        "occurrence": 0,
    }  # fmt: skip
    other = {**dict.fromkeys(said, "changed"), "sha": text_sha("y"), "occurrence": 1}
    ids = [chunk_id(**said), *(chunk_id(**{**said, part: other[part]}) for part in said)]
    ids += [chunk_id(**{**said, "tenant": "tk", "kb": ""}), chunk_id(**{**said, "tenant": "", "kb": "tk"})]
    assert len(set(ids)) == len(ids) == 10


def test_equal_chunks_of_a_source_are_told_apart_by_their_number(kit: Kit) -> None:
    """Three equal pieces are three rows; taking one away keeps the first two, whichever it was."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["same", "other", "same", "same"]})
    three = by_text(kit, kb, "same")
    assert len(three) == 3
    published = kit.publish(kb, {"a": ["same", "same", "other"]})
    assert (published.added, published.removed) == (0, 1)
    assert by_text(kit, kb, "same") < three
    kit.publish(kb, {"a": ["other", "same", "same", "same"]})
    assert by_text(kit, kb, "same") == three


def test_equal_texts_under_two_headings_are_counted_apart(kit: Kit) -> None:
    """The number counts equal ones: of text and metadata, so that a heading's chunks do not move another's."""
    kb = kit.kb()
    kit.publish(kb, {"a": [Draft("same", "A"), Draft("same", "B")]})
    before = kit.chunks(kb)
    kit.publish(kb, {"a": [Draft("same", "B")]})
    assert kit.chunks(kb).items() < before.items()
    assert len(kit.chunks(kb)) == 1


@given(source=st.text(), heading=st.none() | st.text())
@settings(max_examples=50, deadline=None)
def test_canonical_metadata_is_one_text_for_one_meaning(source: str, heading: str | None) -> None:
    """Sorted keys, no spaces, no None: and it reads back as what Chroma gets."""
    metadata = metadata_of(source, "text/plain", heading)
    text = canonical_metadata(metadata)
    assert json.loads(text) == metadata
    assert text == canonical_metadata(dict(reversed(metadata.items())))
    assert None not in metadata.values()
    assert ("heading" in metadata) is bool(heading)


def test_vectors_are_float32_of_length_one_already(kit: Kit) -> None:
    """What is recorded is what is searched and what Chroma gets: normalised once, before."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one", "two", "three"]})
    for _, _, vector in kit.chunks(kb).values():
        values = np.frombuffer(vector, dtype="<f4")
        assert abs(float(np.linalg.norm(values.astype(np.float64))) - 1) < 1e-6
    assert {id_: vector for id_, (_, _, vector) in kit.view(kb).items()} == {
        id_: vector for id_, (_, _, vector) in kit.chunks(kb).items()
    }


def test_nothing_that_the_record_holds_is_embedded_twice(kit: Kit) -> None:
    """A text is embedded once for each model, whatever source, kb, revision or rollback brings it again."""
    kb, other = kit.kb(), kit.kb("other")
    kit.publish(kb, {"a": ["one", "two"]})
    kit.publish(kb, {"b": ["two", "one"]})
    kit.publish(kb, {"a": None, "b": None})
    kit.publish(other, {"c": ["two"]})
    kit.go_back(kb, 1)
    with kit.home.hold():
        kit.home.follower.rebuild(kb.kb_id)
    assert sorted(kit.embedder.embedded) == ["one", "two"]


def test_staging_shows_nothing_and_twice_is_once(kit: Kit) -> None:
    """Nothing is staged where people or programs look: not in search, not in the collection; again, the same slots."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["shown"]})
    first = kit.change(kb, "b", ["staged", "staged too"])
    slots = kit.now(kb).next_slot
    assert kit.change(kb, "b", ["staged", "staged too"]) == first
    assert kit.now(kb).next_slot == slots
    assert [hit.text for hit in kit.search(kb, "staged", k=9)] == ["shown"]
    assert [row.document for row in kit.rows(kb).values()] == ["shown"]
    assert kit.now(kb).head == 1


def test_what_was_never_embedded_cannot_be_staged(kit: Kit) -> None:
    """Embedding comes before: a text without its vector makes staging fail, and leaves nothing."""
    kb = kit.kb()
    parsed = kit.home.content.store_parsed(
        ParseKey("1" * 64, "", "p", "c"), media_type="text/plain", drafts=[Draft("never embedded")]
    )
    with pytest.raises(KeyError):
        kit.home.knowledge.stage(kb, "a", parsed.parsed_id, sha256="1" * 64, size=1)
    assert kit.now(kb).next_slot == 0
    with kit.home.record.read() as reading:
        assert reading.execute("SELECT count(*) FROM versions").fetchone()[0] == 0


# Claims


def test_a_skipped_duplicate_adds_no_rows(kit: Kit) -> None:
    """The second copy is a claim: people find the content once, under the first name."""
    kb = kit.kb()
    kit.publish(kb, {"first": CONTENT})
    published = kit.publish(kb, {"second": Claim(CONTENT)})
    assert (published.added, published.removed, published.after) == (0, 0, 2)
    assert {hit.source for hit in kit.search(kb, CONTENT[0], k=9)} == {"first"}


@pytest.mark.parametrize("becomes", [None, ["something else"]])
def test_the_other_copy_is_found_when_the_first_goes(kit: Kit, becomes: list[str] | None) -> None:
    """Undoing or replacing the first copy leaves the other's text searchable, in the same revision."""
    kb = kit.kb()
    kit.publish(kb, {"first": CONTENT, "second": Claim(CONTENT)})
    kit.publish(kb, {"first": becomes})
    found = [hit for hit in kit.search(kb, CONTENT[0], k=9) if hit.text in CONTENT]
    assert {hit.source for hit in found} == {"second"}
    assert {hit.text for hit in found} == set(CONTENT)
    assert kit.whole(kb)


def test_the_content_goes_with_its_last_claim(kit: Kit) -> None:
    """Three claims, taken away one by one: the content is shown once until none is left."""
    kb = kit.kb()
    kit.publish(kb, {"a": CONTENT, "b": Claim(CONTENT), "c": Claim(CONTENT)})
    for gone in ("b", "a", "c"):
        assert kit.texts(kb) == sorted(CONTENT)
        kit.publish(kb, {gone: None})
    assert kit.texts(kb) == []
    assert kit.whole(kb)


def test_going_back_gives_the_content_to_its_first_name_again(kit: Kit) -> None:
    """A rollback over the removal of the first copy shows it under the first name, once, with the ids it had."""
    kb = kit.kb()
    kit.publish(kb, {"first": CONTENT, "second": Claim(CONTENT)})
    before = kit.chunks(kb)
    kit.publish(kb, {"first": None})
    assert kit.chunks(kb).keys() != before.keys()
    kit.go_back(kb, 1)
    assert kit.chunks(kb) == before
    kit.go_back(kb, 2)
    assert {hit.source for hit in kit.search(kb, CONTENT[0], k=1)} == {"second"}


def test_many_sources_are_looked_at_together(kit: Kit) -> None:
    """Whose claims have to show their content is asked a few times, whatever the number of sources that change."""
    kb = kit.kb()
    with kit.home.record.write():
        some = [kit.change(kb, f"source-{n}", [f"text {n}"]) for n in range(100)]
    kit.commit(kb, some, follow=False)
    asked: list[str] = []
    with kit.home.record.read() as reading:
        reading.set_trace_callback(asked.append)
        gone = [Change(change.source_id, None) for change in some]
        assert claims_to_show(reading, kb.kb_id, gone) == []
        reading.set_trace_callback(None)
    assert len(asked) < 20


def test_a_claim_on_what_nobody_shows_shows_it(kit: Kit) -> None:
    """A claim that comes, or comes back, after its twin has gone shows the content by itself."""
    kb = kit.kb()
    kit.publish(kb, {"first": CONTENT})
    late = kit.change(kb, "second", Claim(CONTENT))
    kit.publish(kb, {"first": None})
    kit.commit(kb, [late])
    assert kit.texts(kb) == sorted(CONTENT)
    assert {hit.source for hit in kit.search(kb, CONTENT[0], k=1)} == {"second"}
    assert kit.whole(kb)


def test_a_shown_copy_cannot_become_a_claim_on_itself(kit: Kit) -> None:
    """Restoring "it was a claim" where its twin has gone since leaves it shown, and makes no revision."""
    kb = kit.kb()
    kit.publish(kb, {"first": CONTENT, "second": Claim(CONTENT)})
    claim = kit.change(kb, "second", Claim(CONTENT))
    kit.publish(kb, {"first": ["other"]})
    head = kit.now(kb).head
    published = kit.commit(kb, [claim])
    assert (published.before, published.after) == (head, head)
    assert kit.texts(kb) == sorted([*CONTENT, "other"])


@settings(max_examples=25, deadline=None)
@given(
    steps=st.lists(
        st.dictionaries(st.sampled_from("abc"), st.sampled_from(["P", "Q", "claim P", "claim Q", "gone"]), min_size=1),
        max_size=6,
    )
)
def test_content_is_searchable_as_long_as_anybody_holds_it(
    tmp_path_factory: pytest.TempPathFactory, steps: list[dict[str, str]]
) -> None:
    """Against a plain dict: after any publishes of copies and claims, what is held is shown, and nothing else."""
    kit = Kit(tmp_path_factory.mktemp("claims") / "home")
    kb, model = kit.kb(), dict[str, str]()
    for step in steps:
        contents = {}
        for source, what in step.items():
            kind, _, name = what.rpartition(" ")
            held = (f"content {name}",)
            contents[source] = None if what == "gone" else Claim(held) if kind else held
            model.pop(source, None)
            if what != "gone":
                model[source] = name
        kit.publish(kb, contents, follow=False)
        assert set(kit.texts(kb)) == {f"content {name}" for name in model.values()}
    kit.home.close()


# Kbs


def test_a_kb_refuses_the_vectors_of_another_model(kit: Kit) -> None:
    """Model, dimensions and weights are recorded with the kb; a mix is refused with what to do, and changes nothing."""
    kb = kit.kb()
    assert (kb.embedder, kb.dimensions) == ("fake-16", 16)
    with pytest.raises(UsageError, match="another embedder") as refused:
        kit.home.knowledge.ensure("default", "hr", FakeEmbedder(32))
    assert "fake-16" in refused.value.cause and "MILEPOST_EMBEDDER" in refused.value.cause
    assert kit.kb() == kb


def test_tenants_may_each_have_a_kb_of_one_name(kit: Kit) -> None:
    """A tenant sees its own kbs only, and another's is one that never was."""
    ann = kit.kb("hr", "ann")
    kit.publish(ann, {"a": ["secret"]})
    ben = kit.kb("hr", "ben")
    assert ann.kb_id != ben.kb_id
    assert kit.search(ben, "secret") == []
    assert [kb.kb_id for kb in kit.home.knowledge.all("ben")] == [ben.kb_id]
    with pytest.raises(NotFound):
        kit.home.knowledge.kb("carl", "hr")
    assert kit.home.knowledge.find("carl", "hr") is None


@pytest.mark.parametrize("name", ["", " hr", "hr\n", "a\0b", "x" * 201])
def test_a_name_that_nobody_could_type_again_is_refused(kit: Kit, name: str) -> None:
    """Empty, overlong, with spaces around or unprintable characters: refused before anything is made."""
    with pytest.raises(UsageError):
        kit.kb(name)
    assert kit.home.knowledge.all() == []


def test_an_unknown_kb_suggests_a_near_one(kit: Kit) -> None:
    """The message names what may have been meant."""
    kit.kb("handbook")
    with pytest.raises(NotFound) as refused:
        kit.home.knowledge.kb("default", "handbok")
    assert "handbook" in refused.value.cause


def test_a_rehearsal_counts_and_changes_nothing(kit: Kit) -> None:
    """What would be added and removed, promotions of claims included; inside a transaction it is refused."""
    kb = kit.kb()
    kit.publish(kb, {"first": CONTENT, "second": Claim(CONTENT)})
    change = kit.change(kb, "first", None)
    before = (kit.now(kb), kit.chunks(kb))
    counted = kit.home.knowledge.rehearse(kb.kb_id, [change])
    assert (kit.now(kb), kit.chunks(kb)) == before
    published = kit.commit(kb, [change])
    assert (counted.added, counted.removed, counted.after) == (published.added, published.removed, published.after)
    with kit.home.record.write(), pytest.raises(RuntimeError):
        kit.home.knowledge.rehearse(kb.kb_id, [change])


def test_a_version_that_is_not_staged_cannot_be_shown(kit: Kit) -> None:
    """Publishing a claim's version as content, without its chunks, fails and makes no revision."""
    kb = kit.kb()
    claim = kit.change(kb, "a", Claim(CONTENT))
    assert claim.to is not None
    with pytest.raises(ValueError, match="not staged"):
        kit.commit(kb, [Change(claim.source_id, SourceState(claim.to.version_id))], follow=False)
    assert kit.now(kb).head == 0


def test_with_rollback_off_what_was_replaced_is_released(kit: Kit) -> None:
    """Rows that only the past showed are gone from the record; what is shown stays, and can be searched."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["old one", "kept"], "b": ["b"]})
    kit.publish(kb, {"a": ["kept", "new"]}, restorable=False)
    kit.home.knowledge.release(kb.kb_id)
    assert kit.now(kb).floor == 2
    with kit.home.record.read() as reading:
        assert reading.execute("SELECT count(*) FROM chunks").fetchone()[0] == 3
        assert reading.execute("SELECT count(*) FROM spans WHERE gone IS NOT NULL").fetchone()[0] == 0
    assert {hit.text for hit in kit.search(kb, "new", k=9)} == {"kept", "new", "b"}
    assert kit.whole(kb)
    kit.publish(kb, {"a": ["old one"]})
    assert kit.whole(kb)
    assert kit.texts(kb) == ["b", "old one"]


def test_releasing_keeps_what_a_claim_may_have_to_show(kit: Kit) -> None:
    """Chunks that a claim shares with a released version of its source are there when it has to show them again."""
    kb = kit.kb()
    kit.publish(kb, {"first": CONTENT, "second": Claim(CONTENT)})
    kit.publish(kb, {"first": None})  # the second shows it
    kit.publish(kb, {"second": [CONTENT[0]]})
    kit.publish(kb, {"first": CONTENT, "second": Claim(CONTENT)}, restorable=False)
    kit.home.knowledge.release(kb.kb_id)
    kit.publish(kb, {"first": None})
    assert kit.texts(kb) == sorted(CONTENT)
    assert {hit.source for hit in kit.search(kb, CONTENT[0], k=9)} == {"second"}
    assert kit.whole(kb)


def test_dropping_a_kb_forgets_it_and_leaves_the_others(kit: Kit) -> None:
    """Every row of it goes, by the database's own rules; its name can be used again, from nothing."""
    kb, other = kit.kb(), kit.kb("other")
    kit.publish(kb, {"a": ["one"]})
    kit.publish(other, {"a": ["two"]})
    kit.home.knowledge.drop(kit.now(kb))
    with kit.home.record.read() as reading:
        for table in ("chunks", "spans", "source_spans", "versions", "sources", "revisions"):
            found = {row[0] for row in reading.execute(f"SELECT kb_id FROM {table}")}
            assert found == {other.kb_id}, table
    kit.home.knowledge.sweep_packs()
    assert not (kit.path / "vectors" / f"{kb.pack}.i8").exists()
    again = kit.kb()
    assert (again.head, kit.search(again, "one")) == (0, [])
    assert [hit.text for hit in kit.search(other, "two")] == ["two"]


def test_the_record_holds_each_text_once(kit: Kit) -> None:
    """Equal texts of several sources and kbs are one row, found by its SHA-256."""
    kit.publish(kit.kb(), {"a": ["same", "same"], "b": ["same"]})
    kit.publish(kit.kb("other"), {"a": ["same"]})
    with kit.home.record.read() as reading:
        rows = reading.execute("SELECT sha, expanded(body) FROM texts").fetchall()
    assert [(bytes(row[0]), row[1]) for row in rows] == [(text_sha("same"), "same")]


def test_a_slot_never_stands_for_two_chunks(kit: Kit) -> None:
    """Two rows under one slot are refused by the database itself."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one"]})
    with pytest.raises(sqlite3.IntegrityError), kit.home.record.write() as writing:
        writing.execute("INSERT INTO chunks SELECT * FROM chunks")


@given(files=st.lists(st.tuples(st.sampled_from("ab"), st.lists(st.sampled_from(["x", "y", "z"]), max_size=5))))
@settings(max_examples=20, deadline=None)
def test_a_chunk_has_one_slot(tmp_path_factory: pytest.TempPathFactory, files: list[tuple[str, list[str]]]) -> None:
    """However often, in whatever file and how many times in one a text stands: each id once, equal ones counted."""
    kit = Kit(tmp_path_factory.mktemp("slots") / "home")
    for source, texts in files:
        kit.publish(kit.kb(), {source: texts or None}, follow=False)
    with kit.home.record.read() as reading:
        ids = [bytes(row[0]) for row in reading.execute("SELECT chunk_id FROM chunks")]
    most = Counter[tuple[str, str]]()
    for source, texts in files:
        for text, times in Counter(texts).items():
            most[source, text] = max(most[source, text], times)
    assert len(ids) == len(set(ids)) == sum(most.values())
    kit.home.close()


def test_a_collections_name_tells_its_generation(kit: Kit) -> None:
    """Derived from tenant and kb by a hash, with the generation at its end."""
    kb = kit.kb()
    name = hashlib.sha256(b"default\0hr").hexdigest()[:32]
    assert replace(kb, generation=7).collection == f"mp-{name}-7"
