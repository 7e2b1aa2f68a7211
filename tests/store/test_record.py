"""Law: the record is the truth: a transaction is whole or not there, and a reader sees one moment."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from store_kit import Kit

from milepost.store.compressed import compressed, expanded
from milepost.store.errors import StoreBusy, StoreDamaged, StoreTooNew
from milepost.store.record import Record
from milepost.store.schema import MIGRATIONS


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return Record(tmp_path / "milepost.db")


def fact(record: Record, key: str) -> str | None:
    with record.read() as reading:
        row = reading.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
    return row[0] if row else None


def tell(record: Record, key: str, value: str = "yes") -> None:
    with record.write() as writing:
        writing.execute("INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)", (key, value))


def test_it_is_sqlite_with_wal_and_every_commit_on_disk(record: Record) -> None:
    """WAL, `synchronous=FULL`, foreign keys; migrations are counted by `user_version`."""
    with record.read() as reading:
        pragma = {
            name: reading.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "foreign_keys", "user_version")
        }
    assert pragma == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "user_version": len(MIGRATIONS)}


def test_an_exception_undoes_the_transaction(record: Record) -> None:
    """What a block wrote before it failed is gone, nested blocks included."""
    with pytest.raises(ValueError, match="no"), record.write():
        tell(record, "outer")
        with record.write():
            tell(record, "inner")
        raise ValueError("no")
    assert fact(record, "outer") is None
    assert fact(record, "inner") is None


def test_nested_writes_are_one_transaction(record: Record) -> None:
    """Nothing of a nested write is visible to others before the outer one ends; the writer sees its own."""
    other = Record(record.path)
    with record.write():
        tell(record, "inner")
        assert fact(record, "inner") == "yes"
        assert fact(other, "inner") is None
    assert fact(other, "inner") == "yes"
    other.close()


def test_a_write_inside_a_read_is_refused(record: Record) -> None:
    """It would end, unsaved, with the read; so it is an error at once, and the record works on."""
    with record.read(), pytest.raises(RuntimeError, match="lost"):
        tell(record, "lost")
    tell(record, "kept")
    assert (fact(record, "lost"), fact(record, "kept")) == (None, "yes")


def test_a_commit_that_fails_is_undone_and_the_next_write_stands_alone(record: Record) -> None:
    """After a failed commit nothing is left open that a later write would join and never end."""
    with pytest.raises(sqlite3.IntegrityError), record.write() as writing:
        writing.execute("PRAGMA defer_foreign_keys=ON")
        writing.execute("INSERT INTO sources (kb_id, name) VALUES (99, 'nobody')")
    assert not record.in_transaction
    tell(record, "after")
    other = Record(record.path)
    assert fact(other, "after") == "yes"
    other.close()


def test_a_reader_sees_one_moment(record: Record) -> None:
    """A snapshot stays what it was while others commit, and blocks none of them."""
    tell(record, "a", "1")
    with record.read():
        assert fact(record, "a") == "1"
        writer = threading.Thread(target=tell, args=(record, "a", "2"))
        writer.start()
        writer.join(10)
        assert not writer.is_alive()
        assert fact(record, "a") == "1"
    assert fact(record, "a") == "2"


def test_a_writer_that_waits_too_long_is_told_so(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that somebody else is writing to for too long is busy; nothing was changed."""
    monkeypatch.setattr("milepost.store.record.BUSY_SECONDS", 0.05)
    other = Record(record.path)
    with record.write(), pytest.raises(StoreBusy):
        tell(other, "late")
    other.close()
    assert fact(record, "late") is None


def test_a_record_of_a_newer_milepost_is_left_alone(record: Record) -> None:
    """A higher version is refused by name before anything is read or written."""
    with record.write() as writing:
        writing.execute(f"PRAGMA user_version={len(MIGRATIONS) + 1}")
    record.close()
    before = record.path.read_bytes()
    with pytest.raises(StoreTooNew, match="newer Milepost"):
        Record(record.path)
    assert record.path.read_bytes() == before


def test_a_file_that_is_no_database_is_named_damaged(tmp_path: Path) -> None:
    """Something else under the record's name is an error with a next move, and stays as it is."""
    path = tmp_path / "milepost.db"
    path.write_bytes(b"not a database, but something dear to somebody" * 100)
    before = path.read_bytes()
    with pytest.raises(StoreDamaged):
        Record(path)
    assert path.read_bytes() == before


def test_a_migration_that_fails_leaves_the_old_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A migration is one transaction: what it did before it failed is undone, and it runs again from there."""
    Record(tmp_path / "milepost.db").close()
    broken = (*MIGRATIONS, "CREATE TABLE half (a);\nCREATE NONSENSE;\n")
    monkeypatch.setattr("milepost.store.record.MIGRATIONS", broken)
    with pytest.raises(sqlite3.OperationalError):
        Record(tmp_path / "milepost.db")
    monkeypatch.setattr("milepost.store.record.MIGRATIONS", (*MIGRATIONS, "CREATE TABLE half (a);\n"))
    record = Record(tmp_path / "milepost.db")
    with record.read() as reading:
        assert reading.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS) + 1
        assert reading.execute("SELECT count(*) FROM half").fetchone()[0] == 0
    record.close()


def test_processes_that_open_a_new_home_at_once_all_get_in(tmp_path: Path) -> None:
    """Making the record is safe for several processes: one migrates, the others find it done."""
    code = (
        "import sys; from pathlib import Path; from milepost.store.record import Record\n"
        "for line in sys.stdin:\n"
        "    record = Record(Path(line.strip()))\n"
        "    with record.write() as w: w.execute('UPDATE holder SET epoch = epoch + 1')\n"
        "    record.close()\n"
        "    print('in', flush=True)\n"
    )
    pipe = subprocess.PIPE
    with ExitStack() as ending:
        started = [
            ending.enter_context(subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, text=True))
            for _ in range(4)
        ]
        for number in range(40):
            path = tmp_path / f"{number}.db"
            for process in started:
                print(path, file=process.stdin, flush=True)
            assert [process.stdout and process.stdout.readline() for process in started] == ["in\n"] * 4
            record = Record(path)
            with record.read() as reading:
                assert reading.execute("SELECT epoch FROM holder").fetchone()[0] == 4
            record.close()


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=2_000))
def test_a_deflated_text_is_the_text(text: str) -> None:
    """Every character of it, those that end a string or a line elsewhere among them."""
    assert expanded(compressed(text)) == text


@pytest.mark.parametrize("body", [b"", b"no frame", compressed("cut short")[:-3], zstandard.compress(b"\xff\xfe")])
def test_a_text_that_cannot_be_read_is_damage(record: Record, body: bytes) -> None:
    """Whatever is wrong with it, the reader is told that the record is damaged, and nothing of the text."""
    with record.write() as writing:
        writing.execute("INSERT INTO texts (sha, bytes, body) VALUES (x'00', 1, ?)", (body,))
    with pytest.raises(StoreDamaged, match="damaged") as said, record.read() as reading:
        reading.execute("SELECT expanded(body) FROM texts").fetchall()
    assert said.value.cause == "a text in it cannot be read"


def test_a_closed_record_opens_again_at_its_next_use(record: Record) -> None:
    """Closing ends every thread's connection; using it again opens anew."""
    tell(record, "a")
    record.close()
    assert fact(record, "a") == "yes"
    record.close()


def test_the_views_and_the_scratch_are_not_needed(kit: Kit) -> None:
    """Record and blobs are the truth: with every other file deleted, search, history and collection come back."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["one", "two"], "b": ["three"]})
    kit.publish(kb, {"b": None})
    found = [kit.search(kb, "three", at=at) for at in (1, 2)]
    view = kit.view(kb)
    kit.home.close()
    for path in kit.path.iterdir():
        if path.name not in {"milepost.db", "milepost.db-wal", "milepost.db-shm", "blobs"}:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    kit.reopen()
    embedded = list(kit.embedder.embedded)
    assert [kit.search(kb, "three", at=at) for at in (1, 2)] == found
    with kit.home.hold():
        kit.home.open_index(kb.kb_id)
    assert kit.view(kb) == view
    assert kit.whole(kb)
    assert kit.embedder.embedded == [*embedded, "three", "three"], "only the questions were embedded"
