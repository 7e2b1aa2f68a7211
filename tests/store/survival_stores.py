"""Stores in a folder, to be killed: Milepost's librarian, and small ones that are sound or break one law each."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable
from pathlib import Path

from langgraph.store.base import Op, PutOp, Result
from langgraph.store.memory import InMemoryStore

from milepost.store.home import Home
from milepost.store.librarian import Librarian
from milepost.tools.embedders import FakeEmbedder


def librarian(folder: Path) -> Librarian:
    """The librarian of a home in the folder; a new process recovers what a dead one left."""
    return Home(folder / "home", embedder=FakeEmbedder).librarian


class FileStore(InMemoryStore):
    """Everything in one JSON file, written anew with each batch and put in the old one's place."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        if path.exists():
            for space, key, value in json.loads(path.read_text()):
                super().batch([PutOp(tuple(space), key, value, False)])

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        results = super().batch(ops)
        self.save()
        return results

    def save(self) -> None:
        """Write everything to another file, and give it the name."""
        half = self.path.with_suffix(".half")
        half.write_text(self.text())
        half.replace(self.path)

    def text(self) -> str:
        """Everything as JSON."""
        items = [item for space in self.list_namespaces(limit=1_000) for item in self._data[space].values()]
        return json.dumps([[list(item.namespace), item.key, item.value] for item in items])

    def list_namespaces(self, **rest: object) -> list[tuple[str, ...]]:  # type: ignore[override]  # for `text` alone
        """Those that hold something; asking must not write."""
        return [space for space, items in self._data.items() if items]


class Forgetful(FileStore):
    """Writes only every third batch to the disk."""

    batches = 0

    def save(self) -> None:
        self.batches += 1
        if self.batches % 3 == 0:
            super().save()


class Torn(FileStore):
    """Writes slowly over what is there."""

    def save(self) -> None:
        with self.path.open("w") as file:
            for at in range(0, len(text := self.text()), 500):
                file.write(text[at : at + 500])
                file.flush()
                time.sleep(0.001)


class Undead(FileStore):
    """Forgets deletions."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.gone: dict[tuple[tuple[str, ...], str], object] = {}

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        return super().batch([op for op in ops if not (isinstance(op, PutOp) and op.value is None)])


def sound(folder: Path) -> FileStore:
    """One that keeps what it says."""
    return FileStore(folder / "store.json")


def forgetful(folder: Path) -> FileStore:
    """One that loses what it acknowledged."""
    return Forgetful(folder / "store.json")


def torn(folder: Path) -> FileStore:
    """One that cannot be opened after a kill."""
    return Torn(folder / "store.json")


def undead(folder: Path) -> FileStore:
    """One in which what was deleted comes back."""
    return Undead(folder / "store.json")


def unopened(folder: Path) -> FileStore:
    """One that does not open at all."""
    raise OSError(f"there is no store in {os.fspath(folder)[:1]}")
