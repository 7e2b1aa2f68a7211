"""What the AI planner's tests share: a model on loopback, a policy that asks it, and drafts by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from planner_kit import EMBEDDER, USER, World

from milepost import Milepost
from milepost.agents.chat_model import ModelEndpoint
from milepost.agents.fake_server import Call, FakeServer, Reply, Script, plain_plan, says
from milepost.store.plan import Plan
from milepost.store.policy import Policy

ASKING = Policy.full(approval="never")


def named(call: Call) -> dict[str, str]:
    """The handle of each file by the name that the model was told."""
    return {file["name"]: file["handle"] for file in call.seen()["files"]}


def choosing(*names: str, **more: Any) -> Callable[[Call], Reply]:
    """A model that plans exactly these files."""

    def answer(call: Call) -> Reply:
        handles = named(call)
        return says(plain_plan([handles[name] for name in names], call.seen()["kb"], **more))

    return answer


def changed(draft: dict[str, Any], step: str, **args: Any) -> dict[str, Any]:
    """A draft with other arguments in one step."""
    steps = [{**one, "args": {**one["args"], **args}} if one["id"] == step else one for one in draft["steps"]]
    return {**draft, "steps": steps}


@contextmanager
def asked(
    world: World, script: Script, *, policy: Policy = ASKING, kb: str | None = "hr", **wanted: Any
) -> Iterator[tuple[Plan, FakeServer, Milepost]]:
    """A plan of the world's folder by the scripted model, with the server and the workspace still open."""
    with FakeServer(script) as server, opened(world, server, policy) as milepost:
        yield milepost.plan([world.docs], kb=kb, **wanted), server, milepost


@contextmanager
def opened(world: World, server: FakeServer, policy: Policy = ASKING) -> Iterator[Milepost]:
    """The world's home with the scripted model configured."""
    endpoint = ModelEndpoint("scripted", base_url=server.url)
    with Milepost(world.home_path, policy=policy, embedder=EMBEDDER, user=USER, chat_model=endpoint) as milepost:
        yield milepost
