"""Law: what a step will touch is written down before it runs: its files, counts, effect, undo and estimate."""

from __future__ import annotations

import pytest
from planner_kit import EMBEDDER, USER, World

from milepost import Milepost
from milepost.agents.documenter import plan_document, step_document
from milepost.agents.executor import journey_id_of
from milepost.store.plan import Plan, canonical_json
from milepost.store.policy import Policy


def contexts(plan: Plan) -> dict[str, dict[str, object]]:
    """The context of each step's document, by action."""
    documents = [step_document(plan, step) for step in plan.steps]
    return {document.content["action"]: document.content["context"] for document in documents}


def test_a_plan_document_holds_the_plan(world: World) -> None:
    """Its id is the plan's; it has the proposal's fields, and belongs to the journey that the plan becomes."""
    world.write("a.md", "Text.")
    plan = world.plan()
    document = plan_document(plan)
    wanted = {"plan_id", "journey_type", "steps", "estimated_time", "resources", "generated_at", "files", "summary"}
    assert wanted <= document.content.keys()
    assert (document.document_id, document.metadata, document.tenant) == (
        plan.plan_id,
        {"type": "execution_plan"},
        "default",
    )
    assert document.journey_id == journey_id_of(plan)


def test_a_step_document_says_what_will_be_touched(world: World) -> None:
    """Upload counts bytes, parse chunks, embed vectors, expose what comes and what goes."""
    world.write("new.md", "New text.")
    world.write("old.md", "Old text.")
    world.ingest(world.docs / "old.md")
    world.write("old.md", "Changed text, longer than it was.")
    world.write("twin.md", "New text.")
    world.write("empty.md", "")
    told = contexts(world.plan())
    names = {action: [file["source"] for file in context["files"]] for action, context in told.items()}  # type: ignore[index, attr-defined] # a list of dicts
    assert names["upload"] == names["parse"] == names["embed"] == ["new.md", "old.md"]
    assert names["expose"] == ["new.md", "old.md", "twin.md"]
    assert told["upload"]["bytes"] == len("New text.") + len("Changed text, longer than it was.")
    assert (told["parse"]["chunks"], told["embed"]["embeddings"]) == (2, 2)
    assert (told["expose"]["chunks_added"], told["expose"]["chunks_removed"]) == (2, 1)
    assert told["upload"]["rollback_handler"] == "delete_uploaded_file"
    assert told["expose"]["milestone"] == "expose_complete"
    assert all(context["estimate"] and context["exact"] and context["effect"] for context in told.values())


def test_the_same_step_of_the_same_plan_has_one_document(world: World) -> None:
    """Written again after a crash it takes the place of the first; another plan's is another."""
    world.write("a.md", "Text.")
    first, again = world.plan(), world.plan()
    ids = [step_document(first, step).document_id for step in first.steps]
    assert ids == [step_document(again, step).document_id for step in again.steps]
    assert len(set(ids)) == 4
    assert all(id.startswith("forward_doc_") for id in ids)
    world.write("a.md", "Other text.")
    other = world.plan()
    assert not set(ids) & {step_document(other, step).document_id for step in other.steps}


def test_documents_stay_small_however_many_files_there_are(world: World) -> None:
    """A hundred files are named and the rest counted; the plan itself has all of them."""
    for number in range(103):
        world.write(f"n{number:03}.md", "")
    plan = world.plan()
    added = [file.model_copy(update={"action": "add", "reason": None, "detail": None}) for file in plan.files]
    many = plan.model_copy(update={"files": tuple(added * 10)}).sealed()
    for document in (plan_document(many), step_document(many, many.steps[0])):
        assert len(canonical_json(document.content)) < 60_000
    assert plan_document(many).content["files_left_out"] == 930
    assert contexts(many)["upload"]["files_left_out"] == 930
    assert contexts(many)["upload"]["file_count"] == 1030


def test_unchanged_files_are_counted_and_not_named(world: World) -> None:
    """A plan's document names what moves: of what stays as it is, only how much."""
    world.write("a.md", "Text.")
    plan = world.plan()
    still = plan.files[0].model_copy(update={"action": "skip", "reason": "unchanged", "source": "b.md"})
    document = plan_document(plan.model_copy(update={"files": (*plan.files, still)}).sealed())
    assert [file["source"] for file in document.content["files"]] == ["a.md"]
    assert document.content["files_left_out"] == 1


def test_a_removal_is_documented_with_what_goes(world: World) -> None:
    """Without undo its effect says so."""
    from milepost.agents.planner import draft_removal

    world.write("a.md", "Text.")
    world.ingest()
    with world.services() as services:
        plan = draft_removal(services, "hr", "a.md", Policy.none())
    context = contexts(plan)["remove"]
    assert (context["chunks_removed"], context["file_count"], context["effect"]) == (1, 1, "irreversible")


def test_every_step_says_what_it_reads_writes_replaces_and_how_it_is_undone(world: World) -> None:
    """In a sentence each, for people too; without rollback nothing is promised."""
    world.write("a.md", "# A\n\nOld.\n")
    world.ingest()
    world.write("a.md", "# A\n\nNew.\n")
    plan = world.plan()
    by_action = {step.action: step_document(plan, step).content for step in plan.steps}
    for content in by_action.values():
        assert all(content["context"][name] for name in ("reads", "writes", "replaces", "undone_by"))
        assert content["context"]["reads"].split(",")[0] in content["markdown"]
    assert by_action["expose"]["context"]["replaces"] == "1 source, 1 chunk"
    assert by_action["upload"]["context"]["undone_by"] == "its handler delete_uploaded_file"
    bare = world.plan(policy=Policy.none())
    undone = {step_document(bare, step).content["context"]["undone_by"] for step in bare.steps}
    assert undone <= {"nothing: rollback is off by policy", "nothing: it cannot be undone"}


def test_the_whole_is_forecast_in_every_figure_with_its_basis(world: World) -> None:
    """Time, embeddings, chunks, model calls, tokens, money, disk, memory; what was counted is no interval."""
    world.write("a.md", "# A\n\nText.\n")
    told = plan_document(world.plan()).content
    figures = told["forecast"]
    assert set(figures) == {
        "seconds", "embeddings", "chunks", "model_calls", "tokens", "money", "disk_bytes", "memory_bytes",
    }  # fmt: skip
    for name, figure in figures.items():
        assert figure["basis"], name
        assert figure["p50"] is None or figure["p10"] <= figure["p50"] <= figure["p90"], name
    assert (figures["embeddings"]["p10"], figures["embeddings"]["p90"]) == (1, 1)
    assert figures["money"]["basis"] == "no price is configured"
    assert "| memory bytes |" in told["markdown"]


@pytest.mark.parametrize(
    "request_", ["undo the last import", "hide a.md", "remove a.md from the kb", "what is in there?"]
)
def test_no_step_of_ours_is_unknown(world: World, request_: str) -> None:
    """Going back, hiding, removing and answering say in their own words what they touch, as the steps of an ingest."""
    world.write("a.md", "# A\n\nText.\n")
    world.ingest()
    with Milepost(world.home_path, policy="rollback", embedder=EMBEDDER, user=USER) as milepost:
        plan = milepost.plan([], kb="hr", request=request_)
    [step] = plan.steps
    said = step_document(plan, step).content["context"]
    replaces = {"rollback": "1 journey to undo: 1 chunk to go, 0 come back", "report": "nothing",
                "remove": "1 source by nothing, 1 chunk"}  # fmt: skip
    assert said["replaces"] == replaces.get(
        step.action, "1 source that nobody finds any more, 1 chunk; the content stays"
    )
    assert "unknown to Milepost" not in f"{said} {plan_document(plan).content['markdown']}"
    undone = "nothing: it changes nothing" if step.action == "report" else "going back to the revision before"
    assert said["undone_by"] == undone


def test_money_is_what_models_and_embeddings_cost(world: World) -> None:
    """By the prices of the policy, each named; what is counted by length is an interval."""
    world.write("a.md", "# A\n\n" + "A sentence of this text. " * 40)
    priced = world.plan(policy=Policy.rollback(budget={"price_embedding": 10.0}))
    figure = plan_document(priced).content["forecast"]["money"]
    assert figure["p50"] == priced.resources["cost"] > 0
    assert figure["p10"] < figure["p50"] < figure["p90"] and "price_embedding" in figure["unit"]
    origin = priced.origin.model_copy(update={"cost": 0.5})
    both = plan_document(priced.model_copy(update={"origin": origin})).content["forecast"]["money"]
    assert both["p50"] == pytest.approx(0.5 + figure["p50"]) and "ai.price" in both["unit"]


def test_what_came_of_it_stands_beside_it(world: World) -> None:
    """After the journey the same documents hold its status, its seconds, and what each step did."""
    world.write("a.md", "# A\n\nText.\n")
    journey = world.ingest(policy=Policy.full(approval="never"))
    with Milepost(world.home_path, embedder=EMBEDDER, user=USER) as milepost:
        plan = next(one["content"] for one in milepost.documents(type="execution_plan"))
        steps = {one["content"]["action"]: one["content"] for one in milepost.documents(type="forward_documentation")}
    assert plan["came_of_it"]["status"] == "completed"
    assert plan["came_of_it"]["outcomes"] == {"added": 1}
    assert plan["forecast"]["embeddings"]["p50"] == plan["came_of_it"]["embeddings"] == 1
    assert {content["came_of_it"]["status"] for content in steps.values()} == {"done"}
    assert steps["expose"]["came_of_it"]["did"][0]["revision"] == journey.revision_after
