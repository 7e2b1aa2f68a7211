"""The input files of a request: folders, files, globs and pairs become one list with names inside the kb."""

# ruff: noqa: PTH112, PTH113, PTH114, PTH115, PTH116, PTH118, PTH120, PTH208
# Names that are no UTF-8, and walks over very many files, want plain strings.

from __future__ import annotations

import difflib
import glob
import itertools
import os
import re
import shlex
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..store.errors import NotFound, UsageError
from ..store.places import RECORD, is_home
from ..store.policy import LimitPolicy

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = ".milepostignore"
_SUGGESTIONS = 3
_SURROGATE = re.compile("[\ud800-\udfff]")
_ANYBODY_READS = stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH
"""Where all three may read, so may we: it need not be asked, which for very many files takes its time."""


@dataclass(frozen=True, slots=True)
class Found:
    """One input file.

    `path` is as given or as found, `source` the name inside the kb, `data` only there for pairs. With a
    `reason` it is refused already, before anything of it was read.
    """

    path: str
    source: str
    data: bytes | None
    size: int
    mtime_ns: int
    reason: str | None = None
    detail: str | None = None


def collect(paths: Sequence[str | os.PathLike[str] | tuple[str, bytes]], *, limits: LimitPolicy) -> list[Found]:
    """Find every input file, sorted by source. Opens none of them.

    Raises NotFound for a path that is not there, UsageError for two inputs with one source name. What is
    hidden, listed in a `.milepostignore`, or in a home of Milepost's, is left out where a folder was given.
    """
    found: dict[str, Found] = {}
    for given in paths:
        for each in _one(given, limits):
            known = found.setdefault(each.source, each)
            if known is not each and not _same(known, each):
                raise _two(known, each)
    return sorted(found.values(), key=lambda each: each.source)


def _two(one: Found, other: Found) -> UsageError:
    """What to say of two inputs with one name: below their common folder they have two."""
    common = os.path.commonpath([Path(each.path).absolute() for each in (one, other)])
    folder = shlex.quote(os.path.relpath(common)) if one.data is None and other.data is None else "PATH"
    return UsageError(
        f"two inputs are called {one.source!r}: {one.path} and {other.path}",
        cause="inside a kb a source has one name; give their common folder, or rename one of them",
        next=f"milepost plan {folder} --kb NAME",
        paths=[one.path, other.path],
    )


def _one(given: str | os.PathLike[str] | tuple[str, bytes], limits: LimitPolicy) -> Iterator[Found]:
    if isinstance(given, tuple):
        yield _limited(_pair(*given), limits)
        return
    path = os.fspath(given)
    if not path:
        raise UsageError(
            "an input path is empty", cause="give a file, a folder or a pattern", next="milepost plan PATH --kb NAME"
        )
    if not os.path.lexists(path):
        yield from _pattern(path, limits)
    elif os.path.isdir(path):
        yield from (_limited(each, limits) for each in _folder(path))
    else:
        yield _limited(_file(path, Path(path).name), limits)


def safe_name(name: str) -> str:
    """A name in NFC that UTF-8 can hold: control characters and bytes that were no UTF-8 become `%xx`."""
    if name.isascii() and name.isprintable():
        return name
    return unicodedata.normalize("NFC", "".join(map(_safe, name)))


def _safe(char: str) -> str:
    if "\udc80" <= char <= "\udcff":  # how Python shows a byte of a file name that is no UTF-8
        return f"%{ord(char) - 0xDC00:02X}"
    return f"%{ord(char):02X}" if unicodedata.category(char) in ("Cc", "Cs") else char


def _pair(name: str, data: bytes) -> Found:
    name = str(name)
    source = safe_name(name)
    found = Found(source, source, bytes(data), len(data), 0)
    parts = name.replace("\\", "/").split("/")
    drive = len(name) > 1 and name[0].isalpha() and name[1] == ":"
    if ".." in parts or parts[0] == "" or drive or "\0" in name:
        detail = "a name inside a kb is relative and has no '..'; give such a name"
        return replace(found, reason="path_traversal", detail=detail)
    return found


def _pattern(path: str, limits: LimitPolicy) -> Iterator[Found]:
    """What a pattern matches, called by its path below the part of the pattern that has no wildcards."""
    if not glob.has_magic(path):
        raise _missing(path)
    fixed = list(itertools.takewhile(lambda part: not glob.has_magic(part), Path(path).parts))
    root = os.path.join(*fixed) if fixed else "."
    matches = _matches(root, Path(path).parts[len(fixed) :])
    if not matches:
        raise NotFound(
            f"no file matches {path!r}",
            cause="check the pattern, or give the folder",
            next="milepost plan PATH --kb NAME",
            path=path,
        )
    for match in matches:
        below = os.path.relpath(match, root)
        if os.path.islink(match) and not _inside(match, os.path.realpath(root)):
            found = iter((_outside(match, safe_name(below)),))
        elif os.path.isdir(match):
            found = _folder(match, "" if below == "." else f"{below}/")
        else:
            found = iter((_file(match, below),))
        yield from (_limited(each, limits) for each in found)


def _matches(root: str, pattern: Sequence[str]) -> list[str]:
    """What matches below a folder, without what is hidden; `**` goes through no link, so that it comes to an end."""
    plain = [part if part == "**" else re.sub(r"\*{2,}", "*", part) for part in pattern]
    found = Path(root).glob("/".join(plain))
    hidden = any(part.startswith(".") for part in pattern)
    return sorted(
        os.path.join(root, below)
        for below in (os.path.relpath(match, root) for match in found)
        if hidden or not any(part.startswith(".") for part in Path(below).parts if part != "..")
    )


def _missing(path: str) -> NotFound:
    folder, name = os.path.split(path.rstrip("/"))
    try:
        names = sorted(os.listdir(folder or "."))
    except (OSError, ValueError):
        names = []
    close = difflib.get_close_matches(name, names, n=_SUGGESTIONS, cutoff=0.6)
    near = [os.path.join(folder, each) for each in close]
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return NotFound(
        f"no such file or folder: {path!r}{hint}",
        cause="PATH stands for a file or folder of yours" if path == "PATH" else _looked(folder),
        next="milepost plan PATH --kb NAME",
        path=path,
        suggestions=near,
        instead=(path, near[0]) if near else (),
    )


def _folder(top: str, prefix: str = "") -> Iterator[Found]:
    """Walk a folder.

    Links to folders are not followed: what they lead to is found by its own name, or outside.
    """
    root = os.path.realpath(top)
    specs: dict[str, list[tuple[str, GitIgnoreSpec]]] = {}
    pending = [""]
    while pending:
        relative = pending.pop()
        folder = os.path.join(top, relative) if relative else top
        try:
            entries = list(os.scandir(folder))
        except OSError as error:
            yield _unreadable(folder, safe_name(prefix + relative) or Path(root).name, error)
            continue
        if any(entry.name == RECORD for entry in entries) and is_home(folder):  # what is in it is Milepost's own
            continue
        here = specs.get(os.path.dirname(relative), []) + _ignore(folder, relative)
        specs[relative] = here
        for entry in entries:
            inner = f"{relative}/{entry.name}" if relative else entry.name
            folder_itself = entry.is_dir(follow_symlinks=False)
            if entry.name.startswith(".") or _ignored(inner, folder_itself, here):
                continue
            if entry.is_symlink() and not _inside(entry.path, root):
                yield _outside(entry.path, safe_name(prefix + inner))
            elif folder_itself:
                pending.append(inner)
            elif not (entry.is_symlink() and os.path.isdir(entry.path)):
                yield _file(entry.path, prefix + inner)


def _ignore(folder: str, relative: str) -> list[tuple[str, GitIgnoreSpec]]:
    path = os.path.join(folder, IGNORE_FILE)
    if not os.path.isfile(path):
        return []
    from pathspec import GitIgnoreSpec  # 20 ms, and most folders have no such file

    try:
        lines = Path(path).read_text("utf-8", "replace").splitlines()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}", next=f"chmod u+r {shlex.quote(path)}") from None
    return [(relative, GitIgnoreSpec.from_lines(lines))]


def _ignored(inner: str, folder: bool, specs: list[tuple[str, GitIgnoreSpec]]) -> bool:
    """The ignore file furthest down that says something about a path decides."""
    for base, spec in reversed(specs):
        below = inner[len(base) + 1 :] if base else inner
        verdict = spec.check_file(below + "/" if folder else below).include
        if verdict is not None:
            return verdict
    return False


def _inside(path: str, root: str) -> bool:
    real = os.path.realpath(path)
    return real == root or real.startswith(root.rstrip("/") + "/")


def _file(path: str, name: str) -> Found:
    source = safe_name(name)
    if not path.isascii() and _SURROGATE.search(path):
        return Found(safe_name(path), source, None, 0, 0, "unreadable", "its name is no UTF-8; rename it")
    try:
        facts = os.stat(path)
    except OSError as error:
        return _unreadable(path, source, error)
    found = Found(path, source, None, facts.st_size, facts.st_mtime_ns)
    if not stat.S_ISREG(facts.st_mode):
        kind = _KINDS.get(stat.S_IFMT(facts.st_mode), "no regular file")
        return replace(found, size=0, reason="not_regular", detail=f"{kind}; give a regular file")
    if facts.st_mode & _ANYBODY_READS != _ANYBODY_READS and not os.access(path, os.R_OK):
        return replace(found, reason="unreadable", detail="no permission to read it; change it, or leave it out")
    return found


_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def _unreadable(path: str, source: str, error: OSError) -> Found:
    what = "this folder cannot be looked into: " if os.path.isdir(path) else ""
    detail = f"{what}{error.strerror or error}; check its permissions"
    if os.path.islink(path):
        detail = f"a link that leads nowhere ({os.readlink(path)!r}); mend it or leave it out"
    return Found(safe_name(path), source, None, 0, 0, "unreadable", detail)


def _outside(path: str, source: str) -> Found:
    detail = "a link that leads out of the folder given; give what it leads to by itself"
    return Found(safe_name(path), source, None, 0, 0, "outside_root", detail)


def _limited(found: Found, limits: LimitPolicy) -> Found:
    if found.reason is not None:
        return found
    if found.size == 0:
        return replace(found, reason="empty", detail="there is nothing in it; leave it out or fill it")
    if found.size > limits.file_bytes:
        detail = f"{found.size} bytes, the limit is {limits.file_bytes}; raise limits.file_bytes or split it"
        return replace(found, reason="too_large", detail=detail)
    return found


def _same(one: Found, other: Found) -> bool:
    """One real file given twice, or a pair given twice with the same bytes."""
    if one.data is not None or other.data is not None:
        return one.data == other.data and one.path == other.path
    return os.path.realpath(one.path) == os.path.realpath(other.path)


def _looked(folder: str) -> str:
    """Where a path that is missing was looked for: a relative one below the working directory."""
    try:
        return f"looked for in {Path.cwd() / folder}"
    except OSError:
        return "the working directory is gone"
