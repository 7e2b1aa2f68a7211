"""Law: however many work on one home at once, nothing is lost, nothing is done twice, and who waits knows for whom.

Processes of their own throughout. What is in the collection is read with chromadb itself.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kill import House
from works import KB, QUERY, opened

from milepost.store.records import JourneyStatus


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as made:
        yield made


def _until(path: Path, seconds: float = 60.0) -> None:
    """Wait for a file, so that a loaded machine makes no difference."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path.name} never came"
        time.sleep(0.01)


def _ids(home: Path, collection: str) -> set[str]:
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(str(home / "chroma"), settings=Settings(anonymized_telemetry=False))
    try:
        return set(client.get_collection(collection, embedding_function=None).get(include=[])["ids"])
    finally:
        client.close()  # type: ignore[attr-defined]  # the class has it, its interface has not


def _crowd(house: House, home: Path, processes: int, documents: int, journeys: int) -> int:
    names = [f"p{number}" for number in range(processes)]
    started = [house.start("crowd", home, name=n, documents=documents, journeys=journeys) for n in names]
    for one in started:
        house.end(one)
    with opened(home) as mp:
        report, stats = mp.kb_verify(KB), mp.kb_stats(KB)
        assert report.ok and report.chunks_found == processes * documents, "each by its id, and by its own vector"
        assert [row.revision for row in mp.kb_log(KB)] == list(range(processes * journeys, 0, -1))
        assert sorted(row.user for row in mp.kb_log(KB)) == sorted(names * journeys)
    found = _ids(home, str(stats.collection))
    assert len(found) == processes * documents
    return processes * documents - len(found)


def test_of_what_many_publish_at_once_nothing_is_missing(house: House, tmp_path: Path) -> None:
    """Four processes, three journeys each: every document is there, every journey made one revision."""
    _crowd(house, tmp_path / "home", processes=4, documents=30, journeys=3)


@pytest.mark.nightly
def test_of_8000_documents_of_8_processes_nothing_is_missing(
    house: House, tmp_path: Path, figures: Callable[[str, int, int], None]
) -> None:
    """Eight processes, 1,000 documents each, ten journeys each."""
    missing = _crowd(house, tmp_path / "home", processes=8, documents=1_000, journeys=10)
    figures("documents of 8 processes at once", 8_000, missing)


def _planned(home: Path) -> Any:
    with opened(home) as mp:
        return mp.plan([(f"{n}.md", f"Text {n}.".encode()) for n in range(3)], kb=KB).plan_id


def test_of_two_that_run_one_journey_one_runs_it(house: House, tmp_path: Path) -> None:
    """Both come back with the same completed journey, which ran once."""
    home = tmp_path / "home"
    plan = _planned(home)
    both = [house.end(one).value for one in [house.start("apply", home, plan=plan, wait=60.0) for _ in range(2)]]
    assert [each["status"] for each in both] == ["completed", "completed"]
    assert {each["revision"] for each in both} == {1} and both[0]["pid"] != both[1]["pid"]
    with opened(home) as mp:
        assert [event.kind for event in mp.timeline(mp.status())].count("running") == 1
        assert mp.kb_stats(KB).revision == 1 and mp.kb_verify(KB).ok


def test_who_does_not_wait_is_told_who_runs_it(house: House, tmp_path: Path) -> None:
    """Exit 7, with the process and its journey, and nothing is disturbed."""
    home, go = tmp_path / "home", tmp_path / "go"
    plan = _planned(home)
    first = house.start("apply", home, plan=plan, wait=0.0, pause=str(go))
    _until(Path(f"{go}.there"))
    refused = house.run("apply", home, plan=plan, wait=0.0).value
    go.touch()
    done = house.end(first).value
    assert refused["exit"] == 7
    assert refused["holder"]["pid"] == done["pid"] and f"held by process {done['pid']}" in refused["cause"]
    assert refused["holder"]["journey_id"] and refused["holder"]["journey_id"] in refused["cause"]
    assert (done["status"], done["runs"]) == ("completed", 1)


def test_a_stopped_one_is_named_as_stopped_and_goes_on(house: House, tmp_path: Path) -> None:
    """SIGSTOP in the middle: who waits is told so, readers read, and after SIGCONT it comes to its end."""
    home, go = tmp_path / "home", tmp_path / "go"
    plan = _planned(home)
    first = house.start("apply", home, plan=plan, wait=0.0, pause=str(go))
    _until(Path(f"{go}.there"))
    with opened(home, wait=0) as mp:
        pid = mp.workspace.services.home.lease.holder()["pid"]
        os.kill(pid, signal.SIGSTOP)
        refused = house.run("apply", home, plan=plan, wait=0.0).value
        assert mp.kb_list() and mp.status().status == JourneyStatus.RUNNING
        os.kill(pid, signal.SIGCONT)
    go.touch()
    assert refused["exit"] == 7 and refused["holder"]["stopped"]
    assert f"process {pid}" in refused["cause"] and "stopped" in refused["cause"]
    assert house.end(first).value["status"] == "completed"


def test_a_server_sees_what_others_publish_and_keeps_nobody_from_it(house: House, tmp_path: Path) -> None:
    """Open for long in this process: at once after each child's journey it finds what that made, and works itself."""
    home = tmp_path / "home"
    with opened(home) as mp:
        mine = mp.ingest([("mine.md", b"Of the server.")], kb=KB)
        for turn in range(1, 4):
            house.run("crowd", home, name=f"p{turn}", documents=2, journeys=1)
            assert mp.kb_stats(KB).revision == mp.journeys()[0].revision_after == 2 * turn
            found = {hit.source for hit in mp.search(QUERY, kb=KB, k=100)}
            assert {f"p{turn}-0.md", f"p{turn}-1.md"} <= found
            assert mp.journeys()[0].user == f"p{turn}" and mp.status().checkpoints
            assert len(mp.documents("rollback_checkpoint")) == len(mp.checkpoints())
            mp.ingest([(f"mine-{turn}.md", f"Of the server, {turn}.".encode())], kb=KB)
            assert mp.kb_verify(KB).ok
        undone = house.run("undo", home, journey=mine.journey_id).value
        assert undone["rollback"]["success"]
        assert "mine.md" not in {hit.source for hit in mp.search(QUERY, kb=KB, k=100)}
        assert mp.status(mine).status == JourneyStatus.ROLLED_BACK
        assert mp.kb_digest(KB).digest == undone["digest"]
