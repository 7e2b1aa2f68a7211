"""A journey on a line of time: each step's tries beside what was planned, checkpoints, and waiting left out.

The layout that the terminal and the report draw. All lengths are seconds on a line that begins at 0 with the first
try and leaves long pauses out (an approval that came a day later would press the steps into one point); a clock that
went back makes nothing negative.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from ..store.records import Checkpoint, Journey, StepRecord, StepTry

PAUSE = 5.0
"""A pause of more seconds than this, and of more than half of the time worked, is left out."""
WORKED = 1e-3


@dataclass(frozen=True)
class Bar:
    """One try of a step; `cut` where it did not come to its end."""

    start: float
    end: float
    status: str

    @property
    def cut(self) -> bool:
        return self.status in ("failed", "stopped", "interrupted")


@dataclass(frozen=True)
class Mark:
    """A checkpoint; `before` its step rather than after it."""

    at: float
    checkpoint: Checkpoint
    before: bool


@dataclass(frozen=True)
class Planned:
    """Where a step was expected to end: by p50, and at most by p90."""

    start: float
    p50: float
    p90: float


@dataclass(frozen=True)
class Pause:
    """A stretch of `seconds` that is left out at a place of the line."""

    at: float
    end: float
    seconds: float


@dataclass(frozen=True)
class Lane:
    step: StepRecord
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    planned: Planned | None


@dataclass(frozen=True)
class Track:
    """All lanes, in the order of the plan; `length` is that of the whole line, `worked` where the last try ended."""

    lanes: tuple[Lane, ...]
    pauses: tuple[Pause, ...]
    worked: float
    length: float


def track(journey: Journey) -> Track:
    """Lay a journey out; one that has not run has only what is planned."""
    line = _Line(_stretches(journey))
    homes = _homes(journey)
    lanes: list[Lane] = []
    cursor = line.end
    for step in journey.steps:
        bars = tuple(_bar(line, one) for one in step.tries)
        mine = [one for one in journey.checkpoints if homes.get(one.checkpoint_id) == step.id]
        marks = tuple(
            Mark(line.at(_seconds(one.timestamp)), one, one.milestone_id.startswith("before_")) for one in mine
        )
        planned = _planned(step, bars, cursor)
        if planned is not None and not bars:
            cursor = planned.p50
        lanes.append(Lane(step, bars, marks, planned))
    ends = [one.p90 for lane in lanes if (one := lane.planned)]
    wanted = max([cursor, *ends])
    length = wanted if line.end == 0 else max(cursor, min(wanted, 2 * line.end))
    return Track(tuple(lanes), line.pauses, line.end, max(length, WORKED))


def _planned(step: StepRecord, bars: Sequence[Bar], cursor: float) -> Planned | None:
    """What was planned begins with the first try; of a step that did not run, after what comes before it."""
    if step.estimate is None or (not bars and step.status != "pending"):
        return None
    start = bars[0].start if bars else cursor
    return Planned(start, start + step.estimate.p50, start + step.estimate.p90)


def _bar(line: _Line, one: StepTry) -> Bar:
    start = line.at(_seconds(one.started_at))
    end = line.at(_seconds(one.ended_at)) if one.ended_at else line.end if one.status == "running" else start
    return Bar(start, max(start, end), one.status)


def _homes(journey: Journey) -> dict[str, str]:
    """The step that each checkpoint is shown with; one that belongs to none, the first."""
    if not journey.steps:
        return {}
    after = {one.milestone_id: one.step for one in journey.milestones}
    before = {f"before_{name}": step.id for step in reversed(journey.steps) for name in (step.action, step.id)}
    homes = after | before
    return {one.checkpoint_id: homes.get(one.milestone_id, journey.steps[0].id) for one in journey.checkpoints}


def _stretches(journey: Journey) -> list[tuple[float, float]]:
    """When steps ran, as sorted stretches that do not overlap; a checkpoint between them lies at the next one."""
    found = [(_seconds(one.started_at), _seconds(one.ended_at or one.started_at))
             for step in journey.steps for one in step.tries]  # fmt: skip
    merged: list[tuple[float, float]] = []
    for start, end in sorted((start, max(start, end)) for start, end in found):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


class _Line:
    """From moments to places on the line."""

    def __init__(self, stretches: Sequence[tuple[float, float]]) -> None:
        self._stretches = stretches
        worked = sum(end - start for start, end in stretches)
        self._starts: list[float] = []
        pauses: list[Pause] = []
        place = 0.0
        for at, (start, end) in enumerate(stretches):
            gap = start - stretches[at - 1][1] if at else 0.0
            if gap > max(PAUSE, worked / 2):
                shown = max(worked, 1.0) * 0.06
                pauses.append(Pause(place, place + shown, gap))
                gap = shown
            place += gap
            self._starts.append(place)
            place += end - start
        self.pauses = tuple(pauses)
        self.end = place

    def at(self, moment: float) -> float:
        """The place of a moment; inside of a pause its end, before the first the beginning."""
        for (start, end), place in zip(self._stretches, self._starts, strict=True):
            if moment <= end:
                return place + max(moment - start, 0.0)
        return self.end


def _seconds(timestamp: str | None) -> float:
    return datetime.fromisoformat(timestamp).timestamp() if timestamp else 0.0


def waited(pauses: Iterable[Pause]) -> float:
    """The seconds that are left out altogether."""
    return sum(one.seconds for one in pauses)
