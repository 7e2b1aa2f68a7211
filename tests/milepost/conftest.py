"""A command line in this process, in a folder of its own, with the fake embedder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_kit import HANDBOOK, Cli, Ran, write

from milepost.cli import main


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
