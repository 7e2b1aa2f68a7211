"""Law: every command and example of the documentation runs as it stands there, and shows what it says."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from docs_kit import Run, blocks, inside
from docs_server import embedding_server

ROOT = Path(__file__).parents[2]
HOW_TO = sorted(page for page in (ROOT / "docs" / "how-to").glob("*.md") if page.name != "README.md")
PAGES = [
    *(ROOT / name for name in ("README.md", "docs/tutorial.md", "docs/reference/configuration.md")),
    *HOW_TO,
]
RUN = {"console", "sh", "python", "text"}
SHOWN = {"toml", "json", "mermaid", "csv"}
"""Languages that are read and not run: a file's content where a path stands behind the language."""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """A reader's folder, in which there is a copy of examples/handbook, and a terminal of 80 columns."""
    shutil.copytree(ROOT / "examples" / "handbook", tmp_path / "handbook")
    for name in [name for name in os.environ if name.startswith(("MILEPOST_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    with embedding_server() as server:
        yield Run(tmp_path, server)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs(page: Path, run: Run) -> None:
    """Every block of the page, from the top, in one folder."""
    with inside(run.folder):
        run.page(page.read_text(encoding="utf-8"))
    assert run.commands


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_hides_nothing(page: Path) -> None:
    """No block in a language that would not be run, and none without a language."""
    text = page.read_text(encoding="utf-8")
    assert {block.language for block in blocks(text)} <= RUN | SHOWN
    assert text.count("\n```") + text.startswith("```") == 2 * len(blocks(text))


def test_a_wrong_output_is_noticed(run: Run) -> None:
    """The comparison is not blind: to a number, a missing line, an exit code, or an id that was another."""
    good = (
        "```console\n$ echo 20 files; echo plan_$(echo 0123abcd)\n20 files\nplan_89abcdef\n$ false\n$ echo $?\n1\n```\n"
    )
    Run(run.folder).page(good)
    for was, becomes in (
        ("\n20 files", "\n21 files"),
        ("\nplan_89abcdef", ""),
        ("\n1\n", "\n0\n"),
        ("\n$ echo $?\n1", ""),
    ):
        with pytest.raises(AssertionError):
            Run(run.folder).page(good.replace(was, becomes))
    twice = "```console\n$ printf 'plan_%s plan_%s' 0123abcd 0123abcd\nplan_89abcdef plan_89abcdef\n```\n"
    Run(run.folder).page(twice)
    with pytest.raises(AssertionError):
        Run(run.folder).page(twice.replace("d 0123abcd\n", "d 00000000\n"))


def test_dots_stand_for_anything(run: Run) -> None:
    """`...` alone is any lines, also none; inside a line any text; times and sizes are compared by their form."""
    page = "```console\n$ printf 'a\\nb\\nc 1.5 s\\n'\na\n...\nc 9 s\n$ echo one two three\n...\none ... three\n```\n"
    Run(run.folder).page(page)
    with pytest.raises(AssertionError):
        Run(run.folder).page(page.replace("c 9 s", "c 9 m"))


def test_every_job_is_listed() -> None:
    """The list of the how-to pages names each of them."""
    listed = (ROOT / "docs" / "how-to" / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in HOW_TO if f"]({page.name})" not in listed] == []
