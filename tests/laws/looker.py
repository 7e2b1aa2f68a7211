"""Looking at a Chroma folder in a forked process: what `look_from_outside` sees, without an interpreter of its own.

The first process is forked while nothing is open. It forks one more for each look, so that native code that ends its
process ends that one only. `test_damage.py` does without it, and has the real one.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any


def started(asleep: Callable[[], object]) -> Callable[[Path], Any]:
    """Fork the process, calling `asleep` in it, and return what stands for `look_from_outside`."""
    ask, answer = os.pipe(), os.pipe()
    if os.fork() == 0:
        os.close(ask[1])
        os.close(answer[0])
        asleep()
        _serve(ask[0], answer[1])
    os.close(ask[0])
    os.close(answer[1])

    def look(home: Path) -> Any:
        from milepost.store.probe import Look

        os.write(ask[1], f"{home.absolute()}\n".encode())
        said = b""
        while not said.endswith(b"\n"):
            more = os.read(answer[0], 65_536)
            assert more, "the looker is gone"
            said += more
        found = json.loads(said)
        if "failed" in found:
            raise RuntimeError(found["failed"])
        return Look(**{**found, "troubles": {int(kb): trouble for kb, trouble in found["troubles"].items()}})

    return look


def _serve(ask: int, answer: int) -> None:
    while home := os.read(ask, 65_536).decode().strip():
        out, into = os.pipe()
        pid = os.fork()
        if pid == 0:
            _look(Path(home), into)
        os.close(into)
        said = b""
        while more := os.read(out, 65_536):
            said += more
        os.close(out)
        _, status = os.waitpid(pid, 0)
        if os.WIFSIGNALED(status):
            died = f"a process that read the collections died of {signal.Signals(os.WTERMSIG(status)).name}"
            said = json.dumps({"died": died, "troubles": {}, "librarian": None}).encode()
        os.write(answer, said + b"\n")
    os._exit(0)


def _look(home: Path, into: int) -> None:
    from milepost.store.probe import look

    try:
        said = asdict(look(home))
    except BaseException as failure:  # whatever it was, the one who asks has to hear of it
        said = {"failed": repr(failure)}
    os.write(into, json.dumps(said).encode())
    os._exit(0)
