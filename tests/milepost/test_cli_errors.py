"""Law: a mistake is told in at most four lines, or one object, with what was meant and one command to copy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

MISTAKES = {
    "misspelt command": (("injest", "x"), 2, "ingest"),
    "misspelt command of a group": (("kb", "verfy"), 2, "kb verify"),
    "command of a group alone": (("stats",), 2, "kb stats"),
    "misspelt option": (("plan", "handbook", "--kbb", "hr"), 2, "--kb"),
    "an option before its command": (("--kb", "hr", "search", "days", "-k", "3"), 2, "search days -k 3 --kb hr"),
    "no path to ingest": (("ingest", "--kb", "hr"), 2, "ingest PATH"),
    "an option like no other": (("plan", "handbook", "--kb", "hr", "--bogus"), 2, "no option --bogus\n"),
    "no kb": (("plan", "handbook"), 2, "--kb"),
    "no kb of a kb command": (("kb", "stats"), 2, "--kb"),
    "no revisions to compare": (("kb", "diff", "--kb", "hr"), 2, "--from and --to"),
    "no path": (("plan", "--kb", "hr"), 2, "PATH"),
    "a path that is not there": (("plan", "handbok", "--kb", "hr"), 2, "handbok"),
    "misspelt kb": (("search", "x", "--kb", "hrr"), 2, "hr"),
    "misspelt preset": (("plan", "handbook", "--kb", "hr", "--policy", "rolback"), 2, "rollback"),
    "a policy file that is not there": (("policy", "show", "--policy", "no.toml"), 2, "no.toml"),
    "misspelt policy key": (("policy", "show", "--set", "chunk.sise=3"), 3, "chunk.size"),
    "a value that cannot be": (("policy", "show", "--set", "chunk.size=many"), 3, "chunk.size"),
    "not KEY=VALUE": (("policy", "show", "--set", "chunk.size"), 2, "KEY=VALUE"),
    "no such journey": (("status", "journey_123"), 2, "journey_123"),
    "no such checkpoint": (("rollback", "checkpoint_nowhere"), 2, "checkpoint_nowhere"),
    "no such plan": (("apply", "plan_00000000"), 2, "plan_00000000"),
    "no such plan file": (("apply", "no-plan.json"), 2, "no-plan.json"),
    "not a plan file": (("apply", "handbook/welcome.md"), 2, "welcome.md"),
    "a revision that never was": (("search", "x", "--kb", "hr", "--at", "99"), 2, "99"),
    "a number that is none": (("search", "x", "--kb", "hr", "-k", "five"), 2, "five"),
    "no answers wanted": (("search", "x", "--kb", "hr", "-k", "0"), 2, "k"),
    "an empty query": (("search", " ", "--kb", "hr"), 2, "empty"),
    "a choice that is none": (("plan", "handbook", "--kb", "hr", "--planner", "magic"), 2, "magic"),
    "too many words": (("status", "a", "b"), 2, "b"),
    "nothing to go back to": (("rollback",), 2, "--last"),
    "two things to go back to": (("rollback", "checkpoint_before", "--last", "--kb", "hr"), 2, "one of"),
    "the last of which kb": (("rollback", "--last"), 2, "--kb"),
    "a diagram of a checkpoint": (("show", "checkpoint_before", "--mermaid"), 2, "which has no diagram"),
    "a wait that is none": (("journeys", "--wait", "nan"), 2, "--wait"),
    "misspelt source": (("kb", "remove", "welcme.md", "--kb", "hr", "--yes"), 2, "welcome.md"),
    "a plan into a folder": (("plan", "handbook", "--kb", "hr", "-o", "handbook"), 2, "folder"),
    "a plan into no folder": (("plan", "handbook", "--kb", "hr", "-o", "no/p.json"), 2, "no"),
    "an embedder that is none": (("search", "x", "--kb", "hr", "--set", "embedder=wordlama"), 2, "wordllama"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_four_lines(cli: Any, home: Path, name: str) -> None:
    """On stderr, `error:` first, with the thing's name; nothing on stdout, and the exit code of its kind."""
    words, code, needle = MISTAKES[name]
    told = cli(*words)
    assert told.code == code, told
    assert told.out == ""
    lines = told.err.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["error", "cause", "state", "next"]
    assert needle in told.err
    assert "Traceback" not in told.err


@pytest.mark.parametrize("name", MISTAKES)
def test_the_same_mistake_as_an_object(cli: Any, home: Path, name: str) -> None:
    """One object on stdout with the promised fields, wherever `--json` stands; the same exit code."""
    words, code, _ = MISTAKES[name]
    told = cli(*words, "--json")
    assert told.code == code
    assert told.json["format_version"] == "1.0"
    assert told.json["error"].keys() == {"code", "message", "cause", "state", "next"}
    assert all(told.json["error"].values())
    before = cli("--json", *words).json["error"]
    assert (before["code"], before["message"]) == (told.json["error"]["code"], told.json["error"]["message"])


@pytest.mark.parametrize("words", [("handbook",), ("nowhere", "--kb", "hr"), ("handbook", "--kb", " ")])
@pytest.mark.parametrize("command", ["plan", "ingest"])
def test_a_first_mistake_leaves_no_home_behind(cli: Any, tmp_path: Path, command: str, words: tuple[str, ...]) -> None:
    """Where nothing was changed, nothing was made either."""
    told = cli(command, *words, "--home", str(tmp_path / "new"))
    assert told.code == 2 and not (tmp_path / "new").exists()


def test_words_to_search_for_need_no_quotes(cli: Any, home: Path) -> None:
    """What people type first is understood."""
    quoted = cli("search", "annual leave", "--kb", "hr")
    assert quoted.code == 0 and cli("search", "annual", "leave", "--kb", "hr").out == quoted.out


@pytest.mark.parametrize("command", ["plan", "ingest"])
def test_a_kb_that_may_be_misspelt_is_pointed_out(cli: Any, home: Path, command: str) -> None:
    """It is new, and that is allowed: a note on stderr, unless it should be quiet, and none for another name."""
    told = cli(command, "handbook", "--kb", "hrr", "--dry-run")
    assert told.code == 0 and "note: kb hrr is new; there is one called hr\n" in told.err
    assert "is new" not in cli(command, "handbook", "--kb", "hrr", "--dry-run", "--quiet").err
    assert "is new" not in cli(command, "handbook", "--kb", "legal", "--dry-run").err
    assert "is new" not in cli(command, "handbook", "--kb", "hr", "--dry-run").err


@pytest.mark.parametrize("command", ["plan", "ingest"])
def test_a_folder_with_nothing_in_it_is_said_to_be_so(cli: Any, tmp_path: Path, command: str) -> None:
    """Not only that nothing was done."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".hidden").write_text("x")
    told = cli(command, str(tmp_path / "empty"), "--kb", "hr", "--home", str(tmp_path / "new"))
    assert told.code == 0 and "no files are there" in told.out


def test_next_is_a_command_that_works(cli: Any, home: Path) -> None:
    """What `next:` offers after a refused question is the same command, and it runs."""
    line = cli("kb", "remove", "welcome.md", "--kb", "hr").err.splitlines()[-1]
    words = line.removeprefix("next: milepost ").split()
    assert cli(*words).code == 0


def test_a_traceback_only_with_debug(cli: Any, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of our own is exit 1 in four lines, and says how to see where."""
    import milepost.desk

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("what nobody foresaw")

    monkeypatch.setattr(milepost.desk, "open_workspace", broken)
    told = cli("journeys")
    assert told.code == 1 and "Traceback" not in told.err and "--debug" in told.err
    assert "Traceback" in cli("journeys", "--debug").err
    assert json.loads(cli("journeys", "--debug", "--json").out)["error"]["code"] == "failed"


def test_a_home_that_cannot_be_made_is_told(cli: Any, tmp_path: Path) -> None:
    """A file where the home should be: no traceback, exit 1 or 2, the path named."""
    (tmp_path / "taken").write_text("not a folder")
    told = cli("ingest", "handbook", "--kb", "hr", "--home", "taken")
    assert told.code in (1, 2) and "taken" in told.err and len(told.err.splitlines()) <= 5


def test_control_characters_of_a_name_do_not_reach_the_terminal(cli: Any, home: Path) -> None:
    """A name is echoed cleaned, in errors and in results."""
    told = cli("search", "x", "--kb", "h\x1b[31mr")
    assert "\x1b" not in told.err and told.code == 2


def test_a_damaged_collection_is_exit_7_and_names_the_cure(cli: Any, home: Path, monkeypatch: Any) -> None:
    """`kb verify` where it is not ok: the report, exit 7, `kb rebuild`."""
    from milepost.agents.milepost import Milepost
    from milepost.store.records import VerifyReport

    report = VerifyReport(ok=False, chunks_expected=3, chunks_found=2, missing=["a"])
    monkeypatch.setattr(Milepost, "kb_verify", lambda *_: report)
    text = cli("kb", "verify", "--kb", "hr")
    assert text.code == 7 and "1 missing" in text.out and "milepost kb rebuild --kb hr" in text.err
    shape = cli("kb", "verify", "--kb", "hr", "--json")
    assert shape.code == 7 and shape.json["verify"]["missing"] == ["a"]


def test_a_busy_store_is_exit_7(cli: Any, home: Path) -> None:
    """The message says by whom it is held; `--wait 0` does not wait."""
    import subprocess
    import sys

    held = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(home)], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    try:
        assert held.stdout is not None and held.stdout.readline() == "held\n"
        told = cli("rollback", "--last", "--kb", "hr", "--yes", "--wait", "0")
        assert told.code == 7 and "held by" in told.err and str(held.pid) in told.err
        assert "state: waited 0 s; nothing was changed" in told.err
        assert "next: milepost rollback --last --kb hr --yes --wait 60\n" in told.err
        assert cli("search", "leave", "--kb", "hr").code == 0
    finally:
        held.communicate("\n")


_HOLDER = """
import sys
from pathlib import Path
from milepost.store.home import Home
from milepost.tools.embedders import make_embedder
home = Home(Path(sys.argv[1]), embedder=lambda: make_embedder("fake"))
with home.hold(None, wait=1):
    print("held", flush=True)
    sys.stdin.readline()
home.close()
"""
