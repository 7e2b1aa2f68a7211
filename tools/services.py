"""What the steps, the planner and the graph work with, put together once and handed down."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ..store.errors import Stopped
from ..store.home import Home
from ..store.records import Progress, UserContext
from .sandbox import ParserPool
from .type_finder import JourneyTypes

__all__ = ["Services", "Stopped"]


def _silent(_: Progress) -> None:
    return None


@dataclass
class Services:
    """An opened home, the parser's processes, and the person on whose behalf everything is done."""

    home: Home
    pool: ParserPool
    user: UserContext
    wait: float = 10.0
    """Seconds to wait for a busy store."""
    stop: threading.Event = field(default_factory=threading.Event)
    on_progress: Callable[[Progress], None] = _silent
    chat_model: Any = None
    """The chat model that may draft plans, or the endpoint of one; its key is nowhere else."""
    began: dict[str, float] = field(default_factory=dict)
    """When each running journey was asked for, by the clock's `monotonic`."""
    running: str | None = None
    """The journey whose step runs now on the engine's thread."""
    types: JourneyTypes = field(default_factory=JourneyTypes)
    """The journey types that plans may have here."""

    def __post_init__(self) -> None:
        self.home.follower.between = self.check

    def check(self) -> None:
        """Between two batches: end here if somebody asked to stop, here or (for a rollback) in any process."""
        if self.stop.is_set():
            raise Stopped("stopped as asked", state="what was done so far is kept")
        asked = self._asked_by()
        if asked is not None:
            raise Stopped(f"stopped, because {asked} takes it back", state="what was done so far is kept")

    def stopping(self) -> bool:
        """Whether `check` would end the work."""
        return self.stop.is_set() or self._asked_by() is not None

    def _asked_by(self) -> str | None:
        return self.home.ledger.stop_asked(self.running) if self.running else None

    def close(self) -> None:
        """End the parser's processes and close the home."""
        self.pool.close()
        self.home.close()
