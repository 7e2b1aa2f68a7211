"""Talking: the part of a workspace that holds conversations with the assistant, each in a thread that is remembered."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, ConfigDict, Field

from ..store.errors import JourneyFailed, UsageError
from ..store.places import is_file
from ..store.records import Progress
from .ai_answers import ModelFailed
from .chat_model import NONE_CONFIGURED, ready
from .opening import Opening
from .origins import noted, said
from .saver import GRAPH_DB, opened_threads
from .spans import spanned

OnProgress = Callable[[Progress], None] | None

if TYPE_CHECKING:
    from .workspace import AsyncMilepost


class ChatReply(BaseModel):
    """What the assistant said. Where `asked` has something, a person decides: one decision for each, in order."""

    model_config = ConfigDict(frozen=True)

    text: str = ""
    asked: list[dict[str, Any]] = Field(default_factory=list)


class Chatting(Opening):
    """Conversations with a model; what is said and done stands in the home's scratch file, by person and thread."""

    @spanned("chat turn")
    async def chat(
        self,
        text: str | None = None,
        *,
        decisions: Sequence[str | Mapping[str, Any]] | None = None,
        thread: str = "default",
        root: str | Path | None = None,
        kb: str | None = None,
        on_words: Callable[[str], None] | None = None,
        on_progress: OnProgress = None,
    ) -> ChatReply:
        """Say something to the assistant, or decide ("approve" or "reject") about what it asked.

        A decision may be an edit, as LangChain has it: `{"type": "edit", "edited_action": {"name", "args"}}` with what
        was asked and another `request`, `kb` or `paths`. `on_words` hears the assistant's words as they come, and
        `on_progress` how far a journey is.

        Files that it may plan with lie under `root` (the working folder); `kb` is meant where none is named. Saying
        something else than a decision leaves what was asked undone. `UsageError` without a model; `JourneyFailed`
        where the model cannot be asked: nothing of the conversation is lost.
        """
        if (text is None) == (decisions is None):
            raise UsageError("a chat takes a text, or decisions about what was asked")
        async with self._assistant(root, kb) as graph:
            config = self._thread(thread)
            given = await self._given(graph, config, text, decisions)
            try:
                await _followed(graph, given, config, on_words, on_progress)
            except Exception as failed:
                raise _unasked(failed) from failed
            state = await graph.aget_state(config)
            waits = [one.value for one in state.interrupts]
            asked: list[dict[str, Any]] = waits[0]["action_requests"] if waits else []
            last = state.values["messages"][-1]
            return ChatReply(text=str(last.get("content") or "") if last["role"] == "assistant" else "", asked=asked)

    async def chat_waiting(self, *, thread: str = "default") -> list[dict[str, Any]]:
        """What the assistant asked in a conversation and nobody has decided, also in a process before: see `asked`."""
        if self.chat_model is None or not is_file(self.home / GRAPH_DB):
            return []
        async with self._assistant(None) as graph:
            state = await graph.aget_state(self._thread(thread))
            waits = [one.value["action_requests"] for one in state.interrupts]
            return list(waits[0]) if waits else []

    async def chat_note(self, text: str, *, thread: str = "default") -> None:
        """Tell a conversation what a person did outside it, for example what was undone."""
        if self.chat_model is None:
            return
        async with self._assistant(None) as graph:
            await graph.aupdate_state(self._thread(thread), {"messages": [noted(text)]}, "act")

    def _thread(self, name: str) -> Any:
        """A conversation is one person's: the same name is another thread for somebody else."""
        whose = json.dumps([self.user.tenant, self.user.user, name])
        return {"configurable": {"thread_id": f"chat {whose}"}}

    @asynccontextmanager
    async def _assistant(self, root: str | Path | None, kb: str | None = None) -> AsyncGenerator[Any, None]:
        from .assistant import Assistant
        from .graph import build_assistant
        from .toolbox import Toolbox

        if self.chat_model is None:
            raise UsageError(
                f"there is nobody to talk to: {NONE_CONFIGURED}",
                cause="MILEPOST_MODEL names it, OPENAI_API_KEY or OPENAI_BASE_URL says where it is",
                state="nothing was changed",
            )
        acting = cast("AsyncMilepost", self).acting_as(self.user)
        acting.asks_always = True
        box = Toolbox(acting, root=Path(root) if root else None)
        try:
            async with ready(self.chat_model, streams=True) as model, opened_threads(self.home) as saver:
                yield build_assistant(Assistant(model, box, kb), saver)
        except ModelFailed as none:
            raise UsageError(none.reason, state="nothing was changed", next="milepost doctor") from None

    async def _given(
        self, graph: Any, config: Any, text: str | None, decisions: Sequence[str | Mapping[str, Any]] | None
    ) -> Any:
        """What the graph goes on with; what was asked and not decided is answered with a no first."""
        from langgraph.types import Command

        from .assistant import unanswered

        state = await graph.aget_state(config)
        if decisions is not None:
            if not state.interrupts:
                raise UsageError("nothing waits for a decision", state="nothing was changed")
            return Command(
                resume={"decisions": [{"type": one} if isinstance(one, str) else dict(one) for one in decisions]}
            )
        left = unanswered(state.values.get("messages") or [], state.values.get("decisions") or {})
        if left:
            await graph.aupdate_state(config, {"messages": left, "asked": []}, "act")
        return {"messages": [said(str(text))]}


async def _followed(
    graph: Any, given: Any, config: Any, on_words: Callable[[str], None] | None, on_progress: OnProgress
) -> None:
    """Run the conversation on to its end or to a question, and pass on what is heard meanwhile.

    Words that only a planner hears, which a tool asked, are nobody's to read.
    """
    modes, last = ["custom", *(["messages"] if on_words else [])], None
    async for kind, came in graph.astream(given, config, stream_mode=modes):
        if kind == "custom" and on_progress is not None:
            on_progress(Progress.model_validate(came))
        elif kind == "messages" and on_words is not None:
            piece, where = came
            if where.get("langgraph_node") == "think" and piece.text:
                on_words("\n" if last not in (None, piece.id) else "")  # another answer begins on a line of its own
                on_words(str(piece.text))
                last = piece.id


def _unasked(failed: Exception) -> Exception:
    """A failure of the model's side in our words: what a server or a client says may hold the key."""
    from ..store.errors import MilepostError

    if isinstance(failed, MilepostError):
        return failed
    return JourneyFailed(
        f"the model could not be asked ({type(failed).__name__})",
        state="what was done before is kept; say it again to go on",
        next="milepost doctor",
    )
