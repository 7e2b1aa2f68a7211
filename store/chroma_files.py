"""The files of a Chroma folder: those that Chroma leaves lying, and those that it can no longer open."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

from .index_header import IndexHeader

DATABASE = "chroma.sqlite3"
PAGE_SIZE = 8192
WORDS = "embedding_fulltext_search"
_BLANKED = 1_000
_LENGTH = 4
SCRUB_SECONDS = 2.0
"""How long another program's use of the database is waited for."""


_blanked: dict[Path, tuple[int, int]] = {}
"""Files as they were when their unused rows were zeros: inode, and time of the last change."""


def prepare(folder: Path) -> None:
    """Have a folder whose database, where it is new, takes less of the disk than Chroma's own choice would.

    Pages of 8,192 bytes hold texts that spill out of pages of 4,096, and SQLite gives pages that nothing is on back to
    the disk. Both are in the file itself, so that whoever opens it later keeps to them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / DATABASE).exists():
        return
    connection = sqlite3.connect(folder / DATABASE, isolation_level=None, timeout=SCRUB_SECONDS)
    try:
        connection.execute(f"PRAGMA page_size={PAGE_SIZE}")
        connection.execute("PRAGMA auto_vacuum=FULL")
        connection.execute("VACUUM")  # writes the file, without a table
    finally:
        connection.close()


def sweep(folder: Path) -> None:
    """Remove index folders that no collection uses; `delete_collection` leaves them on disk."""
    database = folder / DATABASE
    if not database.exists():
        return
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    try:
        used = {row[0] for row in connection.execute("SELECT id FROM segments")}
    finally:
        connection.close()
    for inner in folder.iterdir():
        if inner.is_dir() and len(inner.name) == 36 and inner.name not in used:
            shutil.rmtree(inner, ignore_errors=True)


def collections(folder: Path) -> set[str]:
    """The names of the collections in a folder, whoever made them, read past Chroma."""
    database = folder / DATABASE
    if not database.exists():
        return set()
    connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return {row[0] for row in connection.execute("SELECT name FROM collections")}
    finally:
        connection.close()


def blank(folder: Path) -> None:
    """Overwrite the unused rows of index files with zeros.

    The index writes them as its memory happens to be: pieces of whatever this process held before, texts and keys
    among it. Nobody may be writing to the folder meanwhile. A file that is not as we know it is left alone, one that
    was not written since it was looked at costs nothing.
    """
    for header in folder.glob("*/header.bin"):
        said = IndexHeader.of(header.read_bytes())
        if said is None:
            continue
        for name, each in (("data_level0.bin", said.row), ("length.bin", _LENGTH)):
            _zero(header.with_name(name), said.used * each, each)


def _zero(path: Path, start: int, each: int) -> None:
    """Zero a file of rows of `each` bytes from `start` on, unless that is done already."""
    try:
        before = path.stat()
    except FileNotFoundError:
        return
    size = before.st_size
    if size % each or start >= size or _blanked.get(path) == (before.st_ino, before.st_mtime_ns):
        return
    with path.open("r+b") as file:
        file.seek(start)
        if any(file.read(size - start)):
            file.seek(start)
            file.write(bytes(size - start))
    if len(_blanked) > _BLANKED:
        _blanked.clear()
    after = path.stat()
    _blanked[path] = (after.st_ino, after.st_mtime_ns)


def scrub(folder: Path) -> None:
    """Write Chroma's database anew without what was deleted, the index of its words included.

    No client of this process may have it open; `sqlite3.OperationalError` where another program is at it.
    """
    database = folder / DATABASE
    if not database.exists():
        return
    connection = sqlite3.connect(database, isolation_level=None, timeout=SCRUB_SECONDS)
    try:
        # what is deleted stays in the word index until its parts are merged; an older SQLite cannot, and need not
        with suppress(sqlite3.OperationalError):
            connection.execute(f"INSERT INTO {WORDS}({WORDS}) VALUES ('optimize')")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()


def stamp(folder: Path) -> tuple[str, str]:
    """What the database and the index files look like from outside: sizes and times, not what is in them."""
    indexes = sorted(folder.glob("*/*"))
    return _looks([folder / DATABASE]), hashlib.sha256(_looks(indexes).encode()).hexdigest()


def _looks(files: list[Path]) -> str:
    found = [(file.name, file.stat()) for file in files if file.is_file()]
    return " ".join(f"{name}:{status.st_size}:{status.st_mtime_ns}" for name, status in found)


def set_aside(folder: Path) -> Path:
    """Rename a folder that can no longer be used, and return where it is now.

    It is kept, not deleted: other programs may have had collections in it.
    """
    number = 1
    while (aside := folder.with_name(f"{folder.name}.damaged-{number}")).exists():
        number += 1
    folder.rename(aside)
    return aside


def asides(folder: Path) -> list[Path]:
    """The folders that `set_aside` made, oldest first."""
    return sorted(folder.parent.glob(f"{folder.name}.damaged-*"))


def damaged(folder: Path) -> bool:
    """Whether SQLite itself finds a folder's database damaged. It reads all of it: 0.1 s for 10,000 chunks."""
    database = folder / DATABASE
    if not database.exists():
        return False
    try:
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
        try:
            return bool(connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok")
        finally:
            connection.close()
    except sqlite3.OperationalError:  # cannot be opened, or is locked: that is no damage
        return False
    except sqlite3.DatabaseError:
        return True
