"""Law: the graph is its policy drawn; it carries handles only, and the ledger, not it, knows where a journey is."""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import ormsgpack
import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from milepost import AsyncMilepost, Milepost
from milepost.agents.graph import build_graph
from milepost.agents.saver import GRAPH_DB, opened_saver, strict_serializer
from milepost.store import faults
from milepost.store.errors import ApprovalRequired, PolicyError
from milepost.store.policy import PRESETS, Policy
from milepost.store.records import JourneyStatus
from milepost.tools.embedders import FakeEmbedder
from milepost.tools.parse import parse_path

STEPS = ["upload", "parse", "embed", "expose"]
EMBEDDER = FakeEmbedder(16)


class HereParsed:
    """A parser pool without processes: who parses is not what these tests are about."""

    def parse(self, path: Path, name: str, *, chunk: Any, limits: Any) -> Any:
        return parse_path(path, name, chunk=chunk, limits=limits)

    def close(self) -> None:
        return None


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    faults.arm(None)


@asynccontextmanager
async def opened(home: Path, policy: Any, **more: Any) -> AsyncIterator[AsyncMilepost]:
    async with AsyncMilepost(home, policy=policy, embedder=EMBEDDER, user="ana", **more) as mp:
        mp.services.pool = HereParsed()  # type: ignore[assignment]  # has the two methods that are used
        yield mp


def _folder(root: Path, files: int = 2, paragraphs: int = 5) -> Path:
    folder = root / "files"
    folder.mkdir()
    for n in range(files):
        text = "\n\n".join(f"Paragraph {p} of file {n}. " + "More of it. " * 12 for p in range(paragraphs))
        (folder / f"file{n:03}.md").write_text(text)
    return folder


SMALL = {"size": 200, "overlap": 0}


def expected_nodes(policy: Policy) -> list[str]:
    """DESIGN's table, written down a second time."""
    rows = [
        ("plan", True),
        ("validate", policy.enable_planning if policy.validate_plan is None else policy.validate_plan),
        ("document", policy.enable_forward_docs),
        *[(name, policy.approval != "never") for name in ("ask", "approve", "decide")],
        *[(step, True) for step in STEPS],
        ("compensate", policy.orchestration == "saga"),
        ("report", True),
    ]
    return [name for name, there in rows if there]


def drawn(policy: Policy) -> Any:
    return build_graph(None, policy).get_graph()


def nodes_of(policy: Policy) -> list[str]:
    return [name for name in drawn(policy).nodes if not name.startswith("__")]


@pytest.mark.parametrize(
    ("preset", "nodes"),
    [
        ("none", ["plan", *STEPS, "report"]),
        ("rollback", ["plan", *STEPS, "report"]),
        ("documentation", ["plan", "validate", "document", *STEPS, "report"]),
        ("full", ["plan", "validate", "document", "ask", "approve", "decide", *STEPS, "report"]),
    ],
)
def test_a_preset_has_exactly_its_nodes(preset: str, nodes: list[str]) -> None:
    """What a preset switches off is not in its graph."""
    policy = getattr(Policy, preset)()
    assert nodes_of(policy) == nodes == expected_nodes(policy)
    assert set(PRESETS) == {"none", "rollback", "documentation", "full"}


def _random_policies(count: int) -> list[Policy]:
    chosen, found = random.Random(20_26), []
    while len(found) < count:
        said = {
            key: chosen.choice(values)
            for key, values in {
                "enable_rollback": [True, False], "enable_forward_docs": [True, False],
                "enable_planning": [True, False], "enable_ai_planning": [True, False],
                "validate_plan": [True, False, None], "generate_plan": [True, False], "document_steps": [True, False],
                "approval": ["never", "destructive", "always"], "orchestration": ["flow", "structured", "saga"],
            }.items() if chosen.random() < 0.7
        }  # fmt: skip
        try:
            found.append(Policy.model_validate(said))
        except PolicyError:  # a contradiction, refused at load
            continue
    return found


def test_fifty_policies_have_exactly_their_nodes() -> None:
    """Whatever the combination, a capability that is off is a node that is not there."""
    policies = _random_policies(50)
    assert len({policy.digest for policy in policies}) > 40
    for policy in policies:
        assert nodes_of(policy) == expected_nodes(policy)


def test_executors_have_conditional_edges_only() -> None:
    """A static edge beside a `goto` would run both: every way out of an executor is a decision."""
    for policy in [Policy(), Policy.full(), Policy(orchestration="saga"), *_random_policies(10)]:
        edges = drawn(policy).edges
        for step in STEPS:
            out = [edge for edge in edges if edge.source == step]
            assert out and all(edge.conditional for edge in out)
        failed = "compensate" if policy.orchestration == "saga" else "report"
        assert {edge.target for edge in edges if edge.source == "embed"} == {"expose", failed}
        assert build_graph(None, policy).config["recursion_limit"] == 50


@pytest.mark.parametrize(("files", "paragraphs"), [(1, 10), (100, 100)])
def test_the_state_does_not_grow_with_the_work(tmp_path: Path, files: int, paragraphs: int) -> None:
    """Ten chunks or ten thousand: plain JSON of less than 600 bytes, and a graph.db of less than 200 kB."""
    policy = Policy.rollback(approval="always", chunk=SMALL)

    async def run() -> tuple[int, int]:
        async with opened(tmp_path / "home", policy) as mp:
            plan = await mp.plan([_folder(tmp_path, files, paragraphs)], kb="hr", expose=False)
            assert sum(file.chunks for file in plan.files) == files * paragraphs
            plans = mp.services.home.plans
            question = plans.ask(plan, policy.digest, asked_by="ana")
            plans.approve(question.approval_id, "default", by="ana")
            config: Any = {"configurable": {"thread_id": "one"}}
            async with opened_saver(mp.home, policy) as saver:
                assert saver is not None
                graph = build_graph(mp.engine, policy, checkpointer=saver)
                await graph.ainvoke({"plan_id": plan.plan_id}, config)
                states = [each.checkpoint["channel_values"] async for each in saver.alist(config)]
            journey = await mp.status()
            assert journey.embeddings_computed == files * paragraphs and journey.status == JourneyStatus.COMPLETED
            assert len(states) > len(STEPS)
            return max(len(json.dumps(state)) for state in states), (mp.home / GRAPH_DB).stat().st_size

    state, file = asyncio.run(run())
    assert state < 600
    assert file < 200_000


def test_where_no_step_has_work_the_first_node_ends_them_all(tmp_path: Path) -> None:
    """Unchanged files pass one step's node, and every step is done; one new file, and all four nodes run again."""
    folder = _folder(tmp_path)

    async def nodes_passed(mp: AsyncMilepost) -> tuple[list[str], list[str]]:
        plan = await mp.plan([folder], kb="hr")
        passed = [name async for update in mp._graph(mp.policy).astream({"plan_id": plan.plan_id}) for name in update]
        journey = (await mp.journeys())[0]
        return passed, [f"{step.id} {step.status}" for step in (await mp.status(journey)).steps]

    async def scenario() -> None:
        async with opened(tmp_path / "home", "rollback") as mp:
            done = [f"{step} done" for step in STEPS]
            assert await nodes_passed(mp) == ([*STEPS, "report"], done)
            assert await nodes_passed(mp) == (["upload", "report"], done)
            (folder / "new.md").write_text("A new page.")
            assert await nodes_passed(mp) == ([*STEPS, "report"], done)
            assert [one.status for one in await mp.journeys()] == [JourneyStatus.COMPLETED] * 3

    asyncio.run(scenario())


def test_where_nobody_is_asked_nothing_is_saved(tmp_path: Path) -> None:
    """The saver carries the pause only: a policy that never pauses writes no graph.db."""

    async def run() -> None:
        async with opened(tmp_path / "home", "rollback") as mp:
            await mp.ingest([_folder(tmp_path)], kb="hr")

    asyncio.run(run())
    assert not (tmp_path / "home" / GRAPH_DB).exists()


def _reference(root: Path, folder: Path) -> str:
    """The digest of an uninterrupted run, in a home of its own."""
    with Milepost(root / "reference", policy=Policy.rollback(chunk=SMALL), embedder=EMBEDDER, user="ana") as mp:
        mp.ingest([folder], kb="hr")
        return mp.kb_digest("hr").digest


def test_delete_graph_db_while_a_journey_waits(tmp_path: Path) -> None:
    """The pause is gone, the question is not: approved, the journey resumes and comes to the same digest."""
    folder = _folder(tmp_path)
    policy = Policy.rollback(approval="always", chunk=SMALL)

    async def run() -> str:
        async with opened(tmp_path / "home", policy) as mp:
            plan = await mp.plan([folder], kb="hr")
            async with opened_saver(mp.home, policy) as saver:
                graph = build_graph(mp.engine, policy, checkpointer=saver)
                state = await graph.ainvoke({"plan_id": plan.plan_id}, {"configurable": {"thread_id": "one"}})
                assert "__interrupt__" in state
        _delete_scratch(tmp_path / "home")
        async with opened(tmp_path / "home", policy) as mp:
            journey = await mp.status()
            assert journey.status == JourneyStatus.AWAITING_APPROVAL
            with pytest.raises(ApprovalRequired):
                await mp.resume(journey)
            [question] = await mp.approvals()
            await mp.approve(question)
            done = await mp.resume(journey)
            assert done.status == JourneyStatus.COMPLETED and await mp.approvals() == []
            return (await mp.kb_digest("hr")).digest

    assert asyncio.run(run()) == _reference(tmp_path, folder)


@pytest.mark.parametrize("point", ["upload.after_batch", "embed.before_ledger", "publish.before_commit", "expose.done"])
def test_delete_graph_db_in_the_middle(tmp_path: Path, point: str) -> None:
    """Cut off in a step and robbed of graph.db, a journey resumes without asking again, to the same digest."""
    folder = _folder(tmp_path)
    policy = Policy.rollback(approval="always", chunk=SMALL)

    def cut(reached: str) -> None:
        if reached == point:
            faults.arm(None)
            raise RuntimeError("cut off")

    async def run() -> str:
        async with opened(tmp_path / "home", policy) as mp:
            faults.arm(cut)
            with pytest.raises(RuntimeError, match="cut off"):
                await mp.ingest([folder], kb="hr", approve=True)
            assert (await mp.status()).status == JourneyStatus.INTERRUPTED
        _delete_scratch(tmp_path / "home")
        async with opened(tmp_path / "home", policy) as mp:
            done = await mp.resume(await mp.status())
            assert done.status == JourneyStatus.COMPLETED
            assert done.embeddings_computed == 10
            return (await mp.kb_digest("hr")).digest

    assert asyncio.run(run()) == _reference(tmp_path, folder)


def _delete_scratch(home: Path) -> None:
    assert (home / GRAPH_DB).exists()
    for path in home.glob(f"{GRAPH_DB}*"):
        path.unlink()


def _asked(root: Path, *answers: dict[str, Any]) -> tuple[Any, list[dict[str, Any]], Any, int]:
    """Run to the question and answer it: the question, the states, the journey, the kb's revision."""
    policy = Policy.rollback(approval="always")

    async def run() -> tuple[Any, list[dict[str, Any]], Any, int]:
        async with opened(root / "home", policy) as mp:
            plan = await mp.plan([_folder(root)], kb="hr")
            graph = build_graph(mp.engine, policy, checkpointer=InMemorySaver(serde=strict_serializer()))
            config: Any = {"configurable": {"thread_id": "one"}}
            states = [await graph.ainvoke({"plan_id": plan.plan_id}, config)]
            [question] = states[0]["__interrupt__"]
            about = {"plan_id": plan.plan_id, "digest": plan.digest}
            assert about.items() <= question.value["action_requests"][0]["args"].items()
            for answer in answers:
                states.append(await graph.ainvoke(Command(resume=answer), config))
            kbs = await mp.kb_list()
            return question.value, states, await mp.status(), kbs[0].revision if kbs else 0

    return asyncio.run(run())


def test_the_question_has_the_shape_of_human_in_the_loop(tmp_path: Path) -> None:
    """`action_requests` with name, args and description; `review_configs` with what may be decided; nothing is done."""
    question, _, journey, revision = _asked(tmp_path)
    assert set(question) == {"action_requests", "review_configs"}
    [request], [review] = question["action_requests"], question["review_configs"]
    assert set(request) == {"name", "args", "description"} and "Plan plan_" in request["description"]
    assert review == {"action_name": request["name"], "allowed_decisions": ["approve", "edit", "reject"]}
    assert json.loads(json.dumps(question)) == question
    assert (journey.status, revision) == (JourneyStatus.AWAITING_APPROVAL, 0)


def test_approved_it_runs(tmp_path: Path) -> None:
    """`approve` runs the journey to its end, and is on record as the approval by this user."""
    _, states, journey, revision = _asked(tmp_path, {"decisions": [{"type": "approve"}]})
    assert states[-1]["status"] == "completed"
    assert (journey.status, revision) == (JourneyStatus.COMPLETED, 1)
    with sqlite3.connect(tmp_path / "home" / "milepost.db") as record:
        rows = record.execute("SELECT approver, used_by FROM approvals").fetchall()
    record.close()
    assert rows == [("ana", journey.journey_id)]


@pytest.mark.parametrize(
    "answer",
    [
        {"decisions": [{"type": "reject", "message": "not today"}]},
        {"decisions": [{"type": "edit", "edited_action": {"name": "apply_plan", "args": {"plan_id": "plan_other"}}}]},
        {"decisions": []},
        {"decisions": "approve"},
        {"approved": True},
    ],
)
def test_anything_but_an_approval_changes_nothing(tmp_path: Path, answer: dict[str, Any]) -> None:
    """Rejected, edited (which is a new plan) or malformed: the journey is cancelled, with who and why."""
    _, states, journey, revision = _asked(tmp_path, answer)
    assert states[-1]["status"] == "cancelled" and states[-1]["error"]
    assert (journey.status, revision) == (JourneyStatus.CANCELLED, 0)
    assert journey.detail and journey.checkpoints == []


def test_crafted_bytes_build_nothing(tmp_path: Path) -> None:
    """A msgpack extension that names a function is data; JSON that names a secret and a pickle are not read at all."""
    serializer, made = strict_serializer(), tmp_path / "made"
    for code, body in enumerate(
        [["os", "mkdir", str(made)], ["os", "mkdir", [str(made)]], ["os", "mkdir", {"path": str(made)}],
         ["pathlib", "Path", str(made), "mkdir"], ["os", "mkdir", str(made)], ["os", "mkdir", str(made), "mkdir"]]
    ):  # fmt: skip
        crafted = ormsgpack.packb(ormsgpack.Ext(code, ormsgpack.packb(body)))
        serializer.loads_typed(("msgpack", crafted))
        assert not made.exists()
    secret = {"lc": 1, "type": "secret", "id": ["MILEPOST_TEST_SECRET"]}
    for kind, body in (("json", json.dumps(secret).encode()), ("pickle", b"cos\nsystem\n(S'true'\ntR.")):
        with pytest.raises(NotImplementedError):
            serializer.loads_typed((kind, body))


def test_a_journey_keeps_the_policy_it_started_with(tmp_path: Path) -> None:
    """Resumed by somebody whose policy has every capability off, it takes its checkpoints all the same."""
    folder = _folder(tmp_path)

    def cut(reached: str) -> None:
        if reached == "parse.before_intent":
            faults.arm(None)
            raise RuntimeError("cut off")

    async def run() -> None:
        async with opened(tmp_path / "home", Policy.rollback(rollback_checkpoints=("embed_complete",))) as mp:
            faults.arm(cut)
            with pytest.raises(RuntimeError, match="cut off"):
                await mp.ingest([folder], kb="hr")
        async with opened(tmp_path / "home", "none") as mp:
            done = await mp.resume(await mp.status())
            assert done.status == JourneyStatus.COMPLETED
            assert [c.milestone_id for c in done.checkpoints] == ["before_upload", "embed_complete"]
            assert [info.restorable for info in await mp.kb_log("hr")] == [True]
            assert (await mp.undo(done)).success

    asyncio.run(run())


def test_intent_effect_receipt_checkpoint(tmp_path: Path) -> None:
    """Around every step: the intent is there before the effect, the receipt after it, and a checkpoint can be read
    back before it is one."""
    met: list[str] = []

    async def run() -> None:
        async with opened(tmp_path / "home", "rollback") as mp:
            home = mp.services.home

            def look(point: str) -> None:
                action, _, moment = point.partition(".")
                if moment in ("after_intent", "before_receipt", "done") and action in STEPS:
                    _check_receipt(home, action, moment)
                    met.append(point)
                if point.startswith("checkpoint."):
                    _check_checkpoint(home, committed=moment == "after_commit")
                    met.append(point)

            faults.arm(look)
            await mp.ingest([_folder(tmp_path)], kb="hr")
            faults.arm(None)

    asyncio.run(run())
    assert [point for point in met if not point.startswith("checkpoint.")] == [
        f"{step}.{moment}" for step in STEPS for moment in ("after_intent", "before_receipt", "done")
    ]
    assert met.count("checkpoint.before_commit") == met.count("checkpoint.after_commit") == 5


STAGE_BEFORE = {"upload": "planned", "parse": "uploaded", "embed": "parsed", "expose": "embedded"}


def _check_receipt(home: Any, action: str, moment: str) -> None:
    [journey] = home.ledger.journeys(None)
    receipts = home.ledger.receipts(journey.journey_id)
    assert [r.action for r in receipts] == STEPS[: STEPS.index(action) + 1]
    received = moment == "done" or (action == "expose" and moment == "before_receipt")  # its commit is its receipt
    assert receipts[-1].state == ("received" if received else "intended")
    stages = {row.stage for row in home.ledger.files(journey.journey_id)}
    if moment == "after_intent":
        assert stages == {STAGE_BEFORE[action]}, "nothing is done before the intent is written"
    else:
        assert stages != {STAGE_BEFORE[action]}


def _check_checkpoint(home: Any, *, committed: bool) -> None:
    written = home.librarian.documents(tenant="default", type="rollback_checkpoint")
    listed = [checkpoint.checkpoint_id for checkpoint in home.checkpoints.find("default")]
    assert [document["document_id"] for document in written] == listed + (
        [] if committed else [written[-1]["document_id"]]
    )
    newest = home.librarian.retrieve(written[-1]["document_id"], tenant="default")
    assert newest == written[-1]["content"]


def test_journeys_of_one_process_take_turns(tmp_path: Path) -> None:
    """Started at once on one home, three journeys and an undo run one after the other and all come to their end."""
    folder = _folder(tmp_path, files=3)
    paths = sorted(folder.iterdir())

    async def run() -> None:
        async with opened(tmp_path / "home", Policy.rollback(chunk=SMALL)) as mp:
            first = await mp.ingest([paths[0]], kb="hr")
            others = [mp.ingest([path], kb=kb) for path, kb in zip(paths[1:], ("hr", "other"), strict=True)]
            done = await asyncio.gather(*others, mp.undo(first), mp.acting_as(mp.user).ingest([paths[1]], kb="third"))
            assert [getattr(each, "status", "undone") for each in done] == [
                "completed",
                "completed",
                "undone",
                "completed",
            ]
            assert {kb.name: kb.sources for kb in await mp.kb_list()} == {"hr": 1, "other": 1, "third": 1}
            for kb in ("hr", "other", "third"):
                assert (await mp.kb_verify(kb)).ok

    asyncio.run(run())
