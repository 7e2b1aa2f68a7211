"""Several at a time: threads that take one piece of work after another, and hand back what came of it as it comes."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Generic, Self, TypeVar

K = TypeVar("K")
R = TypeVar("R")


class Crew(Generic[K, R]):
    """Threads that do `work` for keys, in order, as far as `may` lets each begin beside those that are running.

    Leaving the block waits for what has begun, `PATIENCE` seconds at most: threads end with the process. `held` are the
    keys that `may` did not let begin although nothing was running.
    """

    PATIENCE = 5.0

    def __init__(self, threads: int, work: Callable[[K], R], may: Callable[[K, Sequence[K]], bool]) -> None:
        self.held: list[K] = []
        self._work = work
        self._may = may
        self._wanted: queue.SimpleQueue[K | None] = queue.SimpleQueue()
        self._done: queue.SimpleQueue[tuple[K, R | BaseException]] = queue.SimpleQueue()
        self._running: list[K] = []
        self._threads = [
            threading.Thread(target=self._take, name=f"milepost-eval-{number}", daemon=True)
            for number in range(threads)
        ]

    def work(self, keys: Sequence[K]) -> Iterator[R]:
        """What comes of each key, in the order in which it is done; raises what the work raised."""
        waiting = deque(keys)
        while waiting or self._running:
            while waiting and len(self._running) < len(self._threads) and self._may(waiting[0], self._running):
                key = waiting.popleft()
                self._running.append(key)
                self._wanted.put(key)
            if not self._running:
                self.held = list(waiting)
                return
            key, result = self._done.get()
            self._running.remove(key)
            if isinstance(result, BaseException):
                raise result
            yield result

    def _take(self) -> None:
        while (key := self._wanted.get()) is not None:
            try:
                self._done.put((key, self._work(key)))
            except BaseException as error:  # it is raised where the results are taken
                self._done.put((key, error))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _ in self._threads:
            self._wanted.put(None)
        for thread in self._threads:
            thread.join(self.PATIENCE / len(self._threads))
