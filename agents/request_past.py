"""What happened before, as a request can speak of it: earlier journeys, what waits to be exposed, what lies in a kb."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .selection import FileFacts


@dataclass(frozen=True)
class Place:
    """A checkpoint that one can go back to."""

    checkpoint_id: str
    milestone: str


@dataclass(frozen=True)
class Earlier:
    """A journey that changed a kb, or is about to; `undone` where it was rolled back."""

    journey_id: str
    kb: str | None
    request: str | None
    started: str
    running: bool = False
    undone: bool = False
    rollback: bool = False
    places: tuple[Place, ...] = ()
    """Its checkpoints, oldest first."""

    def before(self) -> Place | None:
        """The checkpoint before its first step."""
        return next((place for place in self.places if place.milestone.startswith("before_")), None)


@dataclass(frozen=True)
class Waiting:
    """A source that is ready and not searchable: staged, or hidden."""

    source: str
    journey_id: str
    hold_for: str | None = None
    hidden: bool = False


def _no_sources(_: str) -> Sequence[FileFacts]:
    return ()


def _nothing_waits(_: str) -> Sequence[Waiting]:
    return ()


@dataclass(frozen=True)
class Past:
    """Journeys, newest first, and what a kb holds: asked for only where a request speaks of it."""

    journeys: Callable[[], Sequence[Earlier]] = tuple
    sources: Callable[[str], Sequence[FileFacts]] = field(default=_no_sources)
    waiting: Callable[[str], Sequence[Waiting]] = field(default=_nothing_waits)
