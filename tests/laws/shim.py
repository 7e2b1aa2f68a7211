"""The shim between a process and the C library: it counts calls that change files, kills at the n-th, or fails it."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

WRITES, SYNCS, NAMES, SIZES = 1, 2, 4, 8
EVERY = WRITES | SYNCS | NAMES | SIZES
ROOM = WRITES | NAMES | SIZES
"""The kinds of calls that a full disk refuses."""
MODES = ("count", "kill", "tear", "fail once", "fail from")
SOURCE = Path(__file__).with_suffix(".c")


@dataclass(frozen=True)
class Call:
    """What is to happen at which call: `tear` does half of a write, then kills; `fail from` fails all that follow, too.

    `trace` is a file that gets a line for each call: its name, and the path inside the home.
    """

    mode: str = "count"
    number: int = 0
    kinds: int = EVERY
    error: int = errno.ENOSPC
    trace: str = ""


def why_not() -> str | None:
    """Why there can be no shim on this machine, or None."""
    if os.uname().sysname != "Linux":
        return "the shim counts calls of Linux's C library"
    return None if compiler() else "there is no C compiler to build the shim with"


def compiler() -> str | None:
    return next((found for name in ("cc", "gcc", "clang") if (found := shutil.which(name))), None)


def built(folder: Path) -> Path:
    """Compile the shim into a folder."""
    made = folder / "shim.so"
    command = [compiler() or "cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", str(SOURCE)]
    subprocess.run([*command, "-o", str(made), "-ldl"], check=True, timeout=120)
    return made


def arm(home: Path, call: Call) -> None:
    """Let the shim of this process do that, for files of this home."""
    log = os.open(call.trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if call.trace else -1
    mode = MODES.index(call.mode)
    _library().shim_arm(os.fsencode(home.resolve()), mode, call.kinds, ctypes.c_long(call.number), call.error, log)


def calls() -> int:
    """How many calls there were since the shim was armed; it is asleep again from now on."""
    library = _library()
    library.shim_disarm()
    library.shim_seen.restype = ctypes.c_long
    return int(library.shim_seen())


def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None)
