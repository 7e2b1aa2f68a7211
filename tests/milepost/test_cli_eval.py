"""Law: `eval run` and `eval score` say what came of it and what could not be read; a stop loses nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from cli_kit import Cli

CASE = {
    "id": "a", "input": "please add all of these", "target": ["upload", "parse", "embed", "expose"],
    "metadata": {"family": "f", "context": {"files": [{"name": "a.md"}], "knowledge_base": "hr"},
                 "expect": {"files": ["a.md"]}},
}  # fmt: skip


def cases(folder: Path, count: int = 1, more: str = "") -> str:
    """A file of so many cases, each with an id of its own."""
    path = folder / "cases.jsonl"
    path.write_text("".join(json.dumps(CASE | {"id": f"c{at}"}) + "\n" for at in range(count)) + more)
    return str(path)


def test_a_run_is_told_and_its_log_scored_again(cli: Cli, tmp_path: Path) -> None:
    """As a table and as an object; the log is complete, and scoring it again changes nothing."""
    log = str(tmp_path / "log.jsonl")
    ran = cli("eval", "run", "--cases", cases(tmp_path), "--out", log, "--json")
    assert (ran.code, ran.json["run"]["complete"], ran.json["run"]["planners"][0]["task_success"]) == (0, True, 1.0)
    again = cli("eval", "run", "--cases", cases(tmp_path), "--out", log)
    assert again.code == 0 and "100.0%" in again.out
    scored = cli("eval", "score", log, "--json")
    assert (scored.code, scored.json["run"]["changed"]) == (0, [])


def test_broken_lines_are_named_and_the_exit_code_says_so(cli: Cli, tmp_path: Path) -> None:
    """5, as where files are rejected: the rest was done."""
    ran = cli("eval", "run", "--cases", cases(tmp_path, more="{\n"), "--out", str(tmp_path / "log.jsonl"))
    assert ran.code == 5 and "line 2 is no case" in ran.err and "100.0%" in ran.out


def test_what_cannot_be_run_is_a_usage_error_and_begins_no_log(cli: Cli, tmp_path: Path) -> None:
    """An unknown planner, a model without a key, no case at all, a log that is none."""
    log = tmp_path / "log.jsonl"
    for words, said in (
        (("--planner", "tempalte"), "did you mean template"),
        (("--planner", "ai:gpt"), "no key and no server"),
        (("--cases", str(tmp_path / "none.jsonl")), "none.jsonl"),
    ):
        ran = cli("eval", "run", *words, "--out", str(log))
        assert ran.code == 2 and said in ran.err and "next:" in ran.err, ran.err
        assert not log.exists()
    (tmp_path / "other.txt").write_text("hello\n")
    assert cli("eval", "score", str(tmp_path / "other.txt")).code == 2


def test_a_dry_run_says_how_many_trials(cli: Cli, tmp_path: Path) -> None:
    """And makes nothing."""
    ran = cli("eval", "run", "--cases", cases(tmp_path, 3), "--out", str(tmp_path / "log.jsonl"), "--dry-run")
    assert "3 trials" in ran.out and not (tmp_path / "log.jsonl").exists()


def test_a_killed_run_goes_on_by_the_same_command(tmp_path: Path) -> None:
    """SIGKILL in the middle: what was on the disk stays, the rest is run, and the log is whole."""
    log = tmp_path / "log.jsonl"
    words = ["eval", "run", "--cases", cases(tmp_path, 12), "--out", str(log), "--jobs", "1"]
    command = [sys.executable, "-c", "import sys; from milepost.cli import main; sys.exit(main())", *words]
    with subprocess.Popen(command, env={**os.environ}, stderr=subprocess.PIPE) as process:
        while process.poll() is None and (not log.exists() or log.read_bytes().count(b"\n") < 3):
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    before = log.read_bytes()
    kept = before[: before.rfind(b"\n") + 1]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert log.read_bytes().startswith(kept)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["run", *["trial"] * 12, "end"]
    assert len({line["id"] for line in lines[1:-1]}) == 12


def test_a_person_who_stops_a_run_is_told_how_to_go_on(tmp_path: Path) -> None:
    """Ctrl-C: exit 130, the log is named, and the same command is offered."""
    log = tmp_path / "log.jsonl"
    words = ["eval", "run", "--cases", cases(tmp_path, 60), "--out", str(log), "--jobs", "1"]
    command = [sys.executable, "-c", "import sys; from milepost.cli import main; sys.exit(main())", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None and (not log.exists() or log.read_bytes().count(b"\n") < 2):
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130, said
    assert "stopped" in said and "log.jsonl" in said and "next: milepost eval run" in said
    assert log.read_bytes().endswith(b"\n") and b'"kind":"end"' not in log.read_bytes()
