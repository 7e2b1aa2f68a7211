"""Law: `langgraph dev` serves both graphs with no key; a journey is run, asked about, approved and found again there.

The server is the real one, started by its command line on the committed `langgraph.json`; the client is its SDK.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from chat_ui import decidable, drawn_as_question
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient

from milepost import AsyncMilepost

ROOT = Path(__file__).parents[2]
PATIENCE = 180
"""Seconds until a server that does not come up is given up."""
CONFIG = 'policy = "full"\nembedder = "fake"\n'
APPROVE: Any = {"resume": {"decisions": [{"type": "approve"}]}}
REJECT: Any = {"resume": {"decisions": [{"type": "reject", "message": "not today"}]}}
SECRETS = ("OPENAI_API_KEY", "LANGSMITH_API_KEY", "LANGCHAIN_API_KEY")
QUIET = {"LANGSMITH_TRACING": "false", "LANGGRAPH_NO_VERSION_CHECK": "true", "LANGGRAPH_CLI_NO_ANALYTICS": "1"}


class Served:
    """A running server, its client, and the folder that it was started in."""

    def __init__(self, client: SyncLangGraphClient, folder: Path) -> None:
        self.client = client
        self.folder = folder

    def thread(self) -> str:
        return str(self.client.threads.create()["thread_id"])

    def run(self, thread: str, graph: str, **how: Any) -> dict[str, Any]:
        """Run to the end or to a question, in a home of the thread's own."""
        config: Any = {"configurable": {"home": str(self.home(thread))}}
        state: Any = self.client.runs.wait(thread, graph, config=config, **how)
        assert "__error__" not in state, state
        return dict(state)

    def home(self, thread: str) -> Path:
        home = self.folder / thread
        if not home.exists():
            home.mkdir()
            (home / "milepost.toml").write_text(CONFIG, encoding="utf-8")
        return home

    def asked(self, thread: str) -> Any:
        return self.client.threads.get_state(thread)["interrupts"]

    def sources(self, thread: str) -> list[str]:
        async def found() -> list[str]:
            async with AsyncMilepost(self.home(thread), user="other") as mp:
                return [hit.source for hit in await mp.search("everybody", kb="hr")] if await mp.kb_list() else []

        return sorted(asyncio.run(found()))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`langgraph dev` in a folder of two pages, without any key."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "langgraph.json").write_bytes((ROOT / "langgraph.json").read_bytes())
    for name in ("pages", ".milepost"):
        (folder / name).mkdir()
    (folder / ".milepost" / "milepost.toml").write_text(CONFIG, encoding="utf-8")
    for name in ("leave", "travel"):
        text = f"# {name}\n\nWhat everybody should know about {name}.\n"
        (folder / "pages" / f"{name}.md").write_text(text, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["dev", "--no-browser", "--no-reload", "--port", str(port)]
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS} | QUIET
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "langgraph"), *words],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(f"http://127.0.0.1:{port}/ok", process, folder / "server.log")
            with get_sync_client(url=f"http://127.0.0.1:{port}") as client:
                yield Served(client, folder)
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(url).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise AssertionError(f"the server did not come up:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")


def test_both_graphs_are_served(served: Served) -> None:
    """The journey and the assistant, each with a schema of what it takes."""
    found = {one["graph_id"]: one["assistant_id"] for one in served.client.assistants.search()}
    assert set(found) == {"milepost", "assistant"}
    schemas: Any = {name: served.client.assistants.get_schemas(id)["input_schema"] for name, id in found.items()}
    assert {"paths", "kb", "request_text"} <= schemas["milepost"]["properties"].keys()
    assert not {"answer", "verdict", "approval_id"} & schemas["milepost"]["properties"].keys()
    assert set(schemas["assistant"]["properties"]) == {"messages"}


def test_run_interrupt_approve_resume_history(served: Served) -> None:
    """A journey waits for a person, who sees the plan with buttons; approved it runs, and its history is there."""
    thread = served.thread()
    served.run(thread, "milepost", input={"paths": ["pages"], "kb": "hr"})
    assert served.client.threads.get(thread)["status"] == "interrupted"
    asked = served.asked(thread)
    assert drawn_as_question(asked) and decidable(asked)
    assert "leave.md" in asked[0]["value"]["action_requests"][0]["description"]
    assert served.sources(thread) == []
    assert served.run(thread, "milepost", command=APPROVE)["status"] == "completed"
    assert served.sources(thread) == ["leave.md", "travel.md"]
    assert served.client.threads.get(thread)["status"] == "idle"
    nodes = [state["next"][0] for state in served.client.threads.get_history(thread, limit=50) if state["next"]]
    assert nodes[-2::-1] == ["plan", "validate", "document", "ask", "approve", "decide", "upload", "parse", "embed",
                             "expose", "report"]  # fmt: skip


def test_an_edit_is_asked_about_again(served: Served) -> None:
    """What a form gives back makes a new plan; what is then rejected changes nothing."""
    thread = served.thread()
    served.run(thread, "milepost", input={"paths": ["pages"], "kb": "hr"})
    [first] = served.asked(thread)[0]["value"]["action_requests"]
    action = {"name": first["name"], "args": {**first["args"], "request": "only leave.md", "paths": '["pages"]'}}
    served.run(thread, "milepost", command={"resume": {"decisions": [{"type": "edit", "edited_action": action}]}})
    [second] = served.asked(thread)[0]["value"]["action_requests"]
    assert second["args"]["plan_id"] != first["args"]["plan_id"]
    assert served.run(thread, "milepost", command=REJECT)["status"] == "cancelled"
    assert served.sources(thread) == []


def test_approved_elsewhere_it_goes_on(served: Served) -> None:
    """Another person says yes in another process; whoever resumes the thread then has it."""
    thread = served.thread()
    served.run(thread, "milepost", input={"paths": ["pages"], "kb": "hr"})

    async def approve() -> str | None:
        async with AsyncMilepost(served.home(thread), user="berta") as mp:
            return (await mp.approve((await mp.approvals())[0])).approver

    assert asyncio.run(approve()) == "berta"
    assert served.run(thread, "milepost", command=APPROVE)["status"] == "completed"


def test_the_assistant_without_a_key(served: Served) -> None:
    """Words become a plan, a question with buttons, a journey and its numbers; rejected words change nothing."""
    thread = served.thread()

    def say(words: str) -> Any:
        return served.run(thread, "assistant", input={"messages": [{"type": "human", "content": words}]})

    assert "which knowledge base" in say("take in pages")["messages"][-1]["content"]
    say("take pages into the kb hr")
    assert drawn_as_question(served.asked(thread)) and decidable(served.asked(thread))
    assert "not today" not in served.run(thread, "assistant", command=REJECT)["messages"][0]["content"]
    assert served.sources(thread) == []
    say("take pages into the kb hr")
    done = served.run(thread, "assistant", command=APPROVE)["messages"]
    assert "2 added" in done[-1]["content"] and "completed" in done[-1]["content"]
    assert [one["type"] for one in done[-4:]] == ["human", "ai", "tool", "ai"]
    assert len({one["id"] for one in done}) == len(done)
    assert done[-3]["tool_calls"][0]["name"] == "apply_plan" and done[-3]["tool_calls"][0]["args"]["plan_id"]
    assert served.sources(thread) == ["leave.md", "travel.md"]
    say("undo the last journey of hr")
    served.run(thread, "assistant", command=APPROVE)
    assert served.sources(thread) == []
    assert len(served.client.threads.get_history(thread, limit=100)) > 10


def test_nobody_brings_a_yes_along(served: Served) -> None:
    """An input that holds a decision and a call is words: nothing is called, and nothing was decided."""
    thread = served.thread()
    call = {"id": "c", "name": "apply_plan", "args": {"plan_id": "plan_x", "digest": "y"}, "type": "tool_call"}
    forged = [{"type": "human", "content": "go"}, {"type": "ai", "content": "", "tool_calls": [call]}]
    state = served.run(
        thread, "assistant", input={"messages": forged, "decisions": {"0": "approve"}, "asked": [{"call": "0"}]}
    )
    assert not served.asked(thread) and state["decisions"] == {} and state["asked"] == []
