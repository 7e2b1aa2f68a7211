"""Uploads by their SHA-256: written to a temporary file, synced, renamed, and the folder synced.

What gets a tenth smaller by it lies there compressed (`.zst`, for which there are tools), named by its content's hash.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from shutil import rmtree

import zstandard

from .errors import StoreDamaged
from .faults import faultpoint

BLOCK = 1 << 20
AT_A_TIME = 8
"""Files that are removed at the same time."""
SUFFIX = ".zst"
_LEVEL = 3
_DISK_BLOCK = 4_096


class ChangedWhileReading(Exception):
    """The file was not the same before and after it was read."""


class CannotRead(OSError):
    """The system refused to read the file that was to be stored: its fault, where any other error is the home's."""


class Blobs:
    """A folder of immutable files, each named by the SHA-256 of what was stored in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str) -> Path:
        """Where a blob lies, packed or not; or where it would lie as it is."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError(f"not a SHA-256: {sha256[:80]!r}")
        plain = self.folder / sha256[:2] / sha256
        packed = plain.with_suffix(SUFFIX)
        return packed if packed.exists() else plain

    def has(self, sha256: str) -> bool:
        return self.path(sha256).exists()

    def read(self, sha256: str) -> bytes:
        """What was stored; `StoreDamaged` where it was packed, and is no longer that."""
        path = self.path(sha256)
        return b"".join(_expanded(path)) if path.suffix else path.read_bytes()

    @contextmanager
    def opened(self, sha256: str) -> Generator[Path, None, None]:
        """A file that holds what was stored: the blob itself, or a copy that is gone afterwards."""
        path = self.path(sha256)
        if not path.suffix:
            yield path
            return
        with self.workroom() as room:
            plain = room / sha256
            with plain.open("wb") as out:
                out.writelines(_expanded(path))
            yield plain

    def put(self, data: bytes) -> str:
        """Store bytes and return their SHA-256 in hexadecimal; storing again is free."""
        sha256 = hashlib.sha256(data).hexdigest()
        if not self.has(sha256):
            self._write(data[at : at + BLOCK] for at in range(0, len(data), BLOCK))
        return sha256

    def put_file(self, path: Path, unsynced: set[Path] | None = None) -> tuple[str, int]:
        """Stream a file in and return its SHA-256 and size in bytes; `ChangedWhileReading`, `CannotRead` store nothing.

        Of many files, give a set: it gathers the folders that the caller has to `sync` before it says they are there.
        """
        return self._write(_blocks(path), unsynced)

    def sync(self, folders: set[Path]) -> None:
        """Make what was put into these folders last."""
        for folder in sorted(folders):
            _sync_folder(folder)

    def _write(self, blocks: Iterator[bytes], unsynced: set[Path] | None = None) -> tuple[str, int]:
        temporary, descriptor = self._temporary()
        digest, size = hashlib.sha256(), 0
        try:
            with os.fdopen(descriptor, "wb") as out:
                packer = _Packer()
                for block in blocks:
                    out.write(packer.packed(block))
                    digest.update(block)
                    size += len(block)
                    faultpoint("upload.mid_copy")
                out.write(packer.end())
                out.flush()
                os.fsync(out.fileno())
            if not self.has(digest.hexdigest()):
                folders = self._settle(temporary, f"{digest.hexdigest()}{packer.suffix}")
                if unsynced is None:
                    self.sync(folders)
                else:
                    unsynced |= folders
        finally:
            temporary.unlink(missing_ok=True)
        return digest.hexdigest(), size

    def all(self) -> dict[str, int]:
        """What every blob takes on the disk in bytes, by its SHA-256."""
        found = (path for path in self.folder.glob("[0-9a-f][0-9a-f]/*") if len(path.stem) == 64)
        return {path.stem: path.stat().st_size for path in found}

    def delete(self, sha256: str) -> bool:
        """Remove a blob; False where there was none."""
        return self.delete_all([sha256]) == 1

    def delete_all(self, sha256s: Iterable[str]) -> int:
        """Remove blobs and return how many there were; each folder is synced once.

        Several at a time: where another process syncs its files, the file system lets each call wait for its journal.
        """
        paths = [self.path(sha256) for sha256 in sha256s]
        with ThreadPoolExecutor(AT_A_TIME) as pool:
            removed = [path for path, there in zip(paths, pool.map(_unlinked, paths), strict=True) if there]
            list(pool.map(_sync_folder, {path.parent for path in removed}))
        return len(removed)

    @contextmanager
    def workroom(self) -> Generator[Path, None, None]:
        """An empty folder on the blobs' own disk; it is gone afterwards, at the latest when somebody sweeps."""
        folder = self.folder / "incoming" / f"{os.getpid()}-{os.urandom(8).hex()}"
        folder.mkdir(mode=0o700, parents=True)
        try:
            yield folder
        finally:
            rmtree(folder, ignore_errors=True)

    def sweep(self) -> int:
        """Remove the temporary files of processes that have died; a living one may be planning."""
        incoming = self.folder / "incoming"
        left = [path for path in incoming.glob("*") if not _lives(path.name.partition("-")[0])]
        for path in left:
            if path.is_dir():
                rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        return len(left)

    def _temporary(self) -> tuple[Path, int]:
        folder = self.folder / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{os.getpid()}-{os.urandom(8).hex()}"
        return path, os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    def _settle(self, temporary: Path, name: str) -> set[Path]:
        """Give a written file its name, and return the folders that are to be synced."""
        path = self.folder / name[:2] / name
        made = not path.parent.exists()
        if made:
            path.parent.mkdir(parents=True, exist_ok=True)
        faultpoint("upload.before_rename")
        temporary.replace(path)
        faultpoint("upload.after_rename")
        return {path.parent, self.folder} if made else {path.parent}


class _Packer:
    """Packs the blocks of one file, or leaves them as they are: the first block says which."""

    def __init__(self) -> None:
        self._stream: zstandard.ZstdCompressionObj | None = None
        self._begun = False

    @property
    def suffix(self) -> str:
        """What the file's name ends in."""
        return SUFFIX if self._stream is not None else ""

    def packed(self, block: bytes) -> bytes:
        """What is to be written for the next block."""
        if self._begun:
            return block if self._stream is None else self._stream.compress(block)
        self._begun = True
        stream = zstandard.ZstdCompressor(_LEVEL).compressobj()
        packed = stream.compress(block) + stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        if len(block) - len(packed) < max(_DISK_BLOCK, len(block) // 10):
            return block
        self._stream = stream
        return packed

    def end(self) -> bytes:
        """What is to be written after the last block."""
        return b"" if self._stream is None else self._stream.flush()


def hash_file(path: Path | str) -> tuple[str, int]:
    """A file's SHA-256 in hexadecimal and its size in bytes, read as a stream."""
    digest, size = hashlib.sha256(), 0
    for block in _blocks(path):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


def _blocks(path: Path | str) -> Iterator[bytes]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            before, size = os.fstat(descriptor), 0
            # one that grows has no end to wait for
            while size < before.st_size and (block := os.read(descriptor, min(BLOCK, before.st_size - size))):
                yield block
                size += len(block)
            after = os.fstat(descriptor)
        finally:
            os.close(descriptor)
    except OSError as refused:
        raise CannotRead(refused.errno, refused.strerror, str(path)) from refused
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ChangedWhileReading(str(path))


def _expanded(path: Path) -> Iterator[bytes]:
    """The blocks of a packed blob; after the last one `StoreDamaged` where they are not what was stored."""
    digest = hashlib.sha256()
    with path.open("rb") as packed, suppress(zstandard.ZstdError):
        stream = zstandard.ZstdDecompressor().stream_reader(packed)
        while block := stream.read(BLOCK):
            digest.update(block)
            yield block
    if digest.hexdigest() != path.stem:
        raise StoreDamaged(
            f"the upload {path} is damaged",
            cause="it is not what was stored; put it back from a backup, or delete it and ingest the file again",
            state="nothing was changed; what is in the kb stays, and can be searched",
            next=f"rm {shlex.quote(str(path))}",
        )


def _lives(pid: str) -> bool:
    """Whether a process with that number exists; what is no number is nobody's."""
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _unlinked(path: Path) -> bool:
    """Remove a file; False where there was none."""
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
