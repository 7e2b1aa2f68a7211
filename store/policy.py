"""The policy: every capability is built in, and this object switches each."""

from __future__ import annotations

import hashlib
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .plan import canonical_json

MILESTONES = ("before_upload", "upload_complete", "parse_complete", "embed_complete", "expose_complete")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ChunkPolicy(_Section):
    size: int = Field(1000, ge=50, le=20_000)
    """Characters of text in a chunk, at most."""
    overlap: int = Field(100, ge=0)
    """Characters that a chunk repeats of the one before, where one paragraph had to be split."""


class LimitPolicy(_Section):
    file_bytes: int = Field(200_000_000, ge=1)
    """Bytes of one file, at most."""
    parse_seconds: float = Field(60.0, gt=0)
    """Seconds of parsing one file, at most."""
    parse_memory_mb: int = Field(512, ge=64)
    """Resident megabytes of the parser's process, at most."""
    pages: int = Field(5_000, ge=1)
    """Pages of one file, at most."""
    rows: int = Field(1_000_000, ge=1)
    """Rows of one table, at most."""


class BudgetPolicy(_Section):
    plan_seconds: float = Field(600.0, ge=0)
    """Seconds that planning may parse; what is left after that is estimated and marked."""
    max_files: int | None = None
    """Files of one plan, at most."""
    max_bytes: int | None = None
    """Bytes of one plan's files, at most."""
    max_chunks: int | None = None
    """Chunks of one plan, at most."""


class RetentionPolicy(_Section):
    days: int | None = Field(30, ge=0)
    """Days that replaced content stays restorable; None for ever."""
    bytes: int | None = None
    """Bytes of replaced content kept, at most; None without limit."""


class AiPolicy(_Section):
    deadline_seconds: float = Field(60.0, gt=0)
    """Seconds for all of a plan's model calls, retries included."""
    max_repairs: int = Field(2, ge=0)
    """Times that a model may mend a plan which does not validate."""


class Policy(_Section):
    """One frozen model; presets by name, the proposal's dicts and this are accepted everywhere."""

    enable_rollback: bool = False
    """Take checkpoints and keep what is replaced, so that a journey can be undone."""
    rollback_checkpoints: tuple[str, ...] = ()
    """Milestones at which a checkpoint is taken; empty means all of them."""
    auto_checkpoint: bool = True
    """Take the checkpoints without being asked."""
    enable_forward_docs: bool = False
    """Write down what will happen before it happens."""
    generate_plan: bool = True
    """Store the plan in the librarian."""
    document_steps: bool = True
    """Store one document for each step before it runs."""
    validate_plan: bool | None = None
    """Validate with a report and a repair loop; unset means the same as `enable_planning`."""
    enable_planning: bool = False
    """Show plans to people and validators before anything runs."""
    enable_ai_planning: bool = False
    """Let a model draft the plan."""
    learn_from_results: bool = False
    """Store outcomes in the librarian and plan with them."""
    orchestration: Literal["flow", "structured", "saga"] = "flow"
    """What happens on failure: flow keeps what worked, structured stops, saga compensates by itself."""
    approval: Literal["never", "destructive", "always"] = "never"
    """Which plans a person approves before they run."""
    on_conflict: Literal["refuse", "skip", "force"] = "refuse"
    """What a rollback does where a later journey changed the same source."""
    on_file_error: Literal["continue", "stop"] = "continue"
    """Whether one file's failure stops the journey."""
    on_existing: Literal["replace", "skip", "keep_both"] = "replace"
    """What to do with a changed file whose source is in the kb."""
    on_missing: Literal["keep", "remove"] = "keep"
    """What to do with a source of the folder whose file has gone."""
    undo_by: Literal["anyone", "owner"] = "anyone"
    """Who in the tenant may undo a journey."""
    prove: Literal["sample", "all"] = "sample"
    """How many new chunks are searched for by their own vector after a publish."""
    chunk: ChunkPolicy = ChunkPolicy()
    limits: LimitPolicy = LimitPolicy()
    budget: BudgetPolicy = BudgetPolicy()
    retention: RetentionPolicy = RetentionPolicy()
    ai: AiPolicy = AiPolicy()

    @property
    def validates(self) -> bool:
        """`validate_plan`, with its default resolved."""
        return self.enable_planning if self.validate_plan is None else self.validate_plan

    @property
    def restorable(self) -> bool:
        """Whether journeys can be undone (saga implies it)."""
        return self.enable_rollback or self.orchestration == "saga"

    def checkpoints_at(self, milestone: str) -> bool:
        """Whether a checkpoint is taken at a milestone; a journey's first one always is, with rollback on."""
        if not self.restorable:
            return False
        if milestone.startswith("before_"):
            return True
        listed = self.rollback_checkpoints
        return self.auto_checkpoint and (not listed or milestone in listed)

    @property
    def digest(self) -> str:
        """SHA-256 in hexadecimal of the canonical JSON."""
        return hashlib.sha256(canonical_json(self.model_dump(mode="json")).encode()).hexdigest()

    @classmethod
    def none(cls, **overrides: Any) -> Policy:
        """Every capability off."""
        return cls(**PRESETS["none"] | overrides)

    @classmethod
    def rollback(cls, **overrides: Any) -> Policy:
        """Checkpoints and exact undo."""
        return cls(**PRESETS["rollback"] | overrides)

    @classmethod
    def full(cls, **overrides: Any) -> Policy:
        """Every capability on; a person approves every plan."""
        return cls(**PRESETS["full"] | overrides)

    @classmethod
    def documentation(cls, **overrides: Any) -> Policy:
        """Plans and forward documentation, no undo."""
        return cls(**PRESETS["documentation"] | overrides)


PRESETS: dict[str, dict[str, Any]] = {
    "none": {},
    "rollback": {"enable_rollback": True},
    "full": {
        "enable_rollback": True,
        "enable_forward_docs": True,
        "enable_planning": True,
        "enable_ai_planning": True,
        "validate_plan": True,
        "approval": "always",
    },
    "documentation": {"enable_forward_docs": True, "enable_planning": True, "enable_ai_planning": False},
}
