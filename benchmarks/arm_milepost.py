"""Milepost as it comes: its parser in a child process, WordLlama, under each preset."""

from __future__ import annotations

import time
from pathlib import Path

from measuring import used_cpu_seconds

from milepost import Milepost as Front
from milepost import Policy
from milepost.store import faults
from milepost.store.chunk_rows import ChunkRows
from milepost.store.revisions import visible_slots


class Milepost:
    """A home in a folder, and one kb in it."""

    def __init__(self, folder: Path, policy: Policy) -> None:
        self._mp = Front(folder, policy=policy)
        self.committed = (0.0, 0.0)
        """CPU and wall of the last run's way to the commit: search finds everything, the collection follows."""

    def run(self, files: Path) -> None:
        """Plan and apply."""
        cpu, clock = used_cpu_seconds(), time.perf_counter()

        def note(point: str) -> None:
            if point == "expose.after_publish":
                self.committed = used_cpu_seconds() - cpu, time.perf_counter() - clock

        faults.arm(note)
        self._mp.ingest([files], kb="kb")
        faults.arm(None)

    def texts(self) -> list[str]:
        """What search can find, which is what the collection holds: the newest revision."""
        stats = self._mp.kb_stats("kb")
        if stats.index_revision != stats.revision:
            raise SystemExit(f"the collection is at revision {stats.index_revision}, not {stats.revision}")
        home = self._mp.workspace.services.home
        kb = home.knowledge.kb("default", "kb")
        with home.record.read() as reading:
            slots = visible_slots(reading, kb.kb_id, kb.head)
        return [row.document for row in ChunkRows(home.record).of(kb, slots)]

    def close(self) -> None:
        """Give the home back."""
        self._mp.close()


def none(folder: Path) -> Milepost:
    """The default policy."""
    return Milepost(folder, Policy.none())


def rollback(folder: Path) -> Milepost:
    """What `milepost init` writes."""
    return Milepost(folder, Policy.rollback())


def full(folder: Path) -> Milepost:
    """Everything on, but for the model and the person."""
    return Milepost(folder, Policy.full(approval="never", enable_ai_planning=False))
