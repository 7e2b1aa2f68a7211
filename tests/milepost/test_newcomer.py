"""Law: a first quarter of an hour, with its mistakes, can be read off the screen alone.

One folder, one step after the other, each a process of its own at a terminal (or, where it says so, in a pipe).
What a screen offers as the next command is run afterwards, in a copy of the folder as it was left.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from screen_kit import BLANKS, Screen, faults_of_an_error, screen, told, write

NO, YES, ENTER = {"[y/N]": "n"}, {"[y/N]": "y"}, {"Enter for none]": ""}
HANDBOOK = {
    "handbook/welcome.md": "# Welcome\n\nBring your badge on the first day and ask for the blue door.\n",
    "handbook/people/leave.md": "# Parental leave\n\nEvery parent has sixteen weeks of paid leave.\n",
    "handbook/travel.md": "# Travel\n\nTrains are booked by the office; a taxi needs a receipt.\n",
    "mixed/good.md": "# Good\n\nA page that is as it should be.\n",
    "mixed/empty.md": "",
    "mixed/broken.pdf": b"%PDF-1.7\nthis is where a document should be",
    "mixed/picture.png": b"\x89PNG\r\n\x1a\n" + bytes(range(200)),
    "mixed/other.md": "# Other\n\nAnother page that is as it should be.\n",
}
PAGE = "# Page {0}\n\n" + "".join(
    f"Paragraph {n} of page {{0}} says what was agreed. " * 30 + "\n\n" for n in range(12)
)


@dataclass(frozen=True)
class Step:
    """What a newcomer types, and what the screen has to say to that.

    A word in braces stands for what an earlier screen showed: {plan}, {next}, {misspelt_first}: what a step keeps.
    """

    words: str
    code: int
    shows: tuple[str, ...]
    hides: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    piped: bool = False
    interrupt: str = ""
    before: Callable[[Path], object] | None = None
    keeps: str = ""
    """A name under which the step's plan or journey is remembered."""
    env: Mapping[str, str] = field(default_factory=dict)


def edited(name: str, text: str) -> Callable[[Path], object]:
    """Somebody edits a file before the step."""
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


def many(folder: Path) -> None:
    """300 files of some pages each."""
    write(folder, {f"many/{n:03}.md": PAGE.format(n) for n in range(300)})


def lost_collection(folder: Path) -> None:
    """Somebody tidies up where he should not."""
    shutil.rmtree(folder / ".milepost" / "chroma")


STEPS = {
    "only the name": Step("", 0, ("Usage: milepost", "ingest", "rollback", "doctor")),
    "a search before there is anything": Step(
        "search leave --kb hr", 2, ("there is no kb 'hr'", "there is no home yet", "next: milepost ingest PATH --kb hr")
    ),
    "apply before there is a plan": Step("apply", 2, ("no plan waits", "next: milepost plan PATH --kb NAME")),
    "a misspelt command": Step(
        "injest handbook --kb hr", 2, ("did you mean ingest?", "next: milepost ingest handbook --kb hr")
    ),
    "a path that is not there": Step(
        "ingest handbok --kb hr", 2,
        ("'handbok'", "did you mean 'handbook'?", "next: milepost ingest handbook --kb hr"),
        hides=("rollback is off",),
    ),
    "no kb named": Step(
        "ingest handbook", 2, ("no knowledge base is named", "next: milepost ingest handbook --kb handbook")
    ),
    "init": Step("init", 0, ("Made .milepost/milepost.toml", "Next: milepost ingest PATH --kb NAME")),
    "init again": Step("init", 0, ("is there already",), hides=("Made",)),
    "a plan": Step(
        "plan handbook --kb hr", 0,
        ("+ add      people/leave.md", "Plan: 3 to add", "Apply with: milepost apply plan_"),
        keeps="plan",
    ),
    "apply, answering no": Step(
        "apply", 0, ("Plan: 3 to add", "[y/N]", "Nothing was applied", "If you change your mind: milepost apply plan_"),
        answers=NO,
    ),
    "apply where nobody can answer": Step(
        "apply", 2, ("there is no terminal", "state: nothing was changed", "next: milepost apply --yes"), piped=True
    ),
    "a file changed between plan and apply": Step(
        "apply {plan}", 4, ("is stale", "handbook/welcome.md changed", "next: milepost apply plan_", "--replan"),
        before=edited("handbook/welcome.md", "# Welcome\n\nThe door is green now.\n"),
    ),
    "apply, planned again": Step(
        "apply {plan} --replan", 0,
        ("Planned again, since", "completed  revision 0 > 1", "Undo with: milepost rollback"),
        keeps="first",
    ),
    "the same again": Step(
        "ingest handbook --kb hr", 0, ("as in the kb", "Nothing to do: 3 skipped."), hides=("Undo with",)
    ),
    "a misspelt kb": Step(
        "search 'paid leave' --kb hrr", 2,
        ("there is no kb 'hrr'", "did you mean 'hr'?", "next: milepost search 'paid leave' --kb hr"),
    ),
    "a search": Step("search 'paid leave' --kb hr", 0, ("people/leave.md", "sixteen weeks")),
    "a misspelt id": Step(
        "status {misspelt_first}", 2,
        ("there is nothing with the id", "did you mean journey_", "next: milepost status journey_"),
    ),
    "no such id": Step("show plan_00000000", 2, ("'plan_00000000'", "next: milepost journeys")),
    "three bad files among good ones": Step(
        "ingest mixed --kb hr", 5,
        ("! rejected empty.md", "! rejected broken.pdf", "! rejected picture.png", "2 added, 3 rejected",
         "milepost resume"),
        keeps="mixed",
    ),
    "a removal, answering no": Step(
        "kb remove travel.md --kb hr", 0, ("- remove  travel.md", "it can be undone", "[y/N]", "Nothing was removed."),
        answers=NO,
    ),
    "the menu of a rollback, left": Step(
        "rollback", 0, ("checkpoint_before_upload", "Nothing was rolled back."), answers=ENTER
    ),
    "a rollback, answering no": Step(
        "rollback --last --kb hr", 0, ("- remove  good.md", "[y/N]", "Nothing was rolled back."), answers=NO
    ),
    "a rollback": Step(
        "rollback --journey {mixed}", 0, ("Rolled back to", "store confirmed", "Take it back with: milepost rollback"),
        answers=YES,
    ),
    "the same rollback again": Step(
        "rollback --journey {mixed}", 0, ("Already there: nothing to do.",), hides=("[y/N]",)
    ),
    "Ctrl-C in the middle of 300 files": Step(
        "ingest many --kb big", 130,
        ("stopped by Ctrl-C", "state: what was done so far is kept", "next: milepost resume"),
        before=many, interrupt="upload ", keeps="stopped",
    ),
    "going on after it": Step("resume {stopped}", 0, ("300 added", "completed  revision 0 > 1")),
    "rollback off by policy": Step(
        "ingest handbook --kb other --policy none", 0,
        ("note: rollback is off", 'policy = "rollback" in .milepost/milepost.toml turns it on', "3 added"),
    ),
    "going back where rollback was off": Step(
        "rollback --last --kb other", 3, ("took no checkpoint", "rollback was off", "--policy rollback")
    ),
    "a policy that contradicts itself": Step(
        "ingest handbook --kb hr --set enable_planning=false --set enable_ai_planning=true", 3,
        ("contradicts itself", "enable_ai_planning", "needs enable_planning"),
    ),
    "AI without a key": Step(
        "plan handbook --kb hr --planner ai", 2,
        ("no model is configured", "MILEPOST_MODEL", "next: milepost plan handbook --kb hr --planner template"),
    ),
    "an approval, answering no": Step(
        "ingest handbook --kb third --policy full", 0, ("[y/N]", "Nothing was applied."), answers=NO, keeps="declined"
    ),
    "what waits after a no": Step("approvals", 0, ("Nothing waits for a person.",)),
    "a no, thought over": Step(
        "apply {declined} --policy full", 0, ("[y/N]", "completed  revision 0 > 1"), answers=YES
    ),
    "somebody else's work in the way": Step(
        "rollback --journey {first}", 6,
        ("1 source changed since:", "state: nothing was changed", "--on-conflict skip"),
        before=lambda folder: (
            (folder / "handbook" / "travel.md").write_text("# Travel\n\nBy bicycle.\n"),
            told(folder, "ingest", "handbook", "--kb", "hr"),
        ),
    ),
    "an embedder that does not answer": Step(
        "ingest mixed --kb far --set embedder=openai:tiny", 1, ("could not embed", "next: milepost doctor"),
        env={"OPENAI_BASE_URL": "http://127.0.0.1:9/v1", "OPENAI_API_KEY": "sk-none"},
    ),
    "collections that somebody deleted": Step(
        "doctor", 7, ("+ ok   record", "! bad  kb", "next: milepost kb rebuild --kb"), before=lost_collection,
        piped=True,
    ),
    "one of them": Step("kb verify --kb big", 7, ("cannot be read", "next: milepost kb rebuild --kb big")),
    "the cure": Step("{next}", 0, ("Rebuilt kb big",)),
    "a question of a script": Step("plan nowhere --kb hr --detailed-exitcode", 64, ("no such file or folder",)),
    "is all well": Step("doctor", 0, ("+ ok   record", "+ ok   kb hr"), ("! bad",), piped=True),
}  # fmt: skip


@dataclass(frozen=True)
class Lesson:
    """The screens of all steps, by name, and the folder as it was left."""

    folder: Path
    screens: dict[str, Screen]
    spoken: dict[str, str]
    """What was typed at each step."""


@pytest.fixture(scope="module")
def lesson(tmp_path_factory: pytest.TempPathFactory) -> Lesson:
    """Every step, in order, whatever the screens say."""
    folder = tmp_path_factory.mktemp("newcomer")
    write(folder, HANDBOOK)
    taken = Lesson(folder, {}, {})
    kept: dict[str, str] = {}
    for name, step in STEPS.items():
        if step.before is not None:
            step.before(folder)
        typed = step.words.format_map(kept)
        words = tuple(shlex.split(typed))
        if step.piped:
            seen = told(folder, *words, env=step.env)
        else:
            seen = screen(folder, *words, answers=step.answers, env=step.env, interrupt=step.interrupt)
        taken.screens[name], taken.spoken[name] = seen, typed
        kept |= _ids(step, seen)
    return taken


def _ids(step: Step, seen: Screen) -> dict[str, str]:
    """What later steps may name: the command that was offered, and the step's own plan or journey."""
    kept = {"next": seen.next.removeprefix("milepost ")} if seen.next else {}
    found = re.findall(r"\b(?:journey|plan)_[0-9a-f]{8}", seen.text)
    if step.keeps and found:
        kept |= {step.keeps: found[-1], f"misspelt_{step.keeps}": f"{found[-1][:-1]}x"}
    return kept


@pytest.mark.parametrize("name", STEPS)
def test_a_step_says_what_it_should(lesson: Lesson, name: str) -> None:
    """The exit code, the words that have to be there, those that must not; an error in its form, no traceback."""
    step, seen = STEPS[name], lesson.screens[name]
    assert seen.code == step.code, seen.text
    assert [words for words in step.shows if words not in seen.text] == [], seen.text
    assert [words for words in (*step.hides, "Traceback", "inside Milepost") if words in seen.text] == [], seen.text
    if "error: " in seen.text:
        assert faults_of_an_error(seen.text) == [], seen.text


def test_there_are_thirty_steps_and_every_exit_code() -> None:
    """The script does not shrink, and no exit code of the interface is without its screen."""
    assert len(STEPS) >= 30
    assert {step.code for step in STEPS.values()} == {0, 1, 2, 3, 4, 5, 6, 7, 64, 130}


def offers(lesson: Lesson) -> Iterator[tuple[str, str]]:
    """Every command that a screen offered, with the step whose screen it was."""
    for name, seen in lesson.screens.items():
        for line in seen.lines:
            if found := re.match(r"(?:next|Next|[A-Z][^:]* with|If you change your mind): (.+)", line):
                yield name, found[1]


def test_what_is_offered_can_be_run(lesson: Lesson, tmp_path: Path) -> None:
    """Each command, its blanks filled, run where the lesson ended: it exists, it parses, and it names what is there."""
    found = {command: name for name, command in offers(lesson)}
    assert len(found) >= 25
    wrong: list[str] = []
    for at, (command, name) in enumerate(found.items()):
        words = [BLANKS.get(word, word) for word in shlex.split(command)]
        assert words[0] == "milepost", (name, command)
        place = Path(shutil.copytree(lesson.folder, tmp_path / str(at)))
        ran = screen(place, *words[1:], answers={**NO, **ENTER}, env=STEPS[name].env)
        if ran.code in (2, 64) or "inside Milepost" in ran.text or "Traceback" in ran.text:
            wrong.append(f"{name}: {command}\n{ran.text}")
        shutil.rmtree(place)
    assert wrong == []
