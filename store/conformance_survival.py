"""A store that is killed while it writes: what it acknowledged is there afterwards, and nothing of anything is half."""

from __future__ import annotations

import importlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from langgraph.store.base import BaseStore, PutOp

from .conformance_report import NotConforming

_SPACE = ("survival",)
_SIZE = 2_000
"""Characters of each item, so that half of one would be seen."""
_MOST = 10_000
_START = (
    "import json, sys; sys.path[:0] = json.loads(sys.argv[1]);"
    " from milepost.store.conformance_survival import main; main()"
)


@dataclass
class _Child:
    """A process, what it answers, and where it writes what went wrong."""

    process: subprocess.Popen[str]
    answers: IO[str]
    trouble: IO[str]

    def said(self) -> str:
        """The last line that it wrote about its end."""
        self.process.wait()
        self.trouble.seek(0)
        lines = self.trouble.read().strip().splitlines()
        return lines[-1] if lines else f"it ended with {self.process.returncode}"


def check_survival(opens: str, *, kills: int = 10, seed: int = 0) -> int:
    """Kill a store with SIGKILL while it writes, each time in a new folder; returns how many writes were acknowledged.

    `opens` names a function, as `package.module:function`, that opens a store in the folder that it is given, a
    `Path`, and makes it where there is none. It is called in processes of its own: one writes batches and is killed at
    a moment drawn from `seed`, the next one opens what is left. `NotConforming` where an acknowledged write is not
    there or a value is not whole, where a deletion came back, or where nothing more can be written.
    """
    chance, acknowledged = random.Random(seed), 0
    for kill in range(kills):
        with tempfile.TemporaryDirectory() as folder:
            acked = _killed(opens, folder, chance.randint(1, 8), chance.random())
            acknowledged += acked
            _judge(opens, kill, acked, _left(opens, folder))
    return acknowledged


def value_of(number: int) -> dict[str, Any]:
    """What is written as the item of this number."""
    return {"n": number, "text": f"{number:06} " * (_SIZE // 7)}


def _killed(opens: str, folder: str, after: int, share: float) -> int:
    """Let a process write until so many batches are acknowledged, and kill it somewhere in the next ones."""
    began = 0.0
    with _process("write", opens, folder) as child:
        for acked in range(after):
            if not child.answers.readline():
                raise NotConforming(opens, "it can be written to", why=child.said())
            began = began if acked else time.monotonic()  # the first one waits for the process to start
        time.sleep(share * 2 * (time.monotonic() - began) / max(1, after - 1))
        child.process.kill()
        return after + sum(1 for line in child.answers if line.endswith("\n"))


def _left(opens: str, folder: str) -> dict[str, Any]:
    """What the next process finds."""
    with _process("read", opens, folder) as child:
        found = child.answers.read()
        if child.process.wait() != 0:
            raise NotConforming(opens, "killed, it can be opened and written to again", why=child.said())
    left: dict[str, Any] = json.loads(found)
    return left


def _judge(opens: str, kill: int, acked: int, left: dict[str, Any]) -> None:
    where = f"kill {kill + 1}, after {acked} acknowledged batches"
    items = {int(key): value for key, value in left["items"].items()}
    lost = [number for number in range(acked) if number not in items]
    if lost:
        raise NotConforming(
            opens, "what was acknowledged is there after a kill", where=where, found=f"lost: {lost[:10]}"
        )
    torn = [number for number, value in items.items() if value != value_of(number)]
    if torn:
        raise NotConforming(opens, "a value is whole after a kill", where=where, found=f"not whole: {torn[:10]}")
    newest = left["newest"]
    if acked and (newest is None or newest.get("n", -1) < acked - 1):
        raise NotConforming(
            opens, "what was written over stays written over", where=where, expected=acked - 1, found=newest
        )
    if left["deleted"] is not None:
        raise NotConforming(opens, "what was deleted does not come back", where=where, found=left["deleted"])
    if left["again"] != value_of(_MOST):
        raise NotConforming(opens, "killed, it can be written to again", where=where, found=left["again"])


@contextmanager
def _process(work: str, opens: str, folder: str) -> Generator[_Child]:
    words = [sys.executable, "-c", _START, json.dumps(sys.path), work, opens, folder]
    with tempfile.TemporaryFile("w+") as trouble:
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=trouble, text=True)
        assert process.stdout is not None
        with process.stdout as answers:
            try:
                yield _Child(process, answers, trouble)
            finally:
                process.kill()
                process.wait()


def main() -> None:
    """The process that is killed, or the one after it: what it does, the function that opens, the folder."""
    work, opens, folder = sys.argv[2:5]
    module, _, function = opens.partition(":")
    store: BaseStore = getattr(importlib.import_module(module), function)(Path(folder))
    if work == "write":
        _write(store)
    else:
        json.dump(_read(store), sys.stdout)


def _write(store: BaseStore) -> None:
    """Batches without end: a new item, one that is written over, one that is deleted for good by the first."""
    store.batch([PutOp(_SPACE, "gone", {"n": 0}, False)])
    for number in range(_MOST):
        new = PutOp(_SPACE, f"{number}", value_of(number), False)
        over = PutOp(_SPACE, "newest", value_of(number), False)
        store.batch([new, over, *([PutOp(_SPACE, "gone", None)] if number == 0 else [])])
        print(number, flush=True)


def _read(store: BaseStore) -> dict[str, Any]:
    newest, deleted = (store.get(_SPACE, key) for key in ("newest", "gone"))
    found = {item.key: item.value for item in store.search(_SPACE, limit=_MOST)}
    store.put((*_SPACE, "again"), "k", value_of(_MOST), index=False)
    again = store.get((*_SPACE, "again"), "k")
    return {
        "items": {key: value for key, value in found.items() if key.isdecimal()},
        "newest": newest.value if newest else None,
        "deleted": deleted.value if deleted else None,
        "again": again.value if again else None,
    }
