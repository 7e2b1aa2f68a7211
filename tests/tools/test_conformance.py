"""Law: the kit passes what conforms, killed at every line, and says of the rest which law it breaks, and where."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from milepost import Receipt, StepContext, Undo, step
from milepost.tools.conformance import NotConforming, check_embedder, check_step
from milepost.tools.embedders import FakeEmbedder, make_embedder
from milepost.tools.user_steps import UserStep

ROOT = Path(__file__).parents[2]
for folder in ("examples", "tests/laws"):
    sys.path.append(str(ROOT / folder))

import orders_over_http  # noqa: E402
import own_world  # noqa: E402
import rows_into_sqlite  # noqa: E402

PROCESS = pytest.mark.parametrize("process", [False, pytest.param(True, marks=pytest.mark.nightly)])


@PROCESS
def test_the_steps_of_our_own_tests_conform(tmp_path: Path, process: bool) -> None:
    """What the laws about effects stand on is sound itself."""
    world = own_world.World(tmp_path)
    world.set("a", "old")
    kills = check_step(own_world.put, {**world.args, "name": "a"}, state=world.state, process=process)
    kills += check_step(own_world.blind, {**world.args, "name": "b"}, state=world.state, process=process)
    assert kills > 50 and world.state() == {"a": "old"}


@PROCESS
def test_rows_into_sqlite_conform(tmp_path: Path, process: bool) -> None:
    """A table made and rows loaded, in a table that has others' rows already."""
    args = {"database": str(tmp_path / "shop.db"), "table": "fruit"}

    def state() -> Any:
        with closing(sqlite3.connect(args["database"])) as db:
            return list(db.iterdump())

    columns = ["name", "price"]
    assert check_step(rows_into_sqlite.make_table, {**args, "columns": columns}, state=state, process=process) > 20
    with closing(sqlite3.connect(args["database"])) as db, db:
        db.execute("CREATE TABLE fruit (name, price, load_key)")
        db.execute("INSERT INTO fruit VALUES ('pear', 4, 'theirs')")
    rows = [{"name": "apple", "price": 3}, {"name": "plum", "price": 8}]
    assert check_step(rows_into_sqlite.load_rows, {**args, "rows": rows}, state=state, process=process) > 50


@PROCESS
def test_orders_over_http_conform(process: bool) -> None:
    """Created once for a key, found by it where the receipt is missing, and deleted."""
    with orders_over_http.open_shop() as shop:

        def state() -> Any:
            return sorted((thing["kind"], thing["name"]) for thing in shop.things.values())

        args = {"url": shop.url, "kind": "customers", "name": "Ada"}
        assert check_step(orders_over_http.create, args, state=state, process=process) > 20


WORLD: dict[str, Any] = {}


def broken(
    run: Callable[[StepContext, str], Any] | None = None,
    undo: Callable[[Undo], None] | None = None,
    look: Callable[[Any], Any] | None = None,
) -> UserStep[..., Any]:
    """A step that keeps a name in WORLD, with one part of it replaced."""

    @step("keep")
    def keep(ctx: StepContext, name: str) -> Any:
        if run is not None:
            return run(ctx, name)
        WORLD[name] = "kept"
        return Receipt(target={"name": name}, post="kept")

    keep.undoes(undo or (lambda undo: WORLD.pop(undo.args["name"], None) and None))
    keep.observes(look or (lambda target: WORLD.get(target["name"])))
    return keep


def _counts(ctx: StepContext, name: str) -> Receipt:
    WORLD[name] = WORLD.get(name, 0) + 1
    return Receipt(target={"name": name}, post=WORLD[name])


def _counts_down(undo: Undo) -> None:
    name = undo.args["name"]
    WORLD[name] = WORLD[name] - 1
    if not WORLD[name]:
        del WORLD[name]


def _in_two_places(ctx: StepContext, name: str) -> Receipt:
    WORLD[name] = "kept"
    WORLD[f"{name}, too"] = ctx.key
    return Receipt(target={"name": name}, post="kept")


def _first_place_last(undo: Undo) -> None:
    if undo.args["name"] in WORLD:
        del WORLD[undo.args["name"]]
        del WORLD[f"{undo.args['name']}, too"]


@pytest.mark.parametrize(
    ("made", "law", "said"),
    [
        (broken(), None, ""),
        (broken(undo=lambda undo: None), "undo(do(x)) restores what was there", "found     {'x': 'kept'}"),
        (broken(undo=lambda undo: WORLD.clear()), None, ""),
        (broken(undo=lambda undo: WORLD.__delitem__(undo.args["name"])), "undoing twice is undoing once", "KeyError"),
        (
            broken(undo=lambda undo: WORLD.pop(undo.receipt.post and "x", None) and None),  # type: ignore[union-attr] # the fault
            "undoing what was never done changes nothing",
            "AttributeError",
        ),
        (broken(look=lambda target: "something else"), "the observer sees what the receipt says", "something else"),
        (broken(run=lambda ctx, name: "done"), "a step returns a Receipt", "'done'"),
        (broken(run=lambda ctx, name: Receipt({"o": object()})), "a receipt is JSON", "object"),
        (broken(run=_in_two_places, undo=_first_place_last), "killed while doing, it is undone", "in the step, line "),
        (broken(run=_counts, undo=_counts_down), "undoing twice is undoing once", "KeyError"),
    ],
)
def test_what_is_broken_is_named(made: UserStep[..., Any], law: str | None, said: str) -> None:
    """Which law, with what arguments, what was expected and found, and at which line it was killed."""
    WORLD.clear()
    if law is None:
        assert check_step(made, {"name": "x"}, state=lambda: dict(WORLD)) > 0
        return
    with pytest.raises(NotConforming) as failed:
        check_step(made, {"name": "x"}, state=lambda: dict(WORLD))
    assert failed.value.law == law and said in str(failed.value), str(failed.value)
    assert "keep breaks the law" in str(failed.value) and "with      {'name': 'x'}" in str(failed.value)


def test_what_was_found_is_said_also_where_it_is_next_to_nothing() -> None:
    """An empty text is not nothing: the report has both, as they are."""
    told = str(NotConforming("keep", "law", {"name": "x"}, expected=None, found=""))
    assert told.splitlines()[1:] == ["  with      {'name': 'x'}", "  expected  nothing there", "  found     ''"]
    assert "found     nothing there" in str(NotConforming("keep", "law", expected="x", found=None))


def test_a_step_without_an_undo_has_nothing_to_prove() -> None:
    """It is irreversible, and the report says what is missing."""

    @step("shout")
    def shout(ctx: StepContext) -> Receipt:
        return Receipt({})

    with pytest.raises(NotConforming, match=r"there is no @shout\.undoes"):
        check_step(shout, {}, state=lambda: None)


def test_what_only_a_real_kill_shows(tmp_path: Path) -> None:
    """A step that tidies up in `finally` passes where an exception ends it, and fails where the process dies."""
    if not hasattr(os, "fork"):
        pytest.skip("no os.fork here")
    lock, made = tmp_path / "lock", tmp_path / "made"

    @step("tidy")
    def tidy(ctx: StepContext) -> Receipt:
        lock.touch()
        try:
            made.touch()
        finally:
            lock.unlink()
        return Receipt(target={}, post=None)

    @tidy.undoes
    def untidy(undo: Undo) -> None:
        made.unlink(missing_ok=True)

    def state() -> Any:
        return sorted(path.name for path in tmp_path.iterdir())

    with pytest.raises(NotConforming, match="killed while doing"):
        check_step(tidy, {}, state=state, process=True)


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text("abc", min_size=1, max_size=3), text=st.text(max_size=20))
def test_it_can_be_called_for_any_arguments(tmp_path: Path, name: str, text: str) -> None:
    """Under Hypothesis the same call is a property of the step."""
    world = own_world.World(tmp_path / "world")
    text = text.encode("utf-8", "replace").decode().replace("\r", "")
    check_step(own_world.put, {**world.args, "name": name, "text": text}, state=world.state)


@pytest.mark.parametrize("make", [lambda: FakeEmbedder(16), lambda: make_embedder("wordllama")])
def test_our_embedders_conform(make: Callable[[], Any]) -> None:
    """The one for tests, and the one that is built in."""
    check_embedder(make)


def _noise() -> Any:
    return np.float32(1 + np.random.default_rng().random())


class _Twisted(FakeEmbedder):
    """An embedder with one fault."""

    def __init__(self, twist: Callable[[Any, list[str]], Any]) -> None:
        super().__init__(16)
        self._twist = twist

    def embed(self, texts: list[str]) -> Any:
        return self._twist(super().embed(texts), texts)


@pytest.mark.parametrize(
    ("twist", "law"),
    [
        (lambda vectors, texts: vectors.astype(np.float64), "its vectors are float32"),
        (lambda vectors, texts: vectors[:, :8], "one vector for each text, also of none"),
        (lambda vectors, texts: vectors * np.float32("nan"), "its vectors are finite"),
        (lambda vectors, texts: vectors * 0, "no vector is zero"),
        (
            lambda vectors, texts: vectors + np.float32(np.random.default_rng().random()),
            "the same text has the same vector",
        ),
        (lambda vectors, texts: np.ones_like(vectors), "different texts have different vectors"),
        (lambda vectors, texts: vectors * np.float32(len(texts)), "a text's vector does not depend on its batch"),
    ],
)
def test_a_broken_embedder_is_named(twist: Callable[[Any, list[str]], Any], law: str) -> None:
    """Each fault by the law that it breaks."""
    with pytest.raises(NotConforming) as failed:
        check_embedder(lambda: _Twisted(twist))
    assert failed.value.law == law
