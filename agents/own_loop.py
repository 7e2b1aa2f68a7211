"""An event loop in a thread of its own, for those who wait: a caller's running loop does not matter."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")
STOP_SECONDS = 3.5
"""How long a stop is waited for: a batch ends in a second or two, an embedder or a parser may take longer."""


class OwnLoop:
    """Made when first needed. `stuck` says that work did not end in time when it was asked to stop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self.stuck = False

    def wait(self, work: Coroutine[Any, Any, T], stop: Callable[[], None]) -> T:
        """Run to the end; Ctrl-C asks it to `stop`, and waits for its current batch."""
        future = asyncio.run_coroutine_threadsafe(work, self._running())
        try:
            return future.result()
        except KeyboardInterrupt:
            stop()
            with suppress(CancelledError):
                try:
                    future.exception(timeout=STOP_SECONDS)
                except TimeoutError:
                    self.stuck = True
            raise

    def close(self) -> None:
        """End the loop; the next wait makes a new one."""
        loop, self._loop = self._loop, None
        if loop is not None:
            loop.call_soon_threadsafe(loop.stop)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_run, args=(self._loop,), name="milepost-loop", daemon=True).start()
        return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        loop.close()
