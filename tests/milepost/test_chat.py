"""Law: in a conversation nothing is changed before it was shown and somebody said yes; errors lose nothing of it.

The lines come through a pipe, as a program would send them; a terminal's prompt is typed at in a pseudo-terminal.
"""

from __future__ import annotations

import io
import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cli_kit import Cli, Ran

from milepost import Milepost
from milepost.agents.fake_server import Call, FakeServer, Reply, calls, says
from milepost.chat_commands import completions

RUN = "import sys; from milepost.cli import main; sys.exit(main(sys.argv[1:]))"
READY = "\x1b[?2004h"
"""What a prompt shows when it takes keys: it switches bracketed paste on."""
Talk = Callable[..., Ran]


@pytest.fixture
def talk(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Talk:
    """Say some lines in a chat over one home."""

    def say(*lines: str, policy: str = "rollback", more: tuple[str, ...] = ()) -> Ran:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return cli("chat", "--policy", policy, *more)

    return say


def events(ran: Ran) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ran.out.splitlines()]


def sources() -> int:
    with Milepost(".milepost", embedder="fake") as mp:
        return sum(kb.sources for kb in mp.kb_list())


def test_a_plan_waits_for_a_yes(talk: Talk) -> None:
    """A plan alone changes nothing; a no ends it; a yes applies it, in the words of the question or by /approve."""
    ran = talk("/kb hr", "/plan handbook", "n")
    assert "3 to add" in ran.out
    assert "[y/N]" in ran.out
    assert "Nothing was applied." in ran.out
    assert sources() == 0
    assert "3 added" in talk("/kb hr", "/plan handbook", "/approve").out
    assert sources() == 3
    ran = talk("/kb hr", "/undo", "y", "/plan handbook", "yes")
    assert "Rolled back" in ran.out
    assert ran.code == 0
    assert sources() == 3


def test_ingest_asks_where_the_policy_asks(talk: Talk) -> None:
    """Under `rollback` it runs at once; under `full` it waits, and silence is a no."""
    talk("/kb hr", "/ingest handbook", policy="full")
    assert sources() == 0
    talk("/kb hr", "/ingest handbook", "", policy="full")
    assert sources() == 0
    assert "3 added" in talk("/kb hr", "/ingest handbook", "y", policy="full").out
    assert "as in the kb" in talk("/kb hr", "/ingest handbook").out
    assert sources() == 3


def test_undo_and_rewind_show_first(talk: Talk) -> None:
    """What goes is shown, then asked; a no keeps it; the menu's number picks a checkpoint."""
    talk("/kb hr", "/ingest handbook")
    ran = talk("/kb hr", "/undo", "n", "/search paid leave")
    assert "remove  people/leave.md" in ran.out
    assert "Nothing was rolled back." in ran.out
    assert "people/leave.md" in ran.out.rpartition("Nothing was rolled back.")[2]
    assert sources() == 3
    ran = talk("/kb hr", "/rewind", "9", "1", "/approve", "/checkpoints")
    assert "there is no 9 in the menu" in ran.out
    assert "store confirmed" in ran.out
    assert "before_rollback" in ran.out.rpartition("store confirmed")[2]
    assert sources() == 0


def test_what_is_back_already_is_not_asked_about(talk: Talk) -> None:
    """Undoing a journey a second time says so, and no question waits."""
    talk("/kb hr", "/ingest handbook")
    with Milepost(".milepost", embedder="fake") as mp:
        journey = mp.journeys()[0].journey_id
    talk("/kb hr", f"/undo {journey}", "y")
    ran = talk("/kb hr", f"/undo {journey}", "y")
    assert "Already there" in ran.out
    assert "[y/N]" not in ran.out
    assert "nothing waits for an answer" in ran.out


def test_a_sentence_is_a_request(talk: Talk) -> None:
    """The template planner reads it; the files that it names by path are on offer, and nothing runs before the yes."""
    ran = talk("please put handbook/welcome.md into hr", "y")
    assert "welcome.md" in ran.out
    assert "1 added" in ran.out
    assert sources() == 1
    assert "which files?" in talk("/kb hr", "take in the new things", "/approve").out
    assert sources() == 1


def test_a_folder_is_named_in_a_sentence(talk: Talk) -> None:
    """As people say it: no kb of that name is there, and no file is called after the folder."""
    ran = talk("add everything in handbook to hr", "y")
    assert "3 added" in ran.out
    assert sources() == 3


def test_what_is_missing_is_answered_in_a_word(talk: Talk) -> None:
    """A kb's name, or a path; anything else is a new request, and nothing is asked about an answer."""
    ran = talk("put handbook/welcome.md in", "hr", "y")
    assert "which knowledge base" in ran.out and "1 added" in ran.out
    ran = talk("/kb hr", "add the new files", "handbook", "y")
    assert "which files?" in ran.out and "2 added" in ran.out
    ran = talk("put handbook/welcome.md in", "stop", "legal", "y")
    assert "Apply" not in ran.out
    assert "nothing waits" in ran.out
    ran = talk("/kb hr", "what is in hr?", "y")
    assert "holds" in ran.out and "Apply" not in ran.out and "nothing waits" in ran.out
    assert sources() == 3


def test_what_is_looked_for_is_searched(talk: Talk) -> None:
    """In the kb that is named, or meant; a question that no plan answers says how to look."""
    talk("/kb hr", "/ingest handbook")
    for said in ("search for paid leave in hr", "look up paid leave"):
        assert "people/leave.md" in talk("/kb hr", said).out
    assert "no knowledge base is named" in talk("search paid leave").out
    assert "/search TEXT" in talk("/kb hr", "how many weeks of leave are there?").out


def test_an_undo_is_done_over_in_words(talk: Talk) -> None:
    """Where the last change was one; else there is nothing to do over, and nothing else is undone for it."""
    talk("/kb hr", "/ingest handbook")
    assert "nothing to do over" in talk("/kb hr", "redo that", "y").out
    assert sources() == 3
    talk("/kb hr", "undo that", "y")
    assert sources() == 0
    talk("/kb hr", "bring everything back", "y")
    assert sources() == 3


def test_hello_is_answered_with_what_can_be_said(talk: Talk) -> None:
    """Not with a plan of nothing."""
    for said in ("hello", "What can you do?", "help"):
        assert "/rewind" in talk(said).out


def test_errors_lose_nothing(talk: Talk) -> None:
    """Each mistake is told in the form of every error, and the conversation goes on with what it knew."""
    ran = talk(
        "/plan handbook", "/kb hr", "/serch x", "/ingest", "/ingest nowhere", "/undo", "y", "/search", "/status",
        "/plan handbook", "/help", "/approve", "/approve",
    )  # fmt: skip
    for said in (
        "no knowledge base is named yet", "did you mean search", "a path is missing", "nowhere",
        "there is no home at .milepost", "nothing waits for an answer", "there is nothing to search for", "3 added",
    ):  # fmt: skip
        assert said in ran.out, said
    assert ran.out.count("error: ") == 9
    assert "Traceback" not in ran.out + ran.err
    assert ran.code == 0


def test_what_a_home_does_not_hold_yet_is_said(talk: Talk) -> None:
    """A plan that was declined leaves neither a kb nor a journey that did something."""
    said = talk("/kb hr", "/plan handbook", "/reject", "/undo", "/status").out
    assert "there is no kb 'hr'" in said
    assert "there is no home" not in said and "Traceback" not in said


def test_events_for_programs(talk: Talk) -> None:
    """With --json each answer is an event on a line of its own, with the shapes that the commands give."""
    told = events(talk("/kb hr", "/plan handbook", "/approve", "/search leave", "/oops", more=("--json",)))
    kinds = [event["event"] for event in told if event["event"] != "progress"]
    assert kinds == ["kb", "plan", "question", "journey", "results", "error"]
    assert all(event["format_version"] == "1.0" for event in told)
    by = {event["event"]: event for event in told}
    assert by["plan"]["plan"]["summary"]["add"] == 3
    assert by["journey"]["journey"]["status"] == "completed"
    assert by["results"]["results"][0]["source"]
    assert by["error"]["error"]["code"] == "usage"


def test_yes_answers_beforehand(talk: Talk) -> None:
    """`--yes` answers every question, as it does for every command."""
    assert "3 added" in talk("/kb hr", "/plan handbook", more=("--yes",)).out
    talk("/kb hr", "/undo", more=("--yes",))
    assert sources() == 0


def test_completion(cli: Cli) -> None:
    """Commands after a slash, kbs after /kb, paths after /ingest."""

    def offered(typed: str) -> list[str]:
        return [one.text for one in completions(typed, lambda: ["hr", "legal"])]

    assert offered("/re") == ["/reject", "/rewind"]
    assert offered("/kb h") == ["hr"]
    assert offered("/ingest handbook/w") == ["handbook/welcome.md"]
    assert offered("/plan hand") == ["handbook/"]
    assert offered("hello") == []


def test_on_a_terminal(cli: Cli, tmp_path: Path) -> None:
    """At a prompt: the question is the prompt, y applies, Ctrl-D ends."""
    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, "chat", "--kb", "hr", "--policy", "rollback"],
        stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True, env=env,
    )  # fmt: skip
    os.close(theirs)
    shown = Shown(ours)
    try:
        shown.until(READY)
        os.write(ours, b"/plan handbook\r")
        shown.until(READY)
        shown.until("[y/N]")
        os.write(ours, b"y\r")
        shown.until("3 added")
        shown.until(READY)
        os.write(ours, b"\x04")
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert sources() == 3


class Shown:
    """What a terminal shows, read up to what is waited for."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._seen = ""

    def until(self, wanted: str) -> None:
        while wanted not in self._seen:
            ready, _, _ = select.select([self._terminal], [], [], 90)
            assert ready, f"it never showed {wanted!r}: {self._seen[-2000:]}"
            self._seen += os.read(self._terminal, 65_536).decode(errors="replace")
        self._seen = self._seen.partition(wanted)[2]


def test_with_a_model_the_assistant_answers(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Words go to the model behind the endpoint; what it wants to do is shown and waits; what is undone it is told."""

    def script(call: Call) -> Reply:
        last = call.messages[-1]
        if last["role"] == "tool" and "digest" in (made := json.loads(last["content"])):
            return calls({key: made[key] for key in ("plan_id", "digest")}, tool="apply_plan")
        if last["role"] == "tool":
            return says("It is in.")
        if "undone" in last["content"]:
            return says("You rolled back." if "rolled back" in json.dumps(call.messages) else "I know of nothing.")
        return calls({"paths": ["handbook"], "kb": "hr"}, tool="plan_journey")

    with FakeServer(script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("MILEPOST_MODEL", "scripted")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-CANARY")
        ran = talk("put the handbook in", "n", "put the handbook in", "y", "/kb hr", "/undo", "y", "what was undone?")
    assert ran.out.count("Apply plan? [y/N]") == 2
    assert "It is in." in ran.out
    assert "You rolled back." in ran.out
    assert "sk-CANARY" not in ran.out + ran.err
    assert sources() == 0


def test_an_edit_plans_again(talk: Talk) -> None:
    """Other words for what waits: the new plan is shown and asked about, the old one is not applied."""
    ran = talk("/kb hr", "/edit x", "/plan handbook", "/edit", "/edit only people/leave.md", "y")
    assert "no plan waits that could be edited" in ran.out
    assert "the words are missing" in ran.out
    assert ran.out.count("Plan: 3 to add") == ran.out.count("Plan: 1 to add") == 1
    assert "1 added" in ran.out
    assert sources() == 1


def test_a_models_words_come_as_they_are_said(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each text once, each on lines of its own, without what could steer a terminal; an edit goes to the assistant."""

    def script(call: Call) -> Reply:
        last = call.messages[-1]
        if last["role"] == "tool" and "digest" in (made := json.loads(last["content"])):
            return calls({key: made[key] for key in ("plan_id", "digest")}, tool="apply_plan")
        if last["role"] == "tool":
            return says("It is in, \x1b[2Jas you wanted.")
        return calls({"paths": ["handbook"], "kb": "hr"}, tool="plan_journey")

    with FakeServer(script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("MILEPOST_MODEL", "scripted")
        monkeypatch.setenv("OPENAI_API_KEY", "sk-any")
        ran = talk("put the handbook in", "/edit only people/leave.md", "y")
        told = events(talk("put it in again", "n", more=("--json",)))
    assert ran.out.count("It is in, [2Jas you wanted.\n") == 1
    assert "Plan: 1 to add" in ran.out
    assert "upload complete" in ran.err
    assert sources() == 1
    assert [event["event"] for event in told if event["event"] == "assistant"] == ["assistant"]
