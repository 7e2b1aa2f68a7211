"""Law: going back restores exactly what was there, keeps what others did since, and twice is once.

What is restored is read with chromadb itself and compared bit for bit; the digest is computed here, from the
published description of `kb digest`, and not by the code under test.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from works import KB, POLICY, embedded, opened, view

from milepost import AsyncMilepost
from milepost.store import faults
from milepost.store.errors import (
    CheckpointCollected,
    CheckpointNotFound,
    MilepostError,
    PolicyError,
    RollbackConflict,
    StalePlan,
)
from milepost.store.policy import MILESTONES
from milepost.store.records import JourneyStatus
from milepost.tools.embedders import FakeEmbedder
from milepost.tools.registry import register_handler

NONE = {"enable_rollback": False, "chunk": {"size": 200, "overlap": 0}}


class Desk:
    """A folder of files, a home, and one person at work."""

    def __init__(self, root: Path) -> None:
        self.files = root / "files"
        self.files.mkdir()
        self.home = root / "home"

    def write(self, **texts: str) -> list[str]:
        """Write files of some paragraphs; their paths."""
        paths = []
        for name, text in texts.items():
            path = self.files / f"{name}.md"
            path.write_text("\n\n".join(f"{text}, paragraph {n}. " + "So it goes. " * 12 for n in range(4)))
            paths.append(str(path))
        return paths

    def ingest(self, mp: Any, **texts: str) -> Any:
        return mp.ingest(self.write(**texts), kb=KB)

    def blobs(self) -> set[str]:
        """The uploads that are kept, by their SHA-256."""
        return {path.name for path in (self.home / "blobs").glob("??/*")}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    yield Desk(tmp_path)
    faults.arm(None)


def raw(home: Path, collection: str) -> dict[str, tuple[str, str, bytes]]:
    """Every row of a collection as chromadb gives it: document, canonical metadata, float32 bits."""
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(str(home / "chroma"), settings=Settings(anonymized_telemetry=False))
    try:
        found = client.get_collection(collection, embedding_function=None).get(
            include=["documents", "metadatas", "embeddings"]
        )
    finally:
        client.close()  # type: ignore[attr-defined]  # the class has it, its interface has not
    rows = zip(found["ids"], found["documents"] or [], found["metadatas"] or [], found["embeddings"], strict=True)  # type: ignore[arg-type]  # asked for above
    return {id_: (text, _json(meta), np.asarray(vector, dtype="<f4").tobytes()) for id_, text, meta, vector in rows}


def digest_of(rows: dict[str, tuple[str, str, bytes]]) -> str:
    """`kb digest`, from its description."""
    digest = hashlib.sha256()
    for id_ in sorted(rows, key=str.encode):
        text, metadata, vector = rows[id_]
        for part in (id_.encode(), text.encode(), metadata.encode(), vector):
            digest.update(struct.pack("<Q", len(part)) + part)
    return digest.hexdigest()


def _json(metadata: Any) -> str:
    return json.dumps(dict(metadata), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def test_an_undo_restores_ids_texts_metadata_and_every_bit(desk: Desk) -> None:
    """Read with chromadb before the change and after its undo, the collections are equal, and so is our own digest."""
    with opened(desk.home) as mp:
        desk.ingest(mp, a="first edition", b="untouched")
        before, at_first = mp.kb_digest(KB).digest, mp.kb_stats(KB).collection
    rows = raw(desk.home, at_first)
    assert len(rows) == 8
    assert digest_of(rows) == before
    with opened(desk.home) as mp:
        second = desk.ingest(mp, a="second edition", c="new")
        assert mp.kb_digest(KB).digest != before
        done = mp.undo(second)
        assert (done.success, done.verified) == (True, "confirmed")
        assert (done.chunks_removed, done.chunks_restored) == (8, 4)
        assert (done.sources_removed, done.sources_restored) == (["c.md"], ["a.md"])
        assert mp.kb_digest(KB).digest == before
        now = mp.kb_stats(KB).collection
    assert raw(desk.home, now) == rows


@pytest.mark.parametrize("milestone", MILESTONES)
def test_every_milestone_is_a_place_to_return_to(desk: Desk, milestone: str) -> None:
    """Rolled back to, a milestone has the digest that was recorded there, and what existed there is kept."""
    with opened(desk.home) as mp:
        desk.ingest(mp, a="first edition")
        older = desk.blobs()
        digests = {1: mp.kb_digest(KB).digest}
        journey = desk.ingest(mp, a="second edition", b="new")
        digests[2] = mp.kb_digest(KB).digest
        checkpoint = next(c for c in journey.checkpoints if c.milestone_id == milestone)
        assert checkpoint.checkpoint_id == journey.checkpoint(milestone)
        assert checkpoint.revision == (2 if milestone == "expose_complete" else 1)
        done = mp.rollback_to_checkpoint(checkpoint.checkpoint_id)
        assert done.success and done.verified == "confirmed"
        assert done.already_there is (milestone == "expose_complete")
        assert mp.kb_digest(KB).digest == digests[checkpoint.revision]
        assert mp.kb_verify(KB).ok
        kept = desk.blobs() - older
        assert len(kept) == (0 if milestone == "before_upload" else 2)
        assert [h.name for h in done.handlers] == (["delete_uploaded_file"] if milestone == "before_upload" else [])
        whole = milestone == "expose_complete"
        assert mp.status(journey).status == (JourneyStatus.COMPLETED if whole else JourneyStatus.ROLLED_BACK)


def test_from_one_milestone_to_any_other_and_back(desk: Desk) -> None:
    """Whatever was gone back to before, a checkpoint gives its own state again; the last one undoes the undo."""
    with opened(desk.home) as mp:
        empty = hashlib.sha256().hexdigest()
        journey = desk.ingest(mp, a="text")
        full = mp.kb_digest(KB).digest
        for milestone in ("before_upload", "expose_complete", "embed_complete", "upload_complete", "expose_complete"):
            assert mp.rollback_to_checkpoint(journey.checkpoint(milestone)).success
            assert mp.kb_digest(KB).digest == (full if milestone == "expose_complete" else empty)
        assert mp.status(journey).status == JourneyStatus.COMPLETED


def test_a_blob_that_another_journey_needs_stays(desk: Desk) -> None:
    """Two kbs hold the same file: undoing one keeps the upload, undoing both lets it go."""
    with opened(desk.home) as mp:
        [path] = desk.write(a="shared")
        first, second = mp.ingest([path], kb=KB), mp.ingest([path], kb="other")
        assert len(desk.blobs()) == 1
        assert mp.undo(first).handlers[0].status == "skipped"
        assert len(desk.blobs()) == 1
        assert mp.undo(second).handlers[0].status == "done"
        assert desk.blobs() == set()


def test_an_undo_keeps_later_journeys_on_other_sources(desk: Desk) -> None:
    """Undoing the first of three journeys leaves exactly what the other two brought."""
    with opened(desk.home) as mp, opened(desk.home.with_name("other")) as other:
        first = desk.ingest(mp, a="one")
        desk.ingest(mp, b="two")
        desk.ingest(mp, c="three")
        done = mp.undo(first)
        assert done.sources_removed == ["a.md"] and not done.conflicts
        desk.ingest(other, b="two", c="three")
        assert mp.kb_digest(KB).digest == other.kb_digest(KB).digest


def _two_on_one_source(desk: Desk, mp: Any) -> tuple[Any, Any]:
    return desk.ingest(mp, a="one", b="mine alone"), desk.ingest(mp, a="two")


def test_a_conflict_is_refused_and_changes_nothing(desk: Desk) -> None:
    """A later journey's change of the same source stands in the way, is named, and everything stays."""
    with opened(desk.home) as mp:
        first, second = _two_on_one_source(desk, mp)
        before = (mp.kb_digest(KB), mp.kb_log(KB), [j.journey_id for j in mp.journeys()], desk.blobs())
        preview = mp.preview_rollback(first.checkpoint("before_upload"))
        assert [(c.source, c.changed_by) for c in preview.conflicts] == [("a.md", second.journey_id)]
        with pytest.raises(RollbackConflict) as refused:
            mp.undo(first)
        assert refused.value.exit_code == 6
        assert refused.value.facts["conflicts"] == [{"source": "a.md", "changed_by": second.journey_id}]
        assert (mp.kb_digest(KB), mp.kb_log(KB), [j.journey_id for j in mp.journeys()], desk.blobs()) == before


@pytest.mark.parametrize(("mode", "left"), [("skip", ["a.md"]), ("force", [])])
def test_a_conflict_is_skipped_or_forced_where_that_is_asked(desk: Desk, mode: str, left: list[str]) -> None:
    """Skip undoes what nobody else changed and lists the rest; force undoes everything."""
    with opened(desk.home) as mp:
        first, second = _two_on_one_source(desk, mp)
        done = mp.undo(first, on_conflict=mode)
        assert done.success and done.verified == "confirmed"
        assert [c.changed_by for c in done.conflicts] == [second.journey_id]
        assert sorted({row[2] for row in view(desk.home)}) == left
        assert mp.kb_verify(KB).ok


def test_what_was_taken_back_is_no_conflict(desk: Desk) -> None:
    """Undone newest first, two journeys on one source meet no conflict."""
    with opened(desk.home) as mp:
        first, second = _two_on_one_source(desk, mp)
        assert mp.undo(second).success
        assert mp.undo(first).success
        assert view(desk.home) == []


def test_undoing_the_first_of_two_copies_leaves_the_other_searchable(desk: Desk) -> None:
    """A skipped duplicate is a claim: it shows the content once the first copy goes, and can itself be undone."""
    with opened(desk.home) as mp:
        first, second = desk.ingest(mp, a="the same"), desk.ingest(mp, b="the same")
        assert [f.reason for f in second.files] == ["duplicate"]
        both = mp.kb_digest(KB).digest
        assert mp.undo(first).success
        assert {row[2] for row in view(desk.home)} == {"b.md"}
        assert mp.rollback(last=True, kb=KB).success
        assert mp.kb_digest(KB).digest == both
        assert mp.undo(first).success
        assert mp.undo(second).success, "that its copy came to show the content is no change by others"
        assert view(desk.home) == []


def test_a_rollback_can_itself_be_rolled_back(desk: Desk) -> None:
    """`rollback --last` after an undo is redo, after a redo undo again; the journey says each time how it stands."""
    with opened(desk.home) as mp:
        journey = desk.ingest(mp, a="text")
        full = mp.kb_digest(KB).digest
        undone = mp.undo(journey)
        assert mp.status(undone.journey_id).journey_type == "rollback"
        assert [c.milestone_id for c in mp.checkpoints(undone.journey_id)] == ["before_rollback"]
        assert mp.rollback(last=True, kb=KB).success
        assert (mp.kb_digest(KB).digest, mp.status(journey).status) == (full, JourneyStatus.COMPLETED)
        assert mp.rollback(last=True, kb=KB).success
        assert view(desk.home) == []
        assert [r.revision for r in mp.kb_log(KB)] == [4, 3, 2, 1]


@pytest.mark.parametrize("milestone", MILESTONES[:-1])
def test_resume_after_a_rollback_embeds_nothing_and_publishes_anew(desk: Desk, milestone: str) -> None:
    """The journey runs on from where it went back to: same digest, new revision, not one embedding."""
    with opened(desk.home) as mp:
        journey = desk.ingest(mp, a="text", b="more")
        full, computed = mp.kb_digest(KB).digest, embedded(desk.home)
        mp.rollback_to_checkpoint(journey.checkpoint(milestone))
        again = mp.resume(journey)
        assert (again.status, again.revision_after) == (JourneyStatus.COMPLETED, 3)
        assert [f.outcome for f in again.files] == ["added", "added"]
        assert mp.kb_digest(KB).digest == full
        assert embedded(desk.home) == computed
        assert again.embeddings_computed == journey.embeddings_computed
        assert mp.resume(journey).revision_after == 3, "of a completed journey there is nothing to resume"
        newest = next(c for c in reversed(again.checkpoints) if c.milestone_id == "expose_complete")
        assert newest.revision == 3
        assert mp.undo(journey).success and view(desk.home) == []


def test_resume_after_others_published(desk: Desk) -> None:
    """Somebody else's work on other sources does not stop a resume, and is not touched by it."""
    with opened(desk.home) as mp:
        journey = desk.ingest(mp, a="text")
        mp.undo(journey)
        desk.ingest(mp, b="of others")
        assert mp.resume(journey).status == JourneyStatus.COMPLETED
        assert {row[2] for row in view(desk.home)} == {"a.md", "b.md"}
        assert mp.undo(journey).success
        assert {row[2] for row in view(desk.home)} == {"b.md"}


def test_resume_is_refused_where_its_own_source_changed(desk: Desk) -> None:
    """A source that somebody changed since is not overwritten: exit 4, nothing done."""
    with opened(desk.home) as mp:
        journey = desk.ingest(mp, a="text")
        mp.undo(journey)
        desk.ingest(mp, a="of others")
        before = mp.kb_digest(KB)
        with pytest.raises(MilepostError) as refused:
            mp.resume(journey)
        assert refused.value.exit_code == 4
        assert mp.kb_digest(KB) == before
        assert mp.status(journey).status == JourneyStatus.ROLLED_BACK


def test_resume_does_not_lay_a_claim_over_what_others_put_there(desk: Desk) -> None:
    """A copy that somebody replaced since is one of the journey's own sources, too."""
    with opened(desk.home) as mp:
        journey = desk.ingest(mp, a="text", b="text")
        mp.undo(journey)
        desk.ingest(mp, b="of others")
        with pytest.raises(StalePlan) as refused:
            mp.resume(journey)
        assert "b.md" in refused.value.facts["moved"][0]
        assert {row[2] for row in view(desk.home)} == {"b.md"}


def test_twice_is_once(desk: Desk) -> None:
    """A second undo, a second rollback to a revision: already there, and no new revision."""
    with opened(desk.home) as mp:
        journey = desk.ingest(mp, a="text")
        desk.ingest(mp, b="more")
        assert not mp.undo(journey).already_there
        log = mp.kb_log(KB)
        again = mp.undo(journey)
        assert again.success and again.already_there
        assert (again.chunks_removed, again.chunks_restored, again.verified) == (0, 0, "confirmed")
        assert mp.kb_log(KB) == log
        assert mp.rollback(to=0, kb=KB).success
        log = mp.kb_log(KB)
        assert mp.rollback(to=0, kb=KB).already_there
        assert mp.kb_log(KB) == log


def test_to_a_revision_takes_later_journeys_along(desk: Desk) -> None:
    """`--to` shows first what goes, takes the whole kb back, and is undone as one."""
    with opened(desk.home) as mp:
        desk.ingest(mp, a="one")
        at_one = mp.kb_digest(KB).digest
        desk.ingest(mp, a="two", b="more")
        mp.kb_remove("a.md", kb=KB)
        at_three = mp.kb_digest(KB).digest
        shown = mp.rollback(to=1, kb=KB, dry_run=True)
        assert shown.success is None and mp.kb_digest(KB).digest == at_three
        done = mp.rollback(to=1, kb=KB)
        same = ("chunks_removed", "chunks_restored", "sources_removed", "sources_restored")
        assert [getattr(shown, name) for name in same] == [getattr(done, name) for name in same]
        assert (done.sources_removed, done.sources_restored) == (["b.md"], ["a.md"])
        assert mp.kb_digest(KB).digest == at_one
        assert mp.rollback(last=True, kb=KB).success
        assert mp.kb_digest(KB).digest == at_three


def test_a_revision_that_released_what_came_before_is_not_crossed(desk: Desk) -> None:
    """With rollback off a journey releases what it replaces: undoing across it is refused by policy, exit 3."""
    with opened(desk.home) as mp:
        first = desk.ingest(mp, a="one", b="stays")
    with opened(desk.home, policy=NONE) as mp:
        second = desk.ingest(mp, a="two")
        assert [(r.revision, r.restorable) for r in mp.kb_log(KB)] == [(2, False), (1, False)]
    with opened(desk.home) as mp:
        before = mp.kb_digest(KB), mp.kb_log(KB), desk.blobs()
        for attempt in (
            lambda: mp.undo(second),
            lambda: mp.undo(first),
            lambda: mp.rollback(to=1, kb=KB),
            lambda: mp.rollback(last=True, kb=KB),
            lambda: mp.search("one", kb=KB, at=1),
        ):
            with pytest.raises(PolicyError) as refused:
                attempt()
            assert refused.value.exit_code == 3
        assert (mp.kb_digest(KB), mp.kb_log(KB), desk.blobs()) == before
        third = desk.ingest(mp, a="three")
        assert mp.undo(third).success, "what came after it can be undone as ever"
        assert mp.kb_digest(KB).digest == before[0].digest


def test_with_rollback_off_a_journey_that_changes_nothing_releases_nothing(desk: Desk) -> None:
    """Unchanged files under policy `none` leave older journeys undoable."""
    with opened(desk.home) as mp:
        first = desk.ingest(mp, a="one")
        second = desk.ingest(mp, a="two")
    with opened(desk.home, policy=NONE) as mp:
        assert desk.ingest(mp, a="two").revision_after == 2
    with opened(desk.home) as mp:
        assert mp.undo(second).success
        assert mp.undo(first).success


def test_an_unknown_checkpoint_and_another_tenants_get_the_same_answer(desk: Desk) -> None:
    """Who may not see a checkpoint learns nothing from asking for it, by any way of asking."""
    with opened(desk.home) as mp:
        theirs = desk.ingest(mp, a="text").checkpoint("before_upload")
    never = theirs[:-4] + "0000"
    with opened(desk.home, user={"user": "ana", "tenant": "another"}) as mp:
        assert mp.checkpoints() == []
        for ask in (mp.rollback_to_checkpoint, mp.preview_rollback, mp.rollback):
            said = []
            for wanted in (theirs, never):
                with pytest.raises(CheckpointNotFound) as refused:
                    ask(wanted)
                error = refused.value
                said.append([str(x).replace(wanted, "ID") for x in (error, error.cause, error.state, error.next)])
            assert said[0] == said[1]
    with opened(desk.home) as mp:
        assert mp.kb_stats(KB).revision == 1


def _asked(home: Path, user: Any, *calls: Any) -> list[dict[str, Any]]:
    """What the proposal's rollback capability answers, called as the proposal calls it."""

    async def ask() -> list[dict[str, Any]]:
        async with AsyncMilepost(home, policy="rollback", embedder=FakeEmbedder(16), user="ana") as mp:
            capability = mp.rollback_capability
            return [
                await (capability.checkpoint_milestone(*args) if len(args) > 1
                       else capability.rollback_to_checkpoint(args[0], user)) for args in calls
            ]  # fmt: skip

    return asyncio.run(ask())


def test_the_capability_answers_alike_for_unknown_and_for_others(desk: Desk) -> None:
    """`{success: False, error: "Checkpoint not found"}`, whether it never was or belongs to another tenant."""
    with opened(desk.home) as mp:
        theirs = desk.ingest(mp, a="text").checkpoint("before_upload")
    other = {"user_id": "eve", "tenant_id": "another"}
    answers = _asked(desk.home, other, (theirs,), ("checkpoint_before_upload_never",))
    assert answers == [{"success": False, "error": "Checkpoint not found"}] * 2
    [done] = _asked(desk.home, {"user_id": "ana"}, (theirs,))
    assert done["success"] and done["verified"] == "confirmed" and done["sources_removed"] == ["a.md"]


def test_a_checkpoint_of_a_state_by_hand(desk: Desk) -> None:
    """Without a handler its state comes back for manual restoration, under the proposal's keys, as often as asked."""
    state = {"rows": 3, "table": "orders", "flags": [True, None]}
    [made] = _asked(desk.home, None, ("orders_loaded", state))
    assert set(made) >= {"checkpoint_id", "milestone_id", "state", "rollback_handler", "timestamp"}
    assert re.fullmatch(r"checkpoint_orders_loaded_[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made["checkpoint_id"])
    wanted = made["checkpoint_id"]
    manual = {"success": True, "checkpoint_id": wanted, "state": state,
              "message": "Checkpoint restored (manual restoration required)"}  # fmt: skip
    assert _asked(desk.home, None, (wanted,), (wanted,)) == [manual, manual]
    with opened(desk.home) as mp:
        done = mp.rollback_to_checkpoint(wanted)
        assert (done.success, done.state, done.message) == (True, state, manual["message"])
        assert asyncio.run(mp.librarian.retrieve_document(wanted)) == made
        assert [d["document_id"] for d in mp.documents("rollback_checkpoint")] == [wanted]


def test_a_checkpoint_by_hand_runs_its_handler_with_its_state(desk: Desk) -> None:
    """Sync or async, from the capability or from `Milepost`; one that fails or is not registered is told."""
    met: list[tuple[str, Any]] = []

    def plain(services: Any, state: dict[str, Any]) -> bool:
        met.append(("plain", state))
        return True

    async def later(services: Any, state: dict[str, Any]) -> bool:
        met.append(("later", state))
        return True

    def broken(services: Any, state: dict[str, Any]) -> bool:
        raise OSError("the table is locked")

    for handler in (plain, later, broken):
        register_handler(f"laws_{handler.__name__}", handler, version=id(handler))
    names = ("laws_plain", "laws_later", "laws_broken", "laws_nobody", "os.system")
    made = _asked(desk.home, None, *[("loaded", {"n": n}, name) for n, name in enumerate(names)])
    ids = [each["checkpoint_id"] for each in made]
    done = _asked(desk.home, None, *[(each,) for each in ids])
    assert [each["success"] for each in done] == [True, True, False, False, False]
    assert met == [("plain", {"n": 0}), ("later", {"n": 1})]
    assert "the table is locked" in done[2]["error"]
    assert [each["handlers"][0]["status"] for each in done] == ["done", "done", "failed", "no_handler", "no_handler"]
    with opened(desk.home) as mp:
        assert mp.rollback_to_checkpoint(ids[0]).success
        assert not mp.rollback_to_checkpoint(ids[2]).success
    assert met[2:] == [("plain", {"n": 0})]


def test_a_rollback_that_was_cut_off_does_not_stand_in_for_a_later_one(desk: Desk) -> None:
    """Cut off after its publish, and the journey resumed since: the same call goes back again, really."""
    with opened(desk.home) as mp:
        journey = desk.ingest(mp, a="text")

        def cut(point: str) -> None:
            if point == "rollback.after_publish":
                raise RuntimeError("cut off")

        faults.arm(cut)
        with pytest.raises(RuntimeError, match="cut off"):
            mp.undo(journey)
        faults.arm(None)
        assert mp.resume(journey).status == JourneyStatus.COMPLETED
        assert len(view(desk.home)) == 4
        done = mp.undo(journey)
        assert done.success and not done.already_there and done.verified == "confirmed"
        assert view(desk.home) == []
        assert mp.undo(journey).already_there
        assert all(j.status != JourneyStatus.INTERRUPTED for j in mp.journeys())


@pytest.mark.parametrize("point", ["rollback.after_intent", "rollback.before_commit", "rollback.before_done"])
@pytest.mark.parametrize("asked", ["undo", "to"])
def test_a_rollback_that_was_cut_off_is_resumed(desk: Desk, point: str, asked: str) -> None:
    """`resume` of the rollback, like the same call again, comes to what the rollback would have come to."""
    with opened(desk.home) as mp:
        desk.ingest(mp, a="one")
        before = mp.kb_digest(KB).digest
        journey = desk.ingest(mp, a="two", b="more")

        def cut(reached: str) -> None:
            if reached == point:
                raise RuntimeError("cut off")

        faults.arm(cut)
        with pytest.raises(RuntimeError, match="cut off"):
            mp.undo(journey) if asked == "undo" else mp.rollback(to=1, kb=KB)
        faults.arm(None)
        rollback = mp.status()
        assert (rollback.journey_type, rollback.status) == ("rollback", JourneyStatus.INTERRUPTED)
        assert mp.resume(rollback).status == JourneyStatus.COMPLETED
        assert mp.kb_digest(KB).digest == before
        assert mp.status(journey).status == JourneyStatus.ROLLED_BACK
        assert mp.rollback(to=1, kb=KB).already_there
        assert mp.kb_stats(KB).revision == 3


def test_undoing_what_never_came_to_a_publish(desk: Desk) -> None:
    """A first journey that ended before it published anything is undone all the same, its upload with it."""
    with opened(desk.home) as mp:
        for stop in ("upload.before_intent", "upload.before_receipt", "expose.before_publish"):

            def cut(point: str, stop: str = stop) -> None:
                if point == stop:
                    raise RuntimeError("cut off")

            faults.arm(cut)
            with pytest.raises(RuntimeError, match="cut off"):
                desk.ingest(mp, **{stop.replace(".", "_"): stop})
            faults.arm(None)
            done = mp.undo(mp.status())
            assert done.success and done.verified == "confirmed"
            assert desk.blobs() == set() and view(desk.home) == []


def test_what_was_dropped_is_not_gone_back_to(desk: Desk) -> None:
    """A dropped kb's checkpoints lead nowhere, least of all to a new kb of the same name."""
    with opened(desk.home) as mp:
        old = desk.ingest(mp, a="text")
        mp.kb_drop(KB)
        desk.ingest(mp, b="text of another")
        before = mp.kb_digest(KB)
        with pytest.raises(CheckpointCollected, match="can no longer be gone back to"):
            mp.undo(old)
        assert mp.kb_digest(KB) == before


def test_what_was_uploaded_before_a_retry_is_kept_at_its_checkpoint(desk: Desk) -> None:
    """Back to the first `upload_complete` of a journey that was retried, the first upload is still there."""
    with opened(desk.home) as mp:
        [good] = desk.write(good="text")
        bad = desk.files / "bad.md"
        bad.write_text("")
        journey = mp.ingest([good, str(bad)], kb=KB)
        kept, first = desk.blobs(), journey.checkpoint("upload_complete")
        desk.write(bad="mended")
        retried = mp.resume(journey)
        assert retried.status == JourneyStatus.COMPLETED and retried.checkpoint("upload_complete") != first
        assert mp.rollback_to_checkpoint(first).success
        assert view(desk.home) == [] and kept <= desk.blobs()
        assert mp.undo(journey).success and desk.blobs() == set()
        assert mp.resume(journey).status == JourneyStatus.COMPLETED
        assert {row[2] for row in view(desk.home)} == {"good.md", "bad.md"}


def test_undo_by_owner_only(desk: Desk) -> None:
    """With `undo_by = "owner"` a colleague's undo is refused by policy; without it, it is done and recorded."""
    policy = {**POLICY, "undo_by": "owner"}
    with opened(desk.home, policy=policy) as mp:
        owned = desk.ingest(mp, a="text")
    with opened(desk.home, user="bob") as mp:
        free = desk.ingest(mp, b="text too")
        with pytest.raises(PolicyError):
            mp.undo(owned)
    with opened(desk.home) as mp:
        done = mp.undo(free)
        assert mp.status(done.journey_id).user == "ana"


def test_drift_is_reported(desk: Desk) -> None:
    """Where the collection is not what the rollback left, it says so and does not call that confirmed."""
    with opened(desk.home) as mp:
        journey = desk.ingest(mp, a="one")
        desk.ingest(mp, b="two")
        chroma, kb = mp.workspace.services.home.chroma, mp.workspace.services.home.knowledge.kb("default", KB)

        def tamper(point: str) -> None:
            if point == "rollback.after_follow":
                index = chroma.index(kb.collection)
                index.delete([sorted(index.ids())[0]])

        faults.arm(tamper)
        assert mp.undo(journey).verified == "drift"
        faults.arm(None)
        assert not mp.kb_verify(KB).ok
        mp.kb_rebuild(KB)
        assert mp.kb_verify(KB).ok
        assert mp.undo(journey).verified == "confirmed"


def test_tampering_from_outside_is_mended_before_a_rollback(desk: Desk) -> None:
    """A text that somebody changed in the collection comes back from the record, and the restored state is exact."""
    import chromadb
    from chromadb.config import Settings

    with opened(desk.home) as mp:
        desk.ingest(mp, a="one")
        before = mp.kb_digest(KB).digest
        journey = desk.ingest(mp, b="two")
        name = mp.kb_stats(KB).collection
    client = chromadb.PersistentClient(str(desk.home / "chroma"), settings=Settings(anonymized_telemetry=False))
    collection = client.get_collection(name, embedding_function=None)
    row = collection.get(limit=1, include=["embeddings"])
    collection.update(ids=row["ids"], documents=["forged"], embeddings=row["embeddings"])
    client.close()  # type: ignore[attr-defined]  # as above
    with opened(desk.home) as mp:
        assert not mp.kb_verify(KB).ok
        assert mp.undo(journey).verified == "confirmed"
        assert mp.kb_digest(KB).digest == before
        assert mp.kb_verify(KB).ok


def test_a_checkpoint_that_a_journey_has_not_is_a_milepost_error(desk: Desk) -> None:
    """`journey.checkpoint` names what there is, and raises what every other unknown checkpoint raises."""
    with opened(desk.home) as mp:
        journey = desk.ingest(mp, a="text")
    with pytest.raises(CheckpointNotFound, match="lunch_complete") as told:
        journey.checkpoint("lunch_complete")
    assert "before_upload" in told.value.cause
