"""What a step's arguments come to when it runs: references to earlier steps' results, looked up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ..store.errors import JourneyFailed
from ..store.plan import Plan, PlanStep
from .services import Services


def resolved(services: Services, journey_id: str, plan: Plan, step: PlanStep) -> dict[str, Any]:
    """The step's arguments with every `{"$ref": step, "field": name}` replaced; `JourneyFailed` where there is none."""
    by_id = {one.id: one for one in plan.steps}

    def look_up(value: Any) -> Any:
        if isinstance(value, Mapping):
            held = cast("Mapping[str, Any]", value)
            if "$ref" in held:
                return _result(services, journey_id, by_id[str(held["$ref"])], held.get("field"))
            return {key: look_up(inner) for key, inner in held.items()}
        if isinstance(value, list | tuple):
            return [look_up(inner) for inner in cast("list[Any]", value)]
        return value

    return {name: look_up(value) for name, value in step.args.items()}


def _result(services: Services, journey_id: str, step: PlanStep, wanted: str | None) -> Any:
    receipts = services.home.ledger.receipts(journey_id)
    row = next((one for one in reversed(receipts) if one.step_id == step.id and one.state == "received"), None)
    own = row is not None and row.about is not None
    found = row.post if row and own else _built_in(services, journey_id, step.action)
    if wanted is None:
        return found
    if isinstance(found, Mapping) and wanted in found:
        return cast("Mapping[str, Any]", found)[wanted]
    raise JourneyFailed(f"the result of {step.id!r} has no field {wanted!r}")


def _built_in(services: Services, journey_id: str, action: str) -> dict[str, Any]:
    """What a built-in step came to, for one of a user's own: names of sources, and the kb's revision."""
    ledger = services.home.ledger
    rows = [row for row in ledger.files(journey_id) if row.outcome not in ("rejected", "failed")]
    names = [row.source for row in rows if row.action in ("add", "replace")]
    return {"files": names, "sources": names} | (
        {"revision": ledger.journey(journey_id, None).revision_after} if action == "expose" else {}
    )
