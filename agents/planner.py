"""Who plans: a model with the template to fall back on, or the template; and what becomes of the plan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ..store.errors import PlanRejected, UsageError
from ..store.plan import Origin, Plan
from ..store.policy import Policy
from ..tools.journey_types import BUILT_IN
from ..tools.registry import REGISTRY
from ..tools.services import Services
from ..tools.type_finder import JourneyTypes
from .ai_answers import ModelFailed
from .ai_planner import AiPlanner
from .chat_model import NONE_CONFIGURED
from .drafting import PlanRequest, Tell, draft_ingest, draft_removal
from .own_plans import draft_own, refuse_faults
from .plan_facts import input_blobs, world_facts
from .requirements import as_dict, person, plan_request
from .stale import stale
from .validator import Validation, validate_plan

__all__ = [
    "PlanRequest",
    "PlanningIntegrationCapability",
    "TemplatePlanner",
    "draft",
    "draft_removal",
    "drafted",
    "input_blobs",
    "judge",
    "keep_plan",
    "kept",
    "planner_for",
    "save_plan",
    "stale",
]

TEMPLATE_VERSION = "1"
Runner = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Does work on the engine's thread."""


class TemplatePlanner:
    """Plans without a model; `instead_because` says why, where a model was wanted."""

    def __init__(self, *, instead_because: str | None = None) -> None:
        self.instead_because = instead_because
        self._origin = Origin(
            planner="fallback" if instead_because else "template",
            version=TEMPLATE_VERSION,
            reason=instead_because,
            failure="service" if instead_because else None,
        )

    def plan(self, services: Services, request: PlanRequest, *, on_progress: Tell | None = None) -> Plan:
        """Draft an ingest; see `drafting.draft_ingest`."""
        return draft_ingest(services, request, origin=self._origin, on_progress=on_progress)


def planner_for(request: PlanRequest) -> TemplatePlanner:
    """The planner that a request and its policy want; where that is a model, the one that stands in for it."""
    if request.planner not in ("auto", "ai", "template"):
        raise UsageError(
            f"there is no planner {request.planner!r}",
            cause="it is template, ai or auto",
            next="milepost plan --help",
            option="--planner",
        )
    wants_model = request.planner == "ai" or (request.planner == "auto" and request.policy.enable_ai_planning)
    return TemplatePlanner(instead_because=NONE_CONFIGURED if wants_model else None)


def draft(
    services: Services, request: PlanRequest, *, origin: Origin | None = None, on_progress: Tell | None = None
) -> Plan:
    """Plan what is requested from the template. Reads files and may fill caches; changes nothing in any kb.

    `origin` says who was asked before, and gave no plan.

    The same request in the same world gives the same plan id. Raises what collecting the files raises,
    `UsageError` where no kb is named, `PlanRejected` beyond the policy's budget.
    """
    if request.journey_type != BUILT_IN:
        plan = draft_own(services, request, on_progress=on_progress)
        plan = plan if origin is None else plan.model_copy(update={"origin": origin}).sealed()
        refuse_faults(judge(plan, request.policy, services.types), request.journey_type)
        return plan
    if origin is not None:
        return draft_ingest(services, request, origin=origin, on_progress=on_progress)
    return planner_for(request).plan(services, request, on_progress=on_progress)


async def drafted(services: Services, request: PlanRequest, run: Runner, *, on_progress: Tell | None = None) -> Plan:
    """Plan by whom the request and the policy want; the template where a model gives no plan, and the origin says why.

    The engine's thread is free while a model is asked. Raises what `draft` raises; `UsageError` where a model is
    asked for by name and none is configured.
    """
    model = services.chat_model
    wanted = planner_for(request).instead_because is not None
    own = request.journey_type != BUILT_IN
    if model is None and request.planner == "ai":
        raise _no_model()
    if not wanted or model is None or (own and not request.request):  # without words there is nothing to understand
        plan: Plan = await run(lambda: draft(services, request, on_progress=on_progress))
        return plan
    ai = AiPlanner(model, services, run, on_progress=on_progress)
    try:
        return await ai.plan(request)
    except ModelFailed as failed:
        origin = ai.origin("fallback", request, failed).model_copy(update={"version": TEMPLATE_VERSION})
    fallen: Plan = await run(lambda: draft(services, request, origin=origin, on_progress=on_progress))
    return fallen


def _no_model() -> UsageError:
    return UsageError(
        f"{NONE_CONFIGURED}, and planner ai asks for one",
        cause="MILEPOST_MODEL names it, OPENAI_API_KEY or OPENAI_BASE_URL says where it is; in Python, chat_model=",
        state="nothing was changed",
        next="milepost plan PATH --kb NAME --planner template",
        instead=("ai", "template"),
    )


async def kept(services: Services, request: PlanRequest, run: Runner) -> Plan:
    """`drafted`, saved with what the validator says, so that it can be shown and applied."""
    plan = await drafted(services, request, run)
    await run(lambda: save_plan(services, request, plan))
    return plan


def save_plan(services: Services, request: PlanRequest, plan: Plan) -> None:
    """Save a plan with what the validator says of it, where the policy validates."""
    said = None
    if request.policy.validates:
        judged = judge(plan, request.policy, services.types, world_facts(services, plan, request))
        said = judged.model_dump(mode="json")
    services.home.plans.save(plan, said, input_blobs(plan, request))


def keep_plan(services: Services, request: PlanRequest) -> Plan:
    """Draft a plan from the template, and save it."""
    plan = draft(services, request)
    save_plan(services, request, plan)
    return plan


def admit(validation: Validation, plan: Plan) -> None:
    """Refuse a plan that does not validate, or that asks something."""
    if not validation.valid:
        first = validation.errors[0]
        raise PlanRejected(
            f"{plan.plan_id or 'the plan'} does not validate: {first.message}",
            cause=f"{len(validation.errors)} errors, the first {first.code} at step {first.step}",
            state="nothing was changed",
            next="milepost plan PATH --kb NAME",
            issues=[issue.model_dump() for issue in validation.errors],
        )
    if plan.questions:
        raise PlanRejected(
            f"{plan.plan_id} has an open question: {plan.questions[0].text}",
            state="nothing was changed",
            next="milepost plan PATH --kb NAME --request TEXT",
        )


def judge(
    plan: Plan | Mapping[str, Any],
    policy: Policy,
    types: JourneyTypes | None = None,
    world: Mapping[str, Any] | None = None,
) -> Validation:
    """What the validator says of a plan, with its type's registry, the files that are on offer, and `world_facts`.

    `NotFound` for a `Plan` of a type that is not known here; what only says that it is of one is judged as an ingest.
    """
    types = types or JourneyTypes()
    if not isinstance(plan, Plan):
        kind = str(plan.get("journey_type") or BUILT_IN)
        kind = kind if kind in types.names() else BUILT_IN
        return validate_plan(plan, types.registry(kind), policy, {"handlers": sorted(types.handlers(kind))})
    facts = {
        "handlers": sorted(types.handlers(plan.journey_type)),
        "files": [file.source for file in plan.files],
        **(world or {}),
    }
    registry = REGISTRY if plan.journey_type == BUILT_IN else types.registry(plan.journey_type)
    return validate_plan(plan, registry, policy, facts)


class PlanningIntegrationCapability:
    """The proposal's planning: a plan from a model or the template, and its validation."""

    def __init__(self, services: Services, run: Runner, policy: Policy) -> None:
        self._services = services
        self._run = run
        self._policy = policy

    async def generate_ai_plan(
        self, journey_type: str, requirements: Mapping[str, Any] | Any, user_context: Mapping[str, Any] | Any
    ) -> dict[str, Any]:
        """Plan a journey, by a model where the policy lets one, else from the template; the plan is kept.

        `requirements` holds `paths` or `file_name` (with `file_data`, `file_type`), `kb` and `request`.
        """
        services = person(self._services, user_context)
        request = plan_request(journey_type, requirements, user_context, self._policy)
        plan = await kept(services, request, self._run)
        return plan.model_dump(mode="json")

    async def validate_plan(
        self, plan: Mapping[str, Any] | Any, user_context: Mapping[str, Any] | Any
    ) -> dict[str, Any]:
        """Judge a plan: `valid`, `errors`, `warnings`; every fault at once, nothing is raised for a bad plan."""
        del user_context  # a plan is judged by what it says, whoever asks
        return judge(as_dict(plan), self._policy, self._services.types).model_dump(mode="json")
