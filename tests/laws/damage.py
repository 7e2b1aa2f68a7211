"""Ways to damage the files of a Chroma folder; each is done to one file, and the same for the same seed."""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

INDEX = ("data_level0.bin", "header.bin", "index_metadata.pickle", "length.bin", "link_lists.bin")
DATABASE = "chroma.sqlite3"
PAGE = 4096


def gone(file: Path, _: int) -> None:
    file.unlink()


def folder_gone(file: Path, _: int) -> None:
    shutil.rmtree(file.parent)


def emptied(file: Path, _: int) -> None:
    file.write_bytes(b"")


def halved(file: Path, _: int) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flipped(file: Path, seed: int) -> None:
    """Fifty bytes are others."""
    drawn, body = random.Random(seed), bytearray(file.read_bytes())
    for _ in range(50):
        body[drawn.randrange(len(body))] = drawn.randrange(256)
    file.write_bytes(body)


def one_bit(file: Path, seed: int) -> None:
    drawn, body = random.Random(seed), bytearray(file.read_bytes())
    body[drawn.randrange(len(body))] ^= 1 << drawn.randrange(8)
    file.write_bytes(body)


def page(file: Path, seed: int) -> None:
    """A page, not the first, is noise."""
    drawn, body = random.Random(seed), bytearray(file.read_bytes())
    at = drawn.randrange(1, max(2, len(body) // PAGE)) * PAGE
    body[at : at + PAGE] = drawn.randbytes(len(body[at : at + PAGE]))
    file.write_bytes(body)


def astray(file: Path, seed: int) -> None:
    """The links of a row lead just past the rows: to memory that may be there, or not."""
    _, _, _, used, size = struct.unpack_from("<i4q", file.with_name("header.bin").read_bytes())
    body = bytearray(file.read_bytes())
    at = random.Random(seed).randrange(used) * size
    body[at : at + 132] = struct.pack("<33I", 32, *range(used, used + 32))
    file.write_bytes(body)


DAMAGES: dict[str, Callable[[Path, int], None]] = {
    damage.__name__: damage for damage in (gone, folder_gone, emptied, halved, flipped, one_bit, page, astray)
}


def damage(home: Path, name: str, kind: str, seed: int = 0) -> None:
    """Do one damage to the database, or to one file of the only collection whose index was ever written whole."""
    chroma = home / "chroma"
    file = chroma / name
    if name != DATABASE:
        (index,) = chroma.glob("*/index_metadata.pickle")
        file = index.with_name(name)
    DAMAGES[kind](file, seed)
