"""A journey's timeline as lines of a terminal: what each step took beside what was planned, checkpoints, retries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .store.words import brief, clean, count

if TYPE_CHECKING:
    from .tools.track import Lane, Track

ROOM = 24
"""Columns that the picture needs beside the figures; with fewer it stands below them."""
LIMIT = 50
_NAME = 20


@dataclass(frozen=True)
class Signs:
    """The letters that a picture is made of."""

    took: str = "█"
    cut: str = "▒"
    planned: str = "░"
    most: str = "▏"
    checkpoint: str = "◆"
    end: str = "✗"
    pause: str = "┊"


PLAIN = Signs(took="#", cut="%", planned=".", most="|", checkpoint="*", end="x", pause=":")
"""For a terminal that knows no more than ASCII."""


def drawn(track: Track, width: int, signs: Signs, *, everything: bool = False) -> str:
    """The steps with their figures, and the picture beside them; below them where the terminal is narrow.

    `width` is in columns; at most 50 steps unless `everything` is wanted.
    """
    lanes = track.lanes if everything else track.lanes[:LIMIT]
    more = len(track.lanes) - len(lanes)
    figures = _figures(lanes)
    beside = width - max(len(row) for row in figures) - 2
    if beside >= ROOM:
        scale = _scale(track, beside)
        pictures = [scale, *(_picture(lane, track, beside, signs) for lane in lanes)]
        wide = max(len(row) for row in figures) + 2
        rows = [f"{row:<{wide}}{picture}" for row, picture in zip(figures, pictures, strict=True)]
    else:
        names = [clean(lane.step.id, limit=10) for lane in lanes]
        wide = max(len(name) for name in names) + 1
        room = max(width - wide, 8)
        below = [f"{'':<{wide}}{_scale(track, room)}"]
        below += [
            f"{name:<{wide}}{_picture(lane, track, room, signs)}" for name, lane in zip(names, lanes, strict=True)
        ]
        rows = [*figures, "", *below]
    rows += [f"... and {more} more (--verbose shows all)"] if more else []
    return "\n".join(row.rstrip() for row in [*rows, *_legend(track, lanes, signs, width)])


def _figures(lanes: Sequence[Lane]) -> list[str]:
    rows = [("STEP", "STATUS", "TOOK", "PLANNED")]
    for lane in lanes:
        step, tries = lane.step, len(lane.bars)
        rows.append(
            (
                clean(step.id, limit=_NAME), step.status + (f", {tries} tries" if tries > 1 else ""),
                brief(step.seconds) if step.seconds is not None else "",
                brief(step.estimate.p50) if step.estimate else "",
            )
        )  # fmt: skip
    name, status, took, planned = (max(len(row[at]) for row in rows) for at in range(4))
    return [f"{a:<{name}}  {b:<{status}}  {c:>{took}}  {d:>{planned}}" for a, b, c, d in rows]


def _scale(track: Track, width: int) -> str:
    last = brief(track.length)
    return f" 0{last:>{width - 3}}"


def _picture(lane: Lane, track: Track, width: int, signs: Signs) -> str:
    """One lane: the plan below, the pauses, the tries over it, the checkpoints on top."""
    cells = [" "] * width
    inner = width - 2

    def column(at: float) -> int:
        return 1 + min(int(at / track.length * inner), inner - 1)

    if lane.planned is not None:
        for at in range(column(lane.planned.start), column(min(lane.planned.p50, track.length)) + 1):
            cells[at] = signs.planned
        if lane.planned.p90 <= track.length:
            cells[column(lane.planned.p90)] = signs.most
    for pause in track.pauses:
        cells[column((pause.at + pause.end) / 2)] = signs.pause
    for bar in lane.bars:
        first, last = column(bar.start), column(bar.end)
        cells[first : last + 1] = [signs.cut if bar.cut else signs.took] * (last - first + 1)
        if bar.cut:
            cells[last] = signs.end
    for mark in lane.marks:
        at = column(mark.at)
        ends = [column(bar.end) for bar in lane.bars if bar.start <= mark.at]
        cells[at - 1 if mark.before else max([at, *(end + 1 for end in ends)])] = signs.checkpoint
    return "".join(cells)


def _legend(track: Track, lanes: Sequence[Lane], signs: Signs, width: int) -> list[str]:
    """What the letters say, of those that are there."""
    bars = [bar for lane in lanes for bar in lane.bars]
    planned = [lane.planned for lane in lanes if lane.planned]
    parts = [f"{signs.took} took"] if any(not bar.cut for bar in bars) else []
    if planned:
        most = any(one.p90 <= track.length for one in planned)
        parts.append(f"{signs.planned} planned{f', {signs.most} at most' if most else ''}")
    parts += [f"{signs.checkpoint} checkpoint"] if any(lane.marks for lane in lanes) else []
    parts += [f"{signs.end} failed or cut off"] if any(bar.cut for bar in bars) else []
    if track.pauses:
        total = brief(sum(one.seconds for one in track.pauses))
        parts.append(f"{signs.pause} {count(len(track.pauses), 'pause')} left out, {total}")
    lines, line = [], ""
    for part in parts:
        if line and len(line) + 2 + len(part) > width:
            lines.append(line)
            line = ""
        line += ("  " if line else "") + part
    return [*lines, line] if line else lines
