"""Where a policy comes from: sources from weakest to strongest, merged, with the origin of every value."""

from __future__ import annotations

import difflib
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, cast

from pydantic import BaseModel

from .errors import NotFound, PolicyError
from .guarantees import guarantees
from .policy import MILESTONES, PRESETS, Policy, did_you_mean, refuse_contradiction
from .policy_keys import coerce, flatten, leaves, nest, parse_setting
from .policy_rules import RULES, Rule, asks, implied

__all__ = [
    "PolicySource",
    "PolicyValue",
    "ResolvedPolicy",
    "Silenced",
    "guarantees",
    "parse_setting",
    "policy_from",
    "preset_of",
    "read_toml",
    "resolve_policy",
]

PolicyValue = Policy | Mapping[str, Any] | str | Path | None
"""A policy, a dict with (dotted) keys, a preset's name, or the path of a TOML file; None says nothing."""

PolicySource = tuple[str, PolicyValue]
"""A name for people ("milepost.toml", "environment", "arguments") and what that source says."""

DEFAULT = "default"


class Silenced(NamedTuple):
    """A value that has no effect, because another source says otherwise."""

    key: str
    value: Any
    source: str
    by_key: str
    by_source: str

    def __str__(self) -> str:
        return (
            f"{self.key} = {_shown(self.value)} ({self.source}) has no effect: {self.by_key} is set by {self.by_source}"
        )


@dataclass(frozen=True)
class ResolvedPolicy:
    """A policy, with the source of every leaf key, and what was said without effect."""

    policy: Policy
    origins: dict[str, str]
    silenced: tuple[Silenced, ...] = ()
    notes: tuple[str, ...] = ()

    def table(self) -> dict[str, dict[str, Any]]:
        """`{key: {"value", "source"}}`, as `policy show --json` has it."""
        values = _flat_dump(self.policy)
        return {key: {"value": values[key], "source": source} for key, source in self.origins.items()}


@dataclass(frozen=True)
class _Layer:
    source: str
    values: Mapping[str, Any]
    preset: bool = False
    quiet: bool = False
    """Its `approval` is the default of a whole policy, which nobody said."""


class _Said(NamedTuple):
    value: Any
    rank: int
    source: str


def resolve_policy(*sources: PolicySource) -> ResolvedPolicy:
    """Merge sources, weakest first; the strongest that says something about a key decides it.

    A preset lies directly under the source that names it, and the weaker sources' presets are forgotten. A
    stronger source's false silences a weaker one's true that needs it. `PolicyError` where one source
    contradicts itself.
    """
    layers = _layers(sources)
    said: dict[str, _Said] = {}
    approval_said = False
    for rank, layer in enumerate(layers):
        approval_said = not layer.quiet if "approval" in layer.values else approval_said
        said |= {key: _Said(value, rank, layer.source) for key, value in layer.values.items()}
    silenced = _settle(said)
    turned_on = implied({key: value.value for key, value in said.items()})
    values = nest({key: value.value for key, value in said.items()})
    policy = Policy.model_validate({**values, "approval_said": approval_said})
    origins = dict.fromkeys(leaves(), DEFAULT)
    origins |= {key: f"implied by {by}" for key, by in turned_on.items()}
    origins |= {key: value.source for key, value in said.items()}
    return ResolvedPolicy(policy, origins, tuple(silenced), (*map(str, silenced), *_doubts(policy)))


def policy_from(value: PolicyValue) -> Policy:
    """The policy that a preset's name, a TOML path, a dict or a `Policy` stands for, or the default."""
    return value if isinstance(value, Policy) else resolve_policy(("policy", value)).policy


def preset_of(policy: Policy) -> str | None:
    """The name of the preset that a policy equals, if it does."""
    for name in PRESETS:
        if policy_from(name).digest == policy.digest:
            return name
    return None


def _settle(said: dict[str, _Said]) -> list[Silenced]:
    """Drop from `said` what a stronger source silences; say what was dropped."""
    silenced = [_silence(said, rule) for rule in RULES if (gap := _gap(said, rule)) is not None and gap < 0]
    for rule in RULES:
        if _gap(said, rule) is not None:
            silenced.append(_lift(said, rule) if rule.lifts else _silence(said, rule))
    return silenced


def _gap(said: Mapping[str, _Said], rule: Rule) -> int | None:
    """By how much the asking source is stronger than the forbidding one; None where nothing is forbidden."""
    asking, needed = said.get(rule.key), said.get(rule.needs)
    if asking is None or needed is None or needed.value is not False or not asks(rule.key, asking.value):
        return None
    return asking.rank - needed.rank


def _silence(said: dict[str, _Said], rule: Rule) -> Silenced:
    gone = said.pop(rule.key)
    return Silenced(rule.key, gone.value, gone.source, rule.needs, said[rule.needs].source)


def _lift(said: dict[str, _Said], rule: Rule) -> Silenced:
    gone = said.pop(rule.needs)
    return Silenced(rule.needs, gone.value, gone.source, rule.key, said[rule.key].source)


def _layers(sources: Iterable[PolicySource]) -> list[_Layer]:
    layers: list[_Layer] = []
    for name, value in sources:
        found = _expand(name, value)
        if any(layer.preset for layer in found):
            layers = [layer for layer in layers if not layer.preset]
        layers += found
    return layers


def _expand(source: str, value: PolicyValue) -> list[_Layer]:
    """The one or two layers of a source: its preset, then its own keys."""
    if value is None:
        return []
    if isinstance(value, Policy):
        return [_Layer(source, _flat_dump(value), quiet=not value.approval_said)]
    if isinstance(value, Path) or (isinstance(value, str) and value not in PRESETS and _is_path(value)):
        return _expand(f"{source}, {value}", policy_part(read_toml(Path(value)), str(value)))
    if isinstance(value, str):
        return [_Layer(f"preset {value}", _preset(value, source), preset=True)]
    named = [key for key in ("preset", "policy") if value.get(key) is not None]
    layers = [layer for key in named[-1:] for layer in _expand(source, value[key])]
    own = {key: entry for key, entry in value.items() if key not in ("preset", "policy")}
    checked = {key: coerce(key, entry, source) for key, entry in flatten(own, source).items()}
    refuse_contradiction(checked, source)
    return [*layers, _Layer(source, checked)]


def _preset(name: str, source: str) -> dict[str, Any]:
    if name not in PRESETS:
        raise NotFound(
            f'there is no preset or file "{name[:80]}" ({source}){did_you_mean(name, PRESETS)}',
            cause=f"presets: {', '.join(PRESETS)}",
            next="milepost policy presets",
        )
    return PRESETS[name]


def _is_path(value: str) -> bool:
    return value.endswith(".toml") or "/" in value


SETTINGS_KEYS = frozenset({"embedder", "model", "base_url", "journey_types", "trace"})
"""Keys of milepost.toml that are no policy; a file given as a policy may have them, they are passed over."""


def policy_part(table: Mapping[str, Any], source: str) -> dict[str, Any]:
    """What a TOML file says about the policy: `policy = "PRESET"`, keys at the top, keys in table `[set]`."""
    top = {key: value for key, value in table.items() if key not in SETTINGS_KEYS and key != "set"}
    preset = {key: top.pop(key) for key in ("preset", "policy") if key in top}
    for key, value in preset.items():
        if not isinstance(value, str) or value not in PRESETS:
            raise PolicyError(
                f"{key} cannot be {value!r} ({source})", cause=f"allowed: {', '.join(PRESETS)}", keys=[key]
            )
    for name in top.keys() - leaves().keys():
        near = difflib.get_close_matches(name, SETTINGS_KEYS | {"policy", "set"}, n=1, cutoff=0.8)
        if near:
            raise PolicyError(f'there is no key "{name}" ({source}); did you mean {near[0]}?', keys=[name])
    within: Any = table.get("set", {})
    if not isinstance(within, Mapping):
        raise PolicyError(f"set is a table of policy keys ({source})", cause="write [set] on a line of its own")
    flat, under = flatten(top, source), flatten(cast("Mapping[str, Any]", within), f"{source}, [set]")
    twice = sorted(flat.keys() & under.keys())
    if twice:
        raise PolicyError(f"{twice[0]} is set twice ({source}): at the top and in [set]", keys=twice)
    return preset | flat | under


def read_toml(path: Path) -> dict[str, Any]:
    """The table in a TOML file; `NotFound` without one, `PolicyError` with the line where it is damaged."""
    text = ""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        return tomllib.loads(text)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f'there is no file "{path}"', next="milepost policy presets") from None
    except OSError as error:
        raise PolicyError(
            f"cannot read {path}: {error.strerror}",
            cause="permission to read it, or to enter its folder, is missing, or it is no file",
            next=f"ls -ld {shlex.quote(str(path.parent))} {shlex.quote(str(path))}",
            unreadable=True,
        ) from None
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path} is not UTF-8 text: byte {error.start}") from None
    except tomllib.TOMLDecodeError as error:
        where = f"at line {len(text.splitlines())}, the end"
        said = str(error).replace("at end of document", where)
        raise PolicyError(
            f"{path} is not valid TOML: {said}",
            cause="mend that line, then check the file",
            next=f"milepost policy check {shlex.quote(str(path))}",
        ) from None


def _flat_dump(policy: Policy) -> dict[str, Any]:
    return {key: _get(policy, key) for key in leaves()}


def _get(policy: BaseModel, key: str) -> Any:
    found: Any = policy
    for part in key.split("."):
        found = getattr(found, part)
    return found


def _doubts(policy: Policy) -> list[str]:
    own = [name for name in policy.rollback_checkpoints if name not in MILESTONES]
    return [
        f"rollback_checkpoints names {name}, which no built-in step reaches{hint}"
        for name in own
        if (hint := did_you_mean(name, MILESTONES))
    ]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else str(value)
