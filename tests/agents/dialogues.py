"""Dialogues as data: what a person says or decides, what the model does about it, and what has to come of it.

The model's part is a list of moves, which are taken one after another whoever is speaking:

    plan PATHS KB | REQUEST    plan_journey          apply      apply_plan with the newest plan
    remove KB | REQUEST        the same, no paths    show       show_plan
    list, preview, back        the three steps of a rollback (of the newest journey, whole)
    search WORDS               search_knowledge      raw TOOL {...}    any call at all
    both TOOL {...} TOOL {...} two calls at once     say TEXT   an answer
    down, cut, empty           a failing model
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from milepost.agents.fake_server import Call, Reply, calls, cuts, fails, says


@dataclass(frozen=True)
class Turn:
    """One thing that the person does, and what is so afterwards.

    `decides` are decisions instead of words; `asks` the calls that then wait for one; `hears` stands in the answer, or
    in the error where the model failed; `told` in what the model was told; `has` are hr's sources.
    """

    words: str = ""
    decides: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    shows: str = ""
    hears: str = ""
    told: str = ""
    has: set[str] | None = None
    before: str = ""
    """What happens first, outside the conversation: `change`, `restart`, `others change`, `undo`."""
    by: str = "ana"


@dataclass(frozen=True)
class Dialogue:
    """The moves of the model, and the turns of the person; under which policy, and the journeys before."""

    name: str
    moves: Sequence[str]
    turns: Sequence[Turn]
    policy: Any = "rollback"
    given: Sequence[str] = field(default_factory=tuple)


class Playing:
    """The model's part: each request takes the next move."""

    def __init__(self, moves: Sequence[str]) -> None:
        self._left = list(moves)

    def __call__(self, call: Call) -> Reply:
        move = self._left.pop(0) if self._left else "say I have nothing more to say."
        verb, _, rest = move.partition(" ")
        answers = _answers(call.messages)
        if verb in ("down", "cut", "empty"):
            return {"down": fails(503), "cut": cuts(), "empty": says(None)}[verb]
        if verb == "say":
            return says(rest.format_map(_Said(answers[-1] if answers else {})))
        if verb == "raw":
            tool, _, args = rest.partition(" ")
            return calls(_filled(args, answers), tool=tool)
        if verb == "both":
            return _both(rest, answers)
        tool, given = _known(verb, rest, answers)
        return calls(given, tool=tool)

    @property
    def left(self) -> list[str]:
        """Moves that nobody asked for."""
        return self._left


class _Said(dict[str, Any]):
    """What a tool answered; what it did not say stands as it is."""

    def __missing__(self, key: str) -> str:
        return f"no {key}"


def _known(verb: str, rest: str, answers: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    where, _, request = rest.partition(" | ")
    wanted = {"request": request} if request else {}
    if verb == "plan":
        *paths, kb = where.split()
        return "plan_journey", {"paths": paths, "kb": kb, **wanted}
    if verb == "remove":
        return "plan_journey", {"paths": [], "kb": where, **wanted}
    if verb == "list":
        return "list_checkpoints", {"kb": "hr"}
    if verb == "preview":
        listed = next(one["checkpoints"] for one in reversed(answers) if "checkpoints" in one)
        whole = next(one for one in listed if one["milestone_id"].startswith("before_"))
        return "preview_rollback", {"checkpoint_id": whole["checkpoint_id"]}
    if verb == "search":
        return "search_knowledge", {"query": rest, "kb": "hr"}
    names = {"show": ("show_plan", ("plan_id",)), "apply": ("apply_plan", ("plan_id", "digest")),
             "back": ("rollback_to_checkpoint", ("preview_id",))}  # fmt: skip
    tool, keys = names[verb]
    return tool, {key: _newest(answers, key) for key in keys}


def _both(rest: str, answers: list[dict[str, Any]]) -> Reply:
    made = re.findall(r"(\w+) (\{.*?\})", rest)
    body = json.loads(calls({}).body)
    body["choices"][0]["message"]["tool_calls"] = [
        {"id": f"c{at}", "type": "function", "function": {"name": tool, "arguments": _filled(args, answers, at)}}
        for at, (tool, args) in enumerate(made)
    ]
    return Reply(body=json.dumps(body).encode())


def _filled(args: str, answers: list[dict[str, Any]], nth: int = -1) -> str:
    """Arguments with $plan, $digest and so on filled in: of the nth plan where there are two."""
    plans = [one for one in answers if "digest" in one and "plan_id" in one]
    chosen = plans[nth] if plans else {}
    for name in ("plan_id", "digest", "preview_id"):
        args = args.replace(f"${name}", str(chosen.get(name) or _newest(answers, name)))
    return args


def _newest(answers: list[dict[str, Any]], key: str) -> str:
    return str(next((one[key] for one in reversed(answers) if one.get(key)), f"{key}_none"))


def _answers(messages: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for one in messages:
        if one["role"] == "tool":
            try:
                said = json.loads(one["content"])
            except ValueError:
                continue
            found.append(said)
    return found
