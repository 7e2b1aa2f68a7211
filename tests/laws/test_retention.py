"""Law: an undo is available as long as its journey's policy promised, by age and by size; `gc` takes only what nothing
promised needs, says so before, really frees it, and leaves what people see as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kill import House
from traces import Desk
from works import KB, POLICY, opened

from milepost import Milepost
from milepost.cli import main
from milepost.store.checkpoints import body_digest
from milepost.store.errors import CheckpointCollected, PolicyError, UsageError
from milepost.store.librarian import Document
from milepost.store.records import Checkpoint, JourneyStatus
from milepost.tools.milestones import checkpoint_document

BRIEF = {**POLICY, "retention": {"days": 0}}
EVER = {**POLICY, "retention": {"days": None}}
WORD = "vladivostok"


def limited(size: int) -> dict[str, Any]:
    """A policy that keeps so many bytes of replaced content, for ever."""
    return {**POLICY, "retention": {"days": None, "bytes": size}}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def until(mp: Any, journey: Any) -> datetime:
    """Until when a journey can be undone; all its checkpoints say the same."""
    (said,) = {one.available_until for one in mp.checkpoints(journey)}
    return datetime.fromisoformat(said)


def test_age_counts_from_the_last_thing_that_a_journey_did(desk: Desk) -> None:
    """Thirty days by default, as many as the policy says, or for ever; each journey keeps its own."""
    with opened(desk.home) as mp:
        usual = mp.ingest([desk.write("one")], kb=KB)
        week = mp.ingest([desk.write("two")], kb=KB, policy={**POLICY, "retention": {"days": 7}})
        ever = mp.ingest([desk.write("three")], kb=KB, policy=EVER)
        last = {c.journey_id: datetime.fromisoformat(c.timestamp) for c in mp.checkpoints()}
        for journey, days in ((usual, 30), (week, 7)):
            assert abs(until(mp, journey) - last[journey.journey_id] - timedelta(days=days)) < timedelta(seconds=2)
        assert {one.available_until for one in mp.checkpoints(ever)} == {None}
        assert mp.gc()["undos"] == []
    with opened(desk.home, policy=BRIEF) as mp:
        assert mp.gc()["undos"] == [], "another policy of today does not shorten what was promised"
        assert mp.undo(usual, on_conflict="force").success


def test_size_ends_the_oldest_undo_first(desk: Desk) -> None:
    """A journey's undo ends with the publish that made more replaced content than its limit."""
    with opened(desk.home, policy=limited(10**9)) as mp:
        mp.ingest([desk.write("text 1")], kb=KB)
        mp.ingest([desk.write("text 2")], kb=KB)
        texts = _rows(mp, "SELECT bytes + 4 * 16 FROM texts WHERE expanded(body) LIKE 'text 1%'")
        size = sum(row[0] for row in texts) + len(Path(desk.write("text 1")).read_bytes())
    with opened(desk.home, policy=limited(2 * size)) as mp:
        third = mp.ingest([desk.write("text 3")], kb=KB)
        mp.ingest([desk.write("text 4")], kb=KB)
        assert {one.available_until for one in mp.checkpoints(third)} == {None}, "two texts of this size are kept"
        fifth = mp.ingest([desk.write("text 5")], kb=KB)
        moments = {one.revision: one.timestamp for one in mp.kb_log(KB)}
        passed = datetime.fromisoformat(moments[fifth.revision_after])
        assert until(mp, third) == passed.replace(microsecond=0)
        assert [one["journey_id"] for one in mp.gc()["undos"]] == [third.journey_id]
        assert mp.undo(fifth).verified == "confirmed"


def test_what_no_promise_needs_really_goes(desk: Desk) -> None:
    """Text, vectors, words, chunks, parse result and upload; what people see, and its digest, stay."""
    with opened(desk.home) as mp:
        mp.ingest([desk.write(WORD)], kb=KB, policy=BRIEF)
        kept = mp.ingest([desk.write("kept", "b.md")], kb=KB)
        brief = mp.ingest([desk.write("two")], kb=KB, policy=BRIEF)
        before = (mp.kb_digest(KB).digest, mp.kb_list(), [hit.text for hit in mp.search("kept two", kb=KB, k=50)])
        assert desk.holds(WORD)
        shown = mp.gc(dry_run=True)
        assert (shown["chunks"], shown["texts"], shown["uploads"], shown["revisions"]) == (4, 4, 1, 1)
        assert [one["journey_id"] for one in shown["undos"]][1:] == [brief.journey_id]
        assert desk.holds(WORD), "looking takes nothing"
        done = mp.gc(as_of=shown["as_of"])
        assert done["disk_bytes"] > 0
    assert [place for place in desk.holds(WORD) if "chroma" not in place] == []
    with opened(desk.home) as mp:
        after = (mp.kb_digest(KB).digest, mp.kb_list(), [hit.text for hit in mp.search("kept two", kb=KB, k=50)])
        assert after == before
        assert mp.kb_verify(KB).ok
        mp.kb_rebuild(KB)
        assert (mp.kb_digest(KB).digest, mp.kb_verify(KB).ok) == (before[0], True)
        assert [(one.revision, one.restorable) for one in mp.kb_log(KB)] == [(3, False), (2, True), (1, True)]
        for ask in (
            lambda: mp.search("x", kb=KB, at=1),
            lambda: mp.kb_diff(KB, 2, 3),
            lambda: mp.rollback(to=2, kb=KB),
        ):
            with pytest.raises(PolicyError, match="is not restorable") as refused:
                ask()
            assert "gc gave up what revision 3 replaced" in refused.value.cause
        assert mp.undo(kept).verified == "confirmed"
        again = mp.ingest([desk.write(WORD)], kb=KB)
        assert again.status == "completed" and again.embeddings_computed == 4
        assert mp.kb_verify(KB).ok


def test_a_collected_checkpoint_says_so(desk: Desk, capsys: Any) -> None:
    """Exit 6, with the nearest ones that are left; it is no longer listed, nor can its journey be undone."""
    with opened(desk.home) as mp:
        older = mp.ingest([desk.write("one", "b.md")], kb=KB)
        gone = mp.ingest([desk.write("one")], kb=KB, policy=BRIEF)
        newer = mp.ingest([desk.write("two", "b.md")], kb=KB)
        (wanted,) = [c.checkpoint_id for c in mp.checkpoints(gone) if c.milestone_id == "before_upload"]
        mp.gc()
        assert {one.journey_id for one in mp.checkpoints()} == {older.journey_id, newer.journey_id}
        assert mp.status(gone).checkpoints == [] and [e.kind for e in mp.timeline(gone)][-1] == "undo_ended"
        for ask in (
            lambda: mp.rollback(wanted), lambda: mp.rollback(wanted, dry_run=True), lambda: mp.undo(gone),
            lambda: mp.show(wanted),
        ):  # fmt: skip
            with pytest.raises(CheckpointCollected) as refused:
                ask()
            assert refused.value.facts["older"] == older.checkpoint("expose_complete")
            assert refused.value.facts["newer"] == newer.checkpoint("before_upload")
            assert refused.value.facts["older"] in refused.value.cause
        assert all(document["document_id"] != wanted for document in mp.documents())
    assert main(["rollback", wanted, "--yes", "--home", str(desk.home)]) == 6
    told = capsys.readouterr().err
    assert "was collected" in told and "state: nothing was changed" in told and "next: milepost checkpoints" in told


def test_an_unfinished_rollback_keeps_what_it_goes_back_to(desk: Desk) -> None:
    """Of a thousand checkpoints that are over, those that a killed rollback needs stay; it comes to its end."""
    with opened(desk.home, policy=BRIEF) as mp:
        first = mp.ingest([desk.write("one")], kb=KB)
        digest = mp.kb_digest(KB).digest
        second = mp.ingest([desk.write("two")], kb=KB)
        _many_checkpoints(mp, first.journey_id, 1_000)
    with House() as house:
        assert house.run("undo", desk.home, kill=("rollback.after_intent", 1)).killed
    with opened(desk.home, policy=BRIEF) as mp:
        rollback = next(one for one in mp.journeys() if one.journey_type == "rollback")
        assert rollback.status == JourneyStatus.INTERRUPTED
        found = mp.gc()
        assert [one["journey_id"] for one in found["undos"]] == [first.journey_id]
        assert found["checkpoints"] == 1_005
        assert mp.undo(second).verified == "confirmed"
        assert mp.kb_digest(KB).digest == digest
        assert {one["journey_id"] for one in mp.gc()["undos"]} == {second.journey_id}, "the rollback promised 30 days"


def test_a_rollback_of_the_whole_kb_that_was_killed_keeps_its_revision(desk: Desk) -> None:
    """It was asked for a revision, not a checkpoint; the next call still comes there."""
    with opened(desk.home, policy=BRIEF) as mp:
        mp.ingest([desk.write("one")], kb=KB)
        digest = mp.kb_digest(KB).digest
        mp.ingest([desk.write("two")], kb=KB)
    with House() as house:
        assert house.run("to_first", desk.home, kill=("rollback.after_intent", 1)).killed
    with opened(desk.home, policy=BRIEF) as mp:
        assert len(mp.gc()["undos"]) == 1, "of the journey that the rollback does not take back"
        assert mp.rollback(to=1, kb=KB).verified == "confirmed"
        assert mp.kb_digest(KB).digest == digest


@pytest.mark.parametrize("point", ["gc.before_commit", "gc.after_commit", "erase.after_blobs", "erase.after_views",
                                   "erase.before_done"])  # fmt: skip
def test_killed_it_is_done_or_not_and_the_next_open_finishes(desk: Desk, house: House, point: str) -> None:
    """Before the commit nothing went; after it everything does, and the files are without it."""
    with opened(desk.home, policy=BRIEF) as mp:
        mp.ingest([desk.write(WORD)], kb=KB)
        mp.ingest([desk.write("two")], kb=KB)
        digest = mp.kb_digest(KB).digest
    assert house.run("gc", desk.home, kill=(point, 1)).killed
    with opened(desk.home, policy=BRIEF) as mp:
        assert (mp.kb_digest(KB).digest, mp.kb_verify(KB).ok) == (digest, True)
        left = mp.gc()
    assert bool(left["undos"]) == (point == "gc.before_commit")
    assert [place for place in desk.holds(WORD) if "chroma" not in place] == []


def test_journeys_that_can_go_on_keep_what_they_have(desk: Desk) -> None:
    """Staged files wait for ever; what failed may be retried; what was rolled back reads its file again."""
    with opened(desk.home, policy=BRIEF) as mp:
        staged = mp.ingest([desk.write("staged")], kb=KB, expose=False)
        bad = desk.files / "bad.pdf"
        bad.write_bytes(b"%PDF-1.4 and no more")
        partial = mp.ingest([str(bad), desk.write("good", "g.md")], kb=KB)
        assert partial.status == "partial"
        back = mp.ingest([desk.write("back", "c.md")], kb=KB)
        mp.undo(back)
        mp.gc()
        assert mp.resume(staged).revision_after == 4
        bad.write_text("now it is text")
        assert mp.resume(partial).status == "completed"
        assert mp.resume(back).status == "completed"
        assert {hit.source for hit in mp.search("staged good back text", kb=KB, k=50)} == {
            "a.md", "bad.pdf", "g.md", "c.md"
        }  # fmt: skip
        assert mp.kb_verify(KB).ok


def test_another_tenant_s_is_left_alone(desk: Desk) -> None:
    """The same text in two tenants' kbs: one collects, the other undoes as before."""
    brief = {"policy": BRIEF}
    with opened(desk.home, user={"user": "bob", "tenant": "other"}, **brief) as other:
        other.ingest([desk.write(WORD)], kb=KB)
        theirs = other.ingest([desk.write("two")], kb=KB)
    with opened(desk.home, **brief) as mp:
        mp.ingest([desk.write(WORD)], kb=KB)
        mp.ingest([desk.write("two")], kb=KB)
        assert len(mp.gc()["undos"]) == 2
    with opened(desk.home, user={"user": "bob", "tenant": "other"}, **brief) as other:
        assert other.undo(theirs).verified == "confirmed"
        assert other.search(WORD, kb=KB)[0].text.startswith(WORD)


def test_only_what_was_shown_ends(desk: Desk) -> None:
    """What ended after the moment that was shown stays; a moment to come is refused; without a home nothing is."""
    with Milepost(desk.home) as fresh:
        assert fresh.gc()["undos"] == [] and not desk.home.exists()
    with opened(desk.home, policy=BRIEF) as mp:
        mp.ingest([desk.write("one")], kb=KB)
        shown = mp.gc(dry_run=True)
        late = mp.ingest([desk.write("two")], kb=KB)
        assert late.journey_id not in {one["journey_id"] for one in mp.gc(as_of=shown["as_of"])["undos"]}
        assert mp.undo(late).success
        for wrong in ("2999-01-01T00:00:00+00:00", "tomorrow", "2026-01-01"):
            with pytest.raises(UsageError, match="as_of"):
                mp.gc(as_of=wrong)


def test_the_command_shows_asks_and_frees(desk: Desk, capsys: Any) -> None:
    """Without a terminal and `--yes` it exits 2 and nothing has gone; `--json` has the undos that end."""
    with opened(desk.home, policy=BRIEF) as mp:
        mp.ingest([desk.write("one")], kb=KB)
        ended = mp.ingest([desk.write("two")], kb=KB)
    home = ["--home", str(desk.home)]
    assert main(["gc", *home]) == 2
    assert main(["checkpoints", *home]) == 0
    assert "(ended)" in capsys.readouterr().out
    assert main(["gc", "--dry-run", *home]) == 0
    said = capsys.readouterr().out
    assert ended.journey_id[:16] in said and "To give up: 2 undos, 4 replaced chunks, 1 upload," in said
    assert main(["gc", "--yes", *home]) == 0
    assert "Given up: 2 undos, 4 replaced chunks, 1 upload," in capsys.readouterr().out
    assert main(["gc", *home]) == 0, "with nothing to give up nobody is asked"
    assert "Nothing to give up" in capsys.readouterr().out


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as made:
        yield made


def _rows(mp: Any, sql: str) -> list[Any]:
    with mp.workspace.services.home.record.read() as reading:
        return list(reading.execute(sql).fetchall())


def _many_checkpoints(mp: Any, journey_id: str, number: int) -> None:
    """Give a journey so many more checkpoints, with their documents."""
    home = mp.workspace.services.home
    kb = home.knowledge.kb("default", KB)
    taken = [
        Checkpoint(checkpoint_id=f"checkpoint_more_{n}", milestone_id="more", journey_id=journey_id, kb=KB, revision=1,
                   timestamp=home.clock.now())
        for n in range(number)
    ]  # fmt: skip
    bodies = [checkpoint_document(one) for one in taken]
    documents = [
        Document(one.checkpoint_id, body, {"type": "rollback_checkpoint"}, journey_id=journey_id)
        for one, body in zip(taken, bodies, strict=True)
    ]

    def write() -> None:
        home.librarian.write_documents(documents)
        with home.record.write():
            for one, body in zip(taken, bodies, strict=True):
                home.checkpoints.commit(
                    one, tenant="default", kb_id=kb.kb_id, receipt_seq=10**6, digest=body_digest(body)
                )

    mp.workspace.engine.first(write)
