"""A page of the documentation as a run: its blocks in order, in a fresh folder, and what they show held to what came.

How pages are written, so that they can be run:

- ```console: `$ ` starts a command and `> ` goes on with it; what follows is its output, compared where it is shown.
  A line of only `...` stands for any lines, `...` inside one for any text. A failing command is followed by
  `$ echo $?`. `[y/N] y` is a question with its answer.
- ```sh: commands only; questions are answered with yes.
- ```python: a program of its own; a ```text block under it is what it prints.
- A block with a path behind its language is a file with that content.
- Ids and digests are other ones each time: the first that is shown stands for the first that came, and so on. Times,
  dates, sizes, scores and numbers of chunks are compared by their form; `anna` stands for whoever runs it.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path

from milepost.cli import main
from milepost.settings import system_user

FENCE = re.compile(r"^```(\w+)(?: +(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ID = re.compile(r"\b(plan|journey|approval|checkpoint_[a-z_]+)_([0-9a-f]{8})([0-9a-f-]*)")
DIGEST = re.compile(r"\b[0-9a-f]{64}\b")
MOMENT = r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::[\d.]+)?Z?)?"
LOOSE = (
    (re.compile(MOMENT), MOMENT),
    (re.compile(r"\d[\d.]* (?=(?:s|ms|min|B|kB|MB|GB|TB)\b)"), r"\d[\d.]* "),
    (re.compile(r"\b[1-9]\d* (?=(?:chunk|embedding|old one)s?\b)"), r"[1-9]\d* "),
    (re.compile(r"/home/anna/\.milepost"), r"\S+/\.milepost"),
    (re.compile(r"(?<=\()\d[\d.]* to \d[\d.]*(?=\))"), r"\d[\d.]* to \d[\d.]*"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "[0-9a-f]{16}"),
    (re.compile(r"\b0\.\d\d\b"), r"\d\.\d\d"),
    (re.compile(r"\banna\b"), rf"(?:anna|\.\.\.|{re.escape(system_user(os.environ))})"),
    (re.compile(r" {2,}"), " +"),
)  # fmt: skip
PROGRESS = re.compile(r"\w+ complete|\w+: .* of .* (files|chunks|bytes|trials)")
"""What is a bar on a terminal of our days."""
SHELL = re.compile(r"[|<>;&*`]|\$\(|^[A-Z_]+=|\n")
SERVER = "127.0.0.1:8080"
NOT_RUN = ("git clone", "make ", "pip install")
"""What makes an environment: `make demo` is run by test_demo.py, the wheel by scripts/check_wheel.py."""


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the file that it is (if it is one), its body, and its line on the page."""

    language: str
    file: str | None
    body: str
    line: int


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [Block(m[1], m[2], m[3], page.count("\n", 0, m.start()) + 1) for m in FENCE.finditer(page)]


def transcript(body: str) -> Iterator[tuple[str, str]]:
    """The commands of a console block, each with the output that is shown."""
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        lines = part.split("\n")
        more = 1
        while more < len(lines) and (lines[more].startswith("> ") or lines[more] == ">"):
            more += 1
        yield "\n".join([lines[0], *(line[2:] for line in lines[1:more])]), "\n".join(lines[more:]).strip("\n")


class Terminal(io.StringIO):
    """Both streams of a terminal in one, and the person at it, who types the answers that the page shows."""

    def __init__(self, answers: list[str], otherwise: str) -> None:
        super().__init__()
        self.answers = answers
        self.otherwise = otherwise

    def isatty(self) -> bool:
        return True

    def readline(self, size: int = -1, /) -> str:
        answer = self.answers.pop(0) if self.answers else self.otherwise
        self.write(f"{answer}\n")
        return f"{answer}\n"


@dataclass
class Run:
    """A page that is being run: its folder, what the ids on it stand for, the last exit code, and what went wrong."""

    folder: Path
    server: str = ""
    """Where the embedding server of the pages (127.0.0.1:8080) really is."""
    known: dict[str, str] = field(default_factory=dict)
    code: int = 0
    commands: int = 0

    def page(self, text: str) -> None:
        """Run every block of a page; AssertionError with the line where it is not as it says."""
        printed: str | None = None
        for block in blocks(text):
            where = f"line {block.line}"
            if block.file:
                self._write(block)
            elif block.language == "console":
                for command, shown in transcript(block.body):
                    self._command(command, shown, where)
            elif block.language == "sh":
                for command in block.body.replace("\\\n", "").splitlines():
                    self._command(command, "", where)
            elif block.language == "text" and printed is not None:
                self.compare(block.body, printed, where)
            printed = self._program(block, where) if block.language == "python" and not block.file else None
        self._nothing_failed("the end")

    def _write(self, block: Block) -> None:
        path = self.folder / str(block.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.body.replace(SERVER, self.server), encoding="utf-8")

    def _command(self, command: str, shown: str, where: str) -> None:
        command = self._ours(command).strip()
        if command == "echo $?":
            assert str(self.code) == shown.strip(), f"{where}: exit code {self.code}, not {shown}"
            self.code = 0
            return
        self._nothing_failed(where)
        if not command or command.startswith(("#", *NOT_RUN)):
            return
        self.commands += 1
        told = self._milepost(command, shown) if is_ours(command) else self._shell(command)
        self._last = f"{command}\n{told}"
        assert "Traceback" not in told, f"{where}: {self._last}"
        if shown:
            self.compare(shown, told, f"{where}: {command}")

    def _nothing_failed(self, where: str) -> None:
        assert self.code == 0, f"before {where}: exit code {self.code} without `$ echo $?`: {self._last}"

    def _milepost(self, command: str, shown: str) -> str:
        terminal = Terminal(re.findall(r"\[y/N\] ?(\w*)", shown), "" if shown else "y")
        stdin, sys.stdin = sys.stdin, terminal
        try:
            with redirect_stdout(terminal), redirect_stderr(terminal):
                self.code = main(shlex.split(command, comments=True)[1:])
        finally:
            sys.stdin = stdin
        return terminal.getvalue()

    def _shell(self, command: str) -> str:
        here = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", "-c", command], cwd=self.folder, env=here, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        self.code = done.returncode
        return done.stdout

    def _program(self, block: Block, where: str) -> str:
        self._nothing_failed(where)
        self.commands += 1
        told = io.StringIO()
        # annotations as on the page
        code = compile(block.body.replace(SERVER, self.server), f"<{where}>", "exec", dont_inherit=True)
        with redirect_stdout(told):
            exec(code, {"__name__": "__main__"})  # noqa: S102 # our own pages
        return told.getvalue()

    def _ours(self, command: str) -> str:
        """A command with the ids of this run."""

        def real(found: re.Match[str]) -> str:
            assert found[2] in self.known, f"{found[0]} was not shown before it is typed"
            return f"{found[1]}_{self.known[found[2]]}"

        return ID.sub(real, command)

    def compare(self, shown: str, told: str, where: str) -> None:
        """Hold what a page shows to what came, and learn which ids stand for which."""
        lines = [line.rstrip() for line in told.splitlines()]
        came = "\n".join(line for line in lines if not PROGRESS.fullmatch(line)).strip("\n")
        groups: dict[str, str] = {}
        pattern = "".join(self._line(line.rstrip(), groups) for line in shown.strip("\n").splitlines())
        found = re.fullmatch(pattern.removesuffix(r"\n"), came + "\n" if pattern.endswith("*") else came)
        assert found, f"{where}: the page shows\n{shown}\nand what came is\n{came}"
        self.known |= {page: found[group] for group, page in groups.items()}

    def _line(self, line: str, groups: dict[str, str]) -> str:
        if line.strip() == "...":
            return r"(?:[^\n]*\n)*"
        return self._text(line, groups) + r"\n"

    def _text(self, line: str, groups: dict[str, str]) -> str:
        """A line of a page as a pattern."""
        if "..." in line:
            return r"[^\n]*".join(self._text(part, groups) for part in line.split("..."))
        for kind in (ID, DIGEST):
            if found := kind.search(line):
                before, after = line[: found.start()], line[found.end() :]
                middle = self._id(found, groups) if kind is ID else self._named(found[0], "[0-9a-f]{64}", groups)
                return self._text(before, groups) + middle + self._text(after, groups)
        for form, pattern in LOOSE:
            if found := form.search(line):
                return self._text(line[: found.start()], groups) + pattern + self._text(line[found.end() :], groups)
        return re.escape(line)

    def _id(self, found: re.Match[str], groups: dict[str, str]) -> str:
        rest = "[0-9a-f-]*" if found[3] else ""
        return re.escape(f"{found[1]}_") + self._named(found[2], "[0-9a-f]{8}", groups) + rest

    def _named(self, page: str, form: str, groups: dict[str, str]) -> str:
        """What an id or digest on the page stands for, or a group that will tell."""
        if page in self.known:
            return re.escape(self.known[page])
        for group, known in groups.items():
            if known == page:
                return f"(?P={group})"
        groups[f"g{len(groups)}"] = page
        return f"(?P<g{len(groups) - 1}>{form})"

    _last: str = ""


def is_ours(command: str) -> bool:
    """Whether a command line is Milepost's alone, so that it can be run in this process."""
    return command.startswith("milepost ") and not SHELL.search(re.sub(r"'[^']*'|\"[^\"]*\"|#.*", "", command))


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    """Work in a folder, and come back."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
