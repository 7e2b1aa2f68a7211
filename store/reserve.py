"""The reserve: room on the disk that a rollback may use when there is none left for anything else."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import MilepostError
from .trouble import as_trouble

BYTES = 512 << 10
"""Twice what a rollback in a small home was seen to need; in a larger one the collections give the rest (`Views`)."""


class Reserve:
    """A file of a home that is there while journeys run, and gone while a rollback does."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> None:
        """Have the reserve; `NoSpace` where the disk has no room for it: then nothing is to be started."""
        if self._path.exists():
            return
        try:
            self._make()
        except OSError as refused:
            raise as_trouble(refused, self._path.parent) or refused from refused

    def free(self) -> bool:
        """Give the room back to the disk; False where there was none."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    @contextmanager
    def lent(self) -> Generator[None]:
        """Give the room to what is done inside; afterwards it is kept again, as far as the disk has any."""
        self.free()
        try:
            yield
        finally:
            with suppress(MilepostError, OSError):
                self.keep()

    def _make(self) -> None:
        part = self._path.with_suffix(".part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, BYTES)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        finally:
            os.close(descriptor)
        part.replace(self._path)
