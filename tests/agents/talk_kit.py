"""What conversations with a scripted model share: a workspace, the model behind a real endpoint, one that works."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from milepost import Milepost
from milepost.agents import FakeServer
from milepost.agents.fake_server import Call, Reply, calls, says

Script = Callable[[Call], Reply]


class Talk:
    """A workspace with a scripted model, and what it was told."""

    def __init__(self, home: Path, folder: Path, server: FakeServer, policy: Any = "rollback") -> None:
        model = ChatOpenAI(model="scripted", base_url=server.url, api_key=SecretStr("sk-any"), max_retries=0)
        self.mp = Milepost(home, policy=policy, embedder="fake", user="ana", chat_model=model)
        self.server = server
        self._folder = folder

    def say(self, text: str, **more: Any) -> Any:
        return self.mp.chat(text, root=self._folder, **more)

    def decide(self, *decisions: str) -> Any:
        return self.mp.chat(decisions=decisions, root=self._folder)

    def chunks(self) -> int:
        return sum(kb.chunks for kb in self.mp.kb_list())


def heard(call: Call) -> list[dict[str, Any]]:
    """What tools answered since the person's last message, read where it is JSON."""
    last = max(at for at, one in enumerate(call.messages) if one["role"] == "user")
    found = []
    for one in call.messages[last:]:
        if one["role"] == "tool":
            try:
                found.append(json.loads(one["content"]))
            except ValueError:
                found.append({"error": one["content"]})
    return found


def diligent(call: Call) -> Reply:
    """A model that does its work: it plans, applies what it planned, and tells what came of it."""
    words = next(one["content"] for one in reversed(call.messages) if one["role"] == "user")
    answers = heard(call)
    if "undo" in words:
        if not answers:
            return calls({"kb": "hr"}, tool="list_checkpoints")
        if "checkpoints" in answers[-1] and "preview_id" not in answers[-1]:
            first = answers[-1]["checkpoints"][-1]["checkpoint_id"]
            return calls({"checkpoint_id": first}, tool="preview_rollback")
        if answers[-1].get("preview_id"):
            return calls({"preview_id": answers[-1]["preview_id"]}, tool="rollback_to_checkpoint")
        return says(f"Gone back: {answers[-1].get('message') or answers[-1].get('verified')}")
    if not answers:
        return calls({"paths": ["."], "kb": "hr", "request": words}, tool="plan_journey")
    if "digest" in answers[-1]:
        return calls({key: answers[-1][key] for key in ("plan_id", "digest")}, tool="apply_plan")
    return says(f"Done: {answers[-1].get('status')} {answers[-1].get('outcomes')}")
