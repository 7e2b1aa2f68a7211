"""The toolbox as LangChain tools, for any agent: `create_agent(model, journey_tools(mp))`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from inspect import signature
from pathlib import Path
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from langgraph.config import get_config
from langgraph.types import interrupt
from pydantic import BaseModel

from ..store.errors import MilepostError
from .asking import Asked, Confirm, by_id
from .milepost import Milepost
from .tool_advice import advice
from .tool_arguments import arguments_of
from .toolbox import Toolbox
from .workspace import AsyncMilepost

_CHECKPOINTER = "__pregel_checkpointer"


def journey_tools(mp: Milepost | AsyncMilepost, *, root: Path | None = None) -> list[BaseTool]:
    """LangChain tools over a workspace, for its user and under its policy; files have to lie under `root` (here).

    Where policy wants a person, a tool that runs in a graph with a checkpointer interrupts it, in LangChain's
    human-in-the-loop shape; elsewhere it answers with an approval id for `milepost approve`. None of them approves, and
    what the policy forbids is not among them. What goes wrong comes back as text that says what to call next.
    """
    workspace = mp.workspace if isinstance(mp, Milepost) else mp
    box = Toolbox(workspace, root=root)
    return [_tool(getattr(box, name)) for name in box.offered()]


def _tool(work: Callable[..., Awaitable[BaseModel]]) -> BaseTool:
    asks = "confirm" in signature(work).parameters

    async def call(**arguments: Any) -> dict[str, Any]:
        confirm = {"confirm": _confirm()} if asks else {}
        try:
            answer = await work(**arguments, **confirm)
        except MilepostError as refused:
            raise ToolException(advice(refused)) from refused
        return answer.model_dump(mode="json", exclude_none=True)

    def call_and_wait(**arguments: Any) -> dict[str, Any]:
        return _wait(call(**arguments))

    return StructuredTool.from_function(
        func=call_and_wait, coroutine=call, name=work.__name__, description=(work.__doc__ or "").strip(),
        args_schema=arguments_of(work), handle_tool_error=True,
    )  # fmt: skip


def _confirm() -> Confirm:
    """Interrupting, where this runs inside a graph that can be gone on with; else by id."""
    try:
        pausing = get_config().get("configurable", {}).get(_CHECKPOINTER) is not None
    except RuntimeError:  # no graph at all
        pausing = False
    return _interrupting if pausing else by_id


async def _interrupting(asked: Asked) -> bool:
    """Pause the graph until a person decides; anything but an approval is a no."""
    allowed = ["approve", "reject"]
    request = {"name": asked.action, "args": asked.args, "description": asked.text}
    answer = interrupt({"action_requests": [request],
                        "review_configs": [{"action_name": asked.action, "allowed_decisions": allowed}]})  # fmt: skip
    decisions: Any = answer.get("decisions") if isinstance(answer, dict) else None
    return isinstance(decisions, list) and [one.get("type") for one in decisions] == ["approve"]


def _wait(work: Coroutine[Any, Any, dict[str, Any]]) -> dict[str, Any]:
    """Run to the end on a thread of its own, in this context: a loop may be running here already."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        return thread.submit(copy_context().run, asyncio.run, work).result()
