"""Law: a benchmark measures what it says: equal files at every run, the better peer, arms that end alike."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def _beside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script's own folder comes first when it runs."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))


def test_generated_files_are_the_same_every_time(tmp_path: Path) -> None:
    """Else two runs could not be compared."""
    from office_like import KINDS, write_files  # type: ignore[import-not-found] # on the path while a test runs

    for name in ("one", "two"):
        write_files(tmp_path / name, len(KINDS))
    one, two = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("one", "two")
    )
    assert one == two
    assert {path.suffix for path in one} == {f".{suffix}" for suffix, _ in KINDS}


def test_milepost_is_held_to_the_better_peer(capsys: pytest.CaptureFixture[str]) -> None:
    """Three times the slower one is not enough where the faster one is only half as fast again."""
    from end_to_end_report import report  # type: ignore[import-not-found] # on the path while a test runs

    def figures(seconds: float, disk: float) -> dict[str, float]:
        kinds = ("first", "found", "again", "changed")
        measured = {f"{kind}_{unit}": seconds for kind in kinds for unit in ("cpu", "wall")}
        return measured | {"files": 10, "chunks": 20, "peak_mb": 1, "disk_mb": disk}

    ours = {"raw": figures(1, 10), "milepost none": figures(1, 14)}
    arms = ours | {"fast same": figures(1.5, 1), "slow same": figures(3, 1)}
    report("folder", arms)
    said = capsys.readouterr().out
    assert "first 1.50 CPU, 1.50 wall (at least 2: MISSED, MISSED)" in said
    assert "disk 1.40 of raw Chroma's (at most 1.4: reached)" in said


@pytest.mark.nightly
def test_arms_without_peers_agree(tmp_path: Path) -> None:
    """Milepost's chunks are those that raw Chroma is given, and a change is found."""
    out = tmp_path / "figures.json"
    arms = ["raw", "milepost none", "milepost full"]
    command = [
        sys.executable,
        str(BENCHMARKS / "end_to_end.py"),
        "--generated",
        "20",
        "--rounds",
        "1",
        "--out",
        str(out),
    ]
    subprocess.run([*command, "--arms", *arms], check=True, capture_output=True)
    found = json.loads(out.read_text())["generated"]
    assert list(found) == arms and len({found[arm]["chunks"] for arm in arms}) == 1
