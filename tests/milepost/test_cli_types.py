"""Law: the command line plans, runs and rolls back journeys of users' own types, found in another process by name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from milepost.cli import main

Cli = Callable[..., Any]
"""The fixture of this folder."""
MODULE = """
from pathlib import Path
from milepost import Receipt, StepContext, Undo, journey_type, step

@step("touch")
def touch(ctx: StepContext, path: str, times: int = 1, tags: list[str] = []) -> Receipt:
    '''Make a file.'''
    Path(path).write_text("x" * times)
    return Receipt(target={"path": path}, post="x" * times)

@touch.observes
def look(target):
    path = Path(target["path"])
    return path.read_text() if path.exists() else None

@touch.undoes
def remove(undo: Undo):
    Path(undo.args["path"]).unlink()

@step("mail")
def mail(ctx: StepContext, to: str) -> Receipt:
    Path("mailed").write_text(to)
    return Receipt(target={"to": to})

touching = journey_type("touching", steps=[touch])
mailing = journey_type("mailing", steps=[touch, mail])
"""
PROGRAM = """
from milepost import Milepost
from cli_journeys import touching
with Milepost(".milepost", policy="rollback", journey_types=(touching,)) as mp:
    mp.apply(mp.plan([], journey_type="touching", args={"path": "made"}))
"""


@pytest.fixture
def folder(tmp_path: Path, cli: Cli) -> Iterator[Path]:
    """A home that names two types in a module beside it."""
    assert main(["init", "--quiet"]) == 0
    (tmp_path / "cli_journeys.py").write_text(MODULE, encoding="utf-8")
    with (tmp_path / ".milepost" / "milepost.toml").open("r+") as config:
        said = config.read()
        config.seek(0)
        config.write('journey_types = ["cli_journeys:touching", "cli_journeys:mailing"]\n' + said)
    path = list(sys.path)
    yield tmp_path
    sys.path[:] = path
    sys.modules.pop("cli_journeys", None)


def test_a_plan_by_type_and_arguments(cli: Cli, folder: Path) -> None:
    """Values are read as the step's types say; the plan runs, and goes back with exit code 0."""
    planned = cli(
        "plan", "--type", "touching", "--arg", "path=made", "--arg", "times=3", "--arg", 'tags=["a"]', "--json"
    )
    assert planned.code == 0, planned.err
    [step] = planned.json["plan"]["steps"]
    assert step["args"] == {"path": "made", "times": 3, "tags": ["a"]}
    assert (step["effect"], step["rollback_handler"]) == ("compensable", "undo_touch")
    applied = cli("apply", "--yes", "--json")
    assert applied.code == 0 and (folder / "made").read_text() == "xxx"
    assert applied.json["journey"]["milestones"] == [
        {"milestone_id": "touch_complete", "step": "touch", "status": "complete"}
    ]
    back = cli("rollback", "--journey", applied.json["journey"]["journey_id"], "--yes", "--json")
    assert back.code == 0 and not (folder / "made").exists()
    assert back.json["rollback"]["handlers"] == [
        {"name": "undo_touch", "status": "done", "error": None, "step": "touch"}
    ]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--type", "touchin", "--arg", "path=x"), 2, "next: milepost plan --type touching --arg path=x"),
        (("--type", "touching"), 3, 'error: \'touching\' cannot be planned: "touch" needs the argument "path"'),
        (("--type", "touching", "--arg", "pth=x"), 3, 'no step takes an argument "pth"; did you mean "path"?'),
        (("--type", "touching", "--arg", "path=x", "--arg", "times=many"), 3, "must be integer, not string"),
        (("--type", "touching", "--arg", "path"), 2, "error: 'path' is not NAME=VALUE"),
        (("--type", "touching", "--arg", "path=x", "--arg", "path=y"), 2, "error: the argument 'path' is given twice"),
        (("--arg", "path=x"), 2, "error: --arg needs --type NAME"),
    ],
)
def test_what_is_wrong_is_named(cli: Cli, folder: Path, words: tuple[str, ...], code: int, said: str) -> None:
    """An unknown type is offered corrected, and a bad argument named, with nothing saved."""
    refused = cli("plan", *words)
    assert refused.code == code and said in refused.err, refused.err


def test_what_cannot_be_undone_is_approved_first(cli: Cli, folder: Path) -> None:
    """Without a terminal the apply exits 2 and mails nothing; a rollback past the mail exits 6."""
    cli("plan", "--type", "mailing", "--arg", "path=made", "--arg", "to=ada@x.example", "-o", "plan.json")
    refused = cli("apply", "plan.json")
    assert refused.code == 2 and "approve" in refused.err and not (folder / "mailed").exists()
    applied = cli("apply", "plan.json", "--yes", "--json")
    assert applied.code == 0 and (folder / "mailed").exists()
    back = cli("rollback", "--journey", applied.json["journey"]["journey_id"], "--yes")
    assert back.code == 6 and (folder / "made").exists()
    assert "Not rolled back" in back.out and "! left    mail: it cannot be undone" in back.out
    status = cli("status", applied.json["journey"]["journey_id"], "--json")
    assert status.json["journey"]["status"] == "completed"  # nothing of it was undone


def test_what_a_program_did_is_rolled_back_here(cli: Cli, folder: Path) -> None:
    """A program ran the journey with a type that it was handed; the command line finds the handler by configuration."""
    subprocess.run([sys.executable, "-c", PROGRAM], cwd=folder, check=True)
    assert (folder / "made").exists()
    journey = cli("journeys", "--json").json["journeys"][0]["journey_id"]
    preview = cli("rollback", "--journey", journey, "--dry-run")
    assert preview.code == 0 and "- undo    touch" in preview.out and (folder / "made").exists()
    assert cli("rollback", "--journey", journey, "--yes").code == 0 and not (folder / "made").exists()


def test_a_conflict_is_exit_6(cli: Cli, folder: Path) -> None:
    """Somebody changed the file since: refused, with the command that keeps what they did."""
    cli("plan", "--type", "touching", "--arg", "path=made")
    journey = cli("apply", "--yes", "--json").json["journey"]["journey_id"]
    (folder / "made").write_text("theirs")
    refused = cli("rollback", "--journey", journey, "--yes")
    assert refused.code == 6 and "somebody outside" in refused.err and "--on-conflict skip" in refused.err
    assert (folder / "made").read_text() == "theirs"


def test_a_type_that_is_not_known_here_undoes_nothing(cli: Cli, folder: Path) -> None:
    """Without the configuration there is no handler: exit 6, what is left is listed, and nothing was done."""
    cli("plan", "--type", "touching", "--arg", "path=made")
    journey = cli("apply", "--yes", "--json").json["journey"]["journey_id"]
    (folder / ".milepost" / "milepost.toml").write_text('policy = "rollback"\n')
    sys.modules.pop("cli_journeys")
    program = f"from milepost.cli import main; raise SystemExit(main(['rollback', '--journey', '{journey}', '--yes']))"
    other = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert other.returncode == 6 and "there is no journey type 'touching'" in other.stdout, other.stdout + other.stderr
    assert (folder / "made").exists()
