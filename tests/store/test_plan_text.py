"""Law: a plan reads the way the interface shows it, and no name in it can do more than be read."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from milepost.store.plan import (
    Declined,
    Interval,
    Origin,
    Plan,
    PlannedFile,
    PlanStep,
    Question,
    Summary,
)
from milepost.store.plan_text import LIMIT, changes, difference, next_command
from milepost.store.policy import Policy
from milepost.store.words import count, duration, short_id, size

SHOWN = """\
Plan plan_{id}...  kb hr  planner template (ai off by policy)  5 files, 3.1 MB
  + add      policies/refund.md         9 chunks
  + add      scan.pdf                 ~12 chunks
  ~ replace  handbook.pdf             412 chunks   408 old ones go
  = skip     copy-of-terms.docx         same content as terms.docx
  ! reject   password.pdf               encrypted; next: leave it out, or give an open copy
  ? warn     scan.pdf                   no text layer on 3 of 9 pages
Steps     upload > parse > embed > expose    checkpoints before and after upload, after parse, embed, expose
Estimate  14 s (9 to 22), ~433 embeddings, 0 model calls, ~6 MB of disk    from 12 past journeys
Policy    rollback: 408 replaced chunks restorable for 30 days
Plan: 2 to add, 1 to replace, 0 to remove, 1 to skip, 1 rejected, 1 with a warning.
Apply with: milepost apply plan_{id}"""


def file(source: str, action: Any, **facts: Any) -> PlannedFile:
    return PlannedFile(path=source, source=source, action=action, **facts)


def steps(*actions: str) -> tuple[PlanStep, ...]:
    return tuple(
        PlanStep(id=name, action=name, depends_on=actions[at - 1 : at], milestone=f"{name}_complete")
        for at, name in enumerate(actions)
    )


def plan(policy: Policy | None = None, **fields: Any) -> Plan:
    chosen = policy or Policy.rollback()
    built = {"kb": "hr", "steps": steps("upload", "parse", "embed", "expose"), **fields}
    return Plan(policy=chosen.model_dump(mode="json"), **built).sealed()


def sample(policy: Policy | None = None) -> Plan:
    return plan(
        policy,
        files=(
            file("policies/refund.md", "add", chunks=9, bytes=3_100_000),
            file("handbook.pdf", "replace", chunks=412, chunks_replaced=408),
            file("copy-of-terms.docx", "skip", reason="duplicate", detail="same content as terms.docx"),
            file(
                "password.pdf",
                "reject",
                reason="encrypted",
                detail="encrypted; leave it out, or give an open copy",
            ),
            file("scan.pdf", "add", chunks=12, estimated=True, warnings=("no text layer on 3 of 9 pages",)),
        ),
        summary=Summary(add=2, replace=1, skip=1, reject=1, warn=1),
        estimated_time=Interval(p10=9, p50=14, p90=22, basis="12 past journeys"),
        resources={"embeddings": 433, "model_calls": 0, "disk_bytes": 6_000_000},
    )


def test_a_plan_is_rendered_in_the_promised_shape() -> None:
    """Line for line what the interface shows, with `~` before what is only estimated."""
    made = sample()
    assert made.render() == SHOWN.replace("{id}", made.plan_id.removeprefix("plan_")[:8])


def test_every_shown_column_starts_in_one_place_with_long_names() -> None:
    """Figures end in one column, however long the names and figures are."""
    made = plan(files=(file("x" * 40, "add", chunks=7), file("y", "add", chunks=123456)))
    rows = [line for line in made.render().splitlines() if line.startswith("  +")]
    assert len({line.index(" chunks") for line in rows}) == 1


def test_the_policy_line_says_when_a_plan_cannot_be_undone() -> None:
    """With rollback off nobody is told of checkpoints or of a way back."""
    text = sample(Policy.none()).render()
    assert "rollback off, so this cannot be undone" in text
    assert "no checkpoints" in text


def test_only_the_listed_milestones_are_named() -> None:
    """The steps line follows `rollback_checkpoints`; the first checkpoint is always there."""
    text = sample(Policy.rollback(rollback_checkpoints=["embed_complete"])).render()
    assert "checkpoints before upload, after embed\n" in text


def test_everything_lists_what_each_switch_gives_and_costs() -> None:
    """The computed lines of the policy go with the plan where everything is wanted."""
    text = sample().render(everything=True)
    assert "rollback on: every journey can be undone exactly" in text


@pytest.mark.parametrize("everything", [False, True])
def test_long_lists_are_cut_and_say_so(everything: bool) -> None:
    """Fifty files of a kind, then how many more there are, unless all were asked for."""
    many = plan(files=tuple(file(f"{at}.md", "add", chunks=1) for at in range(LIMIT + 7)))
    text = many.render(everything=everything)
    assert text.count(" chunk\n") == (LIMIT + 7 if everything else LIMIT)
    assert ("... and 7 more" in text) is not everything


def test_questions_stand_where_apply_would() -> None:
    """A plan with open questions tells how to answer, not how to apply."""
    asked = plan(questions=(Question(about="kb", text="which one?"),), summary=Summary(add=1))
    text = asked.render()
    assert "Question  kb: which one?" in text
    assert "Apply with" not in text and "--request" in text


def test_declined_wishes_name_their_policy_key() -> None:
    """What policy forbids is listed with the key that forbids it."""
    made = plan(declined=(Declined(what="skip the validation", why="not offered", policy_key="validate_plan"),))
    assert "Declined  skip the validation: not offered (validate_plan)" in made.render()


def test_a_plan_without_changes_offers_nothing_to_apply() -> None:
    """Only skipped files: there is no command to run."""
    idle = plan(files=(file("a.md", "skip", reason="unchanged"),), summary=Summary(skip=1))
    assert not changes(idle) and next_command(idle) == ""
    assert idle.render().endswith("Nothing to apply.")


@pytest.mark.parametrize(
    ("origin", "said"),
    [
        (Origin(planner="ai", model="m-1"), "planner ai (m-1)"),
        (Origin(planner="fallback", reason="no model is configured"), "template (fallback: no model is conf"),
    ],
)
def test_the_header_says_who_planned(origin: Origin, said: str) -> None:
    """A model's plan and a fallback's are told apart from the template's."""
    assert said in plan(origin=origin).render()


@given(st.text(max_size=60))
def test_no_name_adds_a_line_or_a_control_character(name: str) -> None:
    """A file's name takes one line of the text, whatever is in it."""
    text = plan(files=(file(name, "add", chunks=1),)).render()
    assert len(text.splitlines()) == 7
    assert all(letter.isprintable() for line in text.split("\n") for letter in line)


@given(st.text(max_size=60))
def test_no_name_breaks_the_markdown_table(name: str) -> None:
    """Each row of the table of files has its six bars and no markup of the name's own."""
    page = plan(files=(file(name, "add", chunks=1),)).markdown()
    row = next(line for line in page.split("\n") if line.startswith("| add"))
    assert len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) == 6
    assert not re.search(r"(?<!\\)(?:\\\\)*[<`\[]", row)


@given(st.text(max_size=30))
def test_no_action_breaks_the_diagram(action: str) -> None:
    """A label is letters, digits and escaped codes inside its quotes."""
    drawn = plan(steps=(PlanStep(id="a", action=action, milestone="a_complete"),)).mermaid()
    assert all(re.fullmatch(r'  [cs]\d(\(?\["[\w .#;\-]*"\]\)?)?( -\.?-> .*)?', line) for line in drawn.split("\n")[1:])


def test_the_diagram_has_each_step_edge_and_checkpoint() -> None:
    """Steps in order, dependencies as arrows, checkpoints as dashed ones; none with rollback off."""
    drawn = sample().mermaid()
    assert drawn.startswith("flowchart LR\n")
    assert drawn.count(" --> ") == 3 and drawn.count(" -.-> ") == 5
    assert " -.-> " not in sample(Policy.none()).mermaid()


@pytest.mark.parametrize(
    ("bytes", "said"),
    [(0, "0 B"), (640, "640 B"), (3_100_000, "3.1 MB"), (999_999, "1 MB"), (12_400, "12 kB")],
)
def test_sizes_have_two_figures(bytes: int, said: str) -> None:
    """Small ones with one place, none with a useless zero."""
    assert size(bytes) == said


def test_short_ids_keep_their_kind() -> None:
    """People see eight letters of the random part; what is no id is left as it is."""
    assert short_id("plan_0123456789abcdef01234567") == "plan_01234567"
    assert short_id("checkpoint_upload_complete_01234567-89ab-4cde-8f01-23456789abcd") == (
        "checkpoint_upload_complete_01234567"
    )
    assert short_id("draft") == "draft"
    assert (count(1, "file"), count(2, "file"), duration(0.42), duration(210)) == (
        "1 file", "2 files", "0.4 s", "3.5 min"
    )  # fmt: skip


def test_the_difference_of_two_plans_names_each_file_that_is_otherwise() -> None:
    """Another action, other chunks, another content, come and gone; what is the same is not told."""
    old = plan(files=(file("a", "add", chunks=1, sha256="1"), file("b", "skip"), file("c", "add"), file("e", "skip")))
    new = plan(
        files=(
            file("a", "add", chunks=1, sha256="2"),
            file("b", "add", chunks=2),
            file("d", "remove"),
            file("e", "skip"),
        )
    )
    assert difference(old, new) == [
        "a: add, 1 chunk > add, 1 chunk, another content", "b: skip > add, 2 chunks", "c: add > not there",
        "d: not there > remove",
    ]  # fmt: skip
