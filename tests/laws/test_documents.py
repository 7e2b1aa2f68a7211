"""Law: what is said of a journey is in Chroma before the journey does anything, and what came of it when it has ended.

Documents lie in the ledger first, and go to Chroma together. Killed anywhere between the two, nothing of them is lost.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import chromadb
import pytest
from kill import House
from langgraph.checkpoint.memory import InMemorySaver
from works import opened

from milepost import ApprovalRequired, AsyncMilepost, Milepost, NotFound
from milepost.agents.graph import build_graph
from milepost.store import faults
from milepost.store.chroma import Index
from milepost.tools.embedders import FakeEmbedder

SMALL = {"chunk": {"size": 200, "overlap": 0}, "approval": "never"}
FULL = {**SMALL, "enable_rollback": True, "enable_forward_docs": True, "learn_from_results": True}
ONLY_DOCUMENTS = {**SMALL, "enable_forward_docs": True}
ABOUT = {"librarian", "checkpoint", "journey"}
"""Whose fault points lie where documents are on their way."""
PLANNED = {"execution_plan": 1, "forward_documentation": 4}


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    faults.arm(None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    (made / "a.md").write_text("# A\n\nWhat everybody asks.\n")
    (made / "b.md").write_text("# B\n\nWhat nobody asks.\n")
    return made


def in_chroma(home: Path) -> dict[str, dict[str, Any]]:
    """Every document of a journey, by id, as Chroma's own database has it; nothing is opened by Milepost for this."""
    sql = (
        "SELECT k.string_value, d.string_value FROM embedding_metadata k JOIN embedding_metadata d ON k.id = d.id"
        " WHERE k.key = 'document_id' AND d.key = 'chroma:document'"
    )
    try:
        with closing(sqlite3.connect(f"{(home / 'chroma/chroma.sqlite3').as_uri()}?mode=ro", uri=True)) as chroma:
            return {key: json.loads(body) for key, body in chroma.execute(sql)}
    except sqlite3.OperationalError:  # nothing was ever written there
        return {}


def in_ledger(home: Path) -> dict[str, dict[str, Any]]:
    with closing(sqlite3.connect(home / "milepost.db")) as record:
        rows = record.execute("SELECT key, body FROM documents WHERE deleted = 0").fetchall()
    return {key: json.loads(body) for key, body in rows}


def kinds(home: Path, found: dict[str, Any]) -> dict[str, int]:
    """How many documents of each type are among those found."""
    with closing(sqlite3.connect(home / "milepost.db")) as record:
        types = dict(record.execute("SELECT key, type FROM documents").fetchall())
    return {kind: sum(types[key] == kind for key in found) for kind in {types[key] for key in found}}


def seen_at(home: Path, wanted: str) -> list[dict[str, dict[str, Any]]]:
    """What Chroma holds whenever a fault point is reached from now on."""
    seen: list[dict[str, dict[str, Any]]] = []

    def look(point: str) -> None:
        if point == wanted:
            seen.append(in_chroma(home))

    faults.arm(look)
    return seen


@pytest.mark.parametrize("policy", [FULL, ONLY_DOCUMENTS], ids=["with checkpoints", "documents only"])
def test_before_anything_is_done_it_is_written_down(tmp_path: Path, folder: Path, policy: Any) -> None:
    """When the first step begins, plan and steps are in Chroma as in the ledger; afterwards, what came of them."""
    home = tmp_path / "home"
    with opened(home, policy=policy) as mp:
        seen = seen_at(home, "upload.before_intent")
        assert mp.ingest([folder], kb="hr").status == "completed"
        assert [{kind: kinds(home, then).get(kind) for kind in PLANNED} for then in seen] == [PLANNED]
        assert not any("came_of_it" in content for content in seen[0].values())
        assert in_chroma(home) == in_ledger(home)
        came = [content["came_of_it"]["status"] for content in in_chroma(home).values() if "came_of_it" in content]
    assert sorted(came) == ["completed", *["done"] * 4]


def test_another_program_finds_every_document(tmp_path: Path, folder: Path) -> None:
    """A client that knows nothing of Milepost finds what journeys wrote, of one that had nothing to do as well."""
    home = tmp_path / "home"
    with opened(home, policy=FULL) as mp:
        mp.ingest([folder], kb="hr")
        mp.ingest([folder], kb="hr")
    client = chromadb.PersistentClient(str(home / "chroma"))
    try:
        (name,) = (one.name for one in client.list_collections() if one.name.startswith("mp-librarian-"))
        found = client.get_collection(name, embedding_function=None).get(include=["documents", "metadatas"])
    finally:
        client.close()
    bodies = zip(found["metadatas"] or [], found["documents"] or [], strict=True)
    assert {str(meta["document_id"]): json.loads(body) for meta, body in bodies} == in_ledger(home)
    assert kinds(home, in_ledger(home)) == {
        "execution_plan": 2, "forward_documentation": 8, "rollback_checkpoint": 6, "journey_outcome": 2,
    }  # fmt: skip


def test_while_a_person_is_asked_the_documents_are_there(tmp_path: Path, folder: Path) -> None:
    """Whoever has to say yes finds in Chroma what it is about."""
    home = tmp_path / "home"
    with opened(home, policy={**FULL, "approval": "always"}) as mp:
        with pytest.raises(ApprovalRequired):
            mp.ingest([folder], kb="hr")
        assert kinds(home, in_chroma(home)) == PLANNED


def test_a_graph_that_waits_has_written_down_what_for(tmp_path: Path, folder: Path) -> None:
    """The same in a graph of somebody's own, which plans and asks in one run."""
    home, policy = tmp_path / "home", {**FULL, "approval": "always"}

    async def scenario() -> Any:
        async with AsyncMilepost(home, policy=policy, embedder=FakeEmbedder(16)) as mp:
            graph = build_graph(mp.engine, mp.policy, checkpointer=InMemorySaver())
            config: Any = {"configurable": {"thread_id": "one"}}
            state = await graph.ainvoke({"paths": [str(folder)], "kb": "hr"}, config)
            return state["__interrupt__"], kinds(home, in_chroma(home))

    asked, there = asyncio.run(scenario())
    assert asked and there == PLANNED


def test_a_plan_that_is_not_run_at_once_is_written_down(tmp_path: Path, folder: Path) -> None:
    """Planning brings what it wrote: nobody knows when somebody applies it."""
    home = tmp_path / "home"
    with opened(home, policy=FULL) as mp:
        mp.plan([folder], kb="hr")
        assert kinds(home, in_chroma(home)) == PLANNED


def test_a_journey_writes_to_chroma_as_often_as_somebody_is_told(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once for each checkpoint, the first with the documents before, and once at the end; with nothing to do, twice."""
    rows: list[int] = []
    put = Index.put

    def counted(self: Index, ids: Any, *given: Any, **more: Any) -> None:
        rows.append(len(ids))
        put(self, ids, *given, **more)

    monkeypatch.setattr(Index, "put", counted)
    with opened(tmp_path / "home", policy=FULL) as mp:
        mp.ingest([folder], kb="hr")
        assert rows == [6, 1, 1, 1, 1, 6]
        rows.clear()
        mp.ingest([folder], kb="hr")
        assert rows == [1, 6]


def test_what_nobody_came_back_for_goes_with_the_next(tmp_path: Path, folder: Path) -> None:
    """Documents of a plan that could not be run in the end are brought by whoever takes the lease next."""
    home = tmp_path / "home"
    with opened(home, policy=FULL) as mp:
        mp.ingest([folder], kb="hr")
        (folder / "a.md").write_text("# A\n\nChanged.\n")

        def fail(point: str) -> None:
            if point == "journey.started":
                raise NotFound("somebody took it away")

        faults.arm(fail)
        with pytest.raises(NotFound):
            mp.ingest([folder], kb="hr")
        faults.arm(None)
        waiting = in_ledger(home).keys() - in_chroma(home).keys()
        assert kinds(home, dict.fromkeys(waiting)) == PLANNED
        with mp.workspace.services.home.hold():
            pass
        assert in_ledger(home) == in_chroma(home)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House(quick=True) as made:
        yield made


@pytest.mark.parametrize("change", [False, pytest.param(True, marks=pytest.mark.nightly)], ids=["idle", "changed"])
def test_killed_anywhere_no_document_is_lost(tmp_path: Path, folder: Path, house: House, change: bool) -> None:
    """A journey is killed wherever documents are on their way. Who goes on has all that was to be said, in Chroma."""
    before, args = tmp_path / "before", {"folder": str(folder), "policy": FULL}
    house.run("ingest", before, **args)
    if change:
        (folder / "a.md").write_text("# A\n\nChanged.\n")
    points = house.run("points", _twin(before), inner="ingest", args=args).value
    moments = [(point, 1 + points[:at].count(point)) for at, point in enumerate(points)]
    moments = [(point, nth) for point, nth in moments if change or point.partition(".")[0] in ABOUT]
    assert {"journey.started", "librarian.after_ledger", "checkpoint.before_commit", "journey.ended"} <= set(points)
    for point, nth in moments:
        home = _twin(before)
        assert house.run("ingest", home, kill=(point, nth), **args).killed, f"{point}, time {nth}, did not fire"
        house.run("finish", home, **args)
        assert in_chroma(home) == in_ledger(home), f"{point}, time {nth}"
        assert _untold(home) == [], f"{point}, time {nth}"
        shutil.rmtree(home)


_numbers = itertools.count(1)


def _twin(home: Path) -> Path:
    twin = home.with_name(f"home-{next(_numbers)}")
    shutil.copytree(home, twin)
    return twin


def _untold(home: Path) -> list[str]:
    """Journeys that are not at their end, whose documents do not say so, or that cannot be named in an undo."""
    with Milepost(home, policy=FULL) as mp:
        told = {key: content.get("came_of_it", {}).get("status") for key, content in in_chroma(home).items()}
        return [
            one.journey_id
            for one in map(mp.status, mp.journeys())
            if not one.status == told[one.plan_id] == "completed" or one.checkpoints[0].checkpoint_id not in told
        ]
