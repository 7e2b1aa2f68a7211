"""A plan: what a journey will do, written down before it does it."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Action = Literal["add", "replace", "remove", "hide", "skip", "reject"]
Effect = Literal["reversible", "compensable", "irreversible"]
FailureKind = Literal["service", "answer", "limit"]
"""Why a model gave no plan: none of its servers answered, none of its answers was one, or time or budget ended it."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Interval(_Frozen):
    """A duration in seconds as quantiles; `basis` says what it comes from."""

    p10: float = 0.0
    p50: float = 0.0
    p90: float = 0.0
    basis: str = "shipped constants"


class PlanStep(_Frozen):
    """One action of a plan. An argument `{"$ref": step_id, "field": name or None}` is an earlier step's result."""

    id: str = Field(max_length=64)
    action: str = Field(max_length=64)
    args: dict[str, Any] = Field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    milestone: str | None = None
    rollback_handler: str | None = None
    effect: Effect = "reversible"
    estimate: Interval | None = None
    handler_version: int | None = None
    """The version of a handler of a user's own."""
    observed: bool | None = None
    """Of a step of a user's own: whether the live state can be looked at, before and after an undo."""


class PlannedFile(_Frozen):
    """What will happen to one file. `sha256` and `bytes` are of the raw file; `chunks` is exact where not estimated."""

    path: str
    source: str
    sha256: str = ""
    bytes: int = 0
    media_type: str = ""
    action: Action
    reason: str | None = None
    detail: str | None = None
    warnings: tuple[str, ...] = ()
    chunks: int = 0
    chunks_replaced: int = 0
    estimated: bool = False
    archive: str | None = None
    """The path of the archive that it is a member of."""


class Origin(_Frozen):
    """Who made the plan: `planner` is "template", "ai" or "fallback"; of a model that was asked what it came to.

    `attempts` are answers, `calls` the requests with the failed ones; `cost` is by the policy's prices, None without.
    """

    planner: Literal["template", "ai", "fallback"] = "template"
    version: str = "1"
    model: str | None = None
    prompt_version: str | None = None
    attempts: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    reason: str | None = None
    failure: FailureKind | None = None
    """Of a fallback: whether no answer was to be had, no answer was a plan, or a limit ended it."""


class Summary(_Frozen):
    add: int = 0
    replace: int = 0
    remove: int = 0
    skip: int = 0
    reject: int = 0
    warn: int = 0


class Base(_Frozen):
    """The state of the world a plan was made for."""

    kb_revision: int = 0
    journeys_ended: int = 0
    parser: str = ""
    chunker: str = ""
    embedder: str = ""
    policy_digest: str = ""
    archives: dict[str, str] = Field(default_factory=dict)
    """The SHA-256 of each archive that was opened, by its path."""


class Question(_Frozen):
    about: str
    text: str


class Declined(_Frozen):
    what: str
    why: str
    policy_key: str = ""


class Plan(_Frozen):
    """The typed, saved list of steps with files, effects, estimates and the state of the world it was made for.

    `digest` is over everything but time, estimates and origin; `plan_id` comes from the digest, so the same
    request in the same world gives the same id.
    """

    plan_id: str = ""
    journey_type: str = "data_ingest"
    kb: str | None = None
    paths: tuple[str, ...] = ()
    tenant: str = "default"
    owner: str = ""
    args: dict[str, Any] = Field(default_factory=dict)
    """What a journey type of a user's own was planned with."""
    request: str | None = None
    parent: str | None = None
    origin: Origin = Origin()
    steps: tuple[PlanStep, ...] = ()
    files: tuple[PlannedFile, ...] = ()
    questions: tuple[Question, ...] = ()
    declined: tuple[Declined, ...] = ()
    excludes: tuple[str, ...] = ()
    """What the request wants not to happen: acts ("expose", "replace"), or one with its source ("remove:a.md")."""
    asked: dict[str, Any] = Field(default_factory=dict)
    """What the request wants of the plan as a whole, by name: "hold_for", "on_error", "budget.max_cost_usd", ..."""
    dry_run: bool = False
    """The files are those that would be taken, and no step touches them."""
    summary: Summary = Summary()
    estimated_time: Interval = Interval()
    resources: dict[str, Any] = Field(default_factory=dict)
    base: Base = Base()
    policy: dict[str, Any] = Field(default_factory=dict)
    digest: str = ""
    generated_at: str = ""

    def sealed(self) -> Plan:
        """Return this plan with `digest` and `plan_id` computed from what it says."""
        digest = plan_digest(self)
        return self.model_copy(update={"digest": digest, "plan_id": f"plan_{digest[:24]}"})

    def render(self, *, everything: bool = False) -> str:
        """The plan as people see it on a terminal; long lists of files are cut unless `everything` is wanted."""
        from . import plan_text  # it knows this module

        return plan_text.render(self, everything=everything)

    def markdown(self) -> str:
        """The plan as a Markdown page with a Mermaid diagram."""
        from . import plan_text

        return plan_text.markdown(self)

    def mermaid(self) -> str:
        """The plan's steps and checkpoints as a Mermaid flowchart."""
        from .plan_mermaid import mermaid

        return mermaid(self)


TAKING = frozenset({"remove", "hide", "rollback"})
"""Actions that take something away from whoever searches."""


def takes_away(plan: Plan) -> bool:
    """Whether a plan replaces, removes, hides or rolls back."""
    steps = any(step.action in TAKING for step in plan.steps)
    return steps or bool(plan.summary.replace or plan.summary.remove)


def takes_away_by_model(plan: Plan) -> bool:
    """Whether a model's plan replaces, removes, hides, rolls back, or does what cannot be undone."""
    if plan.origin.planner != "ai":
        return False
    return takes_away(plan) or any(step.effect == "irreversible" for step in plan.steps)


_NOT_IN_DIGEST = {"plan_id", "digest", "generated_at", "origin", "estimated_time", "resources", "files"}


_FILES = TypeAdapter(tuple[PlannedFile, ...])


def plan_digest(plan: Plan) -> str:
    """SHA-256 in hexadecimal over the plan's canonical JSON, without time, estimates and origin.

    Its files come last, on a line of their own, with their keys in the order of `PlannedFile`: there may be very many.
    """
    body = plan.model_dump(mode="json", exclude=_NOT_IN_DIGEST)
    if not body["args"]:
        del body["args"]
    for step in body["steps"]:
        step.pop("estimate", None)
        for own in ("handler_version", "observed"):
            if step[own] is None:
                del step[own]
    return hashlib.sha256(canonical_json(body).encode() + b"\n" + _FILES.dump_json(plan.files)).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no spaces, no escapes beyond the needed ones; NaN is refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
