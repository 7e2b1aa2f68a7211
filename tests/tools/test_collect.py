"""Law: every input file is found once, under a name that depends on what was given; none is opened."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from milepost import Milepost
from milepost.store.errors import NotFound, UsageError
from milepost.store.policy import LimitPolicy
from milepost.tools.collect import Found, collect

LIMITS = LimitPolicy()


def sources(*paths: str | Path | tuple[str, bytes]) -> list[str]:
    return [found.source for found in collect(paths, limits=LIMITS)]


def reasons(*paths: str | Path | tuple[str, bytes]) -> dict[str, str | None]:
    return {found.source: found.reason for found in collect(paths, limits=LIMITS)}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.md", "a.md", "sub/deep/c.md", "sub/d.txt", ".hidden.md", ".git/config", "sub/.env"):
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "docs"


def test_a_folder_gives_its_files_by_relative_path_in_order(folder: Path) -> None:
    """POSIX paths below the folder, sorted; hidden files and folders are left out."""
    assert sources(folder) == ["a.md", "b.md", "sub/d.txt", "sub/deep/c.md"]
    assert sources(f"{folder}/") == sources(folder)


def test_a_file_by_itself_is_called_by_its_file_name(folder: Path) -> None:
    """Also a hidden one, where it is given by name; facts come with it."""
    assert sources(folder / "sub/deep/c.md", folder / ".hidden.md") == [".hidden.md", "c.md"]
    [found] = collect([folder / "a.md"], limits=LIMITS)
    assert found == Found(str(folder / "a.md"), "a.md", None, 4, (folder / "a.md").stat().st_mtime_ns)


def test_an_empty_folder_gives_nothing(tmp_path: Path) -> None:
    """It is no error here: who asked says what that means."""
    assert collect([tmp_path], limits=LIMITS) == []


def test_patterns_match_where_no_such_path_exists(folder: Path) -> None:
    """A source is the path below the part without wildcards; a file called like a pattern is itself."""
    assert sources(f"{folder}/*.md") == ["a.md", "b.md"]
    assert sources(f"{folder}/**/*.md") == ["a.md", "b.md", "sub/deep/c.md"]
    assert sources(f"{folder}/**") == sources(folder)
    assert sources(f"{folder}/*") == sources(folder)
    (folder / "x[1].md").write_text("odd")
    assert sources(folder / "x[1].md") == ["x[1].md"]


def test_a_pattern_is_relative_to_the_working_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commonest way to type one."""
    monkeypatch.chdir(folder)
    assert sources("*.md") == ["a.md", "b.md"]
    assert sources("sub/*.txt") == ["d.txt"]


def test_a_path_that_is_not_there_is_named_with_its_likeliest_sibling(folder: Path) -> None:
    """The message and the facts both hold the suggestion."""
    (folder / "handbook.md").write_text("x")
    with pytest.raises(NotFound, match=r"handbok\.md.*did you mean .*handbook\.md") as caught:
        sources(folder / "handbok.md")
    assert caught.value.facts["suggestions"] == [str(folder / "handbook.md")]
    with pytest.raises(NotFound, match="no file matches"):
        sources(f"{folder}/*.docx")
    for hopeless in ("nowhere/at/all", "\0", "\ud800"):
        with pytest.raises(NotFound):
            sources(hopeless)


def test_two_inputs_with_one_name_are_refused_and_both_named(folder: Path) -> None:
    """Neither is chosen in silence; the same file twice is one, by whatever path."""
    (folder / "sub/a.md").write_text("another")
    with pytest.raises(UsageError) as caught:
        sources(folder / "a.md", folder / "sub/a.md")
    assert str(folder / "a.md") in str(caught.value) and str(folder / "sub/a.md") in str(caught.value)
    assert (caught.value.next or "").endswith(f"{os.path.relpath(folder)} --kb NAME")
    assert sources(folder / "a.md", folder / "sub/../a.md", folder) == sources(folder)
    with pytest.raises(UsageError):
        sources(("n", b"1"), ("n", b"2"))
    assert sources(("n", b"1"), ("n", b"1")) == ["n"]


def test_an_ignore_file_leaves_out_what_it_lists(folder: Path) -> None:
    """With gitignore's syntax, in the folder given and below; the one furthest down decides."""
    (folder / ".milepostignore").write_text("# note\n*.txt\n/b.md\nskipped/\n")
    (folder / "sub/.milepostignore").write_text("!d.txt\ndeep\n")
    (folder / "skipped").mkdir()
    (folder / "skipped/x.md").write_text("x")
    (folder / "sub/b.md").write_text("kept: the pattern was anchored")
    assert sources(folder) == ["a.md", "sub/b.md", "sub/d.txt"]
    assert sources(folder / "b.md") == ["b.md"]


def test_links_out_of_the_folder_are_refused_and_links_inside_are_files(folder: Path, tmp_path: Path) -> None:
    """A link to a folder inside is not walked a second time; one in a circle ends."""
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "out.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "out").symlink_to(tmp_path)
    (folder / "in.md").symlink_to("a.md")
    (folder / "sub/circle").symlink_to("..")
    found = reasons(folder)
    assert found["out.txt"] == found["out"] == "outside_root"
    assert found["in.md"] is None
    assert not any("circle" in source for source in found)
    assert reasons(folder / "out.txt") == {"out.txt": None}


def test_a_link_that_leads_nowhere_is_said(folder: Path) -> None:
    """It is listed with a reason, inside and out."""
    (folder / "gone.md").symlink_to("missing.md")
    assert reasons(folder)["gone.md"] == "unreadable"


def test_links_in_a_circle_are_said_and_followed_by_no_pattern(folder: Path) -> None:
    """One that leads to itself is a file that cannot be read; one to a folder above does not make a pattern endless."""
    (folder / "one").symlink_to("other")
    (folder / "other").symlink_to("one")
    (folder / "sub").mkdir(exist_ok=True)
    (folder / "sub" / "itself").symlink_to(".")
    (folder / "sub" / "up").symlink_to("..")
    assert {"one": "unreadable", "other": "unreadable"}.items() <= reasons(folder).items()
    names = {each.source for each in collect([f"{folder}/**"], limits=LIMITS)}
    assert names and not any("itself/" in name or "up/" in name for name in names)


def test_a_pattern_follows_no_link_out_of_its_folder(folder: Path, tmp_path: Path) -> None:
    """What it leads to is refused, as in a folder that is given."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.txt").write_text("secret")
    (folder / "out").symlink_to(tmp_path / "outside")
    assert reasons(f"{folder}/o*")["out"] == "outside_root"


def test_what_is_no_regular_file_is_never_opened(folder: Path) -> None:
    """A pipe would block for ever, a device never end."""
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(folder)
        try:
            server.bind("socket")
        finally:
            os.chdir(here)
        found = reasons(folder, "/dev/zero")
    assert found["pipe"] == found["socket"] == found["zero"] == "not_regular"


def test_empty_and_oversized_files_are_refused_by_their_size(folder: Path) -> None:
    """Before anything is read."""
    (folder / "nothing.md").touch()
    with (folder / "huge.bin").open("wb") as file:
        file.truncate(LIMITS.file_bytes + 1)
    found = {each.source: each for each in collect([folder, ("none", b"")], limits=LIMITS)}
    assert found["nothing.md"].reason == found["none"].reason == "empty"
    assert found["huge.bin"].reason == "too_large"
    assert str(LIMITS.file_bytes) in (found["huge.bin"].detail or "")


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/passwd", "..\\x", "C:\\x", "\\\\host\\x"])
def test_a_pair_may_not_be_called_by_a_path_that_leaves(name: str) -> None:
    """Names of pairs come from outside."""
    [found] = collect([(name, b"x")], limits=LIMITS)
    assert found.reason == "path_traversal"


def test_pairs_carry_their_bytes() -> None:
    """They have no time."""
    [found] = collect([("in/x.txt", b"hello")], limits=LIMITS)
    assert found == Found("in/x.txt", "in/x.txt", b"hello", 5, 0)


def test_a_home_is_not_among_the_documents(folder: Path) -> None:
    """Where a home lies in the folder that is ingested, under whatever name: configuration, uploads, views."""
    with Milepost(folder / "sub" / "kept", policy="rollback", embedder="fake") as mp:
        assert mp.ingest([folder], kb="hr").status == "completed"
        (folder / "sub" / "kept" / "milepost.toml").write_text("# a key may be here")
        assert sources(folder) == ["a.md", "b.md", "sub/d.txt", "sub/deep/c.md"]
        assert mp.ingest([folder], kb="hr").embeddings_computed == 0


def test_a_file_that_is_called_as_a_record_hides_nothing(folder: Path) -> None:
    """Somebody's own file of that name is a file like the others, and so are those beside it."""
    (folder / "sub" / "milepost.db").write_text("mine")
    assert sources(folder) == ["a.md", "b.md", "sub/d.txt", "sub/deep/c.md", "sub/milepost.db"]


def test_names_are_nfc_and_can_be_stored(tmp_path: Path) -> None:
    """Decomposed letters are composed, control characters and lone surrogates are written out."""
    (tmp_path / "u\u0308ber.txt").write_text("x")
    (tmp_path / "two\nlines.txt").write_text("x")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.txt")).write_bytes(b"x")
    found = {each.source: each for each in collect([tmp_path, ("a\ud800\x07", b"x")], limits=LIMITS)}
    assert set(found) == {"\u00fcber.txt", "two%0Alines.txt", "%FF.txt", "a%D800%07"}
    assert found["%FF.txt"].reason == "unreadable"
    for each in found.values():
        each.source.encode()
        each.path.encode()
