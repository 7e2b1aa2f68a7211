"""One trial: a case's world is built in a fresh home, a planner plans, and what comes of it is a line of the log."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..store.errors import MilepostError
from ..store.plan import Plan
from ..store.policy import Policy
from .arms import Arm, Made, made_by
from .executing import executed
from .judging import judged, plan_part
from .logs import Failure, Times, Trial, Usage
from .past_journeys import lived
from .scoring import Scorer
from .worlds import PLANNING, CaseWorld, world_of


@dataclass(frozen=True)
class Setup:
    """What all trials of a run have in common."""

    policy: Policy = PLANNING
    execute: bool = False
    scorers: tuple[Scorer, ...] = ()
    room: Path | None = None
    """Where worlds are built; the system's folder for what is temporary, where there is none."""
    after: int = 0
    """Journeys that were made before in each world, from requests of `others`."""
    others: tuple[Mapping[str, Any], ...] = field(default=(), repr=False)


def tried(arm: Arm, case: Mapping[str, Any], epoch: int, setup: Setup) -> Trial:
    """Run one trial. It never raises for what happens in it: a fault of ours is an infrastructure error of its line."""
    family = str(case.get("family", ""))
    empty = Trial(id=case["id"], family=family, planner=arm.name, epoch=epoch, started=_now())
    try:
        with world_of(
            case, policy=setup.policy, chat_model=arm.model, readable=setup.execute, room=setup.room
        ) as world:
            lived(world, setup.after, setup.others)
            raw = _lived_through(arm, world, setup, empty)
    except Exception as error:
        return empty.model_copy(update={"error": Failure(kind="infrastructure", message=_said(error))})
    return judged(raw, case, setup.policy.model_dump(mode="json"), setup.scorers)


def _lived_through(arm: Arm, world: CaseWorld, setup: Setup, empty: Trial) -> Trial:
    made = made_by(arm, world)
    stable = None if arm.asks else _same(made, made_by(arm, world))
    raw = empty.model_copy(
        update={
            "error": made.failure, "refused": made.refused, "stable": stable, "names": dict(world.names),
            "times": Times(plan=round(made.seconds, 4)), **_planned(made.plan, world, setup), **_asked(made),
        }
    )  # fmt: skip
    if not setup.execute or not raw.counts:
        return raw
    execution, seconds = executed(world, made.plan)
    return raw.model_copy(update={"execution": execution, "times": _times(made, seconds)})


def _planned(plan: Plan | None, world: CaseWorld, setup: Setup) -> dict[str, Any]:
    if plan is None:
        return {}
    said = world.milepost.validate(plan)
    return {
        "plan": plan_part(plan.model_dump(mode="json"), setup.policy.model_dump(mode="json")),
        "valid": said.valid,
        "issues": tuple(dict.fromkeys(issue.code for issue in said.errors)),
    }


def _asked(made: Made) -> dict[str, Any]:
    """Who planned in the end, and what asking a model came to."""
    origin = made.origin
    if origin is None:
        return {}
    usage = Usage(
        calls=origin.calls, input_tokens=origin.input_tokens, output_tokens=origin.output_tokens, cost=origin.cost
    )
    return {
        "origin": origin.planner if made.plan is not None else None, "reason": origin.reason,
        "attempts": origin.attempts, "repairs": max(0, origin.attempts - 1), "usage": usage,
    }  # fmt: skip


def _times(made: Made, seconds: float | None) -> Times:
    plan = made.plan
    estimate = None
    if plan is not None and seconds is not None:
        time = plan.estimated_time
        estimate = {"p10": time.p10, "p50": time.p50, "p90": time.p90}
    executed_in = None if seconds is None else round(seconds, 4)
    return Times(plan=round(made.seconds, 4), execute=executed_in, estimated=estimate)


def _same(one: Made, other: Made) -> bool:
    if one.plan is None or other.plan is None:
        return one.plan is other.plan and one.refused == other.refused
    return one.plan.digest == other.plan.digest


def _said(error: Exception) -> str:
    """A fault of ours in a line, with the place where it happened."""
    if isinstance(error, MilepostError):
        return error.message
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno})"[:500]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
