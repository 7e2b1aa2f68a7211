"""Law: an id that was invented, shortened or is another tenant's is refused in the same words on every surface.

By LangChain's tools, over MCP, and in a conversation. What the command line and Python say is in `test_tenants.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from fastmcp import Client
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from milepost import Milepost, UserContext, journey_tools
from milepost.agents import FakeServer
from milepost.agents.fake_server import Call, Reply, calls, says
from milepost.agents.toolbox import Toolbox
from milepost.mcp_server import make_server

TAKING = {
    "show_plan": "plan_id",
    "validate_plan": "plan_id",
    "apply_plan": "plan_id",
    "journey_status": "journey_id",
    "preview_rollback": "checkpoint_id",
    "rollback_to_checkpoint": "preview_id",
}
"""The tools that take an id, and which."""


@dataclass
class Model:
    """A model that makes one call, and keeps what it was answered."""

    tool: str = ""
    args: dict[str, Any] | None = None
    answer: str = ""

    def __call__(self, call: Call) -> Reply:
        told = [one["content"] for one in call.messages if one["role"] == "tool"]
        if not told:
            return calls(self.args or {}, tool=self.tool)
        self.answer = told[-1]
        return says("That did not work.")


@dataclass
class Surfaces:
    """Whoever asks, and what there is under each kind of id: somebody else's, and one's own."""

    mp: Milepost
    model: Model
    theirs: dict[str, str]
    own: dict[str, str]

    def refusals(self, tool: str, args: dict[str, Any], thread: str) -> dict[str, str]:
        """What each surface says to a call that it refuses."""
        tools = {one.name: one for one in journey_tools(self.mp)}
        self.model.tool, self.model.args, self.model.answer = tool, args, ""
        self.mp.chat("do it", thread=thread)
        return {"tools": tools[tool].invoke(args), "mcp": asyncio.run(self._over_mcp(tool, args)),
                "chat": self.model.answer}  # fmt: skip

    async def _over_mcp(self, tool: str, args: dict[str, Any]) -> str:
        async with Client(make_server(Toolbox(self.mp.workspace), policy=dict)) as client:
            result = await client.call_tool(tool, args, raise_on_error=False)
            assert result.is_error
            return str(result.content[0].text)


@pytest.fixture(scope="module")
def surfaces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Surfaces]:
    home = tmp_path_factory.mktemp("refusals") / "home"
    model = Model()
    with FakeServer(model) as server:
        chat_model = ChatOpenAI(model="scripted", base_url=server.url, api_key=SecretStr("sk-any"), max_retries=0)

        def opened(tenant: str) -> Milepost:
            user = UserContext(user="ana", tenant=tenant)
            return Milepost(home, policy="rollback", embedder="fake", user=user, chat_model=chat_model)

        with opened("other") as other, opened("mine") as mp:
            yield Surfaces(mp, model, made(other), made(mp))


def made(mp: Milepost) -> dict[str, str]:
    """One id of each kind."""
    journey = mp.ingest([("leave.md", b"# Leave\n\nSixteen weeks.\n")], kb="hr")
    tools = {one.name: one for one in journey_tools(mp)}
    checkpoint = journey.checkpoint("before_upload")
    preview = tools["preview_rollback"].invoke({"checkpoint_id": checkpoint})["preview_id"]
    return {"plan_id": journey.plan_id, "journey_id": journey.journey_id, "checkpoint_id": checkpoint,
            "preview_id": preview}  # fmt: skip


@pytest.mark.parametrize("tool", TAKING)
def test_each_surface_refuses_what_is_not_ones_own_in_the_same_words(surfaces: Surfaces, tool: str) -> None:
    """Word for word, but for the id; and nothing happens."""
    kind = TAKING[tool]
    own = surfaces.own[kind]
    said: set[str] = set()
    for how, asked in {"theirs": surfaces.theirs[kind], "never": f"{own[:-6]}abcdef", "short": own[:-4]}.items():
        args = {kind: asked} | ({"digest": "0" * 64} if tool == "apply_plan" else {})
        told = surfaces.refusals(tool, args, f"{tool} {how}")
        assert told["tools"].startswith("error: "), told
        said |= {text.replace(asked, "ID") for text in told.values()}
    assert len(said) == 1, said
    assert surfaces.mp.kb_list()[0].revision == 1
