"""What a librarian's store and an embedder must do to work here: laws that anybody's can be held to.

    check_store(MyStore)                       # the contract of LangGraph's stores, law by law
    check_store_by_chance(MyStore)             # the same in sequences that nobody thought of
    check_survival("my_package.stores:open")   # killed with SIGKILL while it writes, it has what it acknowledged
    check_embedder(MyEmbedder)

A broken law raises `NotConforming`, an `AssertionError` that says which, and with what.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from langgraph.store.base import BaseStore

from .conformance_chance import check_store_by_chance
from .conformance_embedder import check_embedder
from .conformance_laws import MEANING_LAWS, STORE_LAWS, Law
from .conformance_report import NotConforming
from .conformance_survival import check_survival

__all__ = [
    "MEANING_LAWS",
    "STORE_LAWS",
    "Law",
    "NotConforming",
    "check_embedder",
    "check_meaning",
    "check_store",
    "check_store_by_chance",
    "check_survival",
]


def check_store(make_store: Callable[[], BaseStore]) -> None:
    """Hold a kind of store to every law, each with a new and empty one."""
    _check(make_store, STORE_LAWS)


def check_meaning(make_store: Callable[[], BaseStore]) -> None:
    """Hold a kind of store that searches by meaning to the laws of that, too."""
    _check(make_store, MEANING_LAWS)


def _check(make_store: Callable[[], BaseStore], laws: Iterable[Law]) -> None:
    for law in laws:
        store = make_store()
        said = " ".join((law.__doc__ or law.__name__).split())
        try:
            law(store)
        except AssertionError as broken:
            raise NotConforming(type(store).__name__, said, why=str(broken)) from None
        except Exception as failure:  # whatever a store of somebody's raises is the finding
            raise NotConforming(type(store).__name__, said, why=f"{type(failure).__name__}: {failure}") from failure
