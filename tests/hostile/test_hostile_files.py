"""Law: a file that means harm is refused by a typed reason or read; nothing of it runs, and it costs only so much.

At most ten seconds of processor time and 512 MB of resident memory in the parser, whatever is in the file; the file
after it is read as ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hostile_catalogue import EVERY, SAMPLE
from hostile_kit import Hostile
from hostile_watch import Seen, Watch, installed

from milepost.store.policy import ChunkPolicy, LimitPolicy
from milepost.tools.parse import Parsed
from milepost.tools.sandbox import ParserPool

SECONDS = 10.0
RESIDENT = 512_000_000


@dataclass
class Tally:
    """What came of all files."""

    outcomes: Counter[str] = field(default_factory=Counter[str])
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[int, str] = (0, "")
    crashes: list[str] = field(default_factory=list[str])
    wrong: list[str] = field(default_factory=list[str])

    def add(self, name: str, reason: str | None, seen: Seen) -> None:
        """Count one file."""
        self.outcomes[reason or "read"] += 1
        self.slowest = max(self.slowest, (seen.computed, name))
        self.largest = max(self.largest, (seen.resident, name))
        self.crashes += [name] * seen.crashes
        if seen.computed > SECONDS:
            self.wrong.append(f"{name} took {seen.computed:.1f} s of processor time")
        if seen.resident > RESIDENT:
            self.wrong.append(f"{name} took {seen.resident / 1e6:.0f} MB")

    def __str__(self) -> str:
        kinds = ", ".join(f"{count} {reason}" for reason, count in self.outcomes.most_common())
        return (
            f"{self.outcomes.total()} hostile files: {kinds}; slowest {self.slowest[1]} {self.slowest[0]:.1f} s of"
            f" processor time, largest {self.largest[1]} {self.largest[0] / 1e6:.0f} MB resident;"
            f" parser processes lost to native code: {len(self.crashes)} ({', '.join(self.crashes)})"
        )


@dataclass
class House:
    """A pool under watch, with room for a file and for what comes out of an archive."""

    pool: ParserPool
    watch: Watch
    blob: Path
    room: Path
    tally: Tally = field(default_factory=Tally)

    def meet(self, hostile: Hostile) -> None:
        """Parse a file, or open it where it is an archive; then an honest one."""
        self.blob.write_bytes(hostile.make())
        work = self._opened if hostile.name.endswith(".zip") else self._read
        with self.watch.looking() as seen:
            reason, told = work(hostile.name)
        self.tally.add(hostile.name, reason, seen)
        if reason not in hostile.may:
            self.tally.wrong.append(f"{hostile.name} was {reason or 'read'}")
        if "root:x:0:0" in told or "Traceback" in told:
            self.tally.wrong.append(f"{hostile.name} told {told[:300]!r}")

    def _read(self, name: str) -> tuple[str | None, str]:
        found = self.parse(name)
        assert (found.reason is None) == bool(found.chunks), name
        assert found.reason is None or found.detail, name
        said = [each.text for each in found.chunks] + found.warnings + [found.detail or ""]
        return found.reason, "\n".join(said)

    def _opened(self, name: str) -> tuple[str | None, str]:
        folder = self.room / name
        folder.mkdir()
        found = self.pool.unpack(self.blob, folder, limits=LimitPolicy())
        files = {path.name for path in folder.iterdir()}
        assert all(path.is_file() and not path.is_symlink() for path in folder.iterdir()), name
        assert all(name.isdecimal() for name in files), name
        assert files >= {member.file for member in found.members if member.file}, name
        assert all(member.file.isdecimal() or member.reason for member in found.members), name
        return found.reason, repr(found.members)[:100_000]

    def parse(self, name: str) -> Parsed:
        """Parse what lies in the blob."""
        return self.pool.parse(self.blob, name, chunk=ChunkPolicy(), limits=LimitPolicy())


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    room = tmp_path / "room"
    room.mkdir()
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.chdir(scratch)
    watch = Watch([str(room), str(scratch), "/tmp/milepost-parser-"], tmp_path / "tried")
    installed(monkeypatch, watch)
    with ParserPool() as pool:
        yield House(pool, watch, tmp_path / "blob", room)


def _all_of(house: House, files: tuple[Hostile, ...]) -> None:
    for hostile in files:
        house.meet(hostile)
    house.blob.write_bytes(b"An honest text.\n")
    assert house.parse("honest.txt").chunks[0].text == "An honest text."
    print(house.tally)
    assert not house.tally.wrong, house.tally.wrong
    assert house.watch.tried() == ""
    assert not any(path.name == "milepost-was-here" for path in house.blob.parent.rglob("*"))
    assert not Path("/tmp/milepost-was-here").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")  # one archive has a name twice, on purpose
def test_some_hostile_files(house: House) -> None:
    """A sample of each kind."""
    _all_of(house, SAMPLE)


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_every_hostile_file(house: House, figures: Callable[[str, int, int], None]) -> None:
    """All of them, counted: at least two hundred, with unlike names."""
    assert len({each.name for each in EVERY}) == len(EVERY) >= 200
    try:
        _all_of(house, EVERY)
    finally:
        ran = len(house.watch.tried().splitlines())
        figures("hostile files", house.tally.outcomes.total(), len(house.tally.wrong) + ran)


def test_the_watch_sees_what_a_parser_must_not_do(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof is no proof if nothing could fail it: a parser that reads and runs things is told on."""
    script = house.watch._script.replace("parse_worker.main()", _TREACHEROUS)
    monkeypatch.setattr(house.watch, "_script", script)
    house.blob.write_bytes(b"text")
    with house.watch.looking() as seen:
        assert house.parse("x.txt").reason is None
    told = house.watch.tried()
    assert "/etc/passwd" in told and "os.system" in told and "was-here" in told
    assert seen.resident > 150_000_000 and seen.computed > 0.05


_TREACHEROUS = """
real = parse_worker.parse_path
def parse_path(path, name, **rest):
    open("/etc/passwd").close()
    os.system("true")
    hoard = b"x" * 150_000_000
    sum(range(3_000_000))
    try:
        open("/nowhere/milepost-was-here", "w")
    except OSError:
        pass
    return real(path, name, **rest)
parse_worker.parse_path = parse_path
parse_worker.main()
"""
