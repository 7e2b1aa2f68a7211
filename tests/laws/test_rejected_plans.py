"""Law: a plan that the validator rejects never starts, however it was spoiled; nothing is written or changed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from milepost import Milepost, MilepostError, Policy
from milepost.store.plan import Plan
from milepost.tools.embedders import FakeEmbedder

TEXTS = st.one_of(
    st.text(min_size=1, max_size=5),
    st.sampled_from(["upload", "parse", "embed", "expose", "remove", "wipe", "a.md", "b.md", "z.md", "hr", "fin",
                     "/etc/passwd", "reversible", "irreversible", "delete_everything", "expose_complete"]),
)  # fmt: skip
REFERENCES = st.fixed_dictionaries({"$ref": TEXTS, "field": st.one_of(st.none(), TEXTS)})
PARTS = ("steps", "steps", "steps", "files", "kb", "tenant", "excludes", "base", "paths")


def like(value: Any) -> st.SearchStrategy[Any]:
    """Another value, mostly of the same kind, so that what comes is still a plan."""
    if isinstance(value, str):
        return TEXTS
    if isinstance(value, list):
        return st.lists(TEXTS, max_size=2)
    if isinstance(value, dict):
        return st.one_of(REFERENCES, TEXTS)
    return st.one_of(st.integers(0, 3), TEXTS)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Milepost, Plan]]:
    """A home with one journey, and a plan for a second file that is sound."""
    place = tmp_path_factory.mktemp("rejected")
    docs = place / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("# A\n\nText.\n", encoding="utf-8")
    policy = Policy.rollback(approval="never")
    with Milepost(place / "home", policy=policy, embedder=FakeEmbedder()) as milepost:
        milepost.ingest([docs], kb="hr")
        (docs / "b.md").write_text("# B\n\nMore.\n", encoding="utf-8")
        yield milepost, milepost.plan([docs], kb="hr")


@st.composite
def spoilt(draw: st.DrawFn, body: dict[str, Any]) -> dict[str, Any]:
    """The plan's JSON with one to three places of its own parts put otherwise."""
    made = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 3))):
        holder, key = made, draw(st.sampled_from(PARTS))
        while isinstance(holder[key], dict | list) and holder[key] and draw(st.integers(0, 4)):
            holder = holder[key]
            key = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
        holder[key] = draw(like(holder[key]))
    return made


def _never_starts(started: tuple[Milepost, Plan], data: st.DataObject) -> bool:
    """Apply a spoilt plan with a fitting digest; True where it was one that the validator rejects."""
    milepost, sound = started
    try:
        plan = Plan.model_validate(data.draw(spoilt(sound.model_dump(mode="json")))).sealed()
    except (ValidationError, TypeError, ValueError):
        return False  # it is no plan at all, and no program can hand it over
    before = (milepost.kb_digest("hr"), len(milepost.journeys()), _receipts(milepost))
    try:
        valid = milepost.validate(plan).valid
    except MilepostError:
        valid = False
    if valid:
        return False
    with pytest.raises(MilepostError):
        milepost.apply(plan, approve=True)
    assert (milepost.kb_digest("hr"), len(milepost.journeys()), _receipts(milepost)) == before
    return True


def _receipts(milepost: Milepost) -> int:
    ledger = milepost.workspace.services.home.ledger
    return sum(len(ledger.receipts(one.journey_id)) for one in milepost.journeys())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_rejected_plan_never_starts(started: tuple[Milepost, Plan], data: st.DataObject) -> None:
    """Refused with an error that says why; not one row or chunk is another."""
    _never_starts(started, data)


@pytest.mark.nightly
def test_ten_thousand_rejected_plans_never_start(started: tuple[Milepost, Plan]) -> None:
    """As above; most of them are rejected, so that the law is not kept for want of cases."""
    rejected = 0

    @settings(max_examples=10_000, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def run(data: st.DataObject) -> None:
        nonlocal rejected
        rejected += _never_starts(started, data)

    run()
    assert rejected > 3_000
    print(f"{rejected} rejected plans, none started")


def test_the_sound_one_does(started: tuple[Milepost, Plan], tmp_path: Path) -> None:
    """The plan that all the others were made from runs: what refused them was what was spoilt."""
    del tmp_path
    milepost, sound = started
    assert milepost.validate(sound).valid
    assert str(milepost.apply(sound).status) == "completed"
