"""Law: whatever a journey came to, its picture fits the terminal, and every try and checkpoint is to be seen in it."""

import io
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.console import Console
from milepost.store.plan import Interval
from milepost.store.records import Checkpoint, Journey, Milestone, StepRecord, StepTry
from milepost.timeline_text import PLAIN, Signs, drawn
from milepost.tools.track import track

DAY = "2026-03-01T09:00:"


def journey(name: str = "embed") -> Journey:
    """Upload went well; `name` was cut off, failed, and went well two hours later; the last one waits."""
    tries = [
        StepTry(started_at=f"{DAY}02", status="interrupted"),
        StepTry(started_at=f"{DAY}04", ended_at=f"{DAY}05", status="failed"),
        StepTry(started_at="2026-03-01T11:00:00", ended_at="2026-03-01T11:00:03", status="done"),
    ]
    upload = StepTry(started_at=f"{DAY}00", ended_at=f"{DAY}02", status="done")
    plan = Interval(p10=1, p50=4, p90=5)
    steps = [
        StepRecord(id="upload", action="upload", status="done", seconds=2, estimate=plan, tries=[upload]),
        StepRecord(id=name, action="embed", status="done", seconds=4, estimate=plan, tries=tries),
        StepRecord(id="expose", action="expose", status="pending", estimate=plan),
    ]
    points = [("before_upload", f"{DAY}00"), ("upload_complete", f"{DAY}02")]
    return Journey(
        journey_id="journey_1", plan_id="plan_1", status="running", steps=steps,  # type: ignore[arg-type] # its word
        milestones=[Milestone(milestone_id=f"{step.id}_complete", step=step.id) for step in steps],
        checkpoints=[
            Checkpoint(checkpoint_id=f"checkpoint_{at}", milestone_id=milestone, journey_id="journey_1", timestamp=when)
            for at, (milestone, when) in enumerate(points)
        ],
    )  # fmt: skip


@given(st.text(min_size=1, max_size=80), st.integers(30, 200))
def test_a_picture_fits_its_terminal(name: str, width: int) -> None:
    """No line is wider than the terminal, whatever a step is called; nothing in a name moves the cursor."""
    text = drawn(track(journey(name)), width, Signs())
    wide = max(width, 37)  # the figures alone
    assert all(len(line) <= max(wide, 20 + 33) for line in text.splitlines())
    assert all(line.isprintable() for line in text.splitlines())


def test_what_happened_is_to_be_seen() -> None:
    """Two tries that were cut, the one that went well after a pause, both checkpoints, the plan of what waits."""
    head, upload, embed, expose, legend, *rest = drawn(track(journey()), 100, Signs()).splitlines()
    assert head.split() == ["STEP", "STATUS", "TOOK", "PLANNED", "0", *head.split()[5:]]
    assert upload.count("◆") == 2 and "█" in upload and "✗" not in upload
    assert upload.index("◆") < upload.index("█") < upload.rindex("◆")
    assert "done, 3 tries" in embed and embed.count("✗") == 2
    assert embed.index("✗") < embed.index("┊") < embed.index("█")
    assert "░" in expose and "█" not in expose
    assert "1 pause left out, 2 h" in " ".join([legend, *rest])


def test_ascii_says_the_same() -> None:
    """Where the terminal knows ASCII only, the picture is the same in other letters."""
    pretty, plain = (drawn(track(journey()), 100, signs) for signs in (Signs(), PLAIN))
    assert plain.isascii()
    assert plain == pretty.translate({ord(a): b for a, b in zip(_letters(Signs()), _letters(PLAIN), strict=True)})


def _letters(signs: Signs) -> list[str]:
    return [str(letter) for letter in vars(signs).values()]


def test_a_narrow_terminal_has_the_picture_below() -> None:
    """Beside figures that leave no room the picture stands below them, and nothing of it is lost."""
    wide, narrow = (drawn(track(journey()), width, Signs()) for width in (100, 40))
    assert narrow.splitlines()[0].endswith("PLANNED") and "" in narrow.splitlines()
    assert all(len(line) <= 40 for line in narrow.splitlines())
    assert all(narrow.count(letter) >= 1 for letter in "◆✗┊█░") and wide.count("✗") == narrow.count("✗")


def test_many_steps_are_cut_and_counted() -> None:
    """Fifty steps are shown unless everything is wanted."""
    steps = [StepRecord(id=f"s{at}", action="own", status="pending") for at in range(60)]
    made = track(Journey(journey_id="j", plan_id="p", status="planned", steps=steps))  # type: ignore[arg-type] # its word
    assert "... and 10 more (--verbose shows all)" in drawn(made, 80, Signs())
    assert "s59" in drawn(made, 80, Signs(), everything=True)


@pytest.mark.parametrize(("encoding", "signs"), [("utf-8", Signs()), ("ascii", PLAIN), ("latin-1", PLAIN)])
def test_letters_are_those_that_the_stream_has(monkeypatch: pytest.MonkeyPatch, encoding: str, signs: Signs) -> None:
    """Without a UTF-8 locale no letter becomes an escape."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert Console().signs == signs


def test_colour_is_for_terminals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Into a pipe goes no escape; on a terminal the letters of the picture have their colours."""
    text = drawn(track(journey()), 100, Signs())
    piped = io.StringIO()
    monkeypatch.setattr(sys, "stdout", piped)
    Console().say(text)
    assert piped.getvalue() == f"{text}\n"
    terminal = io.StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign] # a terminal that can be read
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    Console().say(text)
    assert "\x1b[32m█" in terminal.getvalue() and "\x1b[36m◆" in terminal.getvalue()
