"""What travels through the graph: plain JSON, handles and counts only. Everything large is in the record."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict  # pydantic, which LangGraph asks for the schema, wants it before Python 3.12


class JourneyRequest(TypedDict, total=False):
    """What a run may be started with; all else of the state is the graph's own.

    `request` is the handle of a request that waits in the services' inbox.
    """

    paths: list[str]
    kb: str | None
    request_text: str | None
    request: str
    only_planning: bool
    going_on: bool
    """Of one that only plans: whoever asked runs the plan at once."""
    unheard: bool
    """Nobody listens to how far it is."""
    plan_id: str


class JourneyState(JourneyRequest, total=False):
    """One journey in the graph."""

    journey_id: str
    valid: bool
    repairs: int
    verdict: Literal["go", "stop", "again", "done"]
    """`done`: no step has anything to do, and all are done."""
    status: str
    error: str
    asked: dict[str, Any] | None
    approval_id: str
    answer: Any


class GraphContext(BaseModel):
    """Who runs the graph, and under which policy; LangGraph validates it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str = ""
    tenant: str = "default"
    policy: dict[str, Any] = {}
