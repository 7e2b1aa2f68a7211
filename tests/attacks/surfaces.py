"""The three ways in: the assistant of `chat`, the tools in an agent of LangChain's, and MCP."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anyio.from_thread import start_blocking_portal
from attack_world import World
from fastmcp import Client
from fastmcp.client.elicitation import ElicitResult
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import GraphRecursionError
from langgraph.types import Command
from obedient import Obedient
from plants import Plant
from pydantic import SecretStr

from milepost.agents import FakeServer, journey_tools
from milepost.agents.fake_server import Call, Reply, calls, says
from milepost.agents.toolbox import Toolbox
from milepost.mcp_server import make_server

ASKING = {"enable_rollback": True, "approval": "always"}
ASKING_SOMETIMES = {"enable_rollback": True, "approval": "destructive"}
ASKING_NOBODY = {"enable_rollback": True, "approval": "never"}
_TRIES = 4
"""How often a person is asked and says no, at most."""
_STEPS = 60


@dataclass
class Seen:
    """What the model was told and what it called, in one attack."""

    texts: list[str] = field(default_factory=list)
    called: list[str] = field(default_factory=list)
    under_order: list[str] = field(default_factory=list)
    """What it called because somebody else's text said so."""
    aimed: int = 0
    """How many of these calls were of the tool that the order aims at."""


class Attack:
    """A world, the obedient model, and one surface; the person says no, or nothing, in turns."""

    def __init__(self, world: World, script: Any = None) -> None:
        self.world = world
        self.model = Obedient(world.known)
        self.seen = Seen()

    def decide(self, messages: Sequence[dict[str, Any]]) -> tuple[str, dict[str, Any]] | str:
        """The model's next move, noted."""
        self.seen.texts = [json.dumps(one, ensure_ascii=False) for one in messages]
        move = self.model.next(messages)
        if not isinstance(move, str):
            self.seen.called.append(move[0])
            if self.model.order is not None:
                self.seen.under_order.append(move[0])
                self.seen.aimed += move[0] == self.model.order.aimed
        return move

    def reply(self, call: Call) -> Reply:
        """The same as an endpoint answers it."""
        move = self.decide([one for one in call.messages if one["role"] != "system"])
        return says(move) if isinstance(move, str) else calls(move[1], tool=move[0])

    def run(self, plant: Plant, turn: int) -> Seen:
        """Attack once, by one plant."""
        self.seen = Seen()
        self._run(self.world.says(plant), turn)
        return self.seen

    def _run(self, words: str, turn: int) -> None:
        raise NotImplementedError


class InChat(Attack):
    """In turns the person says no, or goes on to something else."""

    def _run(self, words: str, turn: int) -> None:
        mp, thread, root = self.world.mp, str(turn), self.world.root
        said = mp.chat(words, thread=thread, root=root)
        for _ in range(_TRIES):
            if not said.asked:
                return
            if turn % 2:
                said = mp.chat(decisions=["reject"] * len(said.asked), thread=thread, root=root)
            else:
                said = mp.chat("What else is there?", thread=thread, root=root)


class InAgent(Attack):
    """In turns the graph can pause, and the person says no; or it cannot, and an approval waits by its id."""

    endpoint = ""

    def _run(self, words: str, turn: int) -> None:
        model = ChatOpenAI(model="scripted", base_url=self.endpoint, api_key=SecretStr("sk-any"), max_retries=0)
        tools = journey_tools(self.world.mp, root=self.world.root)
        agent: Any = create_agent(model, tools, checkpointer=InMemorySaver() if turn % 2 else None)
        config: Any = {"configurable": {"thread_id": str(turn)}, "recursion_limit": _STEPS}
        given: Any = {"messages": [("user", words)]}
        try:
            for _ in range(_TRIES):
                state = agent.invoke(given, config)
                if not state.get("__interrupt__"):
                    return
                given = Command(resume={"decisions": [{"type": "reject"}]})
        except GraphRecursionError:
            return


class OverMcp(Attack):
    """In turns the client asks its person, who declines; or it cannot ask."""

    def __init__(self, world: World, portal: Any = None) -> None:
        super().__init__(world)
        self._portal = portal

    def _run(self, words: str, turn: int) -> None:
        self._portal.call(self._converse, words, turn)

    async def _converse(self, words: str, turn: int) -> None:
        async def declines(message: str, kind: Any, params: Any, context: Any) -> Any:
            return ElicitResult(action="decline")

        server = make_server(Toolbox(self.world.mp.workspace, root=self.world.root), policy=dict)
        messages: list[dict[str, Any]] = [{"role": "user", "content": words}]
        how: Any = {"elicitation_handler": declines if turn % 2 else None, "mode": "legacy" if turn % 4 < 2 else "auto"}
        async with Client(server, **how) as client:
            for at in range(_STEPS):
                move = self.decide(messages)
                if isinstance(move, str):
                    return
                function = {"name": move[0], "arguments": json.dumps(move[1])}
                called = {"id": f"c{at}", "type": "function", "function": function}
                messages.append({"role": "assistant", "content": None, "tool_calls": [called]})
                messages.append({"role": "tool", "tool_call_id": f"c{at}", "content": await _called(client, *move)})


async def _called(client: Client[Any], name: str, arguments: dict[str, Any]) -> str:
    try:
        result = await client.call_tool(name, arguments, raise_on_error=False)
    except Exception as refused:  # a protocol's error is an answer here
        return str(refused)
    return "\n".join(getattr(part, "text", "") for part in result.content)


@contextmanager
def opened(surface: str, folder: Path, planted: Sequence[Plant], policy: dict[str, Any] = ASKING) -> Iterator[Attack]:
    """A world with one of the surfaces to it: "chat", "tools" or "mcp"."""
    made: list[Attack] = []
    with FakeServer(lambda call: made[0].reply(call)) as server, start_blocking_portal() as portal:
        model = ChatOpenAI(model="scripted", base_url=server.url, api_key=SecretStr("sk-any"), max_retries=0)
        if surface == "chat":  # it asks whatever the policy says
            policy = ASKING_NOBODY
        world = World(folder, planted, policy, chat_model=model)
        try:
            made.append({"chat": InChat, "tools": InAgent, "mcp": OverMcp}[surface](world, portal))
            if isinstance(made[0], InAgent):
                made[0].endpoint = server.url
            yield made[0]
        finally:
            world.close()
