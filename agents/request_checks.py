"""What a request wants that only the policy can give: declined, with the key."""

from __future__ import annotations

from collections.abc import Iterator

from ..store.plan import Declined
from ..store.policy import Policy
from .request_words import SKIP_CHECK


def declined(text: str, policy: Policy) -> Iterator[Declined]:
    """Each wish that the policy stands against; one that it grants anyway is no wish."""
    keys: set[str] = set()
    for match in SKIP_CHECK.finditer(text):
        key, why = _answer((match["what"] or "rollback").lower(), policy)
        if key and key not in keys:
            keys.add(key)
            yield Declined(what=" ".join(match[0].split()), why=why, policy_key=key)


def _answer(what: str, policy: Policy) -> tuple[str, str]:
    """The key that decides, and why the answer is no; no key where nothing stands against it."""
    if what.startswith("validat"):
        return "validate_plan", "a plan is always checked before it runs; a request cannot switch that off"
    if what.startswith(("approv", "confirm", "asking")):
        asks = policy.approval != "never"
        return ("approval", f"the policy's approval is {policy.approval}") if asks else ("", "")
    if what.startswith(("checkpoint", "rollback")):
        return ("enable_rollback", "the policy takes checkpoints") if policy.restorable else ("", "")
    if "document" in what or "docs" in what:
        writes = policy.enable_forward_docs
        return ("enable_forward_docs", "the policy writes forward documentation") if writes else ("", "")
    if "budget" in what:
        return "budget", "the policy's budget holds for every request"
    if "limit" in what:
        return "limits", "the policy's limits hold for every request"
    return "policy", "a request cannot change the policy; a person sets it"
