"""Law: a graph that asks waits in a node that writes nothing, and goes on with what a person said to that very plan."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from milepost import AsyncMilepost, Policy
from milepost.agents import approving
from milepost.agents.graph import build_graph
from milepost.agents.saver import opened_threads, strict_serializer
from milepost.store.ports import SystemClock
from milepost.tools.embedders import FakeEmbedder

ASKS = Policy.rollback(approval="always")
APPROVE = {"decisions": [{"type": "approve"}]}
REJECT = {"decisions": [{"type": "reject", "message": "not today"}]}
THREAD: Any = {"configurable": {"thread_id": "one"}}


@asynccontextmanager
async def opened(folder: Path, user: str = "ana", policy: Policy = ASKS) -> AsyncIterator[AsyncMilepost]:
    async with AsyncMilepost(folder.parent / "home", policy=policy, embedder=FakeEmbedder(16), user=user) as mp:
        yield mp


Work = Callable[[AsyncMilepost, Any, dict[str, Any]], Coroutine[Any, Any, None]]


def asked(folder: Path, work: Work, **more: Any) -> None:
    """A graph that waits for a person's word about taking the folder into `hr`, and what is then done with it."""

    async def run() -> None:
        async with opened(folder, **more) as mp:
            graph = build_graph(mp.engine, mp.policy, checkpointer=InMemorySaver(serde=strict_serializer()))
            waiting = await graph.ainvoke({"paths": [str(folder)], "kb": "hr", "request_text": "take it all"}, THREAD)
            await work(mp, graph, waiting)

    asyncio.run(run())


def question(state: dict[str, Any]) -> dict[str, Any]:
    [interrupt] = state["__interrupt__"]
    return dict(interrupt.value)


def edit(state: dict[str, Any], **args: Any) -> Command[Any]:
    """The edit that a client gives back: the action as it was asked, with other arguments."""
    [request] = question(state)["action_requests"]
    action = {"name": request["name"], "args": request["args"] | args}
    return Command(resume={"decisions": [{"type": "edit", "edited_action": action}]})


def record(folder: Path) -> list[bytes]:
    """The record, byte for byte; reading it changes neither file."""
    home = folder.parent / "home"
    return [(home / name).read_bytes() for name in ("milepost.db", "milepost.db-wal")]


def test_the_node_that_waits_writes_nothing(folder: Path) -> None:
    """It is run anew when the graph goes on: the record is the same before and after, and it closes over nothing."""

    async def work(mp: AsyncMilepost, graph: Any, waiting: dict[str, Any]) -> None:
        before = record(folder)
        async for _ in graph.astream(Command(resume=APPROVE), THREAD, interrupt_before=["decide"]):
            assert record(folder) == before
        assert (await graph.aget_state(THREAD)).next == ("decide",)
        assert record(folder) == before
        assert (await graph.ainvoke(None, THREAD))["status"] == "completed"
        kinds = [event.kind for event in await mp.timeline(await mp.status())]
        assert [kinds.count(kind) for kind in ("approval_asked", "approved", "approval_used")] == [1, 1, 1]

    assert approving.wait.__closure__ is None
    asked(folder, work)


def test_an_edit_is_a_new_plan_judged_and_asked_about_again(folder: Path) -> None:
    """It runs nothing by itself; only a yes to the new plan does, and the old one is answered."""

    async def work(mp: AsyncMilepost, graph: Any, waiting: dict[str, Any]) -> None:
        [first] = await mp.approvals()
        again = await graph.ainvoke(edit(waiting, request="only leave.md"), THREAD)
        plan = await mp.show(again["plan_id"])
        assert plan.plan_id != waiting["plan_id"] and plan.summary.add == 1  # type: ignore[union-attr]
        assert question(again)["action_requests"][0]["args"]["plan_id"] == plan.plan_id  # type: ignore[union-attr]
        assert "leave.md" in question(again)["action_requests"][0]["description"]
        assert await mp.kb_list() == []
        [second] = await mp.approvals()
        assert (second.approval_id != first.approval_id, second.plan_id) == (True, again["plan_id"])
        assert (await mp.status(f"journey_{waiting['plan_id'][5:]}")).status == "cancelled"
        done = await graph.ainvoke(Command(resume=APPROVE), THREAD)
        assert done["status"] == "completed"
        assert [hit.source for hit in await mp.search("everybody", kb="hr")] == ["leave.md"]

    asked(folder, work)


def test_an_edited_plan_is_validated(folder: Path) -> None:
    """Where the policy validates, an edit goes through the validator as every plan does."""
    seen: list[str] = []

    async def work(mp: AsyncMilepost, graph: Any, waiting: dict[str, Any]) -> None:
        async for update in graph.astream(edit(waiting, kb="legal"), THREAD, stream_mode="updates"):
            seen.extend(update)
        assert (await graph.ainvoke(Command(resume=REJECT), THREAD))["status"] == "cancelled"

    asked(folder, work, policy=Policy.full())
    assert seen == ["approve", "decide", "plan", "validate", "document", "ask", "__interrupt__"]


@pytest.mark.parametrize(
    "args",
    [
        {"plan_id": "plan_other"}, {"digest": "0" * 64}, {"paths": 7}, {"paths": [7]}, {"kb": ["hr"]}, {"request": {}},
    ],
    ids=str,
)  # fmt: skip
def test_an_edit_that_says_nothing_changes_nothing(folder: Path, args: dict[str, Any]) -> None:
    """Another plan's id, or values of the wrong kind: the journey is cancelled with the reason."""

    async def work(mp: AsyncMilepost, graph: Any, waiting: dict[str, Any]) -> None:
        done = await graph.ainvoke(edit(waiting, **args), THREAD)
        assert (done["status"], await mp.kb_list(), await mp.approvals()) == ("cancelled", [], [])
        assert done["error"] and (await mp.status()).detail == done["error"]

    asked(folder, work)


def test_an_edit_keeps_what_it_does_not_name(folder: Path) -> None:
    """Paths as a form gives them back, as JSON in a text, are the same paths."""

    async def work(mp: AsyncMilepost, graph: Any, waiting: dict[str, Any]) -> None:
        paths = question(waiting)["action_requests"][0]["args"]["paths"]
        again = await graph.ainvoke(edit(waiting, kb="legal", paths=json.dumps(paths)), THREAD)
        plan: Any = await mp.show(again["plan_id"])
        assert (plan.kb, plan.request, plan.paths, plan.summary.add) == ("legal", "take it all", tuple(paths), 2)

    asked(folder, work)


def test_what_may_not_be_edited_says_so(folder: Path) -> None:
    """A plan that takes a source out, without words to change: approve and reject only, and an edit is a no."""

    async def run() -> None:
        async with opened(folder) as mp:
            await mp.ingest([folder], kb="hr", approve=True)
            plan = await mp.plan([], kb="hr", request="undo the last journey of hr")
            assert [step.action for step in plan.steps] == ["rollback"]
            steps = tuple(step.id for step in plan.steps)
            saver = InMemorySaver(serde=strict_serializer())
            graph = build_graph(mp.engine, mp.policy, actions=steps, checkpointer=saver)
            waiting = await graph.ainvoke({"plan_id": plan.plan_id}, THREAD)
            assert question(waiting)["review_configs"][0]["allowed_decisions"] == ["approve", "reject"]
            done = await graph.ainvoke(edit(waiting, request="undo everything"), THREAD)
            assert done["status"] == "cancelled"
            assert (await mp.kb_list())[0].sources == 2

    asyncio.run(run())


def test_it_waits_for_days_through_a_restart_and_is_answered_elsewhere(folder: Path, monkeypatch: Any) -> None:
    """Another process, another person, a week later: their yes stands in the ledger, and the graph goes on with it."""
    four_eyes = Policy.rollback(approval="always", approve_by="another")
    home = folder.parent / "home"

    async def one() -> None:
        async with opened(folder, policy=four_eyes) as mp:
            _ = mp.engine
            async with opened_threads(home) as saver:
                graph = build_graph(mp.engine, four_eyes, checkpointer=saver)
                assert (await graph.ainvoke({"paths": [str(folder)], "kb": "hr"}, THREAD))["__interrupt__"]

    async def elsewhere() -> None:
        async with opened(folder, "ben", four_eyes) as mp:
            [waits] = await mp.approvals()
            assert (waits.asked_by, (await mp.approve(waits)).approver) == ("ana", "ben")
            assert await mp.kb_list() == []

    async def on() -> None:
        async with opened(folder, policy=four_eyes) as mp, opened_threads(home) as saver:
            graph = build_graph(mp.engine, four_eyes, checkpointer=saver)
            assert (await graph.ainvoke(Command(resume=APPROVE), THREAD))["status"] == "completed"

    asyncio.run(one())
    later = (datetime.now(UTC) + timedelta(days=7)).isoformat(timespec="microseconds")
    monkeypatch.setattr(SystemClock, "now", lambda _: later)
    asyncio.run(elsewhere())
    asyncio.run(on())


def test_the_maker_cannot_answer_where_another_has_to(folder: Path) -> None:
    """The journey goes on waiting, and says for whom."""

    async def work(mp: AsyncMilepost, graph: Any, waiting: dict[str, Any]) -> None:
        done = await graph.ainvoke(Command(resume=APPROVE), THREAD)
        assert done["status"] == "awaiting_approval" and "another person" in done["error"]
        assert (await mp.kb_list(), len(await mp.approvals())) == ([], 1)

    asked(folder, work, policy=Policy.rollback(approval="always", approve_by="another"))


def test_what_was_declined_elsewhere_is_not_approved_here(folder: Path) -> None:
    """A question is answered once: the yes comes too late, and nothing runs."""

    async def work(mp: AsyncMilepost, graph: Any, waiting: dict[str, Any]) -> None:
        await mp.reject((await mp.approvals())[0])
        done = await graph.ainvoke(Command(resume=APPROVE), THREAD)
        assert done["status"] == "cancelled" and "was declined" in done["error"]
        assert await mp.kb_list() == []

    asked(folder, work)


def test_a_no_counts_though_a_yes_was_given_elsewhere(folder: Path) -> None:
    """As long as it was not used."""

    async def work(mp: AsyncMilepost, graph: Any, waiting: dict[str, Any]) -> None:
        await mp.approve((await mp.approvals())[0])
        done = await graph.ainvoke(Command(resume=REJECT), THREAD)
        assert (done["status"], await mp.kb_list()) == ("cancelled", [])
        assert "not today" in done["error"]

    asked(folder, work)


def test_a_yes_under_another_policy_runs_nothing(folder: Path) -> None:
    """Whoever composes the graph for another policy than the question was asked under has to ask anew."""

    async def work(mp: AsyncMilepost, graph: Any, waiting: dict[str, Any]) -> None:
        other = Policy.rollback(approval="always", prove="all")
        again = build_graph(mp.engine, other, checkpointer=graph.checkpointer)
        done = await again.ainvoke(Command(resume=APPROVE), THREAD)
        assert done["status"] == "cancelled" and "policy" in done["error"]
        assert await mp.kb_list() == []

    asked(folder, work)


def test_nobody_brings_an_answer_along(folder: Path) -> None:
    """What a run is started with is a request: an answer, a verdict or a question in it is dropped."""

    async def run() -> None:
        async with opened(folder) as mp:
            plan = await mp.plan([folder], kb="hr")
            graph = build_graph(mp.engine, mp.policy, checkpointer=InMemorySaver(serde=strict_serializer()))
            brought: Any = {"plan_id": plan.plan_id, "answer": APPROVE, "verdict": "go", "asked": None, "status": "ok"}
            state = await graph.ainvoke(brought, THREAD)
            assert state["__interrupt__"]
            assert not {"status"} & state.keys() and state["answer"] is None
            assert await mp.kb_list() == []

    asyncio.run(run())
