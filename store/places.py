"""Whether something is at a path: for a path that cannot be, such as one with too long a name, nothing is there.

`Path` raises for such a one, and it is a person's word that is looked at.
"""

# ruff: noqa: PTH110, PTH112, PTH113
from __future__ import annotations

import os
from pathlib import Path

RECORD = "milepost.db"
"""The file by which a folder is known as a home."""
_DATABASE = b"SQLite format 3\0"


def is_home(folder: str | Path) -> bool:
    """Whether a folder is a home, with a record that is a database; somebody's own file may have its name."""
    record = Path(folder) / RECORD
    try:
        if not record.is_file():  # a pipe would be waited for
            return False
        with record.open("rb") as opened:
            return opened.read(len(_DATABASE)) == _DATABASE
    except OSError:
        return False


def exists(path: str | Path) -> bool:
    """Whether something is there."""
    return os.path.exists(path)


def is_file(path: str | Path) -> bool:
    """Whether a regular file is there, or a link to one."""
    return os.path.isfile(path)


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder is there, or a link to one."""
    return os.path.isdir(path)
