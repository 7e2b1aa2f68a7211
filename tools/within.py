"""Undoing a journey whose steps went back themselves: each of its rollbacks is undone, the newest first."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..store.home import Home
from ..store.records import RollbackResult
from .services import Services
from .targets import Target

GoBack = Callable[[str], RollbackResult]
"""Goes back to a checkpoint, or only says what that would do."""


def rollbacks_within(home: Home, target: Target) -> list[str]:
    """The checkpoints before a journey's own rollbacks, newest first; none for other journeys."""
    if target.journey_id is None or target.further:
        return []
    found = (home.checkpoints.at(one, "before_rollback") for one in reversed(home.ledger.within(target.journey_id)))
    return [str(row["checkpoint_id"]) for row in found if row is not None]


def undone_within(target: Target, checkpoints: Sequence[str], go_back: GoBack) -> RollbackResult:
    """Go back to each, until one does not succeed; the results as one, for the journey's own checkpoint."""
    results: list[RollbackResult] = []
    for checkpoint_id in checkpoints:
        results.append(go_back(checkpoint_id))
        if results[-1].success is False:
            break
    first, last = results[0], results[-1]
    return last.model_copy(
        update={
            "checkpoint_id": target.checkpoint_id,
            "chunks_removed": sum(one.chunks_removed for one in results),
            "chunks_restored": sum(one.chunks_restored for one in results),
            "sources_removed": [name for one in results for name in one.sources_removed],
            "sources_restored": [name for one in results for name in one.sources_restored],
            "revision_before": first.revision_before,
            "already_there": all(one.already_there for one in results),
        }
    )


def marked_within(services: Services, target: Target, done: RollbackResult) -> RollbackResult:
    """Say of the journey that it was taken back, as its rollbacks were."""
    if done.success and target.journey_id is not None:
        said = f"back to {target.checkpoint_id}"
        services.home.ledger.roll_back(target.journey_id, "before_rollback", detail=said, by=services.user.user)
        services.home.ledger.count_anew(target.journey_id)
    return done
