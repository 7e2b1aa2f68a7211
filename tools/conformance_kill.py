"""Killing a function at any of its lines, so that what is left can be looked at: in this process, or for real."""

from __future__ import annotations

import asyncio
import gc
import inspect
import json
import os
import signal
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any

from ..store.errors import UsageError
from .limited import call

SECONDS = 60.0
"""Seconds that one run of a step or an undo may take under test."""


class Killed(BaseException):
    """What a killed function meets, where the process is not to die with it."""


def count_lines(function: Callable[[], Any], file: str) -> int:
    """Run a function, and return how many lines of that file it ran."""
    lines = 0

    def each(frame: FrameType) -> None:
        nonlocal lines
        lines += 1

    call(lambda: _traced(function, file, each), seconds=SECONDS)
    return lines


def die_here(function: Callable[[], Any], file: str, at: int) -> str | None:
    """Run a function until it comes to its `at`-th line, and end it there; returns that line, None where it was done.

    What is in `finally` and `with` blocks still runs: an exception is what ends it.
    """
    where: list[str] = []

    def work() -> None:
        with suppress(Killed):
            _traced(function, file, _at(at, lambda frame: _raise(where, frame)))

    with warnings.catch_warnings():  # what was opened on the line before is left open, as a kill leaves it
        warnings.simplefilter("ignore", ResourceWarning)
        call(work, seconds=SECONDS)
        gc.collect(0)
    return where[0] if where else None


def die_for_real(function: Callable[[Callable[[Any], None]], Any], file: str, at: int) -> tuple[bool, list[Any]]:
    """Run a function in a forked process that is killed with SIGKILL at its `at`-th line.

    The function is given what sends JSON to this process; returns whether it was killed, and what it sent before.
    """
    if not hasattr(os, "fork"):
        raise UsageError("process=True needs os.fork, which this system does not have")
    readable, writable = os.pipe()
    with warnings.catch_warnings():  # later Pythons warn of forking beside threads; the child runs the step and ends
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            os.close(readable)
            with os.fdopen(writable, "w") as out:

                def send(said: Any) -> None:
                    out.write(json.dumps(said) + "\n")
                    out.flush()

                def kill(frame: FrameType) -> None:
                    os.kill(os.getpid(), signal.SIGKILL)

                _traced(lambda: function(send), file, _at(at, kill))
        except BaseException:
            os._exit(1)
        os._exit(0)
    os.close(writable)
    with os.fdopen(readable) as told:
        said = [json.loads(line) for line in told if line.endswith("\n")]
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status), said


def _raise(where: list[str], frame: FrameType) -> None:
    lines = inspect.getframeinfo(frame).code_context or [""]
    where.append(f"line {frame.f_lineno}: {lines[0].strip()}")
    raise Killed


def _at(wanted: int, then: Callable[[FrameType], None]) -> Callable[[FrameType], None]:
    reached = 0

    def each(frame: FrameType) -> None:
        nonlocal reached
        reached += 1
        if reached == wanted:
            then(frame)

    return each


def _traced(function: Callable[[], Any], file: str, each: Callable[[FrameType], None]) -> Any:
    """Run a function to its end, and what it awaits, telling of every line of one file."""

    def trace(frame: FrameType, event: str, arg: Any) -> Any:
        if frame.f_code.co_filename != file:
            return None
        if event == "line":
            each(frame)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        made = function()
        return asyncio.run(_awaited(made)) if inspect.isawaitable(made) else made
    finally:
        sys.settrace(before)


async def _awaited(made: Any) -> Any:
    return await made
