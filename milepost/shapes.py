"""The objects of `--json`, made from what the workspace returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

    from .agents.issues import Validation
    from .store.plan import Plan
    from .store.records import Event, Journey

Json = dict[str, Any]


def dump(model: BaseModel) -> Json:
    """A result as plain JSON types."""
    return model.model_dump(mode="json")


def dumps(models: Sequence[BaseModel]) -> list[Json]:
    """Results as plain JSON types."""
    return [dump(model) for model in models]


def plan_shape(plan: Plan, validation: Validation | None) -> Json:
    """A plan with what the validator said; null where the policy does not validate."""
    return {"plan": dump(plan), "validation": dump(validation) if validation else None}


def plans_shape(plans: Sequence[tuple[Plan, Validation | None]]) -> Json:
    """Plans for several kbs: the first as `plan_shape` has it, and all of them as `plans`."""
    shapes = [plan_shape(plan, validation) for plan, validation in plans]
    return {**shapes[0], "plans": shapes} if len(shapes) > 1 else shapes[0]


def journey_shape(journey: Journey, timeline: Sequence[Event] | None = None) -> Json:
    """A journey, and its timeline where it was asked for."""
    shape: Json = {"journey": dump(journey)}
    return shape if timeline is None else shape | {"timeline": dumps(timeline)}


def journeys_shape(journeys: Sequence[Journey]) -> Json:
    """Journeys without their files and steps."""
    return {"journeys": [one.model_dump(mode="json", exclude={"files", "steps", "milestones"}) for one in journeys]}
