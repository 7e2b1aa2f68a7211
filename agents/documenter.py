"""Forward documentation: what a journey will do, written down before it does it."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Any, TypeVar

from ..store.librarian import Document
from ..store.plan import Plan, PlannedFile, PlanStep
from ..store.policy import Policy
from ..store.receipts import Receipt
from ..store.records import Journey
from ..tools.services import Services
from .executor import journey_id_of
from .forecast import Told, forecast, page, step_page
from .issues import as_list, as_mapping
from .planner import keep_plan
from .requirements import person, plan_request

T = TypeVar("T")
Runner = Callable[[Callable[[], Any]], Awaitable[Any]]
"""Does work on the engine's thread."""

EXECUTION_PLAN = "execution_plan"
FORWARD = "forward_documentation"
_LISTED = 100
"""Files named in a document; all of them are in the plan, which the record keeps."""
_TOLD = {"source", "action", "sha256", "bytes", "chunks", "reason", "detail"}
_IDS = uuid.uuid5(uuid.NAMESPACE_URL, "milepost:forward-documentation")


def forward_documents(plan: Plan, policy: Policy) -> list[Document]:
    """What is written down before a journey does anything, as far as the policy wants it: the plan, and each step."""
    told = Told(plan)
    documents = [plan_document(plan, told)] if policy.generate_plan else []
    return documents + [step_document(plan, step, told) for step in (plan.steps if policy.document_steps else ())]


def plan_document(plan: Plan, told: Told | None = None) -> Document:
    """The plan as the librarian keeps it: unchanged files are counted only, long lists are cut, and the cut is said."""
    content = plan.model_dump(mode="json", exclude={"files", "policy", "steps"})
    content["steps"] = [_short(step.model_dump(mode="json")) for step in plan.steps]
    moving = [file for file in plan.files if file.reason != "unchanged"]
    content["files"] = [_line(file) for file in moving[:_LISTED]]
    content["files_left_out"] = len(plan.files) - len(content["files"])
    told = told or Told(plan)
    content |= {"forecast": forecast(told), "markdown": page(told)}
    return _document(plan.plan_id, content, EXECUTION_PLAN, plan.tenant, journey_id_of(plan))


def step_document(plan: Plan, step: PlanStep, told: Told | None = None) -> Document:
    """What one step will touch, written before it runs. The same step of the same plan has the same document."""
    doc_id = f"forward_doc_{uuid.uuid5(_IDS, f'{plan.plan_id}/{step.id}')}"
    told = told or Told(plan)
    context = {
        **touches(plan, step), **told.deeds(step), "estimate": _dumped(step), "args": _short(dict(step.args)),
    }  # fmt: skip
    content = forward_content(doc_id, plan.plan_id, step.id, step.action, context, plan.generated_at)
    content["markdown"] = step_page(told, step)
    return _document(doc_id, content, FORWARD, plan.tenant, journey_id_of(plan))


def what_came(
    plan: Plan, journey: Journey, outcomes: Mapping[str, int], receipts: Sequence[Receipt], policy: Policy
) -> list[Document]:
    """The plan's documents again, each with what came of it beside what it said: status, seconds, what was done."""
    by_step = {step.id: step for step in journey.steps}
    documents: list[Document] = []
    for document in forward_documents(plan, policy):
        name = document.content.get("step")
        if name is None:
            seconds = round(sum(step.seconds or 0.0 for step in journey.steps), 3)
            came = {"status": str(journey.status), "seconds": seconds, "embeddings": journey.embeddings_computed,
                    "outcomes": dict(outcomes)}  # fmt: skip
        else:
            ran = by_step.get(name)
            did = [_short(receipt.post) for receipt in receipts if receipt.step_id == name and receipt.post]
            came = {"status": ran.status if ran else None, "seconds": ran.seconds if ran else None, "did": did}
        documents.append(replace(document, content={**document.content, "came_of_it": came}))
    return documents


def forward_content(
    doc_id: str, plan_id: str, step: str, action: str, context: Mapping[str, Any], at: str
) -> dict[str, Any]:
    """A forward document with the proposal's fields."""
    return {
        "doc_id": doc_id, "plan_id": plan_id, "step": step, "action": action, "context": dict(context),
        "documented_at": at,
    }  # fmt: skip


def touches(plan: Plan, step: PlanStep) -> dict[str, Any]:
    """What a step will touch: files and sources, counts, how it is undone, and the revision that it starts from."""
    files = [file for file in plan.files if _concerns(step.action, file)]
    return {
        "kb": plan.kb,
        "kb_revision": plan.base.kb_revision,
        "files": [_line(file, but={"sha256"}) for file in files[:_LISTED]],
        "files_left_out": max(0, len(files) - _LISTED),
        **_counts(plan, step.action, files),
        "effect": step.effect,
        "rollback_handler": step.rollback_handler,
        "milestone": step.milestone,
    }


class ForwardDocumentationCapability:
    """The proposal's forward documentation, on the librarian."""

    def __init__(self, services: Services, run: Runner, policy: Policy) -> None:
        self._services = services
        self._run = run
        self._policy = policy

    async def generate_execution_plan(
        self, journey_type: str, requirements: Mapping[str, Any] | Any, user_context: Mapping[str, Any] | Any
    ) -> dict[str, Any]:
        """Plan a journey from a template, keep the plan, and store it as an `execution_plan` document.

        `requirements` holds `paths` or `file_name` (with `file_data`), and `kb`; `user_context` user and tenant.
        """
        services = person(self._services, user_context)
        request = plan_request(journey_type, requirements, user_context, self._policy, planner="template")
        plan: Plan = await self._run(lambda: self._generate(services, request))
        return plan.model_dump(mode="json")

    async def document_forward(
        self, plan_id: str, step: str, action: str, context: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write down what is about to be done, and return the document."""
        now = self._services.home.clock.now()
        content = forward_content(f"forward_doc_{uuid.uuid4()}", plan_id, step, action, context, now)
        document = _document(content["doc_id"], content, FORWARD, self._services.user.tenant)
        await self._run(lambda: self._services.home.librarian.write_documents([document]))
        return content

    def _generate(self, services: Services, request: Any) -> Plan:
        plan = keep_plan(services, request)
        services.home.librarian.write_documents([plan_document(plan)])
        return plan


def _document(
    document_id: str, content: dict[str, Any], type: str, tenant: str, journey_id: str | None = None
) -> Document:
    """A document of this type; a plan's belong to the journey that the plan becomes."""
    return Document(document_id, content, {"type": type}, tenant, journey_id)


def _concerns(action: str, file: PlannedFile) -> bool:
    """Whether an action touches a file: what is exposed is also what goes, and duplicates that lay a claim."""
    if action in ("upload", "parse", "embed"):
        return file.action in ("add", "replace")
    if action == "expose":
        return file.action in ("add", "replace", "remove") or file.reason == "duplicate"
    return action == file.action and action in ("remove", "hide")


def _counts(plan: Plan, action: str, files: list[PlannedFile]) -> dict[str, Any]:
    coming = sum(file.chunks for file in files if file.action in ("add", "replace"))
    going = sum(file.chunks for file in files if file.action in ("remove", "hide"))
    going += sum(file.chunks_replaced for file in files)
    counts: dict[str, dict[str, Any]] = {
        "upload": {"file_count": len(files), "bytes": sum(file.bytes for file in files)},
        "parse": {"file_count": len(files), "chunks": coming},
        "embed": {"chunks": coming, "embeddings": plan.resources.get("embeddings", 0), "model": plan.base.embedder},
    }
    exact = not any(file.estimated for file in files)
    moved = {"file_count": len(files), "chunks_added": coming, "chunks_removed": going}
    return {**counts.get(action, moved), "exact": exact}


def _line(file: PlannedFile, *, but: Set[str] = frozenset()) -> dict[str, Any]:
    """What a document says of a file; a step's says no hash, which the plan's does."""
    told = file.model_dump(mode="json", include=_TOLD - but)
    return {key: value for key, value in told.items() if value is not None}


def _dumped(step: PlanStep) -> dict[str, Any] | None:
    return step.estimate.model_dump(mode="json") if step.estimate else None


def _short(value: Any) -> Any:
    """The value with long lists cut, and the number of what was cut at their end."""
    mapping, listed = as_mapping(value), as_list(value)
    if mapping is not None:
        return {key: _short(inner) for key, inner in mapping.items()}
    if listed is not None and len(listed) > _LISTED:
        return [*listed[:_LISTED], f"... and {len(listed) - _LISTED} more"]
    return value
