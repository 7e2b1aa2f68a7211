"""Law: a plan says what its journey then does; one world has one plan; making it changes no kb."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from planner_kit import EMBEDDER, USER, World, actions, by_source

from milepost import Milepost
from milepost.agents.planner import PlanRequest, draft, draft_removal, input_blobs, judge, planner_for
from milepost.store.errors import NotFound, PlanRejected, UsageError
from milepost.store.policy import Policy
from milepost.store.records import JourneyStatus, Progress, UserContext
from milepost.tools.sandbox import ParserPool

TERMS = "# Terms\n\nEverybody gets thirty days of holiday.\n"
OUTCOMES = {"add": "added", "replace": "replaced", "remove": "removed", "skip": "skipped", "reject": "rejected"}


def test_a_new_file_is_added_with_its_exact_facts(world: World) -> None:
    """Path as given, source inside the folder, hash and size of the raw file, media type and exact chunks."""
    path = world.write("policies/terms.md", TERMS)
    plan = world.plan()
    file = by_source(plan)["policies/terms.md"]
    assert (file.action, file.path, file.sha256) == ("add", str(path), hashlib.sha256(TERMS.encode()).hexdigest())
    assert (file.bytes, file.media_type, file.chunks, file.estimated) == (len(TERMS), "text/markdown", 1, False)
    assert plan.summary.add == 1
    assert plan.resources["embeddings"] == 1
    assert plan.resources["bytes"] == len(TERMS)


def test_the_steps_validate_without_a_warning_under_every_preset(world: World) -> None:
    """Upload, parse, embed, expose; the upload's undo is there exactly where the policy can undo."""
    world.write("terms.md", TERMS)
    for policy in (Policy.none(), Policy.rollback(), Policy.documentation(), Policy.full()):
        plan = world.plan(policy=policy)
        judged = judge(plan, policy)
        assert judged.valid and not judged.warnings, judged
        assert [step.action for step in plan.steps] == ["upload", "parse", "embed", "expose"]
        assert [step.milestone for step in plan.steps][-1] == "expose_complete"
        assert plan.steps[0].rollback_handler == ("delete_uploaded_file" if policy.restorable else None)


def test_the_same_request_in_the_same_world_is_the_same_plan(world: World) -> None:
    """The id comes from what the plan says; time does not change it, another content does."""
    world.write("terms.md", TERMS)
    first, second = world.plan(), world.plan()
    assert first.plan_id == second.plan_id
    assert first.generated_at != second.generated_at
    world.write("terms.md", TERMS + "More.\n")
    assert world.plan().plan_id != first.plan_id


def test_planning_makes_no_kb_and_changes_none(world: World) -> None:
    """Before the first ingest there is no kb after planning; afterwards its digest stays."""
    world.write("terms.md", TERMS)
    world.plan()
    with world.services() as services:
        assert services.home.knowledge.find("default", "hr") is None
    world.ingest()
    with Milepost(world.home_path, embedder=EMBEDDER, user=USER) as milepost:
        before = milepost.kb_digest("hr")
    world.write("terms.md", "Something else.")
    world.write("more.md", "Something new.")
    world.plan()
    with Milepost(world.home_path, embedder=EMBEDDER, user=USER) as milepost:
        assert milepost.kb_digest("hr") == before


def test_an_unchanged_file_costs_a_hash_and_nothing_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is parsed again, not even looked up: the parser is not called and the parse cache is not read."""
    world.write("terms.md", TERMS)
    world.ingest()

    def forbidden(*_: Any, **__: Any) -> Any:
        raise AssertionError("read again")

    monkeypatch.setattr(ParserPool, "parse", forbidden)
    monkeypatch.setattr("milepost.store.content.Content.parsed", forbidden)
    file = by_source(world.plan())["terms.md"]
    assert (file.action, file.reason, file.chunks) == ("skip", "unchanged", 1)


def test_a_changed_file_replaces_and_says_how_much_goes(world: World) -> None:
    """The chunks that people see of the source now are counted; a changed chunk size replaces as well."""
    text = "\n\n".join(f"# Part {number}\n\n" + "word " * 150 for number in range(5))
    world.write("long.md", text)
    world.ingest()
    shown = by_source(world.plan())["long.md"].chunks
    world.write("long.md", TERMS)
    file = by_source(world.plan())["long.md"]
    assert (file.action, file.chunks, file.chunks_replaced) == ("replace", 1, shown)
    world.write("long.md", text)
    again = by_source(world.plan(policy=Policy.rollback(chunk={"size": 300})))["long.md"]
    assert (again.action, again.chunks_replaced) == ("replace", shown)
    assert again.chunks > shown


def test_the_same_content_twice_is_skipped_and_said(world: World) -> None:
    """Inside one plan the first name holds it; beside the kb the source that has it."""
    world.write("a.md", TERMS)
    world.write("b.md", TERMS)
    first = by_source(world.plan())
    assert (first["a.md"].action, first["b.md"].action, first["b.md"].reason) == ("add", "skip", "duplicate")
    assert first["b.md"].detail == "same content as a.md"
    world.ingest(world.docs / "a.md")
    assert actions(world.plan()) == {"a.md": "skip unchanged", "b.md": "skip duplicate"}


def test_content_that_leaves_its_source_is_no_twin(world: World) -> None:
    """Two files that swap contents are both replaced: neither is a copy of what goes away."""
    world.write("a.md", TERMS)
    world.write("b.md", "Other text.")
    world.ingest()
    world.write("a.md", "Other text.")
    world.write("b.md", TERMS)
    assert actions(world.plan()) == {"a.md": "replace", "b.md": "replace"}
    world.write("c.md", TERMS)
    assert world.ingest().status == JourneyStatus.COMPLETED


def test_a_renamed_file_beside_a_changed_one_is_added(world: World) -> None:
    """The old content moves to a new name while its old name gets another: added, and the journey completes."""
    world.write("a.md", TERMS)
    world.ingest()
    world.write("moved.md", TERMS)
    world.write("a.md", "Other text.")
    assert actions(world.plan()) == {"a.md": "replace", "moved.md": "add"}
    assert world.ingest().status == JourneyStatus.COMPLETED


def test_a_file_that_gives_no_text_is_rejected_with_its_reason(world: World) -> None:
    """Each reason is a code with a sentence; the good file beside them is planned all the same."""
    world.write("empty.md", "")
    world.write("noise.bin", bytes(range(256)) * 20)
    world.write("good.md", TERMS)
    files = by_source(world.plan())
    assert files["empty.md"].reason == "empty"
    assert files["noise.bin"].action == "reject" and files["noise.bin"].reason and files["noise.bin"].detail
    assert files["good.md"].action == "add"
    assert actions(world.plan()) == actions(world.plan())


def test_a_file_that_changes_while_it_is_read_is_rejected(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between hash and parse the file becomes another one: nothing is cached under the wrong hash."""
    path = world.write("terms.md", TERMS)
    parse = ParserPool.parse

    def meddling(self: ParserPool, *args: Any, **more: Any) -> Any:
        path.write_text("quite another text")
        return parse(self, *args, **more)

    monkeypatch.setattr(ParserPool, "parse", meddling)
    assert by_source(world.plan())["terms.md"].reason == "changed_while_reading"
    monkeypatch.undo()
    path.write_text(TERMS)
    assert by_source(world.plan())["terms.md"].chunks == 1


@pytest.mark.parametrize(
    ("on_existing", "expected"),
    [
        ("replace", {"terms.md": "replace"}),
        ("skip", {"terms.md": "skip excluded"}),
        ("keep_both", {"terms (2).md": "add"}),
    ],
)
def test_on_existing_decides_about_a_changed_file(world: World, on_existing: str, expected: dict[str, str]) -> None:
    """Replaced, left alone, or kept beside the old one under the next free name."""
    world.write("terms.md", TERMS)
    world.ingest()
    world.write("terms.md", "New terms.")
    policy = Policy.rollback(on_existing=on_existing)
    assert actions(world.plan(policy=policy)) == expected


def test_keep_both_is_done_once(world: World) -> None:
    """The copy that is there already is unchanged; a third content gets the name after it."""
    policy = Policy.rollback(on_existing="keep_both")
    world.write("terms.md", TERMS)
    world.ingest()
    world.write("terms.md", "New terms.")
    world.ingest(policy=policy)
    assert actions(world.plan(policy=policy)) == {"terms (2).md": "skip unchanged"}
    world.write("terms.md", "Newest terms.")
    assert actions(world.plan(policy=policy)) == {"terms (3).md": "add"}


def test_a_missing_file_is_removed_only_where_the_policy_says_so(world: World) -> None:
    """Sources of the folder whose file is gone; what came by itself, or from elsewhere, stays."""
    world.write("a.md", TERMS)
    gone = world.write("b.md", "Second text.")
    elsewhere = world.docs.parent / "elsewhere.md"
    elsewhere.write_text("From elsewhere.")
    world.ingest()
    world.ingest(elsewhere)
    world.ingest(("bytes.md", b"From nowhere."))
    gone.unlink()
    assert "b.md" not in actions(world.plan())
    removing = Policy.rollback(on_missing="remove")
    plan = world.plan(policy=removing)
    assert actions(plan) == {"a.md": "skip unchanged", "b.md": "remove"}
    assert (plan.summary.remove, by_source(plan)["b.md"].chunks) == (1, 1)
    assert actions(world.plan(world.docs / "a.md", policy=removing)) == {"a.md": "skip unchanged"}
    assert actions(world.plan(policy=removing, expose=False)) == {"a.md": "skip unchanged"}


def test_a_copy_of_the_folder_is_the_folder_and_another_folder_is_not(world: World) -> None:
    """With most of the files in it a folder at another place stands for the first one; with few it does not."""
    for name in "abcd":
        world.write(f"{name}.md", f"Text {name}.")
    world.ingest()
    copy, other = world.docs.parent / "copy", world.docs.parent / "other"
    copy.mkdir()
    other.mkdir()
    for name in "abc":
        (copy / f"{name}.md").write_text(f"Text {name}.")
    (other / "a.md").write_text("Another text.")
    removing = Policy.rollback(on_missing="remove")
    assert actions(world.plan(copy, policy=removing))["d.md"] == "remove"
    assert set(actions(world.plan(other, policy=removing))) == {"a.md"}


def test_a_removal_is_a_plan_with_one_step(world: World) -> None:
    """It names the source and its chunks; a misspelt one gets a suggestion; without undo it is irreversible."""
    world.write("terms.md", TERMS)
    world.ingest()
    with world.services() as services:
        plan = draft_removal(services, "hr", "terms.md", Policy.rollback())
        assert [step.action for step in plan.steps] == ["remove"]
        assert judge(plan, Policy.rollback()).valid
        assert (plan.summary.remove, plan.files[0].chunks, plan.steps[0].effect) == (1, 1, "reversible")
        assert draft_removal(services, "hr", "terms.md", Policy.none()).steps[0].effect == "irreversible"
        with pytest.raises(NotFound, match=r"term\.md") as error:
            draft_removal(services, "hr", "term.md", Policy.rollback())
        assert "terms.md" in error.value.cause


@pytest.mark.parametrize(
    ("budget", "figure"), [({"max_files": 1}, "2 files"), ({"max_bytes": 10}, "bytes"), ({"max_chunks": 1}, "2 chunks")]
)
def test_a_plan_beyond_the_budget_is_rejected_with_its_figures(
    world: World, budget: dict[str, int], figure: str
) -> None:
    """Files, bytes and chunks that would be taken; what is unchanged does not count."""
    world.write("a.md", TERMS)
    world.write("b.md", "Second text.")
    with pytest.raises(PlanRejected) as error:
        world.plan(policy=Policy.rollback(budget=budget))
    assert figure in error.value.cause
    world.ingest()
    assert world.plan(policy=Policy.rollback(budget=budget)).summary.skip == 2


def test_beyond_the_time_for_planning_the_rest_is_estimated(world: World) -> None:
    """With no time at all every new file is guessed from its size and marked; read files are exact."""
    world.write("a.md", "word " * 2_000)
    plan = world.plan(policy=Policy.rollback(budget={"plan_seconds": 0}))
    guessed = by_source(plan)["a.md"]
    assert guessed.estimated and guessed.chunks > 1
    assert "~" in plan.render()
    assert not by_source(world.plan())["a.md"].estimated
    cached = world.plan(policy=Policy.rollback(budget={"plan_seconds": 0}))
    assert not by_source(cached)["a.md"].estimated


def test_embeddings_are_counted_once_for_each_text(world: World) -> None:
    """A text that two files share, or that the record has a vector for, is not counted again."""
    shared = "# One\n\n" + " ".join(["alpha"] * 120) + "\n\n# Two\n\n" + " ".join(["beta"] * 120)
    world.write("a.md", shared)
    world.write("b.md", shared + "\n\n# Three\n\n" + "gamma " * 120)
    plan = world.plan()
    assert (plan.resources["embeddings"], sum(file.chunks for file in plan.files)) == (3, 5)
    world.ingest(world.docs / "a.md")
    assert world.plan().resources["embeddings"] == 1


def test_bytes_are_kept_so_that_the_plan_can_be_applied(world: World) -> None:
    """An input that lies in no file is in the blobs after planning, and the plan's inputs name it."""
    pair = ("notes/a.md", TERMS.encode())
    asked = PlanRequest(paths=[pair], kb="hr", request=None, policy=Policy.rollback())
    with world.services() as services:
        plan = draft(services, asked)
        (source, sha256) = input_blobs(plan, asked)[0]
        assert (source, services.home.blobs.has(sha256)) == ("notes/a.md", True)


def test_the_base_is_the_world_that_the_plan_was_made_for(world: World) -> None:
    """Revision, ended journeys, embedder and policy are the kb's as it is now."""
    world.write("a.md", TERMS)
    world.ingest()
    world.write("b.md", "Second.")
    base = world.plan().base
    assert (base.kb_revision, base.journeys_ended) == (1, 1)
    assert (base.embedder, base.policy_digest) == (EMBEDDER.name, Policy.rollback().digest)


def test_no_kb_and_no_files_are_usage_errors(world: World) -> None:
    """The message names the option; a bad kb name is refused too."""
    world.write("a.md", TERMS)
    with pytest.raises(UsageError) as error:
        world.plan(kb=None)
    assert "--kb" in error.value.next
    with pytest.raises(UsageError):
        world.plan(kb=" ")
    with world.services() as services, pytest.raises(UsageError, match="no files"):
        draft(services, PlanRequest(paths=[], kb="hr", request=None, policy=Policy.rollback()))


def test_an_empty_folder_is_a_plan_with_nothing_to_do(world: World) -> None:
    """Nothing to add is no error."""
    plan = world.plan()
    assert plan.files == ()
    assert "Nothing to apply" in plan.render()


def test_without_a_model_the_template_plans_and_says_so(world: World) -> None:
    """Where the policy or the request wants a model the origin is a fallback with its reason."""
    world.write("a.md", TERMS)
    for policy, planner, expected in (
        (Policy.full(), "auto", "fallback"),
        (Policy.rollback(), "ai", "fallback"),
        (Policy.full(), "template", "template"),
        (Policy.rollback(), "auto", "template"),
    ):
        origin = world.plan(policy=policy, planner=planner).origin
        assert origin.planner == expected
        assert (origin.reason == "no model is configured") == (expected == "fallback")
    with pytest.raises(UsageError):
        planner_for(PlanRequest(paths=[], kb="hr", request=None, policy=Policy.none(), planner="oracle"))


def test_tenants_do_not_see_each_others_sources(world: World) -> None:
    """Another tenant's kb of the same name makes no file unchanged."""
    world.write("a.md", TERMS)
    world.ingest()
    asked = PlanRequest(paths=[world.docs], kb="hr", request=None, policy=Policy.rollback())
    with world.services(UserContext(user="eve", tenant="other")) as services:
        plan = draft(services, asked)
    assert (plan.summary.add, plan.tenant, plan.base.kb_revision) == (1, "other", 0)


def test_progress_is_told_in_files(world: World) -> None:
    """Whoever watches hears how many files were hashed and read, up to the last."""
    for number in range(3):
        world.write(f"{number}.md", f"Text {number}.")
    told: list[Progress] = []
    asked = PlanRequest(paths=[world.docs], kb="hr", request=None, policy=Policy.rollback())
    with world.services() as services:
        draft(services, asked, on_progress=told.append)
    assert [(one.step, one.done, one.total) for one in told] == [("hash", 3, 3), ("read", 3, 3)]


CONTENTS = ["", "alpha", "beta", "# One\n\n" + "gamma " * 300, "\x00\xff\x00\xfe" * 40]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.dictionaries(st.sampled_from("abcd"), st.sampled_from(CONTENTS), min_size=1),
    second=st.dictionaries(st.sampled_from("abcd"), st.sampled_from(CONTENTS), min_size=1),
    policy=st.sampled_from([Policy.rollback(), Policy.rollback(on_missing="remove", on_existing="keep_both")]),
)
def test_plan_counts_equal_outcome_counts(
    tmp_path_factory: pytest.TempPathFactory,
    pool: ParserPool,
    first: dict[str, str],
    second: dict[str, str],
    policy: Policy,
) -> None:
    """Whatever changes between two ingests: each file's outcome and chunks, the embeddings, and the kb's chunks."""
    world = World(tmp_path_factory.mktemp("world"), pool)
    for contents in (first, second):
        for path in world.docs.iterdir():
            path.unlink()
        for name, text in contents.items():
            world.write(f"{name}.txt", text)
        plan = world.plan(policy=policy)
        journey = world.ingest(policy=policy)
        assert journey.plan_id == plan.plan_id
        came = {file.source: (file.outcome, file.reason) for file in journey.files}
        assert came == {file.source: (OUTCOMES[file.action], file.reason) for file in plan.files}
        chunks = {f.source: f.chunks for f in journey.files if f.outcome in ("added", "replaced")}
        assert chunks == {f.source: f.chunks for f in plan.files if f.action in ("add", "replace")}
        assert journey.embeddings_computed == plan.resources["embeddings"]


def test_paths_stay_as_given(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is relative in the plan, too."""
    world.write("a.md", TERMS)
    monkeypatch.chdir(world.docs)
    plan = world.plan(Path("a.md"))
    assert (plan.paths, plan.files[0].path) == (("a.md",), "a.md")
