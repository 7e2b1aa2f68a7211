"""A house of children that may be killed: what crash and reader tests run in processes of their own.

One process imports everything and forks a child for each piece of work, before any store was ever opened in it:
a child costs milliseconds where a new interpreter costs two seconds. Run as a script it is that process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from looker import started
from shim import Call, arm, calls
from works import WORK
from works_of_several import WORK_OF_SEVERAL

HANGS = 300
"""Seconds after which a child that has not ended is killed: native code may wait with the interpreter stopped."""


@dataclass(frozen=True)
class Ended:
    """How a child ended: `value` is what its work returned, where it came that far.

    `calls` counts its calls that changed files of the home, where the house has the shim.
    """

    killed: bool
    value: Any
    calls: int = 0


class House:
    """The parent's end: asks for children, one at a time or several at once. With a shim, calls can be counted, too.

    The children of a `quick` one look at damaged folders in forked processes, not in new interpreters.
    """

    def __init__(self, shim: Path | None = None, *, quick: bool = False) -> None:
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        if shim is not None:
            environment["LD_PRELOAD"] = str(shim)
        self._process = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self._number = 0
        self._quick = quick

    def start(
        self, work: str, home: Path, /, *, kill: tuple[str, int] | None = None, call: Call | None = None, **args: Any
    ) -> Path:
        """Start a child; what it returns will lie in the file that this returns."""
        self._number += 1
        out = home.parent / f"{home.name}.{self._process.pid}-{self._number}.json"
        asked = {"work": work, "home": str(home), "out": str(out), "kill": kill, "args": args, "quick": self._quick}
        self._ask(asked | {"call": call and asdict(call)})
        return out

    def end(self, out: Path) -> Ended:
        """Wait for a child's end."""
        status = self._ask({"wait": str(out)})["status"]
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL, f"a child died of signal {os.WTERMSIG(status)}"
            return Ended(True, None)
        said = json.loads(out.read_text())
        assert "error" not in said, said["error"]
        return Ended(False, said["value"], said["calls"])

    def run(
        self, work: str, home: Path, /, *, kill: tuple[str, int] | None = None, call: Call | None = None, **args: Any
    ) -> Ended:
        """Start a child and wait for its end."""
        return self.end(self.start(work, home, kill=kill, call=call, **args))

    def __enter__(self) -> House:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def main() -> None:
    """Serve: fork a child for each request, and say how it ended."""
    import aiosqlite  # noqa: F401  # everything that a child will need, while nothing is open
    import chromadb  # noqa: F401

    import milepost.agents.graph
    import milepost.agents.milepost
    import milepost.agents.saver
    import milepost.tools.embedders
    import milepost.tools.parse  # noqa: F401

    children: dict[str, int] = {}
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(children.pop(request["wait"]), 0)
            print(json.dumps({"status": status}))
            continue
        pid = os.fork()
        if pid == 0:
            _child(request)
        children[request["out"]] = pid
        print(json.dumps({"pid": pid}))


def _child(request: dict[str, Any]) -> None:
    from milepost.store import faults

    os.close(0)
    os.dup2(2, 1)
    signal.alarm(HANGS)
    if request["quick"]:
        import milepost.store.views

        milepost.store.views.look_from_outside = started(lambda: signal.alarm(HANGS))
    try:
        if request["kill"]:
            name, nth = request["kill"]
            faults.arm(faults.kill_at(name, nth))
        if request["call"]:
            arm(Path(request["home"]), Call(**request["call"]))
        value = {**WORK, **WORK_OF_SEVERAL}[request["work"]](Path(request["home"]), **request["args"])
        said = {"value": value, "calls": calls() if request["call"] else 0}
    except BaseException:  # whatever it was, the parent has to hear of it
        said = {"error": traceback.format_exc()}
    out = Path(request["out"])
    out.with_suffix(".part").write_text(json.dumps(said))
    out.with_suffix(".part").rename(out)
    os._exit(0)


if __name__ == "__main__":
    main()
