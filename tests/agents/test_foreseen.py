"""Law: a plan that goes back shows beforehand whose journeys, and exactly what goes and what comes back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from milepost import Milepost
from milepost.agents.chat_model import ModelEndpoint
from milepost.agents.fake_server import Call, FakeServer, Reply, says


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Milepost]:
    """A kb of three journeys: one adds, one replaces, one adds under words of its own."""
    with Milepost(tmp_path / "home", policy="rollback", embedder="fake", user="ada") as mp:
        mp.ingest([("a.md", b"text a"), ("b.md", b"text b")], kb="hr")
        mp.ingest([("a.md", b"text a, newer")], kb="hr")
        mp.ingest([("c.md", b"text c")], kb="hr", request="add the minutes")
        yield mp


@pytest.mark.parametrize("words", ["undo the last import", "undo the last two", "undo the last 3"])
def test_what_is_shown_is_what_happens(desk: Milepost, words: str) -> None:
    """Chunks and sources, as the difference of the revisions has them afterwards."""
    plan = desk.plan([], kb="hr", request=words)
    told = plan.resources["going_back"]
    journey = desk.apply(plan)
    diff = desk.kb_diff("hr", from_=journey.revision_before, to=journey.revision_after)
    assert (told["chunks_removed"], told["chunks_restored"]) == (diff.chunks_removed, diff.chunks_added)
    assert sorted(told["sources_removed"]) == sorted(diff.sources_removed)
    assert sorted(told["sources_restored"]) == sorted([*diff.sources_added, *diff.sources_changed])
    assert len(told["journeys"]) == len(plan.steps)


def test_people_see_whose_journey_and_what_goes(desk: Milepost) -> None:
    """On the terminal and on the page: the journey by its request and its person, each source, the sum."""
    plan = desk.plan([], kb="hr", request="undo the last two")
    text, page = plan.render(), plan.markdown()
    for shown in (text, page):
        assert '"add the minutes"' in shown and "by ada" in shown and "before" in shown
        assert "c.md" in shown and "a.md" in shown and "b.md" not in shown
    assert "  - goes     c.md" in text and "  + returns  a.md" in text
    assert "Plan: 2 journeys to undo: 2 chunks to go, 1 comes back." in text


def test_what_stands_in_the_way_is_shown_and_warned_about(desk: Milepost) -> None:
    """A model wants the first journey back, whose source another one has changed since."""
    first = desk.journeys("hr")[-1].journey_id
    place = next(one for one in desk.checkpoints(first) if one.milestone_id == "before_upload")

    def going_back(call: Call) -> Reply:
        times = {(one["milestone"], one["revision"]): one["handle"] for one in call.seen()["checkpoints"]}
        args = {"checkpoint": times["before_upload", 0]}
        return says({"steps": [{"id": "back", "action": "rollback", "args": args, "depends_on": []}], "questions": []})

    with (
        FakeServer(going_back) as server,
        Milepost(desk.home, policy="rollback", embedder="fake", user="ada",
                 chat_model=ModelEndpoint("scripted", base_url=server.url)) as mp,
    ):  # fmt: skip
        plan = mp.plan([], kb="hr", request="the first one was wrong", planner="ai")
        assert plan.origin.planner == "ai" and plan.steps[0].args["checkpoint"] == place.checkpoint_id
        assert [one["source"] for one in plan.resources["going_back"]["conflicts"]] == ["a.md"]
        assert "! stands   a.md" in plan.render()
        assert "rollback_conflict" in {issue.code for issue in mp.validate(plan).warnings}


def test_the_same_checkpoint_twice_is_one_journey(desk: Milepost) -> None:
    """A model that goes back to one place in two steps is shown as what it comes to."""

    def twice(call: Call) -> Reply:
        args = {"checkpoint": call.seen()["checkpoints"][0]["handle"]}
        steps = [{"id": name, "action": "rollback", "args": args, "depends_on": []} for name in ("one", "two")]
        return says({"steps": steps, "questions": []})

    with (
        FakeServer(twice) as server,
        Milepost(desk.home, policy="rollback", embedder="fake", user="ada",
                 chat_model=ModelEndpoint("scripted", base_url=server.url)) as mp,
    ):  # fmt: skip
        plan = mp.plan([], kb="hr", request="go back", planner="ai")
    assert len(plan.steps) == 2 and len(plan.resources["going_back"]["journeys"]) == 1
    assert "1 journey to undo" in plan.render()


def test_the_plan_is_the_same_however_often_it_is_made(desk: Milepost) -> None:
    """Looking it up changes nothing, and is not in the plan's digest."""
    before = desk.kb_digest("hr").digest
    plans = {desk.plan([], kb="hr", request="undo the last import").plan_id for _ in range(2)}
    assert (len(plans), desk.kb_digest("hr").digest) == (1, before)


@pytest.mark.parametrize("words", ["what is in there?", "how long would it take? don't do it yet"])
def test_an_answer_is_read_by_whoever_asked(desk: Milepost, words: str) -> None:
    """In the plan as text and as a page, and in the journey that it becomes; its checkpoints are of this revision."""
    plan = desk.plan([("d.md", b"text d")] if "long" in words else [], kb="hr", request=words)
    about = plan.steps[0].args["about"]
    assert f"Answer    {about}" in plan.render() and "## Answer" in plan.markdown()
    journey = desk.apply(plan)
    assert journey.detail == about
    assert {one.revision for one in journey.checkpoints} == {3}
