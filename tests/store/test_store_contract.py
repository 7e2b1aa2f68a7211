"""The librarian keeps the contract of LangGraph's stores: the same laws and answers as its own `InMemoryStore`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langgraph.store.base import (
    BaseStore,
    GetOp,
    IndexConfig,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore

from milepost.store.conformance import MEANING_LAWS, STORE_LAWS, Law, check_meaning, check_store
from milepost.store.home import Home
from milepost.store.librarian import Librarian
from milepost.tools.embedders import FakeEmbedder


@contextmanager
def held_librarian(path: Path) -> Iterator[Librarian]:
    """A librarian on real Chroma, whose home is held by this thread, as by the engine's."""

    async def here(work: Callable[[], Any]) -> Any:
        return work()

    home = Home(path, embedder=FakeEmbedder)
    home.librarian.run = here
    try:
        with home.hold():
            yield home.librarian
    finally:
        home.close()


def memory_store() -> InMemoryStore:
    """The oracle, searching with the same vectors."""

    def embed(texts: Any) -> list[list[float]]:
        return FakeEmbedder().embed(list(texts)).tolist()  # type: ignore[no-any-return]  # numpy says Any

    index: IndexConfig = {"dims": 64, "embed": embed, "fields": ["$"]}
    return InMemoryStore(index=index)


@pytest.fixture
def librarian(tmp_path: Path) -> Iterator[Librarian]:
    with held_librarian(tmp_path / "home") as found:
        yield found


@pytest.mark.parametrize("law", [*STORE_LAWS, *MEANING_LAWS], ids=lambda law: law.__name__)
def test_the_librarian_keeps_the_law(librarian: Librarian, law: Law) -> None:
    """On real Chroma, each law of a store holds."""
    law(librarian)


@pytest.mark.parametrize("law", [*STORE_LAWS, *MEANING_LAWS], ids=lambda law: law.__name__)
def test_the_oracle_keeps_the_law(law: Law) -> None:
    """LangGraph's own store keeps every law, so that none is of our own making."""
    law(memory_store())


def test_the_suite_notices_a_store_that_breaks_a_law() -> None:
    """A store that merges values where it should replace them is found out; the sound one passes the whole suite."""

    class Merging(InMemoryStore):
        def batch(self, ops: Iterable[Op]) -> list[Result]:
            def merged(op: Op) -> Op:
                if not isinstance(op, PutOp) or op.value is None:
                    return op
                before = self._data[op.namespace].get(op.key)
                return op._replace(value={**(before.value if before else {}), **op.value})

            return super().batch([merged(op) for op in ops])

    with pytest.raises(AssertionError, match="the new value, whole"):
        check_store(Merging)
    with pytest.raises(AssertionError, match="scored"):
        check_meaning(InMemoryStore)
    check_store(InMemoryStore)
    check_meaning(memory_store)


def test_a_law_holds_in_a_home_that_nobody_holds(tmp_path: Path) -> None:
    """Outside a journey each operation takes the lease for itself, and the contract is the same."""
    home = Home(tmp_path / "home", embedder=FakeEmbedder)
    try:
        for law in STORE_LAWS[:4]:
            law(home.librarian.for_tenant(law.__name__))
        STORE_LAWS[-2](home.librarian.for_tenant("async"))
    finally:
        home.close()


class Oracle(InMemoryStore):
    """`InMemoryStore` without the namespaces that it lists although they hold nothing, as a read of one makes them."""

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        listed = list(ops)
        results = [None if isinstance(op, PutOp) else self._alone(op) for op in listed]
        super().batch([op for op in listed if isinstance(op, PutOp)])
        return results

    def _alone(self, op: Op) -> Result:
        for name in [name for name, items in self._data.items() if not items]:
            del self._data[name]
        return super().batch([op])[0]


labels = st.sampled_from(["a", "b", "ab", "a b", "é", '"'])
namespaces = st.lists(labels, min_size=1, max_size=3).map(tuple)
keys = st.sampled_from(["k", "K", "k ", "käse", "0"])
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 2.0, "x", "y", "1"])
fields = st.sampled_from(["p", "q"])
values = st.dictionaries(fields, scalars | st.lists(scalars, max_size=2) | st.dictionaries(fields, scalars, max_size=2))
conditions = (
    scalars
    | st.builds(lambda name, value: {name: value}, st.sampled_from(["$eq", "$ne"]), scalars)
    | st.dictionaries(fields, scalars, min_size=1, max_size=2)
)
patterns = st.lists(labels | st.just("*"), min_size=1, max_size=3).map(tuple)
matchers = st.builds(MatchCondition, st.sampled_from(["prefix", "suffix"]), patterns)
puts = st.tuples(namespaces, keys, values).map(lambda parts: PutOp(*parts))
operations = st.one_of(
    puts,
    st.tuples(namespaces, keys).map(lambda parts: PutOp(*parts, None)),
    st.tuples(namespaces, keys).map(lambda parts: GetOp(*parts)),
    st.builds(
        lambda prefix, filter: SearchOp(prefix, filter=filter, limit=1_000),
        st.lists(labels, max_size=2).map(tuple),
        st.none() | st.dictionaries(fields, conditions, max_size=2),
    ),
    st.builds(
        lambda found, depth, offset: ListNamespacesOp(found, max_depth=depth, limit=1_000, offset=offset),
        st.none() | st.lists(matchers, max_size=2).map(tuple),
        st.none() | st.integers(1, 3),
        st.integers(0, 2),
    ),
)


@pytest.fixture(scope="module")
def tenants(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Librarian]]:
    """A new and empty librarian at each call, all in one home: tenants do not see each other."""
    numbers = count()
    with held_librarian(tmp_path_factory.mktemp("contract") / "home") as found:
        yield lambda: found.for_tenant(f"tenant {next(numbers)}")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(batches=st.lists(st.lists(operations, max_size=6), max_size=5))
def test_any_operations_have_the_oracles_answers(tenants: Callable[[], Librarian], batches: list[list[Op]]) -> None:
    """Whatever is done in whatever batches, the librarian and `InMemoryStore` give the same results."""
    ours, theirs = tenants(), Oracle()
    for batch in batches:
        assert _plain(ours.batch(batch)) == _plain(theirs.batch(batch))
    assert _plain(ours.batch([SearchOp((), limit=1_000)])) == _plain(theirs.batch([SearchOp((), limit=1_000)]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written=st.lists(puts, max_size=12), size=st.integers(1, 4))
def test_any_pages_make_the_whole(tenants: Callable[[], Librarian], written: list[PutOp], size: int) -> None:
    """Pages of any size are the whole search cut in pieces, in one order."""
    store = tenants()
    store.batch(written)
    whole = store.search((), limit=1_000)
    paged = [item for at in range(0, len(whole) + size, size) for item in store.search((), limit=size, offset=at)]
    assert paged == whole


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(written=st.lists(puts, max_size=8), query=st.text(min_size=1, max_size=20))
def test_a_query_orders_and_hides_nothing(tenants: Callable[[], Librarian], written: list[PutOp], query: str) -> None:
    """Searching by meaning finds what a plain search finds, scores falling and between -1 and 1."""
    store: BaseStore = tenants()
    store.batch(written)
    found = store.search((), query=query, limit=1_000)
    assert _plain([found]) == _plain([store.search((), limit=1_000)])
    scores = [item.score for item in found if item.score is not None]
    assert scores == sorted(scores, reverse=True)
    assert all(-1.001 <= score <= 1.001 for score in scores)


def _plain(results: list[Any]) -> list[Any]:
    """Results without times and scores; a search's items in an order of their own, for the contract has none."""
    return [_told(result) for result in results]


def _told(result: Any) -> Any:
    if not isinstance(result, list):
        return None if result is None else _item(result)
    if result and not isinstance(result[0], tuple):
        return sorted(_item(item) for item in result)
    return result


def _item(item: Any) -> tuple[Any, ...]:
    return (tuple(item.namespace), item.key, json.dumps(item.value, sort_keys=True))
