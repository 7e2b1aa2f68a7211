"""Looking at the Chroma folder in a process of its own: native code that meets a damaged index may end its process."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .index_graph import tangled
from .places import RECORD

SECONDS = 120.0
"""After this long the native code is taken to hang; a collection of 50,000 chunks takes 5."""
SAMPLE = 2_000
"""Chunks of each kb that are looked at: all of most kbs, a sample of large ones."""
CHROMA = "chroma"


@dataclass
class Look:
    """What was seen: `deadly` says what ended, or would end, the process that looks; `troubles` what is wrong with kbs.

    They go by their number; `librarian` is what is wrong with the librarian's collection, or None.
    """

    deadly: str | None = None
    troubles: dict[int, str] = field(default_factory=dict)
    librarian: str | None = None


def look_from_outside(home: Path) -> Look:
    """Open and read every collection of a home in a child process. Under the lease, with no client of ours open.

    Not where an index has links that lead nowhere: the child might come through, and this process die of them later.
    """
    if astray := tangled(home / CHROMA):
        return Look(deadly=next(iter(astray.values())))
    command = [sys.executable, "-P", "-m", __name__, str(home.absolute())]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return Look(deadly=f"a process that read the collections came to no end in {SECONDS:g} s")
    if done.returncode < 0:
        return Look(deadly=f"a process that read the collections died of {signal.Signals(-done.returncode).name}")
    if done.returncode:
        raise RuntimeError(f"the process that looks at collections failed: {done.stderr.strip()[-300:]}")
    return _gathered(json.loads(line) for line in done.stdout.splitlines())


def look(home: Path) -> Look:
    """The same in this process: for a child, and for tests that know that nothing is damaged."""
    return _gathered(_findings(home))


def _gathered(findings: Iterator[tuple[int, str]]) -> Look:
    found = dict(findings)
    return Look(librarian=found.pop(0, None), troubles=found)


def _findings(home: Path) -> Iterator[tuple[int, str]]:
    """What is wrong with each kb, by its number; 0 is the librarian."""
    from .chroma import ChromaFolder
    from .content import Content
    from .follow import Follower
    from .knowledge import Knowledge
    from .ports import SystemClock
    from .record import Record

    record, chroma = Record(home / RECORD, readonly=True), ChromaFolder(home / CHROMA)
    try:
        knowledge = Knowledge(record, Content(record), home / "vectors", SystemClock())
        follower = Follower(record, knowledge, chroma)
        for kb in knowledge.all():
            trouble = follower.examine(kb.kb_id, sample=SAMPLE)
            if trouble is not None:
                yield kb.kb_id, trouble
        with record.read() as reading:
            librarian = reading.execute("SELECT value FROM facts WHERE key = 'librarian'").fetchone()
        trouble = follower.touch(librarian[0]) if librarian else None
        if trouble is not None:
            yield 0, trouble
    finally:
        chroma.close()
        record.close()


def main() -> None:
    """The child: a line of JSON for each finding; one that is killed by what it reads is the finding."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for finding in _findings(Path(sys.argv[1])):
        print(json.dumps(finding))


if __name__ == "__main__":
    main()
