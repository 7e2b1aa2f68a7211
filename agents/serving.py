"""Milepost under LangGraph's server: one opened home for each folder, on behalf of whom the server authenticated."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..store.policy import Policy
from ..store.records import UserContext
from .chat_model import ready
from .ending import Came
from .engine import Engine
from .opening import user_of
from .planner import PlanRequest
from .workspace import AsyncMilepost

if TYPE_CHECKING:
    from .assistant import Assistant

T = TypeVar("T")
HOME = ".milepost"

_OPEN: dict[Path, AsyncMilepost] = {}
_LOCK = threading.Lock()


class LazyEngine:
    """An engine that is opened by the first node that needs it, off the event loop: making one touches no disk.

    The server knows of no turns, so one run takes its own: from its first step until its report, or until it fails.
    A run that is cancelled between two nodes gives it back when its graph is collected.
    """

    def __init__(self, opened: Callable[[], Engine]) -> None:
        self.inbox: dict[str, PlanRequest] = {}
        self._opened = opened
        self._engine: Engine | None = None
        self._has_turn = False

    async def open(self) -> None:
        """Open the engine, if it is not."""
        await self._open()

    async def run(self, work: Callable[[], T]) -> T:
        """Do something on the engine's thread, once there is one."""
        engine = await self._open()
        try:
            return await engine.run(work)
        except BaseException:
            self._end_turn()
            raise

    async def starting(self) -> None:
        """Take the turn before the first step that this run meets."""
        engine = await self._open()
        if not self._has_turn:
            await engine.take_turn()
            self._has_turn = True

    def finish(self, journey_id: str, came: Came | None = None) -> str:
        """Settle a journey, and let the next one run."""
        assert self._engine is not None  # this is work, which runs on it
        try:
            return self._engine.finish(journey_id, came)
        finally:
            self._end_turn()

    def __del__(self) -> None:
        self._end_turn()

    def _end_turn(self) -> None:
        if self._engine is not None and self._has_turn:
            self._has_turn = False
            self._engine.end_turn()

    async def _open(self) -> Engine:
        if self._engine is None:
            self._engine = await asyncio.to_thread(self._opened)
        return self._engine

    def __getattr__(self, name: str) -> Any:
        """Be the engine for work that runs on it; not before: LangGraph tries a node's attributes while composing."""
        if name.startswith("_") or self._engine is None:
            raise AttributeError(name)
        return getattr(self._engine, name)


def served(config: Mapping[str, Any]) -> tuple[LazyEngine, Policy]:
    """The engine and the policy for one run of the server.

    `configurable.home` names the home; the policy is that home's, never the caller's; the user is the server's
    authenticated one, or else the operating system's.
    """
    workspace = _workspace(config)
    return LazyEngine(lambda: _shared(workspace.home, workspace.user)), workspace.policy


def served_assistant(config: Mapping[str, Any]) -> tuple[Assistant, Callable[[], Awaitable[None]]]:
    """The assistant for one run of the server, and what opens its home off the event loop."""
    from .assistant import Assistant
    from .plain_assistant import PlainAssistant
    from .toolbox import Toolbox

    workspace = _workspace(config)
    workspace.asks_always = True

    box = Toolbox(workspace)
    if workspace.chat_model is None:
        return PlainAssistant(box), workspace.opened
    return Assistant(_EachTime(workspace.chat_model), box), workspace.opened


class _EachTime:
    """A model that is made ready for each call, on the event loop that it is called on."""

    def __init__(self, model: Any, tools: list[Any] | None = None) -> None:
        self._model = model
        self._tools = tools or []

    def bind_tools(self, tools: list[Any]) -> _EachTime:
        """The same model with these tools."""
        return _EachTime(self._model, tools)

    async def ainvoke(self, messages: Any) -> Any:
        """The model's answer."""
        async with ready(self._model) as model:
            return await model.bind_tools(self._tools).ainvoke(messages)


class _Lent(AsyncMilepost):
    """A workspace that works through the engine of its home that this process shares."""

    async def opened(self) -> None:
        """Open the home off the event loop, or find it open."""
        if self._engine is None:
            self._engine = await asyncio.to_thread(_shared, self.home, self.user)


def _workspace(config: Mapping[str, Any]) -> _Lent:
    said: Mapping[str, Any] = config.get("configurable") or {}
    home = Path(str(said.get("home") or HOME)).absolute()
    return _Lent(home, user=user_of(said.get("langgraph_auth_user_id")))


def _shared(home: Path, user: UserContext) -> Engine:
    """One opened home a folder, for the life of the process: threads and parsers are not made anew for every run."""
    with _LOCK:
        return _OPEN.setdefault(home, AsyncMilepost(home)).acting_as(user).engine


async def close_served() -> None:
    """Close every home that runs have opened; the next run opens its own again."""
    with _LOCK:
        workspaces = list(_OPEN.values())
        _OPEN.clear()
    for workspace in workspaces:
        await workspace.close()
