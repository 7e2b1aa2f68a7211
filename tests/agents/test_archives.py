"""Law: with `archives` the members of an archive are sources like any others; without, it is one rejected file."""

from __future__ import annotations

import io
import zipfile

import pytest
from planner_kit import EMBEDDER, USER, World

from milepost import Milepost
from milepost.agents.planner import stale
from milepost.store.errors import StalePlan, UsageError
from milepost.store.policy import Policy

OPEN = Policy.rollback(archives=True)


def packed(**members: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in members.items():
            archive.writestr(f"in/{name}.md", text)
    return data.getvalue()


def opened(world: World, policy: Policy = OPEN) -> Milepost:
    return Milepost(world.home_path, policy=policy, embedder=EMBEDDER, user=USER)


def test_without_the_key_an_archive_is_rejected_and_the_option_is_named(world: World) -> None:
    """Nothing is opened that nobody asked for."""
    world.write("a.zip", packed(one="First text."))
    [file] = world.plan().files
    assert (file.action, file.reason) == ("reject", "unsupported_type") and "--archives" in (file.detail or "")


def test_members_are_planned_applied_searched_and_undone(world: World) -> None:
    """Under the archive's name; again there is nothing to do; a file of the folder is as ever."""
    world.write("a.zip", packed(one="First text.", two="Second text."))
    world.write("plain.md", "Plain text.")
    with opened(world) as mp:
        plan = mp.plan([world.docs], kb="hr")
        assert [file.source for file in plan.files] == ["a.zip/in/one.md", "a.zip/in/two.md", "plain.md"]
        assert plan.files[0].path == f"{world.docs}/a.zip/in/one.md"
        journey = mp.apply(plan)
        assert (str(journey.status), {file.outcome for file in journey.files}) == ("completed", {"added"})
        assert mp.search("Second text.", kb="hr")[0].source == "a.zip/in/two.md"
        again = mp.ingest([world.docs], kb="hr")
        assert {file.reason for file in again.files} == {"unchanged"} and again.embeddings_computed == 0
        assert mp.undo(journey).verified == "confirmed"
        assert mp.search("Second text.", kb="hr") == []
        assert str(mp.resume(journey.journey_id).status) == "completed"
        assert mp.search("Second text.", kb="hr")[0].source == "a.zip/in/two.md"
    assert not list((world.home_path / "blobs" / "incoming").iterdir())


def test_an_archive_that_changed_makes_the_plan_stale(world: World) -> None:
    """Also where the member did not change: what else is in it was promised, too."""
    path = world.write("a.zip", packed(one="First text."))
    with opened(world) as mp:
        plan = mp.plan([world.docs], kb="hr")
        world.write("a.zip", packed(one="First text.", two="Second text."))
        with pytest.raises(StalePlan, match=r"a\.zip changed"):
            mp.apply(plan)
        assert len(mp.apply(plan, replan=True).files) == 2
    path.unlink()
    with world.services() as services:
        assert any("is gone" in sentence for sentence in stale(services, plan))


def test_a_member_that_left_its_archive_is_missing(world: World) -> None:
    """As a file that left its folder is."""
    world.write("a.zip", packed(one="First text.", two="Second text."))
    world.ingest(policy=OPEN)
    world.write("a.zip", packed(one="First text."))
    plan = world.plan(policy=Policy.rollback(archives=True, on_missing="remove"))
    assert {file.source: file.action for file in plan.files} == {"a.zip/in/one.md": "skip", "a.zip/in/two.md": "remove"}


def test_an_archive_may_come_as_bytes(world: World) -> None:
    """Its members are kept until the plan is applied; another time it can be planned again from them."""
    with opened(world) as mp:
        plan = mp.plan([("b.zip", packed(one="First text."))], kb="hr")
        assert [file.source for file in plan.files] == ["b.zip/in/one.md"]
        world.write("other.md", "Other text.")
        mp.ingest([world.docs], kb="hr")
        journey = mp.apply(plan, replan=True)
        assert [(file.source, file.outcome) for file in journey.files] == [("b.zip/in/one.md", "added")]


def test_a_request_speaks_of_members(world: World) -> None:
    """By their own names."""
    world.write("a.zip", packed(one="First text.", two="Second text."))
    plan = world.plan(policy=OPEN, request="everything except two.md")
    assert {file.source: file.action for file in plan.files} == {"a.zip/in/one.md": "add", "a.zip/in/two.md": "skip"}


def test_what_was_rejected_in_an_archive_is_tried_again_from_the_archive(world: World) -> None:
    """With the same true reasons while it is as it was; a member that was mended is taken."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in (
            ("good.md", "Good text."),
            ("../evil.md", "Evil."),
            ("bad.pdf", "%PDF-1.7 cut"),
            ("no.md", ""),
        ):
            archive.writestr(name, text)
    world.write("a.zip", data.getvalue())
    world.write("b.zip", b"PK\x03\x04 no archive")
    reasons = {"../evil.md": "path_traversal", "bad.pdf": "corrupt", "no.md": "empty"}
    expected = {f"a.zip/{name}": reason for name, reason in reasons.items()} | {
        "a.zip/good.md": None,
        "b.zip": "corrupt",
    }
    with opened(world) as mp:
        journey = mp.ingest([world.docs], kb="hr")
        assert {file.source: file.reason for file in journey.files} == expected
        again = mp.resume(journey.journey_id)
        assert {file.source: file.reason for file in again.files} == expected
        with zipfile.ZipFile(world.docs / "a.zip", "w") as archive:
            archive.writestr("no.md", "Now there is text.")
        mended = {file.source: file.outcome for file in mp.resume(journey.journey_id).files}
        assert mended["a.zip/no.md"] == "added" and mp.search("Now there is text.", kb="hr")[0].source == "a.zip/no.md"


def test_bad_archives_stay_with_their_reason_and_documents_are_no_archives(world: World) -> None:
    """The sandbox says why; a member called like another input is refused."""
    world.write("bad.zip", b"PK\x03\x04 no archive")
    [file] = world.plan(policy=OPEN).files
    assert (file.source, file.reason) == ("bad.zip", "corrupt")
    with pytest.raises(UsageError, match="two inputs are called"):
        world.plan(("c.zip", packed(one="First text.")), ("c.zip/in/one.md", b"other"), policy=OPEN)
