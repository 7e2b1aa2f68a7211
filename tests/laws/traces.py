"""A folder of files, a home, and where in its files a word or a vector can still be found."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import zstandard


class Desk:
    """A folder of files and a home."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = root / "files"
        self.files.mkdir()
        self.home = root / "home"

    def write(self, text: str, name: str = "a.md") -> str:
        """Write a file of some paragraphs that all say `text`."""
        path = self.files / name
        path.write_text("\n\n".join(f"{text}, paragraph {n}. " + "So it goes. " * 12 for n in range(4)))
        return str(path)

    def files_with(self, bits: bytes) -> list[Path]:
        """The files of the home that hold these bytes."""
        return [path for path in self.home.rglob("*") if path.is_file() and bits in path.read_bytes()]

    def holds(self, word: str) -> list[str]:
        """The files of the home in which a word stands, packed or not: as bytes, or in a column."""
        found = [
            str(path.relative_to(self.home))
            for path in sorted(self.home.rglob("*"))
            if path.is_file() and word.encode() in _unpacked(path).lower()
        ]
        with sqlite3.connect(self.home / "milepost.db") as record:
            for (table,) in record.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'"
            ).fetchall():
                for row in record.execute(f'SELECT * FROM "{table}"'):
                    found += [f"table {table}" for value in row if word in _plain(value)]
        record.close()
        return found


def _unpacked(path: Path) -> bytes:
    found = path.read_bytes()
    return zstandard.ZstdDecompressor().decompressobj().decompress(found) if path.suffix == ".zst" else found


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        with suppress(zstandard.ZstdError):
            value = zstandard.decompress(value)
        return bytes(value).decode("latin-1").lower()
    return str(value).lower()
