"""A step: a function with a declaration. What it really did comes back as an outcome, never as a side note."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from ..store.journey_files import FileRow
from ..store.plan import Plan, PlanStep
from ..store.policy import Policy
from ..store.records import Progress
from .services import Services

BATCH_FILES = 100
"""Files between two commits of progress: what a kill can cost at most."""


@dataclass
class StepRun:
    """What a step is given: its journey, its place in the plan, and the services."""

    services: Services
    journey_id: str
    plan: Plan
    step: PlanStep
    policy: Policy
    kb_id: int

    def tell(self, done: int, total: int, unit: str = "files") -> None:
        """Report progress to whoever watches."""
        self.services.on_progress(
            Progress(kind="progress", step=self.step.action, done=done, total=total, unit=unit)  # type: ignore[arg-type] # one of the literal units
        )

    def files(self, stage: str) -> list[FileRow]:
        """The journey's files that have come to a stage and have no outcome yet."""
        return self.services.home.ledger.files_at(self.journey_id, stage)

    def keep(self, rows: list[FileRow]) -> None:
        """Commit how far files have come."""
        self.services.home.ledger.update_files(self.journey_id, rows)


@dataclass(frozen=True)
class StepOutcome:
    """What a step did: facts for the receipt, and the units that its duration is estimated by, by media type."""

    post: dict[str, Any] = field(default_factory=dict)
    units: float = 0.0
    committed: bool = False
    """The step wrote its own receipt, in the transaction of its effect."""


@dataclass(frozen=True)
class StepDeclaration:
    """A step's action, its milestone, and how to tell what one run of it is about.

    `inside`: its effects are in the record alone, or made anew from it, so that one write to disk holds intent and
    effect. Else the intent is on disk before the effect.
    """

    action: str
    milestone: str
    run: Callable[[StepRun], StepOutcome]
    subject: Callable[[StepRun], dict[str, Any]]
    inside: bool = False


def failed(row: FileRow, reason: str, detail: str) -> FileRow:
    """A file whose own failure this is; the journey goes on without it."""
    return replace(row, outcome="failed", reason=reason, detail=detail)


def rejected(row: FileRow, reason: str, detail: str | None) -> FileRow:
    """A file that cannot be taken as it is."""
    return replace(row, outcome="rejected", reason=reason, detail=detail)
