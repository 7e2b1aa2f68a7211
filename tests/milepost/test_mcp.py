"""Law: over MCP an assistant has the whole cycle, a person is asked through the client, and nothing else says yes.

The clients are real: fastmcp's, in both eras of the protocol, and the official SDK's, against the served command line.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx2
import pytest
from cli_kit import HANDBOOK, Cli, write
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from fastmcp.client.transports import StreamableHttpTransport
from mcp_types.version import LATEST_MODERN_VERSION

from milepost import AsyncMilepost
from milepost.agents.asking import Asked
from milepost.agents.toolbox import TOOLS, Toolbox
from milepost.mcp_server import _Asking, _Pending, make_server

ERAS = ("legacy", "auto")
RUN = "import sys; from milepost.cli import main; sys.exit(main(sys.argv[1:]))"
Answer = Callable[..., Coroutine[Any, Any, Any]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "files", HANDBOOK)
    return tmp_path / "files"


@asynccontextmanager
async def connected(
    folder: Path, *, policy: str = "rollback", era: str = "auto", answer: Answer | None = None, progress: Any = None
) -> AsyncGenerator[tuple[Client[Any], AsyncMilepost], None]:
    """A client of a server in this process, over a home beside the folder."""
    async with AsyncMilepost(folder.parent / "home", policy=policy, embedder="fake", user="ana") as mp:
        server = make_server(Toolbox(mp, root=folder), policy=dict)
        async with Client(server, mode=era, elicitation_handler=answer, progress_handler=progress) as client:
            yield client, mp


async def call(client: Client[Any], name: str, **arguments: Any) -> dict[str, Any]:
    result = await client.call_tool(name, arguments)
    assert json.loads(result.content[0].text) == result.structured_content
    return dict(result.structured_content)


async def refused(client: Client[Any], name: str, **arguments: Any) -> str:
    result = await client.call_tool(name, arguments, raise_on_error=False)
    assert result.is_error
    return str(result.content[0].text)


async def planned(client: Client[Any]) -> dict[str, str]:
    plan = await call(client, "plan_journey", paths=["."], kb="hr")
    return {"plan_id": plan["plan_id"], "digest": plan["digest"]}


def saying(action: str, content: dict[str, Any] | None = None) -> Answer:
    """A person who always answers the same."""

    async def answer(message: str, kind: Any, params: Any, context: Any) -> Any:
        return ElicitResult(action=action, content=content)

    return answer


YES = saying("accept", {"approve": True})


def test_listing_is_always_the_same_and_says_what_each_tool_does(folder: Path) -> None:
    """Ten tools in one order, each with all four hints, a closed schema, and an output schema."""

    async def work() -> None:
        async with connected(folder) as (client, _):
            tools = await client.list_tools()
            assert tools == await client.list_tools()
            assert [tool.name for tool in tools] == list(TOOLS)
            for tool in tools:
                hints = tool.annotations
                assert hints is not None
                assert None not in (
                    hints.read_only_hint,
                    hints.destructive_hint,
                    hints.idempotent_hint,
                    hints.open_world_hint,
                )
                assert tool.input_schema["additionalProperties"] is False
                assert not {"user", "tenant", "policy"} & tool.input_schema["properties"].keys()
                assert tool.output_schema
            changing = {tool.name for tool in tools if tool.annotations and tool.annotations.destructive_hint}
            assert changing == {"apply_plan", "rollback_to_checkpoint"}

    asyncio.run(work())


@pytest.mark.parametrize("era", ERAS)
def test_the_whole_cycle(folder: Path, era: str) -> None:
    """Plan, apply with progress, search, preview, roll back; resources say the same as the tools."""
    told: list[str] = []

    async def progress(done: float, total: float | None, message: str | None) -> None:
        told.append(message or "")

    async def work() -> None:
        async with connected(folder, era=era, progress=progress) as (client, mp):
            args = await planned(client)
            assert await mp.kb_list() == []
            done = await call(client, "apply_plan", **args)
            assert done["outcomes"] == {"added": 3}
            hit = (await call(client, "search_knowledge", query=HANDBOOK["money/travel.md"], kb="hr"))["results"][0]
            assert hit["source"] in HANDBOOK
            [plan] = await client.read_resource(f"milepost://plans/{args['plan_id']}")
            assert json.loads(plan.text)["digest"] == args["digest"]  # type: ignore[union-attr]
            [journey] = await client.read_resource(f"milepost://journeys/{done['journey_id']}")
            assert json.loads(journey.text)["status"] == "completed"  # type: ignore[union-attr]
            first = (await call(client, "list_checkpoints", kb="hr"))["checkpoints"][-1]
            preview = await call(client, "preview_rollback", checkpoint_id=first["checkpoint_id"])
            assert (preview["success"], preview["chunks_removed"]) == (None, (await mp.kb_list())[0].chunks)
            back = await call(client, "rollback_to_checkpoint", preview_id=preview["preview_id"])
            assert (back["success"], back["verified"]) == (True, "confirmed")
            assert (await mp.kb_list())[0].chunks == 0
            assert "used already" in await refused(client, "rollback_to_checkpoint", preview_id=preview["preview_id"])

    asyncio.run(work())
    assert "upload complete" in told


@pytest.mark.parametrize("era", ERAS)
def test_a_person_is_asked_through_the_client(folder: Path, era: str) -> None:
    """With a yes it runs, in both eras of the protocol; the person sees the plan, and what a rollback takes."""
    seen: list[str] = []

    async def yes(message: str, kind: Any, params: Any, context: Any) -> Any:
        seen.append(message)
        return ElicitResult(action="accept", content={"approve": True})

    async def work() -> None:
        async with connected(folder, policy="full", era=era, answer=yes) as (client, mp):
            done = await call(client, "apply_plan", **await planned(client))
            assert done["status"] == "completed"
            preview = await call(client, "preview_rollback", checkpoint_id=done["checkpoints"][0])
            assert (await call(client, "rollback_to_checkpoint", preview_id=preview["preview_id"]))["success"]
            assert (await mp.kb_list())[0].chunks == 0

    asyncio.run(work())
    assert len(seen) == 2
    assert all("people/leave.md" in message for message in seen)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "answer",
    [
        saying("decline"),
        saying("cancel"),
        saying("accept", {"approve": False}),
    ],
    ids=["decline", "cancel", "false"],
)
def test_anything_but_a_yes_changes_nothing(folder: Path, era: str, answer: Answer) -> None:
    """Declined, cancelled, or a form that says no."""

    async def work() -> None:
        async with connected(folder, policy="full", era=era, answer=answer) as (client, mp):
            done = await call(client, "apply_plan", **await planned(client))
            assert done["status"] == "cancelled"
            assert await mp.kb_list() == []

    asyncio.run(work())


@pytest.mark.parametrize("era", ERAS)
def test_a_client_that_cannot_ask_gets_an_approval_id(folder: Path, era: str) -> None:
    """The approval waits; given elsewhere, the same call runs the plan."""

    async def work() -> None:
        async with connected(folder, policy="full", era=era) as (client, mp):
            args = await planned(client)
            waiting = await call(client, "apply_plan", **args)
            assert waiting["status"] == "awaiting_approval"
            assert (await call(client, "apply_plan", **args))["approval_id"] == waiting["approval_id"]
            assert await mp.kb_list() == []
            await mp.approve(waiting["approval_id"])
            assert (await call(client, "apply_plan", **args))["status"] == "completed"

    asyncio.run(work())


def test_an_answer_to_another_question_is_no_yes() -> None:
    """From 2026-07-28 on the answer comes with the call: only together with the question's own state does it count."""
    yes = ElicitResult(action="accept", content={"approve": True})
    asked = Asked("apply_plan", {}, "the plan", "approval_this")

    async def answered(state: str | None) -> bool | None:
        context = SimpleNamespace(
            session=SimpleNamespace(client_capabilities=SimpleNamespace(elicitation=object())),
            request_context=SimpleNamespace(protocol_version=LATEST_MODERN_VERSION),
            input_responses={"approve": yes}, request_state=state,
        )  # fmt: skip
        return await _Asking(cast(Any, context)).confirm(asked)

    assert asyncio.run(answered("approval_this")) is True
    for other in ("approval_other", None):
        with pytest.raises(_Pending):
            asyncio.run(answered(other))


def test_a_client_that_fails_to_ask_has_not_said_yes(folder: Path) -> None:
    """An answer that is none leaves the approval waiting."""

    async def work() -> None:
        async with connected(folder, policy="full", era="legacy", answer=saying("accept", {})) as (client, mp):
            assert (await call(client, "apply_plan", **await planned(client)))["status"] == "awaiting_approval"
            assert await mp.kb_list() == []

    asyncio.run(work())


def test_what_goes_wrong_is_an_error_with_the_next_call(folder: Path) -> None:
    """A failure of a tool is a result with what, why and what to call; resources say the same."""

    async def work() -> None:
        async with connected(folder) as (client, mp):
            args = await planned(client)
            for name, arguments in (
                ("apply_plan", args | {"digest": "0" * 64}),
                ("apply_plan", args | {"user": "root"}),
                ("apply_plan", {"plan_id": args["plan_id"][:12], "digest": args["digest"]}),
                ("preview_rollback", {"checkpoint_id": "checkpoint_before_upload_none"}),
                ("plan_journey", {"paths": ["../.."], "kb": "hr"}),
                ("search_knowledge", {"query": "x", "kb": "none"}),
                ("search_knowledge", {"query": "x", "kb": "hr", "k": 5_000}),
                ("journey_status", {}),
            ):
                told = await refused(client, name, **arguments)
                assert told.startswith("error: ")
                assert "\nnext: " in told
                assert "Traceback" not in told
            assert await mp.kb_list() == []
            with pytest.raises(Exception, match="there is no plan"):
                await client.read_resource("milepost://plans/plan_none")

    asyncio.run(work())


def test_a_server_sees_what_others_publish(folder: Path) -> None:
    """A second workspace publishes while the server runs; the next search has it, and the server writes again after."""

    async def work() -> None:
        async with connected(folder) as (client, _):
            await call(client, "apply_plan", **await planned(client))
            async with AsyncMilepost(folder.parent / "home", policy="rollback", embedder="fake", user="ben") as other:
                await other.ingest([("new.md", b"# New\n\nThis is new.")], kb="hr")
            hits = (await call(client, "search_knowledge", query="This is new.", kb="hr", k=10))["results"]
            assert "new.md" in {hit["source"] for hit in hits}
            (folder / "own.md").write_text("# Own\n\nAnd this is ours.\n", encoding="utf-8")
            assert (await call(client, "apply_plan", **await planned(client)))["outcomes"]["added"] == 1

    asyncio.run(work())


def test_the_command_serves_stdio(folder: Path) -> None:
    """The served command line, met by the official SDK's client: stdout carries the protocol and nothing else."""
    from mcp import StdioServerParameters
    from mcp.client.client import Client as Official
    from mcp.client.stdio import stdio_client

    home = str(folder.parent / "home")
    words = ["mcp", "--home", home, "--policy", "rollback", "--root", str(folder)]
    server = StdioServerParameters(
        command=sys.executable,
        args=["-c", RUN, *words],
        env={**os.environ, "MILEPOST_EMBEDDER": "fake"},
    )

    async def work() -> None:
        async with Official(stdio_client(server)) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == list(TOOLS)
            plan: Any = await client.call_tool("plan_journey", {"paths": ["."], "kb": "hr"})
            said = plan.structured_content
            done: Any = await client.call_tool("apply_plan", {"plan_id": said["plan_id"], "digest": said["digest"]})
            assert done.structured_content["status"] == "completed"

    asyncio.run(work())


def test_a_client_that_vanishes_is_no_fault(folder: Path) -> None:
    """It closed its end in the middle of a conversation: the server ends, and says nothing of it."""
    command = [sys.executable, "-c", RUN, "mcp", "--root", str(folder), "--home", str(folder.parent / "home")]
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as server:
        assert server.stdin and server.stdout and server.stderr
        server.stdin.write(_line("initialize", client, id=1) + _line("notifications/initialized"))
        server.stdin.flush()
        assert b"protocolVersion" in server.stdout.readline()
        server.stdout.close()
        server.stdin.write(_line("tools/list", id=2))
        server.stdin.close()
        assert (server.wait(60), server.stderr.read()) == (0, b"")


def _line(method: str, params: Any = None, **more: Any) -> bytes:
    said = {"jsonrpc": "2.0", "method": method, **({"params": params} if params else {}), **more}
    return json.dumps(said).encode() + b"\n"


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture
def http(folder: Path, port: int) -> Iterator[str]:
    """The command line serving HTTP on loopback, with a token."""
    words = ["mcp", "--http", f"127.0.0.1:{port}", "--root", str(folder), "--home", str(folder.parent / "home")]
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, *words],
        env={**os.environ, "MILEPOST_EMBEDDER": "fake", "MILEPOST_MCP_TOKEN": "open-sesame"},
    )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        process.terminate()
        process.wait(timeout=30)


def test_http_wants_the_token(http: str) -> None:
    """Without the token, or with another, nothing is served; with it the tools are there."""

    async def ready() -> None:
        async with httpx2.AsyncClient() as client:
            for _ in range(600):
                try:
                    await client.get(http)
                    return
                except httpx2.TransportError:
                    await asyncio.sleep(0.05)
            raise AssertionError("the server did not come up")

    async def work() -> None:
        await ready()
        async with httpx2.AsyncClient() as client:
            for token in (None, "open", "open-sesame2"):
                headers = {"Authorization": f"Bearer {token}"} if token else {}
                assert (await client.post(http, headers=headers, json={})).status_code == 401
        async with Client(StreamableHttpTransport(http, auth="open-sesame")) as client:
            assert (await client.list_tools())[0].name == TOOLS[0]

    asyncio.run(work())


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("mcp", "--http", "0.0.0.0:8700", "--root", "."), 3, "no bearer token"),
        (("mcp", "--http", "127.0.0.1:8700"), 2, "--root"),
        (("mcp", "--http", "here", "--root", "."), 2, "HOST:PORT"),
        (("mcp", "--root", "nowhere"), 2, "no folder"),
    ],
)
def test_the_commands_mistakes(cli: Cli, words: tuple[str, ...], code: int, said: str) -> None:
    """What cannot be served is told before anything starts."""
    ran = cli(*words)
    assert ran.code == code
    assert said in ran.err
    assert ran.out == ""


def test_stdio_speaks_the_protocol_only(folder: Path) -> None:
    """A client that goes away at once ends the server, without a word on either stream."""
    words = ["mcp", "--home", str(folder.parent / "home"), "--root", str(folder)]
    ran = subprocess.run([sys.executable, "-c", RUN, *words], input="", capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert not (folder.parent / "home").exists()
