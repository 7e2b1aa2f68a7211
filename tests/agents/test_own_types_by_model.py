"""Law: a model plans steps of a user's own as it plans Milepost's: from the registry, judged, run and undone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from milepost import Milepost, PlanRejected, Policy, Receipt, StepContext, Undo, UsageError, journey_type, step
from milepost import embed as embedding
from milepost import expose as exposing
from milepost import parse as parsing
from milepost import upload as uploading
from milepost.agents.chat_model import ModelEndpoint
from milepost.agents.fake_server import Call, FakeServer, Reply, Script, fails, plain_plan, says
from milepost.tools.embedders import FakeEmbedder

MAP: dict[str, str] = {}


@step("pin", returns=["address"])
def pin(ctx: StepContext, address: str, layer: str = "sites") -> Receipt:
    """Put one place on the map."""
    MAP[address] = layer
    return Receipt(target={"address": address}, post={"address": address})


@pin.undoes
def unpin(undo: Undo) -> None:
    MAP.pop(undo.args["address"], None)


pinning = journey_type("pinning_by_model", steps=[pin])
mixed = journey_type("mixed_by_model", steps=[uploading, parsing, embedding, exposing, pin])


def pins(*args: dict[str, Any]) -> dict[str, Any]:
    """A draft that puts these places on the map, one after the other."""
    steps = [
        {"id": f"pin_{n}", "action": "pin", "args": one, "depends_on": [f"pin_{n - 1}"] if n else []}
        for n, one in enumerate(args)
    ]
    return {"steps": steps, "questions": []}


@contextmanager
def home(tmp_path: Path, script: Script) -> Iterator[tuple[Milepost, FakeServer]]:
    MAP.clear()
    with FakeServer(script) as server:
        endpoint = ModelEndpoint("scripted", base_url=server.url)
        policy = Policy.full(approval="never")
        with Milepost(
            tmp_path / "home", policy=policy, embedder=FakeEmbedder(8), chat_model=endpoint,
            journey_types=(pinning, mixed),
        ) as mp:  # fmt: skip
            yield mp, server


def test_the_models_steps_run_and_are_undone(tmp_path: Path) -> None:
    answer = says(pins({"address": "Berlin"}, {"address": "Rome", "layer": "offices"}))
    with home(tmp_path, [answer]) as (mp, server):
        plan = mp.plan([], kb=None, journey_type="pinning_by_model", request="put Berlin and Rome on the map")
        assert plan.origin.planner == "ai"
        assert [(one.id, one.rollback_handler) for one in plan.steps] == [("pin_0", "undo_pin"), ("pin_1", "undo_pin")]
        told = server.calls[0].seen()
        assert set(told["actions"]) == {"pin"}
        assert told["actions"]["pin"]["does"] == "Put one place on the map."
        done = mp.apply(plan)
        assert done.status == "completed"
        assert MAP == {"Berlin": "sites", "Rome": "offices"}
        assert mp.undo(done).success
        assert MAP == {}


def test_what_was_given_holds(tmp_path: Path) -> None:
    with home(tmp_path, [says(pins({"address": "Berlin", "layer": "secret"}))]) as (mp, server):
        plan = mp.plan([], journey_type="pinning_by_model", request="Berlin, please", args={"layer": "sites"})
        assert server.calls[0].seen()["given"] == {"layer": "sites"}
        assert plan.steps[0].args == {"address": "Berlin", "layer": "sites"}


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"id": "s", "action": "erase_all", "args": {}, "depends_on": []}, "unknown_action"),
        ({"id": "s", "action": "pin", "args": {"address": 3}, "depends_on": []}, "wrong_argument_type"),
        ({"id": "s", "action": "pin", "args": {"address": "x", "price": 1}, "depends_on": []}, "unknown_argument"),
        ({"id": "u", "action": "upload", "args": {"files": ["all"], "kb": "x"}, "depends_on": []}, "unknown_action"),
    ],
)  # fmt: skip
def test_what_is_no_step_of_the_type_is_sent_back(tmp_path: Path, wrong: dict[str, Any], code: str) -> None:
    answers = [says({"steps": [wrong], "questions": []}), says(pins({"address": "Berlin"}))]
    with home(tmp_path, answers) as (mp, server):
        plan = mp.plan([], journey_type="pinning_by_model", request="put Berlin on the map")
        assert plan.origin.planner == "ai" and plan.origin.attempts == 2
        assert code in server.calls[1].body["messages"][-1]["content"]


def test_files_and_steps_of_ones_own_in_one_plan(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Berlin\n\nWe have an office in Berlin.\n")

    def answer(call: Call) -> Reply:
        ingest = plain_plan([call.seen()["files"][0]["handle"]], "hr")
        own = {"id": "pin", "action": "pin", "args": {"address": "Berlin"}, "depends_on": ["expose"]}
        return says({**ingest, "steps": [*ingest["steps"], own]})

    with home(tmp_path, answer) as (mp, _):
        plan = mp.plan([tmp_path / "a.md"], kb="hr", journey_type="mixed_by_model", request="take it in, and pin it")
        assert plan.origin.planner == "ai"
        assert [one.action for one in plan.steps] == ["upload", "parse", "embed", "expose", "pin"]
        done = mp.apply(plan)
        assert done.status == "completed" and MAP == {"Berlin": "sites"}
        assert mp.search("office", kb="hr")
        assert mp.undo(done).success
        assert MAP == {} and not mp.search("office", kb="hr")


def test_a_step_of_ones_own_may_come_before_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Berlin\n\nWe have an office in Berlin.\n")

    def answer(call: Call) -> Reply:
        ingest = plain_plan([call.seen()["files"][0]["handle"]], "hr")
        upload = {**ingest["steps"][0], "depends_on": ["pin"]}
        own = {"id": "pin", "action": "pin", "args": {"address": "Berlin"}, "depends_on": []}
        return says({**ingest, "steps": [own, upload, *ingest["steps"][1:]]})

    with home(tmp_path, answer) as (mp, _):
        plan = mp.plan([tmp_path / "a.md"], kb="hr", journey_type="mixed_by_model", request="pin it, then take it in")
        assert plan.origin.planner == "ai"
        assert [(one.id, one.depends_on) for one in plan.steps[:2]] == [("pin", ()), ("upload", ("pin",))]
        assert mp.apply(plan).status == "completed" and MAP == {"Berlin": "sites"}


def test_what_is_not_to_be_found_yet_no_model_exposes(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# Berlin\n")

    def answer(call: Call) -> Reply:
        return says(plain_plan([call.seen()["files"][0]["handle"]], "hr", expose=False))

    with home(tmp_path, answer) as (mp, server):
        plan = mp.plan([tmp_path / "a.md"], kb="hr", journey_type="mixed_by_model", request="take it", expose=False)
        assert "expose" not in server.calls[0].seen()["actions"]
        assert "expose" not in [one.action for one in plan.steps]


def _given(mp: Milepost, **args: Any) -> Any:
    return mp.plan([], journey_type="pinning_by_model", request="put Berlin on the map", args=args)


def test_without_an_answer_the_template_plans_with_what_was_given(tmp_path: Path) -> None:
    refused: Callable[[Call], Reply] = lambda _: fails(401)  # noqa: E731
    with home(tmp_path, refused) as (mp, _):
        plan = _given(mp, address="Berlin")
        assert plan.origin.planner == "fallback" and "401" in (plan.origin.reason or "")
        assert plan.steps[0].args == {"address": "Berlin"}
        with pytest.raises(PlanRejected):
            _given(mp)


def test_a_type_that_touches_no_kb_takes_none_from_a_model_either(tmp_path: Path) -> None:
    with home(tmp_path, [fails(500)]) as (mp, server):
        with pytest.raises(UsageError, match="takes no kb"):
            mp.plan([], kb="hr", journey_type="pinning_by_model", request="put Berlin on the map")
        assert not server.calls


def test_without_words_no_model_is_asked(tmp_path: Path) -> None:
    with home(tmp_path, [fails(500)]) as (mp, server):
        plan = mp.plan([], journey_type="pinning_by_model", args={"address": "Berlin"})
        assert plan.origin.planner == "template" and not server.calls


def test_a_question_stops_the_plan(tmp_path: Path) -> None:
    asked = says({"steps": [], "questions": [{"about": "address", "text": "Which place?"}]})
    with home(tmp_path, [asked]) as (mp, _):
        plan = mp.plan([], journey_type="pinning_by_model", request="put it on the map")
        assert [one.text for one in plan.questions] == ["Which place?"]
        with pytest.raises(PlanRejected, match="Which place"):
            mp.apply(plan)
