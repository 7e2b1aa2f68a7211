"""Law: a blob is whole or not there, named by its content's SHA-256, packed or not, and nothing half-written stays."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_kit import Kit, Stop, stop_at

from milepost.store import faults
from milepost.store.blobs import BLOCK, Blobs, ChangedWhileReading, hash_file
from milepost.store.errors import StoreDamaged


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


def files(blobs: Blobs) -> list[Path]:
    return sorted(path for path in blobs.folder.rglob("*") if path.is_file())


def content(blobs: Blobs, sha256: str) -> list[bytes]:
    """What a blob gives, by its two ways out."""
    with blobs.opened(sha256) as path:
        return [blobs.read(sha256), path.read_bytes()]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=5_000))
def test_what_is_stored_is_what_was_given(blobs: Blobs, tmp_path: Path, data: bytes) -> None:
    """By bytes or as a file, a blob has the name of its content and exactly that content."""
    (tmp_path / "file").write_bytes(data)
    sha256 = blobs.put(data)
    assert sha256 == hashlib.sha256(data).hexdigest()
    assert blobs.put_file(tmp_path / "file") == hash_file(tmp_path / "file") == (sha256, len(data))
    assert content(blobs, sha256) == [data, data]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(blocks=st.lists(st.sampled_from([b"x" * BLOCK, b"so it goes\n" * 1_000, os.urandom(9_000)]), max_size=3))
def test_a_packed_one_is_what_was_given_too(blobs: Blobs, tmp_path: Path, blocks: list[bytes]) -> None:
    """Whatever the first block promised and the others then were; it takes no more of the disk than a tenth extra."""
    data = b"".join(blocks)
    (tmp_path / "file").write_bytes(data)
    sha256, size = blobs.put_file(tmp_path / "file")
    assert (size, content(blobs, sha256)) == (len(data), [data, data])
    assert blobs.put(data) == sha256 and len([path for path in files(blobs) if path.stem == sha256]) == 1
    assert blobs.all()[sha256] == blobs.path(sha256).stat().st_size <= 1.1 * len(data)


def test_what_gets_smaller_is_compressed_and_what_does_not_is_as_it_was(blobs: Blobs) -> None:
    """The one is a `.zst` file, the other the file itself; to save less than a block of the disk saves nothing."""
    long, mixed, short = b"So it goes. " * 1_000, os.urandom(12_000), b"So it goes. " * 100
    packed, as_it_was, small = map(blobs.put, (long, mixed, short))
    assert blobs.path(packed).name == f"{packed}.zst"
    assert zstandard.ZstdDecompressor().decompressobj().decompress(blobs.path(packed).read_bytes()) == long
    assert blobs.path(packed).stat().st_size < 1_000
    assert (blobs.path(as_it_was).name, blobs.path(as_it_was).read_bytes()) == (as_it_was, mixed)
    assert (blobs.path(small).name, blobs.path(small).read_bytes()) == (small, short)
    with blobs.opened(packed) as copy, blobs.opened(small) as itself:
        assert copy.parent != blobs.path(packed).parent and itself == blobs.path(small)
    assert not copy.exists() and itself.exists()
    assert blobs.delete_all([packed, as_it_was, small]) == 3 and files(blobs) == []


@pytest.mark.parametrize("harm", [lambda whole: whole[:-9], lambda whole: b"PK" + whole[2:], lambda whole: whole[:40]])
def test_a_damaged_one_is_said_to_be(blobs: Blobs, harm: Callable[[bytes], bytes]) -> None:
    """Cut, overwritten at its start, nearly empty: no half of an upload is taken for the whole."""
    sha256 = blobs.put(b"".join(b"line %d\n" % number for number in range(3_000)))
    blobs.path(sha256).write_bytes(harm(blobs.path(sha256).read_bytes()))
    with pytest.raises(StoreDamaged, match="upload"):
        blobs.read(sha256)
    with pytest.raises(StoreDamaged, match="upload"), blobs.opened(sha256):
        pass


def test_storing_again_is_free(blobs: Blobs) -> None:
    """The same content is one file, whose bytes and times stay."""
    sha256 = blobs.put(b"same")
    before = blobs.path(sha256).stat()
    blobs.put(b"same")
    after = blobs.path(sha256).stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert files(blobs) == [blobs.path(sha256)]


@pytest.mark.parametrize("point", ["upload.mid_copy", "upload.before_rename"])
def test_a_failure_on_the_way_leaves_nothing(blobs: Blobs, tmp_path: Path, point: str) -> None:
    """Before its rename a blob is not there, and its temporary file is taken away."""
    (tmp_path / "file").write_bytes(b"x" * (2 * BLOCK))
    for store in (lambda: blobs.put_file(tmp_path / "file"), lambda: blobs.put(b"y" * (2 * BLOCK))):
        before = files(blobs)
        stop_at(point)
        with pytest.raises(Stop):
            store()
        faults.arm(None)
        assert files(blobs) == before
        store()
    assert len(files(blobs)) == 2


def test_a_failure_after_the_rename_leaves_the_whole_blob(blobs: Blobs, tmp_path: Path) -> None:
    """Not acknowledged is not the same as not written: the blob is whole, and is found by its hash."""
    (tmp_path / "file").write_bytes(b"content")
    stop_at("upload.after_rename")
    with pytest.raises(Stop):
        blobs.put_file(tmp_path / "file")
    faults.arm(None)
    assert blobs.has(hashlib.sha256(b"content").hexdigest())
    assert blobs.put_file(tmp_path / "file")[0] == hashlib.sha256(b"content").hexdigest()


def test_file_rename_and_folders_are_synced(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary file, fsync, rename, fsync of the folder; and of the folder above where that one is new."""
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()).removeprefix(str(blobs.folder)))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    sha256 = blobs.put(b"data")
    written, *folders = synced
    assert written.startswith("/incoming/")
    assert folders == ["", f"/{sha256[:2]}"]


def test_the_folders_of_many_files_are_synced_once(blobs: Blobs, tmp_path: Path) -> None:
    """Each file by itself, at once; their folders are left to the caller, each once, those above them too."""
    unsynced: set[Path] = set()
    for number in range(600):
        (tmp_path / "file").write_text(str(number))
        blobs.put_file(tmp_path / "file", unsynced)
    assert unsynced == {blobs.folder, *(path.parent for path in files(blobs))}
    blobs.sync(unsynced)


def test_a_file_that_changes_while_it_is_read_is_noticed(blobs: Blobs, tmp_path: Path) -> None:
    """Its size or time moved between the first byte and the last: nothing of it is stored."""
    path = tmp_path / "growing"
    path.write_bytes(b"x" * (2 * BLOCK))

    def grow(point: str) -> None:
        with path.open("ab") as more:
            more.write(b"more")

    faults.arm(grow)
    with pytest.raises(ChangedWhileReading):
        blobs.put_file(path)
    faults.arm(None)
    assert files(blobs) == []


DYING = """
import sys; from pathlib import Path; from milepost.store import faults; from milepost.store.blobs import Blobs
faults.arm(faults.kill_at("upload.before_rename")); Blobs(Path(sys.argv[1])).put(b"half")
"""


def test_what_a_dead_process_left_is_swept_by_the_next_publisher(kit: Kit) -> None:
    """Temporary files of a killed process go when the lease is taken; those of a living one, and blobs, stay."""
    blobs = kit.home.blobs
    kept = blobs.put(b"kept")
    died = subprocess.run([sys.executable, "-c", DYING, str(blobs.folder)], timeout=60, check=False)
    assert died.returncode == -9
    own = blobs.folder / "incoming" / f"{os.getpid()}-abc"
    own.write_bytes(b"being written by another thread")
    assert len(files(blobs)) == 3
    with kit.home.hold():
        pass
    assert files(blobs) == sorted([blobs.path(kept), own])


@pytest.mark.parametrize("name", ["", "ab", "../../etc/passwd", "A" * 64, "g" * 64, "0" * 63 + "/"])
def test_only_a_hash_names_a_blob(blobs: Blobs, name: str) -> None:
    """Nothing that people write becomes a path."""
    with pytest.raises(ValueError, match="not a SHA-256"):
        blobs.path(name)


def test_deleting_says_whether_there_was_one(blobs: Blobs) -> None:
    """A second delete deletes nothing and is no failure; the content can come back."""
    sha256 = blobs.put(b"data")
    assert [blobs.delete(sha256), blobs.delete(sha256), blobs.has(sha256)] == [True, False, False]
    assert blobs.put(b"data") == sha256


def test_many_go_at_once(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them, each folder is synced once after that, and only those that were there are counted."""
    hashes = [blobs.put(str(n).encode()) for n in range(600)]
    synced: list[Path] = []
    monkeypatch.setattr("milepost.store.blobs._sync_folder", synced.append)
    absent = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(600, 700)]
    assert blobs.delete_all([*hashes[:500], *absent]) == 500
    assert files(blobs) == sorted(blobs.path(each) for each in hashes[500:])
    assert sorted(synced) == sorted({blobs.path(each).parent for each in hashes[:500]})


def test_what_cannot_be_deleted_is_no_success(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's refusal reaches the caller."""
    sha256 = blobs.put(b"data")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "no")

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(PermissionError):
        blobs.delete_all([sha256])
