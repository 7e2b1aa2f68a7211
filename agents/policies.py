"""The policy in force, in words and numbers: what `milepost policy` shows."""

from __future__ import annotations

from typing import Any

from ..store.guarantees import guarantees
from ..store.policy import PRESETS
from ..store.policy_sources import PolicyValue, ResolvedPolicy, resolve_policy
from .opening import Opening


class Policies(Opening):
    """The part of a workspace that tells of policies; nothing is opened for it."""

    async def policy_show(self) -> dict[str, Any]:
        """`{"policy": {key: {value, source}}, "guarantees": [text], "notes": [text]}` of the policy in force."""
        return _told(self._resolved(None))

    async def policy_check(self, policy: PolicyValue = None) -> dict[str, Any]:
        """The same of any policy, or of a TOML file by its path; `PolicyError` for unknown keys and contradictions."""
        return _told(self._resolved(None) if policy is None else resolve_policy(("policy", policy)))

    async def policy_presets(self) -> dict[str, dict[str, Any]]:
        """The values of each preset: name to key to value."""
        tables = {name: resolve_policy((name, name)).table() for name in PRESETS}
        return {name: {key: one["value"] for key, one in table.items()} for name, table in tables.items()}


def _told(resolved: ResolvedPolicy) -> dict[str, Any]:
    return {
        "policy": resolved.table(),
        "guarantees": guarantees(resolved.policy),
        "notes": list(resolved.notes),
    }
