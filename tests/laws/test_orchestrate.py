"""Law: the proposal's flow works as the proposal writes it, each of its policies giving what it switches on, no more.

The policies and calls are the proposal's literal examples. Besides: what the three orchestrations do when a step
cannot be done.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from works import InProcess, opened, view

from milepost import AsyncMilepost
from milepost.store.errors import EmbeddingFailed
from milepost.store.policy import MILESTONES
from milepost.store.records import JourneyStatus
from milepost.tools.embedders import FakeEmbedder

DATA = "\n\n".join(f"Paragraph {n} of the contract. " + "Hereby agreed. " * 12 for n in range(5)).encode()
WHO = {"user_id": "ana", "tenant_id": "acme"}

NO_CAPABILITIES = {"enable_rollback": False, "enable_forward_docs": False, "enable_planning": False}
ROLLBACK_ONLY = {
    "enable_rollback": True,
    "rollback_checkpoints": ["upload_complete", "parse_complete"],
    "enable_forward_docs": False,
    "enable_planning": False,
}
FULL = {
    "enable_rollback": True,
    "enable_forward_docs": True,
    "enable_planning": True,
    "enable_ai_planning": True,
    "validate_plan": True,
}
DOCUMENTATION_ONLY = {
    "enable_rollback": False,
    "enable_forward_docs": True,
    "enable_planning": True,
    "enable_ai_planning": False,
}


def _run(home: Path, work: Callable[[AsyncMilepost], Coroutine[Any, Any, Any]], **more: Any) -> Any:
    async def run() -> Any:
        async with AsyncMilepost(home, embedder=FakeEmbedder(16), user=WHO, **more) as mp:
            mp.services.pool = InProcess()  # type: ignore[assignment]  # has the two methods that are used
            return await work(mp)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("policy", "checkpoints", "documents"),
    [
        (None, [], {}),
        (NO_CAPABILITIES, [], {}),
        (ROLLBACK_ONLY, ["before_upload", "upload_complete", "parse_complete"], {"rollback_checkpoint": 3}),
        (FULL, list(MILESTONES), {"rollback_checkpoint": 5, "execution_plan": 1, "forward_documentation": 4}),
        (DOCUMENTATION_ONLY, [], {"execution_plan": 1, "forward_documentation": 4}),
    ],
)
def test_a_policy_gives_what_it_switches_on(
    tmp_path: Path, policy: Any, checkpoints: list[str], documents: dict[str, int]
) -> None:
    """The file is searchable under each of the proposal's policies; checkpoints and documents are the policy's."""

    async def work(mp: AsyncMilepost) -> None:
        result = await mp.orchestrate_data_ingest_with_capabilities(DATA, "contract.txt", "txt", WHO, policy)
        assert set(result) >= {"success", "file_id", "journey_id", "plan_id", "checkpoints", "errors"}
        assert (result["success"], result["errors"]) == (True, [])
        assert result["file_id"] == hashlib.sha256(DATA).hexdigest()
        assert [checkpoint["milestone_id"] for checkpoint in result["checkpoints"]] == checkpoints
        found = [document["type"] for document in await mp.documents()]
        assert {type_: found.count(type_) for type_ in found} == documents
        [hit, *_] = await mp.search("contract", kb="default")
        assert hit.source == "contract.txt"
        journey = await mp.status(result["journey_id"])
        assert (journey.user, journey.tenant, journey.plan_id) == ("ana", "acme", result["plan_id"])

    _run(tmp_path / "home", work)


def test_its_checkpoint_takes_it_back(tmp_path: Path) -> None:
    """The returned checkpoint, given to the rollback capability, takes the file out of search, and its upload away."""

    async def work(mp: AsyncMilepost) -> None:
        result = await mp.orchestrate_data_ingest_with_capabilities(DATA, "contract.txt", "txt", WHO, ROLLBACK_ONLY)
        first = result["checkpoints"][0]
        assert first["rollback_handler"] == "delete_uploaded_file"
        blob = mp.services.home.blobs.path(result["file_id"])
        assert blob.exists()
        done = await mp.rollback_capability.rollback_to_checkpoint(first["checkpoint_id"], WHO)
        assert done["success"] and done["checkpoint_id"] == first["checkpoint_id"]
        assert await mp.search("contract", kb="default") == [] and not blob.exists()
        again = await mp.rollback_capability.rollback_to_checkpoint(first["checkpoint_id"], WHO)
        assert again["success"] and again["already_there"]

    _run(tmp_path / "home", work)


def test_user_and_kb_are_the_contexts(tmp_path: Path) -> None:
    """The kb is the user context's, and a tenant's work is nobody else's to see."""

    async def work(mp: AsyncMilepost) -> None:
        call = mp.orchestrate_data_ingest_with_capabilities
        assert (await call(DATA, "a.txt", "txt", {**WHO, "kb": "legal"}, ROLLBACK_ONLY))["success"]
        other = {"user": "eve", "tenant": "other", "kb": "legal"}
        assert (await call(DATA, "b.txt", "txt", other, ROLLBACK_ONLY))["success"]
        assert [kb.name for kb in await mp.kb_list()] == ["legal"]
        assert {hit.source for hit in await mp.search("contract", kb="legal")} == {"a.txt"}
        eve = mp.acting_as(mp.user.model_copy(update={"user": "eve", "tenant": "other"}))
        assert {hit.source for hit in await eve.search("contract", kb="legal")} == {"b.txt"}

    _run(tmp_path / "home", work)


@pytest.mark.parametrize("data", [b"", b"%PDF-1.7\nnot really"])
def test_a_bad_file_is_told_and_not_raised(tmp_path: Path, data: bytes) -> None:
    """`success` is false, the reason is among the errors, and nothing is searchable."""

    async def work(mp: AsyncMilepost) -> None:
        result = await mp.orchestrate_data_ingest_with_capabilities(data, "bad.pdf", "pdf", WHO, ROLLBACK_ONLY)
        assert result["success"] is False
        assert len(result["errors"]) == 1 and "bad.pdf" in result["errors"][0]
        assert (await mp.status(result["journey_id"])).revision_after == 0

    _run(tmp_path / "home", work)


def test_where_a_person_must_approve_it_waits(tmp_path: Path) -> None:
    """The plan is there and not applied; approved, it is."""

    async def work(mp: AsyncMilepost) -> None:
        policy = {**FULL, "approval": "always"}
        result = await mp.orchestrate_data_ingest_with_capabilities(DATA, "contract.txt", "txt", WHO, policy)
        assert result["success"] is False and result["plan_id"] and "approval" in result["errors"][0]
        assert await mp.kb_list() == []
        [question] = await mp.approvals()
        await mp.approve(question)
        journey = await mp.resume((await mp.journeys())[0])
        assert journey.status == JourneyStatus.COMPLETED and journey.plan_id == result["plan_id"]

    _run(tmp_path / "home", work)


def test_the_sync_one_works_inside_a_running_loop(tmp_path: Path) -> None:
    """As in a notebook, where a loop runs already."""

    async def notebook() -> dict[str, Any]:
        with opened(tmp_path / "home") as mp:
            found: dict[str, Any] = mp.orchestrate_data_ingest_with_capabilities(DATA, "contract.txt", "txt")
            return found

    assert asyncio.run(notebook())["success"]


def test_the_capabilities_return_the_proposals_keys(tmp_path: Path) -> None:
    """Plans, forward documents, checkpoints and judgements have the fields that the proposal's have."""

    async def work(mp: AsyncMilepost) -> None:
        wanted = {"file_name": "contract.txt", "file_type": "txt"}
        plan_keys = {"plan_id", "journey_type", "steps", "estimated_time", "resources", "generated_at"}
        written = await mp.forward_docs_capability.generate_execution_plan("data_ingest", wanted, WHO)
        assert set(written) >= plan_keys
        assert (await mp.librarian.retrieve_document(written["plan_id"], tenant="acme"))["plan_id"] == written[
            "plan_id"
        ]
        planned = await mp.planning_capability.generate_ai_plan("data_ingest", wanted, WHO)
        assert set(planned) >= plan_keys
        judged = await mp.planning_capability.validate_plan(planned, WHO)
        assert set(judged) >= {"valid", "warnings", "errors"} and judged["valid"] is True
        said = await mp.forward_docs_capability.document_forward(
            plan_id=planned["plan_id"], step="upload", action="upload_file", context={"file_name": "contract.txt"}
        )
        assert set(said) >= {"doc_id", "plan_id", "step", "action", "context", "documented_at"}
        assert await mp.librarian.retrieve_document(said["doc_id"], tenant="acme") == said
        made = await mp.rollback_capability.checkpoint_milestone(
            milestone_id="before_upload", state={"file_name": "contract.txt"}, rollback_handler="delete_uploaded_file"
        )
        assert set(made) >= {"checkpoint_id", "milestone_id", "state", "rollback_handler", "timestamp"}
        assert made["checkpoint_id"].startswith("checkpoint_before_upload_")

    _run(tmp_path / "home", work, policy="documentation")


class Failing(FakeEmbedder):
    """An embedder that fails until it is mended."""

    broken = True

    def embed(self, texts: list[str]) -> Any:
        if self.broken:
            raise EmbeddingFailed("the embedder is away")
        return super().embed(texts)


@pytest.mark.parametrize(
    ("orchestration", "status"), [("flow", "failed"), ("structured", "failed"), ("saga", "compensated")]
)
def test_a_step_that_cannot_be_done_publishes_nothing(tmp_path: Path, orchestration: str, status: str) -> None:
    """A failed step ends the journey with its reason; a saga takes back what was done; the others can be resumed."""
    embedder = Failing(16)
    policy = {"enable_rollback": True, "orchestration": orchestration}

    async def work() -> None:
        async with AsyncMilepost(tmp_path / "home", embedder=embedder, user="ana", policy=policy) as mp:
            mp.services.pool = InProcess()  # type: ignore[assignment]  # as above
            journey = await mp.ingest([("contract.txt", DATA)], kb="hr")
            assert journey.status == status and "the embedder is away" in (journey.detail or "")
            assert {step.id: step.status for step in journey.steps}["embed"] == "failed"
            assert (await mp.kb_list())[0].revision == 0
            uploads = list((mp.home / "blobs").glob("??/*"))
            assert len(uploads) == (0 if orchestration == "saga" else 1)
            embedder.broken = False
            done = await mp.resume(journey)
            assert done.status == JourneyStatus.COMPLETED, done.detail
            assert {hit.source for hit in await mp.search("contract", kb="hr")} == {"contract.txt"}
            assert (await mp.undo(done)).success

    asyncio.run(work())


@pytest.mark.parametrize(
    ("policy", "status", "shown"),
    [
        ({}, "partial", {"good.txt"}),
        ({"on_file_error": "stop"}, "failed", set()),
        ({"orchestration": "structured"}, "failed", set()),
        ({"orchestration": "saga", "on_file_error": "stop"}, "compensated", set()),
    ],
)
def test_one_bad_file_of_two(tmp_path: Path, policy: dict[str, Any], status: str, shown: set[str]) -> None:
    """By default the good one is taken and the bad one listed; where the policy stops at one, nothing is published."""
    home = tmp_path / "home"
    with opened(home, policy={"enable_rollback": True, **policy}) as mp:
        journey = mp.ingest([("good.txt", DATA), ("bad.pdf", b"%PDF-1.7\nnot really")], kb="hr")
        assert journey.status == status
        assert {f.source: f.outcome for f in journey.files}["bad.pdf"] == "rejected"
        assert {row[2] for row in view(home)} == shown
