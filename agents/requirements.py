"""The proposal's `requirements` and `user_context`, dicts or models, in the words of the planner."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from typing import Any, cast

from pydantic import BaseModel

from ..store.places import exists
from ..store.policy import Policy
from ..store.records import UserContext
from ..tools.journey_types import BUILT_IN
from ..tools.services import Services
from .drafting import PlanRequest
from .inputs import PathOrPair

DEFAULT_KB = "default"


def person(services: Services, user_context: Mapping[str, Any] | BaseModel | None) -> Services:
    """The services on behalf of the user that a context names; of their own user where it names none."""
    said = as_dict(user_context)
    user = said.get("user") or said.get("user_id")
    tenant = said.get("tenant") or said.get("tenant_id")
    if user is None and tenant is None:
        return services
    known = services.user
    return dataclasses.replace(
        services, user=UserContext(user=str(user or known.user), tenant=str(tenant or known.tenant))
    )


def plan_request(
    journey_type: str,
    requirements: Mapping[str, Any] | BaseModel,
    user_context: Mapping[str, Any] | BaseModel | None,
    policy: Policy,
    *,
    planner: str = "auto",
) -> PlanRequest:
    """What is to be planned; the kb is the requirements', else the user context's, else "default".

    Of a type of a user's own `requirements` has `args`, and paths and a kb only where it takes files.
    """
    said = as_dict(requirements)
    if journey_type != BUILT_IN:
        files = _paths(said)[0] if {"paths", "file_name"} & said.keys() else ()
        return PlanRequest(
            paths=files, kb=said.get("kb"), request=said.get("request"), policy=policy, planner=planner,
            journey_type=journey_type, args=as_dict(said.get("args") or {}),
        )  # fmt: skip
    paths, unseen = _paths(said)
    return PlanRequest(
        paths=paths,
        kb=str(said.get("kb") or as_dict(user_context).get("kb") or DEFAULT_KB),
        request=said.get("request"),
        policy=policy,
        planner=planner,
        expose=bool(said.get("expose", True)),
        unseen=unseen,
    )


def as_dict(value: Mapping[str, Any] | BaseModel | None) -> dict[str, Any]:
    """A dict or a model as a dict."""
    if value is None:
        return {}
    if isinstance(value, BaseModel):
        return value.model_dump()
    return dict(value)


def _paths(said: Mapping[str, Any]) -> tuple[list[PathOrPair], tuple[tuple[str, str], ...]]:
    """The inputs, and the files that are only announced: a name and a type, with no content at hand yet."""
    paths = _listed(said.get("paths") or said.get("path"))
    name = said.get("file_name")
    if name is None:
        return paths, ()
    data = said.get("file_data")
    if data is not None:
        return [*paths, (str(name), bytes(data))], ()
    if exists(str(name)):
        return [*paths, str(name)], ()
    return paths, ((str(name), str(said.get("file_type") or "")),)


def _listed(given: object) -> list[PathOrPair]:
    if given is None:
        return []
    if isinstance(given, str | os.PathLike | tuple):
        return [cast("PathOrPair", given)]
    return list(cast("list[PathOrPair]", given))
