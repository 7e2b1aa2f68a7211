"""Going on from a checkpoint: which one, what it keeps, and what is planned from there under other options."""

from __future__ import annotations

from ..store.errors import UsageError
from ..store.plan import Plan
from ..store.policy import Policy
from ..store.words import short_id
from ..tools.rollback import ROLLBACK
from ..tools.services import Services
from .inputs import Input
from .planner import PlanRequest


def own_checkpoint(services: Services, journey_id: str, checkpoint_id: str) -> str:
    """The milestone of a journey's own checkpoint, to which it can be taken back.

    Raises `CheckpointNotFound`, `CheckpointCollected`, and `UsageError` for another journey's.
    """
    row = services.home.checkpoints.row(checkpoint_id, services.user.tenant)
    if row["journey_id"] != journey_id:
        raise not_its_own(journey_id, checkpoint_id, row["journey_id"])
    services.home.checkpoints.require(row)
    if services.home.ledger.journey(journey_id, services.user.tenant).journey_type == ROLLBACK:
        raise UsageError(
            f"{journey_id} is a rollback: there is nothing to go on with",
            state="nothing was changed",
            next=f"milepost rollback {checkpoint_id}",
        )
    return str(row["milestone_id"])


def not_its_own(journey_id: str, checkpoint_id: str, owner: str | None) -> UsageError:
    """The error for a checkpoint that another journey took."""
    return UsageError(
        f"{checkpoint_id} is not a checkpoint of {journey_id}",
        cause=f"{owner} took it" if owner else "it was taken by hand, of no journey",
        state="nothing was changed",
        next=f"milepost checkpoints {short_id(journey_id)}",
    )


def kept_files(services: Services, journey_id: str, milestone: str) -> tuple[Input, ...]:
    """The files that a journey had uploaded at a milestone, as they were then, whatever has become of them since.

    None before its first step: there nothing was uploaded yet, and the files are read anew.
    """
    if milestone.startswith("before_"):
        return ()
    blobs = services.home.blobs
    rows = services.home.ledger.files(journey_id)
    taken = [row for row in rows if row.action in ("add", "replace") or row.reason == "duplicate"]
    return tuple(
        Input(row.path, row.source, row.sha256, row.bytes, 0, held=True)
        for row in sorted(taken, key=lambda row: row.source)
        if row.sha256 and blobs.has(row.sha256)
    )


def again(
    plan: Plan, policy: Policy, *, parent: str, kept: tuple[Input, ...], pairs: list[tuple[str, bytes]]
) -> PlanRequest:
    """What was asked for then, under another policy; of the files that were `kept`, or of what they hold now."""
    expose = any(step.action == "expose" for step in plan.steps)
    if plan.files and not (plan.paths or pairs or kept):
        raise UsageError(
            f"the files of {parent} came as bytes, and are no longer kept",
            cause="going back to before its upload deleted them",
            next=f"milepost ingest PATH --kb {plan.kb or 'NAME'}",
        )
    return PlanRequest(
        paths=[*plan.paths, *([] if kept else pairs)], kb=plan.kb, request=plan.request, policy=policy, expose=expose,
        parent=parent, journey_type=plan.journey_type, args=plan.args, kept=kept,
    )  # fmt: skip


def bytes_of(services: Services, plan: Plan) -> list[tuple[str, bytes]]:
    """The inputs of a plan that came as bytes, from the blobs that hold them."""
    blobs, inputs = services.home.blobs, services.home.plans.inputs(plan.plan_id)
    files = (each for each in plan.files if each.source in inputs and each.archive not in plan.base.archives)
    held = {file.path: inputs[file.source] for file in files}
    return [(name, blobs.read(sha256)) for name, sha256 in held.items() if blobs.has(sha256)]


def plan_of(services: Services, journey_id: str) -> Plan:
    """The plan that a journey runs; `NotFound` for another tenant's as for one that never was."""
    tenant = services.user.tenant
    return services.home.plans.plan(services.home.ledger.journey(journey_id, tenant).plan_id, tenant)
