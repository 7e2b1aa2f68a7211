"""The record: one SQLite database that is the truth. Whoever wants to change it does so in one transaction."""

from __future__ import annotations

import ctypes
import sqlite3
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

from .compressed import expanded
from .errors import StoreBusy, StoreTooNew, UsageError
from .schema import MIGRATIONS, PAGE_SIZE
from .trouble import as_trouble, damaged, disk_failed, not_synced

BUSY_SECONDS = 30.0
SHRINK_SECONDS = 2
"""How long a reader of another process is waited for who keeps the log from being emptied."""


class Record:
    """An open `milepost.db`. Each thread has a connection of its own; a reader sees one snapshot and blocks nobody."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self.path = path
        self._readonly = readonly
        self._stopped = False
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._migrate()

    @property
    def in_transaction(self) -> bool:
        """Whether the calling thread is inside `read` or `write`."""
        return self._connection().in_transaction

    @property
    def in_snapshot(self) -> bool:
        """Whether the calling thread is inside `read` and not inside `write`: what it sees then is committed."""
        return bool(getattr(self._local, "reading", False))

    @contextmanager
    def read(self) -> Generator[sqlite3.Connection]:
        """One consistent snapshot; nested calls share it, and inside `write` it is the writer's own view."""
        connection = self._connection()
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN")
        self._local.reading = True
        try:
            with self._in_words():
                yield connection
        finally:
            self._local.reading = False
            connection.rollback()

    @contextmanager
    def write(self, *, lazy: bool = False) -> Generator[sqlite3.Connection]:
        """One transaction, durable when the block ends; an exception undoes it. Nested calls join the outer one.

        A lazy one everybody sees at once and a killed process keeps, but it is on disk only with the next that is not:
        for progress that is done again where a power cut takes it, never for an intent before an effect outside the
        record, nor for what somebody is told. Inside `read` it is refused: what it wrote would end with the snapshot.
        `StoreBusy` after half a minute.
        """
        connection = self._connection()
        if connection.in_transaction:
            if getattr(self._local, "reading", False):
                raise RuntimeError("a write inside a read would be lost when the read ends")
            yield connection
            return
        if self._stopped:
            raise disk_failed(self.path.parent, "the disk failed while this process was writing")
        level = "NORMAL" if lazy else "FULL"
        if self._local.level != level:
            connection.execute(f"PRAGMA synchronous={level}")
            self._local.level = level
        _begin(connection)
        self._local.before = {}
        try:
            with self._in_words():
                yield connection
            for work in self._local.before.values():
                work()
            connection.commit()  # a commit that fails is undone as well, or the next write would join it
        except BaseException as failure:
            connection.rollback()
            if isinstance(failure, sqlite3.Error) and not_synced(failure):
                self._stop()
                raise disk_failed(self.path.parent, str(failure)) from failure
            raise

    @contextmanager
    def _in_words(self) -> Generator[None]:
        """Say plainly that a text asked for is none, as half a surrogate pair, or that one in the record is none."""
        try:
            yield
        except UnicodeEncodeError as error:
            raise UsageError(f"{error.object!a:.80} is no valid text", state="nothing was changed") from None
        except sqlite3.OperationalError as error:
            # the first of these errors quotes the text, which is nobody's business
            if "Could not decode" not in str(error) and "user-defined function" not in str(error):
                raise
            raise damaged(self.path.parent, "a text in it cannot be read") from None

    def before_commit(self, key: str, work: Callable[[], None]) -> None:
        """Do something once, just before the open transaction of this thread commits: what has to be on disk by then.

        Of several with one key the last is done; what it raises undoes the transaction.
        """
        if not self.in_transaction:
            raise RuntimeError("there is no transaction")
        self._local.before[key] = work

    def shrink(self) -> bool:
        """Write the database anew without what was deleted, and empty the write-ahead log.

        Nothing deleted can be read from the files afterwards. Takes its time and, for a while, as much space again.
        False where a reader of another process keeps the log: to be done again.
        """
        connection = self._connection()
        connection.execute("PRAGMA temp_store=FILE")  # a whole copy, which is not for memory
        try:
            connection.execute("VACUUM")
        finally:
            connection.execute("PRAGMA temp_store=MEMORY")
        return self.empty_log()

    def empty_log(self) -> bool:
        """Write what is in the write-ahead log to its place, and give the log's room back to the disk.

        False where a reader of another process keeps it, or the disk is full.
        """
        connection = self._connection()
        connection.execute(f"PRAGMA busy_timeout={SHRINK_SECONDS * 1000}")
        try:
            return int(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]) == 0
        except sqlite3.OperationalError:
            return False
        finally:
            connection.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000:.0f}")

    def _stop(self) -> None:
        """Write nothing more: the system may have dropped what it could not sync, and would say yes the next time.

        Closing a connection syncs, too, so those that are open stay so until the process ends.
        """
        self._stopped = True
        with self._lock:
            for connection in self._all:
                ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))

    def close(self) -> None:
        """Close every thread's connection; the next use opens anew. After a failed sync they stay open, unused."""
        if self._stopped:
            return
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
            self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if found is None:
            found = self._open()
            self._local.connection, self._local.level = found, "FULL"
            with self._lock:
                self._all.append(found)
        return found

    def _open(self) -> sqlite3.Connection:
        uri = f"{self.path.absolute().as_uri()}{'?mode=ro' if self._readonly else ''}"
        connection = sqlite3.connect(uri, uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.create_function("expanded", 1, expanded, deterministic=True)
        if not self._readonly:
            connection.execute(f"PRAGMA page_size={PAGE_SIZE}")
            _to_wal(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA cache_size=-16000")
        connection.execute("PRAGMA temp_store=MEMORY")
        return connection

    def _migrate(self) -> None:
        try:
            connection = self._connection()
            version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        except sqlite3.DatabaseError as damage:
            self.close()
            if _busy(damage):
                raise _busy_error() from damage
            raise as_trouble(damage, self.path.parent) or damaged(self.path.parent, str(damage)) from damage
        if version > len(MIGRATIONS):
            self.close()
            raise StoreTooNew(
                f"this home was written by a newer Milepost (record version {version}, known {len(MIGRATIONS)})",
                state="nothing was changed",
                next="pip install --upgrade milepost",
            )
        if version < len(MIGRATIONS) and not self._readonly:
            with self.write() as writing:
                now = int(writing.execute("PRAGMA user_version").fetchone()[0])
                for number, script in enumerate(MIGRATIONS[now:], start=now + 1):
                    for statement in script.split(";\n"):
                        if statement.strip():
                            writing.execute(statement)
                    writing.execute(f"PRAGMA user_version={number}")


def _begin(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as failed:
        if not _busy(failed):
            raise
        raise _busy_error() from failed


def _to_wal(connection: sqlite3.Connection) -> None:
    """Write ahead from now on. SQLite refuses this switch at once where it waits elsewhere, so the wait is ours."""
    if connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
        return
    switching = Retrying(
        retry=retry_if_exception(_busy),
        stop=stop_after_delay(BUSY_SECONDS),
        wait=wait_random(0.001, 0.05),
        reraise=True,
    )
    switching(connection.execute, "PRAGMA journal_mode=WAL")


def _busy(failed: BaseException) -> bool:
    return getattr(failed, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY


def _busy_error() -> StoreBusy:
    return StoreBusy(
        "the record is busy",
        cause=f"another process has been writing to it for {BUSY_SECONDS:g} s",
        state="nothing was changed",
        next="milepost doctor",
        holder={"pid": None, "journey_id": None, "stopped": False},
    )
