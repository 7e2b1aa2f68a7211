"""What is read back from the record: journeys, checkpoints, revisions, hits, rollbacks."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from .errors import CheckpointNotFound
from .plan import Interval


class JourneyStatus(StrEnum):
    PLANNED = "planned"
    AWAITING_APPROVAL = "awaiting_approval"
    RUNNING = "running"
    COMPLETED = "completed"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    COMPENSATING = "compensating"
    COMPENSATED = "compensated"
    COMPENSATION_FAILED = "compensation_failed"
    ROLLED_BACK = "rolled_back"
    NEEDS_ATTENTION = "needs_attention"


Outcome = Literal["added", "replaced", "removed", "skipped", "rejected", "failed", "staged", "hidden"]


class Record(BaseModel):
    model_config = ConfigDict(extra="forbid")


class UserContext(BaseModel):
    """Who asks, as the embedding program authenticated them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str
    tenant: str = "default"


class FileOutcome(Record):
    path: str
    source: str
    outcome: Outcome
    reason: str | None = None
    detail: str | None = None
    warnings: list[str] = Field(default_factory=list)
    chunks: int = 0


class StepTry(Record):
    """One time that a step ran; `ended_at` is None while it runs, and of one that was cut off."""

    started_at: str
    ended_at: str | None = None
    status: Literal["running", "done", "failed", "stopped", "interrupted"]


class StepRecord(Record):
    """One step as it ran: `status` is "pending", "running", "done", "failed" or "undone"; `seconds` of wall time.

    `error` says why a failed one failed; `tries` are the times that it ran, none where there was nothing to do.
    """

    id: str
    action: str
    status: str = "pending"
    seconds: float | None = None
    estimate: Interval | None = None
    error: str | None = None
    tries: list[StepTry] = Field(default_factory=list)


class Checkpoint(Record):
    """A place to return to. `revision` is the kb's at that moment; `state_digest` covers the kb's visible chunks."""

    checkpoint_id: str
    milestone_id: str
    journey_id: str
    kb: str | None = None
    revision: int = 0
    timestamp: str = ""
    available_until: str | None = None
    state: dict[str, Any] = Field(default_factory=dict)
    rollback_handler: str | None = None
    state_digest: str = ""


class Milestone(Record):
    """How far a journey has come: `status` is "complete", "open", "failed" or "undone"."""

    milestone_id: str
    step: str
    status: Literal["complete", "open", "failed", "undone"] = "open"


class Journey(Record):
    """One run of one plan."""

    journey_id: str
    plan_id: str
    journey_type: str = "data_ingest"
    orchestration: str = "flow"
    kb: str | None = None
    tenant: str = "default"
    user: str = ""
    status: JourneyStatus
    revision_before: int = 0
    revision_after: int = 0
    started_at: str = ""
    ended_at: str | None = None
    parent: str | None = None
    detail: str | None = None
    files: list[FileOutcome] = Field(default_factory=list)
    steps: list[StepRecord] = Field(default_factory=list)
    milestones: list[Milestone] = Field(default_factory=list)
    """One for each step, in the order in which they run."""
    checkpoints: list[Checkpoint] = Field(default_factory=list)
    embeddings_computed: int = 0

    def checkpoint(self, milestone_id: str) -> str:
        """The id of this journey's newest checkpoint at a milestone; CheckpointNotFound where there is none."""
        for checkpoint in reversed(self.checkpoints):
            if checkpoint.milestone_id == milestone_id:
                return checkpoint.checkpoint_id
        cause = f"it has {', '.join(each.milestone_id for each in self.checkpoints) or 'none'}"
        raise CheckpointNotFound(f"{self.journey_id} has no checkpoint {milestone_id!r}", cause=cause)


class Location(Record):
    """Where in its source a chunk comes from; what does not apply is None. Pages and rows count from 1."""

    page: int | None = None
    heading: str | None = None
    rows: list[int] | None = None
    start: int | None = None
    end: int | None = None


class SearchHit(Record):
    """One answer; `score` is between 0 and 1, higher is better."""

    rank: int
    score: float
    source: str
    location: dict[str, Any]
    text: str
    chunk_id: str
    revision: int
    audience: str | None = None
    """Whom the source is for; None where everybody may find it."""


class KbInfo(Record):
    name: str
    revision: int
    sources: int
    chunks: int


class KbStats(KbInfo):
    collection: str | None
    chroma_path: str
    embedder: str | None
    dimensions: int | None
    index_revision: int
    audiences: dict[str, int] = Field(default_factory=dict)
    """How many sources are for one audience only, by its name."""


class RevisionInfo(Record):
    revision: int
    journey_id: str
    timestamp: str
    user: str
    added: int
    removed: int
    restorable: bool


class KbDiff(Record):
    sources_added: list[str] = Field(default_factory=list)
    sources_removed: list[str] = Field(default_factory=list)
    sources_changed: list[str] = Field(default_factory=list)
    chunks_added: int = 0
    chunks_removed: int = 0


class Conflict(Record):
    source: str
    changed_by: str


class HandlerOutcome(Record):
    name: str
    status: Literal["done", "skipped", "failed", "no_handler", "irreversible"]
    error: str | None = None
    step: str | None = None
    """The step whose effect it is, of a user's own."""


class Left(Record):
    """An effect that a rollback left where it is, and why."""

    step: str
    action: str
    why: str


class TakenBack(Record):
    """A journey that a rollback takes back, and whose it is."""

    journey_id: str
    user: str


class RollbackResult(Record):
    """What a rollback did, or (with `success` None) would do; `journeys` are those it takes back, oldest first."""

    success: bool | None
    checkpoint_id: str
    already_there: bool = False
    journeys: list[TakenBack] = Field(default_factory=list)
    chunks_removed: int = 0
    chunks_restored: int = 0
    sources_removed: list[str] = Field(default_factory=list)
    sources_restored: list[str] = Field(default_factory=list)
    conflicts: list[Conflict] = Field(default_factory=list)
    handlers: list[HandlerOutcome] = Field(default_factory=list)
    effects_undone: list[str] = Field(default_factory=list)
    """Effects of users' own steps that were undone, or would be."""
    left: list[Left] = Field(default_factory=list)
    """Effects that are still there; the same call goes on with them."""
    verified: Literal["confirmed", "drift", "unverifiable"] | None = None
    revision_before: int = 0
    revision_after: int = 0
    journey_id: str | None = None
    state: dict[str, Any] | None = None
    message: str | None = None
    error: str | None = None


class VerifyReport(Record):
    ok: bool
    chunks_expected: int
    chunks_found: int
    missing: list[str] = Field(default_factory=list)
    extra: list[str] = Field(default_factory=list)
    differing: list[str] = Field(default_factory=list)
    unsearchable: list[str] = Field(default_factory=list)
    crowded: list[str] = Field(default_factory=list)
    """In the collection as written, but hundreds of equal vectors keep Chroma's own search from it; no damage."""


class DigestReport(Record):
    kb: str
    revision: int
    chunks: int
    digest: str


class Progress(Record):
    """Something that a running journey tells: a milestone reached, work done so far, a warning, a note."""

    kind: Literal["plan", "milestone", "progress", "warning", "note"]
    step: str = ""
    done: int = 0
    total: int = 0
    unit: Literal["files", "chunks", "bytes", "trials"] = "files"
    text: str = ""


class Event(Record):
    """One line of a journey's timeline."""

    seq: int
    journey_id: str | None
    timestamp: str
    user: str
    kind: str
    detail: dict[str, Any] = Field(default_factory=dict)


class Approval(Record):
    """A question to a person: may this plan run? Bound to its digest and policy, used once.

    `not_by` may not say yes, since it is a plan of theirs and the policy wants another's; a yes is good until
    `expires_at`, for ever where that is None.
    """

    approval_id: str
    plan_id: str
    asked_by: str
    timestamp: str
    digest: str = ""
    policy_digest: str = ""
    not_by: str | None = None
    approver: str | None = None
    approved_at: str | None = None
    expires_at: str | None = None
    used_by: str | None = None
