"""Writing a log: a line at a time, on the disk before the next counts; one run writes to it, and none overwrites."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from ..store.errors import StoreBusy, UsageError
from .log_reading import read_log
from .logs import Closing, Header, Log, Trial, as_line

_ALIKE = ("planners", "epochs", "execute", "seed", "policy", "after", "cases_digest", "scorers", "versions")
"""What has to be the same for a run to go on."""


class LogFile:
    """A log that is being written. Opening one of the same run goes on with it; another's is left as it is.

    `StoreBusy` where another process writes to it, `UsageError` naming what differs where it is another run's.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = path.open("a+b")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.before = self._begun(header)
        except BlockingIOError:
            self._file.close()
            raise StoreBusy(
                f'another run is writing to "{path}"', state="nothing was run", next="milepost eval run --out ANOTHER"
            ) from None
        except BaseException:
            self._file.close()
            raise

    def write(self, line: Trial | Closing | Header) -> None:
        """Append a line; it is on the disk when this returns."""
        self._file.write(as_line(line).encode())
        self._file.flush()
        os.fsync(self._file.fileno())

    def _begun(self, header: Header) -> Log:
        """The log as it was before: with nothing but the header where it is new."""
        if not _is_begun(self._file):
            self._file.truncate(0)
            self.write(header)
        log = read_log(self.path)
        differs = different(log.header, header)
        if differs:
            raise UsageError(
                f'the log "{self.path}" is another run\'s: {", ".join(differs)} differ',
                cause="a log is never overwritten, and the same command goes on with its own",
                state="nothing was run, and the log is as it was", next="milepost eval run --out ANOTHER",
            )  # fmt: skip
        if log.torn:
            self._file.truncate(log.whole_bytes)
        return log

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def different(one: Header, other: Header) -> list[str]:
    """Which of the things that make a run are not the same in two headers."""
    mine, theirs = one.model_dump(mode="json"), other.model_dump(mode="json")
    return [_said(name, mine, theirs) for name in _ALIKE if mine[name] != theirs[name]]


def _said(name: str, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> str:
    if name == "planners":
        names = [" ".join(arm["name"] for arm in side[name]) for side in (mine, theirs)]
        return f"planners ({names[0]} and {names[1]})"
    if name in ("policy", "versions"):
        keys = sorted(key for key in {*mine[name], *theirs[name]} if mine[name].get(key) != theirs[name].get(key))
        return f"{name} ({', '.join(keys)})"
    return "cases" if name == "cases_digest" else f"{name} ({mine[name]} and {theirs[name]})"


def _is_begun(file: BinaryIO) -> bool:
    """Whether there is a whole first line; a crash may have cut it, and then nothing is lost with it."""
    file.seek(0)
    first = file.readline()
    return first.endswith(b"\n") or not (first == b"" or first.startswith(b'{"kind":"run"'))


def new_file(path: Path, text: str) -> None:
    """Write a file that is not there yet; `UsageError` where it is."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(
            f'"{path}" is there already, and a log is never overwritten', state="nothing was written"
        ) from None
