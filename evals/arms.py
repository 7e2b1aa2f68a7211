"""Planners that are compared, by name: `template-fixed`, `template`, `ai`, `ai-only`, `ai-unvalidated`.

| arm | plans |
|---|---|
| `template-fixed` | upload, parse, embed, expose, for every file on offer; the request is not read |
| `template` | the project's rules, which read the request |
| `ai:MODEL@BASE_URL` | the model, repaired by the validator, and the template where it gives no plan: as policy does |
| `ai-only:...` | the same without the template: no plan is no plan |
| `ai-unvalidated:...` | the model's first answer, whatever is wrong with it: what the validator is worth |
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from ..agents.ai_answers import ModelFailed
from ..agents.ai_planner import AiPlanner
from ..agents.chat_model import ModelEndpoint
from ..agents.drafting import PlanRequest
from ..agents.own_loop import OwnLoop
from ..store.errors import MilepostError, NotFound, PlanRejected, PolicyError, UsageError
from ..store.plan import Origin, Plan
from ..store.policy import did_you_mean
from .logs import ErrorKind, Failure, PlannerArm
from .worlds import CaseWorld

KINDS = ("template-fixed", "template", "ai", "ai-only", "ai-unvalidated")
TEMPLATES = KINDS[:2]
_FORM = re.compile(r"(?P<kind>[\w-]+)(?::(?P<model>(?!@https?:).+?))?(?:@(?P<url>https?://\S+))?")
_REFUSALS = (UsageError, PlanRejected, NotFound, PolicyError)
"""What planning raises where a request is refused outright: an answer, not a fault."""


@dataclass(frozen=True)
class Arm:
    """A planner of a run: what the log says of it, and the model it asks."""

    said: PlannerArm
    model: Any = None

    @property
    def name(self) -> str:
        return self.said.name

    @property
    def kind(self) -> str:
        return self.said.kind

    @property
    def asks(self) -> bool:
        """Whether a model is asked, so that chance has a part in it."""
        return self.kind not in TEMPLATES


@dataclass(frozen=True)
class Made:
    """What a planner gave: a plan, or why there is none. `seconds` by the wall clock."""

    plan: Plan | None = None
    origin: Origin | None = None
    failure: Failure | None = None
    refused: str | None = None
    """The request was refused outright, with this reason: nothing would be done."""
    seconds: float = 0.0


def arm_of(name: str, *, epochs: int = 1, configured: ModelEndpoint | None = None) -> Arm:
    """The planner that a name on the command line stands for; its key, and what it does not name, are as configured.

    `UsageError` for a planner that there is not, or one that asks a model where none can be asked.
    """
    match = _FORM.fullmatch(name.strip())
    kind = match["kind"] if match else name.partition(":")[0]
    if kind not in KINDS or match is None:
        raise UsageError(
            f"there is no planner {name[:80]!r}{did_you_mean(kind, KINDS)}",
            cause=f"there are {', '.join(KINDS)}; ai takes :MODEL and @BASE_URL",
            state="nothing was run", next="milepost eval run --help", option="--planner",
        )  # fmt: skip
    if kind in TEMPLATES:
        if match["model"] or match["url"]:
            raise UsageError(f"planner {kind} asks no model, and {name[:80]!r} names one", state="nothing was run")
        return Arm(PlannerArm(name=kind, kind=kind))
    endpoint = _endpoint(name, match["model"], match["url"], configured)
    said = PlannerArm(
        name=_shown(name), kind=kind, model=endpoint.name, base_url=_shown(endpoint.base_url or "") or None,
        epochs=epochs,
    )  # fmt: skip
    return Arm(said, endpoint)


def arms_of(names: Sequence[str], *, epochs: int = 1, configured: ModelEndpoint | None = None) -> tuple[Arm, ...]:
    """Every planner that was named, once; the template where none was."""
    arms = tuple(arm_of(name, epochs=epochs, configured=configured) for name in names or ("template",))
    twice = [arm.name for at, arm in enumerate(arms) if arm.name in {other.name for other in arms[:at]}]
    if twice:
        raise UsageError(f"planner {twice[0]} is named twice", state="nothing was run", option="--planner")
    return arms


def _endpoint(name: str, model: str | None, url: str | None, configured: ModelEndpoint | None) -> ModelEndpoint:
    known = configured or ModelEndpoint("")
    found = replace(known, name=model or known.name, base_url=url or known.base_url)
    if not found.name:
        raise UsageError(
            f"planner {name} names no model, and none is configured",
            cause=f"{name}:MODEL or MILEPOST_MODEL names it", state="nothing was run",
            next="milepost eval run --planner ai:MODEL@BASE_URL --out FILE",
        )  # fmt: skip
    if found.api_key is None and found.base_url is None:
        raise UsageError(
            f"planner {name} has no key and no server to ask",
            cause="OPENAI_API_KEY holds the key; a server of one's own is @BASE_URL, or OPENAI_BASE_URL",
            state="nothing was run", next=f"milepost eval run --planner {name}@BASE_URL --out FILE",
        )  # fmt: skip
    return found


def _shown(text: str) -> str:
    """A name or an address without what a URL may carry of a user and a password."""
    before, at, url = text.rpartition("@http") if "@http" in text else ("", "", text)
    address = f"http{url}" if at else url
    if not address.startswith("http"):
        return text
    parts = urlsplit(address)
    return f"{before}{'@' if at else ''}{urlunsplit(parts._replace(netloc=parts.netloc.rpartition('@')[2]))}"


def made_by(arm: Arm, world: CaseWorld) -> Made:
    """Let a planner plan a case's request in its world. Only what is no planner's fault and no server's is raised."""
    began = time.perf_counter()
    try:
        plan = _PLANNING[arm.kind](world)
    except _REFUSALS as refused:
        return Made(refused=str(refused), seconds=time.perf_counter() - began)
    except _Unusable as unusable:
        return Made(origin=unusable.origin, failure=unusable.failure, seconds=time.perf_counter() - began)
    return _told(arm, plan, time.perf_counter() - began)


class _Unusable(Exception):
    """A draft that could not be made a plan, or no draft at all."""

    def __init__(self, origin: Origin, failure: Failure) -> None:
        super().__init__(failure.message)
        self.origin = origin
        self.failure = failure


def _told(arm: Arm, plan: Plan, seconds: float) -> Made:
    """A plan that came; of a fallback whether policy's arm may have it, and whether the server was to blame."""
    origin = plan.origin
    if origin.planner == "fallback" and arm.asks:
        reason = origin.reason or "the model gave no plan"
        if origin.failure == "service":
            return Made(origin=origin, failure=Failure(kind="infrastructure", message=reason), seconds=seconds)
        if arm.kind == "ai-only":
            return Made(origin=origin, failure=Failure(kind="planner", message=reason), seconds=seconds)
    return Made(plan, origin, seconds=seconds)


def _fixed(world: CaseWorld) -> Plan:
    return world.plan("template", reads=False)


def _template(world: CaseWorld) -> Plan:
    return world.plan("template")


def _ai(world: CaseWorld) -> Plan:
    return world.plan("ai")


def _unvalidated(world: CaseWorld) -> Plan:
    """The model's first draft as it is: nobody looks at it before it is made a plan, and that may fail."""
    workspace = world.milepost.workspace
    asked = PlanRequest(
        paths=world.paths, kb=world.kb, request=world.case["request"], policy=workspace.policy, planner="ai"
    )
    planner = AiPlanner(workspace.chat_model, workspace.services, workspace.engine.run, judged=False)
    loop = OwnLoop()
    try:
        return loop.wait(planner.plan(asked), workspace.stop)
    except ModelFailed as failed:
        kind: ErrorKind = "infrastructure" if failed.kind == "service" else "planner"
        raise _Unusable(planner.origin("ai", asked, failed), Failure(kind=kind, message=failed.reason)) from None
    except MilepostError:
        raise
    except Exception as error:
        why = f"the draft could not be made a plan: {type(error).__name__}: {error}"[:300]
        raise _Unusable(planner.origin("ai", asked), Failure(kind="planner", message=why)) from error
    finally:
        loop.close()


_PLANNING: Mapping[str, Callable[[CaseWorld], Plan]] = {
    "template-fixed": _fixed, "template": _template, "ai": _ai, "ai-only": _ai, "ai-unvalidated": _unvalidated,
}  # fmt: skip
