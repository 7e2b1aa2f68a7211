"""The graph, composed for a policy: a capability that is off is a node that is not there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from ..store.policy import Policy
from .approving import wait
from .nodes import Nodes
from .state import GraphContext, JourneyRequest, JourneyState

if TYPE_CHECKING:
    from .assistant import Assistant

INGEST = ("upload", "parse", "embed", "expose")
RECURSION_LIMIT = 50
SPARE = 20
"""Nodes that one run may pass, at least; of a long plan its steps and some."""
_TAKEN = frozenset({"plan", "validate", "document", "ask", "approve", "decide", "compensate", "report"})
_FREE = re.compile(r"(?!__)(?!step \d)[\w. -]+")

Graph = CompiledStateGraph[JourneyState, GraphContext, JourneyRequest, JourneyState]
Node = Callable[[JourneyState], Awaitable[dict[str, Any]]]


def node_names(policy: Policy, actions: tuple[str, ...] = INGEST, *, asking: bool = False) -> list[str]:
    """The nodes of a policy's graph, in the order in which a journey meets them; `asking`: the plan needs a yes."""
    names = ["plan"]
    if policy.validates:
        names.append("validate")
    if policy.enable_forward_docs:
        names.append("document")
    if policy.approval != "never" or asking:
        names += ["ask", "approve", "decide"]
    names += step_nodes(actions)
    if policy.orchestration == "saga":
        names.append("compensate")
    return [*names, "report"]


def step_nodes(steps: tuple[str, ...]) -> list[str]:
    """The names of the nodes that run these steps: as they are, or numbered where LangGraph or we use the name."""
    return [name if _FREE.fullmatch(name) and name not in _TAKEN else f"step {at}" for at, name in enumerate(steps, 1)]


def build_graph(
    services: Any,
    policy: Policy,
    *,
    actions: tuple[str, ...] = INGEST,
    checkpointer: BaseCheckpointSaver[str] | None = None,
    pausing: bool | None = None,
    asking: bool = False,
) -> Graph:
    """Compose the graph for a policy over opened services.

    Input is a request (`paths`, `kb`, `request_text`) or the `plan_id` of a saved plan; `only_planning` ends before
    anything runs. `actions` are the plan's steps, by id, in their order. Without a checkpointer a plan that needs
    approval ends with the question in the ledger; with one, or where `pausing` says that one will be there, it also
    interrupts, in LangChain's human-in-the-loop shape. `asking`: this plan needs a yes, whatever others need.
    """
    nodes = Nodes(services, policy, actions)
    names, steps = node_names(policy, actions, asking=asking), step_nodes(actions)
    builder: StateGraph[JourneyState, GraphContext, JourneyRequest, JourneyState] = StateGraph(
        JourneyState, context_schema=GraphContext, input_schema=JourneyRequest
    )
    bodies: dict[str, Node] = {
        "plan": nodes.plan,
        "validate": nodes.validate,
        "document": nodes.document,
        "ask": partial(nodes.ask, pausing=checkpointer is not None if pausing is None else pausing),
        "approve": wait,
        "decide": nodes.decide,
        "compensate": nodes.compensate,
        "report": nodes.report,
        **{node: nodes.step(action) for node, action in zip(steps, actions, strict=True)},
    }
    for name in names:
        builder.add_node(name, cast(Any, bodies[name]))
    _connect(builder, names, tuple(steps))
    limit = max(RECURSION_LIMIT, len(steps) + SPARE)
    return builder.compile(checkpointer=checkpointer).with_config(recursion_limit=limit)


def build_assistant(
    assistant: Assistant, saver: BaseCheckpointSaver[str] | None, *, first: Callable[[], Awaitable[None]] | None = None
) -> Any:
    """The assistant's graph: think, and where the model calls tools: propose, ask, act, and think again.

    `first` is awaited before each node that works; the one that asks needs nothing.
    """
    from .assistant import MOST_CALLS, AssistantState, Heard, after_acting, after_thinking

    builder: StateGraph[AssistantState, None, Heard, AssistantState] = StateGraph(AssistantState, input_schema=Heard)
    for node in (assistant.think, assistant.propose, assistant.act):
        builder.add_node(node.__name__, cast(Any, node if first is None else _after(first, node)))
    builder.add_node("ask", assistant.ask)
    builder.add_edge(START, "think")
    builder.add_conditional_edges("think", lambda state: after_thinking(state) or END, ["propose", "act", END])
    builder.add_edge("propose", "ask")
    builder.add_edge("ask", "act")
    builder.add_conditional_edges("act", lambda state: after_acting(state) or END, ["think", END])
    return builder.compile(checkpointer=saver).with_config(recursion_limit=5 * MOST_CALLS)


async def make_graph(config: RunnableConfig) -> Graph:
    """The graph for `langgraph.json`: no checkpointer, which the server brings, and no home opened before a node runs.

    `configurable.home` names the home (".milepost"), and that home's `milepost.toml` the policy. It can ask a person
    unless the policy says that nobody is asked: what a model plans, and what cannot be undone, may have to be.
    """
    from .serving import served

    engine, policy = await asyncio.to_thread(served, config)
    return build_graph(engine, policy, pausing=True, asking=not policy.asks_nobody)


async def make_assistant(config: RunnableConfig) -> Any:
    """The assistant for `langgraph.json`, over the home that `configurable.home` names; opened by its first node.

    Files that it may plan with lie under the folder that the server was started in. Without a model in the home's
    `milepost.toml` it understands what the template planner does.
    """
    from .serving import served_assistant

    assistant, opened = await asyncio.to_thread(served_assistant, config)
    return build_assistant(assistant, None, first=opened)


def _connect(builder: Any, names: list[str], actions: tuple[str, ...]) -> None:
    first = "ask" if "ask" in names else actions[0]
    failed = "compensate" if "compensate" in names else "report"
    planning = [name for name in ("plan", "validate", "document") if name in names]
    builder.add_conditional_edges(START, _from(first), {first: first, "plan": "plan"})
    for here, after in zip(planning, [*planning[1:], first], strict=True):
        builder.add_conditional_edges(here, _after_planning(after, first), {after: after, "report": "report"})
    if "ask" in names:
        builder.add_conditional_edges("ask", _after_asking(actions[0]), ["approve", actions[0], "report"])
        builder.add_edge("approve", "decide")
        builder.add_conditional_edges("decide", _after_deciding(actions[0]), [actions[0], "plan", "report"])
    for action, after in zip(actions, [*actions[1:], "report"], strict=True):
        targets = {after, failed, "report"} if action == actions[0] else {after, failed}
        builder.add_conditional_edges(action, _unless_stopped(after, failed), sorted(targets))
    if "compensate" in names:
        builder.add_edge("compensate", "report")
    builder.add_edge("report", END)


def _after(first: Callable[[], Awaitable[None]], node: Callable[[Any], Awaitable[Any]]) -> Any:
    async def both(state: Any) -> Any:
        await first()
        return await node(state)

    return both


Route = Callable[[JourneyState], Awaitable[str]]
"""Asynchronous, all of them: LangGraph hands the others to a thread each."""


def _from(first: str) -> Route:
    async def route(state: JourneyState) -> str:
        return first if state.get("plan_id") else "plan"

    return route


def _after_planning(after: str, first: str) -> Route:
    async def route(state: JourneyState) -> str:
        if state.get("verdict") == "stop" or (after == first and state.get("only_planning")):
            return "report"
        return after

    return route


def _unless_stopped(after: str, otherwise: str) -> Route:
    async def route(state: JourneyState) -> str:
        return {"stop": otherwise, "done": "report"}.get(state.get("verdict", "go"), after)

    return route


def _after_asking(first: str) -> Route:
    async def route(state: JourneyState) -> str:
        if state.get("verdict") == "stop":
            return "report"
        return "approve" if state.get("asked") else first

    return route


def _after_deciding(first: str) -> Route:
    """An edit is a new plan: from the planner on, so that it is judged and asked about as every other."""

    async def route(state: JourneyState) -> str:
        return {"again": "plan", "stop": "report"}.get(state.get("verdict", "stop"), first)

    return route
