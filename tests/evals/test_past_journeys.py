"""Law: with a past, a planner that learns is told of it, and one that does not is not; the case's own world stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from eval_kit import case, ran, right

from milepost.agents.fake_server import FakeServer
from milepost.evals.past_journeys import lived
from milepost.evals.samples import OWN_CASES, case_of, read_samples
from milepost.evals.worlds import PLANNED_UNDER, world_of
from milepost.store.policy_sources import resolve_policy

OTHERS = read_samples(OWN_CASES).cases


def learning(on: bool) -> Any:
    """The policy of evaluations, which learns or does not."""
    return resolve_policy(*PLANNED_UNDER, ("test", {"learn_from_results": on})).policy


def test_twenty_journeys_are_really_run(tmp_path: Path) -> None:
    """Before today, of other requests, with outcomes that are kept where the policy learns; the same each time."""
    texts = []
    for on in (True, False):
        with world_of(case_of(case("mine")), policy=learning(on), room=tmp_path) as world:
            today = world.clock.at
            assert lived(world, 20, OTHERS) == 20
            journeys = world.milepost.journeys("hr")
            assert len(journeys) == 20 and world.clock.at == today
            assert all(journey.started_at < today.isoformat() for journey in journeys)
            assert bool(world.milepost.documents("journey_outcome")) == on
            plans = [world.milepost.show(journey.plan_id) for journey in journeys]
            texts.append([plan.request for plan in plans])  # type: ignore[union-attr]
            assert {file.action for file in world.plan().files} == {"add"}
    assert texts[0] == texts[1] and len(set(texts[0])) > 10


@pytest.mark.parametrize("on", [True, False])
def test_a_model_is_told_of_it_where_the_policy_learns(tmp_path: Path, on: bool) -> None:
    """The same case, the same past: only the examples in what the model sees differ."""
    alike = [case(f"o{at}", names=[f"x{at}.md"]) for at in range(3)]
    with FakeServer(right) as server:
        log = ran(
            tmp_path, case("a"), *alike, planners=[f"ai:scripted@{server.url}"], after=3, jobs=1, policy=learning(on)
        )
        told = [bool(call.seen().get("past")) for call in server.calls]
    assert told == [on] * 4
    assert log.header.after == 3 and log.header.policy["learn_from_results"] is on


def test_without_a_kb_or_a_count_there_is_no_past() -> None:
    """Nobody knows where it would belong."""
    nowhere = case("x")
    nowhere["context"]["knowledge_base"] = None
    with world_of(case_of(nowhere)) as world:
        assert lived(world, 5, OTHERS) == 0
    with world_of(case_of(case("y"))) as world:
        assert lived(world, 0, OTHERS) == 0 and world.milepost.journeys() == []
