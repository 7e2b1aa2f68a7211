"""The policy: every capability is built in, and this object switches each."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self, cast

from pydantic import (
    AfterValidator,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from .errors import PolicyError
from .plan import canonical_json
from .policy_chunk import ChunkPolicy as ChunkPolicy
from .policy_chunk import Section
from .policy_rules import contradiction, grouped, implied

MILESTONES = ("before_upload", "upload_complete", "parse_complete", "embed_complete", "expose_complete")

_OWN_MILESTONE = re.compile(r"before_\w{1,64}|\w{1,64}_complete")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The ending of a message for a misspelt word; empty where nothing known is near."""
    near = difflib.get_close_matches(word[:80], list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _known_milestone(name: str) -> str:
    if name not in MILESTONES and not _OWN_MILESTONE.fullmatch(name):
        raise ValueError(f"unknown milestone {name[:80]!r}{did_you_mean(name, MILESTONES)}")
    return name


def _once(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


Milestone = Annotated[str, AfterValidator(_known_milestone)]


class LimitPolicy(Section):
    file_bytes: int = Field(default=200_000_000, ge=1)
    """Bytes of one file, at most."""
    parse_seconds: float = Field(default=60.0, gt=0)
    """Seconds of parsing one file, at most; a small file gets a tenth of it in processor time, a larger one more."""
    parse_memory_mb: int = Field(default=512, ge=64)
    """Resident megabytes of the parser's process, at most."""
    pages: int = Field(default=5_000, ge=1)
    """Pages of one file, at most."""
    rows: int = Field(default=1_000_000, ge=1)
    """Rows of one table, at most."""
    step_seconds: float | None = Field(default=None, gt=0)
    """Seconds of one step of a user's own, at most; None without limit."""
    undo_seconds: float = Field(default=60.0, gt=0)
    """Seconds of one undo of such a step, or of one look at what it changed, at most."""
    undo_tries: int = Field(default=3, ge=1)
    """Times that a saga tries an undo that fails."""
    archive_members: int = Field(default=10_000, ge=1)
    """Files in one archive, those of archives inside it included, at most."""
    archive_bytes: int = Field(default=2_000_000_000, ge=1)
    """Bytes that one archive, or one document that is a zip, may unpack to."""
    archive_ratio: int = Field(default=1_000, ge=1)
    """How many times its size an archive, or a part of such a document, may unpack to, beyond 50 MB."""
    archive_depth: int = Field(default=3, ge=1)
    """Archives inside archives, at most; 1 opens none that is inside another."""


class BudgetPolicy(Section):
    plan_seconds: float = Field(default=600.0, ge=0)
    """Seconds that planning may parse; what is left after that is estimated and marked."""
    max_files: int | None = Field(default=None, ge=0)
    """Files of one plan, at most."""
    max_bytes: int | None = Field(default=None, ge=0)
    """Bytes of one plan's files, at most."""
    max_chunks: int | None = Field(default=None, ge=0)
    """Chunks of one plan, at most."""
    price_embedding: float | None = Field(default=None, ge=0)
    """What a million tokens of embedded text cost, in any currency; unset, embedding is free."""
    max_cost: float | None = Field(default=None, ge=0)
    """What the embeddings of one plan may cost, at most, in that currency. A request may lower it."""
    max_model_calls: int | None = Field(default=20, ge=0)
    """Calls of a model for one plan, failed ones included, at most."""
    max_model_tokens: int | None = Field(default=200_000, ge=0)
    """Tokens of a model for one plan, of prompts and answers, at most."""


class RetentionPolicy(Section):
    days: int | None = Field(default=30, ge=0)
    """Days that replaced content stays restorable; None for ever."""
    bytes: int | None = Field(default=None, ge=0)
    """Bytes of replaced content kept, at most; None without limit."""


class AiPolicy(Section):
    deadline_seconds: float = Field(default=60.0, gt=0)
    """Seconds for all of a plan's model calls, retries included."""
    max_repairs: int = Field(default=2, ge=0)
    """Times that a model may mend a plan which does not validate."""
    max_answer_tokens: int = Field(default=6_000, ge=100)
    """Tokens of one answer, at most: thirty steps, one of which names three hundred files, take 6,000."""
    max_retries: int = Field(default=4, ge=0)
    """Times that a call is made again after a time-out, a lost connection, 429 or 5xx."""
    method: Literal["json_schema", "function_calling"] = "json_schema"
    """How an answer of the right form is asked for; the other way is tried where this one gives none."""
    price_input: float | None = Field(default=None, ge=0)
    """What a million tokens of prompts cost, in any currency; unset, a plan says no cost."""
    price_output: float | None = Field(default=None, ge=0)
    """What a million tokens of answers cost, in the same currency."""


class Policy(Section):
    """One frozen model; presets by name, the proposal's dicts and this are accepted everywhere.

    `PolicyError` where the values contradict one another, or are none; a whole dump is always taken back.
    """

    enable_rollback: bool = False
    """Take checkpoints and keep what is replaced, so that a journey can be undone."""
    rollback_checkpoints: Annotated[tuple[Milestone, ...], AfterValidator(_once)] = ()
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
    approve_by: Literal["anyone", "another"] = "anyone"
    """Who may approve a plan: anyone in the tenant, or only another person than the one who made it."""
    approval_hours: float | None = Field(default=24.0, gt=0)
    """Hours that an approval is good for, to start a journey or to go on with it; None for ever."""
    approval_said: bool = Field(default=False, json_schema_extra={"own": False})
    """Whether `approval` was said in so many words, by a source or a preset; kept, not set."""
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
    undo_running: Literal["cancel", "refuse"] = "cancel"
    """What an undo of a journey that is running does: stop it at its next batch and take it back, or refuse."""
    archives: bool = False
    """Open zip archives: each member is a source, called `archive.zip/its/path`."""
    prove: Literal["sample", "all"] = "sample"
    """How many new chunks are searched for by their own vector after a publish."""
    chunk: ChunkPolicy = ChunkPolicy()
    limits: LimitPolicy = LimitPolicy()
    budget: BudgetPolicy = BudgetPolicy()
    retention: RetentionPolicy = RetentionPolicy()
    ai: AiPolicy = AiPolicy()

    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(value, Mapping):
            said = grouped(dict(cast("Mapping[str, Any]", value)))
            if not said.keys() >= cls.model_fields.keys():
                refuse_contradiction(said)
            said.setdefault("approval_said", "approval" in said)
            value = said | dict.fromkeys(implied(said), True)
        try:
            return handler(value)
        except ValidationError as error:
            raise _plainly(error) from None

    @property
    def validates(self) -> bool:
        """`validate_plan`, with its default resolved."""
        return self.enable_planning if self.validate_plan is None else self.validate_plan

    @property
    def asks_nobody(self) -> bool:
        """Whether somebody said `approval = "never"`: then not even what cannot be undone waits for a person."""
        return self.approval == "never" and self.approval_said

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
        return _preset("none", overrides)

    @classmethod
    def rollback(cls, **overrides: Any) -> Policy:
        """Checkpoints and exact undo."""
        return _preset("rollback", overrides)

    @classmethod
    def full(cls, **overrides: Any) -> Policy:
        """Every capability on; a person approves every plan."""
        return _preset("full", overrides)

    @classmethod
    def documentation(cls, **overrides: Any) -> Policy:
        """Plans and forward documentation, no undo."""
        return _preset("documentation", overrides)


PRESETS: dict[str, dict[str, Any]] = {
    "none": {
        "enable_rollback": False,
        "enable_forward_docs": False,
        "enable_planning": False,
        "learn_from_results": False,
    },
    "rollback": {"enable_rollback": True, "enable_forward_docs": False, "enable_planning": False},
    "full": {
        "enable_rollback": True,
        "enable_forward_docs": True,
        "enable_planning": True,
        "enable_ai_planning": True,
        "validate_plan": True,
        "approval": "always",
    },
    "documentation": {
        "enable_rollback": False,
        "enable_forward_docs": True,
        "enable_planning": True,
        "enable_ai_planning": False,
    },
}
"""The proposal's four, with its explicit falses: a preset that a stronger source names switches those off."""


def _preset(name: str, overrides: Mapping[str, Any]) -> Policy:
    from .policy_sources import resolve_policy  # it knows this module

    return resolve_policy((f"preset {name}", name), ("overrides", overrides)).policy


def refuse_contradiction(explicit: Mapping[str, Any], source: str = "the policy") -> None:
    """Raise `PolicyError` where one source asks for something and forbids what it needs, naming both keys."""
    rule = contradiction(explicit)
    if rule is not None:
        raise PolicyError(
            f"{source} contradicts itself: {rule.key} = {explicit[rule.key]!r} needs {rule.needs}, "
            f"which is set to false",
            cause=f"remove one of the two, or set {rule.needs} = true",
            next="milepost policy show",
            keys=[rule.key, rule.needs],
        )


def _plainly(error: ValidationError) -> PolicyError:
    from .policy_keys import bad_value, leaves, unknown_key  # it knows this module

    first = error.errors(include_url=False, include_context=False)[0]
    key = ".".join(part for part in first["loc"] if isinstance(part, str))
    if first["type"] == "extra_forbidden":
        return unknown_key(key)
    said = first["msg"].removeprefix("Value error, ")
    return bad_value(key, first["input"], said) if key in leaves() else PolicyError(said, keys=[key])
