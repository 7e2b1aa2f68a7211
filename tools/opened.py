"""A file opened by its parser: only a regular one, whatever has been put in its place since it was found."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import BinaryIO

from .document import Refused

_PACKED = (b"%PDF-", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def opened(path: Path) -> BinaryIO:
    """Open a file for reading; `Refused` where it is none, and never a wait for whoever writes to a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Refused("unreadable", f"{error.strerror or error}; check the file's permissions") from None
    file = os.fdopen(descriptor, "rb")
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return file
    file.close()
    raise Refused("not_regular", "it is no regular file any more; give a regular file")


def is_packed(path: Path) -> bool:
    """Whether a file begins as what holds more than its size tells: PDF, zip, old Office documents."""
    try:
        with opened(path) as file:
            return file.read(5).startswith(_PACKED)
    except (Refused, OSError):
        return False
