"""A running journey on stderr: bars on a terminal; otherwise a line for each milestone and one every few seconds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .store.words import clean, size

if TYPE_CHECKING:
    from .console import Console
    from .store.records import Progress

Listener = Callable[["Progress"], None]

EVERY = 8.0
"""Seconds of silence after which a line says how far it is; ten are promised."""


@contextmanager
def show_progress(console: Console) -> Generator[Listener, None, None]:
    """Give a listener for a journey's events that shows them in the way the stream can."""
    if console.quiet:
        yield lambda event: None
    elif console.rich is not None:
        with _bars(console) as listener:
            yield listener
    else:
        lines = Lines(console.tell)
        try:
            yield lines
        finally:
            lines.close()


class Lines:
    """Milestones and warnings as they come; of the rest the newest, once the last line is `every` seconds old."""

    def __init__(self, write: Callable[[str], None], every: float = EVERY) -> None:
        self._write = write
        self._every = every
        self._said = time.monotonic()
        self._newest = "working"
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._beat = threading.Thread(target=self._keep_alive, name="milepost-progress", daemon=True)
        self._beat.start()

    def __call__(self, event: Progress) -> None:
        with self._lock:
            self._newest = describe(event)
            if event.kind != "progress" or time.monotonic() - self._said >= self._every:
                self._line()

    def close(self) -> None:
        """Say nothing more."""
        self._done.set()
        self._beat.join()

    def _line(self) -> None:
        self._said = time.monotonic()
        self._write(self._newest)

    def _keep_alive(self) -> None:
        while not self._done.wait(self._every / 8):
            with self._lock:
                if time.monotonic() - self._said >= self._every:
                    self._line()


def describe(event: Progress) -> str:
    """One event as a line."""
    if event.kind in ("warning", "note"):
        return f"{event.kind}: {clean(event.text)}"
    if event.kind == "plan":  # a plan's text is clean already, line by line
        return next((line for line in event.text.split("\n") if line.startswith("Plan: ")), "planned")
    if event.kind == "progress" and event.total:
        return f"{clean(event.step)}: {_so_far(event)}"
    return clean(event.text or event.step)


def _so_far(event: Progress) -> str:
    if event.unit == "bytes":
        return f"{size(event.done)} of {size(event.total)}"
    return f"{event.done} of {event.total} {event.unit}"


@contextmanager
def _bars(console: Console) -> Generator[Listener, None, None]:
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns: list[Any] = [
        TextColumn("{task.fields[name]:<8}", markup=False), BarColumn(bar_width=30),
        TextColumn("{task.fields[amount]}", markup=False), TimeElapsedColumn(),
    ]  # fmt: skip
    with Bars(*columns, console=console.rich) as bars:
        tasks: dict[str, Any] = {}

        def listen(event: Progress) -> None:
            if event.kind == "progress":
                if event.step not in tasks:
                    tasks[event.step] = bars.add_task("", name=clean(event.step), amount="")
                total = event.total or None
                bars.update(tasks[event.step], completed=event.done, total=total, amount=_so_far(event))
            elif event.kind != "milestone":
                bars.console.print(describe(event), markup=False, highlight=False, soft_wrap=True)

        yield listen
