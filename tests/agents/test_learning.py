"""Law: what became of journeys comes back: as examples for the model, as hints for people; another tenant's never."""

from __future__ import annotations

from typing import Any

import pytest
from ai_kit import opened
from planner_kit import EMBEDDER, USER, World, actions

from milepost import Milepost
from milepost.agents.fake_server import Call, FakeServer, Reply, plain_plan, says
from milepost.agents.likeness import ALIKE, likenesses
from milepost.agents.outcomes import examples, habits
from milepost.store.policy import Policy
from milepost.store.records import UserContext

LEARNING = Policy.full(approval="never", learn_from_results=True)


def copier(call: Call) -> Reply:
    """A model that takes the kinds of files that its good examples took, and none that a bad one took; else all."""
    seen = call.seen()
    good = {suffix for one in seen.get("past", {}).get("good", ()) for suffix in one["taken"]}
    bad = {suffix for one in seen.get("past", {}).get("bad", ()) for suffix in one["taken"]}
    suffixes = {file["handle"]: f".{file['name'].rpartition('.')[2]}" for file in seen["files"]}
    meant = [handle for handle, suffix in suffixes.items() if (not good or suffix in good) and suffix not in bad - good]
    return says(plain_plan(meant or ["all"], seen["kb"]))


def month(world: World, number: int) -> None:
    """A month's files: figures as CSV, and notes."""
    for name, text in (("figures-{n}.csv", "a,b\n1,{n}\n"), ("notes-{n}.md", "# Notes {n}\n\nOf month {n}.\n")):
        world.write(f"m{number}/{name}".format(n=number), text.format(n=number))


def right(milepost: Milepost, world: World, number: int) -> bool:
    """Whether the plan for a month's "usual figures" takes the CSV alone."""
    plan = milepost.plan([world.docs / f"m{number}"], kb="hr", request="the usual figures please")
    assert plan.origin.planner == "ai"
    return actions(plan) == {f"figures-{number}.csv": "add", f"notes-{number}.md": "skip excluded"}


def test_examples_help_a_model_that_copies_them(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """0 of 5 months right before a person's own plan for one ended well, 5 of 5 after it."""
    for number in range(6):
        month(world, number)
    with FakeServer(copier) as server, opened(world, server, LEARNING) as milepost:
        before = sum(right(milepost, world, number) for number in range(5))
        mine = [world.docs / "m5" / "figures-5.csv"]
        milepost.ingest(mine, kb="hr", request="the usual figures please", planner="template")
        after = sum(right(milepost, world, number) for number in range(5))
    assert (before, after) == (0, 5)
    with capsys.disabled():
        print(f" [right of 5: {before} before, {after} after]", end="")


def test_what_was_rolled_back_is_a_dont(world: World) -> None:
    """The same outcome, taken back by a person since, stands among the bad examples."""
    month(world, 0)
    with FakeServer(copier) as server, opened(world, server, LEARNING) as milepost:
        done = milepost.ingest([world.docs / "m0"], kb="hr", request="put the month in")
        milepost.undo(done)
        plan = milepost.plan([world.docs / "m0"], kb="hr", request="put the month in again")
        past = server.calls[-1].seen()["past"]
        assert (past["good"], past["bad"][0]["ended"]) == ([], "rolled_back")
        assert past["bad"][0]["request"] == "put the month in"
        assert plan.origin.planner == "ai"


def test_another_tenants_outcomes_are_never_used(world: World) -> None:
    """Their request is not told, whatever it is."""
    month(world, 0)
    with Milepost(
        world.home_path, policy=LEARNING, embedder=EMBEDDER, user=UserContext(user="eve", tenant="them")
    ) as theirs:
        theirs.ingest([world.docs / "m0"], kb="hr", request="the usual figures, says eve", planner="template")
    with FakeServer(copier) as server, opened(world, server, LEARNING) as milepost:
        milepost.plan([world.docs / "m0"], kb="hr", request="the usual figures, says eve")
        assert "past" not in server.calls[0].seen()
        assert habits(milepost.workspace.services) == []


def test_without_the_policy_nothing_is_kept_and_nothing_told(world: World) -> None:
    """`learn_from_results` is off in every preset."""
    month(world, 0)
    with FakeServer(copier) as server, opened(world, server) as milepost:
        for _ in range(2):
            milepost.ingest([world.docs / "m0"], kb="hr", request="the month")
        assert all("past" not in call.seen() for call in server.calls)
        assert not milepost.documents(type="journey_outcome")


def test_the_past_holds_no_name_and_no_text(world: World) -> None:
    """Types, counts, folders, codes, and the request: the librarian's outcome and what the model is told."""
    world.write("quokka.md", "# Xylophone\n\nText.\n")
    with FakeServer(copier) as server, opened(world, server, LEARNING) as milepost:
        milepost.ingest([world.docs], kb="hr", request="the files")
        document: dict[str, Any] = milepost.documents(type="journey_outcome")[0]
        assert "quokka" not in str(document) and "ylophone" not in str(document)
        milepost.plan([world.docs], kb="hr", request="the files")
        assert "quokka" not in str(server.calls[-1].seen()["past"])


def test_what_is_mostly_rejected_is_a_hint_and_nothing_more(world: World) -> None:
    """After six broken PDFs a plan with one says so; it is in the plan all the same."""
    for number in range(6):
        world.write(f"scans/s{number}.pdf", b"%PDF-1.4\nbroken")
    world.write("scans/a.md", "# A\n\nText.\n")
    with Milepost(world.home_path, policy=LEARNING, embedder=EMBEDDER, user=USER) as milepost:
        milepost.ingest([world.docs], kb="hr", planner="template")
        assert [(one["folder"], one["suffix"], one["rejected"]) for one in habits(milepost.workspace.services)] == [
            ("scans", ".pdf", 6)
        ]
        world.write("scans/s7.pdf", b"%PDF-1.4\nbroken too")
        plan = milepost.plan([world.docs], kb="hr", planner="template")
        assert actions(plan)["scans/s7.pdf"].startswith("reject")
        warned = [issue for issue in milepost.validate(plan).warnings if issue.code == "often_rejected"]
        assert "6 of 6" in warned[0].message
        assert "scans/*.pdf" in str(warned[0].hint)


@pytest.mark.parametrize(
    ("one", "other", "like"), [(None, None, 1.0), ("", None, 1.0), ("the usual", "The usual", 1.0), ("x", None, 0.0)]
)
def test_equal_requests_are_alike_and_none_is_like_no_request(one: Any, other: Any, like: float) -> None:
    """In capitals or not."""
    assert likenesses(one, [other]) == pytest.approx([like])


def test_requests_are_alike_by_what_they_mean() -> None:
    """The same said in other words is alike; what shares its small words only is not."""
    said = "Please add the new handbook for employees to our hr kb"
    in_other_words, of_something_else = likenesses(
        said, ["the updated staff handbook should go into hr", "Please take back all changes to our prices"]
    )
    assert of_something_else < ALIKE <= in_other_words


def test_the_likest_come_first_and_of_equal_ones_the_newest(world: World) -> None:
    """Three at most, of the same kb."""
    with FakeServer(copier) as server, opened(world, server, LEARNING) as milepost:
        said = ["the usual figures", "the usual figures please", "what a lovely day", "the usual figures"]
        for number, request in enumerate(said):
            month(world, number)
            milepost.ingest([world.docs / f"m{number}"], kb="hr", request=request, planner="template")
        milepost.ingest([world.docs / "m0"], kb="legal", request="the usual figures", planner="template")
        good = examples(milepost.workspace.services, "the usual figures", "hr")["good"]
    assert [one["request"] for one in good] == ["the usual figures", "the usual figures", "the usual figures please"]
