"""Law: the demo shows the whole journey twice in a row, in two screens, and fails where going back is not exact."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "examples" / "demo.py"


def run_demo(folder: Path, *, code: str = "") -> subprocess.CompletedProcess[str]:
    """Run the demo as `make demo` does, with warnings as errors and nothing of this environment's settings."""
    started = [sys.executable, "-W", "error", *(["-c", code] if code else [str(DEMO)]), "demo-home"]
    clean = {key: value for key, value in os.environ.items() if not key.startswith("MILEPOST")}
    return subprocess.run(
        started, cwd=folder, env={**clean, "NO_COLOR": "1"}, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """What the second of two demos in the same place says."""
    folder = tmp_path_factory.mktemp("demo")
    for _ in range(2):
        done = run_demo(folder)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
    return folder, done.stdout.splitlines()


def test_it_fits_two_screens(told: tuple[Path, list[str]]) -> None:
    """Two screens of forty lines, none so long that a usual window wraps it."""
    _, lines = told
    assert len(lines) <= 80
    assert max(map(len, lines)) <= 120


def test_it_shows_the_journey(told: tuple[Path, list[str]]) -> None:
    """The plan comes before anything has changed; the answer changes and comes back; all its checks hold."""
    text = "\n".join(told[1])
    order = ["Plan: 20 to add", "there are 0 chunks in kb hr", "a person's approval", "upload_complete",
             "16 weeks", "~ replace  people/parental-leave.md", "20 weeks", "confirmed", "16 weeks"]  # fmt: skip
    at = -1
    for word in order:
        at = text.find(word, at + 1)
        assert at >= 0, word
    assert text.count("\n  yes  ") == 3
    assert "NO" not in text


def test_its_commands_work(told: tuple[Path, list[str]]) -> None:
    """The command under the demo looks into the home that it left."""
    folder, lines = told
    words = lines[-1].split("Look around:")[1].split()
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len([line for line in done.stdout.splitlines() if "journey_" in line]) == 3


def test_it_says_no_where_going_back_is_not_exact(tmp_path: Path) -> None:
    """A rollback that does nothing is noticed: exit 1, in words and not in a traceback."""
    code = (
        f"import sys; sys.path.insert(0, {str(DEMO.parent)!r}); import demo\n"
        "demo.Milepost.rollback_to_checkpoint = lambda mp, checkpoint: mp.preview_rollback(checkpoint)\n"
        "sys.exit(demo.main())"
    )
    done = run_demo(tmp_path, code=code)
    assert done.returncode == 1
    assert done.stdout.count("\n  NO ") == 2
    assert "Traceback" not in done.stdout + done.stderr


def test_it_leaves_other_peoples_folders_alone(tmp_path: Path) -> None:
    """A folder that no demo made is not deleted."""
    (tmp_path / "demo-home").mkdir()
    (tmp_path / "demo-home" / "thesis.txt").write_text("three years", encoding="utf-8")
    done = run_demo(tmp_path)
    assert done.returncode == 1
    assert "no demo made it" in done.stderr
    assert (tmp_path / "demo-home" / "thesis.txt").exists()
