"""The assistant: a LangGraph agent over the toolbox, whose every change waits for a person outside the model's reach.

The conversation is plain JSON in the shape of OpenAI's messages, so that the saver builds nothing but values. What a
tool answers has been near documents: from then on no change can be told from one that a document asked for, so each is
asked about, whatever the policy says. The node that asks writes nothing.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from inspect import signature
from typing import Annotated, Any

from langchain_core.messages import convert_to_messages, convert_to_openai_messages
from langgraph.config import get_stream_writer
from langgraph.types import interrupt
from pydantic import ValidationError
from typing_extensions import TypedDict

from ..store.errors import MilepostError
from ..store.records import Progress
from .ai_prompt import text as prompt
from .asking import Asked
from .messages import joined, mended
from .origins import answered, entered, spoken
from .spans import model_call, said_of_itself
from .tool_advice import advice, wrong_arguments
from .tool_arguments import arguments_of
from .toolbox import CHANGES, Toolbox

MOST_CALLS = 16
"""Answers of the model to one message of the person, at most."""
SAME_CALL = 3
"""How often one call with the same arguments is made for one message."""
MOST_TOOLS = 40
"""Calls that are made for one message of the person, at most: one answer of the model may hold any number."""
NO_JSON = '{"not_json": true}'
"""What stands for arguments that could not be read; no tool takes it."""
DECLINED = json.dumps({"status": "cancelled", "message": "the person said no; nothing was changed"})
UNDECIDED = "not done: the person has not said yes"
BEGUN = "begun with the person's yes; the conversation ended before the answer\nnext: the same call tells how it stands"
ALLOWED = ["approve", "reject"]
_MEANT = "\nWhere the person names no knowledge base, this one is meant: {}\n"


class AssistantState(TypedDict, total=False):
    """`messages` in OpenAI's shape, each marked by its origin; `turn` counts answers to the person's last message.

    `asked`, `decisions` and `edits` go by a call's place in the model's answer: its id is the model's to choose.
    """

    messages: Annotated[list[dict[str, Any]], joined]
    turn: int
    asked: list[dict[str, Any]]
    decisions: dict[str, str]
    edits: dict[str, dict[str, Any]]


class Heard(TypedDict, total=False):
    """What a run is started with; all else of the state is the assistant's own."""

    messages: Annotated[list[dict[str, Any]], joined]


class Assistant:
    """The agent's nodes over one person's toolbox and one chat model; `kb` is meant where the person names none."""

    def __init__(self, model: Any, box: Toolbox, kb: str | None = None) -> None:
        self._box = box
        self._prompt = prompt("assistant") + (_MEANT.format(json.dumps(kb)) if kb else "")
        self._work = {name: getattr(box, name) for name in box.offered()}
        self._bound = model.bind_tools([_described(name, work) for name, work in self._work.items()])

    async def think(self, state: AssistantState) -> dict[str, Any]:
        """Let the model say something, or call tools."""
        messages = state.get("messages", [])
        turn = 1 if messages[-1]["role"] == "user" else state.get("turn", 0) + 1
        heard = [("system", self._prompt), *convert_to_messages(mended(messages, UNDECIDED))]
        with model_call(self._bound) as told:
            said: Any = await self._bound.ainvoke(heard)
            said_of_itself(told, said)
        return {"messages": [spoken(_kept(said))], "turn": turn, "asked": [], "decisions": {}, "edits": {}}

    async def propose(self, state: AssistantState) -> dict[str, Any]:
        """Put what a person has to be asked into words; what cannot be is told to the model by the call itself."""
        asked = []
        after = entered(state.get("messages", []))
        for at, call in enumerate(_calls(state)):
            if call["name"] not in self._work or call["name"] not in CHANGES:
                continue
            try:
                arguments_of(self._work[call["name"]]).model_validate(call["args"])
                said = await self._box.describe(call["name"], call["args"])
            except (ValidationError, MilepostError):
                continue
            if after:
                said += f"\nThe assistant had read before: {', '.join(after)}."
            args = {**call["args"], **await self._box.wanted(call["name"], call["args"])}
            asked.append({"call": str(at), "name": call["name"], "args": args, "description": said})
        return {"asked": asked}

    async def ask(self, state: AssistantState) -> dict[str, Any]:
        """Wait for a person, in LangChain's human-in-the-loop shape; anything but an approval is a no."""
        asked = state.get("asked") or []
        if not asked:
            return {}
        said: Any = interrupt(
            {
                "action_requests": [{key: one[key] for key in ("name", "args", "description")} for one in asked],
                "review_configs": [{"action_name": one["name"], "allowed_decisions": _allowed(one)} for one in asked],
            }
        )
        given: Any = said.get("decisions") if isinstance(said, dict) else None
        if not isinstance(given, list) or len(given) != len(asked):
            return {"decisions": {}, "edits": {}}
        said = {one["call"]: each for one, each in zip(asked, given, strict=True) if _decided(one, each)}
        edits = {call: each["edited_action"] for call, each in said.items() if each["type"] == "edit"}
        return {"decisions": {call: each["type"] for call, each in said.items()}, "edits": edits}

    async def act(self, state: AssistantState) -> dict[str, Any]:
        """Do what the model called, in order; every call gets an answer."""
        decisions, edits = state.get("decisions") or {}, state.get("edits") or {}
        made = _made(state.get("messages", []))
        calls = _calls(state)
        left = MOST_TOOLS - made.total() + len(calls)
        answers = []
        for at, call in enumerate(calls):
            key = (call["name"], json.dumps(call["args"], sort_keys=True))
            if at >= left:
                text = f"error: {MOST_TOOLS} calls were made for one message\nnext: tell the person how far it came"
            elif made[key] > SAME_CALL:
                text = "error: this very call was made before\nnext: tell the person what stands in the way"
            else:
                text = await self._answer(call, decisions.get(str(at)), edits.get(str(at)))
            answers.append(answered(call["id"], call["name"], text))
        if state.get("turn", 0) >= MOST_CALLS:
            text = f"I stop here: I have tried {MOST_CALLS} times for one message. What was done is kept."
            answers.append(spoken({"role": "assistant", "content": text}))
        return {"messages": answers}

    async def _answer(self, call: dict[str, Any], decision: str | None, edit: dict[str, Any] | None) -> str:
        work = self._work.get(call["name"])
        if work is None:
            return f"error: there is no tool {call['name'][:80]!r}\nnext: {', '.join(self._work)}"
        try:
            said = arguments_of(work).model_validate(call["args"])
            given = {name: getattr(said, name) for name in type(said).model_fields}
            if call["name"] not in CHANGES:
                return str((await work(**given)).model_dump_json(exclude_none=True))
            if decision == "edit":
                return str((await self._box.edited(call["args"], edit)).model_dump_json(exclude_none=True))
            if decision != "approve":
                await self._box.describe(call["name"], call["args"])  # what is wrong with it is what is told
                await self._box.decline(call["name"], call["args"])
                return DECLINED
            telling = {"on_progress": _telling()} if "on_progress" in signature(work).parameters else {}
            return str((await work(**given, confirm=_yes, **telling)).model_dump_json(exclude_none=True))
        except ValidationError as wrong:
            return wrong_arguments(wrong)
        except MilepostError as refused:
            return advice(refused)


def _allowed(asked: dict[str, Any]) -> list[str]:
    """A plan that was asked for in words can be edited; a rollback, and what it goes back by, cannot."""
    return ["approve", "edit", "reject"] if "request" in asked["args"] else ALLOWED


def _decided(asked: dict[str, Any], said: Any) -> bool:
    """Whether something is a decision that may be made about what was asked; an edit says what it makes of it."""
    kind = said.get("type") if isinstance(said, dict) else None
    return kind in _allowed(asked) and (kind != "edit" or isinstance(said.get("edited_action"), dict))


def _telling() -> Callable[[Progress], None]:
    """Progress becomes events of the graph's stream, for whoever watches the conversation."""
    write = get_stream_writer()
    return lambda progress: write(progress.model_dump(mode="json"))


async def _yes(_: Asked) -> bool:
    """The person's, who was asked about exactly this call."""
    return True


def unanswered(messages: Sequence[dict[str, Any]], decisions: Mapping[str, str]) -> list[dict[str, Any]]:
    """Answers for calls that never got one: the person went on to something else, or the process ended."""
    if not messages or not messages[-1].get("tool_calls"):
        return []
    return [
        answered(call["id"], call["name"], BEGUN if decisions.get(str(at)) == "approve" else UNDECIDED)
        for at, call in enumerate(_calls({"messages": [messages[-1]]}))
    ]


def _kept(said: Any) -> dict[str, Any]:
    """A model's answer as it is kept, with the calls whose arguments are no JSON: they get an answer, too."""
    kept: Any = convert_to_openai_messages(said)
    broken = [
        {"id": one["id"], "type": "function", "function": {"name": one["name"], "arguments": NO_JSON}}
        for one in said.invalid_tool_calls
    ]
    if broken:
        kept["tool_calls"] = [*(kept.get("tool_calls") or []), *broken]
    return dict(kept)


def _described(name: str, work: Any) -> dict[str, Any]:
    function = {"name": name, "description": (work.__doc__ or "").strip()}
    return {"type": "function", "function": function | {"parameters": arguments_of(work).model_json_schema()}}


def _calls(state: AssistantState) -> list[dict[str, Any]]:
    """The calls of the model's last answer, with their arguments read."""
    found = []
    for call in state.get("messages", [{}])[-1].get("tool_calls") or []:
        function = call.get("function") or {}
        found.append({"id": call.get("id"), "name": str(function.get("name")), "args": _arguments(function)})
    return found


def _arguments(function: dict[str, Any]) -> dict[str, Any]:
    try:
        args = json.loads(function.get("arguments") or "{}")
    except ValueError:
        return {}
    return args if isinstance(args, dict) else {}


def _changes(state: AssistantState) -> list[dict[str, Any]]:
    return [call for call in _calls(state) if call["name"] in CHANGES]


def _made(messages: Sequence[dict[str, Any]]) -> Counter[tuple[str, str]]:
    """How often each call was made since the person's last message."""
    last = max((at for at, one in enumerate(messages) if one["role"] == "user"), default=0)
    return Counter(
        (call["name"], json.dumps(call["args"], sort_keys=True))
        for one in messages[last:]
        for call in _calls({"messages": [one]})
    )


def after_thinking(state: AssistantState) -> str | None:
    """The node that comes next: none where the model called no tool."""
    if not _calls(state):
        return None
    return "propose" if _changes(state) else "act"


def after_acting(state: AssistantState) -> str | None:
    """The model hears what came of it, unless it was heard often enough."""
    return None if state.get("turn", 0) >= MOST_CALLS else "think"
