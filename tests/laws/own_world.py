"""A small world outside Milepost: files in a folder that steps of one's own write, and a log of what was called."""

from __future__ import annotations

import json
import os
import signal
import threading
from pathlib import Path
from typing import Any

from milepost import Receipt, StepContext, Undo, journey_type, step

CALLS = "calls.log"


class World:
    """The folder, as a test sees it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    @property
    def args(self) -> dict[str, Any]:
        """The argument by which a step finds the world."""
        return {"place": str(self.folder)}

    def state(self) -> dict[str, str]:
        """What there is, by name."""
        return {path.stem: path.read_text() for path in sorted(self.folder.glob("*.txt"))}

    def set(self, name: str, text: str | None) -> None:
        """Change something, as somebody outside would."""
        _write(str(self.folder), name, text)

    def calls(self, kind: str | None = None) -> list[list[str]]:
        """What was called, in order: kind, step, and more."""
        log = self.folder / CALLS
        said = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [call for call in said if kind in (None, call[0])]

    def told(self, kind: str) -> list[str]:
        """The steps of the calls of one kind, in order."""
        return [call[1] for call in self.calls(kind)]

    def trap(self, name: str, what: str) -> None:
        """Make a step (`run NAME`) or an undo (`undo NAME`) "fail", "hang", "lie" or "die" from now on.

        "fail 2" fails twice, and "die" once: the trap is gone then.
        """
        (self.folder / f"{name}.trap").write_text(what)

    def untrap(self, name: str) -> None:
        """Let it do its work again."""
        (self.folder / f"{name}.trap").unlink()


def _write(place: str, name: str, text: str | None) -> None:
    path = Path(place) / f"{name}.txt"
    if text is None:
        path.unlink(missing_ok=True)
    else:
        path.write_text(text)


def _read(place: str, name: str) -> str | None:
    path = Path(place) / f"{name}.txt"
    return path.read_text() if path.exists() else None


def _log(place: str, *call: str) -> None:
    with (Path(place) / CALLS).open("a") as log:
        log.write(json.dumps(call) + "\n")


def _trapped(place: str, name: str) -> str | None:
    trap = Path(place) / f"{name}.trap"
    what = trap.read_text() if trap.exists() else None
    if what and what.startswith("fail "):
        left = int(what.split()[1]) - 1
        trap.write_text(f"fail {left}") if left else trap.unlink()
    if what and what.startswith("fail"):
        raise OSError(f"{name} is trapped")
    if what == "hang":
        threading.Event().wait()
    if what == "die":
        trap.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return what


@step("put", returns=["text"])
def put(ctx: StepContext, place: str, name: str, text: str = "new") -> Receipt:
    """Write one file."""
    _log(place, "run", name, ctx.key)
    prior = ctx.intend({"place": place, "name": name}, _read(place, name))
    _trapped(place, f"before {name}")
    _write(place, name, text)
    _trapped(place, f"run {name}")
    _trapped(place, f"fails {name}")
    return Receipt(target={"place": place, "name": name}, prior=prior, post=text)


@put.observes
def look(target: dict[str, Any]) -> str | None:
    """The file's text now."""
    return _read(target["place"], target["name"])


@put.undoes
def put_back(undo: Undo) -> None:
    """The text from before."""
    place, name = undo.args["place"], undo.args["name"]
    _log(place, "undo", name, undo.user, "receipt" if undo.receipt else "none")
    if _trapped(place, f"undo {name}") != "lie" and undo.prior_known:
        _write(place, name, undo.prior)
    _trapped(place, f"undone {name}")


@step("blind")
async def blind(ctx: StepContext, place: str, name: str) -> Receipt:
    """Write one file that nobody can look at."""
    _log(place, "run", name, ctx.key)
    _trapped(place, f"before {name}")
    _write(place, name, "blind")
    _trapped(place, f"run {name}")
    return Receipt(target={"name": name}, post="blind")


@blind.undoes
async def see_off(undo: Undo) -> None:
    """Take it away."""
    place, name = undo.args["place"], undo.args["name"]
    _log(place, "undo", name, undo.user, "receipt" if undo.receipt else "none")
    _trapped(place, f"undo {name}")
    _write(place, name, None)


@step("shout")
def shout(ctx: StepContext, place: str, name: str) -> Receipt:
    """Do what cannot be undone."""
    _log(place, "run", name, ctx.key)
    _trapped(place, f"before {name}")
    _write(place, name, "heard")
    return Receipt(target={"name": name}, post="heard")


def as_asked(args: Any) -> list[dict[str, Any]]:
    """The steps that were asked for: `{"id", "action", "depends_on", "args"}`, all in one place."""
    return [{**one, "args": {**one.get("args", {}), "place": args["place"]}} for one in args["steps"]]


asked = journey_type("asked", steps=[put, blind, shout], template=as_asked)
one_file = journey_type("one_file", steps=[put])
one_blind = journey_type("one_blind", steps=[blind])


def chain(*names: str, action: str = "put") -> list[dict[str, Any]]:
    """Steps one after the other, each on the file of its own name."""
    return [
        {"id": name, "action": action, "args": {"name": name}, "depends_on": list(names[max(0, at - 1) : at])}
        for at, name in enumerate(names)
    ]
