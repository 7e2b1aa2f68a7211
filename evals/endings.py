"""How a case's world has to look in the end: which contents each knowledge base shows, whatever they are called."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..agents.kb_state import kb_state
from ..store.errors import NotFound
from .worlds import CaseWorld

Shown = Mapping[str, Mapping[str, str]]
"""By kb: the SHA-256 of what each source shows, by its name."""


@dataclass(frozen=True)
class Look:
    """The knowledge bases as they are: what they show, and the digest of what each collection really holds."""

    shown: Shown
    digests: Mapping[str, str]

    def same(self, other: Look, kbs: Iterable[str] | None = None) -> bool:
        """Whether collections hold the same, all of them or those named; one that is empty is as good as none."""
        names = {*self.digests, *other.digests} if kbs is None else set(kbs)
        return all(self.digests.get(name) == other.digests.get(name) for name in names)


def look_at(world: CaseWorld) -> Look:
    """Look at every knowledge base of a world, in the record and in Chroma."""
    milepost = world.milepost
    services = milepost.workspace.services
    shown: dict[str, dict[str, str]] = {}
    digests: dict[str, str] = {}
    for kb in services.home.knowledge.all(services.user.tenant):
        sources = kb_state(services.home.record, kb).sources
        if sources:
            shown[kb.name] = {name: source.sha256 for name, source in sources.items()}
            digests[kb.name] = _digest(world, kb.name)
    return Look(shown, digests)


def _digest(world: CaseWorld, kb: str) -> str:
    try:
        return world.milepost.kb_digest(kb).digest
    except NotFound:
        return ""


def wanted(world: CaseWorld, before: Look) -> dict[str, set[str]]:
    """By kb: the contents that have to be shown once the case's request was carried out."""
    expect: Mapping[str, Any] = world.case["expect"]
    steps, params = set(expect["steps"]), expect["params"]
    state = {kb: set(sources.values()) for kb, sources in before.shown.items()}
    for name in _listed(params.get("rollback.to")):
        _discard(state, sha256_of(world.brought[name]) if name in world.brought else None)
    kb = _near(str(params.get("kb") or world.kb or ""), state)
    here = state.setdefault(kb, set())
    names = before.shown.get(kb, {})
    gone = [name for step in ("hide", "retire") if step in steps for name in _going(step, expect)]
    here -= {names[name] for name in gone if name in names}
    if "expose" in steps and not params.get("expose.after"):
        came = [world.folder / name for name in expect["files"]] if "upload" in steps else world.held
        here |= {sha256_of(path) for path in came if path.is_file()}
    return {name: contents for name, contents in state.items() if contents}


def differences(world: CaseWorld, after: Look, want: Mapping[str, set[str]]) -> list[str]:
    """What is shown and should not be, and what should be and is not, one sentence each."""
    names = {sha256_of(path): path.name for path in world.folder.rglob("*") if path.is_file()}
    found = {kb: set(sources.values()) for kb, sources in after.shown.items()}
    said: list[str] = []
    for kb in sorted({*found, *want}):
        labels = {sha: name for name, sha in after.shown.get(kb, {}).items()} | names
        here, there = found.get(kb, set[str]()), want.get(kb, set[str]())
        said += [f"kb {kb} shows {labels.get(sha, sha[:12])} and should not" for sha in sorted(here - there)]
        said += [f"kb {kb} does not show {labels.get(sha, sha[:12])}" for sha in sorted(there - here)]
    return said


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def _going(step: str, expect: Mapping[str, Any]) -> list[str]:
    target = _listed(expect["params"].get("retire.target")) if step == "retire" else []
    return target or list(expect["files"])


def _near(kb: str, state: Mapping[str, Any]) -> str:
    """The kb of that name as it is spelt there; people are free with capitals."""
    return next((name for name in state if name.casefold() == kb.casefold()), kb)


def _discard(state: Mapping[str, set[str]], sha256: str | None) -> None:
    for contents in state.values():
        contents.discard(sha256 or "")


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(one) for one in value] if isinstance(value, list | tuple) else [str(value)]
