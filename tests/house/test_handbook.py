"""Law: the sample handbook is small, invented and readable, and each of its questions has one answer."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections import Counter
from email import message_from_bytes, policy
from pathlib import Path

import kreuzberg
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
HANDBOOK = EXAMPLES / "handbook"
CHANGED = EXAMPLES / "handbook-changed"
FORMATS = {".md", ".html", ".txt", ".csv", ".json", ".pdf", ".docx", ".xlsx", ".pptx", ".eml"}
GENERATED = {".pdf", ".docx", ".xlsx", ".pptx"}
PARSED = GENERATED | {".eml", ".html"}
REAL_NAMES = ("google", "microsoft", "amazon", "apple", "siemens", "vaisala", "campbell scientific", "openai")
QUESTIONS: list[dict[str, str]] = json.loads((EXAMPLES / "questions.json").read_text(encoding="utf-8"))


def names(folder: Path) -> list[str]:
    """List the files below a folder by their name inside it."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def text_of(path: Path) -> str:
    """Read a file as a reader would see it."""
    if path.suffix in PARSED:
        return kreuzberg.extract_file_sync(str(path)).content
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def handbook() -> dict[str, str]:
    """Read the whole handbook once."""
    return {name: text_of(HANDBOOK / name) for name in names(HANDBOOK)}


def test_handbook_has_about_twenty_small_files_in_every_format() -> None:
    """Ten formats, 18 to 24 files, under 400 KB with the changed version."""
    files = names(HANDBOOK)
    assert 18 <= len(files) <= 24
    assert {Path(name).suffix for name in files} == FORMATS
    assert sum(p.stat().st_size for top in (HANDBOOK, CHANGED) for p in top.rglob("*") if p.is_file()) < 400_000


def test_no_two_files_have_the_same_content() -> None:
    """An ingest of the handbook skips nothing as a duplicate."""
    counted = Counter((HANDBOOK / name).read_bytes() for name in names(HANDBOOK))
    assert set(counted.values()) == {1}


def test_generated_files_are_what_the_script_makes(tmp_path: Path) -> None:
    """Every binary file, and no other, comes out of make_handbook.py with the same bytes."""
    subprocess.run([sys.executable, str(EXAMPLES / "make_handbook.py"), str(tmp_path)], check=True, timeout=60)
    committed = [n for n in names(EXAMPLES) if Path(n).suffix in GENERATED and n.startswith("handbook")]
    assert names(tmp_path) == committed
    for name in committed:
        assert (tmp_path / name).read_bytes() == (EXAMPLES / name).read_bytes(), name


def test_pdf_cross_references_point_at_their_objects() -> None:
    """A strict reader finds each of the PDF's objects where its table says, and three pages."""
    data = (HANDBOOK / "people/onboarding.pdf").read_bytes()
    start = int(data.rsplit(b"startxref\n", 1)[1].split(b"\n", 1)[0])
    assert data[start:].startswith(b"xref\n")
    offsets = [int(m) for m in re.findall(rb"(\d{10}) 00000 n", data[start:])]
    assert offsets
    assert all(data[at:].startswith(b"%d 0 obj" % n) for n, at in enumerate(offsets, start=1))
    assert data.count(b"/Type /Page ") == 3


def test_a_full_pdf_page_is_refused_and_not_cut() -> None:
    """Text that does not fit a page of the generated PDF is an error of its author, never lost."""
    spec = importlib.util.spec_from_file_location("pdf_file", EXAMPLES / "pdf_file.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pdf_file"] = module
    try:
        spec.loader.exec_module(module)
        with pytest.raises(ValueError, match="page is full"):
            module.pdf("Long", [[("text", "word " * 2000)]])
    finally:
        del sys.modules["pdf_file"]


def test_announcement_carries_its_attachment() -> None:
    """The EML has one CSV attachment that decodes."""
    message = message_from_bytes((HANDBOOK / "news/all-hands-2026-03.eml").read_bytes(), policy=policy.default)
    (attachment,) = message.iter_attachments()
    assert attachment.get_filename() == "milestones-2026.csv"
    assert "Heron 500 prototype" in attachment.get_content()


def test_company_is_invented(handbook: dict[str, str]) -> None:
    """Addresses end in .example, telephone numbers are kept for fiction, and no known firm appears."""
    for name, text in handbook.items():
        assert all(host.endswith(".example") for host in re.findall(r"@([\w.-]+\w)", text)), name
        assert "http://" not in text and "https://" not in text, name
        assert all(n.startswith("+44 1632 960") for n in re.findall(r"\+\d[\d ]{7,}", text)), name
        assert not [real for real in REAL_NAMES if re.search(rf"\b{real}\b", text.lower())], name


def test_teams_add_up_to_the_company(handbook: dict[str, str]) -> None:
    """The org chart's teams and the managing director are the 86 people of the welcome page."""
    teams = [int(n) for n in re.findall(r"(\d+) people", handbook["people/org-chart.pptx"])]
    assert f"we are {sum(teams) + 1} people" in handbook["welcome.md"]


def test_there_are_enough_questions_over_many_formats() -> None:
    """At least eight questions, each about a file of its own, and every format is asked about."""
    sources = [q["source"] for q in QUESTIONS]
    assert len(QUESTIONS) >= 8
    assert len(set(sources)) == len(sources)
    assert {Path(s).suffix for s in sources} == FORMATS


@pytest.mark.parametrize("asked", QUESTIONS, ids=lambda q: str(q["source"]))
def test_question_has_one_answering_file(asked: dict[str, str], handbook: dict[str, str]) -> None:
    """The answer's words are in the file that the question names, and in no other."""
    assert [name for name, text in handbook.items() if asked["answer_contains"] in text] == [asked["source"]]


def test_changed_version_differs_in_exactly_three_files() -> None:
    """Each of the three exists in the handbook under its name, with other bytes."""
    changed = names(CHANGED)
    assert len(changed) == 3
    assert all((CHANGED / name).read_bytes() != (HANDBOOK / name).read_bytes() for name in changed)


@pytest.mark.parametrize("name", names(CHANGED))
def test_changed_file_changes_an_answer(name: str, handbook: dict[str, str]) -> None:
    """The changed version gives a question its new answer, and the old one is gone from it."""
    (asked,) = [q for q in QUESTIONS if q["source"] == name]
    after = text_of(CHANGED / name)
    assert asked["changed_answer_contains"] in after
    assert asked["answer_contains"] not in after
    assert asked["changed_answer_contains"] not in handbook[name]
