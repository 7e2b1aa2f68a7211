"""Law: the proposal's planning and documentation calls work as written there, with dicts and with models."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest
from planner_kit import World
from pydantic import BaseModel

from milepost.agents.documenter import ForwardDocumentationCapability
from milepost.agents.planner import PlanningIntegrationCapability
from milepost.store.errors import NotFound
from milepost.store.policy import Policy
from milepost.store.records import UserContext
from milepost.tools.services import Services

T = TypeVar("T")


async def here(work: Callable[[], Any]) -> Any:
    """Do the work at once, on this thread."""
    return work()


def wait(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine."""
    return asyncio.run(coroutine)


def planning(services: Services, policy: Policy | None = None) -> PlanningIntegrationCapability:
    """The capability over opened services."""
    return PlanningIntegrationCapability(services, here, policy or Policy.full())


class Wanted(BaseModel):
    """Requirements as a model."""

    file_name: str
    file_type: str
    file_data: bytes


def test_the_proposals_call_gives_a_plan_that_validates(world: World) -> None:
    """A name and a type are enough: the file is announced, the plan is kept, and it is valid."""
    with world.services() as services:
        capability = planning(services)
        user = {"user_id": "eve", "tenant_id": "acme", "kb": "ops"}
        plan = wait(
            capability.generate_ai_plan("data_ingest", {"file_name": "new.pdf", "file_type": "application/pdf"}, user)
        )
        assert {"plan_id", "journey_type", "steps", "estimated_time", "resources", "generated_at"} <= plan.keys()
        assert (plan["kb"], plan["tenant"], plan["owner"]) == ("ops", "acme", "eve")
        assert (plan["files"][0]["action"], plan["files"][0]["estimated"]) == ("add", True)
        assert plan["origin"]["planner"] == "fallback"
        assert services.home.plans.plan(plan["plan_id"], "acme").plan_id == plan["plan_id"]
        judged = wait(capability.validate_plan(plan, user))
        assert (judged["valid"], judged["errors"]) == (True, [])
        assert [warning["code"] for warning in judged["warnings"]] == ["estimated"]


def test_content_and_paths_are_planned_exactly(world: World) -> None:
    """`file_data`, `paths` and a file that is there are read; models are as good as dicts."""
    path = world.write("a.md", "Text.")
    with world.services() as services:
        capability = planning(services, Policy.rollback())
        model = Wanted(file_name="b.md", file_type="text/markdown", file_data=b"Bytes.")
        by_bytes = wait(capability.generate_ai_plan("data_ingest", model, UserContext(user="ada")))
        by_path = wait(capability.generate_ai_plan("data_ingest", {"paths": [world.docs], "kb": "hr"}, {}))
        by_name = wait(capability.generate_ai_plan("data_ingest", {"file_name": str(path)}, None))
    assert [(f["source"], f["chunks"], f["estimated"]) for f in by_bytes["files"]] == [("b.md", 1, False)]
    assert (by_bytes["kb"], by_path["kb"]) == ("default", "hr")
    assert by_path["files"][0]["sha256"] == by_name["files"][0]["sha256"] != ""


def test_a_broken_plan_is_told_with_all_its_faults(world: World) -> None:
    """Nothing is raised for a plan that is none; errors have code, step, message and hint."""
    with world.services() as services:
        capability = planning(services)
        broken = {"steps": [{"id": "x", "action": "fly", "args": {}, "depends_on": ["y"]}]}
        judged = wait(capability.validate_plan(broken, {}))
        assert not judged["valid"]
        assert {"unknown_action", "missing_dependency"} <= {error["code"] for error in judged["errors"]}
        assert all({"code", "step", "message", "hint"} == error.keys() for error in judged["errors"])
        assert not wait(capability.validate_plan({}, {}))["valid"]


def test_an_unknown_journey_type_is_refused(world: World) -> None:
    """What no template is for cannot be planned."""
    with world.services() as services, pytest.raises(NotFound, match="geo_load"):
        wait(planning(services).generate_ai_plan("geo_load", {"file_name": "a.md"}, {}))


def test_an_execution_plan_is_stored_before_anything_runs(world: World) -> None:
    """The document in the librarian is the plan that is returned."""
    world.write("a.md", "Text.")
    with world.services() as services:
        capability = ForwardDocumentationCapability(services, here, Policy.documentation())
        plan = wait(capability.generate_execution_plan("data_ingest", {"paths": [world.docs]}, {"kb": "hr"}))
        stored = services.home.librarian.documents(tenant="default", type="execution_plan")
    assert [document["document_id"] for document in stored] == [plan["plan_id"]]
    assert stored[0]["content"]["steps"] == plan["steps"]
    assert plan["origin"]["planner"] == "template"


def test_forward_documentation_is_stored_as_the_proposal_has_it(world: World) -> None:
    """`forward_doc_{uuid}` with plan, step, action, context and time."""
    with world.services() as services:
        capability = ForwardDocumentationCapability(services, here, Policy.documentation())
        doc = wait(capability.document_forward("plan_1", "upload", "upload_file", {"file_name": "a.md"}))
        assert doc["doc_id"].startswith("forward_doc_")
        assert {
            "plan_id": "plan_1",
            "step": "upload",
            "action": "upload_file",
            "context": {"file_name": "a.md"},
        }.items() <= (doc.items())
        assert services.home.librarian.retrieve(doc["doc_id"]) == doc
        (stored,) = services.home.librarian.documents(tenant="default", type="forward_documentation")
    assert stored["document_id"] == doc["doc_id"]
