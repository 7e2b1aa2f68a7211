"""What contradicts what in a policy, and what implies what: pure rules over explicitly given values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .errors import PolicyError


class Rule(NamedTuple):
    """`key` asks for something that `needs` forbids when that is explicitly false.

    `lifts` says what happens where the asking source is the stronger one: a capability is then switched on
    with what it needs; a detail is not, and stays without effect.
    """

    key: str
    needs: str
    lifts: bool


RULES = (
    Rule("enable_ai_planning", "enable_planning", lifts=True),
    Rule("enable_ai_planning", "validate_plan", lifts=True),
    Rule("validate_plan", "enable_planning", lifts=True),
    Rule("orchestration", "enable_rollback", lifts=True),
    Rule("rollback_checkpoints", "enable_rollback", lifts=False),
    Rule("auto_checkpoint", "enable_rollback", lifts=False),
    Rule("generate_plan", "enable_forward_docs", lifts=False),
    Rule("document_steps", "enable_forward_docs", lifts=False),
)

IMPLIED = (("enable_ai_planning", "enable_planning"), ("orchestration", "enable_rollback"))


def asks(key: str, value: Any) -> bool:
    """Whether a value switches something on: true, a non-empty list, or `saga` for the orchestration."""
    return value == "saga" if key == "orchestration" else bool(value)


def contradiction(explicit: Mapping[str, Any]) -> Rule | None:
    """The first rule that one source's own values break."""
    for rule in RULES:
        if rule.key in explicit and asks(rule.key, explicit[rule.key]) and explicit.get(rule.needs) is False:
            return rule
    return None


def implied(explicit: Mapping[str, Any]) -> dict[str, str]:
    """The switches that others turn on where nobody set them, each with the key that does."""
    found: dict[str, str] = {}
    for key, needed in IMPLIED:
        if needed not in explicit and key in explicit and asks(key, explicit[key]):
            found[needed] = key
    return found


PLAIN = {"max_repairs": "ai.max_repairs"}
"""Keys that may be given without their group."""


def grouped(said: dict[str, Any]) -> dict[str, Any]:
    """The same with each key that was given without its group in it; refused where it is there twice."""
    for key in PLAIN.keys() & said.keys():
        group, _, name = PLAIN[key].partition(".")
        within = said.get(group) or {}
        within = dict(within) if isinstance(within, Mapping) else within.model_dump(exclude_unset=True)
        if name in within:
            raise PolicyError(f"{PLAIN[key]} is set twice", keys=[PLAIN[key]])
        said[group] = within | {name: said.pop(key)}
    return said
