"""Law: of very many files a model is told groups, in bounded words; what it says of them means exact files."""

from __future__ import annotations

import json
from datetime import date
from pathlib import PurePosixPath
from typing import Any

import pytest
from ai_kit import asked
from hypothesis import given, settings
from hypothesis import strategies as st
from planner_kit import World, actions

from milepost.agents.ai_facts import KnownKb, facts_for
from milepost.agents.ai_files import KnownFile
from milepost.agents.ai_groups import Groups
from milepost.agents.ai_prompt import as_json
from milepost.agents.ai_schema import MAX_GROUPS, MAX_ITEMS
from milepost.agents.fake_server import Call, Reply, everything, plain_plan, says
from milepost.store.policy import Policy

FOLDERS = ("", "a", "a/b", "c/d/e")
TYPES = ("text/markdown", "application/pdf", None)
FILES = st.lists(
    st.builds(
        KnownFile,
        name=st.builds(
            lambda folder, stem: str(PurePosixPath(folder, stem)),
            st.one_of(st.sampled_from(FOLDERS), st.text("ab/", max_size=12).map(lambda one: one.strip("/"))),
            st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=120),
        ),
        type=st.sampled_from(TYPES),
        size=st.integers(0, 10**9),
        modified=st.none() | st.dates(date(2020, 1, 1), date(2026, 12, 31)),
        language=st.sampled_from(["de", "en", None]),
        state=st.sampled_from(["new", "changed"]),
    ),
    max_size=40,
    unique_by=lambda file: file.name,
)
WHEN = [date(2026, 1, 10), date(2026, 5, 31), None]
SOME = [
    KnownFile(f"{folder}/{n}.{suffix}", kind, 100 * n, WHEN[n % 3], "de" if n % 2 else "en", "new")
    for folder, suffix, kind in (("a", "md", TYPES[0]), ("a/b", "pdf", TYPES[1]), ("c", "md", TYPES[0]))
    for n in range(1, 7)
]  # fmt: skip


def names(args: dict[str, Any]) -> set[str]:
    """The files that an upload's arguments mean, of `SOME`."""
    places, wrong = Groups.of(SOME).chosen(args)
    assert not wrong, wrong
    return {SOME[place].name for place in places}


def facts(files: list[KnownFile]) -> str:
    """What a model is told of these files, as it is sent."""
    said = facts_for(
        request="the usual", kb="hr", kbs=["hr"], today="2026-11-27", files=files, known=KnownKb(),
        policy=Policy.rollback(), registry={},
    )  # fmt: skip
    return as_json(said.told)


LONG = [
    KnownFile("\U0001f600" * 200 + f"{n:03}", "x" * 80, 10**9, date.max, "en", "changed") for n in range(MAX_ITEMS)
]  # fmt: skip
LONGEST = len(facts(LONG).encode())
"""Bytes that as many files as are told one by one may take."""


@settings(deadline=None, max_examples=60)
@given(FILES)
def test_each_file_is_in_one_group_and_each_group_in_one_line(files: list[KnownFile]) -> None:
    """No file is lost or told twice; a group's figures are those of its files."""
    groups = Groups.of(files)
    assert sorted(place for group in groups.groups.values() for place in group.members) == list(range(len(files)))
    for told in groups.told():
        members = [files[place] for place in groups.groups[told["handle"]].members]
        assert told["files"] == len(members) > 0
        assert told["bytes"] == [min(one.size for one in members), max(one.size for one in members)]
        assert {one.type for one in members} == {told["type"]} and {one.state for one in members} == {told["state"]}
        assert sum(told["languages"].values()) == sum(one.language is not None for one in members)
        assert "\n" not in as_json(told)


@settings(deadline=None, max_examples=15)
@given(FILES.filter(bool), st.integers(1, 60), st.booleans())
def test_what_is_told_is_bounded(files: list[KnownFile], times: int, deep: bool) -> None:
    """Whatever the names, folders and numbers: at most so many groups, and as many bytes as 300 files may take."""
    many = [
        KnownFile(f"{n}/{file.name}" if deep else f"{file.name}{n}", file.type, file.size, file.modified,
                  file.language, file.state)
        for n in range(max(times, MAX_ITEMS // len(files) + 1))
        for file in files
    ]  # fmt: skip
    groups = Groups.of(many)
    assert 0 < len(groups.groups) <= MAX_GROUPS
    assert sum(len(group.members) for group in groups.groups.values()) == len(many) > MAX_ITEMS
    assert len(facts(many).encode()) < LONGEST


def test_the_bytes_are_equal_for_equal_facts() -> None:
    """Made anew from equal facts: not one byte is another, and another fact is another prompt."""
    many = [KnownFile(f"d{n % 7}/{n}.md", "text/markdown", n, WHEN[n % 3], None, "new") for n in range(MAX_ITEMS + 1)]
    again = [KnownFile(**vars(file)) for file in many]
    assert facts(many) == facts(again) and '"groups"' in facts(many)
    again[0] = KnownFile(**{**vars(many[0]), "language": "de"})
    assert facts(many) != facts(again)


@pytest.mark.parametrize(
    ("args", "meant"),
    [
        ({"files": ["all"]}, {file.name for file in SOME}),
        ({"files": ["g2"]}, {f"a/b/{n}.pdf" for n in range(1, 7)}),
        ({"files": ["g1", "g2"], "which": [{"name": "*.pdf"}]}, {f"a/b/{n}.pdf" for n in range(1, 7)}),
        ({"files": ["all"], "which": [{"type": "application/pdf", "since": "2026-05-31"}]}, {"a/b/1.pdf", "a/b/4.pdf"}),
        ({"files": ["all"], "which": [{"group": "g3", "before": "2026-05-31"}, {"name": "a/1.md"}]},
         {"c/3.md", "c/6.md", "a/1.md"}),
        ({"files": ["g3"], "which": [{"language": "de", "out": True}]}, {"c/2.md", "c/4.md", "c/6.md"}),
        ({"files": ["g3"], "which": [{"larger": 300, "smaller": 600}]}, {"c/4.md", "c/5.md"}),
        ({"files": ["g3"], "which": [{"name": "1*", "group": None, "out": None}]}, {"c/1.md"}),
        ({"files": ["g3"], "newest": 2}, {"c/1.md", "c/4.md"}),
        ({"files": ["g3"], "which": None, "newest": None}, {f"c/{n}.md" for n in range(1, 7)}),
        ({"files": []}, set()),
    ],
)  # fmt: skip
def test_rules_mean_exact_files(args: dict[str, Any], meant: set[str]) -> None:
    """Groups, patterns, types, dates, sizes, languages, exceptions, the newest; what is unknown of a file fits none."""
    assert names(args) == meant


@pytest.mark.parametrize(
    ("args", "code"),
    [
        ({"files": ["g9"]}, "unknown_file"),
        ({"files": ["f1"]}, "unknown_file"),
        ({"files": ["all"], "which": [{"group": "g0"}]}, "unknown_file"),
        ({"files": ["all"], "which": [{"since": "last week"}]}, "value_not_allowed"),
        ({"files": ["all"], "which": [{"size": 3}]}, "value_not_allowed"),
        ({"files": ["all"], "which": [{"larger": "3"}]}, "value_not_allowed"),
        ({"files": ["all"], "which": [{"larger": True}]}, "value_not_allowed"),
        ({"files": ["all"], "which": [{"out": True}]}, "value_not_allowed"),
        ({"files": ["all"], "which": ["*.md"]}, "value_not_allowed"),
        ({"files": ["all"], "which": [{"name": "x"}] * 21}, "value_not_allowed"),
        ({"files": ["all"], "newest": 0}, "value_not_allowed"),
        ({"files": ["all"], "newest": "two"}, "value_not_allowed"),
        ({"files": ["g3"], "which": [{"name": "*.pdf"}]}, "nothing_chosen"),
    ],
)
def test_what_cannot_be_read_goes_back(args: dict[str, Any], code: str) -> None:
    """No file is chosen by a rule that was not understood; the issue says what can be said."""
    places, wrong = Groups.of(SOME).chosen(args)
    assert places == [] and [issue.code for issue in wrong] == [code] and wrong[0].hint


def chosen(plan: Any) -> set[str]:
    """The sources that a plan brings in."""
    return {name for name, action in actions(plan).items() if action == "add"}


def test_a_model_plans_more_files_than_it_is_told_of(world: World) -> None:
    """A group and a rule come to the very files; the first try was wrong, and was mended by its hint.

    What can be answered is bounded by what was told: the schema has the groups, and no file.
    """
    half = MAX_ITEMS // 2 + 1
    many = {f"{folder}/{n}.txt": f"text {folder} {n}" for folder in ("new", "old") for n in range(half)}
    for name, text in many.items():
        world.write(name, text)
    tries: list[dict[str, Any]] = []

    def model(call: Call) -> Reply:
        seen = call.seen()
        group = next(one["handle"] for one in seen["groups"] if one["folder"] == "new")
        draft = plain_plan([group], "hr")
        draft["steps"][0]["args"]["which"] = [{"name": "1?.txt" if len(tries) else "*.pdf"}]
        tries.append(seen)
        return says(draft)

    with asked(world, model, request="the teens of the new ones") as (plan, server, mp):
        assert plan.origin.planner == "ai" and plan.origin.attempts == 2
        assert chosen(plan) == {f"new/{n}.txt" for n in range(10, 20)}
        assert (tries[0]["files_in_all"], "files" in tries[0]) == (len(many), False)
        assert "nothing_chosen" in server.calls[1].messages[-1]["content"]
        schema = json.dumps(server.calls[0].body["response_format"])
        assert '"enum": ["all", "g1", "g2"]' in schema and '"which"' in schema and '"f1"' not in schema
        assert sum(file.outcome == "added" for file in mp.apply(plan).files) == 10
    with asked(world, everything) as (plan, _, _m):
        assert plan.origin.planner == "ai" and len(chosen(plan)) == len(many) - 10
