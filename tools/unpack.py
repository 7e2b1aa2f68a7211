"""Zip archives, opened in the parser's process: members become files of a folder, each within the limits.

A member's name never becomes a path: the files are numbered.
"""

from __future__ import annotations

import calendar
import itertools
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from .document import Limits, Refused, out_of_memory
from .opened import opened
from .package import RATIO_FROM
from .sniff import ZIP_MARKS, zip_type

_BLOCK = 1 << 20
_HIDDEN = "__MACOSX"
_TRAVERSAL = "its name leads out of the archive; pack it again under a name without '..', a drive or a slash in front"


class ArchiveLimits(Limits, Protocol):
    """The part of `LimitPolicy` that unpacking reads."""

    @property
    def archive_members(self) -> int: ...

    @property
    def archive_depth(self) -> int: ...


@dataclass(frozen=True)
class Member:
    """A member of an archive: its path inside, the number of the file that holds it; or why there is none."""

    name: str
    file: str = ""
    size: int = 0
    mtime_ns: int = 0
    reason: str | None = None
    detail: str | None = None


@dataclass
class Unpacked:
    """What opening a file gave. With another type than zip there are no members; with a `reason` it is refused."""

    media_type: str
    members: list[Member] = field(default_factory=list)
    reason: str | None = None
    detail: str | None = None


def unpack(path: Path, folder: Path, limits: ArchiveLimits) -> Unpacked:
    """Open the archive at `path` and write its members into `folder`. Never raises for a bad archive."""
    try:
        with opened(path) as file, zipfile.ZipFile(file) as archive:
            media_type = zip_type(archive)
            if media_type != "application/zip":
                return Unpacked(media_type)
            size = os.fstat(file.fileno()).st_size
            members = list(_Opening(folder, limits, size).members(archive, "", 1))
        if not members:
            raise Refused("empty", "the archive holds no files; leave it out")
        return Unpacked(media_type, members)
    except Refused as refused:
        return Unpacked("application/zip", [], refused.reason, refused.detail)
    except MemoryError:
        return Unpacked("application/zip", [], "too_large", out_of_memory(limits))
    except OSError as error:
        return Unpacked("", [], "unreadable", f"{error.strerror or error}; make it readable, or leave it out")
    except Exception as error:  # zipfile raises almost anything for a damaged archive
        return Unpacked("application/zip", [], "corrupt", _damaged(error))


def _damaged(error: Exception) -> str:
    return f"damaged or cut off ({' '.join(str(error).split())[:120]}); give an undamaged copy"


class _Opening:
    """One archive with those inside it: they share the limits."""

    def __init__(self, folder: Path, limits: ArchiveLimits, packed: int) -> None:
        self.folder = folder
        self.limits = limits
        self.packed = packed
        self.unpacked = self.count = 0
        self.numbers = itertools.count(1)

    def members(self, archive: zipfile.ZipFile, prefix: str, depth: int) -> Iterator[Member]:
        entries = [entry for entry in archive.infolist() if not _left_out(entry)]
        self._check(entries)
        taken: set[str] = set()
        for entry in entries:
            name = _free(_name(entry), taken)
            taken.add(name)
            whole = f"{prefix}{name}"
            reason = self._refusal(entry, name)
            if reason:
                yield Member(whole, size=entry.file_size, reason=reason[0], detail=reason[1])
            else:
                yield from self._taken(archive, entry, whole, depth)

    def _check(self, entries: list[zipfile.ZipInfo]) -> None:
        """By what the directory says: nothing has been unpacked yet."""
        self.count += len(entries)
        self.unpacked += sum(entry.file_size for entry in entries)
        limits = self.limits
        if self.count > limits.archive_members:
            raise _met(f"holds {self.count} files", limits.archive_members, "archive_members")
        if self.unpacked > limits.archive_bytes:
            raise _met(f"unpacks to {self.unpacked} bytes", limits.archive_bytes, "archive_bytes")
        if self.unpacked > max(RATIO_FROM, self.packed * limits.archive_ratio):
            times = self.unpacked // max(1, self.packed)
            raise _met(f"unpacks to {times} times its size", limits.archive_ratio, "archive_ratio")

    def _refusal(self, entry: zipfile.ZipInfo, name: str) -> tuple[str, str] | None:
        if leads_out(name):
            return "path_traversal", _TRAVERSAL
        if stat.S_ISLNK(entry.external_attr >> 16):
            return "not_regular", "a link inside an archive; pack the file that it leads to"
        if entry.flag_bits & 1:
            return "encrypted", "encrypted; leave it out, or give an open copy"
        if not entry.file_size:
            return "empty", "there is nothing in it; leave it out or fill it"
        limit = self.limits.file_bytes
        if entry.file_size > limit:
            return "too_large", f"{entry.file_size} bytes, the limit is {limit}; raise limits.file_bytes or split it"
        return None

    def _taken(self, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, whole: str, depth: int) -> Iterator[Member]:
        target = self.folder / f"{next(self.numbers)}"
        try:
            with archive.open(entry) as source, target.open("wb") as out:
                while block := source.read(_BLOCK):
                    out.write(block)
        except Exception as error:  # zlib.error and its like of other compressions have no common base
            target.unlink(missing_ok=True)
            yield Member(whole, size=entry.file_size, reason="corrupt", detail=_damaged(error))
            return
        if _begins_as_zip(target) and (inner := _archive(target)) is not None:
            with inner:
                yield from self._inside(inner, target, whole, depth)
            target.unlink()
            return
        yield Member(whole, target.name, target.stat().st_size, _mtime_ns(entry))

    def _inside(self, inner: zipfile.ZipFile, target: Path, whole: str, depth: int) -> Iterator[Member]:
        size = target.stat().st_size
        if depth >= self.limits.archive_depth:
            limit = self.limits.archive_depth
            detail = f"an archive {depth + 1} deep, the limit is {limit}; unpack it, or raise limits.archive_depth"
            yield Member(whole, size=size, reason="too_large", detail=detail)
            return
        found = list(self.members(inner, f"{whole}/", depth + 1))
        if not found:
            yield Member(whole, size=size, reason="empty", detail="the archive holds no files; leave it out")
        yield from found


def _met(what: str, limit: int, key: str) -> Refused:
    return Refused("too_large", f"{what}, the limit is {limit}; raise limits.{key}, or unpack it and give the folder")


def _left_out(entry: zipfile.ZipInfo) -> bool:
    """Folders, and what a walk over a folder leaves out, too."""
    parts = [part for part in entry.filename.replace("\\", "/").split("/") if part]
    hidden = any(part.startswith(".") and part.strip(".") for part in parts)
    return not parts or entry.is_dir() or hidden or parts[0] == _HIDDEN


def _name(entry: zipfile.ZipInfo) -> str:
    """The name with the slashes of this system; names that say no encoding are UTF-8 where they can be."""
    name = entry.filename
    if not entry.flag_bits & 0x800:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")


def leads_out(name: str) -> bool:
    """Whether a name inside something is absolute, has a drive, or goes up."""
    parts = name.replace("\\", "/").split("/")
    drive = len(name) > 1 and name[0].isalpha() and name[1] == ":"
    return ".." in parts or parts[0] == "" or drive or "\0" in name


def _free(name: str, taken: set[str]) -> str:
    """The name, or where an archive has it twice, the first free `name (2).ext`."""
    path = PurePosixPath(name)
    for number in itertools.count(2):
        if name not in taken:
            break
        name = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
    return name


def _begins_as_zip(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) in ZIP_MARKS


def _archive(path: Path) -> zipfile.ZipFile | None:
    """An archive inside; None for a document that is one, and for what is damaged: its parser will say so."""
    try:
        archive = zipfile.ZipFile(path)
        if zip_type(archive) == "application/zip":
            return archive
        archive.close()
    except Exception:  # zipfile raises almost anything for a damaged archive
        return None
    return None


def _mtime_ns(entry: zipfile.ZipInfo) -> int:
    moment: Any = (*entry.date_time, 0, 0, 0)
    try:
        return calendar.timegm(moment) * 1_000_000_000
    except (ValueError, OverflowError):
        return 0
