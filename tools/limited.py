"""Calling functions of other people's: sync or async, with a time limit after which the work goes on without them."""

from __future__ import annotations

import asyncio
import inspect
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

GRACE = 0.5
"""Seconds that a coroutine has for its end after its time is up and it was cancelled."""
_LOOK = 0.05
"""Seconds between two looks at whether somebody asked to stop."""


class TookTooLong(Exception):
    """A function did not come back in its time; it may still be running, in a thread that holds nobody up."""


class GaveUp(Exception):
    """A person asked to stop while a function ran; it may still be running."""


def call(
    function: Callable[..., Any],
    *args: Any,
    seconds: float | None = None,
    stopping: Callable[[], bool] = lambda: False,
    patience: float = 3.0,
    **kwargs: Any,
) -> Any:
    """Call a function in a thread of its own, and return what it returns or raise what it raises.

    Raises `TookTooLong` after `seconds`, and `GaveUp` when it is not done `patience` seconds after somebody asked to
    stop. A thread cannot be ended from outside: one that hangs is left to itself and does not keep a process alive.
    """
    answer: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answer.put((True, _finished(function, args, kwargs, seconds)))
        except BaseException as failure:  # what it raises is its caller's, whatever it is
            answer.put((False, failure))

    threading.Thread(target=work, name="milepost-step", daemon=True).start()
    done, value = _wait(answer, seconds, stopping, patience)
    if done:
        return value
    if isinstance(value, TimeoutError) and seconds is not None and isinstance(value, _OutOfTime):
        raise TookTooLong(f"took longer than {seconds:g} s")
    if isinstance(value, Exception):
        raise value
    raise RuntimeError(f"{type(value).__name__}: {value}")  # SystemExit and its like end the function, not us


class _OutOfTime(TimeoutError):
    """Our own limit, told apart from a time-out that the function met itself."""


def _finished(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], seconds: float | None
) -> Any:
    made = function(*args, **kwargs)
    return asyncio.run(_awaited(made, seconds)) if inspect.isawaitable(made) else made


async def _awaited(made: Any, seconds: float | None) -> Any:
    task = asyncio.ensure_future(made)
    done, _ = await asyncio.wait([task], timeout=seconds)
    if not done:
        task.cancel()
        await asyncio.wait([task], timeout=GRACE)
        raise _OutOfTime
    return task.result()


def _wait(
    answer: queue.SimpleQueue[tuple[bool, Any]], seconds: float | None, stopping: Callable[[], bool], patience: float
) -> tuple[bool, Any]:
    began = time.monotonic()
    asked: float | None = None
    while True:
        try:
            return answer.get(timeout=_LOOK)
        except queue.Empty:
            now = time.monotonic()
        if seconds is not None and now - began > seconds + GRACE:
            return False, _OutOfTime()
        asked = now if asked is None and stopping() else asked
        if asked is not None and now - asked > patience:
            return False, GaveUp("stopped as asked, while a step of one's own was running")
