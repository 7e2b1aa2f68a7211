"""What an assistant may say to a tool: handles, names of kbs, paths, words. Nothing that is data, code, or a person."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, create_model

NOT_ARGUMENTS = ("self", "confirm", "on_progress")
"""Parameters that the surface gives, not the assistant."""

Paths = Annotated[
    list[str], Field(max_length=1_000, description="files and folders to take in, relative to the folder of the files")
]
Kb = Annotated[str, Field(max_length=200, description="the knowledge base, by its name")]
AnyKb = Annotated[str | None, Field(max_length=200, description="only of this knowledge base")]
Request = Annotated[
    str | None, Field(max_length=10_000, description="what the person wants, in their own words; leave out for all")
]
PlanId = Annotated[str, Field(max_length=100, description="a plan's whole id, as plan_journey gave it")]
PlanDigest = Annotated[str, Field(max_length=100, description="that plan's digest, as it came with the plan")]
JourneyId = Annotated[str, Field(max_length=200, description="a journey's whole id")]
AnyJourney = Annotated[str | None, Field(max_length=200, description="only of this journey")]
CheckpointId = Annotated[str, Field(max_length=300, description="a checkpoint's whole id, as it was listed")]
PreviewId = Annotated[str, Field(max_length=100, description="a preview's whole id, as preview_rollback gave it")]
Query = Annotated[str, Field(max_length=2_000, description="what to look for, in words")]
Whom = Annotated[
    str | None,
    Field(max_length=100, description="only what somebody of this audience may find: what is for it, or for everybody"),
]
Count = Annotated[int, Field(ge=1, le=20, description="how many results, at most")]


def arguments_of(work: Callable[..., Any]) -> type[BaseModel]:
    """The arguments of a tool as a model, from the signature of what does it; anything else is refused."""
    hints = get_type_hints(work, include_extras=True)
    fields: dict[str, Any] = {}
    for name, parameter in inspect.signature(work).parameters.items():
        if name not in NOT_ARGUMENTS:
            fields[name] = (hints[name], ... if parameter.default is parameter.empty else parameter.default)
    return create_model(work.__name__, __config__=ConfigDict(extra="forbid"), **fields)
