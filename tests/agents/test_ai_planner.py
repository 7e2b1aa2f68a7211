"""Law: an AI plan is what the model chose, judged by the validator; where there is none it is the template's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ai_kit import ASKING, asked, changed, choosing, named, opened
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_openai import ChatOpenAI
from planner_kit import EMBEDDER, USER, World, actions

from milepost import ApprovalRequired, Milepost, UsageError
from milepost.agents.fake_server import Call, FakeServer, Reply, calls, everything, fails, plain_plan, says
from milepost.store.policy import Policy
from milepost.store.records import JourneyStatus


@pytest.fixture
def files(world: World) -> World:
    for name in ("a.md", "b.md", "c.md"):
        world.write(name, f"# {name}\n\nWhat {name} says.\n")
    return world


def test_the_files_that_the_model_chose_are_the_plan(files: World) -> None:
    """Where the request says nothing of the kind, so that the template would take all three; and what runs is this."""
    with asked(files, choosing("c.md", "a.md"), request="whatever the model thinks") as (plan, server, milepost):
        assert (plan.origin.planner, plan.origin.model, plan.origin.attempts) == ("ai", "scripted", 1)
        assert actions(plan) == {"a.md": "add", "b.md": "skip excluded", "c.md": "add"}
        assert plan.steps[0].args["files"] == ["c.md", "a.md"]
        assert len(server.calls) == 1
        journey = milepost.apply(plan)
        assert journey.status == JourneyStatus.COMPLETED
        assert {hit.source for hit in milepost.search("says", kb="hr", k=10)} == {"a.md", "c.md"}


def test_the_models_steps_ids_and_arguments_stay(files: World) -> None:
    """In an order in which they can run, whatever the order of the list; milestones and undo come from the registry."""

    def backwards(call: Call) -> Reply:
        draft = json.loads(json.dumps(plain_plan(["all"], "hr")).replace('"upload"', '"take"'))
        draft["steps"][0]["action"] = "upload"
        return says({**draft, "steps": draft["steps"][::-1]})

    with asked(files, backwards) as (plan, _, milepost):
        assert [step.id for step in plan.steps] == ["take", "parse", "embed", "expose"]
        assert plan.steps[1].args == {"files": {"$ref": "take", "field": "files"}}
        assert plan.steps[0].rollback_handler == "delete_uploaded_file"
        assert plan.steps[0].args["files"] == ["a.md", "b.md", "c.md"]
        assert milepost.apply(plan).status == JourneyStatus.COMPLETED


def test_a_plan_without_expose_stays_staged(files: World) -> None:
    """The model left it out: nobody finds anything, and a resume exposes."""
    with asked(files, choosing("a.md", expose=False)) as (plan, _, milepost):
        assert [step.action for step in plan.steps] == ["upload", "parse", "embed"]
        journey = milepost.apply(plan)
        assert {file.outcome for file in journey.files} == {"staged", "skipped"}
        assert milepost.search("says", kb="hr") == []


def test_a_model_can_remove_what_is_there(files: World) -> None:
    """By the handle of the source; the plan counts what goes, and the journey takes it out."""
    files.ingest()

    def removing(call: Call) -> Reply:
        handle = {one["name"]: one["handle"] for one in call.seen()["kb_state"]["sources"]}["b.md"]
        step = {"id": "out", "action": "remove", "args": {"sources": [handle], "kb": "hr"}, "depends_on": []}
        return says({"steps": [step], "questions": []})

    with FakeServer(removing) as server, opened(files, server) as milepost:
        plan = milepost.plan([], kb="hr", request="take b out")
        assert (plan.summary.remove, plan.steps[0].args["sources"]) == (1, ["b.md"])
        milepost.apply(plan, approve=True)
        assert {hit.source for hit in milepost.search("says", kb="hr", k=10)} == {"a.md", "c.md"}


WRONG: dict[str, tuple[str, Any]] = {
    "an invented action": ("unknown_action", lambda d: {**d, "steps": [{**d["steps"][0], "action": "wipe"}]}),
    "an invented file": ("unknown_file", lambda d: changed(d, "upload", files=["f1", "f99"])),
    "a file by name": ("unknown_file", lambda d: changed(d, "upload", files=["a.md"])),
    "another kb": ("value_not_allowed", lambda d: changed(d, "expose", kb="finance")),
    "other files in a later step": ("files_differ", lambda d: changed(d, "parse", files=["f1"])),
    "an invented argument": ("unknown_argument", lambda d: changed(d, "embed", model="best")),
    "a misleading id": (
        "misleading_id",
        lambda d: json.loads(json.dumps(d).replace('"id": "embed"', '"id": "remove"').replace('["embed"]', '["remove"]')
                             .replace('"$ref": "embed"', '"$ref": "remove"')),
    ),
    "no steps and no question": ("empty_plan", lambda d: {"steps": [], "questions": []}),
    "expose twice": ("repeated_action", lambda d: {**d, "steps": [*d["steps"], {**d["steps"][3], "id": "again"}]}),
    "a wrong order": ("wrong_order", lambda d: {**d, "steps": [*d["steps"][:3], {**d["steps"][3], "depends_on": []}]}),
    "an unknown field": ("malformed_plan", lambda d: {**d, "note": "hello"}),
    "too many steps": ("too_many_steps", lambda d: {**d, "steps": d["steps"] * 100}),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_goes_back_and_is_mended(files: World, name: str) -> None:
    """The second prompt holds the issue's code; the plan is the mended one, of two attempts."""
    code, spoiled = WRONG[name]
    good = plain_plan(["f1", "f2"], "hr")
    with asked(files, [says(spoiled(good)), says(good)]) as (plan, server, _):
        assert (plan.origin.planner, plan.origin.attempts) == ("ai", 2), plan.origin.reason
        assert f'"code": "{code}"' in server.calls[1].messages[-1]["content"]
        assert actions(plan)["c.md"] == "skip excluded"


def test_a_plan_that_stays_invalid_falls_back_after_max_repairs(files: World) -> None:
    """One attempt and `max_repairs` more; the template's plan runs, and the origin says what was wrong."""
    policy = Policy.full(approval="never", ai={"max_repairs": 1})
    with asked(files, [says({"steps": [], "questions": []})], policy=policy) as (plan, server, _):
        assert (plan.origin.planner, plan.origin.attempts, len(server.calls)) == ("fallback", 2, 2)
        assert "empty_plan" in str(plan.origin.reason)
        assert plan.summary.add == 3


def test_the_other_way_is_tried_where_the_first_gives_no_form(files: World) -> None:
    """JSON schema first; an empty answer is a failure, and then function calling is asked for."""
    with asked(files, [says(None), calls(plain_plan(["f2"], "hr"))]) as (plan, server, _):
        assert plan.origin.planner == "ai"
        assert server.calls[0].body["response_format"]["type"] == "json_schema"
        assert server.calls[1].body["tools"][0]["function"]["name"] == "draft_plan"


def test_questions_stop_a_plan_until_they_are_answered(files: World) -> None:
    """A question of the model's is the plan's; nothing runs."""
    with asked(files, everything, kb=None, request="add these") as (plan, _, milepost):
        assert plan.origin.planner == "ai"
        assert [question.about for question in plan.questions] == ["kb"]
        with pytest.raises(Exception, match="open question"):
            milepost.apply(plan)


def test_a_model_may_name_the_kb_where_nobody_did(files: World) -> None:
    """It takes it from the request; the plan is for that kb."""
    with asked(files, lambda call: says(plain_plan(["all"], "legal")), kb=None, request="into legal") as (plan, _, _m):
        assert (plan.origin.planner, plan.kb) == ("ai", "legal")


def test_a_langchain_model_of_ones_own_is_asked(files: World) -> None:
    """`chat_model=` takes ChatOpenAI, without its own retries, and any other chat model, by the prompt alone."""
    draft = json.dumps(plain_plan(["f3"], "hr"))
    model: Any = FakeListChatModel(responses=[draft])
    with Milepost(files.home_path, policy=ASKING, embedder=EMBEDDER, user=USER, chat_model=model) as milepost:
        assert actions(milepost.plan([files.docs], kb="hr"))["c.md"] == "add"
    with FakeServer([fails(401)]) as server:
        model = ChatOpenAI(model="mine", base_url=server.url, api_key="k", max_retries=5)  # type: ignore[arg-type]  # a plain text will do
        for _ in range(2):
            with Milepost(files.home_path, policy=ASKING, embedder=EMBEDDER, user=USER, chat_model=model) as milepost:
                assert milepost.plan([files.docs], kb="hr").origin.model == "mine"
        assert len(server.calls) == 2


def test_who_plans_is_said_by_argument_and_policy(files: World) -> None:
    """`ai` asks under any policy, `template` never does, `auto` where the policy says so."""
    cases = ((Policy.rollback(), "ai", "ai"), (ASKING, "template", "template"), (Policy.rollback(), "auto", "template"))
    for policy, planner, expected in cases:
        with asked(files, everything, policy=policy, planner=planner) as (plan, server, _):
            assert plan.origin.planner == expected
            assert bool(server.calls) == (expected == "ai")


def test_without_a_model_full_falls_back_and_ai_is_an_error(files: World, tmp_path: Path) -> None:
    """Asked for by name there is no plan to be had; asked for by policy the template stands in."""
    with Milepost(tmp_path / "new", policy=ASKING, embedder=EMBEDDER, user=USER) as milepost:
        plan = milepost.plan([files.docs], kb="hr")
        assert (plan.origin.planner, plan.origin.reason) == ("fallback", "no model is configured")
        with pytest.raises(UsageError, match="no model is configured"):
            milepost.plan([files.docs], kb="hr", planner="ai")


def test_a_plan_not_saved_is_the_models_too(files: World, tmp_path: Path) -> None:
    """Looking without a home makes none, and asks the same model."""
    with FakeServer(choosing("b.md")) as server:
        files.home_path = tmp_path / "nowhere"
        with opened(files, server) as milepost:
            plan = milepost.plan([files.docs], kb="hr", save=False)
        assert (plan.origin.planner, actions(plan)["b.md"]) == ("ai", "add")
        assert not files.home_path.exists()


def test_the_same_answer_is_the_same_plan(files: World) -> None:
    """Attempts, tokens and money are not in the digest."""
    with asked(files, choosing("a.md")) as (first, _, _m):
        pass
    with asked(files, [says("no"), says(plain_plan(["f1"], "hr"))]) as (second, _, _m):
        assert second.plan_id == first.plan_id
        assert second.origin.attempts == 2


def test_tokens_and_money_are_counted(files: World) -> None:
    """As the server counts them, times the policy's prices."""
    policy = Policy.full(approval="never", ai={"price_input": 2.0, "price_output": 10.0})
    draft = says(plain_plan(["f1"], "hr"), tokens=(1_000, 100))
    with asked(files, [says("no", tokens=(1_000, 100)), draft], policy=policy) as (plan, _, _m):
        origin = plan.origin
        assert (origin.calls, origin.input_tokens, origin.output_tokens) == (2, 2_000, 200)
        assert origin.cost == pytest.approx(0.006)


def test_the_capability_asks_the_model(files: World) -> None:
    """`generate_ai_plan`, the proposal's name for it."""
    import asyncio

    with FakeServer(choosing("b.md")) as server, opened(files, server) as milepost:
        made = asyncio.run(
            milepost.planning_capability.generate_ai_plan("data_ingest", {"paths": [files.docs], "kb": "hr"}, {})
        )
        assert made["origin"]["planner"] == "ai"
        assert named(server.calls[0]).keys() == {"a.md", "b.md", "c.md"}


def _taking_away(call: Call) -> Reply:
    """A model that replaces what is there: every file, whatever it is called."""
    return says(plain_plan(["all"], "hr"))


@pytest.mark.parametrize(
    ("policy", "waits"),
    [(Policy.rollback(), True), (Policy.rollback(approval="never"), False), (Policy.rollback(approval="always"), True),
     (Policy(enable_rollback=True), True), (Policy(), True)],
)  # fmt: skip
def test_a_model_that_takes_away_waits_for_a_person(world: World, policy: Policy, waits: bool) -> None:
    """Unless the policy says `never` in so many words; the template's same plan does not wait for it."""
    world.write("a.md", "# A\n\nThe old text.\n")
    world.ingest(policy=policy, approve=True)
    world.write("a.md", "# A\n\nThe new text.\n")
    with asked(world, _taking_away, policy=policy, planner="ai") as (plan, _, milepost):
        assert plan.summary.replace == 1
        if waits:
            with pytest.raises(ApprovalRequired):
                milepost.apply(plan)
            assert "old" in milepost.search("text", kb="hr")[0].text
            assert len(milepost.approvals()) == 1
        assert milepost.apply(plan, approve=waits).status == JourneyStatus.COMPLETED
        assert "new" in milepost.search("text", kb="hr")[0].text


def test_a_model_that_only_adds_does_not_wait(files: World) -> None:
    """Under the default policy, which asks nobody about that."""
    with asked(files, everything, policy=Policy(), planner="ai") as (plan, _, milepost):
        assert milepost.apply(plan).status == JourneyStatus.COMPLETED


def test_planning_again_asks_the_model_again(files: World) -> None:
    """A stale plan of the model's is not replaced by the template's."""
    with asked(files, choosing("a.md"), policy=Policy.rollback(), planner="ai") as (plan, server, milepost):
        files.write("a.md", "# A\n\nChanged since.\n")
        journey = milepost.apply(plan, replan=True)
        assert len(server.calls) == 2
        assert {file.source for file in journey.files if file.outcome == "added"} == {"a.md"}


def test_what_the_request_excludes_no_model_can_plan(files: World) -> None:
    """It exposes although the words say not to: sent back, and mended; the plan keeps what was excluded."""
    script = [says(plain_plan(["all"], "hr")), says(plain_plan(["all"], "hr", expose=False))]
    with asked(files, script, request="add them, but don't expose anything yet") as (plan, server, milepost):
        assert '"code": "excluded_act"' in server.calls[1].messages[-1]["content"]
        assert (plan.origin.attempts, plan.excludes) == (2, ("expose",))
        assert {file.outcome for file in milepost.apply(plan).files} == {"staged"}


@pytest.mark.parametrize("act", ["hide", "rollback"])
def test_a_model_can_hide_and_go_back(files: World, act: str) -> None:
    """By handles of a source and of a checkpoint; both wait for a person, and then happen."""
    files.ingest()

    def acting(call: Call) -> Reply:
        seen = call.seen()
        source = {one["name"]: one["handle"] for one in seen["kb_state"]["sources"]}["b.md"]
        before = next(one["handle"] for one in seen["checkpoints"] if one["milestone"] == "before_upload")
        args = {"hide": {"sources": [source], "kb": "hr"}, "rollback": {"checkpoint": before}}[act]
        return says({"steps": [{"id": "it", "action": act, "args": args, "depends_on": []}], "questions": []})

    with FakeServer(acting) as server, opened(files, server, Policy.rollback()) as milepost:
        plan = milepost.plan([], kb="hr", request="do it", planner="ai")
        assert plan.origin.planner == "ai", plan.origin.reason
        with pytest.raises(ApprovalRequired):
            milepost.apply(plan)
        assert len(milepost.search("says", kb="hr", k=10)) == 3
        assert milepost.apply(plan, approve=True).status == JourneyStatus.COMPLETED
        left = {hit.source for hit in milepost.search("says", kb="hr", k=10)}
        assert left == ({"a.md", "c.md"} if act == "hide" else set())


def test_in_and_out_by_one_plan_is_sent_back(files: World) -> None:
    """A file that is put in and whose source is taken out: what a step says would not be what happens."""
    files.ingest()

    def torn(call: Call) -> Reply:
        draft = plain_plan(["all"], "hr")
        if len(call.messages) == 2:
            gone = {"sources": ["s1"], "kb": "hr"}
            draft["steps"].append({"id": "out", "action": "remove", "args": gone, "depends_on": []})
        return says(draft)

    with asked(files, torn) as (plan, server, _):
        assert plan.origin.attempts == 2
        assert '"code": "contradiction"' in server.calls[1].messages[-1]["content"]
