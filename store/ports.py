"""The small protocols through which the outside comes in, so that a test can put its own in their place."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


class Clock(Protocol):
    def now(self) -> str:
        """The time as ISO 8601 in UTC. For people: order is by sequence numbers, never by this."""
        ...

    def monotonic(self) -> float:
        """Seconds that only go forward."""
        ...


class SystemClock:
    def now(self) -> str:
        return datetime.now(UTC).isoformat(timespec="microseconds")

    def monotonic(self) -> float:
        return time.monotonic()


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into vectors.

    `name` identifies the model, weights included (a part after "@" is their hash): vectors of two names are never
    mixed in one kb. `embed` returns float32 of shape (len(texts), dimensions); the store normalises. One that has
    `hybrid = True` wants a search to count the question's words beside its meaning.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed(self, texts: list[str]) -> Vectors: ...
