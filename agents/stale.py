"""What moved since a plan was made."""

from __future__ import annotations

from collections.abc import Iterator

from ..store.errors import StalePlan
from ..store.places import exists
from ..store.plan import Base, Plan
from ..store.policy import Policy
from ..tools.chunk import chunker_id
from ..tools.parse import PARSER
from ..tools.services import Services
from .inputs import sha256_of


def stale(services: Services, plan: Plan, policy: Policy | None = None) -> list[str]:
    """One sentence for everything that moved; empty for a fresh plan. Hashes every file of the plan again.

    `policy` is the one in force now, where that is to be compared too.
    """
    return [*_world(services, plan, policy), *moved_files(services, plan)]


def _world(services: Services, plan: Plan, policy: Policy | None) -> Iterator[str]:
    base = plan.base
    if plan.kb is not None:
        found = services.home.knowledge.find(plan.tenant, plan.kb)
        head = found.head if found else 0
        if head != base.kb_revision:
            yield f"kb {plan.kb} is at revision {head}, the plan was made at {base.kb_revision}"
    if policy is not None and policy.digest != base.policy_digest:
        yield "the policy changed"
    if base.embedder and services.home.embedder().name != base.embedder:
        yield f"the embedder is {services.home.embedder().name}, the plan was made with {base.embedder}"
    yield from _reader(base, Policy.model_validate(plan.policy))


def _reader(base: Base, policy: Policy) -> Iterator[str]:
    if base.parser and base.parser != PARSER:
        yield f"the parser is {PARSER}, the plan was made with {base.parser}"
    chunker = chunker_id(policy.chunk)
    if base.chunker and base.chunker != chunker:
        yield f"the chunker is {chunker}, the plan was made with {base.chunker}"


def refused(plan: Plan, moved: list[str]) -> StalePlan:
    """The error for a plan whose world has moved, with what moved."""
    return StalePlan(
        f"{plan.plan_id} is stale: {moved[0]}" + (f" (and {len(moved) - 1} more)" if len(moved) > 1 else ""),
        cause="; ".join(moved)[:500],
        state="nothing was changed",
        next=f"milepost apply {plan.plan_id} --replan",
        moved=moved,
    )


def moved_files(services: Services, plan: Plan) -> Iterator[str]:
    """A sentence for each file that changed or went, or came back; hashes every one."""
    for path, sha256 in plan.base.archives.items():
        yield from _moved(path, sha256)
    if not any(step.action == "upload" for step in plan.steps):  # no file is read: it is about what the kb holds
        return
    in_blobs = services.home.plans.inputs(plan.plan_id)
    for file in plan.files:
        if file.action == "remove":
            if file.path != file.source and exists(file.path):
                yield f"{file.path} is back"
        elif file.sha256 and not file.archive and file.source not in in_blobs and file.reason != "excluded":
            yield from _moved(file.path, file.sha256)


def _moved(path: str, sha256: str) -> Iterator[str]:
    now = sha256_of(path)
    if now is None:
        yield f"{path} is gone, or cannot be read"
    elif now != sha256:
        yield f"{path} changed"
