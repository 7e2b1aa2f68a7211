"""The laws of a store of documents, one by one: each a function of an empty store that raises `AssertionError`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from langgraph.store.base import BaseStore, GetOp, ListNamespacesOp, MatchCondition, PutOp, SearchOp

Law = Callable[[BaseStore], None]
FRUIT = ("shop", "fruit")
VALUES: dict[str, dict[str, Any]] = {
    "apple": {"price": 3, "colour": "red", "tags": ["sweet", "round"], "from": {"land": "AT", "year": 2025}},
    "lime": {"price": 5.5, "colour": "green", "tags": ["sour"], "from": {"land": "MX", "year": 2024}},
    "plum": {"price": 8, "colour": "blue", "tags": [], "from": None},
}


def results_follow_operations(store: BaseStore) -> None:
    """A batch gives one result for each operation, in the order of the operations."""
    store.put(("a",), "k", {"n": 1})
    get, put = GetOp(("a",), "k"), PutOp(("a",), "other", {"n": 2})
    results = store.batch([SearchOp(("a",)), get, put, ListNamespacesOp(), GetOp(("a",), "none")])
    searched, got, written, listed, missing = results
    _same(_found(searched), [(("a",), "k")], "the search's place holds the search's result")
    _same(_value(got), {"n": 1}, "the get's place holds the item")
    _same(written, None, "a put has no result")
    _same(listed, [("a",)], "the list's place holds the namespaces")
    _same(missing, None, "what is not there is None")


def reads_see_what_was_before_the_batch(store: BaseStore) -> None:
    """Reads of a batch see the store as it was when the batch began; its puts are there afterwards."""
    store.put(("a",), "k", {"n": 1})
    put, get = PutOp(("a",), "k", {"n": 2}), GetOp(("a",), "k")
    _same(_value(store.batch([put, get])[1]), {"n": 1}, "the get sees the old value")
    _same(_value(store.get(("a",), "k")), {"n": 2}, "the put is there after the batch")


def last_put_wins(store: BaseStore) -> None:
    """Of several puts of one key in a batch the last counts, deletions among them."""
    store.batch([PutOp(("a",), "k", {"n": n}) for n in range(5)])
    _same(_value(store.get(("a",), "k")), {"n": 4}, "the last of five puts")
    store.batch([PutOp(("a",), "k", {"n": 9}), PutOp(("a",), "k", None)])
    _same(store.get(("a",), "k"), None, "a put that was deleted in the same batch")
    store.batch([PutOp(("a",), "k", None), PutOp(("a",), "k", {"n": 10})])
    _same(_value(store.get(("a",), "k")), {"n": 10}, "a deletion that was put over in the same batch")


def put_replaces_the_value(store: BaseStore) -> None:
    """A put replaces the whole value: fields that are not in the new one are gone."""
    store.put(("a",), "k", {"old": 1, "both": 1})
    store.put(("a",), "k", {"new": 2, "both": 2})
    _same(_value(store.get(("a",), "k")), {"new": 2, "both": 2}, "the new value, whole")


def put_none_deletes(store: BaseStore) -> None:
    """Putting None deletes, as `delete` does; deleting what is not there is no error; it can be put again."""
    for forget in (lambda: store.batch([PutOp(("a",), "k", None)]), lambda: store.delete(("a",), "k")):
        store.put(("a",), "k", {"n": 1})
        forget()
        _same(store.get(("a",), "k"), None, "a deleted item")
        _same(_found(store.search(("a",))), [], "a search after deleting")
        forget()
    store.put(("a",), "k", {"n": 2})
    _same(_value(store.get(("a",), "k")), {"n": 2}, "an item put again after deleting")


def keys_belong_to_their_namespace(store: BaseStore) -> None:
    """One key in two namespaces is two items, also where one namespace lies inside the other."""
    spaces = [("a",), ("a", "b"), ("b", "a"), ("a b",), ("a,b",), ('a", "b',)]
    store.batch([PutOp(space, "k", {"n": n}) for n, space in enumerate(spaces)])
    for n, space in enumerate(spaces):
        _same(_value(store.get(space, "k")), {"n": n}, f"the item of {space}")
    store.delete(("a",), "k")
    _same(_value(store.get(("a", "b"), "k")), {"n": 1}, "the inner one after deleting the outer one")


def values_come_back_equal(store: BaseStore) -> None:
    """Any JSON object comes back equal, whatever its keys are called and however deep it is."""
    value: dict[str, Any] = {
        "empty": {}, "list": [1, [2, {"three": None}]], "none": None, "yes": True, "no": False, "": "empty key",
        "lc": 1, "type": "constructor", "id": ["langchain", "schema"], "kwargs": {"$eq": 1, "__class__": "x"},
        "float": 0.1, "tiny": 5e-324, "large": 2**63, "larger": 10**40, "minus": -(2**63) - 1,
        "text": "ä 漢 \N{GRINNING FACE} \0 \x1f \u2028 \\ \" '", "zero": 0, "minus zero": -0.0,
    }  # fmt: skip
    store.put(("a",), "k", value)
    _same(_value(store.get(("a",), "k")), value, "the value by get")
    _same([item.value for item in store.search(("a",))], [value], "the value by search")


def times_go_forward(store: BaseStore) -> None:
    """An item says when it was made and changed, with a time zone; a change never lies before the making."""
    store.put(("a",), "k", {"n": 1})
    first = store.get(("a",), "k")
    store.put(("a",), "k", {"n": 2})
    second = store.get(("a",), "k")
    if first is None or second is None:
        raise AssertionError("an item that was put is not there")
    _holds(first.created_at.tzinfo is not None, "times have a time zone")
    _holds(second.updated_at >= first.updated_at, "a later put is not updated earlier")
    _holds(second.updated_at >= second.created_at, "updated is not before created")


def search_goes_below_a_prefix(store: BaseStore) -> None:
    """A search finds what lies in or below its namespace; labels count whole, the empty prefix is everything."""
    for space in [("a",), ("a", "b"), ("a", "b", "c"), ("ab",), ("b", "a"), ("a ", "b"), ("a!",)]:
        store.put(space, "k", {"n": 1})
    _same(_spaces(store, ("a",)), {("a",), ("a", "b"), ("a", "b", "c")}, "below a")
    _same(_spaces(store, ("a", "b")), {("a", "b"), ("a", "b", "c")}, "below a, b")
    _same(_spaces(store, ("c",)), set(), "below what is not there")
    _same(len(_spaces(store, ())), 7, "everything")


def filters_compare_values(store: BaseStore) -> None:
    """A filter finds by equality and by `$eq $ne $gt $gte $lt $lte`; several conditions must all hold."""
    _fruit(store)
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "apple lime plum"), ({"colour": "red"}, "apple"), ({"colour": {"$eq": "red"}}, "apple"),
        ({"colour": {"$ne": "red"}}, "lime plum"), ({"price": {"$gt": 5.5}}, "plum"),
        ({"price": {"$gte": 5.5}}, "lime plum"), ({"price": {"$lt": 5.5}}, "apple"),
        ({"price": {"$lte": 5.5}}, "apple lime"), ({"price": {"$gt": 3, "$lt": 8}}, "lime"),
        ({"price": 8, "colour": "blue"}, "plum"), ({"price": 8, "colour": "red"}, ""), ({"missing": "x"}, ""),
        ({"missing": {"$ne": "x"}}, "apple lime plum"), ({"from": {"land": "AT"}}, "apple"),
        ({"from": {"year": {"$gte": 2024}}, "price": {"$lt": 5}}, "apple"), ({"tags": ["sour"]}, "lime"),
        ({"tags": []}, "plum"), ({"tags": ["round", "sweet"]}, ""), ({"from": None}, "plum"),
    ]  # fmt: skip
    for filter, expected in cases:
        found = " ".join(sorted(item.key for item in store.search(FRUIT, filter=filter)))
        _same(found, expected, f"search with the filter {filter}")


def pages_make_the_whole(store: BaseStore) -> None:
    """Pages by limit and offset have nothing twice and leave nothing out, with a filter and without."""
    store.batch([PutOp(("a", str(n % 3)), f"k{n}", {"n": n, "even": n % 2 == 0}) for n in range(23)])
    for filter, total in ((None, 23), ({"even": True}, 12)):
        keys = [
            item.key
            for offset in range(0, 30, 5)
            for item in store.search(("a",), filter=filter, limit=5, offset=offset)
        ]
        _same(len(keys), total, f"items on the pages with the filter {filter}")
        _same(len(set(keys)), total, f"different items on the pages with the filter {filter}")
    _same(store.search(("a",), limit=5, offset=100), [], "a page past the end")
    _same(len(store.search(("a",))), 10, "a search without a limit, which is 10")


def namespaces_are_listed(store: BaseStore) -> None:
    """Namespaces are listed in order, by prefix, suffix and `*`, cut at a depth without doubles, and in pages."""
    for space in [("a", "b", "c"), ("a", "b", "d"), ("a", "x", "c"), ("b",), ("b", "c")]:
        store.batch([PutOp(space, key, {"key": key}) for key in ("k1", "k2")])
    listed = store.list_namespaces
    everything = [("a", "b", "c"), ("a", "b", "d"), ("a", "x", "c"), ("b",), ("b", "c")]
    _same(listed(), everything, "all, in order")
    _same(listed(prefix=("a", "b")), everything[:2], "a prefix")
    _same(listed(prefix=("a", "*", "c")), [everything[0], everything[2]], "a prefix with a wildcard")
    _same(listed(suffix=("c",)), [everything[0], everything[2], everything[4]], "a suffix")
    _same(listed(suffix=("*", "c")), [everything[0], everything[2], everything[4]], "a suffix with a wildcard")
    _same(listed(prefix=("a",), suffix=("d",)), [everything[1]], "prefix and suffix")
    _same(listed(max_depth=2), [("a", "b"), ("a", "x"), ("b",), ("b", "c")], "cut at depth 2")
    _same(listed(prefix=("a",), max_depth=1), [("a",)], "cut at depth 1")
    _same(listed(limit=2, offset=1), everything[1:3], "a page")
    deep = MatchCondition("prefix", ("a", "b", "c", "d"))
    _same(store.batch([ListNamespacesOp((deep,))]), [[]], "a pattern that is longer than any namespace")


def async_is_the_same(store: BaseStore) -> None:
    """What is written through the asynchronous methods is read through the others, and the other way round."""

    async def tell() -> tuple[Any, list[Any], list[Any]]:
        await store.aput(("a",), "later", {"n": 1})
        await store.adelete(("a",), "now")
        item = await store.aget(("a",), "later")
        return item, await store.asearch(("a",)), await store.alist_namespaces()

    store.put(("a",), "now", {"n": 0})
    item, found, spaces = asyncio.run(tell())
    _same(
        (_value(item), _found(found), spaces), ({"n": 1}, [(("a",), "later")], [("a",)]), "as the async methods see it"
    )
    _same(_value(store.get(("a",), "later")), {"n": 1}, "as the sync methods see it")


def without_index_is_still_kept(store: BaseStore) -> None:
    """An item put with `index=False` is got, searched by filter and listed like any other."""
    store.put(("a",), "k", {"n": 1}, index=False)
    _same(_value(store.get(("a",), "k")), {"n": 1}, "by get")
    _same(_found(store.search(("a",), filter={"n": 1})), [(("a",), "k")], "by filter")


def nearest_comes_first(store: BaseStore) -> None:
    """A search with a query gives the nearest first, with scores that fall; the same text is nearest of all."""
    store.batch([PutOp(("a",), f"k{n}", {"text": text}, ["text"]) for n, text in enumerate(_TEXTS)])
    for n, text in enumerate(_TEXTS):
        found = store.search(("a",), query=text)
        scores = [item.score for item in found if item.score is not None]
        _same(found[0].key, f"k{n}", f"the nearest to {text!r}")
        _same(scores, sorted(scores, reverse=True), "scores that fall")
        _same(len(scores), len(_TEXTS), "scored items")


def meaning_keeps_filter_and_prefix(store: BaseStore) -> None:
    """A query changes the order of what prefix and filter leave, not what they leave; pages go on where they ended."""
    store.batch([PutOp(("a", str(n % 2)), f"k{n}", {"text": text, "n": n}) for n, text in enumerate(_TEXTS)])
    found = store.search(("a", "0"), query=_TEXTS[1], filter={"n": {"$gt": 0}})
    _same(sorted(item.key for item in found), ["k2", "k4"], "filtered and below the prefix")
    keys = [item.key for at in range(6) for item in store.search(("a",), query=_TEXTS[0], limit=1, offset=at)]
    _same(sorted(keys), ["k0", "k1", "k2", "k3", "k4"], "pages of one")


def a_changed_text_is_found_anew(store: BaseStore) -> None:
    """After a put over it an item is found by its new text; after deleting it is not found."""
    store.put(("a",), "k", {"text": _TEXTS[0]}, ["text"])
    store.put(("a",), "other", {"text": _TEXTS[1]}, ["text"])
    store.put(("a",), "k", {"text": _TEXTS[2]}, ["text"])
    _same(store.search(("a",), query=_TEXTS[2])[0].key, "k", "the nearest to the new text")
    store.delete(("a",), "k")
    _same(_found(store.search(("a",), query=_TEXTS[2])), [(("a",), "other")], "what is left")


def without_index_has_no_score(store: BaseStore) -> None:
    """An item put with `index=False` comes after the scored ones in a search by meaning, without a score."""
    store.put(("a",), "hidden", {"text": _TEXTS[0]}, index=False)
    store.put(("a",), "shown", {"text": _TEXTS[1]}, ["text"])
    found = store.search(("a",), query=_TEXTS[0])
    _same([item.key for item in found], ["shown", "hidden"], "scored ones first")
    _same(found[1].score, None, "the score of what was not indexed")


STORE_LAWS: tuple[Law, ...] = (
    results_follow_operations, reads_see_what_was_before_the_batch, last_put_wins, put_replaces_the_value,
    put_none_deletes, keys_belong_to_their_namespace, values_come_back_equal, times_go_forward,
    search_goes_below_a_prefix, filters_compare_values, pages_make_the_whole, namespaces_are_listed,
    async_is_the_same, without_index_is_still_kept,
)  # fmt: skip
"""What every store does."""

MEANING_LAWS: tuple[Law, ...] = (
    nearest_comes_first,
    meaning_keeps_filter_and_prefix,
    a_changed_text_is_found_anew,
    without_index_has_no_score,
)
"""What a store does besides that searches by meaning; its embedder must tell five unlike sentences apart."""

_TEXTS = (
    "parental leave is sixteen weeks",
    "invoices are paid within thirty days",
    "the server room is locked at night",
    "bring your dog on fridays",
    "travel is booked by train where that takes less than six hours",
)


def _fruit(store: BaseStore) -> None:
    store.batch([PutOp(FRUIT, key, value) for key, value in VALUES.items()])


def _spaces(store: BaseStore, prefix: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {item.namespace for item in store.search(prefix, limit=100)}


def _found(items: Any) -> list[tuple[tuple[str, ...], str]]:
    return [(tuple(item.namespace), item.key) for item in items]


def _value(item: Any) -> Any:
    return None if item is None else item.value


def _same(found: Any, expected: Any, said: str) -> None:
    if found != expected:
        raise AssertionError(f"{said}: expected {expected!r}, found {found!r}")


def _holds(condition: bool, said: str) -> None:
    if not condition:
        raise AssertionError(f"{said}: it is not so")
