"""Law: what the README and the pages under docs/ tell people to type works as it stands there."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted([ROOT / "README.md", *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
QUESTION = b"[y/N]"


def blocks(language: str) -> list[str]:
    """The README's fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


PROGRAMS = blocks("python")
COMMANDS = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("milepost ")]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A person's folder, in which there is a handbook."""
    shutil.copytree(ROOT / "examples" / "handbook", tmp_path / "handbook")
    return tmp_path


def typed(command: str, folder: Path) -> tuple[int, str]:
    """Type a command at a terminal, answering yes to what it asks; returns its exit code and what could be read."""
    ours, theirs = pty.openpty()
    here = {key: value for key, value in os.environ.items() if not key.startswith("MILEPOST")}
    here |= {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{here['PATH']}", "TERM": "dumb", "COLUMNS": "100"}
    process = subprocess.Popen(
        ["sh", "-c", command], cwd=folder, env=here, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
    )
    os.close(theirs)
    told, answered = b"", 0
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # Linux's way to say that the other end has gone
            more = b""
        if not more:
            break
        told += more
        if told.count(QUESTION) > answered:
            answered += 1
            os.write(ours, b"y\n")
    os.close(ours)
    return process.wait(), told.decode()


def test_the_commands_work(folder: Path) -> None:
    """The commands one after the other, at a terminal, with a person who says yes; then the kb is as it was: empty."""
    assert [line.split()[1] for line in COMMANDS] == ["init", "plan", "apply", "search", "rollback", "kb"]
    told: dict[str, str] = {}
    for command in COMMANDS:
        code, text = typed(command, folder)
        assert code == 0, f"{command}\n{text}"
        assert "Traceback" not in text
        told[command.split()[1]] = text
    assert "Plan: 20 to add" in told["plan"]
    assert "16 weeks" in told["search"]
    assert QUESTION.decode() in told["apply"]
    assert QUESTION.decode() in told["rollback"]
    _, left = typed("milepost kb list --json", folder)
    assert '"chunks": 0' in left


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda text: text.strip().splitlines()[-1].strip()[:30])
def test_the_programs_work(program: str, folder: Path) -> None:
    """Each Python example as it stands, in a folder with a handbook, without a warning."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "people/parental-leave.md" in done.stdout
    assert len(PROGRAMS) == 1


def test_the_first_example_has_ten_lines() -> None:
    """The simple case stays simple."""
    assert len(PROGRAMS[0].strip().splitlines()) <= 10


def test_the_readme_has_its_order() -> None:
    """What and why in five lines, a quick start of two commands, the examples, what it does, and then pointers."""
    sections = re.split(r"^## ", README, flags=re.MULTILINE)
    assert len(sections[0].strip().splitlines()[2:]) == 5
    opening = [one.splitlines()[0].split()[0] for one in sections[1:]]
    assert opening == ["Quick", "The", "Talk", "What", "What", "More"]
    typed_first = blocks("sh")[0].replace("&&", "\n").split("\n")
    assert [line.split()[0] for line in typed_first if line] == ["git", "cd", "make"]


def test_make_has_what_pages_name() -> None:
    """Every `make TARGET` on any page is a target."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {
        word
        for page in PAGES
        for code in re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        for word in code
        if word
    }
    assert {"demo", "check"} <= named <= targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page leads to a file."""
    for link in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in link:
            assert (page.parent / link).exists(), link


def test_commands_on_other_pages_exist() -> None:
    """Every `milepost ...` command that a page names has help of that name, with the options that are shown."""
    found = {
        code for page in PAGES for code in re.findall(r"`milepost ([a-z][^`\n]*)`", page.read_text(encoding="utf-8"))
    }
    assert found
    helps: dict[str, str] = {}
    for code in sorted(found):
        words = code.split()
        command = " ".join(words[:2]) if words[0] in ("kb", "policy", "eval") and len(words) > 1 else words[0]
        if command not in helps:
            done = subprocess.run(
                [str(Path(sys.executable).with_name("milepost")), *command.split(), "--help"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{code}: {done.stderr}"
            helps[command] = done.stdout
        for option in (word for word in words if word.startswith("--")):
            assert option in helps[command], f"milepost {code}: {option}"
