"""The workspace: everything that one person can do with one home. `Milepost` is the same, without `await`."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from ..store.errors import MilepostError, NotFound
from ..store.plan import Plan
from ..store.policy_sources import PolicyValue
from ..store.records import Checkpoint, Journey, UserContext
from .chatting import Chatting
from .documenter import ForwardDocumentationCapability
from .expanding import expand
from .health import checks, unopened
from .keeping import Keeping
from .opening import CONFIG, user_of
from .planner import PlanningIntegrationCapability
from .policies import Policies
from .reporting import Reporting

INITIAL_CONFIG = """\
# Milepost's configuration of this home. `milepost policy show` says where each value comes from.
policy = "rollback"        # checkpoints, and exact undo of every journey
"""


class AsyncMilepost(Reporting, Keeping, Chatting, Policies):
    """A home of knowledge bases, seen by one user under one policy. Making one is cheap and makes no folder.

    `policy` is a preset's name, a dict with the proposal's keys, the path of a TOML file, or a `Policy`; it is
    stronger than the home's `milepost.toml`. `embedder` is an object with `name`, `dimensions` and `embed`.
    """

    async def init(self) -> dict[str, Any]:
        """Make the home and its `milepost.toml`; what is there already stays."""
        made = []
        config = self.home / CONFIG
        if not self.there:
            made.append(str(self.home))
        _ = self.engine
        if not config.exists():
            config.write_text(INITIAL_CONFIG, encoding="utf-8")
            made.append(str(config))
        return {"home": str(self.home.absolute()), "config": str(config.absolute()), "made": made}

    async def show(self, id: str) -> Plan | Journey | Checkpoint:
        """A plan, a journey or a checkpoint, by its id."""
        if id.startswith("plan_"):
            return await self._plan(id)
        if id.startswith("checkpoint_"):
            return await self._checkpoint(id)
        return await self.status(id)

    async def expand(self, prefix: str) -> str:
        """The whole id that an unambiguous beginning stands for; for people at a command line only."""
        return await self.read(lambda s: expand(s, prefix), NotFound(f"there is nothing with the id {prefix!r}"))

    async def doctor(self) -> list[dict[str, Any]]:
        """What is configured, what is healthy, and what to do about the rest: `{name, ok, detail, next}`."""
        if not self.there:
            return checks(None, None)
        try:
            return await self.engine.run(lambda: checks(self.services, self.policy))
        except MilepostError as trouble:  # the home does not open: that is the finding
            return [unopened(self.home, trouble)]

    async def orchestrate_data_ingest_with_capabilities(
        self,
        file_data: bytes,
        file_name: str,
        file_type: str,
        user_context: Mapping[str, Any] | UserContext | None = None,
        policy: PolicyValue = None,
    ) -> dict[str, Any]:
        """Ingest one file under a policy, as the proposal has it; the kb is `user_context["kb"]`, else "default".

        `file_type` is a hint: the type is found by content. Returns `success`, `file_id`, `journey_id`, `plan_id`,
        `checkpoints`, `errors`.
        """
        said = user_context if isinstance(user_context, Mapping) else {}
        kb = str(said.get("kb") or "default")
        name = file_name if "." in file_name or not file_type else f"{file_name}.{file_type.lstrip('.')}"
        acting = self if not user_context else self.acting_as(user_of(_person(user_context, self.user)))
        try:
            journey = await acting.ingest([(name, file_data)], kb=kb, policy=policy)
        except MilepostError as refused:
            return {"success": False, "file_id": None, "journey_id": None, "plan_id": refused.facts.get("plan_id"),
                    "checkpoints": [], "errors": [refused.message]}  # fmt: skip
        bad = [f"{f.source}: {f.detail or f.reason}" for f in journey.files if f.outcome in ("rejected", "failed")]
        plan = await acting._plan(journey.plan_id)
        return {
            "success": not bad and str(journey.status) == "completed",
            "file_id": plan.files[0].sha256 if plan.files else None,
            "journey_id": journey.journey_id,
            "plan_id": journey.plan_id,
            "checkpoints": [c.model_dump(mode="json") for c in journey.checkpoints],
            "errors": bad or ([journey.detail] if journey.detail and str(journey.status) != "completed" else []),
        }

    def acting_as(self, user: UserContext) -> Self:
        """The same opened home on behalf of another person, whom the embedding program authenticated."""
        from copy import copy
        from dataclasses import replace

        other = copy(self)
        other.user = user
        other._engine = self.engine.acting_as(replace(self.services, user=user))
        return other

    @property
    def forward_docs_capability(self) -> ForwardDocumentationCapability:
        """The proposal's capability, over this home."""
        return ForwardDocumentationCapability(self.services, self.engine.run, self.policy)

    @property
    def planning_capability(self) -> PlanningIntegrationCapability:
        """The proposal's capability, over this home."""
        return PlanningIntegrationCapability(self.services, self.engine.run, self.policy)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _checkpoint(self, checkpoint_id: str) -> Checkpoint:
        missing = NotFound(f"there is no checkpoint {checkpoint_id!r}")
        row = await self.read(lambda s: s.home.checkpoints.row(checkpoint_id, self.user.tenant), missing)
        await self.read(lambda s: s.home.checkpoints.require(row))
        found = [c for c in await self.checkpoints(row["journey_id"]) if c.checkpoint_id == checkpoint_id]
        document = await self.librarian.retrieve_document(checkpoint_id, tenant=self.user.tenant)
        return found[0].model_copy(update={"state": (document or {}).get("state", {})})


def _person(said: Mapping[str, Any] | UserContext, otherwise: UserContext) -> Mapping[str, Any] | UserContext:
    if isinstance(said, Mapping) and not (said.get("user") or said.get("user_id")):
        return {"user": otherwise.user, "tenant": said.get("tenant") or said.get("tenant_id") or otherwise.tenant}
    return said
