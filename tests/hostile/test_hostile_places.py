"""Law: whatever stands in a folder, or is typed as a path, the command line says what became of each and goes on."""

from __future__ import annotations

import json
import os
import random
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hostile_catalogue import SAMPLE

from milepost.cli import main
from milepost.planfile import read_plan
from milepost.store.errors import MilepostError

Cli = Callable[..., tuple[int, str, str]]
WORD = "badge"
ODD = [
    "\U0001f600.txt", "a\u202egnp.txt", "a\nb.txt", "-rf", "--help.txt", "...", " lead.txt", "trail .txt ",
    "q'uo\"te.txt", "$(touch was-here).txt", ";id;.txt", "%s%n.txt", "[a]*.txt", "~root.txt", "a\x1b[31mred.txt",
    "tab\t.txt", "x\u0301.txt", "x" * 251 + ".txt", "con.txt", "`id`.md", "&amp;<b>.md", '{"lc":1}.md',
    "back\\slash.txt", "col:on.txt", "\u2066.md",
]  # fmt: skip
NAMES = ["..", "../../x", "/x", "a/b", "x" * 5_000, "\u202e", "'; DROP TABLE kbs; --", "\n", "-", "{}", "%s"]


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    """A command line in this process; what it prints can be read, and holds no traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MILEPOST_EMBEDDER", "fake")

    def run(*words: str) -> tuple[int, str, str]:
        capfd.readouterr()
        monkeypatch.setattr("sys.argv", ["milepost", *words])
        code = main(words)
        out, err = capfd.readouterr()
        assert "Traceback" not in out + err, words
        assert "fault of Milepost's own" not in out + err, words
        assert not any(letter in out + err for letter in "\x1b\x07\u202e\u2066"), words
        return code, out, err

    yield run
    assert not (tmp_path / "was-here").exists()


def outcomes(out: str) -> dict[str, tuple[str, str | None]]:
    """What became of each source."""
    journey: Any = json.loads(out)["journey"]
    return {each["source"]: (each["outcome"], each["reason"]) for each in journey["files"]}


def test_odd_names_are_names(cli: Cli) -> None:
    """Each is taken in, found again, and taken back; none is an option, a pattern, a command or an escape."""
    folder = Path("odd")
    folder.mkdir()
    for number, name in enumerate(ODD):
        (folder / name).write_text(f"{WORD} number {number} of the odd ones\n")
    code, out, _ = cli("ingest", "odd", "--kb", "hr", "--policy", "rollback", "--json")
    told = outcomes(out)
    hidden = [name for name in ODD if name.startswith(".")]
    assert code == 0 and len(told) == len(ODD) - len(hidden)
    assert {outcome for outcome, _ in told.values()} == {"added"}
    code, out, _ = cli("search", WORD, "--kb", "hr", "-k", "100", "--json")
    assert code == 0 and {hit["source"] for hit in json.loads(out)["results"]} == set(told)
    assert cli("ingest", "odd", "--kb", "hr", "--policy", "rollback")[0] == 0
    for source in list(told)[:4]:
        assert cli("kb", "remove", "--kb", "hr", "--policy", "rollback", "--yes", "--", source)[0] == 0
    assert cli("rollback", "--kb", "hr", "--to", "0", "--policy", "rollback", "--yes")[0] == 0


def test_a_byte_that_is_no_utf_8_is_a_reason(cli: Cli) -> None:
    """In a name of a file, and in one of a folder."""
    Path("odd", os.fsdecode(b"\xff")).mkdir(parents=True)
    for name in (b"odd/\xfe.txt", b"odd/\xff/good.txt"):
        with open(name, "w") as file:  # noqa: PTH123  # a name that is bytes
            file.write(WORD)
    code, out, _ = cli("ingest", "odd", "--kb", "hr", "--json")
    assert code == 5 and {reason for _, reason in outcomes(out).values()} == {"unreadable"}


def test_what_is_no_file_is_a_reason(cli: Cli) -> None:
    """Pipes, sockets, links out, in circles and to nowhere, holes of a terabyte: beside them the good file is read."""
    folder = Path("odd")
    (folder / "sub").mkdir(parents=True)
    (folder / "good.txt").write_text(WORD)
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("odd/socket")
    links = {
        "passwd": "/etc/passwd", "zero": "/dev/zero", "one": "two", "two": "one", "nowhere": "gone", "sub/up": "..",
        "sub/itself": ".", "process": "/proc/self", "inside": "good.txt",
    }  # fmt: skip
    for name, target in links.items():
        (folder / name).symlink_to(target)
    with (folder / "hole").open("wb") as hole:
        hole.truncate(1 << 40)
    (folder / "empty").touch()
    code, out, _ = cli("ingest", "odd", "--kb", "hr", "--json")
    told = {source: reason for source, (_, reason) in outcomes(out).items()}
    assert code == 5
    assert told == {
        "good.txt": None, "inside": "duplicate", "pipe": "not_regular", "socket": "not_regular", "empty": "empty",
        "passwd": "outside_root", "zero": "outside_root", "process": "outside_root", "one": "unreadable",
        "two": "unreadable", "nowhere": "unreadable", "hole": "too_large",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/dev/zero", 5), ("/dev/full", 5), ("/proc/self/mem", 5), ("", 2), ("gone", 2), ("x" * 5_000, 2),
        ("x/" * 3_000, 2), ("[", 2), ("**/gone*", 2), ("~nobody/x", 2), ("../" * 500 + "gone", 2), ("\u202e", 2),
        ("file:///etc/passwd", 2), ("http://127.0.0.1:9/x", 2), ("$(touch was-here)", 2), ("a\nb", 2), ("%00", 2),
    ],
)  # fmt: skip
def test_a_path_that_means_harm_is_answered(cli: Cli, path: str, code: int) -> None:
    """As one that is no file, or is not there."""
    assert cli("ingest", "--kb", "hr", "--", path)[0] == code


@pytest.mark.parametrize("name", NAMES)
def test_a_kb_may_be_called_anything_or_is_refused(cli: Cli, name: str) -> None:
    """Its name is never a path, a collection or a query."""
    Path("a.txt").write_text(WORD)
    before = {path.name for path in Path().iterdir()} | {".milepost"}
    code, _, _ = cli("ingest", "a.txt", f"--kb={name}")
    assert code in (0, 2, 3)
    assert {path.name for path in Path().iterdir()} <= before
    assert cli("search", WORD, f"--kb={name}")[0] in (0, 2)
    assert cli("kb", "list", "--json")[0] == 0


@pytest.mark.nightly
def test_ten_thousand_files_are_one_journey(cli: Cli) -> None:
    """Small ones, all alike but for a number; each is there."""
    folder = Path("many")
    folder.mkdir()
    for number in range(10_000):
        (folder / f"{number}.txt").write_text(f"{WORD} {number}")
    code, out, _ = cli("ingest", "many", "--kb", "hr", "--json", "--quiet")
    assert code == 0 and len(outcomes(out)) == 10_000
    assert {outcome for outcome, _ in outcomes(out).values()} == {"added"}


@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_folder_of_hostile_files_is_one_journey(cli: Cli) -> None:
    """Some of the catalogue at once, archives opened: each has its line, and the kb is whole afterwards."""
    folder = Path("hostile")
    folder.mkdir()
    for each in SAMPLE:
        (folder / each.name).write_bytes(each.make())
    (folder / "honest.txt").write_text(WORD)
    rest = ("--kb", "hr", "--policy", "rollback", "--set", "archives=true", "--json")
    code, out, _ = cli("ingest", "hostile", *rest)
    told = outcomes(out)
    assert code == 5 and told["honest.txt"] == ("added", None)
    assert {source.partition("/")[0] for source in told} == {each.name for each in SAMPLE} | {"honest.txt"}
    assert all(reason for outcome, reason in told.values() if outcome != "added")
    code, out, _ = cli("kb", "verify", "--kb", "hr", "--json")
    verified: Any = json.loads(out)["verify"]
    assert code == 0 and verified["ok"] and verified["unsearchable"] == [] and verified["chunks_found"] > 10_000
    found = verified["chunks_found"] - len(verified["crowded"])
    print(f"hostile folder: {len(told)} files, {found} of {verified['chunks_found']} chunks found by their own vector,"
          " the others crowded out of Chroma's search by equal ones, none lost")  # fmt: skip
    assert "root:x:0:0" not in cli("search", "root bin bash", "--kb", "hr", "-k", "50", "--json")[1]
    assert cli("rollback", "--last", "--kb", "hr", "--policy", "rollback", "--yes")[0] == 0
    assert cli("search", WORD, "--kb", "hr", "--json")[0] == 0


def test_a_flipped_bit_in_a_plan_file_changes_nothing_that_is_done(cli: Cli) -> None:
    """At a thousand places: the file is refused, or is still the plan whose digest it bears."""
    Path("a.md").write_text(f"# A\n\n{WORD}\n")
    assert cli("plan", "a.md", "--kb", "hr", "-o", "plan.json")[0] == 0
    good, plan = Path("plan.json").read_bytes(), read_plan(Path("plan.json"))
    chance, refused = random.Random(5), 0
    for _ in range(1_000):
        bad = bytearray(good)
        bad[chance.randrange(len(bad))] ^= 1 << chance.randrange(8)
        Path("bad.json").write_bytes(bad)
        try:
            assert read_plan(Path("bad.json")).sealed().digest == plan.digest
        except MilepostError as error:
            assert error.exit_code in (2, 3)
            refused += 1
    assert refused > 500
    Path("bad.json").write_bytes(good.replace(b'"upload"', b'"os.system"'))
    assert cli("apply", "bad.json")[0] == 3
    assert cli("validate", "bad.json")[0] == 3
    assert cli("apply", "plan.json")[0] == 0
