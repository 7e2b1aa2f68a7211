"""What tests of several at once do to a home: each piece of work is a function of the home's path, run in a child."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from works import KB, opened


def crowd(home: Path, name: str, documents: int, journeys: int) -> int:
    """One of many who publish to one kb at once: some documents of its own, in some journeys; its last revision."""
    last = 0
    with opened(home, user=name, wait=3600.0) as mp:
        for first in range(0, documents, documents // journeys):
            some = range(first, min(documents, first + documents // journeys))
            texts = [(f"{name}-{n}.md", f"Document {n} of {name}: {hashlib.sha256(f'{name}{n}'.encode()).hexdigest()}")
                     for n in some]  # fmt: skip
            done = mp.ingest([(source, text.encode()) for source, text in texts], kb=KB)
            assert done.status == "completed" and len(done.files) == len(some)
            last = done.revision_after
    return last


def apply(home: Path, plan: str, wait: float, pause: str = "") -> Any:
    """Apply a saved plan: its journey, or why it could not. With `pause`, wait halfway until that file is there."""
    from milepost.store import faults
    from milepost.store.errors import StoreBusy

    def hold(point: str) -> None:
        if pause and point == "parse.before_batch":
            Path(f"{pause}.there").touch()
            while not Path(pause).exists():
                time.sleep(0.01)

    faults.arm(hold)
    with opened(home, wait=wait) as mp:
        try:
            done = mp.apply(plan)
        except StoreBusy as busy:
            return {"exit": busy.exit_code, "cause": busy.cause, "holder": busy.facts["holder"], "pid": os.getpid()}
        runs = [event.kind for event in mp.timeline(done)].count("running")
        return {"status": str(done.status), "runs": runs, "revision": done.revision_after, "pid": os.getpid()}


WORK_OF_SEVERAL: dict[str, Callable[..., Any]] = {"apply": apply, "crowd": crowd}
