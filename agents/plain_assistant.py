"""The assistant where no model is configured: what the template planner understands, it plans, asks about and runs."""

from __future__ import annotations

import json
import uuid
from typing import Any

from ..store.errors import MilepostError
from .assistant import Assistant, AssistantState
from .origins import spoken
from .toolbox import Toolbox

HELP = "Say what you want in words: which files, and which knowledge base."


class PlainAssistant(Assistant):
    """The same nodes, but for the one that thinks: a request in words becomes a plan, which a person is asked about."""

    def __init__(self, box: Toolbox) -> None:
        self._box = box
        self._work = {name: getattr(box, name) for name in box.offered()}

    async def think(self, state: AssistantState) -> dict[str, Any]:
        """Plan what was said, or tell what came of it."""
        last = state.get("messages", [{"role": "user", "content": ""}])[-1]
        if last["role"] == "tool":
            said: dict[str, Any] = {"content": outcome(str(last["content"]))}
        else:
            said = await self._planned(str(last.get("content") or ""))
        turn = 1 if last["role"] == "user" else state.get("turn", 0) + 1
        return {
            "messages": [spoken({"role": "assistant", **said})],
            "turn": turn,
            "asked": [],
            "decisions": {},
            "edits": {},
        }

    async def _planned(self, words: str) -> dict[str, Any]:
        """A plan of what was said as a call that a person is asked about; a text where something stands in the way."""
        if not words.strip():
            return {"content": HELP}
        try:
            plan = await self._box.plan_in_words(words)
        except MilepostError as refused:
            lines = [("error", refused.message), ("cause", refused.cause), ("state", refused.state)]
            return {"content": "\n".join(f"{head}: {text}" for head, text in lines if text)}
        if plan.questions:
            return {"content": "\n".join([*(one.text for one in plan.questions), "Say it again with the answer."])}
        if all(step.action == "report" for step in plan.steps):  # an answer: nothing to say yes to
            return {"content": plan.render()}
        arguments = json.dumps({"plan_id": plan.plan_id, "digest": plan.digest})
        function = {"name": "apply_plan", "arguments": arguments}
        called = {"id": f"call_{uuid.uuid4().hex}", "type": "function", "function": function}
        return {"content": plan.render(), "tool_calls": [called]}


def outcome(answer: str) -> str:
    """What a tool answered, in words."""
    try:
        said = json.loads(answer)
    except ValueError:  # an error, which is in words
        return answer
    if said.get("message"):
        return f"{str(said['status']).capitalize()}: {said['message']}."
    numbers = ", ".join(f"{number} {what}" for what, number in (said.get("outcomes") or {}).items())
    lines = [
        f"Journey {said['journey_id']} is {said['status']}: {numbers or 'nothing was to do'}, revision"
        f" {said.get('revision_before', 0)} > {said.get('revision_after', 0)}."
    ]
    lines += [f"  {one['source']}: {one['action']}, {one.get('reason')}" for one in said.get("problems") or ()]
    return "\n".join(lines)
