"""Law: a reader in another process sees one revision or the next, never a mixture, never fewer than k, and at once.

One process searches in a loop while others ingest, replace, remove and roll back; every answer it got is one of the
answers that the revisions give, in the order in which they were made.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kill import House
from works import view

K = 5


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as made:
        yield made


def _edition(folder: Path, words: str, files: int = 6) -> str:
    folder.mkdir()
    for n in range(files):
        text = "\n\n".join(f"{words} in file {n}, paragraph {p}. " + "More of it. " * 14 for p in range(5))
        (folder / f"file{n}.md").write_text(text)
    return str(folder)


def _answers(home: Path) -> list[list[Any]]:
    return [[row[5], row[1]] for row in view(home)[:K]]


def test_a_searching_reader_sees_whole_revisions_in_order(house: House, tmp_path: Path) -> None:
    """Through a replacement of everything, an undo, a redo and a rebuild: only whole answers of k, none out of turn."""
    home, until = tmp_path / "home", tmp_path / "until"
    first, second = _edition(tmp_path / "first", "first edition"), _edition(tmp_path / "second", "second edition")
    house.run("ingest", home, folder=first)
    answers = [_answers(home)]
    reader = house.start("watch", home, until=str(until), k=K)
    _wait(until, 1)
    works = (("ingest", {"folder": second}), ("undo", {}), ("redo", {}), ("rebuild", {}))
    for revision, (work, args) in zip((2, 3, 4, 4), works, strict=True):
        house.run(work, home, **args)
        answers.append(_answers(home))
        _wait(until, revision)
    until.touch()
    seen = house.end(reader).value
    assert answers[0] == answers[2] and answers[1] == answers[3] == answers[4]
    assert [each["answer"] for each in seen] == answers[:4], "every revision was seen, whole, once, in order"
    assert [each["revisions"] for each in seen] == [[1], [2], [3], [4]]
    assert all(len(each["answer"]) == K for each in seen)
    assert sum(each["searches"] for each in seen) > 8


def test_a_reader_waits_for_nobody(house: House, tmp_path: Path) -> None:
    """A commit is seen by a process that had the home open before, though the index has not followed yet."""
    home, until = tmp_path / "home", tmp_path / "until"
    house.run("ingest", home, folder=_edition(tmp_path / "first", "first edition"))
    reader = house.start("watch", home, until=str(until), k=K)
    _wait(until, 1)
    dead = house.run(
        "ingest", home, folder=_edition(tmp_path / "second", "second edition"), kill=("expose.after_publish", 1)
    )
    assert dead.killed
    until.touch()
    seen = house.end(reader).value
    assert seen[-1]["revisions"] == [2]
    assert len(seen) == 2


def test_two_processes_publish_to_one_home(house: House, tmp_path: Path) -> None:
    """Both journeys' files are there, each once, whoever came first: one at a time has the store."""
    home = tmp_path / "home"
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        _edition(folder, folder.name)
        for path in folder.glob("*.md"):
            path.rename(path.with_name(f"{folder.name}-{path.name}"))
    both = [house.start("ingest", home, folder=str(folder)) for folder in (one, two)]
    ended = [house.end(each).value for each in both]
    assert [each["status"] for each in ended] == ["completed", "completed"]
    assert sorted(each["revision_after"] for each in ended) == [1, 2]
    sources = {row[2] for row in view(home)}
    assert sources == {f"{folder}-file{n}.md" for folder in ("one", "two") for n in range(6)}
    assert house.run("reopen", home).value["ok"]


def test_two_processes_undo_one_journey(house: House, tmp_path: Path) -> None:
    """One of them does it, the other finds it done: one new revision, and the kb as it was."""
    home = tmp_path / "home"
    house.run("ingest", home, folder=_edition(tmp_path / "first", "first edition"))
    before = house.run("reopen", home).value["digest"]
    house.run("ingest", home, folder=_edition(tmp_path / "second", "second edition"))
    journey = house.run("status", home).value["journey_id"]
    both = [house.start("undo", home, journey=journey) for _ in range(2)]
    ended = [house.end(each).value for each in both]
    assert sorted(each["rollback"]["already_there"] for each in ended) == [False, True]
    assert {each["digest"] for each in ended} == {before}
    assert {each["rollback"]["revision_after"] for each in ended} == {3}


def _wait(until: Path, revision: int, seconds: float = 30.0) -> None:
    """Wait for the reader to have seen a revision, so that a loaded machine makes no difference."""
    told, end = Path(f"{until}.seen"), time.monotonic() + seconds
    while not (told.exists() and told.read_text() == str(revision)):
        assert time.monotonic() < end, f"revision {revision} was never seen"
        time.sleep(0.01)
