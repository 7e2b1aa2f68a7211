"""Zip archives that mean harm: bombs, names that lead out, links, lies about sizes, archives in archives."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from collections.abc import Iterator

from hostile_kit import READ, Hostile, bloated, deflated, zipped
from hostile_packages import docx, lying

HONEST = b"An honest line in a hostile archive\n"


def archives() -> Iterator[Hostile]:
    """Every hostile archive; opened only where the policy opens archives."""
    yield from _bombs()
    yield from _names()
    yield from _damage()


def _bombs() -> Iterator[Hostile]:
    large = frozenset({"too_large"})
    yield Hostile("zeros.zip", lambda: bloated("zeros.txt", 1_500), large)
    yield Hostile("text.zip", lambda: bloated("text.txt", 300, HONEST * 25_000))
    yield Hostile("overlapping.zip", lambda: overlapping(2_000), large | {"corrupt"})
    yield Hostile("nested-bomb.zip", lambda: _around(bloated("zeros.txt", 1_000), 2, 1))
    yield Hostile("nested-wide.zip", lambda: _around(zipped({f"{n}.txt": HONEST for n in range(12)}), 3, 12))
    yield Hostile("nested-50.zip", lambda: _around(zipped({"a.txt": HONEST}), 50, 1))
    yield Hostile(
        "members-100000.zip", lambda: zipped(((f"{n}", b"") for n in range(100_000)), zipfile.ZIP_STORED), large
    )
    yield Hostile("size-lies.zip", lambda: lying(bloated("zeros.txt", 800)))
    yield Hostile("bzip2.zip", lambda: zipped({"zeros.txt": b"\0" * 300_000_000}, zipfile.ZIP_BZIP2), large)
    yield Hostile("lzma.zip", lambda: zipped({"zeros.txt": b"\0" * 300_000_000}, zipfile.ZIP_LZMA), large)
    yield Hostile("document-bomb.zip", lambda: zipped({"a.docx": docx(b" " * 40_000_000), "b.txt": HONEST}))


def overlapping(members: int) -> bytes:
    """Many entries of the directory that mean one and the same data (Fifield's bomb, in its plainest form)."""
    data = deflated(b"\0" * 1_000_000, 20)
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 33, 0, len(data), 20_000_000, 1, 0) + b"a"
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 33, 0, len(data), 20_000_000, 5, 0, 0, 0, 0, 0, 0)
    directory = b"".join(entry + b"%05d" % number for number in range(members))
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, members, members, len(directory), len(local) + len(data), 0)
    return local + data + directory + end


def _around(archive: bytes, times: int, copies: int) -> bytes:
    for _ in range(times):
        archive = zipped({f"{n}.zip": archive for n in range(copies)}, zipfile.ZIP_STORED)
    return archive


def special(name: str, mode: int, data: bytes) -> bytes:
    """An archive with one member of this kind, such as a link."""
    out, info = io.BytesIO(), zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(info, data)
    return out.getvalue()


def _names() -> Iterator[Hostile]:
    names = {
        "up": "../../../../tmp/milepost-was-here", "absolute": "/tmp/milepost-was-here", "drive": "C:\\Windows\\x.txt",
        "backslash": "..\\..\\x.txt", "middle": "a/../../../x.txt", "only-dots": "..", "long": "x" * 60_000,
        "deep": "a/" * 5_000 + "x.txt", "newline": "a\nb\x1b[31m.txt", "rtl": "a\u202etxt.exe",
        "emoji": "\U0001f600.txt",
        "dash": "-rf", "shell": "$(touch milepost-was-here);`id`.txt", "device": "CON.txt", "space": "   ",
        "formula": "=cmd|'!A1.csv", "percent": "%s%n%x.txt",
    }  # fmt: skip
    for kind, name in names.items():
        yield Hostile(f"name-{kind}.zip", lambda name=name: zipped({name: HONEST, "good.txt": HONEST}))
    yield Hostile("name-nul.zip", lambda: zipped({"a#b.txt": HONEST}).replace(b"a#b", b"a\0b"))
    yield Hostile("name-not-utf-8.zip", lambda: zipped({"a#b.txt": HONEST}).replace(b"a#b", b"\xff\xfe\xfd"))
    yield Hostile(
        "name-twice.zip",
        lambda: zipped([("a.txt", HONEST), ("a.txt", HONEST * 2), ("A.txt", HONEST)]),
        frozenset({READ, "unsupported_type"}),
    )
    yield Hostile("link.zip", lambda: special("passwd.txt", stat.S_IFLNK | 0o777, b"/etc/passwd"))
    yield Hostile(
        "link-and-below.zip", lambda: special("d", stat.S_IFLNK | 0o777, b"/tmp") + zipped({"d/x.txt": HONEST})
    )
    yield Hostile("device.zip", lambda: special("null", stat.S_IFCHR | 0o666, b""))
    yield Hostile("fifo.zip", lambda: special("fifo", stat.S_IFIFO | 0o666, b""))
    yield Hostile("setuid.zip", lambda: special("su.txt", stat.S_IFREG | 0o4777, HONEST))


def _damage() -> Iterator[Hostile]:
    good = zipped({"a.txt": HONEST * 100, "b/c.md": b"# A heading\n\n" + HONEST})
    yield Hostile("empty.zip", lambda: zipped({}))
    yield Hostile("only-folders.zip", lambda: zipped({"a/": b"", "a/b/": b""}))
    yield Hostile("cut.zip", lambda: good[: len(good) // 2])
    yield Hostile("no-directory.zip", lambda: good[: good.index(b"PK\1\2")])
    yield Hostile("directory-far.zip", lambda: good[:-6] + (2**31).to_bytes(4, "little") + good[-2:])
    yield Hostile("count-lies.zip", lambda: good[:-14] + b"\xff\xff\xff\xff" + good[-10:])
    yield Hostile(
        "zip64-lies.zip",
        lambda: (
            good[:-22]
            + struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 2**62, 2**62, 2**62, 2**62)
            + struct.pack("<4sIQI", b"PK\6\7", 0, len(good) - 22, 1)
            + good[-22:]
        ),
    )
    yield Hostile("checksum-wrong.zip", lambda: _flipped(good))
    yield Hostile("encrypted.zip", lambda: good.replace(b"PK\1\2\x14\3\x14\0\0\0", b"PK\1\2\x14\3\x14\0\1\0"))
    yield Hostile("method-99.zip", lambda: good.replace(b"\x08\0\0\0\x21\0", b"\x63\0\0\0\x21\0"))
    yield Hostile("multi-disk.zip", lambda: good[:-18] + b"\7\0\7\0" + good[-14:])
    yield Hostile("comment.zip", lambda: good[:-2] + b"\xff\xff" + b"PK\5\6" * 16_383)
    yield Hostile("extra-lies.zip", lambda: good[:28] + b"\xff\xff" + good[30:])
    yield Hostile("time-wrong.zip", lambda: good.replace(b"\0\0\x21\0", b"\xff\xff\xff\xff"))


def _flipped(archive: bytes) -> bytes:
    at = 40
    return archive[:at] + bytes([archive[at] ^ 0xFF]) + archive[at + 1 :]
