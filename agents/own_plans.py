"""Plans of users' own journey types: the template's steps with the arguments that they were asked for with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from ..store.errors import MilepostError, PlanRejected, UsageError
from ..store.plan import Base, Interval, Origin, Plan, PlanStep, canonical_json
from ..store.policy import Policy
from ..store.records import Progress
from ..store.secrets import told
from ..tools.estimate import estimate_steps, total
from ..tools.journey_types import BUILT_IN, JourneyType, Sketch, action_of
from ..tools.services import Services
from ..tools.type_finder import built_in
from ..tools.user_steps import NAME, UserStep
from .drafting import PlanRequest, draft_ingest
from .issues import Findings, Validation, shown
from .template import ingest_steps

Tell = Callable[[Progress], None]


def draft_own(services: Services, request: PlanRequest, *, on_progress: Tell | None = None) -> Plan:
    """Plan a journey of a user's own type; its files, where it takes any, as an ingest's.

    Raises `NotFound` for an unknown type, `PlanRejected` where the arguments are not what its steps take.
    """
    kind = services.types.find(request.journey_type)
    args = _as_json(kind, request.args)
    sketches = _sketched(kind, args)
    ours = any(built_in(action_of(each)) for each in sketches)
    base = _with_files(services, request, on_progress) if ours else nothing_yet(services, request)
    return of_type(services, kind, base, tuple(_steps(kind, sketches, args, base, request)), args)


def of_type(
    services: Services, kind: JourneyType, base: Plan, steps: tuple[PlanStep, ...], args: Mapping[str, Any]
) -> Plan:
    """A plan made one of a user's own type, with these steps and how long each will take."""
    timed, time = _timed(services, steps, base)
    return base.model_copy(
        update={"journey_type": kind.name, "args": dict(args), "steps": timed, "estimated_time": time}
    ).sealed()


def refuse_faults(validation: Validation, journey_type: str) -> None:
    """Refuse what the validator found before anything is saved, each argument named."""
    if not validation.valid:
        raise _refused(
            journey_type,
            [issue.message for issue in validation.errors],
            issues=[issue.model_dump() for issue in validation.errors],
        )


def _as_json(kind: JourneyType, args: Mapping[str, Any]) -> dict[str, Any]:
    try:
        canonical_json(dict(args))
    except (TypeError, ValueError) as wrong:
        raise UsageError(f"the arguments of {kind.name!r} are no JSON: {wrong}", state="nothing was changed") from None
    return dict(args)


def _sketched(kind: JourneyType, args: Mapping[str, Any]) -> list[Sketch]:
    """The template's steps; what a template of a user's own raises is about the arguments that it was given."""
    if not callable(kind.template):
        unknown = [name for name in args if name not in kind.params]
        if unknown:
            raise _refused(kind.name, [_unknown(kind, name) for name in unknown])
    try:
        return list(kind.sketched(args))
    except MilepostError:
        raise
    except Exception as wrong:
        raise PlanRejected(
            f"the template of {kind.name!r} makes no plan of these arguments",
            cause=told(wrong),
            state="nothing was changed",
        ) from wrong


def _unknown(kind: JourneyType, name: str) -> str:
    hint = Findings().nearest(name, kind.params) if kind.params else "its steps take no arguments"
    return f"no step takes an argument {shown(name)}" + (f"; {hint}" if hint else "")


def _refused(journey_type: str, said: Sequence[str], **facts: Any) -> PlanRejected:
    return PlanRejected(
        f"{journey_type!r} cannot be planned: {said[0]}",
        cause="; ".join(said)[:500] if len(said) > 1 else "",
        state="nothing was changed",
        next=f"milepost plan --type {journey_type} --arg NAME=VALUE",
        **facts,
    )


def _with_files(services: Services, request: PlanRequest, tell: Tell | None) -> Plan:
    return draft_ingest(services, replace(request, journey_type=BUILT_IN), origin=Origin(), on_progress=tell)


def takes_files(kind: JourneyType) -> bool:
    """Whether some of a type's steps are Milepost's own, which are about files and a kb."""
    return any(built_in(action_of(each)) for each in kind.steps)


def check_given(request: PlanRequest) -> None:
    """`UsageError` where a type that touches no kb was given files or one."""
    if request.paths or request.kb is not None:
        raise UsageError(
            f"journey type {request.journey_type!r} takes no {'files' if request.paths else 'kb'}",
            cause="none of its steps is Milepost's own",
            state="nothing was changed",
        )


def nothing_yet(services: Services, request: PlanRequest) -> Plan:
    """A plan of nothing yet, for a type that touches no kb."""
    check_given(request)
    home, user, policy = services.home, services.user, request.policy
    ended = home.ledger.ended(user.tenant, None, request.journey_type)
    return Plan(
        journey_type=request.journey_type, tenant=user.tenant, owner=user.user, request=request.request,
        parent=request.parent, base=Base(journeys_ended=ended, policy_digest=policy.digest),
        policy=policy.model_dump(mode="json"), generated_at=home.clock.now(),
    )  # fmt: skip


def _steps(
    kind: JourneyType, sketches: Sequence[Sketch], args: Mapping[str, Any], base: Plan, request: PlanRequest
) -> Iterator[PlanStep]:
    own = {step.action: step for step in ingest_steps(base.kb or "", base.files, request.policy)}
    used: list[str] = []
    for sketch in sketches:
        said: Mapping[str, Any] = sketch if isinstance(sketch, Mapping) else {}
        action = action_of(sketch)
        step_id = str(said.get("id") or _free(action, used))
        after = said.get("depends_on", used[-1:])
        used.append(step_id)
        yield placed(_filled(kind, action, said.get("args") or {}, args, own), step_id, after, request.policy)


def placed(drafted: PlanStep, step_id: str, after: Sequence[str], policy: Policy) -> PlanStep:
    """A step under its id, behind those that it names and those whose results it takes."""
    return drafted.model_copy(
        update={
            "id": step_id,
            "depends_on": tuple(dict.fromkeys([*after, *_references(drafted.args)])),
            "milestone": f"{step_id}_complete" if NAME.fullmatch(step_id) else drafted.milestone,
            "rollback_handler": drafted.rollback_handler if policy.restorable else None,
        }
    )


def declared_step(step: UserStep[..., Any], args: Mapping[str, Any]) -> PlanStep:
    """A step of a user's own as its declaration has it, with these arguments."""
    return PlanStep(
        id=step.action, action=step.action, args=dict(args), milestone=f"{step.action}_complete",
        rollback_handler=step.handler, handler_version=step.version if step.handler else None, effect=step.effect,
        observed=step.look is not None,
    )  # fmt: skip


def _filled(
    kind: JourneyType, action: str, said: Mapping[str, Any], args: Mapping[str, Any], own: Mapping[str, PlanStep]
) -> PlanStep:
    """A step as its declaration has it, with the arguments of the journey that it takes and was not given."""
    step = kind.step(action)
    if step is None:
        found = own.get(action) or PlanStep(id=action, action=action)
        return found.model_copy(update={"args": {**found.args, **said}})
    return declared_step(step, {name: args[name] for name in step.params if name in args} | dict(said))


def _free(action: str, used: Sequence[str]) -> str:
    number = sum(1 for name in used if name == action or name.startswith(f"{action}_"))
    name = action if not number else f"{action}_{number + 1}"
    return name if name not in used else f"{action}_{len(used) + 1}"


def _references(value: Any) -> list[str]:
    """The steps whose results a value holds."""
    if isinstance(value, Mapping):
        held = cast("Mapping[str, Any]", value)
        if "$ref" in held:
            return [str(held["$ref"])]
        return [name for inner in held.values() for name in _references(inner)]
    if isinstance(value, list | tuple):
        return [name for inner in cast("list[Any]", value) for name in _references(inner)]
    return []


def _timed(services: Services, steps: Sequence[PlanStep], base: Plan) -> tuple[tuple[PlanStep, ...], Interval]:
    """The steps with their estimates: those of an ingest as there, each of a user's own by its past runs."""
    drafted = {step.action: step.estimate for step in base.steps if step.estimate is not None}
    own = {step.action: {"": 1.0} for step in steps if step.action not in drafted}
    intervals = drafted | estimate_steps(services.home.ledger, services.user.tenant, own)
    timed = tuple(step.model_copy(update={"estimate": intervals[step.action]}) for step in steps)
    return timed, total([intervals[step.action] for step in steps])
