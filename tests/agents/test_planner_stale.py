"""Law: a plan is fresh while its world is as it was, and says in one sentence each what moved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from planner_kit import USER, World

from milepost.agents.planner import PlanRequest, draft, draft_removal, keep_plan, stale
from milepost.store.home import Home
from milepost.store.plan import Plan
from milepost.store.policy import Policy
from milepost.tools.embedders import FakeEmbedder
from milepost.tools.services import Services


def moved(world: World, plan: Plan, policy: Policy | None = None) -> list[str]:
    """What `stale` says of a plan now."""
    with world.services() as services:
        return stale(services, plan, policy)


def test_a_plan_of_yesterday_is_fresh_if_nothing_moved(world: World) -> None:
    """Planning again, and files that are not the plan's, make nothing stale."""
    world.write("a.md", "Text.")
    world.write("bad.bin", bytes(range(256)) * 9)
    plan = world.plan()
    world.plan()
    (world.docs.parent / "other.md").write_text("Another file.")
    assert moved(world, plan) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: path.write_text("Changed."), "changed"),
        (lambda path: path.unlink(), "gone"),
        (lambda path: path.write_bytes(path.read_bytes()), None),
    ],
)
def test_a_file_that_changed_or_went_is_named(world: World, change: Callable[[Path], object], said: str | None) -> None:
    """By its content: written again with the same bytes it is the same file."""
    path = world.write("a.md", "Text.")
    plan = world.plan()
    change(path)
    found = moved(world, plan)
    assert [str(path) in sentence and (said or "") in sentence for sentence in found] == ([True] if said else [])


def test_an_unchanged_file_that_changes_later_makes_the_plan_stale(world: World) -> None:
    """A skipped file is part of what was promised; one that the request left out is not."""
    world.write("a.md", "Text.")
    world.ingest()
    plan = world.plan()
    world.write("a.md", "Changed.")
    assert len(moved(world, plan)) == 1
    left_out = world.plan(request="everything except PDFs and a.md")
    world.write("a.md", "Changed again.")
    assert moved(world, left_out) == []


def test_a_new_revision_makes_a_plan_stale(world: World) -> None:
    """Whoever published it: what would be replaced may be another thing now."""
    world.write("a.md", "Text.")
    plan = world.plan()
    world.ingest(("other.md", b"Other."))
    assert any("revision 1" in sentence for sentence in moved(world, plan))


def test_another_embedder_policy_or_chunker_makes_a_plan_stale(world: World) -> None:
    """Each is named."""
    world.write("a.md", "Text.")
    plan = world.plan()
    home = Home(world.home_path, embedder=lambda: FakeEmbedder(8))
    try:
        assert any("embedder" in one for one in stale(Services(home, world.pool, USER), plan))
    finally:
        home.close()
    assert moved(world, plan, Policy.rollback()) == []
    assert any("policy" in one for one in moved(world, plan, Policy.full()))
    older = plan.model_copy(update={"base": plan.base.model_copy(update={"parser": "old/1", "chunker": "old/1"})})
    assert ["parser" in one or "chunker" in one for one in moved(world, older)] == [True, True]


def test_a_file_that_is_back_makes_its_removal_stale(world: World) -> None:
    """The removal of a missing file's source is off when the file is there again; `kb remove` looks at no file."""
    world.write("a.md", "Text.")
    world.write("b.md", "Second.")
    world.ingest()
    (world.docs / "b.md").unlink()
    plan = world.plan(policy=Policy.rollback(on_missing="remove"))
    assert plan.summary.remove == 1
    assert moved(world, plan) == []
    world.write("b.md", "Second.")
    assert any("is back" in sentence for sentence in moved(world, plan))
    with world.services() as services:
        assert stale(services, draft_removal(services, "hr", "b.md", Policy.rollback())) == []


def test_bytes_cannot_go_stale(world: World) -> None:
    """What was given as bytes lies in the blobs; a file of that name has nothing to do with it."""
    asked = PlanRequest(paths=[("a.md", b"Text.")], kb="hr", request=None, policy=Policy.rollback())
    with world.services() as services:
        plan = keep_plan(services, asked)
        assert plan == draft(services, asked).model_copy(update={"generated_at": plan.generated_at})
        assert stale(services, plan) == []
