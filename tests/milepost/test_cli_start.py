"""Law: help, the version, the policy and usage errors are there at once: nothing heavy is imported for them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HEAVY = ("chromadb", "langgraph", "langchain_core", "langchain_openai", "numpy", "kreuzberg", "wordllama", "openai")
PROBE = """
import sys
from milepost.cli import main
code = main(sys.argv[1:])
print("IMPORTED", *sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""
COMMANDS = [
    ("init",), ("ingest",), ("plan",), ("show",), ("validate",), ("apply",), ("approvals",), ("approve",), ("resume",),
    ("journeys",), ("status",), ("checkpoints",), ("rollback",), ("search",), ("documents",), ("doctor",), ("gc",),
    ("kb", "list"), ("kb", "stats"), ("kb", "log"), ("kb", "diff"), ("kb", "verify"), ("kb", "rebuild"),
    ("kb", "digest"), ("kb", "remove"), ("kb", "purge"),
    ("kb", "drop"), ("policy", "show"), ("policy", "check"), ("policy", "presets"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--help",), 0),
        ((), 0),
        (("--version",), 0),
        (("plan", "--help"), 0),
        (("policy", "show"), 0),
        (("policy", "presets"), 0),
        (("injest",), 2),
        (("plan", "--kbb"), 2),
        (("plan", "--kb", "hr"), 2),
        (("kb", "stats", "--json"), 2),
        (("policy", "show", "--policy", "rolback"), 2),
    ],
)
def test_nothing_heavy_is_imported(tmp_path: Path, words: tuple[str, ...], code: int) -> None:
    """Neither the vector store, nor the graph, nor numpy, whatever the exit code."""
    ran = subprocess.run(
        [sys.executable, "-c", PROBE, *words], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == code, ran.stderr
    imported = set(ran.stderr.splitlines()[-1].split()[1:])
    assert not imported & set(HEAVY)
    assert list(tmp_path.iterdir()) == []


def test_help_is_quick(tmp_path: Path) -> None:
    """`--help` in under 300 ms: of processor time, since others share the machine, and the best of several."""
    assert min(_seconds(tmp_path, "--help") for _ in range(5)) < 0.3


def _seconds(folder: Path, *words: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-c", "from milepost.cli import main; main()", *words]
    subprocess.run(command, cwd=folder, capture_output=True, check=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_promised_command_has_help(cli: Any, words: tuple[str, ...]) -> None:
    """Each says what it does, takes the options of every command, and fits 80 columns."""
    shown = cli(*words, "--help")
    assert shown.code == 0
    for option in (
        "--home", "--policy", "--set", "--user", "--tenant", "--json", "--yes", "--no-input", "--dry-run", "--wait",
        "--quiet", "--verbose", "--debug", "--no-color",
    ):  # fmt: skip
        assert option in shown.out
    assert max(len(line) for line in shown.out.splitlines()) <= 80
    assert cli(*words, "-h").out == shown.out


def test_the_root_help_lists_every_command(cli: Any) -> None:
    """In groups."""
    listed = {line.split()[0] for line in cli("--help").out.splitlines() if line.startswith("  ") and line.split()}
    assert listed >= {words[0] for words in COMMANDS}


def test_the_version_is_the_package_s(cli: Any) -> None:
    """As text and as an object."""
    from milepost import __version__

    assert cli("--version").out == f"milepost {__version__}\n"
    assert cli("--version", "--json").json == {"format_version": "1.0", "version": __version__}


def test_a_group_alone_shows_its_commands(cli: Any) -> None:
    """With `--json` there has to be a command."""
    assert "verify" in cli("kb").out
    assert cli("kb", "--json").code == 2


def test_the_command_is_installed() -> None:
    """The console script stands beside the interpreter and runs."""
    script = Path(sys.executable).with_name("milepost")
    if not script.exists():
        pytest.skip("not installed as a console script here")
    ran = subprocess.run([script, "--version"], capture_output=True, text=True, check=True, env=dict(os.environ))
    assert ran.stdout.startswith("milepost ")
