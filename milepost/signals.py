"""Ctrl-C and SIGTERM: the first one makes the current batch the last, a second one ends the process at once."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import FrameType, TracebackType
from typing import Any

NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
ONE_AND_THE_SAME = 0.3
"""Seconds in which two signals are one: a terminal and a parent process may both send it."""
EXIT = 130


class Signals:
    """Catches both while a command runs; in another thread than the main one it does nothing."""

    def __init__(self) -> None:
        self.caught = ""
        """What was caught, in people's words."""
        self._when = 0.0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._catch) for number in NAMES}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _catch(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if not self.caught:
            self.caught, self._when = NAMES[signal.Signals(number)], now
            raise KeyboardInterrupt
        if now - self._when > ONE_AND_THE_SAME:
            os.write(2, b"error: stopped at once\nstate: nothing half done can be seen\nnext: milepost journeys\n")
            os._exit(EXIT)
