"""Law: how a model's plan says that files are treated is how they are; where its request is careful, so is the plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ai_kit import asked, changed
from planner_kit import World

from milepost.agents.fake_server import Call, Reply, plain_plan, says
from milepost.store.policy import Policy

BOOK = "# One\n\nThe text of one.\n\n# Appendix\n\nThe text of two.\n\n# Three\n\n" + "Clause after clause. " * 40
ROLLBACK = Policy.rollback()


@pytest.fixture
def book(world: World) -> World:
    world.write("book.md", BOOK)
    return world


def planning(step: str, **args: Any) -> Callable[[Call], Reply]:
    """A model that plans everything, with these arguments in one step."""
    return lambda call: says(changed(plain_plan(["all"], call.seen()["kb"]), step, **args))


def found(milepost: Any, **more: Any) -> list[str]:
    return [hit.text for hit in milepost.search("text clause", kb="hr", k=50, **more)]


TREATMENTS: dict[str, tuple[str, dict[str, Any], Callable[[Any], bool]]] = {
    "chunk sizes": ("embed", {"chunk_size": 200, "overlap": 10}, lambda mp: max(map(len, found(mp))) <= 200),
    "one chunk size": ("embed", {"chunk_size": 120}, lambda mp: max(map(len, found(mp))) <= 120),
    "sections left out": ("parse", {"skip_sections": ["appendix"]}, lambda mp: "of two" not in " ".join(found(mp))),
    "an audience": ("expose", {"audience": "legal"},
                    lambda mp: bool(found(mp, audience="legal")) and not found(mp, audience="sales")),
    "a moment to come": ("expose", {"not_before": "2999-01-01T09:00:00", "after": "2999"}, lambda mp: not found(mp)),
    "a moment that was": ("expose", {"not_before": "2019-01-01"}, lambda mp: bool(found(mp))),
}  # fmt: skip


@pytest.mark.parametrize("name", TREATMENTS)
def test_what_a_step_says_is_what_happens(book: World, name: str) -> None:
    """The arguments stay in the plan, it validates, and people find the files as they say."""
    step, args, holds = TREATMENTS[name]
    with asked(book, planning(step, **args), policy=ROLLBACK, planner="ai") as (plan, _, milepost):
        assert plan.origin.planner == "ai", plan.origin.reason
        assert args.items() <= next(one.args for one in plan.steps if one.id == step).items()
        assert milepost.validate(plan).valid
        assert milepost.apply(plan).status == "completed"
        assert holds(milepost)


def test_what_is_to_be_written_on_chunks_is(book: World) -> None:
    """Texts, numbers and truth values, where every program finds them; the source's own name stays."""
    metadata = {"customer": "ACME", "year": 2026, "signed": True, "source": "forged"}
    with asked(book, planning("embed", metadata=metadata), policy=ROLLBACK, planner="ai") as (plan, _, milepost):
        milepost.apply(plan)
        stats = milepost.kb_stats("hr")
        milepost.close()
    import chromadb

    collection = chromadb.PersistentClient(stats.chroma_path).get_collection(str(stats.collection))
    for one in collection.get(include=["metadatas"])["metadatas"] or []:
        assert (one["customer"], one["year"], one["signed"], one["source"]) == ("ACME", "2026", "true", "book.md")


WRONG: dict[str, tuple[str, dict[str, Any]]] = {
    "a size that is none": ("embed", {"chunk_size": -5}),
    "an overlap larger than the size": ("embed", {"chunk_size": 100, "overlap": 100}),
    "pages in words": ("parse", {"pages": "the first two"}),
    "a mark with a bad name": ("embed", {"metadata": {"a b": "c"}}),
    "a mark that is a list": ("embed", {"metadata": {"a": ["b"]}}),
    "an audience out of a step": ("expose", {"audience": {"$ref": "embed", "field": "chunks"}}),
    "a moment in words": ("expose", {"not_before": "next Monday"}),
    "a moment that only words say": ("expose", {"after": "next Monday"}),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_sent_back(book: World, name: str) -> None:
    """Never taken, and never left away in silence; the model mends it in the second answer."""
    step, args = WRONG[name]

    def mending(call: Call) -> Reply:
        return planning(step, **args)(call) if len(call.messages) == 2 else says(plain_plan(["all"], "hr"))

    with asked(book, mending, policy=ROLLBACK, planner="ai") as (plan, server, _):
        assert (plan.origin.planner, plan.origin.attempts) == ("ai", 2)
        assert '"problems": [{' in server.calls[1].messages[-1]["content"]
        assert "pattern" not in server.calls[1].messages[-1]["content"]


def test_text_recognition_is_declined(book: World) -> None:
    """The wish stays in the plan, and the plan says that nobody does it."""
    with asked(book, planning("parse", ocr=True), policy=ROLLBACK, planner="ai") as (plan, _, _m):
        assert [one.what for one in plan.declined] == ["OCR"]


CAREFUL = {
    "for the support team only, please": "expose",
    "upload now, go live next Monday 9am": "expose",
    "how long would it take to ingest these? don't do it yet": "upload",
    "add it, but show me the plan first": "upload",
}


@pytest.mark.parametrize("request_", CAREFUL)
def test_a_model_is_not_less_careful_than_the_request(book: World, request_: str) -> None:
    """It plans to let everybody find everything at once: sent back each time, and the template's plan does not."""
    with asked(book, planning("upload"), policy=ROLLBACK, planner="ai", request=request_) as (plan, server, milepost):
        assert '"code": "excluded_act"' in server.calls[1].messages[-1]["content"]
        assert f'"step": "{CAREFUL[request_]}"' in server.calls[1].messages[-1]["content"]
        assert plan.origin.planner == "fallback"
        if not plan.questions:
            milepost.apply(plan)
        assert milepost.kb_list() == [] or not found(milepost, audience="sales")


def test_a_model_may_answer_in_place_of_acting(book: World) -> None:
    """Asked only how long it would take, it reports; applying that changes nothing."""

    def telling(call: Call) -> Reply:
        step = {"id": "say", "action": "report", "args": {"about": "what it would take"}, "depends_on": []}
        return says({"steps": [step], "questions": []})

    request = "how long would it take to ingest these? don't do it yet"
    with asked(book, telling, policy=ROLLBACK, planner="ai", request=request) as (plan, _, milepost):
        assert (plan.origin.planner, [step.action for step in plan.steps]) == ("ai", ["report"])
        assert milepost.apply(plan).status == "completed"
        assert milepost.kb_list() == []


def test_all_or_nothing_is_for_models_too(book: World) -> None:
    """One of two files is broken: with a model's plan nothing of the two is in, as the request has it."""
    book.write("bad.pdf", b"%PDF-1.4 broken")
    request = "all or nothing on this batch please"
    with asked(book, planning("upload"), policy=ROLLBACK, planner="ai", request=request) as (plan, _, milepost):
        assert plan.origin.planner == "ai", plan.origin.reason
        assert Policy.model_validate(plan.policy).orchestration == "saga"
        assert milepost.apply(plan).status in ("failed", "compensated")
        assert found(milepost) == []


def test_both_stay_where_the_request_says_so(book: World) -> None:
    """A model has no word for it; the request has."""
    book.ingest()
    book.write("book.md", "# One\n\nThe text of another book.\n")
    request = "add the new book but keep the old one too"
    with asked(book, planning("upload"), policy=ROLLBACK, planner="ai", request=request) as (plan, _, milepost):
        assert (plan.origin.planner, plan.summary.add, plan.summary.replace) == ("ai", 1, 0)
        milepost.apply(plan)
        assert "of another book" in " ".join(found(milepost)) and "of two" in " ".join(found(milepost))
