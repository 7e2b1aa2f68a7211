"""Law: what a request asks for is what people find afterwards, and nothing else changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from milepost import Milepost, PlanRejected
from milepost.evals.worlds import SetClock
from milepost.store.plan import Plan
from milepost.store.policy import Policy
from milepost.store.records import Journey


class Desk:
    """A home and a folder, asked in words."""

    def __init__(self, root: Path) -> None:
        self.docs = root / "docs"
        self.docs.mkdir()
        self.clock = SetClock(datetime(2026, 11, 27, 8, tzinfo=UTC))
        self.mp = Milepost(root / "home", policy="rollback", embedder="fake", user="ada", clock=self.clock)

    def put(self, **files: str) -> None:
        """Ingest files by name (a double underscore is the dot), each in a journey of its own."""
        for name, text in files.items():
            source = name.replace("__", ".")
            self.mp.ingest([(source, text.encode())], kb="hr")

    def write(self, name: str, text: str) -> Path:
        path = self.docs / name
        path.write_text(text)
        return path

    def plan(self, request: str, *names: str, kb: str = "hr") -> Plan:
        return self.mp.plan([self.docs / name for name in names], kb=kb, request=request)

    def ask(self, request: str, *names: str, kb: str = "hr") -> Journey:
        """Plan and apply."""
        return self.mp.apply(self.plan(request, *names, kb=kb))

    def found(self, kb: str = "hr") -> set[str]:
        """The sources that people find."""
        return {hit.source for hit in self.mp.search("text", kb=kb, k=100)}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """An empty desk."""
    made = Desk(tmp_path)
    yield made
    made.mp.close()


def outcomes(journey: Journey) -> dict[str, str]:
    """What each file came to."""
    return {file.source: file.outcome for file in journey.files}


def test_hidden_is_not_found_and_comes_back_without_being_read_again(desk: Desk) -> None:
    """Hide, show again: the same chunks, no embedding; nothing else is touched."""
    desk.put(pricing__md="text of pricing", plans__md="text of plans")
    before = desk.mp.kb_digest("hr").digest
    hidden = desk.ask("take the pricing page out of the bot for now, I don't want it deleted")
    assert (outcomes(hidden), desk.found()) == ({"pricing.md": "hidden"}, {"plans.md"})
    shown = desk.ask("make the pricing page searchable again")
    assert (outcomes(shown), shown.embeddings_computed) == ({"pricing.md": "added"}, 0)
    assert desk.mp.kb_digest("hr").digest == before


def test_hiding_can_be_undone_and_undone_again(desk: Desk) -> None:
    """A hide is a publish like any other: undo brings the source back, and nothing waits any more."""
    desk.put(pricing__md="text of pricing")
    hidden = desk.ask("hide pricing.md")
    assert desk.mp.undo(hidden).success
    assert desk.found() == {"pricing.md"}
    assert desk.plan("publish it").steps[0].action == "report"
    desk.mp.rollback(last=True, kb="hr")
    assert desk.found() == set()
    assert desk.plan("publish it").steps[0].action == "expose"


def test_what_is_held_goes_live_when_somebody_says_so(desk: Desk) -> None:
    """Staged for Maria: nothing is found; published by another request: found, and nothing is computed again."""
    desk.write("notes.md", "text of notes")
    held = desk.ask("load these, don't expose yet - Maria needs to review them", "notes.md")
    assert (outcomes(held), desk.found()) == ({"notes.md": "staged"}, set())
    live = desk.ask("ok Maria approved, publish them")
    assert (outcomes(live), live.embeddings_computed, desk.found()) == ({"notes.md": "added"}, 0, {"notes.md"})
    assert desk.plan("publish them").steps[0].args["about"].startswith("nothing waits")


def test_the_old_one_goes_in_the_moment_in_which_the_new_one_comes(desk: Desk) -> None:
    """One revision: no reader ever finds both, or none; undo brings the old one back."""
    desk.put(handbook_v4__md="text of four", plans__md="text of plans")
    desk.write("handbook_v5.md", "text of five")
    before = desk.mp.kb_stats("hr").revision
    journey = desk.ask("replace the old handbook with this one, don't duplicate", "handbook_v5.md")
    assert outcomes(journey) == {"handbook_v5.md": "added", "handbook_v4.md": "removed"}
    assert (desk.mp.kb_stats("hr").revision, desk.found()) == (before + 1, {"handbook_v5.md", "plans.md"})
    assert desk.mp.undo(journey).success and desk.found() == {"handbook_v4.md", "plans.md"}


def test_only_the_newest_of_several_stays(desk: Desk) -> None:
    """By the time of the files' last change, though they came in one journey and in another order."""
    import os

    for name, day in (("travel_policy_z.md", 1), ("travel_policy.md", 3), ("travel_policy_a.md", 2)):
        path = desk.write(name, f"text {name}")
        os.utime(path, (day * 1e6, day * 1e6))
    desk.mp.ingest([desk.docs], kb="hr")
    journey = desk.ask("clean up the copies of the travel policy and keep the latest")
    assert outcomes(journey) == {"travel_policy_a.md": "removed", "travel_policy_z.md": "removed"}
    assert desk.found() == {"travel_policy.md"} and journey.checkpoints
    assert desk.mp.undo(journey).success and len(desk.found()) == 3


def test_everything_goes_only_after_a_yes(desk: Desk) -> None:
    """Asked first, and refused until answered; with the yes all go and the new ones come, in one revision."""
    desk.put(q0__md="text zero", model__md="text model")
    desk.write("q1.md", "text one")
    request = "delete everything in the hr kb and start over with these"
    asked = desk.plan(request, "q1.md")
    assert ([one.about for one in asked.questions], asked.steps) == (["removal"], ())
    with pytest.raises(PlanRejected):
        desk.mp.apply(asked)
    assert desk.found() == {"q0.md", "model.md"}
    done = desk.ask(f"{request}. I confirm", "q1.md")
    assert desk.found() == {"q1.md"} and done.revision_after == done.revision_before + 1


def test_journeys_are_taken_back_in_words_and_that_can_be_undone(desk: Desk) -> None:
    """The last two, newest first; undoing that brings both back, with the digest there was."""
    desk.put(a__md="text a", b__md="text b", c__md="text c")
    before = desk.mp.kb_digest("hr").digest
    back = desk.ask("undo. actually undo the one before that too")
    assert (back.status, desk.found()) == ("completed", {"a.md"})
    assert desk.plan("undo the last one again").steps[0].action == "report"
    assert desk.mp.undo(back).success
    assert (desk.found(), desk.mp.kb_digest("hr").digest) == ({"a.md", "b.md", "c.md"}, before)
    assert {journey.status for journey in desk.mp.journeys("hr") if journey.plan_id != back.plan_id} <= {
        "completed", "rolled_back"
    }  # fmt: skip


def test_only_the_kb_that_is_meant_is_taken_back(desk: Desk) -> None:
    """A later journey of another kb survives."""
    desk.put(a__md="text a")
    desk.mp.ingest([("f.md", b"text f")], kb="finance")
    desk.ask("undo what you did to the HR docs")
    assert (desk.found("hr"), desk.found("finance")) == (set(), {"f.md"})


def test_a_dry_run_changes_nothing_and_makes_no_kb(desk: Desk) -> None:
    """It tells how long it would take; applying it is an answer, and no kb is there afterwards."""
    desk.write("a.md", "text a")
    plan = desk.plan("how long would it take to ingest these? don't do it yet", "a.md", kb="new")
    assert plan.dry_run and plan.estimated_time.p90 > 0 and "Nothing to apply" in plan.render()
    journey = desk.mp.apply(plan)
    assert (journey.status, outcomes(journey), desk.mp.kb_list()) == ("completed", {"a.md": "skipped"}, [])


def test_the_plan_is_shown_first_and_done_after_a_yes(desk: Desk) -> None:
    """The question stops it; the same request with a yes does it."""
    desk.write("a.md", "text a")
    request = "add it, but show me the plan first so I can sign it off"
    with pytest.raises(PlanRejected):
        desk.ask(request, "a.md")
    assert desk.mp.kb_list() == []
    assert desk.ask(f"{request}. Yes, go ahead", "a.md").status == "completed"


def test_only_the_chosen_pages_and_sections_are_read(desk: Desk) -> None:
    """Pages of a PDF-like file, and sections by their heading; what has no pages says that it was read whole."""
    desk.write("book.md", "# One\n\ntext one\n\n# Appendix A\n\ntext two\n\n# Two\n\ntext three\n")
    desk.ask("ingest the book, skip the appendix", "book.md")
    texts = " ".join(hit.text for hit in desk.mp.search("text", kb="hr", k=20))
    assert "text one" in texts and "text three" in texts and "text two" not in texts
    plan = desk.plan("first 2 pages are enough", "book.md")
    assert any("no pages" in warning for file in plan.files for warning in file.warnings)


def test_chunks_are_cut_and_tagged_as_asked_and_stay_so(desk: Desk) -> None:
    """Size and tags hold for what the request brought in, and a later ingest leaves them as they are."""
    desk.write("terms.md", "Clause one is here. " * 60)
    journey = desk.ask("chunk size 200 overlap 20, and put customer=ACME on every chunk", "terms.md")
    hits = desk.mp.search("clause", kb="hr", k=50)
    assert len(hits) > 5 and max(len(hit.text) for hit in hits) <= 200
    assert outcomes(journey) == {"terms.md": "added"}
    assert outcomes(desk.mp.ingest([desk.docs / "terms.md"], kb="hr")) == {"terms.md": "skipped"}
    metadata = _metadata(desk)
    assert {one["customer"] for one in metadata} == {"ACME"} and all(one["source"] == "terms.md" for one in metadata)


def test_what_is_held_can_go_live_for_some_only(desk: Desk) -> None:
    """Made ready for nobody in particular, published for one team: nobody else finds it, and it is cut up as it was."""
    desk.write("terms.md", "Clause one is here. " * 60)
    held = desk.ask("chunk size 200, and don't expose it yet", "terms.md")
    live = desk.ask("publish it, for the legal team only")
    assert (outcomes(live), live.embeddings_computed) == ({"terms.md": "added"}, 0)
    hits = desk.mp.search("clause", kb="hr", k=50, audience="legal team")
    assert len(hits) == held.files[0].chunks and max(len(hit.text) for hit in hits) <= 200
    assert desk.mp.search("clause", kb="hr", k=50, audience="sales") == []
    assert desk.mp.undo(live).success and desk.mp.search("clause", kb="hr") == []


def test_what_cannot_be_made_ready_again_is_not_shown_to_everybody(desk: Desk) -> None:
    """Its upload is gone, so that it cannot be marked: it fails, and nobody finds it."""
    desk.write("terms.md", "Clause one is here. " * 60)
    held = desk.ask("don't expose it yet", "terms.md")
    desk.mp.workspace.home.joinpath("blobs").rename(desk.mp.workspace.home / "elsewhere")
    (desk.mp.workspace.home / "blobs").mkdir()
    live = desk.ask("publish it, for the legal team only")
    assert held.files[0].outcome == "staged" and outcomes(live) == {"terms.md": "failed"}
    assert desk.mp.search("clause", kb="hr") == []


@pytest.mark.parametrize(
    ("request_", "what", "key"),
    [("chunk size 20 overlap 50", "these chunk sizes", "chunk.size"),
     ("chunk size 300 overlap 300", "these chunk sizes", "chunk.overlap"),
     ("tag them with supplier and year", "tags supplier, year", "")],
)  # fmt: skip
def test_what_was_declined_is_in_no_step(desk: Desk, request_: str, what: str, key: str) -> None:
    """The plan does the rest, and says of no step what it will not do."""
    desk.write("terms.md", "Clause one is here. " * 60)
    plan = desk.plan(f"add it, {request_}", "terms.md")
    assert [(one.what, one.policy_key) for one in plan.declined] == [(what, key)]
    assert not any({"chunk_size", "overlap", "metadata"} & step.args.keys() for step in plan.steps)
    assert desk.mp.apply(plan).status == "completed"


def _metadata(desk: Desk) -> list[dict[str, object]]:
    """What the Chroma collection says of each chunk."""
    import chromadb

    stats = desk.mp.kb_stats("hr")
    desk.mp.close()
    client = chromadb.PersistentClient(stats.chroma_path)
    found = client.get_collection(str(stats.collection)).get(include=["metadatas"])
    return [dict(one) for one in found["metadatas"] or []]


def test_all_or_nothing(desk: Desk) -> None:
    """One bad file: nothing is in, and what was done is taken back; without the wish the good one is in."""
    desk.write("good.md", "text good")
    desk.write("bad.pdf", "%PDF-1.4 broken")
    journey = desk.ask("all or nothing on this batch please", "good.md", "bad.pdf")
    assert journey.status in ("compensated", "failed") and desk.found() == set()
    assert desk.ask("if one fails just skip it and tell me which", "good.md", "bad.pdf").status == "partial"
    assert desk.found() == {"good.md"}


def test_nothing_goes_live_before_its_time(desk: Desk) -> None:
    """Ready now, found on Monday at nine and not a minute before."""
    desk.write("launch.md", "text launch")
    journey = desk.ask("upload now, go live Monday 9am", "launch.md")
    assert (outcomes(journey), desk.found()) == ({"launch.md": "staged"}, set())
    early = desk.mp.resume(journey)
    assert (outcomes(early), desk.found()) == ({"launch.md": "staged"}, set())
    desk.clock.at += timedelta(days=4)
    assert (outcomes(desk.mp.resume(journey)), desk.found()) == ({"launch.md": "added"}, {"launch.md"})


def test_what_is_there_already_is_not_added_again(desk: Desk) -> None:
    """There: an answer, and nothing changes. Not there: it is added."""
    desk.put(whitepaper__md="text white")
    desk.write("whitepaper.md", "text white, another edition")
    request = "did I already upload the whitepaper? if not add it"
    before = desk.mp.kb_stats("hr").revision
    assert desk.ask(request, "whitepaper.md").status == "completed"
    assert desk.mp.kb_stats("hr").revision == before
    desk.write("other.md", "text other")
    assert outcomes(desk.ask("is other.md in there already? if not add it", "other.md")) == {"other.md": "added"}


def test_rolling_back_is_declined_where_the_policy_is_off(tmp_path: Path) -> None:
    """With the key that would allow it, and no step."""
    with Milepost(tmp_path / "home", policy="none", embedder="fake", user="ada") as mp:
        mp.ingest([("a.md", b"text a")], kb="hr")
        plan = mp.plan([], kb="hr", request="undo the last import")
        assert ([one.policy_key for one in plan.declined], plan.steps) == (["enable_rollback"], ())


def test_a_request_keeps_what_the_policy_says(desk: Desk) -> None:
    """What it chose is in the plan's policy; what the plan was made under is still the policy in force."""
    desk.write("a.md", "text a")
    plan = desk.plan("all or nothing please", "a.md")
    assert Policy.model_validate(plan.policy).orchestration == "saga"
    assert plan.base.policy_digest == Policy.rollback().digest


def test_a_plan_that_costs_more_than_was_said_is_refused(tmp_path: Path) -> None:
    """By the policy's price and the request's limit: refused before anything is done, or told in a dry run."""
    path = tmp_path / "long.md"
    path.write_text(" ".join(f"Sentence {n} of a text." for n in range(3_000)))
    priced = {"enable_rollback": True, "budget": {"price_embedding": 1.0}}
    with Milepost(tmp_path / "home", policy=priced, embedder="fake", user="ada") as mp:
        plan = mp.plan([path], kb="hr", request="add it, don't spend more than a dollar")
        cost = plan.resources["cost"]
        assert 0.01 < cost < 0.03 and "costs about" in plan.render()
        with pytest.raises(PlanRejected) as refused:
            mp.ingest([path], kb="hr", request="add it, don't spend more than 1 cent")
        assert "costs more" in refused.value.message and mp.kb_list() == []
        told = mp.plan([path], kb="hr", request="how much would that be? don't spend more than 1 cent")
        assert told.dry_run and told.resources["cost"] == cost
