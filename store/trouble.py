"""What the system refuses, in our words: no space, no permission, a damaged file."""

from __future__ import annotations

import errno
import os
import shlex
import sqlite3
from pathlib import Path

from .errors import DiskFailed, MilepostError, NoSpace, StoreBusy, StoreDamaged, StoreUnwritable
from .places import exists
from .words import size

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
NOT_ALLOWED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
LITTLE = 4 << 20
"""Bytes: on a disk with less of them Chroma fails for want of room, whatever it says."""
_SAID_FULL = ("disk is full", "no space left", "file too large")
_SAID_FORBIDDEN = ("readonly database", "read-only file system", "permission denied", "unable to open database file")


def as_trouble(error: BaseException, home: Path) -> MilepostError | None:
    """The error for what the system refused under a home; None where it is something else.

    SQLite's and Chroma's errors are told by code or, where they carry none, by their text.
    """
    if isinstance(error, MilepostError):
        return None
    if isinstance(error, OSError):
        return _by_number(error, home)
    if isinstance(error, sqlite3.Error) or type(error).__module__.partition(".")[0] == "chromadb":
        return _by_text(error, home)
    return None


def no_space(home: Path) -> NoSpace:
    """The error for a full disk, a quota, or a limit on the size of files."""
    return NoSpace(
        f"there is no space left for the home {home}",
        cause=f"its disk has {_free(home)}, or a quota or limit is used up; free some, then the same command goes on",
        state="what was committed is kept and can be searched; nothing half done can be seen",
        next=f"df -h {shlex.quote(str(_existing(home)))}",
    )


def unwritable(home: Path, what: str = "") -> StoreUnwritable:
    """The error for a home that this process must not write to."""
    place = _existing(home)
    read_only = bool(os.statvfs(place).f_flag & os.ST_RDONLY)
    mine = place.stat().st_uid == os.geteuid()
    give = f"chmod -R u+rwX {shlex.quote(str(place))}"
    return StoreUnwritable(
        f"the home {home} cannot be written to",
        cause="it is on a read-only file system" if read_only else what or "permission denied",
        state="nothing was changed",
        next=give if mine and not read_only else "milepost init --home DIR",
    )


def not_synced(error: sqlite3.Error) -> bool:
    """Whether SQLite could not make something last: what is on the disk then, nobody knows."""
    return getattr(error, "sqlite_errorcode", 0) in (sqlite3.SQLITE_IOERR_FSYNC, sqlite3.SQLITE_IOERR_DIR_FSYNC)


def disk_failed(home: Path, said: str) -> DiskFailed:
    """The error for a disk that did not take what was written."""
    return DiskFailed(
        f"the disk under {home} did not take what was written",
        cause=f"{said}; the system's log says more",
        state="what it did not take counts as not written; this process writes nothing more",
        next="milepost doctor",
    )


def damaged(home: Path, said: str) -> StoreDamaged:
    """The error for a record that is no longer one."""
    return StoreDamaged(
        f"the record {home / 'milepost.db'} is damaged",
        cause=said,
        state="nothing was changed; the file is left as it is",
        next="milepost doctor",
    )


def _by_number(error: OSError, home: Path) -> MilepostError | None:
    if error.errno in NO_SPACE:
        return no_space(home)
    if error.errno == errno.EIO:
        return disk_failed(home, error.strerror or str(error))
    ours = error.filename is None or str(error.filename).startswith(str(home))
    if error.errno in NOT_ALLOWED and ours:
        return unwritable(home, error.strerror or "")
    return None


def _by_text(error: BaseException, home: Path) -> MilepostError | None:
    whole, said = getattr(error, "sqlite_errorcode", 0), str(error)
    code = whole & 0xFF
    if (
        code == sqlite3.SQLITE_FULL
        or whole in (sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE, sqlite3.SQLITE_IOERR_TRUNCATE)
        or any(words in said.lower() for words in _SAID_FULL)
    ):
        return no_space(home)
    if isinstance(error, sqlite3.Error) and not_synced(error):
        return disk_failed(home, said)
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM) or any(
        words in said.lower() for words in _SAID_FORBIDDEN
    ):
        return unwritable(home, said)
    if code == sqlite3.SQLITE_BUSY:
        return StoreBusy("the record is busy", cause=said, state="nothing was changed", next="milepost doctor")
    if isinstance(error, sqlite3.DatabaseError) and code:
        return damaged(home, said)
    if type(error).__name__ == "InternalError":  # Chroma's, also for what the system refused it
        if _room(home) < LITTLE:
            return no_space(home)
        return StoreDamaged(
            f"a collection in {home} could not be brought up to date",
            cause=said[:300],
            state="the record is whole, and searches are right",
            next="milepost doctor",
        )
    return None


def _existing(home: Path) -> Path:
    """The home, or the nearest folder above it that is there."""
    whole = home.absolute()
    return next((place for place in (whole, *whole.parents) if exists(place)), Path("/"))


def _free(home: Path) -> str:
    return f"{size(_room(home))} free"


def _room(home: Path) -> int:
    """Bytes that are free on a home's disk."""
    disk = os.statvfs(_existing(home))
    return disk.f_bavail * disk.f_frsize
