"""Law: every try, checkpoint and plan of a journey has its place on the line, in order, and nothing lies outside it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.store.plan import Interval
from milepost.store.records import Checkpoint, Journey, Milestone, StepRecord, StepTry
from milepost.tools.track import track, waited

BEGAN = datetime(2026, 3, 1, 9, tzinfo=UTC)


def moment(seconds: float) -> str:
    return (BEGAN + timedelta(seconds=seconds)).isoformat()


def tried(start: float, end: float | None, status: str = "done") -> StepTry:
    ended = None if end is None else moment(end)
    return StepTry(started_at=moment(start), ended_at=ended, status=status)  # type: ignore[arg-type] # a literal


def journey(*steps: StepRecord, checkpoints: tuple[tuple[str, float], ...] = (), status: str = "completed") -> Journey:
    return Journey(
        journey_id="journey_1", plan_id="plan_1", status=status, steps=list(steps),  # type: ignore[arg-type] # as above
        milestones=[Milestone(milestone_id=f"{step.id}_complete", step=step.id) for step in steps],
        checkpoints=[
            Checkpoint(checkpoint_id=f"checkpoint_{at}", milestone_id=name, journey_id="journey_1",
                       timestamp=moment(seconds))
            for at, (name, seconds) in enumerate(checkpoints)
        ],
    )  # fmt: skip


def step(name: str, *tries: StepTry, status: str = "done", p50: float | None = None, p90: float = 0) -> StepRecord:
    estimate = None if p50 is None else Interval(p10=0, p50=p50, p90=p90)
    return StepRecord(id=name, action=name, status=status, estimate=estimate, tries=list(tries))


TIMES = st.floats(0, 1e6)


@st.composite
def journeys(draw: st.DrawFn) -> Journey:
    """Steps with tries at any time, ends before starts included, as clocks are."""
    status = st.sampled_from(["running", "done", "failed", "stopped", "interrupted"])
    steps = []
    for name in draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=5)):
        tries = [tried(draw(TIMES), draw(st.none() | TIMES), draw(status)) for _ in range(draw(st.integers(0, 3)))]
        p50 = draw(st.none() | st.floats(0, 1e5))
        how = draw(st.sampled_from(["pending", "done"]))
        steps.append(step(name, *tries, status=how, p50=p50, p90=(p50 or 0) * 2))
    points = draw(st.lists(st.tuples(st.sampled_from(["before_a", "a_complete", "by_hand"]), TIMES), max_size=4))
    return journey(*steps, checkpoints=tuple(points))


@given(journeys())
def test_everything_lies_on_the_line(made: Journey) -> None:
    """No bar and no mark is outside, no bar ends before it begins, and what took no part has no place."""
    line = track(made)
    assert [lane.step for lane in line.lanes] == made.steps
    assert [len(lane.bars) for lane in line.lanes] == [len(one.tries) for one in made.steps]
    assert sum(len(lane.marks) for lane in line.lanes) == (len(made.checkpoints) if made.steps else 0)
    places = [one for lane in line.lanes for bar in lane.bars for one in (bar.start, bar.end)]
    places += [mark.at for lane in line.lanes for mark in lane.marks]
    assert all(0 <= place <= line.worked + 1e-6 <= line.length + 2e-6 for place in places)
    assert all(bar.start <= bar.end for lane in line.lanes for bar in lane.bars)


@given(st.lists(st.tuples(TIMES, st.floats(0, 50)), min_size=2, max_size=6))
def test_order_is_kept(runs: list[tuple[float, float]]) -> None:
    """What began earlier is drawn no later, whatever is left out in between."""
    runs = sorted(runs)
    line = track(journey(*(step(f"s{at}", tried(start, start + long)) for at, (start, long) in enumerate(runs))))
    starts = [lane.bars[0].start for lane in line.lanes]
    assert starts == sorted(starts)


def test_a_day_of_waiting_is_left_out_and_said() -> None:
    """Two steps of a second with a day between them are both to be seen; short pauses stay as long as they were."""
    line = track(journey(step("a", tried(0, 1)), step("b", tried(86_400, 86_401)), step("c", tried(86_402, 86_403))))
    assert waited(line.pauses) == 86_399 and len(line.pauses) == 1
    a, b, c = (lane.bars[0] for lane in line.lanes)
    assert a.end - a.start == pytest.approx(1) and b.end - b.start == pytest.approx(1) and line.length < 5
    assert c.start - b.end == pytest.approx(1) and line.pauses[0].at == a.end and line.pauses[0].end == b.start


def test_what_was_tried_again_has_a_bar_for_each_time() -> None:
    """One that was cut off has no known end, one that failed has, and a running one goes on to now."""
    made = journey(
        step("a", tried(0, None, "interrupted"), tried(4, 6, "failed"), tried(7, 9)),
        step("b", tried(9, None, "running"), status="running"), checkpoints=(("before_a", 0), ("a_complete", 9)),
    )  # fmt: skip
    first, second = track(made).lanes
    assert [(bar.start, bar.end, bar.cut) for bar in first.bars] == [(0, 0, True), (4, 6, True), (7, 9, False)]
    assert [(mark.at, mark.before) for mark in first.marks] == [(0, True), (9, False)]
    assert (second.bars[0].start, second.bars[0].end, second.bars[0].cut) == (9, 9, False)


def test_plans_of_steps_that_wait_follow_each_other() -> None:
    """Before anything has run, the plan is the picture; a plan far too long does not press what happened together."""
    line = track(journey(step("a", status="pending", p50=2, p90=3), step("b", status="pending", p50=4, p90=9)))
    assert [(lane.planned.start, lane.planned.p50) for lane in line.lanes if lane.planned] == [(0, 2), (2, 6)]
    assert line.length == 11
    assert track(journey(step("a", tried(0, 1), p50=50, p90=100))).length == 2
    assert track(journey(step("a", tried(0, 1), p50=1, p90=1.5))).length == 1.5
