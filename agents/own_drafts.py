"""Plans of users' own journey types as a model drafted them: its steps, with what their declarations say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..store.plan import Declined, Origin, Plan, PlanStep, Question
from ..tools.journey_types import BUILT_IN, JourneyType
from ..tools.services import Services
from .ai_answers import Draft, DraftStep
from .ai_drafts import Offer, in_order, plain, to_plan
from .drafting import PlanRequest, Tell
from .own_plans import declared_step, nothing_yet, of_type, placed, takes_files


def to_own_plan(services: Services, draft: Draft, offer: Offer, *, origin: Origin, on_progress: Tell | None) -> Plan:
    """The plan of a user's own type that a draft without problems stands for.

    What was given with the request (`args`) holds, whatever the draft says of it. Raises what planning files raises.
    """
    request = offer.request
    kind = services.types.find(request.journey_type)
    steps = in_order(plain(draft.steps, offer.registry))
    ours = [step for step in steps if kind.step(step.action) is None]
    if takes_files(kind):
        base = _with_files(services, draft, ours, offer, origin, on_progress)
    else:
        base = nothing_yet(services, request).model_copy(
            update={
                "origin": origin,
                "questions": tuple(Question(about=one.about, text=one.text) for one in draft.questions),
                "declined": tuple(Declined(**one.model_dump()) for one in draft.declined),
            }
        )
    known = {step.id: step for step in base.steps}
    made = tuple(
        known[step.id].model_copy(update={"depends_on": tuple(step.depends_on)})
        if step.id in known
        else _own(kind, step, request)
        for step in steps
    )
    return of_type(services, kind, base, made, request.args)


def _with_files(
    services: Services,
    draft: Draft,
    ours: Sequence[DraftStep],
    offer: Offer,
    origin: Origin,
    on_progress: Tell | None,
) -> Plan:
    """The plan of the draft's steps that are Milepost's own, as if there were no others."""
    ids = {step.id for step in ours}
    kept = [step.model_copy(update={"depends_on": [name for name in step.depends_on if name in ids]}) for step in ours]
    ingest = replace(offer, request=replace(offer.request, journey_type=BUILT_IN))
    return to_plan(services, draft.model_copy(update={"steps": kept}), ingest, origin=origin, on_progress=on_progress)


def _own(kind: JourneyType, step: DraftStep, request: PlanRequest) -> PlanStep:
    declared = kind.step(step.action)
    assert declared is not None, step.action  # the validator knows the actions
    given = {name: request.args[name] for name in declared.params if name in request.args}
    return placed(declared_step(declared, {**step.args, **given}), step.id, step.depends_on, request.policy)
