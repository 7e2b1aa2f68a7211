"""Law: in bad circumstances nothing is lost, the answer is clear, and once they are over everything goes on."""

from __future__ import annotations

import json
import os
import resource
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from screen_kit import MILEPOST, Screen, environment, faults_of_an_error, piped, told, write

READING = (("kb", "list"), ("search", "leave", "--kb", "hr"), ("status",), ("kb", "log", "--kb", "hr"))
WRITING = (("ingest", "handbook", "--kb", "hr"), ("rollback", "--last", "--kb", "hr", "--yes"), ("init",))
MEBIBYTE = 1 << 20


@pytest.fixture
def folder(home: Path) -> Path:
    """A folder with a handbook and a home with one journey, whose handbook has changed since."""
    (home.parent / "handbook" / "welcome.md").write_text("# Welcome\n\nThe door is green now.\n")
    return home.parent


def digest(folder: Path, *more: str) -> str:
    """The digest of what kb hr really holds."""
    found: str = json.loads(piped(folder, "kb", "digest", "--kb", "hr", "--json", *more).stdout)["digest"]["digest"]
    return found


def assert_clear(seen: Screen, code: int, *words: str) -> None:
    """An error in its form, with these words in it and this exit code."""
    assert seen.code == code, seen.text
    assert faults_of_an_error(seen.text) == [], seen.text
    assert "inside Milepost" not in seen.text, seen.text
    assert [word for word in words if word not in seen.text] == [], seen.text


def assert_doctor_knows(folder: Path, name: str) -> str:
    """`doctor` runs all the same, exit 7, and its finding of that name has a next step, which is returned."""
    found = piped(folder, "doctor", "--json")
    assert found.returncode == 7, found
    checks = json.loads(found.stdout)["checks"]
    assert all(one["next"] for one in checks if not one["ok"]), checks
    steps = [one["next"] for one in checks if one["name"] == name and not one["ok"]]
    assert steps, checks
    assert steps[0].startswith("milepost ") or shutil.which(shlex.split(steps[0])[0]), checks
    return str(steps[0])


@contextmanager
def read_only(home: Path) -> Iterator[None]:
    """A home that cannot be written to: by its modes, or for root, whom modes do not stop, by a read-only mount."""
    if os.geteuid() != 0:
        modes = {path: path.stat().st_mode for path in [home, *home.rglob("*")]}
        for path, mode in modes.items():
            path.chmod(mode & ~0o222)
        try:
            yield
        finally:
            for path, mode in modes.items():
                path.chmod(mode)
        return
    mount("--bind", str(home), str(home))
    try:
        mount("-o", "remount,ro,bind", str(home))
        yield
    finally:
        subprocess.run(["umount", str(home)], check=True, timeout=60)


def mount(*words: str) -> None:
    """Mount, or say why this machine cannot show what the test is about."""
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode:
        pytest.skip(f"this root may not mount: {done.stderr.strip()}")


def test_a_home_that_is_read_only(folder: Path) -> None:
    """Every command that has to write says so and changes nothing; afterwards all is as before."""
    before = digest(folder)
    with read_only(folder / ".milepost"):
        for words in WRITING[:2]:
            assert_clear(told(folder, *words), 1, "cannot be written to", "state: nothing was changed")
        for words in READING:
            seen = told(folder, *words)
            assert seen.code == 0 or not assert_clear(seen, 1, "cannot be written to")
        assert_doctor_knows(folder, "home")
    assert digest(folder) == before
    assert told(folder, *WRITING[0]).code == 0


def test_a_home_that_cannot_be_made(folder: Path) -> None:
    """Below a file, or where nobody may: exit 1, and another place is offered."""
    seen = told(folder, "ingest", "handbook", "--kb", "hr", "--home", "handbook/welcome.md/home")
    assert_clear(seen, 1, "the home handbook/welcome.md/home cannot be made", "next: milepost init --home DIR")


def pages(folder: Path, count: int = 60) -> None:
    """Enough to fill a small disk."""
    words = " ".join(f"word{number * 7919 % 100_003}" for number in range(2500))
    write(folder, {f"many/{number}.md": f"# Page {number}\n\n{number} {words}" for number in range(count)})


def test_a_disk_that_is_full(folder: Path) -> None:
    """A small file system: what needs more room is not begun, what was there is still found, and with room it goes on.

    Room that ends in the middle of a journey is the matter of tests/laws/test_disk.py.
    """
    if os.geteuid() != 0:
        pytest.skip("only root may mount a small file system; the limit on file sizes below stands for it")
    pages(folder)
    small = folder / "small"
    small.mkdir()
    mount("-t", "tmpfs", "-o", f"size={12 * MEBIBYTE}", "tmpfs", str(small))
    try:
        shutil.copytree(folder / ".milepost", small / "home")
        at = ("--home", "small/home")
        before = digest(folder, *at)
        seen = told(folder, "ingest", "many", "--kb", "big", *at)
        assert_clear(seen, 3, "bytes of disk", "state: nothing was changed")
        assert "people/leave.md" in told(folder, "search", "leave", "--kb", "hr", *at).text
        assert told(folder, "doctor", *at).code == 7
        mount("-o", f"remount,size={400 * MEBIBYTE}", str(small))
        assert digest(folder, *at) == before
        assert told(folder, "ingest", "many", "--kb", "big", *at).code == 0
        assert told(folder, "kb", "verify", "--kb", "big", *at).code == 0
    finally:
        subprocess.run(["umount", str(small)], check=True, timeout=60)


@pytest.mark.parametrize("limit", [1, 6])
def test_a_limit_on_the_size_of_files(folder: Path, limit: int) -> None:
    """A quota that a write of ours or of Chroma runs into: said, nothing lost, and without it the work is done."""
    pages(folder)
    before = digest(folder)
    limited = "import resource, sys; n = int(sys.argv.pop(1)); resource.setrlimit(resource.RLIMIT_FSIZE, (n, n)); "
    command = [sys.executable, "-c", limited + MILEPOST[2], str(limit * MEBIBYTE)]
    done = subprocess.run(
        [*command, "ingest", "many", "--kb", "big"], cwd=folder, capture_output=True, text=True, check=False,
        env=environment(None), timeout=90,
    )  # fmt: skip
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY
    seen = Screen(done.stdout + done.stderr, done.returncode)
    if "a collection in" in seen.text:  # what Chroma says then does not tell why
        assert_clear(seen, 7, "the record is whole")
    else:
        assert_clear(seen, 1, "there is no space left")
    assert digest(folder) == before
    assert told(folder, "ingest", "many", "--kb", "big").code == 0
    assert told(folder, "kb", "verify", "--kb", "big").code == 0


def test_a_home_of_a_newer_version(folder: Path) -> None:
    """Exit 7 before anything is touched, also for `doctor`."""
    record = folder / ".milepost" / "milepost.db"
    with sqlite3.connect(record) as connection:
        ours = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute("PRAGMA user_version = 999")
    connection.close()
    whole = record.read_bytes()
    for words in (READING[1], *WRITING):
        assert_clear(told(folder, *words), 7, "newer Milepost", "999", "state: nothing was changed")
    assert "upgrade" in assert_doctor_knows(folder, "home")
    assert record.read_bytes() == whole
    with sqlite3.connect(record) as connection:
        connection.execute(f"PRAGMA user_version = {ours}")
    connection.close()
    assert told(folder, *WRITING[0]).code == 0


@pytest.mark.parametrize("toml", [b"policy = ", b"\xff\xfe\x00", b"[set]\nchunk.size = 'many'\n"])
def test_a_damaged_milepost_toml(folder: Path, toml: bytes) -> None:
    """Exit 3 with the file's name and the command that checks it, which says the same until it is mended."""
    config = folder / ".milepost" / "milepost.toml"
    whole, before = config.read_bytes(), digest(folder)
    config.write_bytes(toml)
    for words in (READING[1], *WRITING):
        assert_clear(told(folder, *words), 3, "milepost.toml", "next: milepost policy check .milepost/milepost.toml")
    step = assert_doctor_knows(folder, "configuration")
    assert_clear(told(folder, *shlex.split(step)[1:]), 3, "milepost.toml")
    assert config.read_bytes() == toml
    config.write_bytes(whole)
    assert told(folder, *shlex.split(step)[1:]).code == 0
    assert digest(folder) == before


def test_a_milepost_toml_that_cannot_be_read(folder: Path) -> None:
    """What is there is to be looked at; a check of the file would only say the same."""
    config = folder / ".milepost" / "milepost.toml"
    config.unlink()
    config.mkdir()
    assert_clear(told(folder, *READING[1]), 3, "milepost.toml", "next: ls -ld .milepost .milepost/milepost.toml")
    assert assert_doctor_knows(folder, "configuration").startswith("ls -ld ")


def no_header(record: Path) -> None:
    """The beginning of the record is not SQLite's any more."""
    record.write_bytes(b"what is this " * 1000)


def torn_pages(record: Path) -> None:
    """Pages in the middle are overwritten."""
    body = bytearray(record.read_bytes())
    body[8192 : 8192 + 60_000] = os.urandom(60_000)
    record.write_bytes(body)


@pytest.mark.parametrize("damage", [no_header, torn_pages])
def test_a_damaged_record(folder: Path, damage: Callable[[Path], None]) -> None:
    """Exit 7; the file is not touched, `doctor` says how to set it aside, and after that one can begin anew."""
    record = folder / ".milepost" / "milepost.db"
    told(folder, "kb", "list")  # whoever opens it last writes its log back
    damage(record)
    damaged = record.read_bytes()
    for words in (*READING[:2], *WRITING[:2]):
        assert_clear(told(folder, *words), 7, "damaged", "next: milepost doctor")
    step = assert_doctor_knows(folder, "home")
    assert record.read_bytes() == damaged
    subprocess.run(shlex.split(step), cwd=folder, check=True, timeout=60)
    assert (folder / ".milepost.damaged" / "milepost.db").read_bytes() == damaged
    assert told(folder, *WRITING[0]).code == 0


def not_json(plan: Path) -> None:
    """Half of it is missing."""
    plan.write_bytes(plan.read_bytes()[:200])


def no_plan(plan: Path) -> None:
    """JSON, and something else."""
    plan.write_text('{"recipe": ["flour", "water"]}')


def no_text(plan: Path) -> None:
    """Bytes."""
    plan.write_bytes(bytes(range(256)))


def emptied(plan: Path) -> None:
    """Nothing at all."""
    plan.write_bytes(b"")


def edited(plan: Path) -> None:
    """One word is another."""
    plan.write_text(plan.read_text().replace("welcome.md", "welkome.md"))


@pytest.mark.parametrize(("damage", "code"), [(not_json, 2), (no_plan, 3), (no_text, 2), (emptied, 2), (edited, 3)])
def test_a_damaged_plan_file(folder: Path, damage: Callable[[Path], None], code: int) -> None:
    """It is not run and not shown as if it were one; the file is named, and nothing changes."""
    plan = folder / "my plan.json"
    assert told(folder, "plan", "handbook", "--kb", "hr", "-o", "my plan.json").code == 0
    before = digest(folder)
    damage(plan)
    for words in (("apply", "my plan.json", "--yes"), ("show", "my plan.json")):
        assert_clear(told(folder, *words), code, "my plan.json", "state: nothing was changed")
    assert digest(folder) == before


def test_two_processes_at_once(folder: Path) -> None:
    """Both get their turn: nothing of either is lost, and the kb is whole."""
    for name in "ab":
        write(folder, {f"{name}/{name}{n}.md": f"# {name} {n}\n\nWhat {name} says on page {n}.\n" for n in range(40)})
    started = [
        subprocess.Popen(
            [*MILEPOST, "ingest", name, "--kb", "hr", "--wait", "60", "--json"], cwd=folder, env=environment(None),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )
        for name in "ab"
    ]  # fmt: skip
    ends = [(process.communicate(timeout=90), process.returncode) for process in started]
    assert [code for _, code in ends] == [0, 0], ends
    assert sum(len(json.loads(out)["journey"]["files"]) for (out, _), _ in ends) == 80
    (kb,) = json.loads(piped(folder, "kb", "list", "--json").stdout)["kbs"]
    assert (kb["sources"], kb["revision"]) == (83, 3)
    assert told(folder, "kb", "verify", "--kb", "hr").code == 0


BACK = """
from datetime import timedelta, datetime, UTC
from milepost.store import ports
ports.SystemClock.now = lambda self: (datetime.now(UTC) - timedelta(days=400)).isoformat(timespec="microseconds")
"""


def test_a_clock_that_went_back(folder: Path) -> None:
    """The newest journey is the last one, whatever its time says; it is undone exactly."""
    before = digest(folder)
    done = subprocess.run(
        [sys.executable, "-c", BACK + MILEPOST[2], "ingest", "handbook", "--kb", "hr", "--json"], cwd=folder,
        env=environment(None), capture_output=True, text=True, check=True, timeout=90,
    )  # fmt: skip
    journey = json.loads(done.stdout)["journey"]
    listed = json.loads(piped(folder, "journeys", "--json").stdout)["journeys"]
    assert listed[0]["journey_id"] == journey["journey_id"] and listed[0]["started_at"] < listed[1]["started_at"]
    log = json.loads(piped(folder, "kb", "log", "--kb", "hr", "--json").stdout)["revisions"]
    assert [one["revision"] for one in log][:2] == [2, 1]
    assert told(folder, "rollback", "--last", "--kb", "hr", "--yes").code == 0
    assert digest(folder) == before


BARE = {"PATH": "/usr/bin:/bin", "MILEPOST_EMBEDDER": "fake"}
ODD = {
    "my files, 2nd/a b.md": "# A\n\nA page with a space in its name.\n",
    "my files, 2nd/שלום עולם.md": "# שלום\n\nA page from right to left.\n",
    "my files, 2nd/🙂/smile 🙂.md": "# 🙂\n\nA page that smiles.\n",
    "my files, 2nd/--yes.md": "# Yes\n\nA page that is called like an option.\n",
}


def bare(folder: Path, *words: str, **more: str) -> Screen:
    """Run a command with next to no environment."""
    done = subprocess.run(
        [*MILEPOST, *words], cwd=folder, env=BARE | more, capture_output=True, stdin=subprocess.DEVNULL, check=False,
        timeout=90,
    )  # fmt: skip
    return Screen((done.stdout + done.stderr).decode("utf-8"), done.returncode)


@pytest.mark.parametrize("locale", [{}, {"LC_ALL": "C"}])
def test_no_home_folder_no_locale_and_odd_names(tmp_path: Path, locale: dict[str, str]) -> None:
    """Without HOME and locale, files and kbs with spaces, emoji and right-to-left names go in, are found, and go."""
    write(tmp_path, ODD)
    kb = "team שלום 🙂"
    assert bare(tmp_path, "init", **locale).code == 0
    done = bare(tmp_path, "ingest", "my files, 2nd", "--kb", kb, **locale)
    assert done.code == 0 and "4 added" in done.text, done.text
    found = bare(tmp_path, "search", "right to left", "--kb", kb, "-k", "9", **locale)
    assert found.code == 0 and all(name.removeprefix("my files, 2nd/") in found.text for name in ODD)
    asked = bare(tmp_path, "kb", "remove", "a b.md", "--kb", kb, **locale)
    assert_clear(asked, 2, "there is no terminal")
    assert bare(tmp_path, *shlex.split(asked.next)[1:], **locale).code == 0
    assert bare(tmp_path, "rollback", "--to", "0", "--kb", kb, "--yes", **locale).code == 0
    assert bare(tmp_path, "doctor", **locale).code == 0


def test_a_home_folder_that_is_not_there(tmp_path: Path) -> None:
    """`~` for a user that the system does not know is a usage error; a folder of that name is not made."""
    assert_clear(bare(tmp_path, "init", "--home", "~nobody-of-that-name/x"), 2, "there is no home folder")
    assert list(tmp_path.iterdir()) == []


def test_a_word_that_is_no_text(folder: Path) -> None:
    """Bytes that are no UTF-8 are refused as a mistake of usage, whichever command they were given to."""
    bad = (["search", "leave", "--kb", b"h\xff"], ["search", b"\xfe", "--kb", "hr"], ["ingest", b"\xff", "--kb", "x"])
    for words in bad:
        done = subprocess.run(
            [*MILEPOST, *words], cwd=folder, env=environment(None), capture_output=True, check=False, timeout=90
        )
        assert_clear(Screen(done.stderr.decode("utf-8"), done.returncode), 2, "is not UTF-8 text")
    ascii_only = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    assert_clear(bare(folder, "search", "leave", "--kb", "h\u00e9", **ascii_only), 2, "PYTHONUTF8=1")
