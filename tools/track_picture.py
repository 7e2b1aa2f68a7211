"""A journey's track as a picture for a page: each step's tries over what was planned, checkpoints, pauses."""

from __future__ import annotations

from ..store.words import brief, clean, count
from .page import Markup, element, markup
from .svg import Scale, bar, diamond, label, line, picture
from .track import Bar, Lane, Track

LANES = 120
WIDTH = 920
_LEFT, _RIGHT = 150, 170
_LANE, _TOP = 34, 16
_FILLS = {"done": "fill-good", "running": "fill-calm", "failed": "fill-bad", "stopped": "fill-warn"}


def track_picture(track: Track) -> Markup:
    """The picture, about 920 wide, with its legend; at most 120 steps."""
    lanes = track.lanes[:LANES]
    floor = _TOP + _LANE * len(lanes) + 4
    scale = Scale(0, track.length, _LEFT, WIDTH - _RIGHT)
    marks = [*_ground(track, scale, floor)]
    for at, lane in enumerate(lanes):
        marks.append(_lane(lane, scale, _TOP + at * _LANE))
    more = len(track.lanes) - len(lanes)
    if more:
        marks.append(label(8, floor + 20, f"and {count(more, 'more step')}", class_="soft"))
    marks.append(_legend(track, floor + 48))
    said = "; ".join(f"{lane.step.id} {lane.step.status}, {_figures(lane)}" for lane in lanes)
    return picture(WIDTH, floor + 62, marks, title="Timeline of the steps", about=said)


def _ground(track: Track, scale: Scale, floor: float) -> list[Markup]:
    marks = []
    for tick in scale.ticks(7):
        x = scale(tick)
        marks += [line(x, _TOP - 6, x, floor, "grid"),
                  label(x, floor + 16, brief(tick), class_="soft", anchor="middle")]  # fmt: skip
    marks.append(line(_LEFT, floor, WIDTH - _RIGHT, floor, "axis"))
    for pause in track.pauses:
        x = scale((pause.at + pause.end) / 2)
        said = f"{brief(pause.seconds)} left out"
        marks += [line(x, _TOP - 4, x, floor, "rule"), label(x, _TOP - 6, said, class_="soft", anchor="middle")]
    return marks


def _lane(lane: Lane, scale: Scale, y: float) -> Markup:
    step = lane.step
    tone = {"failed": "bad", "running": "calm"}.get(step.status, "soft")
    tries = f" · {len(lane.bars)} tries" if len(lane.bars) > 1 else ""
    status = "" if step.status == "done" and not tries else f" {step.status}{tries}"
    marks = [
        label(8, y + 13, clean(step.id, limit=18), class_="strong"),
        label(8, y + 26, status.strip(), class_=tone) if status else None,
    ]  # fmt: skip
    if lane.planned is not None:
        start, middle, most = (scale(one) for one in (lane.planned.start, lane.planned.p50, lane.planned.p90))
        said = f"planned {brief(step.estimate.p50)}, at most {brief(step.estimate.p90)}" if step.estimate else ""
        marks += [bar(start, y + 19, max(middle - start, 2), 5, "fill-soft", says=said, faint=0.55),
                  line(middle, y + 21.5, most, y + 21.5, "stroke soft"),
                  line(most, y + 18, most, y + 25, "stroke soft")]  # fmt: skip
    marks += [_try(one, scale, y, at + 1, len(lane.bars)) for at, one in enumerate(lane.bars)]
    for mark in lane.marks:
        said = f"checkpoint {clean(mark.checkpoint.milestone_id)}, revision {mark.checkpoint.revision}"
        marks.append(diamond(scale(mark.at), y + 10, "s4", radius=5.5, says=said))
    marks.append(label(WIDTH - _RIGHT + 14, y + 15, _figures(lane), class_="soft"))
    return element("g", marks)


def _try(one: Bar, scale: Scale, y: float, number: int, tries: int) -> Markup:
    start, end = scale(one.start), scale(one.end)
    said = f"{one.status}, {brief(one.end - one.start)}" + (f", try {number} of {tries}" if tries > 1 else "")
    drawn = bar(start, y + 4, max(end - start, 2.5), 12, _FILLS.get(one.status, "fill-bad"), says=said)
    if not one.cut:
        return drawn
    x, r = max(end, start + 2.5), 4
    cross = [line(x - r, y + 10 - r, x + r, y + 10 + r, "stroke bad"),
             line(x - r, y + 10 + r, x + r, y + 10 - r, "stroke bad")]  # fmt: skip
    return markup(drawn, cross)


def _figures(lane: Lane) -> str:
    took = brief(lane.step.seconds) if lane.step.seconds is not None else ""
    planned = f"planned {brief(lane.step.estimate.p50)}" if lane.step.estimate else ""
    return ", ".join(part for part in (took, planned) if part)


def _legend(track: Track, y: float) -> Markup:
    """What the marks say, of those that are there."""
    bars = [one for lane in track.lanes for one in lane.bars]
    planned = any(lane.planned for lane in track.lanes)
    kinds = [
        (any(not one.cut for one in bars), "took", _took), (planned, "planned (to at most)", _planned),
        (any(lane.marks for lane in track.lanes), "checkpoint", _checkpoint),
        (any(one.cut for one in bars), "failed or cut off", _cut),
    ]  # fmt: skip
    marks, x = [], float(_LEFT)
    for there, word, draw in kinds:
        if there:
            marks += [draw(x, y), label(x + 28, y, word, class_="soft")]
            x += 50 + 6.6 * len(word)
    return element("g", marks)


def _took(x: float, y: float) -> Markup:
    return bar(x, y - 9, 22, 10, "fill-good")


def _planned(x: float, y: float) -> Markup:
    return markup(bar(x, y - 7, 14, 5, "fill-soft", faint=0.55), line(x + 14, y - 4.5, x + 22, y - 4.5, "stroke soft"))


def _checkpoint(x: float, y: float) -> Markup:
    return diamond(x + 14, y - 4, "s4", radius=5.5)


def _cut(x: float, y: float) -> Markup:
    return bar(x, y - 9, 22, 10, "fill-bad")
