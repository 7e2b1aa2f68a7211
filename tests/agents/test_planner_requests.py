"""Law: a request in words chooses files, kb and treatment by plain rules; what it cannot decide it asks."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planner_kit import World, actions, by_source

from milepost.agents.planner import PlanRequest, draft
from milepost.agents.request import Constraints, read_request
from milepost.agents.request_dates import periods
from milepost.agents.selection import FileFacts, verdict
from milepost.store.policy import Policy

TODAY = date(2026, 6, 17)
MB = 1_000_000
FILES = [
    FileFacts("guide.pdf", 3 * MB, date(2024, 5, 1)),
    FileFacts("archive/minutes_2022.docx", 400_000, date(2025, 1, 3)),
    FileFacts("minutes_2025.docx", 20_000, date(2025, 2, 3)),
    FileFacts("drafts/roadmap-draft.md", 1_000, date(2026, 6, 10)),
    FileFacts("nov_turnover.xlsx", 90_000, None),
    FileFacts("scan of lease.pdf", 12 * MB, date(2019, 3, 4)),
]
NAMES = [file.name for file in FILES]


def read(text: str, policy: Policy | None = None) -> Constraints:
    """Read a request against the files above and two kbs."""
    return read_request(text, files=FILES, kbs=["hr", "Legal"], today=TODAY, policy=policy or Policy.rollback())


def chosen(text: str) -> list[str]:
    """The files that a request means."""
    said = read(text)
    return [file.name for file in FILES if verdict(file, said.clauses).left_out is None]


def without(*names: str) -> list[str]:
    """All files but these."""
    return [name for name in NAMES if name not in names]


KNOWN = [
    "only", "skip", "the", "except", "from", "2024", "over", "5", "MB", "into", "hr", ".", ",", "and", "or", "PDFs",
    "drafts", "guide.pdf", "in", "March", "between", "until", "not", "before", "kb", "nothing", "files",
    "can be skipped",
]  # fmt: skip
GUIDE, OLD, MINUTES, DRAFT, NOV, LEASE = NAMES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("only the PDFs", [GUIDE, LEASE]),
        ("just guide.pdf please", [GUIDE]),
        ("ingest Scan of Lease.pdf", [LEASE]),
        ("load *.docx and the spreadsheet", [OLD, MINUTES, NOV]),
        (".md files only", [DRAFT]),
        ("everything except drafts", without(DRAFT)),
        ("everything but not the word documents", without(OLD, MINUTES)),
        ("Ingest all of it, leave out the archive folder.", without(OLD)),
        ("only the folder drafts", [DRAFT]),
        ("drafts/ can be skipped", without(DRAFT)),
        ("put the minutes in", [OLD, MINUTES]),
        ("no drafts, no PDFs", without(DRAFT, GUIDE, LEASE)),
        ("The PDFs. Also the minutes from 2025.", [GUIDE, MINUTES, LEASE]),
        ("ingest the whole folder for the minutes team", NAMES),
        ("add our staff guide", NAMES),
    ],
)
def test_files_are_chosen_by_name_type_and_folder(text: str, expected: list[str]) -> None:
    """What is named is taken, what is excepted is not, and words that are in no name choose nothing."""
    assert chosen(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("only files under 100 kB", [MINUTES, DRAFT, NOV]),
        ("skip anything bigger than 5 MB", without(LEASE)),
        ("skip PDFs over 5 MB", without(LEASE)),
        ("nothing that exceeds 10 megabytes: leave out files over 10MB", without(LEASE)),
        ("files of at least 3 MB", [GUIDE, LEASE]),
        ("files over 3 MB", [LEASE]),
        ("files of 3 MB or more", [GUIDE, LEASE]),
        ("no more than 20 kb each", [MINUTES, DRAFT]),
        ("between 50 kB and 1 MB", [OLD, NOV]),
        ("the 5 MB limit is fine", NAMES),
    ],
)
def test_files_are_chosen_by_size(text: str, expected: list[str]) -> None:
    """Bounds are in decimal units; "over" is without the bound, "at least" with it; a bare size says nothing."""
    assert chosen(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("only those from 2025", [MINUTES, NOV]),
        ("nothing older than 2023: skip everything before 2023", without(OLD, LEASE)),
        ("only files newer than March 2024", [GUIDE, MINUTES, DRAFT, NOV]),
        ("only what was modified in the last two weeks", [DRAFT, NOV]),
        ("the November files", [NOV]),
        ("files since May 2025", [DRAFT, NOV]),
        ("skip files older than 3 years", without(LEASE)),
        ("documents between 2022 and 2024", [GUIDE, OLD, NOV]),
        ("from 2024 on", [GUIDE, MINUTES, DRAFT, NOV]),
    ],
)
def test_files_are_chosen_by_date(text: str, expected: list[str]) -> None:
    """A date in the name goes before the time of the last change; a file with neither is taken, with a warning."""
    assert chosen(text) == expected


def test_a_date_that_cannot_be_told_is_a_warning() -> None:
    """A file without any date is not left out for what nobody knows."""
    undated = FileFacts("plain.txt", 10, None)
    said = read_request("only from 2024", files=[undated], kbs=[], today=TODAY, policy=Policy.none())
    judged = verdict(undated, said.clauses)
    assert judged.left_out is None
    assert judged.unsure and "2024" in judged.unsure


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("into the hr kb", ["hr"]),
        ("load it into legal", ["Legal"]),
        ("add these to hr, please", ["hr"]),
        ('ingest everything into the knowledge base called "new-home"', ["new-home"]),
        ("for the finance knowledge base", ["finance"]),
        ("into hr and legal", ["hr", "Legal"]),
        ("split them into chunks of a good size", []),
        ("files under 200 kb", []),
    ],
)
def test_the_kb_is_read_from_the_request(text: str, expected: list[str]) -> None:
    """Its own spelling where it is there; several are several; a size in kb is no kb."""
    assert list(read(text).kbs) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("keep both versions", "keep_both"),
        ("don't overwrite existing files", "skip"),
        ("skip what's already there", "skip"),
        ("replace the old one", "replace"),
        ("load the PDFs", None),
    ],
)
def test_what_becomes_of_what_is_there(text: str, expected: str | None) -> None:
    """Keep both, skip, replace, or nothing said."""
    assert read(text).on_existing == expected


@pytest.mark.parametrize(
    "text",
    [
        "but don't expose it yet",
        "stage only",
        "without publishing anything",
        "do not make it searchable",
        "just stage it",
    ],
)
def test_staging_is_understood(text: str) -> None:
    """What is only to be staged is not exposed; a plain request is."""
    assert not read(f"Load the PDFs into hr, {text}").expose
    assert read("Load the PDFs and expose them").expose


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("skip the validation", "validate_plan"),
        ("without approval", "approval"),
        ("no checkpoints needed", "enable_rollback"),
        ("ignore the budget", "budget"),
        ("bypass the policy", "policy"),
    ],
)
def test_what_policy_forbids_is_declined_with_its_key(text: str, key: str) -> None:
    """Declined where the policy stands against it; what it grants anyway is no wish."""
    refused = read(f"Load the PDFs, {text}", Policy.full()).declined
    assert [one.policy_key for one in refused] == [key]
    assert refused[0].what in f"Load the PDFs, {text}" and refused[0].why
    if key in ("approval", "enable_rollback"):
        assert not read(f"Load the PDFs, {text}", Policy.none()).declined


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("ingest budget.pdf", "budget.pdf"),
        ("only the contracts", "files"),
    ],
)
def test_what_cannot_be_decided_is_asked(text: str, about: str) -> None:
    """A named file that is not there, words that fit no name, and what a plan of files cannot do."""
    assert [question.about for question in read(text).questions] == [about]


def test_a_near_name_is_suggested() -> None:
    """A misspelt file gets "did you mean"."""
    assert "guide.pdf" in read("ingest giude.pdf").questions[0].text


def test_a_file_that_is_excepted_need_not_be_there() -> None:
    """Leaving out what is not there is no question."""
    assert not read("everything except budget.pdf").questions


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_read(text: str) -> None:
    """Nothing that people type raises, and nothing it says invents a file."""
    said = read(text)
    for file in FILES:
        verdict(file, said.clauses)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(KNOWN), max_size=14))
def test_any_order_of_known_words_is_read(parts: list[str]) -> None:
    """The rules do not stumble over each other; every file is taken, or left out with the words that say so."""
    said = read(" ".join(parts))
    judged = [verdict(file, said.clauses) for file in FILES]
    assert all(one.left_out is None or one.left_out.rpartition(": ")[2] for one in judged)


@settings(max_examples=200, deadline=None)
@given(st.dates(date(1990, 1, 1), date(2030, 12, 31)))
def test_a_day_lies_in_its_own_month_year_and_day(day: date) -> None:
    """However a date is written, the day itself is in the period and the day a year later is not."""
    forms = [day.isoformat(), f"{day:%B} {day.year}", f"in {day.year}", f"{day.day} {day:%B} {day.year}",
             f"{day:%b} {day.day}, {day.year}", f"Q{(day.month + 2) // 3} {day.year}"]  # fmt: skip
    for form in forms:
        (found,) = periods(f"files from {form}.", TODAY)
        after = date.fromordinal(day.toordinal() + 1)
        assert found.period.holds(day, after), form
        assert not found.period.holds(date(day.year + 2, 1, 1), date(day.year + 2, 1, 2)), form


def test_excluded_files_are_lines_of_the_plan(world: World) -> None:
    """They are skipped as `excluded`, with what the request said, and are not read."""
    world.write("keep.md", "Kept text.")
    world.write("notes-draft.md", "A draft.")
    plan = world.plan(request="everything except drafts", kb="hr")
    assert actions(plan) == {"keep.md": "add", "notes-draft.md": "skip excluded"}
    left = by_source(plan)["notes-draft.md"]
    assert left.detail and "drafts" in left.detail
    assert (left.sha256, plan.request) == ("", "everything except drafts")


def test_a_request_without_a_kb_asks_for_it(world: World) -> None:
    """Named in the request it is taken; named nowhere it is a question; two are a question, too."""
    world.write("a.md", "Text.")
    named = world.plan(kb=None, request="load it into hr")
    assert (named.kb, named.questions) == ("hr", ())
    nameless = world.plan(kb=None, request="load it")
    assert (nameless.kb, [question.about for question in nameless.questions]) == (None, ["kb"])
    assert [q.about for q in world.plan(kb=None, request="into the hr kb and the ops kb").questions] == ["kb"]


def test_another_kb_than_the_one_given_is_asked_about(world: World) -> None:
    """Where the option and the request disagree, nobody guesses."""
    world.write("a.md", "Text.")
    world.ingest(kb="ops")
    plan = world.plan(kb="hr", request="load it into ops")
    assert [question.about for question in plan.questions] == ["kb"]
    assert world.plan(kb="ops", request="load it into ops").questions == ()


def test_a_request_without_paths_asks_for_files(world: World) -> None:
    """Nothing given and nothing that fits are both asked about."""
    with world.services() as services:
        asked = PlanRequest(paths=[], kb="hr", request="load the handbook", policy=Policy.rollback())
        assert [question.about for question in draft(services, asked).questions] == ["files"]
    world.write("a.md", "Text.")
    assert [q.about for q in world.plan(request="only the PDFs").questions] == ["files"]


def test_a_request_may_be_more_careful_than_the_policy_and_not_less(world: World) -> None:
    """It may skip or keep both; replacing where the policy keeps is declined."""
    world.write("a.md", "Text.")
    world.ingest()
    world.write("a.md", "Other text.")
    assert actions(world.plan(request="don't overwrite existing files")) == {"a.md": "skip excluded"}
    assert actions(world.plan(request="keep both")) == {"a (2).md": "add"}
    careful = Policy.rollback(on_existing="skip")
    plan = world.plan(request="replace it", policy=careful)
    assert actions(plan) == {"a.md": "skip excluded"}
    assert [one.policy_key for one in plan.declined] == ["on_existing"]
    assert plan.policy == careful.model_dump(mode="json")


def test_staging_only_leaves_the_last_step_away(world: World) -> None:
    """By option or by request: upload, parse, embed."""
    world.write("a.md", "Text.")
    for plan in (world.plan(expose=False), world.plan(request="load it but don't expose it yet")):
        assert [step.action for step in plan.steps] == ["upload", "parse", "embed"]


def test_a_doubt_is_a_warning_of_the_plan(world: World) -> None:
    """Bytes have no date: they are taken, and the plan says what could not be told."""
    plan = world.plan(("plain.md", b"Text."), request="only from 2024")
    file = by_source(plan)["plain.md"]
    assert file.action == "add" and plan.summary.warn == 1
    assert "cannot be told" in file.warnings[0]


def test_years_in_names_and_of_files_choose(world: World) -> None:
    """On disk, too: the name's year first, the last change otherwise."""
    world.write("report_2023.md", "Text one.", year=2025)
    world.write("report.md", "Text two.", year=2025)
    world.write("old.md", "Text three.", year=2020)
    assert [name for name, action in actions(world.plan(request="only from 2025")).items() if action == "add"] == [
        "report.md"
    ]


@pytest.mark.parametrize(
    ("text", "act"),
    [
        ("load the PDFs", "ingest"),
        ("take guide.pdf offline", "hide"),
        ("undo the last import", "rollback"),
        ("delete everything in the kb", "wipe"),
        ("stop", "stop"),
        ("please translate them into Latin", "decline"),
    ],
)
def test_what_is_to_be_done_is_read(text: str, act: str) -> None:
    """Bringing in, hiding, going back, clearing, stopping; what no plan does is declined."""
    assert read(text).act == act


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("pages 3 to 7 and 9 only", {"parse.pages": "3-7,9"}),
        ("use OCR, it is in Dutch", {"parse.ocr": True, "parse.language": "nl"}),
        ("skip the glossary and the foreword", {"parse.skip_sections": ["glossary", "foreword"]}),
        ("chunks of 800 with an overlap of 40", {"embed.chunk_size": 800, "embed.overlap": 40}),
        ('tag them with team = "data desk" and level=2', {"embed.metadata": {"team": "data desk", "level": "2"}}),
        ("go on if a file fails: skip those that fail", {"on_error": "skip"}),
        ("do not spend more than 75 cents", {"budget.max_cost_usd": 0.75}),
        ("only the interns may read it", {"expose.audience": "interns"}),
        ("it goes live tomorrow at noon", {"expose.after": "tomorrow 12:00"}),
        ("hold it until Noor has signed it off", {"hold_for": "Noor"}),
    ],
)
def test_options_are_read(text: str, options: dict[str, object]) -> None:
    """How files are read, cut, tagged, failed, paid for and let out."""
    found = dict(read(text).options)
    found.pop("expose.not_before", None)
    assert found == options
