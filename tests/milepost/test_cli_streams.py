"""Law: results on stdout, the rest on stderr; colour, bars and questions only where a person sits."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest
from screen_kit import CLEAN, MILEPOST, at_terminal, piped

from milepost.progress import Lines, describe
from milepost.store.records import Progress


def revision(folder: Path) -> int:
    """The revision of kb hr."""
    return int(json.loads(piped(folder, "kb", "list", "--json").stdout)["kbs"][0]["revision"])


def test_progress_goes_to_stderr_and_the_result_to_stdout(cli: Any) -> None:
    """Milestones as lines on stderr; the journey on stdout; `--quiet` leaves only the result."""
    done = cli("ingest", "handbook", "--kb", "hr", "--policy", "rollback")
    assert [line for line in done.err.splitlines() if line.endswith("complete")] == [
        "upload complete", "parse complete", "embed complete", "expose complete",
    ]  # fmt: skip
    assert done.out.startswith("Journey journey_")
    quiet = cli("ingest", "handbook", "--kb", "other", "--quiet")
    assert quiet.err == "" and quiet.out.startswith("Journey journey_")


def test_json_is_one_object_and_nothing_else(cli: Any) -> None:
    """One line on stdout, although progress and warnings are on stderr."""
    done = cli("ingest", "handbook", "--kb", "hr", "--json")
    assert done.out.count("\n") == 1 and done.json["format_version"] == "1.0"


def test_silence_never_lasts_long() -> None:
    """With no events at all a line still comes within `every` seconds, and it stops with the journey."""
    said: list[str] = []
    came = threading.Event()

    def write(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            came.set()

    lines = Lines(write, every=0.05)
    lines(Progress(kind="progress", step="embed", done=3, total=9, unit="chunks"))
    assert came.wait(5)
    lines.close()
    assert said[-1] == "embed: 3 of 9 chunks"
    count = len(said)
    lines.close()
    assert len(said) == count


def test_events_in_words() -> None:
    """Milestones as they are, progress with its unit, warnings marked, a plan by its totals."""
    assert describe(Progress(kind="milestone", text="upload complete")) == "upload complete"
    assert describe(Progress(kind="progress", step="upload", done=1000, total=2000, unit="bytes")) == (
        "upload: 1 kB of 2 kB"
    )
    assert describe(Progress(kind="warning", text="slow\x1b")) == "warning: slow\ufffd"
    assert describe(Progress(kind="plan", text="Plan plan_1\nPlan: 1 to add.\nApply")) == "Plan: 1 to add."


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_no_colour_where_nobody_wants_it(home: Path, env: dict[str, str]) -> None:
    """At a terminal with NO_COLOR or TERM=dumb there is no escape sequence."""
    shown, code = at_terminal(home.parent, ("status",), {}, env)
    assert code == 0 and "\x1b" not in shown


def test_colour_at_a_terminal_and_none_in_a_pipe(home: Path) -> None:
    """Green for what was added; `--no-color` and a pipe take it away."""
    assert "\x1b[32m" in at_terminal(home.parent, ("status",), {})[0]
    assert "\x1b" not in at_terminal(home.parent, ("status", "--no-color"), {})[0]
    assert "\x1b" not in piped(home.parent, "status").stdout


@pytest.mark.parametrize(("answer", "after"), [("", 1), ("n", 1), ("maybe", 1), ("y", 2)])
def test_a_question_has_no_as_its_default(home: Path, answer: str, after: int) -> None:
    """The preview comes first; Enter and anything but yes change nothing, exit 0."""
    shown, code = at_terminal(home.parent, ("rollback", "--last", "--kb", "hr"), {"[y/N]": answer})
    assert code == 0
    assert 0 < shown.index("welcome.md") < shown.index("[y/N]")
    assert revision(home.parent) == after


def test_no_input_never_asks(home: Path) -> None:
    """`--no-input` at a terminal is as if there were none: exit 2."""
    shown, code = at_terminal(home.parent, ("rollback", "--last", "--kb", "hr", "--no-input"), {})
    assert code == 2 and "[y/N]" not in shown and "--yes" in shown


def test_the_rollback_menu(home: Path) -> None:
    """With nothing named, at a terminal: choose a checkpoint, see the preview, answer."""
    answers = {"Enter for none]": "1", "[y/N]": "y"}
    shown, code = at_terminal(home.parent, ("rollback",), answers)
    assert code == 0 and "checkpoint_before_upload" in shown and revision(home.parent) == 2
    shown, code = at_terminal(home.parent, ("rollback",), {"Enter for none]": ""})
    assert code == 0 and "Nothing was rolled back" in shown


def test_an_approval_is_asked_for_with_the_plan(home: Path) -> None:
    """Under `full` the plan is shown, the answer No applies nothing, and yes runs it with bars."""
    (home.parent / "handbook" / "new.md").write_text("# New\n\nSomething new.\n")
    words = ("ingest", "handbook", "--kb", "hr", "--policy", "full")
    shown, code = at_terminal(home.parent, words, {"[y/N]": "n"})
    assert code == 0 and "new.md" in shown and revision(home.parent) == 1
    shown, code = at_terminal(home.parent, words, {"[y/N]": "y"})
    assert code == 0 and "\u2501" in shown and revision(home.parent) == 2


def test_apply_without_a_name_shows_the_newest_plan_and_asks(home: Path) -> None:
    """No leaves it waiting; without a terminal it is exit 2 naming `--yes`; with `--yes` it runs."""
    (home.parent / "handbook" / "new.md").write_text("# New\n\nSomething new.\n")
    assert piped(home.parent, "plan", "handbook", "--kb", "hr").returncode == 0
    shown, code = at_terminal(home.parent, ("apply",), {"[y/N]": "n"})
    assert code == 0 and "new.md" in shown and "Nothing was applied" in shown
    refused = piped(home.parent, "apply")
    assert refused.returncode == 2 and "--yes" in refused.stderr
    assert piped(home.parent, "apply", "--yes").returncode == 0
    assert revision(home.parent) == 2


def test_a_reader_that_leaves_is_no_error(home: Path) -> None:
    """`milepost ... | head -0`: no traceback."""
    with subprocess.Popen(
        [*MILEPOST, "status", "--verbose"], cwd=home.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**CLEAN, "MILEPOST_EMBEDDER": "fake"},
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 0


def test_a_full_disk_under_stdout_is_told(home: Path) -> None:
    """A result that cannot be written is exit 1, not silence."""
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with full.open("w") as stream:
        done = subprocess.run(
            [*MILEPOST, "kb", "list"], cwd=home.parent, stdout=stream, stderr=subprocess.PIPE, text=True, timeout=60,
            env={**CLEAN, "MILEPOST_EMBEDDER": "fake"}, check=False,
        )  # fmt: skip
    assert done.returncode == 1 and done.stderr.startswith("error: ")


def test_ctrl_c_is_130_with_the_command_that_goes_on(home: Path) -> None:
    """A journey that is stopped keeps what it did; `resume`, as told, completes it."""
    many = home.parent / "many"
    many.mkdir()
    for number in range(1500):
        (many / f"{number}.md").write_text(f"# Page {number}\n\n" + f"Words of page {number}. " * 40)
    with subprocess.Popen(
        [*MILEPOST, "ingest", "many", "--kb", "hr"], cwd=home.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, env={**CLEAN, "MILEPOST_EMBEDDER": "fake"}, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        told = process.stderr.readline()
        while told and "complete" not in told.splitlines()[-1]:  # until a milestone: the journey runs
            told += process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)
        told += process.communicate(timeout=60)[1]
    assert process.returncode == 130, told
    command = told.splitlines()[-1].removeprefix("next: milepost ").split()
    assert command[0] == "resume", told
    assert "Traceback" not in told
    resumed = piped(home.parent, *command, "--json")
    assert resumed.returncode == 0 and json.loads(resumed.stdout)["journey"]["status"] == "completed"


def test_a_slow_search_says_what_it_costs(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the patience of people it names the size of the kb, on stderr; else it is silent."""
    cli("ingest", "handbook", "--kb", "hr", "--quiet")
    assert cli("search", "badge", "--kb", "hr").err == ""
    monkeypatch.setattr("milepost.search_commands.SLOW", 0.0)
    assert cli("search", "badge", "--kb", "hr").err == "", "three chunks are not what takes the time"
    monkeypatch.setattr("milepost.search_commands.MANY", 3)
    slow = cli("search", "badge", "--kb", "hr", "--json")
    assert "3 chunks" in slow.err and len(slow.json["results"]) == 3
