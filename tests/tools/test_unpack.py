"""Law: an archive gives its members within the limits, or says which limit it met; nothing is written elsewhere."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.store.policy import LimitPolicy
from milepost.tools.sandbox import ParserPool
from milepost.tools.unpack import Unpacked, leads_out, unpack


def packed(*members: tuple[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, inner in members:
            archive.writestr(zipfile.ZipInfo(name, (2024, 5, 6, 7, 8, 10)), inner, zipfile.ZIP_DEFLATED)
    return data.getvalue()


@pytest.fixture
def room(tmp_path: Path) -> Path:
    (tmp_path / "room").mkdir()
    return tmp_path / "room"


def opened(room: Path, data: bytes, **limits: Any) -> Unpacked:
    path = room.parent / "some.zip"
    path.write_bytes(data)
    return unpack(path, room, LimitPolicy(**limits))


def held(room: Path, found: Unpacked) -> dict[str, bytes]:
    return {each.name: (room / each.file).read_bytes() for each in found.members if each.file}


def reasons(found: Unpacked) -> dict[str, str | None]:
    return {each.name: each.reason for each in found.members}


def test_members_are_files_of_the_folder_with_size_and_time(room: Path) -> None:
    """Under numbers, never under their names; folders and hidden files are left out."""
    data = packed(("a.md", b"one"), ("sub/", b""), ("sub/b.txt", b"two!"), (".DS_Store", b"x"), ("__MACOSX/._a", b"x"))
    found = opened(room, data)
    assert held(room, found) == {"a.md": b"one", "sub/b.txt": b"two!"}
    assert [(each.size, each.mtime_ns) for each in found.members] == [(3, 1714979290 * 10**9), (4, 1714979290 * 10**9)]
    assert found.media_type == "application/zip" and found.reason is None
    assert {each.name for each in room.iterdir()} == {"1", "2"}


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "..\\x", "C:\\x", "C:/x", "\\\\host\\x"])
def test_a_name_that_leads_out_is_refused_and_written_nowhere(room: Path, name: str) -> None:
    """Its siblings are taken."""
    found = opened(room, packed((name, b"evil"), ("good.txt", b"good")))
    assert sorted(str(reason) for reason in reasons(found).values()) == ["None", "path_traversal"]
    assert held(room, found) == {"good.txt": b"good"}
    assert {each.name for each in room.parent.iterdir()} == {"room", "some.zip"}


@given(st.text(alphabet="./\\aC:\0", max_size=12))
def test_a_name_that_is_let_in_stays_inside(name: str) -> None:
    """However it is written."""
    if not leads_out(name):
        assert Path("/inside", name.replace("\\", "/")).resolve().is_relative_to("/inside")


def test_links_encrypted_empty_and_large_members_have_their_reasons(room: Path) -> None:
    """Each says what to do."""
    link = zipfile.ZipInfo("link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    data = io.BytesIO(packed(("large", b"x" * 101), ("nothing", b""), ("secret", b"shut")))
    with zipfile.ZipFile(data, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    raw = bytearray(data.getvalue())
    raw[raw.find(b"secret", raw.find(b"PK\x01\x02")) - 46 + 8] |= 1
    found = opened(room, bytes(raw), file_bytes=100)
    assert reasons(found) == {
        "large": "too_large", "nothing": "empty", "secret": "encrypted", "link": "not_regular",
    }  # fmt: skip
    assert all(len(each.detail or "") > 20 for each in found.members) and list(room.iterdir()) == []


def test_archives_inside_are_opened_down_to_the_limit(room: Path) -> None:
    """The one below is refused with the numbers; documents that are zips are files."""
    third = packed(("three.txt", b"3"))
    second = packed(("two.txt", b"2"), ("c.zip", third))
    document = packed(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<x/>"))
    data = packed(("b.zip", second), ("x.docx", document))
    assert set(held(room, opened(room, data))) == {"b.zip/two.txt", "b.zip/c.zip/three.txt", "x.docx"}
    shallow = opened(room, data, archive_depth=2)
    assert reasons(shallow) == {"b.zip/two.txt": None, "b.zip/c.zip": "too_large", "x.docx": None}
    assert "3 deep, the limit is 2" in str(shallow.members)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"archive_bytes": 99_999_999}, "100000000 bytes, the limit is 99999999"),
        ({"archive_ratio": 900}, "times its size, the limit is 900"),
    ],
)
def test_a_bomb_is_refused_before_it_is_unpacked(room: Path, limits: dict[str, int], said: str) -> None:
    """With what was met and the key that raises it."""
    found = opened(room, packed(("zeros", bytes(100_000_000))), **limits)
    assert (found.reason, found.members, list(room.iterdir())) == ("too_large", [], [])
    assert said in (found.detail or "") and f"limits.{next(iter(limits))}" in (found.detail or "")


def test_what_is_inside_counts_against_the_same_limits(room: Path) -> None:
    """A bomb may be of many archives."""
    inner = packed(("a", b"1"), ("b", b"2"))
    data = packed(("c", b"3"), ("d", b"4"), ("in.zip", inner))
    assert opened(room, data, archive_members=5).reason is None
    found = opened(room, data, archive_members=4)
    assert found.reason == "too_large" and "holds 5 files, the limit is 4" in (found.detail or "")
    assert opened(room, data, archive_bytes=len(inner) + 3).reason == "too_large"


def test_a_document_that_is_a_zip_is_none_of_ours(room: Path) -> None:
    """Whoever asks goes on with the file."""
    found = opened(room, packed(("mimetype", b"application/epub+zip"), ("META-INF/container.xml", b"<x/>")))
    assert found == Unpacked("application/epub+zip")


def test_damage_costs_a_member_or_the_archive(room: Path) -> None:
    """Nothing raises; an archive without files is empty."""
    data = packed(("a.txt", b"some words " * 50), ("b.txt", b"more"))
    at = data.find(b"a.txt") + 8
    found = opened(room, data[:at] + b"\xff\xff\xff" + data[at + 3 :])
    assert reasons(found) == {"a.txt": "corrupt", "b.txt": None}
    assert opened(room, data[:-30]).reason == "corrupt"
    assert opened(room, packed((".hidden", b"x"))).reason == "empty"
    assert unpack(room / "gone", room, LimitPolicy()).reason == "unreadable"


def test_a_name_that_is_there_twice_is_two_sources(room: Path) -> None:
    """Neither content is lost."""
    with pytest.warns(UserWarning, match="Duplicate"):
        data = packed(("a.txt", b"one"), ("a.txt", b"two"))
    assert held(room, opened(room, data)) == {"a.txt": b"one", "a (2).txt": b"two"}


def test_the_sandbox_opens_archives_as_it_parses(room: Path) -> None:
    """Within its time: what takes too long is refused, and the next one is opened."""
    path = room.parent / "x.zip"
    path.write_bytes(packed(*((f"{n}.txt", b"words") for n in range(5000))))
    with ParserPool() as pool:
        found = pool.unpack(path, room, limits=LimitPolicy())
        assert len(held(room, found)) == 5000
        slow = pool.unpack(path, room, limits=LimitPolicy(parse_seconds=0.05))
        assert slow.reason == "too_slow" and "parse_seconds" in (slow.detail or "")
        assert pool.unpack(path, room, limits=LimitPolicy(archive_members=1)).reason == "too_large"
