"""A command line in this process, in a folder of its own, with the fake embedder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from milepost.cli import main

HANDBOOK = {
    "welcome.md": "# Welcome\n\nBring your badge on the first day and ask for the blue door.\n",
    "people/leave.md": "# Parental leave\n\nEvery parent has sixteen weeks of paid leave.\n",
    "money/travel.md": "# Travel\n\nTrains are booked by the office; a taxi needs a receipt.\n",
}


@dataclass(frozen=True)
class Ran:
    """How a command ended: exit code and both streams."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        return json.loads(self.out)


Cli = Callable[..., Ran]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    """Run a command line in a folder that holds `handbook/`; nobody is at a terminal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILEPOST_EMBEDDER", "fake")
    for name in ("MILEPOST_HOME", "MILEPOST_POLICY", "NO_COLOR", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    write(tmp_path / "handbook", HANDBOOK)

    def run(*words: str) -> Ran:
        capfd.readouterr()
        monkeypatch.setattr("sys.argv", ["milepost", *words])
        code = main(words)
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    yield run


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with one completed journey under the policy `rollback`; to be copied, not to be changed."""
    place = tmp_path_factory.mktemp("built")
    write(place / "handbook", HANDBOOK)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setenv("MILEPOST_EMBEDDER", "fake")
        assert main(["init", "--quiet"]) == 0
        assert main(["ingest", "handbook", "--kb", "hr", "--quiet"]) == 0
    return place / ".milepost"


@pytest.fixture
def home(built: Path, tmp_path: Path, cli: Cli) -> Path:
    """A copy of that home in the folder where `cli` runs."""
    return Path(shutil.copytree(built, tmp_path / ".milepost"))


def write(folder: Path, files: dict[str, str]) -> None:
    """Write texts into a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
