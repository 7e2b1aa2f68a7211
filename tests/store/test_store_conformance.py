"""Law: a store or an embedder that breaks a law is found out by that law, and says what was found; ours break none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langgraph.store.base import GetOp, ListNamespacesOp, Op, PutOp, Result, SearchOp
from langgraph.store.memory import InMemoryStore
from test_store_contract import held_librarian

from milepost.store.conformance import (
    NotConforming,
    check_embedder,
    check_store,
    check_store_by_chance,
    check_survival,
)
from milepost.tools.embedders import FakeEmbedder, make_embedder


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """A new and empty librarian at each call, all in one home."""
    numbers = count()
    with held_librarian(tmp_path / "home") as found:
        yield lambda: found.for_tenant(f"t{next(numbers)}")


def test_the_librarian_does_by_chance_what_a_store_does(empty: Callable[[], Any]) -> None:
    """On real Chroma; LangGraph's own store as well, so that the model is right."""
    check_store_by_chance(empty, runs=8)


def test_langgraphs_own_store_breaks_only_what_the_contract_leaves_open() -> None:
    """It lists namespaces that it was only asked about; but for that the model is right."""

    class Asked(InMemoryStore):
        def batch(self, ops: Iterable[Op]) -> list[Result]:
            asked = list(ops)
            for space in [space for space, items in self._data.items() if not items]:
                del self._data[space]
            answers = iter(super().batch([op for op in asked if isinstance(op, ListNamespacesOp)]))
            others = iter(super().batch([op for op in asked if not isinstance(op, ListNamespacesOp)]))
            return [next(answers) if isinstance(op, ListNamespacesOp) else next(others) for op in asked]

    check_store_by_chance(Asked, runs=100)


class Broken(InMemoryStore):
    """A store whose `change` may alter the operations, and whose `alter` the answers."""

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        return self.alter(super().batch(self.change(list(ops))))

    def change(self, ops: list[Op]) -> list[Op]:
        """The operations that are done."""
        return ops

    def alter(self, results: list[Result]) -> list[Result]:
        """The answers that are given."""
        return results


class Reversed(Broken):
    def alter(self, results: list[Result]) -> list[Result]:
        return results[::-1]


class Eager(Broken):
    def batch(self, ops: Iterable[Op]) -> list[Result]:
        asked = list(ops)
        if len(asked) != 2:  # so that an earlier law is kept
            return super().batch(asked)
        super().batch([op for op in asked if isinstance(op, PutOp)])
        return [None if isinstance(op, PutOp) else super(Eager, self).batch([op])[0] for op in asked]


class Immortal(Broken):
    def change(self, ops: list[Op]) -> list[Op]:
        return [op for op in ops if not (isinstance(op, PutOp) and op.value is None)]


class Flat(Broken):
    def change(self, ops: list[Op]) -> list[Op]:
        return [op._replace(namespace=op.namespace[:1]) if isinstance(op, PutOp | GetOp) else op for op in ops]


class Texting(Broken):
    def change(self, ops: list[Op]) -> list[Op]:
        return [
            op._replace(
                value={key: str(value) if isinstance(value, float) else value for key, value in op.value.items()}
            )
            if isinstance(op, PutOp) and op.value
            else op
            for op in ops
        ]


class Unfiltered(Broken):
    def change(self, ops: list[Op]) -> list[Op]:
        return [op._replace(filter=None) if isinstance(op, SearchOp) else op for op in ops]


class Endless(Broken):
    def change(self, ops: list[Op]) -> list[Op]:
        return [op._replace(limit=1_000, offset=0) if isinstance(op, SearchOp) else op for op in ops]


class Deep(Broken):
    def change(self, ops: list[Op]) -> list[Op]:
        return [op._replace(max_depth=None) if isinstance(op, ListNamespacesOp) else op for op in ops]


class Failing(Broken):
    def change(self, ops: list[Op]) -> list[Op]:
        raise OSError("the disk has gone")


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (Reversed, "in the order of the operations"),
        (Eager, "as it was when the batch began"),
        (Immortal, "the last counts, deletions among them"),
        (Flat, "two items"),
        (Texting, "Any JSON object comes back equal"),
        (Unfiltered, "A filter finds by equality"),
        (Endless, "Pages by limit and offset"),
        (Deep, "cut at a depth"),
        (Failing, "one result for each operation"),
    ],
)
def test_a_broken_store_is_told_its_law(kind: type[InMemoryStore], law: str) -> None:
    """By its sentence, with the store's name and what was found."""
    with pytest.raises(NotConforming) as broken:
        check_store(kind)
    assert law in broken.value.law
    assert kind.__name__ in str(broken.value) and "because" in str(broken.value)


@pytest.mark.parametrize("kind", [Reversed, Immortal, Flat, Texting, Unfiltered, Deep])
def test_chance_finds_a_broken_store_and_tells_little(kind: type[InMemoryStore]) -> None:
    """The run that is reported is a short one: every batch in it counts."""
    with pytest.raises(NotConforming, match="batches drawn by chance") as broken:
        check_store_by_chance(kind, runs=200)
    assert "PutOp" in str(broken.value) or "Op(" in str(broken.value)


def test_a_sound_store_survives_and_the_librarian_does() -> None:
    """Killed while they write, on a real disk."""
    assert check_survival("survival_stores:sound", kills=3) >= 3
    assert check_survival("survival_stores:librarian", kills=2) >= 2


@pytest.mark.nightly
def test_the_librarian_survives_many_kills() -> None:
    """Thirty moments."""
    print(f"{check_survival('survival_stores:librarian', kills=30, seed=7)} acknowledged writes in 30 kills, none lost")


@pytest.mark.parametrize(
    ("store", "law"),
    [
        ("forgetful", "what was acknowledged is there after a kill"),
        ("undead", "what was deleted does not come back"),
        ("unopened", "it can be written to"),
    ],
)
def test_a_store_that_does_not_survive_is_told_why(store: str, law: str) -> None:
    """The law, the kill, and what was lost."""
    with pytest.raises(NotConforming) as broken:
        check_survival(f"survival_stores:{store}", kills=10)
    assert broken.value.law == law
    assert "kill" in str(broken.value) or "OSError" in str(broken.value)


def test_a_store_that_writes_over_its_file_does_not_open_again() -> None:
    """The last line of the process that tried is in the report."""
    with pytest.raises(NotConforming) as broken:
        check_survival("survival_stores:torn", kills=40)
    assert broken.value.law in (
        "killed, it can be opened and written to again",
        "what was acknowledged is there after a kill",
    )


@pytest.mark.parametrize("spec", ["fake", "fake:7", "wordllama"])
def test_our_embedders_keep_every_law(spec: str) -> None:
    """The one that comes with Milepost, and the one for tests."""
    check_embedder(lambda: make_embedder(spec))


class Wrong(FakeEmbedder):
    """The fake embedder with something wrong."""

    def __init__(self) -> None:
        super().__init__(16)


class Doubles(Wrong):
    def embed(self, texts: list[str]) -> Any:
        return super().embed(texts).astype(np.float64)


class Short(Wrong):
    def embed(self, texts: list[str]) -> Any:
        return super().embed(texts)[:, :8]


class NotNone(Wrong):
    def embed(self, texts: list[str]) -> Any:
        return super().embed(texts or ["x"])


class Nan(Wrong):
    def embed(self, texts: list[str]) -> Any:
        return super().embed(texts) * np.float32(np.nan)


class Zero(Wrong):
    def embed(self, texts: list[str]) -> Any:
        return super().embed(texts) * np.float32(0)


class Moody(Wrong):
    calls = 0

    def embed(self, texts: list[str]) -> Any:
        self.calls += 1
        return super().embed([f"{self.calls} {text}" for text in texts])


class Constant(Wrong):
    def embed(self, texts: list[str]) -> Any:
        return super().embed(["x"] * len(texts))


class Centred(Wrong):
    def embed(self, texts: list[str]) -> Any:
        vectors = super().embed(texts)
        return vectors - vectors.mean(0) * np.float32(0.5) if len(texts) else vectors


class Sorted(Wrong):
    def embed(self, texts: list[str]) -> Any:
        """In order for the batch of six, sorted for others of more than one."""
        return super().embed(texts if len(texts) in (0, 1, 6) else sorted(texts))


class Hoarding(Wrong):
    kept: dict[tuple[str, ...], Any]

    def embed(self, texts: list[str]) -> Any:
        self.kept = getattr(self, "kept", {})
        return self.kept.setdefault(tuple(texts), super().embed(texts))


class Nameless(Wrong):
    @property
    def name(self) -> str:
        return " "


@pytest.mark.parametrize(
    ("kind", "law"),
    [
        (Doubles, "float32"), (Short, "one vector for each text"), (NotNone, "also of none"), (Nan, "finite"),
        (Zero, "no vector is zero"), (Moody, "the same text has the same vector"), (Constant, "different vectors"),
        (Centred, "does not depend on its batch"), (Sorted, "does not depend on the order"),
        (Hoarding, "vectors given away are the caller's"), (Nameless, "its name says which model"),
    ],
)  # fmt: skip
def test_a_broken_embedder_is_told_its_law(kind: Callable[[], Any], law: str) -> None:
    """Each by the law that it breaks, and by no other."""
    with pytest.raises(NotConforming) as broken:
        check_embedder(kind)
    assert law in broken.value.law


def test_reports_can_be_read(capsys: pytest.CaptureFixture[str]) -> None:
    """A few lines: what, which law, with what, what was expected and found."""
    with pytest.raises(NotConforming) as broken:
        check_store_by_chance(Flat, runs=200)
    lines: Sequence[str] = str(broken.value).splitlines()
    assert lines[0].startswith("Flat breaks the law: ") and len(lines) <= 7
    assert any("expected" in line for line in lines) and any("found" in line for line in lines)
