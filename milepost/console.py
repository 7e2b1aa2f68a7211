"""The two streams: results on stdout, everything said meanwhile on stderr; colour only on a terminal."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

from .timeline_text import PLAIN, Signs
from .typed import offering

if TYPE_CHECKING:
    from rich.console import Console as RichConsole

FORMAT_VERSION = "1.0"

_STYLES = (
    ("error:", "red"), ("warning:", "yellow"), ("note:", "cyan"), ("next:", "cyan"), ("  + ", "green"),
    ("  ~ ", "yellow"), ("  - ", "red"), ("  ! ", "red"), ("  ? ", "yellow"), ("  = ", "bright_black"),
)  # fmt: skip

_PICTURE = (
    (r"█+", "green"), (r"▒*✗|▒+", "red"), (r"[░▏]+", "bright_black"), (r"◆", "cyan"), (r"┊", "bright_black"),
)  # fmt: skip


class Console:
    """Where a command speaks. With `json` the result is one object and nothing else."""

    def __init__(
        self, *, json: bool = False, quiet: bool = False, no_color: bool = False, no_input: bool = False
    ) -> None:
        self.json = json
        self.quiet = quiet
        self._no_color = no_color
        self._no_input = no_input
        self._lock = threading.Lock()
        self.gave = False
        """Whether the one object of `--json` is out."""

    @cached_property
    def rich(self) -> RichConsole | None:
        """Rich on stderr, where that is a terminal that can do more than lines."""
        return self._rich_on(sys.stderr)

    @cached_property
    def _rich_out(self) -> RichConsole | None:
        return self._rich_on(sys.stdout)

    def _rich_on(self, stream: TextIO) -> RichConsole | None:
        if self._no_color or not stream.isatty():
            return None
        from rich.console import Console as RichConsole  # only a terminal pays for it

        console = RichConsole(file=stream, highlight=False, markup=False, emoji=False)
        return None if console.is_dumb_terminal or console.no_color else console

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked: there is a terminal on both ends, and nobody forbade it."""
        return not self._no_input and sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def signs(self) -> Signs:
        """The letters for pictures: ASCII where stdout's encoding holds no others."""
        try:
            "".join(vars(Signs()).values()).encode(sys.stdout.encoding or "utf-8")
        except (UnicodeEncodeError, LookupError):
            return PLAIN
        return Signs()

    @cached_property
    def width(self) -> int:
        """Columns to wrap at; 80 where the result goes into a pipe."""
        if not sys.stdout.isatty():
            return 80
        import shutil

        return max(20, min(shutil.get_terminal_size().columns, 120))

    def say(self, text: str) -> None:
        """Write a result for people to stdout; with `--json` nothing."""
        if not self.json:
            self._write(offering(text), sys.stdout, self._rich_out)

    def write(self, piece: str) -> None:
        """Write some words to stdout as they come; control characters of others are left out."""
        kept = "".join(c for c in piece if c == "\n" or c.isprintable())
        coding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(kept.encode(coding, "replace").decode(coding))
        sys.stdout.flush()

    def give(self, result: Mapping[str, Any]) -> None:
        """Write the one object of `--json` to stdout; without it nothing."""
        if self.json and not self.gave:
            self.gave = True
            whole = {"format_version": FORMAT_VERSION, **result}
            sys.stdout.write(json.dumps(whole, indent=2 if sys.stdout.isatty() else None) + "\n")
            sys.stdout.flush()

    def tell(self, text: str) -> None:
        """Write progress or a note to stderr, unless it should be quiet."""
        if not self.quiet:
            self.cry(text)

    def cry(self, text: str) -> None:
        """Write to stderr what has to be seen: errors, and questions with what they are about."""
        self._write(offering(text), sys.stderr, self.rich)

    def ask(self, question: str) -> bool:
        """Ask on stderr, with No as the default; anything but y or yes, and the end of input, is No."""
        with self._lock:
            sys.stderr.write(f"{question} [y/N] ")
            sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def choose(self, question: str, choices: int) -> int | None:
        """Ask for a number from 1 on; None where nothing or no such number was answered."""
        with self._lock:
            sys.stderr.write(f"{question} [1-{choices}, Enter for none] ")
            sys.stderr.flush()
        answer = sys.stdin.readline().strip()
        known = answer.isascii() and answer.isdecimal() and len(answer) < 10 and 1 <= int(answer) <= choices
        return int(answer) if known else None

    def _write(self, text: str, stream: TextIO, rich: RichConsole | None) -> None:
        with self._lock:
            if rich is None:
                stream.write(f"{text}\n")
                stream.flush()
                return
            for line in text.split("\n"):
                style = next((style for start, style in _STYLES if line.startswith(start)), None)
                rich.print(_painted(line), style=style, soft_wrap=True)


def _painted(line: str) -> Any:
    """A line with the letters of a picture in their colours."""
    if line.isascii():
        return line
    from rich.text import Text

    text = Text(line)
    for letters, style in _PICTURE:
        text.highlight_regex(letters, style)
    return text
