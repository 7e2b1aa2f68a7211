"""Law: a disk that is full, or fails, costs nothing that was said to be done, and once it is well everything goes on.

A shim makes the n-th call that changes a file fail, once or from then on, in our own code, SQLite's and Chroma's.
"""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kill import House
from scenarios import Scenario, Scenarios
from shim import ROOM, SYNCS, Call, built, why_not
from works import opened

from milepost.store.trouble import no_space

KNOWN = {"no_space", "disk_failed", "store_damaged", "store_unwritable"}
"""What a person may be told. Chroma does not always say why it failed: then it is the collection that needs repair."""
WORKS = ["ingest", "replace", "removal", "rollback", "rollback of a rollback", "rebuild"]
FAULTS = [("fail from", ROOM, errno.ENOSPC), ("fail once", ROOM, errno.ENOSPC), ("fail once", SYNCS, errno.EIO)]
SAMPLE = 2
NIGHTLY = 25


@pytest.fixture(scope="module")
def scenarios(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scenarios]:
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("disk")
    with House(built(folder), quick=True) as house:
        yield Scenarios(house, folder)


def _fail(scenarios: Scenarios, scenario: Scenario, call: Call, *, back: bool) -> str | None:
    """Let one run meet the fault, and hold what is there then to the law; what was told."""
    home, house = scenarios.copy(scenario.before), scenarios.house
    said: dict[str, Any] = house.run("attempt", home, call=call, inner=scenario.work, args=scenario.args).value
    assert said["code"] is None or said["code"] in KNOWN, said
    assert said["code"] is None or (said["state"] and said["next"]), said
    scenarios.check(scenario, home, house=house, back=back, again=2)
    return said["code"]


def _failed(
    scenarios: Scenarios, name: str, mode: str, kinds: int, error: int, moments: int, figures: Any = None
) -> None:
    scenario = scenarios.all[name]
    home = scenarios.copy(scenario.before)
    calls = scenarios.house.run(scenario.work, home, call=Call(kinds=kinds), **scenario.args).calls
    wrong, told = [], Counter[str | None]()
    numbers = sorted({max(1, calls * (at + 1) // (moments + 1)) for at in range(moments)})
    for number in numbers:
        try:
            told[_fail(scenarios, scenario, Call(mode, number, kinds, error), back=number % 4 == 0)] += 1
        except AssertionError as failure:
            wrong.append(f"call {number} of {calls}: {str(failure)[-1500:]}")
    said = f"{len(numbers)} of {calls} calls; told {dict(told)}; {len(wrong)} wrong"
    if figures:
        figures("calls that the disk failed", len(numbers), len(wrong))
    print(f"{name}, {mode} {errno.errorcode[error]}: {said}")
    assert not wrong, "\n\n".join(wrong)
    assert any(code for code in told if code), "nothing that failed was told"


@pytest.mark.parametrize(("mode", "kinds", "error"), FAULTS)
@pytest.mark.parametrize("name", ["replace", "rollback"])
def test_some_failing_calls(scenarios: Scenarios, name: str, mode: str, kinds: int, error: int) -> None:
    """Two moments of each."""
    _failed(scenarios, name, mode, kinds, error, SAMPLE)


@pytest.mark.nightly
@pytest.mark.parametrize(("mode", "kinds", "error"), FAULTS)
@pytest.mark.parametrize("name", WORKS)
def test_many_failing_calls(
    scenarios: Scenarios, name: str, mode: str, kinds: int, error: int, figures: Callable[[str, int, int], None]
) -> None:
    """Moments spread over all of each piece of work."""
    _failed(scenarios, name, mode, kinds, error, NIGHTLY, figures)


def test_no_effect_is_started_that_could_not_be_written_down(scenarios: Scenarios) -> None:
    """On a disk that takes nothing from the first call on, no upload and no row comes to be."""
    scenario = scenarios.all["replace"]
    home = scenarios.copy(scenario.before)
    before = {path for path in home.rglob("*") if "blobs" in path.parts}
    said = scenarios.house.run(
        "attempt", home, call=Call("fail from", 1, ROOM), inner=scenario.work, args=scenario.args
    ).value  # fmt: skip
    assert said["code"] in ("no_space", "store_unwritable")
    assert {path for path in home.rglob("*") if "blobs" in path.parts} == before
    assert scenarios.house.run("view", home).value == scenario.old.view
    assert scenarios.house.run("status", home).value["journey_id"] != (scenario.journey or {})["journey_id"]


@pytest.mark.parametrize(
    ("kinds", "error", "call"),
    [(SYNCS, errno.EIO, "fsync /blobs/incoming"), (ROOM, errno.ENOSPC, "write /blobs/incoming")],
)
def test_a_disk_that_does_not_take_an_upload_is_not_the_files_fault(
    scenarios: Scenarios, tmp_path: Path, kinds: int, error: int, call: str
) -> None:
    """The journey is cut off, and says that it was the disk: no file is called unreadable, nothing is published."""
    scenario, trace = scenarios.all["ingest"], tmp_path / "calls"
    home, house = scenarios.copy(scenario.before), scenarios.house
    house.run(scenario.work, home, call=Call(kinds=kinds, trace=str(trace)), **scenario.args)
    number = next(n for n, made in enumerate(trace.read_text().splitlines(), 1) if made.startswith(call))
    home = scenarios.copy(scenario.before)
    fault = Call("fail once", number, kinds, error)
    said = house.run("attempt", home, call=fault, inner=scenario.work, args=scenario.args).value
    assert said["code"] == ("disk_failed" if error == errno.EIO else "no_space")
    assert house.run("status", home).value["status"] == "interrupted"
    scenarios.check(scenario, home, house=house, again=2)


def test_a_home_that_cannot_be_made_says_why(scenarios: Scenarios) -> None:
    """Whatever is asked of it first: the first commits find no room."""
    scenario = scenarios.all["ingest"]
    for number in (20, 46):
        home = scenarios.copy(scenario.before)
        fault = Call("fail once", number, ROOM)
        said = scenarios.house.run("attempt", home, call=fault, inner=scenario.work, args=scenario.args).value
        assert said["code"] == "no_space"
        scenarios.check(scenario, home, house=scenarios.house, back=False)


def test_a_failed_sync_of_the_record_is_not_tried_again(scenarios: Scenarios, tmp_path: Path) -> None:
    """The system may have dropped what it could not sync, and say yes next time: the process writes nothing more."""
    scenario = scenarios.all["replace"]
    trace, again = tmp_path / "calls", tmp_path / "again"
    home = scenarios.copy(scenario.before)
    scenarios.house.run(scenario.work, home, call=Call(kinds=SYNCS, trace=str(trace)), **scenario.args)
    calls = trace.read_text().splitlines()
    number = next(n for n, call in enumerate(calls, 1) if "milepost.db-wal" in call)
    home = scenarios.copy(scenario.before)
    call = Call("fail once", number, SYNCS, errno.EIO, str(again))
    said = scenarios.house.run("attempt", home, call=call, inner=scenario.work, args=scenario.args).value
    assert said["code"] == "disk_failed" and "counts as not written" in said["state"]
    after = again.read_text().splitlines()[number:]
    assert [call for call in after if "milepost.db" in call] == []
    scenarios.check(scenario, home, house=scenarios.house, again=2)


def _full(small: Path) -> None:
    """Fill a small file system to its last byte."""
    with (small / "filler").open("wb", buffering=0) as filler:
        for size in (1 << 16, 1 << 12, 1 << 8, 1):
            while True:
                try:
                    filler.write(bytes(size))
                except OSError:
                    break


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 MiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system; the shim above stands for it")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16M", "tmpfs", str(folder)], capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"this root may not mount: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True, timeout=60)  # native code may keep a file


def pages(folder: Path, word: str, number: int) -> Path:
    """A folder of texts, three chunks each."""
    folder.mkdir(exist_ok=True)
    for n in range(number):
        said = " ".join(f"On page {n} sentence {at} says {word}." for at in range(16))
        (folder / f"{n}.md").write_text(f"# Page {n}\n\n{said}\n")
    return folder


def test_a_rollback_that_the_reserve_is_too_small_for_has_the_collections_room(small: Path, tmp_path: Path) -> None:
    """Hundreds of chunks come back on a disk without a free byte: the collections go, and are made from the record.

    Of every kb, and of the librarian, whose documents are all read from them afterwards.
    """
    home = small / "home"
    folder = pages(tmp_path / "pages", "one", 120)
    with opened(home) as mp:
        mp.ingest([str(pages(tmp_path / "other", "another", 20))], kb="other")
        mp.ingest([str(folder)], kb="hr")
        before = mp.kb_digest("hr").digest
        done = mp.ingest([str(pages(folder, "two", 120))], kb="hr")
        documents = len(mp.documents())
    _full(small)
    with opened(home) as mp:
        undone = mp.undo(done)
        assert (undone.success, undone.verified, undone.chunks_restored > 300) == (True, "confirmed", True)
        assert mp.kb_digest("hr").digest == before
        assert "gave its room to a rollback on a full disk" in mp.workspace.services.home.findings[0]
    (small / "filler").unlink()
    with opened(home) as mp:
        assert mp.kb_verify("hr").ok and mp.kb_verify("other").ok
        assert len(mp.documents()) > documents


def test_collections_of_others_are_left_where_they_are(small: Path, tmp_path: Path) -> None:
    """Then the rollback waits for room: what people search is back already, and the next call finishes it."""
    import chromadb

    from milepost import NoSpace

    home = small / "home"
    folder = pages(tmp_path / "pages", "one", 120)
    with opened(home) as mp:
        mp.ingest([str(folder)], kb="hr")
        before, found = mp.kb_digest("hr").digest, [hit.text for hit in mp.search("says one", kb="hr")]
        done = mp.ingest([str(pages(folder, "two", 120))], kb="hr")
    theirs = chromadb.PersistentClient(str(home / "chroma"))
    theirs.create_collection("theirs").add(ids=["a"], documents=["mine"], embeddings=[[1.0, 0.0]])
    del theirs
    _full(small)
    with opened(home) as mp:
        with pytest.raises(NoSpace, match="there is no space left"):
            mp.undo(done)
        assert [hit.text for hit in mp.search("says one", kb="hr")] == found
    (small / "filler").unlink()
    with opened(home) as mp:
        assert mp.undo(done).success
        assert mp.kb_digest("hr").digest == before and mp.kb_verify("hr").ok
    assert chromadb.PersistentClient(str(home / "chroma")).get_collection("theirs").get()["documents"] == ["mine"]


def once_full(home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next time that a collection follows there is no room for it."""
    follow, full = home.follower.follow, [no_space(home.path)]

    def following(kb_id: int, **how: Any) -> None:
        if full:
            raise full.pop()
        follow(kb_id, **how)

    monkeypatch.setattr(home.follower, "follow", following)


def test_a_rollback_that_is_done_says_so_whatever_is_left_to_follow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other collections that find no room, in words of native code, are brought by the next one."""
    home = tmp_path / "home"
    with opened(home) as mp:
        mp.ingest([str(pages(tmp_path / "other", "another", 3))], kb="other")
        done = mp.ingest([str(pages(tmp_path / "pages", "one", 3))], kb="hr")
        once_full(mp.workspace.services.home, monkeypatch)
        monkeypatch.setattr(mp.workspace.services.home.views, "finish", lambda: 1 // 0)
        assert mp.undo(done).verified == "confirmed"
    with opened(home) as mp:
        assert mp.kb_verify("other").ok and mp.kb_verify("hr").ok


def test_collections_that_cannot_be_told_are_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whose they are is not known, so that they are nobody's to delete; the rollback waits for room."""
    from milepost import NoSpace

    home = tmp_path / "home"
    with opened(home) as mp:
        done = mp.ingest([str(pages(tmp_path / "pages", "one", 3))], kb="hr")
        once_full(mp.workspace.services.home, monkeypatch)
        monkeypatch.setattr("milepost.store.views.collections", _locked)
        with pytest.raises(NoSpace):
            mp.undo(done)
        assert (home / "chroma").exists()
        assert mp.undo(done).verified == "confirmed"


def _locked(folder: Path) -> set[str]:
    raise sqlite3.OperationalError(f"{folder} is locked")


@pytest.mark.parametrize("point", ["views.after_giving_up", "follow.after_batch", "rollback.before_done"])
def test_a_kill_after_the_collections_gave_their_room(
    small: Path, tmp_path: Path, scenarios: Scenarios, point: str
) -> None:
    """Whoever comes next finishes the rollback, and all of the collections are there."""
    home = small / "home"
    folder = pages(tmp_path / "pages", "one", 120)
    with opened(home) as mp:
        mp.ingest([str(folder)], kb="hr")
        before = mp.kb_digest("hr").digest
        journey = mp.ingest([str(pages(folder, "two", 120))], kb="hr").journey_id
    _full(small)
    assert scenarios.house.run("undo", home, journey=journey, kill=(point, 1)).killed
    (small / "filler").unlink(missing_ok=True)
    done = scenarios.house.run("undo", home, journey=journey).value
    assert (done["digest"], done["ok"]) == (before, True)


def test_a_rollback_on_a_full_disk_has_the_reserve(small: Path, tmp_path: Path) -> None:
    """Not a byte is free: nothing starts, a search answers, and the rollback is done; with room, all goes on."""
    from milepost import NoSpace

    first, second = tmp_path / "first", tmp_path / "second"
    for folder, word in ((first, "one"), (second, "two")):
        folder.mkdir()
        for n in range(20):
            (folder / f"{n}.md").write_text(f"# Page {n}\n\nIt says {word}, on page {n}.\n")
    home = small / "home"
    with opened(home) as mp:
        mp.ingest([str(first)], kb="hr")
        before = mp.kb_digest("hr").digest
        done = mp.ingest([str(second)], kb="hr")
        after = mp.kb_digest("hr").digest
    _full(small)
    assert shutil.disk_usage(small).free == 0
    (second / "0.md").write_text("# Page 0\n\nIt says three.\n")
    with opened(home) as mp:
        assert mp.search("It says two", kb="hr", k=50)
        with pytest.raises(NoSpace):
            mp.ingest([str(second)], kb="hr")
    with opened(home) as mp:
        assert mp.undo(done).success
        assert mp.kb_digest("hr").digest == before
        with pytest.raises(NoSpace):
            mp.ingest([str(second)], kb="hr")
    (small / "filler").unlink()
    with opened(home) as mp:
        mp.rollback(last=True, kb="hr")
        assert mp.kb_digest("hr").digest == after
        assert mp.ingest([str(second)], kb="hr").status == "completed"
        assert mp.kb_verify("hr").ok
    assert (home / "reserve").exists()
