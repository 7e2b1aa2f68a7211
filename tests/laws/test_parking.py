"""Law: what kills its process at the same place three times is left to a person, who is told, and not tried for ever.

One more batch is another place: work that gets on, however often it is killed, is never parked.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kill import House
from scenarios import Scenario, Scenarios, gist

from milepost.store.parking import DEATHS
from milepost.store.views import TRIES


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenarios]:
    with House() as house:
        yield Scenarios(house, tmp_path_factory.mktemp("parking"))


@pytest.fixture
def replace(scenarios: Scenarios) -> Scenario:
    return scenarios.all["replace"]


def test_a_journey_that_kills_its_process_three_times_is_parked(scenarios: Scenarios, replace: Scenario) -> None:
    """`journeys`, `status` and `doctor` say so with the next step; the same ingest leaves it; `resume` does it."""
    house, home = scenarios.house, scenarios.copy(replace.before)
    for _ in range(DEATHS):
        assert house.run("ingest", home, kill=("embed.before_ledger", 1), **replace.args).killed
    again = house.run("ingest", home, kill=("embed.before_ledger", 1), **replace.args)
    assert not again.killed and again.value["status"] == "needs_attention"
    told = house.run("attention", home).value
    (journey,) = told["listed"]
    assert journey["journey_id"] == (replace.journey or {})["journey_id"]
    assert journey["detail"] == f"{DEATHS} processes died of it at the same place, step embed"
    assert told["bad"] == [[f"journey {journey['journey_id']}", f"milepost resume {journey['journey_id']}"]]
    assert told["view"] == replace.old.view
    done = house.run("resume", home, journey=journey["journey_id"]).value
    assert done["digest"] == replace.new.digest and done["ok"]
    assert gist(house.run("status", home).value) == gist(replace.journey or {})
    assert house.run("attention", home).value["bad"] == []


def test_a_person_who_tries_again_tries_once(scenarios: Scenarios, replace: Scenario) -> None:
    """Dead at the same place once more, it is parked again at once."""
    house, home = scenarios.house, scenarios.copy(replace.before)
    for _ in range(DEATHS):
        assert house.run("ingest", home, kill=("embed.before_ledger", 1), **replace.args).killed
    journey = house.run("attention", home).value["listed"][0]["journey_id"]
    assert house.run("resume", home, kill=("embed.before_ledger", 1), journey=journey).killed
    (again,) = house.run("attention", home).value["listed"]
    assert again["detail"].startswith(f"{DEATHS + 1} processes died")


def test_work_that_gets_on_is_not_parked(scenarios: Scenarios, replace: Scenario) -> None:
    """Killed at every milestone in turn, more often than three times, it comes to its end by itself."""
    house, home = scenarios.house, scenarios.copy(replace.before)
    points = [f"{step}.done" for step in ("upload", "parse", "embed")] + [
        "expose.before_publish",
        "expose.after_publish",
    ]
    assert len(points) > DEATHS
    for point in points:
        assert house.run("ingest", home, kill=(point, 1), **replace.args).killed
    done = house.run("ingest", home, **replace.args).value
    assert done["status"] == "completed"
    assert house.run("reopen", home).value["digest"] == replace.new.digest


def test_a_rollback_that_kills_its_process_three_times_is_parked(scenarios: Scenarios) -> None:
    """The same rollback is refused with the journey to resume; resumed, it is the rollback that was asked for."""
    scenario = scenarios.all["rollback"]
    house, home = scenarios.house, scenarios.copy(scenario.before)
    for _ in range(DEATHS):
        assert house.run("undo", home, kill=("rollback.after_intent", 1)).killed
    (parked,) = house.run("attention", home).value["listed"]
    assert parked["journey_type"] == "rollback" and "step rollback" in parked["detail"]
    with pytest.raises(AssertionError, match="NeedsAttention"):
        house.run("undo", home)
    assert house.run("view", home).value == scenario.old.view
    done = house.run("resume", home, journey=parked["journey_id"]).value
    assert done["digest"] == scenario.new.digest and done["ok"]
    assert house.run("attention", home).value["listed"] == []


def test_recovery_that_kills_its_process_is_done_in_another_way_and_then_not_at_all(scenarios: Scenarios) -> None:
    """Three die following: the folder is set aside and all made anew. Three die of that: readers are served, and a
    person rebuilds."""
    scenario = scenarios.all["recovery"]
    house, home = scenarios.house, scenarios.copy(scenario.before)
    for _ in range(TRIES):
        assert house.run("reopen", home, kill=("follow.after_batch", 1)).killed
        assert not list(home.glob("chroma.damaged-*"))
    for _ in range(TRIES):
        assert house.run("reopen", home, kill=("follow.after_batch", 1)).killed
    assert len(list(home.glob("chroma.damaged-*"))) == 1
    parked = house.run("attention", home, kill=("follow.after_batch", 1))
    assert not parked.killed, "nothing is tried any more"
    assert parked.value["view"] == scenario.new.view
    assert [next_ for _, next_ in parked.value["bad"]] == ["milepost kb rebuild --kb hr"]
    assert house.run("rebuild", home).value["digest"] == scenario.new.digest
    assert house.run("attention", home).value["bad"] == []


def test_recovery_by_a_folder_set_aside_comes_to_its_end(scenarios: Scenarios) -> None:
    """The fourth process makes it anew; what was there is kept, and told."""
    scenario = scenarios.all["recovery"]
    house, home = scenarios.house, scenarios.copy(scenario.before)
    for _ in range(TRIES):
        assert house.run("reopen", home, kill=("follow.after_batch", 1)).killed
    done = house.run("reopen", home).value
    assert done["digest"] == scenario.new.digest and done["ok"]
    assert [path.name for path in home.glob("chroma.damaged-*")] == ["chroma.damaged-1"]


@pytest.mark.parametrize("point", ["views.before_aside", "views.after_aside", "follow.after_batch"])
def test_setting_aside_that_is_killed_is_finished(scenarios: Scenarios, point: str) -> None:
    """Whoever comes next has all of the collections."""
    scenario = scenarios.all["recovery"]
    house, home = scenarios.house, scenarios.copy(scenario.before)
    for _ in range(TRIES):
        assert house.run("reopen", home, kill=("follow.after_batch", 1)).killed
    assert house.run("reopen", home, kill=(point, 1)).killed
    done = house.run("reopen", home).value
    assert done["digest"] == scenario.new.digest and done["ok"]
