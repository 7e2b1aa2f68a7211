"""The policy that a request leaves: it may be more careful, and choose how files are cut up; never less careful."""

from __future__ import annotations

import math
from typing import Any

from ..store.plan import Declined
from ..store.policy import ChunkPolicy, Policy
from .request import Constraints
from .treatment import by_action, chunking

NO_OCR = Declined(
    what="OCR",
    why="text recognition is not built in: pages without a text layer are rejected, each with its reason",
)


def kept_policy(said: Constraints, policy: Policy) -> tuple[Policy, tuple[Declined, ...]]:
    """The policy with what the request chose, and what of it the policy stands against."""
    refused: list[Declined] = []
    changes: dict[str, Any] = {}
    _existing(said, policy, changes, refused)
    _failures(said, policy, changes, refused)
    limit = said.options.get("budget.max_cost_usd")
    if limit is not None and limit < (policy.budget.max_cost if policy.budget.max_cost is not None else math.inf):
        changes["budget"] = policy.budget.model_copy(update={"max_cost": limit})
    chunk = _chunk(said, policy, refused)
    if chunk is not None:
        changes["chunk"] = chunk
    keys = said.options.get("embed.metadata")
    if isinstance(keys, list):
        why = f"their values are not given; say them as {keys[0]}=VALUE"
        refused.append(Declined(what=f"tags {', '.join(keys)}", why=why))
    if said.options.get("chunk_unit") == "tokens":
        refused.append(Declined(what="tokens", why="chunks are measured in characters: so many of these are taken"))
    if said.act == "rollback" and not policy.restorable:
        why = "the policy takes no checkpoints"
        refused.append(Declined(what="going back", why=why, policy_key="enable_rollback"))
    if said.options.get("parse.ocr"):
        refused.append(NO_OCR)
    return (policy.model_copy(update=changes) if changes else policy), tuple(refused)


def _existing(said: Constraints, policy: Policy, changes: dict[str, Any], refused: list[Declined]) -> None:
    if said.only_missing:
        changes["on_existing"] = "skip"
    if said.on_existing is None or said.on_existing == policy.on_existing:
        return
    if said.on_existing == "replace":
        why = f"the policy's on_existing is {policy.on_existing}"
        refused.append(Declined(what="replace what is there", why=why, policy_key="on_existing"))
        return
    changes["on_existing"] = said.on_existing


def _failures(said: Constraints, policy: Policy, changes: dict[str, Any], refused: list[Declined]) -> None:
    wanted = said.options.get("on_error")
    if wanted == "stop":
        changes["on_file_error"] = "stop"
    elif wanted == "rollback_all":
        changes |= {"on_file_error": "stop", "orchestration": "saga"}
    elif wanted == "skip" and policy.on_file_error == "stop":
        why = "the policy stops at the first file that fails"
        refused.append(Declined(what="go on after a failure", why=why, policy_key="on_file_error"))


def _chunk(said: Constraints, policy: Policy, refused: list[Declined]) -> ChunkPolicy | None:
    """How the files are read and cut up, where the request says so."""
    try:
        kept = chunking(by_action(said.options), policy.chunk)
    except ValueError as bad:
        key = str(bad).split(" ")[0] if str(bad).startswith("chunk.") else "chunk.size"
        what = {"chunk.pages": "these pages", "chunk.tags": "these tags"}.get(key, "these chunk sizes")
        refused.append(Declined(what=what, why=str(bad), policy_key=key))
        return None
    return None if kept is policy.chunk else kept
