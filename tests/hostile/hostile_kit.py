"""What a hostile file is, and the pieces that many of them are made of."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

SECRET = "the-keeper-has-the-green-key"
"""What stands in a file outside of the one that is read: it may turn up nowhere."""

REASONS = frozenset(
    {
        "encrypted", "no_text", "corrupt", "unsupported_type", "empty", "too_large", "too_slow", "not_regular",
        "outside_root", "path_traversal", "changed_while_reading", "unreadable",
    }
)  # fmt: skip
"""The codes that a file may be refused with."""

READ = None
ANY = frozenset({*REASONS, READ})
"""Refused in any typed way, or read."""


@dataclass(frozen=True)
class Hostile:
    """A file that means harm: its name, its bytes when they are wanted, and what may become of it."""

    name: str
    make: Callable[[], bytes]
    may: frozenset[str | None] = ANY


def zipped(members: Mapping[str, bytes] | Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip archive of these members, under whatever names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in members.items() if isinstance(members, Mapping) else members:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return out.getvalue()


Around = tuple[bytes, bytes]


def bloated(name: str, times: int, block: bytes = b"\0" * 1_000_000, around: Around = (b"", b"")) -> bytes:
    """A zip archive with one member that unpacks to so many times `block`; made without holding it in memory."""
    return with_member(zipped({}), name, times, block, around)


def with_member(package: bytes, name: str, times: int, block: bytes, around: Around) -> bytes:
    """A package with one more part, which unpacks to so many times `block`."""
    out = io.BytesIO(package)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED, compresslevel=9) as archive, archive.open(name, "w") as member:
        member.write(around[0])
        for _ in range(times):
            member.write(block)
        member.write(around[1])
    return out.getvalue()


def deflated(block: bytes, times: int) -> bytes:
    """`block` so many times, deflated."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(block) for _ in range(times)]
    return b"".join([*parts, packer.flush()])
