"""Law: `langgraph.json` names a factory that opens nothing, and its graph is Milepost under the home's own policy."""

from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from milepost import AsyncMilepost
from milepost.agents import make_graph
from milepost.agents.nodes import share
from milepost.agents.serving import close_served
from milepost.store.plan import Base, Plan, PlanStep

T = TypeVar("T")
ROOT = Path(__file__).parents[2]


def served(work: Coroutine[Any, Any, T]) -> T:
    """Run, and close every home that the graph opened."""

    async def both() -> T:
        try:
            return await work
        finally:
            await close_served()

    return asyncio.run(both())


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "leave.md"
    path.write_text("# Leave\n\nParental leave is sixteen weeks.\n", encoding="utf-8")
    return path


def make_home(tmp_path: Path, policy: str) -> tuple[Path, dict[str, Any]]:
    home = tmp_path / "home"
    home.mkdir()
    (home / "milepost.toml").write_text(f'policy = "{policy}"\nembedder = "fake"\n', encoding="utf-8")
    return home, {"configurable": {"home": str(home), "thread_id": "t"}}


def test_the_named_factory_exists() -> None:
    """Every graph of `langgraph.json` names a module and a function that are there."""
    for named in json.loads((ROOT / "langgraph.json").read_text(encoding="utf-8"))["graphs"].values():
        module, _, name = named.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_making_the_graph_opens_nothing(tmp_path: Path) -> None:
    """The server makes graphs to draw them: no home is made by that, and no checkpointer is compiled in."""
    graph = served(make_graph({"configurable": {"home": str(tmp_path / "home")}}))
    assert not (tmp_path / "home").exists()
    assert graph.checkpointer is None
    assert {"plan", "upload", "parse", "embed", "expose", "report"} <= set(graph.get_graph().nodes)


def test_a_journey_runs_in_it(tmp_path: Path, page: Path) -> None:
    """A request as the server hands it over ends as a completed journey that people can search."""
    home, config = make_home(tmp_path, "rollback")

    async def run() -> dict[str, Any]:
        return await (await make_graph(config)).ainvoke({"paths": [str(page)], "kb": "hr"}, config)

    state = served(run())
    assert state["status"] == "completed"

    async def hits() -> list[Any]:
        async with AsyncMilepost(home) as mp:
            return await mp.search("parental leave", kb="hr")

    assert "sixteen weeks" in asyncio.run(hits())[0].text


def test_what_the_graph_did_not_foresee_runs_too(tmp_path: Path, page: Path) -> None:
    """A removal and a rollback: composed before there was a plan, the graph runs what it was asked for."""
    home, config = make_home(tmp_path, "rollback")
    other = tmp_path / "other.md"
    other.write_text("# Other\n\nTrains are booked by the office.\n", encoding="utf-8")

    async def ask(words: str, *paths: Path) -> tuple[set[str], set[str]]:
        said = {"paths": [str(path) for path in paths], "kb": "hr", "request_text": words}
        state = await (await make_graph(config)).ainvoke(said, config)
        assert state["status"] == "completed"
        async with AsyncMilepost(home) as mp:
            done = await mp.status(state["journey_id"])
            found = {hit.source for hit in await mp.search("weeks, trains", kb="hr", k=9)}
            return {str(step.status) for step in done.steps}, found

    async def run() -> list[tuple[set[str], set[str]]]:
        return [
            await ask("take it in", page, other), await ask("remove other.md"), await ask("undo the last journey"),
        ]  # fmt: skip

    both = {"leave.md", "other.md"}
    assert served(run()) == [({"done"}, found) for found in (both, {"leave.md"}, both)]


def test_steps_without_a_node_run_before_the_next_that_has_one() -> None:
    """Each step once, in the plan's order; what comes after all nodes is run by the last."""
    steps = [PlanStep(id=f"{action}-1", action=action) for action in ("hide", "upload", "remove", "embed", "report")]
    plan = Plan(kb="hr", owner="ana", steps=tuple(steps), base=Base(policy_digest=""), generated_at="")
    nodes = ("upload", "parse", "embed", "expose")
    assert [share(plan, nodes, node) for node in nodes] == [
        ["hide-1", "upload-1"], [], ["remove-1", "embed-1"], ["report-1"]
    ]  # fmt: skip


@pytest.mark.parametrize(("policy", "asks"), [("full", True), ("rollback", True), ('none"\napproval = "never', False)])
def test_it_can_ask_unless_the_policy_says_never(tmp_path: Path, policy: str, asks: bool) -> None:
    """What a model plans, and what cannot be undone, may have to be asked about under every other policy."""
    _, config = make_home(tmp_path, policy)
    assert ("approve" in served(make_graph(config)).get_graph().nodes) is asks


def test_it_pauses_for_approval(tmp_path: Path, page: Path) -> None:
    """Where the home's policy asks a person, the server's checkpointer carries the pause and a yes goes on."""
    home, config = make_home(tmp_path, "full")

    async def run() -> tuple[dict[str, Any], dict[str, Any]]:
        graph = (await make_graph(config)).with_config()
        graph.checkpointer = InMemorySaver()  # what LangGraph's server does
        waiting = await graph.ainvoke({"paths": [str(page)], "kb": "hr"}, config)
        again = (await make_graph(config)).with_config()
        again.checkpointer = graph.checkpointer
        return waiting, await again.ainvoke(Command(resume={"decisions": [{"type": "approve"}]}), config)

    waiting, done = served(run())
    (asked,) = waiting["__interrupt__"]
    assert asked.value["review_configs"][0]["allowed_decisions"] == ["approve", "edit", "reject"]
    assert done["status"] == "completed"
    assert (home / "milepost.db").exists()


def test_the_caller_does_not_choose_the_policy(tmp_path: Path, page: Path) -> None:
    """A policy in `configurable` is no way around the home's: the graph has the node that asks all the same."""
    _, config = make_home(tmp_path, "full")
    config["configurable"]["policy"] = "none"
    graph = served(make_graph(config))
    assert "approve" in graph.get_graph().nodes


def test_the_user_is_the_servers(tmp_path: Path, page: Path) -> None:
    """A journey is recorded under the name that the server authenticated."""
    home, config = make_home(tmp_path, "rollback")
    config["configurable"]["langgraph_auth_user_id"] = "mira"

    async def run() -> str:
        state = await (await make_graph(config)).ainvoke({"paths": [str(page)], "kb": "hr"}, config)
        async with AsyncMilepost(home) as mp:
            return (await mp.status(state["journey_id"])).user

    assert served(run()) == "mira"


def test_runs_side_by_side_hold_the_store(tmp_path: Path) -> None:
    """Two people's runs in one server take the store from each other step by step, never go on without it."""
    home, config = make_home(tmp_path, "rollback")
    pages = [tmp_path / f"page-{number}.md" for number in range(4)]
    for number, page in enumerate(pages):
        page.write_text(f"# Page {number}\n\nParental leave is {number} weeks.\n", encoding="utf-8")

    async def one(number: int) -> dict[str, Any]:
        mine = {"configurable": {**config["configurable"], "langgraph_auth_user_id": f"person-{number}"}}
        graph = await make_graph(mine)
        return await graph.ainvoke({"paths": [str(pages[number])], "kb": f"kb-{number}"}, mine)

    async def run() -> tuple[list[str], list[bool]]:
        states = await asyncio.gather(*map(one, range(4)))
        async with AsyncMilepost(home) as mp:
            whole = [(await mp.kb_verify(f"kb-{number}")).ok for number in range(4)]
        return [state["status"] for state in states], whole

    assert served(run()) == (["completed"] * 4, [True] * 4)
