"""Every error Milepost raises.

MilepostError
├── NotFound                 a path, kb, plan, journey, checkpoint or preset that does not exist (for you)
│   └── CheckpointNotFound
├── UsageError               what was asked cannot be meant: the caller corrects the call
├── PolicyError              policy forbids it, or the policy contradicts itself
├── PlanRejected             the plan does not validate, or has open questions
├── ApprovalRequired         a person has to say yes first
├── GateFailed               an evaluation does not show that nothing got worse than its gate allows
├── StalePlan                the world moved since the plan was made
├── JourneyFailed            a step could not be done
│   └── EmbeddingFailed
├── Stopped                  a person asked for it: what was begun can be resumed
├── NeedsAttention           process after process died at the same place of a journey
├── CheckpointCollected      its undo had ended, and `gc` gave up what it needed
├── RollbackConflict         something stands in the way of an undo
├── StoreBusy                another process publishes to this home
├── StoreDamaged             the record or a view needs repair
├── StoreUnwritable          the system does not let this process write to the home
├── NoSpace                  the disk is full, or a quota is used up
├── DiskFailed               the disk did not take what was written
└── StoreTooNew              a newer Milepost wrote this home
"""

from __future__ import annotations

from typing import Any

from .secrets import without_secrets


class MilepostError(Exception):
    """Say what was asked, what was found, and the next move.

    `code` names the kind for programs, `exit_code` is the command line's. `cause`, `state` (what was and was not
    changed) and `next` (one command to copy; words in capitals are blanks) are empty where there is nothing to say.
    Facts are in `facts`; with `add` (words) or `instead` (asked, meant) a command line offers what was typed,
    completed or corrected.
    """

    code = "failed"
    exit_code = 1
    why = ""
    """The cause of every error of this kind that tells none of its own."""

    def __init__(self, message: str, *, cause: str = "", state: str = "", next: str = "", **facts: Any) -> None:
        self.message = without_secrets(message)
        self.cause = without_secrets(cause or self.why)
        super().__init__(self.message)
        self.state = state
        self.next = next
        self.facts = facts

    def __reduce__(self) -> tuple[Any, ...]:
        return (_revive, (type(self), self.message, self.cause, self.state, self.next, self.facts))


def _revive(
    kind: type[MilepostError], message: str, cause: str, state: str, next: str, facts: dict[str, Any]
) -> MilepostError:
    return kind(message, cause=cause, state=state, next=next, **facts)


class NotFound(MilepostError):
    code = "not_found"
    exit_code = 2
    why = "this home has none of that name, or none that is yours"


class CheckpointNotFound(NotFound):
    code = "checkpoint_not_found"


class UsageError(MilepostError):
    code = "usage"
    exit_code = 2
    why = "what was asked cannot be done as it is written"


class PolicyError(MilepostError):
    code = "policy"
    exit_code = 3


class PlanRejected(MilepostError):
    code = "plan_rejected"
    exit_code = 3


class ApprovalRequired(MilepostError):
    code = "approval_required"
    exit_code = 3


class GateFailed(MilepostError):
    code = "gate_failed"
    exit_code = 3


class StalePlan(MilepostError):
    """`facts["moved"]` lists what moved, one sentence each."""

    code = "stale_plan"
    exit_code = 4


class JourneyFailed(MilepostError):
    code = "journey_failed"


class EmbeddingFailed(JourneyFailed):
    code = "embedding_failed"


class Stopped(MilepostError):
    """A person asked a running journey to stop; it ends after its current batch and can be resumed."""

    code = "interrupted"
    exit_code = 130


class NeedsAttention(MilepostError):
    """`facts["journey_id"]` is the journey that is not tried again by itself."""

    code = "needs_attention"
    exit_code = 7


class CheckpointCollected(MilepostError):
    """`facts["older"]` and `facts["newer"]` are the nearest checkpoints of the kb that are left, or None."""

    code = "checkpoint_collected"
    exit_code = 6


class RollbackConflict(MilepostError):
    """`facts["conflicts"]` is a list of `{source, changed_by}`."""

    code = "rollback_conflict"
    exit_code = 6


class StoreBusy(MilepostError):
    """`facts["holder"]` is `{pid, journey_id, stopped}`."""

    code = "store_busy"
    exit_code = 7


class StoreDamaged(MilepostError):
    code = "store_damaged"
    exit_code = 7


class StoreUnwritable(MilepostError):
    code = "store_unwritable"


class NoSpace(MilepostError):
    code = "no_space"


class DiskFailed(MilepostError):
    """Nothing more is written by this process: what the disk has of it, only a new one can tell."""

    code = "disk_failed"
    exit_code = 7


class StoreTooNew(MilepostError):
    code = "store_too_new"
    exit_code = 7
