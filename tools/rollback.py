"""The proposal's rollback capability: checkpoints of anything, and going back to one, with its return keys."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from ..store.errors import CheckpointNotFound, MilepostError
from ..store.policy import Policy
from ..store.records import Checkpoint, UserContext
from ..store.standing import ROLLBACK
from .going_back import MANUAL, Rollback
from .milestones import store
from .services import Services

__all__ = ["ROLLBACK", "LightweightRollbackCapability", "Rollback"]


class LightweightRollbackCapability:
    """The proposal's capability: checkpoints of anything, and going back to one, with its return keys."""

    def __init__(self, services: Services, policy: Policy, run: Callable[[Callable[[], Any]], Awaitable[Any]]) -> None:
        self._services = services
        self._policy = policy
        self._run = run

    async def checkpoint_milestone(
        self, milestone_id: str, state: dict[str, Any], rollback_handler: str | None = None
    ) -> dict[str, Any]:
        """Store a checkpoint of a milestone's state; returns its document with `checkpoint_id`.

        A handler that is named here runs with that state when the checkpoint is rolled back to.
        """
        home, tenant = self._services.home, self._services.user.tenant
        checkpoint = Checkpoint(
            checkpoint_id=f"checkpoint_{milestone_id}_{uuid.uuid4()}", milestone_id=milestone_id, journey_id="",
            timestamp=home.clock.now(), state=state, rollback_handler=rollback_handler,
        )  # fmt: skip
        stored: dict[str, Any] = await self._run(
            lambda: store(self._services, checkpoint, tenant=tenant, kb_id=None, receipt_seq=0)
        )
        return stored

    async def rollback_to_checkpoint(self, checkpoint_id: str, user_context: Any = None) -> dict[str, Any]:
        """Go back to a checkpoint: of a journey, with its data; of a state by hand, through its handler.

        Returns, and never raises for what a caller can meet: `success` false has `error`.
        """
        acting = _acting(self._services, user_context)
        try:
            found: dict[str, Any] = await self._run(lambda: _restore(acting, self._policy, checkpoint_id))
        except CheckpointNotFound:
            return {"success": False, "error": "Checkpoint not found"}
        except MilepostError as refused:
            conflicts = refused.facts.get("conflicts", [])
            return {"success": False, "checkpoint_id": checkpoint_id, "error": refused.message, "conflicts": conflicts}
        return found


def _acting(services: Services, user_context: Any) -> Services:
    """The same services on behalf of the person that the embedding program names."""
    if user_context is None:
        return services
    said = user_context if isinstance(user_context, dict) else user_context.model_dump()
    user = said.get("user") or said.get("user_id") or services.user.user
    tenant = said.get("tenant") or said.get("tenant_id") or services.user.tenant
    return replace(services, user=UserContext(user=str(user), tenant=str(tenant)))


def _restore(services: Services, policy: Policy, checkpoint_id: str) -> dict[str, Any]:
    result = Rollback(services, policy).to_checkpoint(checkpoint_id)
    if result.message == MANUAL:
        return {"success": True, "checkpoint_id": checkpoint_id, "state": result.state, "message": MANUAL}
    return result.model_dump(mode="json")
