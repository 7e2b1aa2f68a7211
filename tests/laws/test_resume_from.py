"""Law: from any checkpoint of its own a journey goes on: as it was, or with other options as a new plan and journey.

That one names its parent; from an upload on it has the bytes that were uploaded, whatever the files hold by now.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traces import Desk
from works import KB, POLICY, QUERY, embedded, opened

from milepost.cli import main
from milepost.store.errors import CheckpointCollected, CheckpointNotFound, PolicyError, RollbackConflict, UsageError

SMALL = {**POLICY, "chunk": {"size": 100, "overlap": 0}}


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def texts(mp: Any) -> list[str]:
    return sorted(hit.text for hit in mp.search(QUERY, kb=KB, k=100))


@pytest.mark.parametrize("milestone", ["upload_complete", "parse_complete", "embed_complete", "expose_complete"])
def test_other_options_from_a_checkpoint_on(desk: Desk, milestone: str) -> None:
    """A new plan and journey with its parent; the same chunks as a first ingest with these options would have made."""
    path = desk.write("one")
    with opened(desk.root / "other", policy=SMALL) as other:
        other.ingest([path], kb=KB)
        wanted, digest = texts(other), other.kb_digest(KB).digest
    with opened(desk.home) as mp:
        first = mp.ingest([path], kb=KB)
        before = texts(mp)
        Path(path).write_text("something else by now")
        went_on = mp.resume(first, from_checkpoint=first.checkpoint(milestone), policy=SMALL)
        assert (went_on.status, went_on.parent) == ("completed", first.journey_id)
        assert went_on.journey_id != first.journey_id and went_on.plan_id != first.plan_id
        assert (texts(mp), mp.kb_digest(KB).digest) == (wanted, digest)
        assert mp.kb_verify(KB).ok
        assert mp.status(first).status == ("completed" if milestone == "expose_complete" else "rolled_back")
        assert mp.undo(went_on).verified == "confirmed"
        assert texts(mp) == (before if milestone == "expose_complete" else [])


def test_from_before_the_upload_the_files_are_read_anew(desk: Desk) -> None:
    """There nothing was uploaded yet: what the files hold now is what is planned."""
    with opened(desk.home) as mp:
        first = mp.ingest([desk.write("one")], kb=KB)
        desk.write("two")
        mp.resume(first, from_checkpoint=first.checkpoint("before_upload"), policy=SMALL)
        assert all(text.startswith("two") or "So it goes" in text for text in texts(mp))
        assert any(text.startswith("two") for text in texts(mp))


def test_without_other_options_the_journey_itself_goes_on(desk: Desk) -> None:
    """Back to the checkpoint and on from there: the same journey, the same digest, nothing embedded again."""
    with opened(desk.home) as mp:
        first = mp.ingest([desk.write("one"), desk.write("same", "b.md"), desk.write("same", "c.md")], kb=KB)
        digest, made = mp.kb_digest(KB).digest, embedded(desk.home)
        again = mp.resume(first, from_checkpoint=first.checkpoint("upload_complete"))
        assert (again.journey_id, again.status, again.revision_after) == (first.journey_id, "completed", 3)
        assert (mp.kb_digest(KB).digest, embedded(desk.home)) == (digest, made)


def test_bytes_that_came_without_a_file_are_planned_again(desk: Desk) -> None:
    """With and without a checkpoint: they lie in the blobs."""
    with opened(desk.home) as mp:
        first = mp.ingest([("a.md", b"bytes that came without a file")], kb=KB)
        again = mp.resume(first, policy={**SMALL, "prove": "all"})
        assert again.parent == first.journey_id and [f.outcome for f in again.files] == ["replaced"]
        mp.undo(again)
        second = mp.resume(first, from_checkpoint=first.checkpoint("parse_complete"), policy=SMALL)
        assert [f.outcome for f in second.files] == ["added"]
        assert mp.search("bytes", kb=KB)[0].source == "a.md"
        mp.undo(second)
        third = mp.resume(first, from_checkpoint=first.checkpoint("before_upload"), policy={**SMALL, "prove": "all"})
        assert [f.outcome for f in third.files] == ["added"]
        mp.undo(third)
        with pytest.raises(UsageError, match="no longer kept"):
            mp.resume(first, policy=SMALL)


def test_its_mistakes(desk: Desk, capsys: Any) -> None:
    """Another journey's checkpoint, an unknown one, a collected one, a rollback's, a conflict, wrong options."""
    brief = {**POLICY, "retention": {"days": 0}}
    with opened(desk.home) as mp:
        first = mp.ingest([desk.write("one")], kb=KB)
        other = mp.ingest([desk.write("other", "b.md")], kb=KB)
        gone = mp.ingest([desk.write("gone", "c.md")], kb=KB, policy=brief)
        back = mp.undo(other)
        before = (mp.kb_digest(KB).digest, mp.kb_stats(KB).revision)
        own = first.checkpoint("upload_complete")
        for wanted, error, said in (
            (other.checkpoint("before_upload"), UsageError, f"is not a checkpoint of {first.journey_id}"),
            ("checkpoint_that_never_was", CheckpointNotFound, "there is no checkpoint"),
        ):
            with pytest.raises(error, match=said):
                mp.resume(first, from_checkpoint=wanted, policy=SMALL)
        with pytest.raises(UsageError, match="is a rollback"):
            mp.resume(back.journey_id, from_checkpoint=mp.status(back.journey_id).checkpoint("before_rollback"))
        mp.gc()
        with pytest.raises(CheckpointCollected):
            mp.resume(gone, from_checkpoint=gone.checkpoint("upload_complete"), policy=SMALL)
        with pytest.raises(PolicyError):
            mp.resume(first, from_checkpoint=own, policy={"chunk": {"sise": 3}})
        assert (mp.kb_digest(KB).digest, mp.kb_stats(KB).revision) == before
        mp.ingest([desk.write("changed")], kb=KB)
        with pytest.raises(RollbackConflict):
            mp.resume(first, from_checkpoint=own, policy=SMALL)
    home = ["--home", str(desk.home)]
    assert main(["resume", first.journey_id, "--from", other.checkpoint("before_upload"), "--yes", *home]) == 2
    assert f"{other.journey_id} took it" in capsys.readouterr().err


def test_the_command_asks_before_it_goes_back(desk: Desk, capsys: Any) -> None:
    """Without a terminal and `--yes` it exits 2; with it, the journey that went on says whose child it is."""
    with opened(desk.home) as mp:
        first = mp.ingest([desk.write("one")], kb=KB)
        revision = mp.kb_stats(KB).revision
    place = first.checkpoint("parse_complete")
    words = ["resume", first.journey_id, "--from", place, "--set", "chunk.size=100", "--home", str(desk.home)]
    words += ["--policy", "rollback"]
    assert main(words) == 2
    assert main([*words, "--dry-run"]) == 0
    assert "4 chunks to go" in capsys.readouterr().out
    with opened(desk.home) as mp:
        assert mp.kb_stats(KB).revision == revision
