"""Named fault points: places where a test makes the process fail or die. Unarmed, one costs a global look-up."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

_trap: Callable[[str], None] | None = None


def faultpoint(name: str) -> None:
    """Do nothing, unless a test has armed a trap: then tell it which point was reached."""
    if _trap is not None:
        _trap(name)


def arm(trap: Callable[[str], None] | None) -> None:
    """Call `trap` with the name of every fault point reached from now on; None disarms."""
    global _trap
    _trap = trap


def kill_at(name: str, nth: int = 1) -> Callable[[str], None]:
    """A trap that kills this process with SIGKILL when `name` ("*" for any point) is reached for the `nth` time."""
    left = nth

    def trap(reached: str) -> None:
        nonlocal left
        if name in ("*", reached):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return trap
