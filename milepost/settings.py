"""What is configured: the one place that reads the environment, and milepost.toml in the home.

milepost.toml may hold `policy = "PRESET"`, keys of the policy (at the top or in a table `[set]`, dotted or
nested), `embedder = "wordllama"`, `model`, `base_url`, `trace` and `journey_types = ["module:attribute"]`.
"""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from .store.errors import NotFound, PolicyError, UsageError
from .store.faults import arm, kill_at
from .store.policy_keys import leaves, parse_setting, parse_value
from .store.policy_rules import PLAIN
from .store.policy_sources import (
    PolicyValue,
    ResolvedPolicy,
    policy_part,
    read_toml,
    resolve_policy,
)
from .store.secrets import know_secret

CONFIG = "milepost.toml"
PREFIX = "MILEPOST_"
OWN = frozenset({"HOME", "EMBEDDER", "MODEL", "POLICY", "FAULT", "MCP_TOKEN", "TRACE"})
"""Variables with our prefix that are no keys of the policy."""

INITIAL_TOML = """\
# Milepost's configuration for this home. `milepost policy show` lists every key and where it comes from.
policy = "rollback"        # none, rollback, full or documentation
# embedder = "wordllama"   # or openai:MODEL

[set]                      # any key of the policy, for example
# chunk.size = 800
# retention.days = 90
"""


@dataclass(frozen=True)
class ModelSettings:
    """The chat model that drafts plans, where there is one."""

    name: str | None = None
    api_key: SecretStr | None = None
    base_url: str | None = None

    @property
    def configured(self) -> bool:
        """Whether a model can be asked: it has a name, and a key or a server of one's own."""
        return self.name is not None and (self.api_key is not None or self.base_url is not None)


@dataclass(frozen=True)
class Settings:
    """Everything that is configured, with the origin of each of the policy's values."""

    home: Path
    user: str
    tenant: str
    embedder: str
    model: ModelSettings
    resolved: ResolvedPolicy
    journey_types: tuple[str, ...] = ()
    config: Path | None = field(default=None)
    """The milepost.toml that was read, if there is one."""
    trace: str | None = None
    """Where spans go: a file, relative to the home, or an OTLP endpoint; nowhere unless it is said."""
    mcp_token: SecretStr | None = None
    """What the MCP server's clients have to show, over HTTP."""

    @classmethod
    def load(
        cls,
        home: Path | str | None = None,
        policy: PolicyValue = None,
        sets: Iterable[str] = (),
        *,
        user: str | None = None,
        tenant: str | None = None,
        embedder: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Settings:
        """Read the environment and milepost.toml; arguments are stronger than both. Makes nothing on disk.

        `sets` are texts such as `chunk.size=800`; `embedder=...` and `model=...` may be among them.
        """
        env = os.environ if env is None else env
        _arm_fault(env.get(f"{PREFIX}FAULT", ""))
        place = _home(home if home is not None else env.get(f"{PREFIX}HOME") or ".milepost")
        own, keys = _split(sets)
        with _naming(place / CONFIG):
            return cls._read(place, policy, own, keys, env, user=user, tenant=tenant, embedder=embedder)

    @classmethod
    def _read(
        cls, place: Path, policy: PolicyValue, own: Mapping[str, str], keys: Mapping[str, Any], env: Mapping[str, str],
        *, user: str | None, tenant: str | None, embedder: str | None,
    ) -> Settings:  # fmt: skip
        table = _table(place / CONFIG)
        return cls(
            home=place,
            user=_name("user", user) if user is not None else system_user(env),
            tenant=_name("tenant", "default" if tenant is None else tenant),
            embedder=embedder or own.get("embedder") or _text(env, table, "EMBEDDER", "embedder") or "wordllama",
            model=ModelSettings(
                own.get("model") or _text(env, table, "MODEL", "model"),
                _secret(env.get("OPENAI_API_KEY", "")),
                env.get("OPENAI_BASE_URL", "").strip() or _toml_text(table, "base_url"),
            ),
            resolved=resolve_policy(
                (CONFIG, policy_part(table, CONFIG) if table else None),
                ("environment", _environment(env)),
                ("arguments", policy),
                ("arguments", keys),
            ),
            journey_types=_journey_types(table),
            config=place / CONFIG if table is not None else None,
            trace=_text(env, table, "TRACE", "trace"),
            mcp_token=_secret(env.get(f"{PREFIX}MCP_TOKEN", "")),
        )


@contextmanager
def _naming(config: Path) -> Generator[None]:
    """Where milepost.toml is at fault, offer the command that checks it."""
    try:
        yield
    except PolicyError as wrong:
        if CONFIG in wrong.message and not wrong.facts.get("unreadable"):
            wrong.next = f"milepost policy check {shlex.quote(str(config))}"
        raise


def system_user(env: Mapping[str, str]) -> str:
    """The operating system's user; its number where it has no name (a container with any uid)."""
    try:
        import pwd  # not on every system

        return pwd.getpwuid(os.getuid()).pw_name
    except (ImportError, KeyError, OSError):
        named = next((env[key] for key in ("LOGNAME", "USER", "USERNAME") if env.get(key)), None)
        return named or (f"uid-{os.getuid()}" if hasattr(os, "getuid") else "user")


def _home(said: Path | str) -> Path:
    try:
        return Path(said).expanduser()
    except RuntimeError:  # "~" without a home folder
        raise UsageError(
            f'there is no home folder for "{said}"', cause="give a full path", next="milepost init --home DIR"
        ) from None


def _table(path: Path) -> dict[str, Any] | None:
    try:
        return read_toml(path)
    except NotFound:
        return None


def _name(what: str, said: str) -> str:
    if not 1 <= len(said) <= 128 or not said.isprintable() or said != said.strip():
        raise UsageError(f"{said[:80]!r} cannot be a {what}: it needs 1 to 128 printable characters")
    return said


def _text(env: Mapping[str, str], table: Mapping[str, Any] | None, variable: str, key: str) -> str | None:
    return env.get(f"{PREFIX}{variable}", "").strip() or _toml_text(table, key)


def _toml_text(table: Mapping[str, Any] | None, key: str) -> str | None:
    value = (table or {}).get(key)
    if value is not None and not isinstance(value, str):
        raise PolicyError(f"{key} cannot be {value!r} ({CONFIG})", cause="allowed: a text", keys=[key])
    return value.strip() or None if value is not None else None


def _secret(said: str) -> SecretStr | None:
    know_secret(said.strip())
    return SecretStr(said.strip()) if said.strip() else None


def _journey_types(table: Mapping[str, Any] | None) -> tuple[str, ...]:
    listed: Any = (table or {}).get("journey_types", [])
    if not isinstance(listed, list) or not all(isinstance(name, str) for name in listed):  # pyright: ignore[reportUnknownVariableType]  # it is a list of anything yet
        raise PolicyError(
            f"journey_types cannot be {listed!r} ({CONFIG})", cause='allowed: a list of "module:attribute"'
        )
    return tuple(listed)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]  # all are str


def _split(sets: Iterable[str]) -> tuple[dict[str, str], dict[str, Any]]:
    """What `--set` says about us, and about the policy; of one key the last counts."""
    own: dict[str, str] = {}
    keys: dict[str, Any] = {}
    for text in sets:
        name, equals, value = text.partition("=")
        if equals and name.strip() in ("embedder", "model"):
            own[name.strip()] = value.strip()
        else:
            key, typed = parse_setting(text, "arguments")
            keys[key] = typed
    return own, keys


def policy_keys(sets: Iterable[str]) -> dict[str, Any]:
    """The keys of the policy among the texts of `--set`."""
    return _split(sets)[1]


def _environment(env: Mapping[str, str]) -> dict[str, Any]:
    """The policy's keys among the variables: MILEPOST_CHUNK__SIZE is chunk.size. An empty one is not set."""
    said: dict[str, Any] = {}
    for variable, text in sorted(env.items()):
        if not variable.startswith(PREFIX) or not text.strip():
            continue
        name = variable.removeprefix(PREFIX)
        key = PLAIN.get(name.lower(), name.lower().replace("__", "."))
        if name == "POLICY":
            said["policy"] = text.strip()
        elif key in leaves():
            said[key] = parse_value(key, text.strip(), f"environment, {variable}")
        elif name not in OWN:
            _refuse_near_miss(variable, key)
    return said


def _refuse_near_miss(variable: str, key: str) -> None:
    """A variable that looks like a misspelt key is refused; any other is somebody else's."""
    near = difflib.get_close_matches(key[:80], [*leaves(), *(name.lower() for name in OWN)], n=1, cutoff=0.85)
    if near:
        meant = f"{PREFIX}{near[0].upper().replace('.', '__')}"
        raise PolicyError(f"there is no variable {variable[:80]}; did you mean {meant}?", keys=[near[0]])


_armed = ""


def _arm_fault(spec: str) -> None:
    """Arm the fault point that MILEPOST_FAULT names, as "name:nth", once a process: it counts through."""
    global _armed
    if not spec or spec == _armed:
        return
    name, _, nth = spec.rpartition(":")
    if not name or not nth.isdecimal() or int(nth) < 1:
        raise UsageError(f'MILEPOST_FAULT is "name:nth", for example publish.before_commit:1, not "{spec[:80]}"')
    arm(kill_at(name, int(nth)))
    _armed = spec
