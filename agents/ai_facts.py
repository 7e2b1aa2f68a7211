"""What a model may know: typed facts under opaque handles. Never a document's text, never a parser's words.

A name is written by whoever made the file: it is cleaned, shortened, and told as a JSON value, so that it answers
"the 2024 reports" and cannot speak.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..store.policy import Policy
from ..store.records import Checkpoint
from .ai_files import KnownFile, shortened
from .ai_groups import ALL, Groups, file_handle, with_rules
from .ai_schema import MAX_ITEMS
from .kb_state import KbState

_CHECKPOINTS = 50


@dataclass(frozen=True)
class Handles:
    """What the handles that a model was given stand for: names of files and sources, ids of checkpoints."""

    files: dict[str, str] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    checkpoints: dict[str, str] = field(default_factory=dict)
    groups: Groups | None = None
    """Where the model is told of files in groups, whose handles it was given in place of theirs."""

    def group(self, name: str) -> dict[str, str]:
        """The handles of a group of facts ("files", "sources", "checkpoints")."""
        return {"files": self.files, "sources": self.sources, "checkpoints": self.checkpoints}.get(name, {})

    def offered(self) -> dict[str, list[str]]:
        """The handles that a draft may use, by what they stand for."""
        files = self.files if self.groups is None else self.groups.groups
        return {"files": [*files], "sources": [*self.sources], "checkpoints": [*self.checkpoints]}

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


@dataclass(frozen=True)
class KnownKb:
    """A kb's state, the languages of its sources by name, and where it can go back to, newest first."""

    state: KbState = field(default_factory=KbState)
    languages: Mapping[str, str | None] = field(default_factory=dict)
    checkpoints: Sequence[Checkpoint] = ()


def facts_for(
    *,
    request: str | None,
    kb: str | None,
    kbs: Sequence[str],
    today: str,
    files: Sequence[KnownFile],
    known: KnownKb,
    policy: Policy,
    registry: Mapping[str, Any],
    past: Mapping[str, Any] | None = None,
    given: Mapping[str, Any] | None = None,
) -> Facts:
    """The facts of one request. Equal requests, names, types, sizes, dates, languages and states give equal facts.

    More than `MAX_ITEMS` files are told in groups, and `upload` takes rules. What is the same for every request comes
    first, so that a server that keeps prompts reads that part once.
    """
    groups = Groups.of(files) if len(files) > MAX_ITEMS else None
    handles = Handles(
        {file_handle(place): file.name for place, file in enumerate(files)},
        {f"s{number}": name for number, name in enumerate(listed_sources(known.state), 1)},
        {f"c{number}": one.checkpoint_id for number, one in enumerate(known.checkpoints[:_CHECKPOINTS], 1)},
        groups,
    )
    told: dict[str, Any] = {
        "actions": _actions(registry if groups is None else with_rules(registry)),
        "policy": _policy(policy),
        "today": today,
        "kbs": [shortened(name) for name in kbs[:MAX_ITEMS]],
        "kb": kb,
        "kb_state": _state(known, handles),
        "checkpoints": [_checkpoint(*one) for one in zip(handles.checkpoints, known.checkpoints, strict=False)],
        **_files(files, groups),
        **({"past": dict(past)} if past else {}),
        **({"given": dict(given)} if given else {}),
        "request": request,
    }
    return Facts(told, handles)


def listed_sources(state: KbState) -> list[str]:
    """The sources of a kb that are told one by one."""
    return sorted(state.sources)[:MAX_ITEMS]


def _files(files: Sequence[KnownFile], groups: Groups | None) -> dict[str, Any]:
    if groups is None:
        return {"files": [file.told(file_handle(place)) for place, file in enumerate(files)]}
    return {"files_in_all": len(files), "groups": groups.told()}


def _policy(policy: Policy) -> dict[str, Any]:
    return {
        "rollback": policy.restorable, "on_existing": policy.on_existing, "on_file_error": policy.on_file_error,
        "chunk_size": policy.chunk.size, "chunk_overlap": policy.chunk.overlap,
    }  # fmt: skip


def _state(known: KnownKb, handles: Handles) -> dict[str, Any]:
    state, languages = known.state, known.languages
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
