"""Law: a journey does what its plan says, file by file and chunk by chunk, and planning changes nothing.

A plan is for one world: the same request in the same world has the same id, and once something moved it is refused,
with a sentence for each thing that did.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from works import KB, POLICY, embedded, opened, view

from milepost.store import faults
from milepost.store.errors import StalePlan
from milepost.store.records import JourneyStatus

ENDS_AS = {"add": "added", "replace": "replaced", "skip": "skipped", "reject": "rejected", "remove": "removed"}
BAD = (b"%PDF-1.7\nthis is no document", b"", b"PK\x03\x04 no archive", b"\x00\x01\x02\x03" * 50)


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    faults.arm(None)


def _text(words: str, paragraphs: int) -> bytes:
    return "\n\n".join(f"{words}, paragraph {n}. " + "And on. " * 15 for n in range(paragraphs)).encode()


NAMES = st.sampled_from(["a.md", "b.txt", "c.md", "sub/d.md", "e.pdf", "f.docx"])
CONTENTS = st.one_of(
    st.tuples(st.sampled_from(["one", "two", "three"]), st.integers(1, 4)).map(lambda each: _text(*each)),
    st.sampled_from(BAD),
)
FOLDERS = st.dictionaries(NAMES, CONTENTS, min_size=1, max_size=6)


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@settings(max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(first=FOLDERS, second=FOLDERS, missing=st.sampled_from(["keep", "remove"]))
def test_outcomes_are_what_the_plan_said(first: dict[str, bytes], second: dict[str, bytes], missing: str) -> None:
    """New, changed, duplicate, unchanged, bad and vanished files: each ends as planned, with its chunks."""
    with tempfile.TemporaryDirectory() as root:
        folder, home = Path(root) / "files", Path(root) / "home"
        with opened(home, policy={**POLICY, "on_missing": missing}) as mp:
            for edition in (first, second):
                for path in [p for p in folder.rglob("*") if p.is_file()]:
                    path.unlink()
                _write(folder, edition)
                _apply_and_compare(mp, home, folder)


def _apply_and_compare(mp: Any, home: Path, folder: Path) -> None:
    before = view(home)
    had = sum(embedded(home).values())
    plan = mp.plan([folder], kb=KB)
    assert view(home) == before, "planning changed the kb"
    assert mp.plan([folder], kb=KB).plan_id == plan.plan_id
    counts = Counter(file.action for file in plan.files)
    assert plan.summary.model_dump(exclude={"warn"}) == {action: counts[action] for action in ENDS_AS}
    journey = mp.apply(plan)
    assert [(f.source, f.outcome, f.reason, f.detail) for f in journey.files] == [
        (f.source, ENDS_AS[f.action], f.reason, f.detail) for f in plan.files
    ]
    taken = {f.source: f.chunks for f in plan.files if f.action in ("add", "replace")}
    assert {f.source: f.chunks for f in journey.files if f.outcome in ("added", "replaced")} == taken
    assert journey.status == (JourneyStatus.PARTIAL if counts["reject"] else JourneyStatus.COMPLETED)
    assert journey.embeddings_computed == plan.resources["embeddings"] == sum(embedded(home).values()) - had
    moves = counts["add"] + counts["replace"] + counts["remove"] > 0
    claims = any(f.reason == "duplicate" for f in plan.files)
    assert (journey.revision_after > journey.revision_before) is (moves or claims)
    _shows(view(home), taken)
    assert mp.kb_list() == [] or mp.kb_verify(KB).ok
    again = mp.plan([folder], kb=KB)
    assert not any(f.action in ("add", "replace", "remove") for f in again.files), "the second time all is unchanged"
    assert not any(f.reason == "duplicate" for f in again.files)


def _shows(seen: list[list[Any]], taken: dict[str, int]) -> None:
    shown = Counter(row[2] for row in seen)
    assert {source: shown[source] for source in taken} == taken


def test_planning_changes_nothing_in_any_kb(tmp_path: Path) -> None:
    """Every kb's digest, log and files in the blobs are as before, whatever was planned, applied or not."""
    folder = tmp_path / "files"
    _write(folder, {"a.md": _text("one", 3)})
    with opened(tmp_path / "home") as mp:
        mp.ingest([folder], kb=KB)
        mp.ingest([folder], kb="other")
        before = [(mp.kb_digest(kb), mp.kb_log(kb)) for kb in (KB, "other")]
        _write(folder, {"a.md": _text("two", 3), "b.md": _text("new", 2), "bad.pdf": BAD[0]})
        for kb in (KB, "other", "third"):
            mp.plan([folder], kb=kb)
        assert [(mp.kb_digest(kb), mp.kb_log(kb)) for kb in (KB, "other")] == before
        assert {kb.name for kb in mp.kb_list()} == {KB, "other"}
        assert [j for j in mp.journeys() if j.status != JourneyStatus.COMPLETED] == []


def test_the_same_request_in_the_same_world_is_the_same_plan(tmp_path: Path) -> None:
    """Same id twice, another id after any change of the request or of the world."""
    folder = tmp_path / "files"
    _write(folder, {"a.md": _text("one", 3)})
    with opened(tmp_path / "home") as mp:
        plan = mp.plan([folder], kb=KB)
        assert mp.plan([folder], kb=KB).plan_id == plan.plan_id
        others = [mp.plan([folder], kb="other"), mp.plan([folder], kb=KB, expose=False),
                  mp.plan([folder], kb=KB, policy={"chunk": {"size": 300}})]  # fmt: skip
        _write(folder, {"b.md": _text("two", 1)})
        others.append(mp.plan([folder], kb=KB))
        ids = {plan.plan_id, *(other.plan_id for other in others)}
        assert len(ids) == 5
    with opened(tmp_path / "second-home") as mp:
        assert mp.plan([folder], kb=KB).plan_id == others[-1].plan_id


def test_applying_a_plan_twice_is_one_journey(tmp_path: Path) -> None:
    """A plan has one journey: the second time its journey is returned, and nothing is done."""
    folder = tmp_path / "files"
    _write(folder, {"a.md": _text("one", 3), "bad.pdf": BAD[0]})
    with opened(tmp_path / "home") as mp:
        plan = mp.plan([folder], kb=KB)
        first = mp.apply(plan)
        assert mp.apply(plan) == first
        assert mp.apply(plan.plan_id) == first
        assert len(mp.kb_log(KB)) == 1


def test_a_partial_journey_says_why_and_its_resume_takes_what_was_mended(tmp_path: Path) -> None:
    """Each bad file has its reason; a resume retries exactly those, embeds only them, and completes at last."""
    folder, home = tmp_path / "files", tmp_path / "home"
    _write(folder, {"a.md": _text("one", 3), "b.pdf": BAD[0], "c.txt": BAD[1]})
    with opened(home) as mp:
        journey = mp.ingest([folder], kb=KB)
        assert journey.status == JourneyStatus.PARTIAL
        bad = {f.source: f.reason for f in journey.files if f.outcome == "rejected"}
        assert set(bad) == {"b.pdf", "c.txt"} and bad["c.txt"] == "empty" and bad["b.pdf"]
        assert all(f.detail for f in journey.files if f.outcome == "rejected")
        had = embedded(home)
        _write(folder, {"c.txt": _text("mended", 2)})
        second = mp.resume(journey)
        assert second.journey_id == journey.journey_id
        assert (second.status, {f.source: f.outcome for f in second.files}) == (
            JourneyStatus.PARTIAL, {"a.md": "added", "b.pdf": "rejected", "c.txt": "added"})  # fmt: skip
        assert len(embedded(home) - had) == 2
        (folder / "b.pdf").write_bytes(_text("no pdf, but text", 1))
        third = mp.resume(journey)
        assert third.status == JourneyStatus.COMPLETED
        assert max(embedded(home).values()) == 1
        assert mp.undo(journey).success and view(home) == []


def test_a_mended_file_replaces_the_source_that_was_there(tmp_path: Path) -> None:
    """A file that was bad when planned and whose source is in the kb ends as replaced."""
    folder = tmp_path / "files"
    _write(folder, {"a.txt": _text("one", 3)})
    with opened(tmp_path / "home") as mp:
        mp.ingest([folder], kb=KB)
        before = mp.kb_digest(KB).digest
        _write(folder, {"a.txt": b""})
        journey = mp.ingest([folder], kb=KB)
        assert [f.outcome for f in journey.files] == ["rejected"]
        assert mp.kb_digest(KB).digest == before
        _write(folder, {"a.txt": _text("two", 1)})
        assert [f.outcome for f in mp.resume(journey).files] == ["replaced"]
        assert mp.undo(journey).success
        assert mp.kb_digest(KB).digest == before


def test_a_file_that_changes_after_planning_is_not_taken(tmp_path: Path) -> None:
    """Changed between the plan and its upload: refused before the start, failed after it, and never half."""
    folder = tmp_path / "files"
    _write(folder, {"a.md": _text("one", 3), "b.md": _text("two", 2), "copy-of-b.md": _text("two", 2)})
    with opened(tmp_path / "home") as mp:
        plan = mp.plan([folder], kb=KB)

        def change(point: str) -> None:
            if point == "upload.before_intent":
                (folder / "b.md").write_bytes(_text("changed meanwhile", 2))

        faults.arm(change)
        journey = mp.apply(plan)
        faults.arm(None)
        assert journey.status == JourneyStatus.PARTIAL
        ends = {f.source: (f.outcome, f.reason) for f in journey.files}
        assert ends["a.md"] == ("added", None) and ends["b.md"] == ("failed", "changed_while_reading")
        assert ends["copy-of-b.md"][0] == "failed", "there is no content that it could be a copy of"
        assert {row[2] for row in view(tmp_path / "home")} == {"a.md"}
        mended = mp.resume(journey)
        assert mended.status == JourneyStatus.COMPLETED
        assert {row[2] for row in view(tmp_path / "home")} == {"a.md", "b.md", "copy-of-b.md"}


def test_staged_is_not_seen_until_a_resume_exposes_it(tmp_path: Path) -> None:
    """Without expose everything is ready and nothing is searchable; the resume publishes and embeds nothing."""
    folder, home = tmp_path / "files", tmp_path / "home"
    _write(folder, {"a.md": _text("one", 3), "b.md": _text("one", 3)})
    with opened(home) as mp:
        journey = mp.ingest([folder], kb=KB, expose=False)
        assert (journey.status, journey.revision_after) == (JourneyStatus.COMPLETED, 0)
        assert [f.outcome for f in journey.files] == ["staged", "skipped"]
        assert view(home) == [] and mp.kb_digest(KB).digest == hashlib.sha256().hexdigest()
        had = embedded(home)
        exposed = mp.resume(journey)
        assert (exposed.status, exposed.revision_after) == (JourneyStatus.COMPLETED, 1)
        assert [f.outcome for f in exposed.files] == ["added", "skipped"]
        assert "expose_complete" in {c.milestone_id for c in exposed.checkpoints}
        assert embedded(home) == had and len(view(home)) == 3
        assert mp.resume(journey).revision_after == 1
        assert mp.undo(journey).success and view(home) == []


def test_staged_and_undone_is_staged_again_by_a_resume(tmp_path: Path) -> None:
    """Going back takes the uploads away; going on stages, and does not expose what was never asked to be."""
    folder, home = tmp_path / "files", tmp_path / "home"
    _write(folder, {"a.md": _text("one", 3)})
    with opened(home) as mp:
        journey = mp.ingest([folder], kb=KB, expose=False)
        assert mp.undo(journey).success
        assert list((home / "blobs").glob("??/*")) == []
        again = mp.resume(journey)
        assert (again.status, again.revision_after) == (JourneyStatus.COMPLETED, 0)
        assert [f.outcome for f in again.files] == ["staged"] and view(home) == []
        assert len(list((home / "blobs").glob("??/*"))) == 1
        assert mp.resume(journey).revision_after == 1
        assert len(view(home)) == 3 and max(embedded(home).values()) == 1


def test_a_stale_plan_says_what_moved(tmp_path: Path) -> None:
    """A changed file, a file that went, a new revision: each is named, nothing is done; replanning goes on."""
    folder, home = tmp_path / "files", tmp_path / "home"
    _write(folder, {"a.md": _text("one", 3), "b.md": _text("two", 2), "c.md": _text("three", 1)})
    with opened(home) as mp:
        plan = mp.plan([folder], kb=KB)
        _write(folder, {"a.md": _text("changed", 3)})
        (folder / "b.md").unlink()
        mp.ingest([("elsewhere.txt", _text("by somebody else", 1))], kb=KB)
        before = mp.kb_digest(KB)
        with pytest.raises(StalePlan) as refused:
            mp.apply(plan)
        assert refused.value.exit_code == 4
        moved = refused.value.facts["moved"]
        assert len(moved) == 3
        assert any("a.md" in each and "changed" in each for each in moved)
        assert any("b.md" in each and "gone" in each for each in moved)
        assert any("revision 1" in each for each in moved)
        assert mp.kb_digest(KB) == before
        journey = mp.apply(plan, replan=True)
        assert journey.plan_id != plan.plan_id and journey.status == JourneyStatus.COMPLETED
        assert {row[2] for row in view(home)} == {"a.md", "c.md", "elsewhere.txt"}


def test_replanning_keeps_what_came_as_bytes(tmp_path: Path) -> None:
    """Inputs that lie in no file are in the new plan, too, and so is a policy that was given for this plan."""
    with opened(tmp_path / "home") as mp:
        plan = mp.plan([("note.txt", _text("a note", 3))], kb=KB, policy={"chunk": {"size": 400, "overlap": 0}})
        mp.ingest([("other.txt", _text("other", 1))], kb=KB)
        with pytest.raises(StalePlan):
            mp.apply(plan)
        journey = mp.apply(plan, replan=True)
        assert [(f.source, f.outcome) for f in journey.files] == [("note.txt", "added")]
        assert mp.show(journey.plan_id).policy == plan.policy
