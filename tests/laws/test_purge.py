"""Law: what was purged is in no file of the home any more, packed or not, as text or as vector; the rest is as it was.

Every file is read as bytes, every column of the record is unpacked, and every vector is looked for by its bits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kill import House
from traces import Desk
from works import KB, POLICY, opened

from milepost.cli import main
from milepost.kept_text import deletion_text
from milepost.store.blobs import hash_file
from milepost.store.errors import CheckpointCollected, CheckpointNotFound, NotFound, PolicyError
from milepost.store.packing import pack_rows
from milepost.store.vector_bits import shrunk
from milepost.store.vectors import embed_normalised
from milepost.tools.embedders import FakeEmbedder

WORD = "vladivostok"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as made:
        yield made


def vectors(mp: Any, word: str) -> list[bytes]:
    """The vectors of the texts with a word: as float32, as the record has them, and as the codes of a packed file."""
    with mp.workspace.services.home.record.read() as reading:
        rows = reading.execute("SELECT expanded(body) AS text FROM texts WHERE text LIKE ?", (f"%{word}%",)).fetchall()
    made = embed_normalised(FakeEmbedder(16), [row[0] for row in rows])
    assert len(made)
    return [row.tobytes() for row in made] + shrunk(made) + [row[:16].tobytes() for row in pack_rows(made)]


def test_a_purged_source_is_in_no_file(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its text, its vectors and its past are found before and nowhere after; what is left equals a home without it."""
    monkeypatch.setattr("works.soon_large", lambda: monkeypatch.setattr("milepost.store.pack.FILED", 1))
    with opened(desk.home) as mp:
        mp.ingest([desk.write(WORD), desk.write("other", "b.md")], kb=KB)
        mp.ingest([desk.write(f"{WORD} again")], kb=KB)
        bits = vectors(mp, WORD)
    assert {"milepost.db", "table texts"} <= set(desk.holds(WORD))
    assert any(place.startswith("blobs") for place in desk.holds(WORD))
    assert any(place.startswith("chroma") for place in desk.holds(WORD))
    assert all(desk.files_with(one) for one in bits)
    with opened(desk.home) as mp:
        done = mp.kb_purge("a.md", kb=KB)
        assert (done["chunks"], done["texts"], done["uploads"]) == (8, 8, 2)
        assert mp.kb_verify(KB).ok
        digest = mp.kb_digest(KB).digest
    assert desk.holds(WORD) == []
    assert [one for one in bits if desk.files_with(one)] == []
    with opened(desk.root / "without") as without:
        without.ingest([desk.write("other", "b.md")], kb=KB)
        assert without.kb_digest(KB).digest == digest
    with opened(desk.home) as mp:
        for revision in (1, 2, 3):
            assert {hit.source for hit in mp.search("other", kb=KB, k=50, at=revision)} == {"b.md"}
        again = mp.ingest([desk.write(WORD)], kb=KB)
        assert again.status == "completed" and mp.kb_verify(KB).ok


def test_a_source_of_the_past_a_staged_one_and_a_planned_one(desk: Desk) -> None:
    """What is not shown now can be purged as well; twice is once, and what never was is not found."""
    with opened(desk.home) as mp:
        mp.ingest([desk.write("other", "b.md"), desk.write(f"{WORD} removed")], kb=KB)
        mp.kb_remove("a.md", kb=KB)
        mp.ingest([desk.write(f"{WORD} staged", "c.md")], kb=KB, expose=False)
        mp.plan([desk.write(f"{WORD} planned", "d.md")], kb=KB)
        mp.plan([("e.md", f"{WORD} in memory".encode())], kb=KB)
        head = mp.kb_stats(KB).revision
        for source in ("a.md", "c.md", "d.md", "e.md"):
            assert mp.kb_purge(source, kb=KB)["texts"] > 0
            assert mp.kb_purge(source, kb=KB)["texts"] == 0
        assert mp.kb_stats(KB).revision == head, "nothing that people see has changed"
        assert desk.holds(WORD) == []
        with pytest.raises(NotFound, match="never had") as unknown:
            mp.kb_purge("b.mdd", kb=KB)
        assert "did you mean 'b.md'" in unknown.value.cause
        with pytest.raises(NotFound, match="no kb"):
            mp.kb_purge("b.md", kb="hrr")


def test_the_same_content_elsewhere_stays_and_is_named(desk: Desk) -> None:
    """A copy in the kb shows it from then on; another kb and another tenant are not touched, and a tenant not named."""
    with opened(desk.home, user={"user": "bob", "tenant": "far"}) as far:
        far.ingest([desk.write(WORD)], kb="theirs")
        theirs = far.kb_digest("theirs").digest
    with opened(desk.home) as mp:
        mp.ingest([desk.write(WORD), desk.write(WORD, "copy.md")], kb=KB)
        mp.ingest([desk.write(WORD)], kb="second")
        assert {hit.source for hit in mp.search(WORD, kb=KB, k=50)} == {"a.md"}
        done = mp.kb_purge("a.md", kb=KB)
        assert (done["same_content_in"], done["texts"], done["uploads"]) == (["a.md in kb second", "copy.md"], 0, 0)
        assert {hit.source for hit in mp.search(WORD, kb=KB, k=50)} == {"copy.md"}
        assert mp.kb_verify(KB).ok and mp.kb_verify("second").ok
        mp.kb_purge("copy.md", kb=KB)
        mp.kb_purge("a.md", kb="second")
        assert mp.search(WORD, kb=KB) == []
    with opened(desk.home, user={"user": "bob", "tenant": "far"}) as far:
        assert (far.kb_digest("theirs").digest, far.kb_verify("theirs").ok) == (theirs, True)
        far.kb_purge("a.md", kb="theirs")
    assert desk.holds(WORD) == []


def test_which_undos_end_and_which_go_on_without_it(desk: Desk) -> None:
    """One that was about nothing else ends; another leaves it out and says so; the last change is the purge's."""
    with opened(desk.home) as mp:
        first = mp.ingest([desk.write("one"), desk.write("other", "b.md")], kb=KB)
        alone = mp.ingest([desk.write("two")], kb=KB)
        both = mp.ingest([desk.write("three"), desk.write("fresh", "b.md")], kb=KB)
        shown = mp.kb_purge("a.md", kb=KB, dry_run=True)
        assert {hit.source for hit in mp.search("x", kb=KB, k=50)} == {"a.md", "b.md"}
        done = mp.kb_purge("a.md", kb=KB)
        assert {**done, "dry_run": True} == {**shown, "unfinished": False}
        assert (done["undos_ended"], done["undos_without_it"]) == ([alone.journey_id], [both.journey_id])
        with pytest.raises(CheckpointCollected) as ended:
            mp.undo(alone)
        assert "was purged" in ended.value.cause
        with pytest.raises(PolicyError, match="was a purge"):
            mp.rollback(last=True, kb=KB)
        newest = mp.kb_log(KB)[0]
        assert (newest.added, newest.removed, newest.restorable) == (0, 4, False)
        back = mp.undo(both)
        assert (back.sources_restored, back.verified) == (["b.md"], "confirmed")
        assert back.message == "left out, because purged since: a.md"
        assert mp.undo(first).sources_removed == ["b.md"]
        assert mp.kb_verify(KB).ok


def test_a_journey_that_goes_on_leaves_it_out(desk: Desk, house: House) -> None:
    """One that was killed, and one that was rolled back: neither brings the source back."""
    with opened(desk.home) as mp:
        back = mp.ingest([desk.write("one"), desk.write("other", "b.md")], kb=KB)
        mp.undo(back)
    desk.write(WORD, "c.md")
    desk.write("kept", "d.md")
    assert house.run("ingest", desk.home, kill=("embed.after_batch", 1), folder=str(desk.files)).killed
    with opened(desk.home) as mp:
        killed = next(one for one in mp.journeys() if one.status == "interrupted")
        mp.kb_purge("c.md", kb=KB)
        mp.kb_purge("a.md", kb=KB)
        done = mp.resume(killed)
        assert done.status == "completed"
        assert {(f.source, f.outcome, f.reason) for f in done.files if f.reason == "purged"} == {
            ("a.md", "skipped", "purged"), ("c.md", "skipped", "purged")
        }  # fmt: skip
        assert {hit.source for hit in mp.search("x", kb=KB, k=50)} == {"b.md", "d.md"}
        mp.undo(done)
        mp.resume(back)
        assert {hit.source for hit in mp.search("x", kb=KB, k=50)} == {"b.md"}
    assert desk.holds(WORD) == []


@pytest.mark.parametrize("work", ["purge", "drop"])
@pytest.mark.parametrize("point", [
    "purge.before_commit", "purge.after_commit", "erase.after_blobs", "erase.after_views", "erase.after_chroma",
    "erase.before_done", "follow.after_batch",
])  # fmt: skip
def test_killed_it_is_finished_by_the_next_open(desk: Desk, house: House, work: str, point: str) -> None:
    """Before the commit nothing has gone; after it the next command that opens the home erases what is left."""
    if (work, point) in (("drop", "erase.after_views"), ("drop", "follow.after_batch")):
        point = "erase.after_blobs"  # nothing is made anew for a kb that is gone
    with opened(desk.home) as mp:
        mp.ingest([desk.write(WORD), desk.write("other", "b.md")], kb=KB)
        mp.ingest([desk.write("third", "c.md")], kb="second")
    args = {"source": "a.md"} if work == "purge" else {}
    assert house.run(work, desk.home, kill=(point, 1), **args).killed
    with opened(desk.home) as mp:
        assert mp.kb_verify("second").ok
        there = [one.name for one in mp.kb_list()]
        if point == "purge.before_commit":
            assert desk.holds(WORD) and KB in there and mp.kb_verify(KB).ok
            return
        assert there == (["second"] if work == "drop" else [KB, "second"])
        if work == "purge":
            assert mp.kb_verify(KB).ok
    assert desk.holds(WORD) == []


@pytest.mark.parametrize("database", ["milepost.db", "chroma/chroma.sqlite3"])
def test_somebody_who_reads_holds_up_the_end_only(desk: Desk, database: str) -> None:
    """Nobody finds the source any more; that traces are left is said, and the next opening finishes."""
    with opened(desk.home) as mp:
        mp.ingest([desk.write(WORD), desk.write("other", "b.md")], kb=KB)
    reader = sqlite3.connect(desk.home / database, isolation_level=None)
    try:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        with opened(desk.home) as mp:
            mp.workspace.services.home.chroma.close()
            done = mp.kb_purge("a.md", kb=KB)
            assert (done["chunks"], done["unfinished"]) == (4, True)
            assert {hit.source for hit in mp.search("x", kb=KB, k=50)} == {"b.md"}
            assert "traces stay" in deletion_text(done)
    finally:
        reader.rollback()
        reader.close()
    with opened(desk.home) as mp:
        assert mp.kb_verify(KB).ok
        assert not mp.workspace.services.home.eraser.pending()
    assert desk.holds(WORD) == []


def test_what_came_back_before_the_end_is_not_erased(desk: Desk) -> None:
    """While somebody reads, the deletion is unfinished; a file that is put in again meanwhile keeps its upload."""
    with opened(desk.home) as mp:
        mp.ingest([desk.write(WORD), desk.write("other", "b.md")], kb=KB)
    reader = sqlite3.connect(desk.home / "milepost.db", isolation_level=None)
    try:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        with opened(desk.home) as mp:
            assert mp.kb_purge("a.md", kb=KB)["unfinished"]
            mp.ingest([desk.write(WORD)], kb=KB)
            upload = hash_file(desk.write(WORD))[0]
            assert mp.workspace.services.home.blobs.has(upload)
    finally:
        reader.rollback()
        reader.close()
    with opened(desk.home) as mp:
        home = mp.workspace.services.home
        assert not home.eraser.pending() and home.blobs.has(upload)
        assert mp.kb_verify(KB).ok and mp.search(WORD, kb=KB)
        assert mp.kb_purge("a.md", kb=KB)["uploads"] == 1
    assert desk.holds(WORD) == []


def test_dropping_really_deletes(desk: Desk) -> None:
    """Its content, and the documents of its checkpoints; not the same content in another kb; its name is free again."""
    with opened(desk.home) as mp:
        mp.ingest([desk.write(WORD), desk.write("shared", "b.md")], kb=KB)
        gone = mp.ingest([desk.write(f"{WORD} again")], kb=KB)
        mp.ingest([desk.write("shared", "b.md")], kb="second")
        staged = mp.ingest([desk.write("staged", "s.md")], kb=KB, expose=False)
        shown = mp.kb_drop(KB, dry_run=True)
        done = mp.kb_drop(KB)
        assert {**done, "dry_run": True} == {**shown, "unfinished": False}
        assert done["same_content_in"] == ["b.md in kb second"]
        assert mp.kb_verify("second").ok and mp.search("shared", kb="second")
        assert {one["content"].get("kb") for one in mp.documents("rollback_checkpoint")} == {"second"}
        with pytest.raises(CheckpointNotFound, match="was dropped"):
            mp.rollback(gone.checkpoint("before_upload"))
        assert desk.holds(WORD) == []
        assert mp.status(staged).status == "completed"
        assert mp.ingest([desk.write("new", "n.md")], kb=KB).revision_after == 1


def test_commands_show_ask_and_delete(desk: Desk, capsys: Any) -> None:
    """Without a terminal and `--yes` they exit 2, and nothing has gone; the ledger says who did it."""
    with opened(desk.home, policy=POLICY) as mp:
        mp.ingest([desk.write(WORD)], kb=KB)
    home = ["--kb", KB, "--home", str(desk.home)]
    for command in (["kb", "purge", "a.md"], ["kb", "drop"]):
        assert main([*command, *home]) == 2
        assert desk.holds(WORD)
        assert main([*command, *home, "--dry-run"]) == 0
        assert "This cannot be undone." in capsys.readouterr().out
    assert main(["kb", "purge", "a.md", *home, "--yes"]) == 0
    assert "It is in no file of the home any more." in capsys.readouterr().out
    assert main(["kb", "drop", *home, "--yes", "--user", "eve"]) == 0
    assert capsys.readouterr().out.startswith("Dropped: kb hr")
    with opened(desk.home) as mp, mp.workspace.services.home.record.read() as reading:
        events = [tuple(row) for row in reading.execute("SELECT kind, user, detail FROM events WHERE kind LIKE '%d'")]
    assert ("kb_dropped", "eve", '{"kb":"hr"}') in events
    assert [detail for kind, _, detail in events if kind == "purged"] == ['{"kb":"hr","source":"a.md"}']
