"""What a model may know: typed facts under opaque handles. Never a document's text, never a parser's words.

A name is written by whoever made the file: it is cleaned, shortened, and told as a JSON value, so that it answers
"the 2024 reports" and cannot speak.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..store.plan import PlannedFile
from ..store.policy import Policy
from ..store.records import Checkpoint
from ..store.words import clean
from .ai_schema import MAX_ITEMS
from .inputs import Input
from .kb_state import KbState
from .selection import day_of

ALL = "all"
_NAME_HEAD, _NAME_TAIL = 60, 30
_CHECKPOINTS = 50
_STATES = {"add": "new", "replace": "changed", "skip": "in the kb already", "reject": "cannot be taken"}
_KNOWN_REASONS = frozenset({"unchanged", "duplicate", "excluded"})


@dataclass(frozen=True)
class Handles:
    """What the handles that a model was given stand for: names of files and sources, ids of checkpoints."""

    files: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    checkpoints: dict[str, str] = field(default_factory=dict)

    def group(self, name: str) -> dict[str, str]:
        """The handles of a group of facts ("files", "sources", "checkpoints")."""
        return {"files": self.files, "sources": self.sources, "checkpoints": self.checkpoints}.get(name, {})

    def resolve(self, group: str, value: Any) -> Any:
        """An argument's value with its handles replaced; "all" is every handle of the group."""
        known = self.group(group)
        if isinstance(value, list):
            listed = [name for one in value for name in (known.values() if one == ALL else [known.get(one, one)])]
            return list(dict.fromkeys(listed))
        return known.get(value, value) if isinstance(value, str) else value


@dataclass(frozen=True)
class Facts:
    """Everything that a model is told, as JSON types, and what its handles stand for."""

    told: dict[str, Any]
    handles: Handles


def facts_for(
    *,
    request: str | None,
    kb: str | None,
    kbs: Sequence[str],
    today: str,
    inputs: Sequence[Input],
    files: Sequence[PlannedFile],
    state: KbState,
    checkpoints: Sequence[Checkpoint],
    policy: Policy,
    registry: Mapping[str, Any],
    past: Mapping[str, Any] | None = None,
    given: Mapping[str, Any] | None = None,
    languages: Mapping[str, str | None] | None = None,
    languages_of_sources: Mapping[str, str | None] | None = None,
) -> Facts:
    """The facts of one request. Equal requests, names, types, sizes, dates, languages and states give equal facts.

    `languages` has the codes of those of the files, by source, `languages_of_sources` of those in the kb.
    What is the same for every request comes first, so that a server that keeps prompts reads that part once.
    """
    handles = Handles(
        {f"f{number}": file.source for number, file in enumerate(files, 1)},
        {f"s{number}": name for number, name in enumerate(sorted(state.sources)[:MAX_ITEMS], 1)},
        {f"c{number}": one.checkpoint_id for number, one in enumerate(checkpoints[:_CHECKPOINTS], 1)},
    )
    dates = {one.source: day_of(one.mtime_ns) for one in inputs}
    told: dict[str, Any] = {
        "actions": _actions(registry),
        "policy": _policy(policy),
        "today": today,
        "kbs": [shortened(name) for name in kbs[:MAX_ITEMS]],
        "kb": kb,
        "kb_state": _state(state, handles, languages_of_sources or {}),
        "checkpoints": [_checkpoint(f"c{number}", one) for number, one in enumerate(checkpoints[:_CHECKPOINTS], 1)],
        "files": [
            _file(handle, file, dates.get(file.source), (languages or {}).get(file.source))
            for handle, file in zip(handles.files, files, strict=True)
        ],
    }  # fmt: skip
    if past:
        told["past"] = dict(past)
    if given:
        told["given"] = dict(given)
    told["request"] = request
    return Facts(told, handles)


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "rollback": policy.restorable, "on_existing": policy.on_existing, "on_file_error": policy.on_file_error,
        "chunk_size": policy.chunk.size, "chunk_overlap": policy.chunk.overlap,
    }  # fmt: skip


def shortened(name: str) -> str:
    """A name without control characters and at most 91 characters long; its beginning and its end stay."""
    whole = clean(name, limit=4_000)
    return whole if len(whole) <= _NAME_HEAD + _NAME_TAIL else f"{whole[:_NAME_HEAD]}…{whole[-_NAME_TAIL:]}"


def _file(handle: str, file: PlannedFile, modified: Any, language: str | None) -> dict[str, Any]:
    """One file. Why it cannot be taken is one of our codes; what a parser said of it is not told."""
    state = _STATES.get(file.action, file.action)
    if file.reason and (file.action == "reject" or file.reason in _KNOWN_REASONS):
        state = f"{state}: {file.reason}"
    return {
        "handle": handle, "name": shortened(file.source), "type": file.media_type or None, "bytes": file.bytes,
        "modified": None if modified is None else str(modified), "language": language, "state": state,
    }  # fmt: skip


def _state(state: KbState, handles: Handles, languages: Mapping[str, str | None]) -> dict[str, Any]:
    shown = [state.sources[name] for name in handles.sources.values()]
    return {
        "revision": state.revision,
        "sources": [
            {"handle": handle, "name": shortened(one.name), "type": one.media_type, "bytes": one.bytes,
             "language": languages.get(one.name), "chunks": one.chunks}
            for handle, one in zip(handles.sources, shown, strict=True)
        ],
        "sources_not_listed": len(state.sources) - len(shown),
        "chunks": sum(one.chunks for one in state.sources.values()),
    }  # fmt: skip


def _checkpoint(handle: str, one: Checkpoint) -> dict[str, Any]:
    return {"handle": handle, "milestone": one.milestone_id, "taken": one.timestamp[:16], "revision": one.revision}


def _actions(registry: Mapping[str, Any]) -> dict[str, Any]:
    """The registry as a model needs it: what each action takes, gives, and comes after."""
    return {
        action: {
            "does": spec.get("description", ""),
            "args": {name: _param(param) for name, param in (spec.get("params") or {}).items()},
            "gives": list(spec.get("returns") or ()),
            "after": list(spec.get("after") or ()),
        }
        for action, spec in sorted(registry.items())
    }


def _param(param: Mapping[str, Any]) -> str:
    """One argument in a line, as `list of file handles, needed`."""
    group = param.get("among")
    kind = f"{group} by handle" if group else str(param.get("type"))
    choices = f", one of {', '.join(map(str, param['enum']))}" if param.get("enum") else ""
    needed = ", needed" if param.get("required") else ""
    said = f": {param['description']}" if param.get("description") else ""
    return f"{kind}{choices}{needed}{said}"
