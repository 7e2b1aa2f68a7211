"""Opening a home on somebody's behalf: lazily, and never by merely looking."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..store.errors import MilepostError, NoSpace, NotFound, PolicyError
from ..store.home import Home
from ..store.places import is_file
from ..store.policy import Policy
from ..store.policy_sources import PolicyValue, ResolvedPolicy, policy_part, read_toml, resolve_policy
from ..store.ports import Clock, Embedder
from ..store.records import UserContext
from ..store.tracing import traced
from ..tools.embedders import make_embedder
from ..tools.sandbox import ParserPool
from ..tools.services import Services
from ..tools.type_finder import JourneyTypes
from .chat_model import ModelEndpoint, as_model
from .engine import Engine, in_our_words

if TYPE_CHECKING:
    from ..store.trace_out import TraceOut

T = TypeVar("T")
CONFIG = "milepost.toml"
RECORD = "milepost.db"


class Opening:
    """What every part of a workspace stands on: the home's path, the policy, the person, the engine when needed."""

    def __init__(
        self,
        home: str | Path,
        *,
        policy: PolicyValue = None,
        embedder: Embedder | str | None = None,
        chat_model: Any = None,
        user: UserContext | Mapping[str, Any] | str | None = None,
        journey_types: tuple[Any, ...] = (),
        wait: float = 10.0,
        clock: Clock | None = None,
        trace: str | None = None,
    ) -> None:
        self.home = Path(home)
        config = self.home / CONFIG
        self._table = read_toml(config) if is_file(config) else {}
        self._said = policy
        self.policy = self._policy(None)
        self.user = user_of(user)
        self.chat_model = as_model(chat_model) or self._configured_model()
        self.types = JourneyTypes(journey_types, _configured(self._table), beside=self.home.absolute().parent)
        self.wait = wait
        self._clock = clock
        self._given_embedder = embedder
        self._embedder: Embedder | None = None
        self._engine: Engine | None = None
        self._known_policies = {self.policy.digest: self.policy}
        self._trace = trace if trace is not None else _trace(self._table)
        self._trace_outs: list[TraceOut] = []

    @property
    def embedder(self) -> Embedder:
        """What turns texts into vectors here; made when first needed."""
        if self._embedder is None:
            said = self._given_embedder or str(self._table.get("embedder") or "wordllama")
            made: Embedder = make_embedder(said) if isinstance(said, str) else said
            self._embedder = made
            return made
        return self._embedder

    @property
    def engine(self) -> Engine:
        """The opened home's engine; opening makes the home where there is none."""
        if self._engine is None:
            home = in_our_words(self.home, lambda: Home(self.home, embedder=lambda: self.embedder, clock=self._clock))
            services = Services(
                home, ParserPool(), self.user, wait=self.wait, chat_model=self.chat_model, types=self.types
            )
            self._engine = Engine(services)
            home.librarian.run = self._engine.run
            with suppress(NoSpace):  # reading needs no recovery; whoever writes hears of it
                self._engine.first(home.recover_if_idle)
                self._engine.first(self._engine.finish_sagas)
        return self._engine

    def traced(self) -> AbstractContextManager[None]:
        """Spans of what is done inside go where `trace` says, if it says anything."""
        if self._trace and not self._trace_outs:  # a list, for one that acts as another shares it
            from ..store.trace_out import TraceOut

            _ = self.engine  # the home is there, then
            self._trace_outs.append(TraceOut(self._trace, self.home))
        return traced(self._trace_outs[0].tracer if self._trace_outs else None)

    def _graph(
        self, policy: Policy, actions: tuple[str, ...] | None = None, saver: Any = None, *, asking: bool = False
    ) -> Any:
        """The graph of a policy over this home and for this user, with that saver."""
        from .graph import INGEST, build_graph

        key = (policy.digest, actions or INGEST, saver is not None, asking)
        if key not in self.engine.graphs:  # composing takes some milliseconds
            self.engine.graphs[key] = build_graph(self.engine, policy, actions=key[1], pausing=key[2], asking=asking)
        return self.engine.graphs[key].copy({"checkpointer": saver})

    @property
    def services(self) -> Services:
        """What steps, planner and graph work with."""
        return self.engine.services

    @property
    def librarian(self) -> Any:
        """The store of documents about journeys: a LangGraph `BaseStore`."""
        return self.services.home.librarian.for_tenant(self.user.tenant)

    @property
    def there(self) -> bool:
        """Whether there is a home; looking makes none."""
        return is_file(self.home / RECORD)

    async def read(self, question: Callable[[Services], T], otherwise: T | MilepostError | None = None) -> T:
        """Ask something that changes nothing, off the engine's thread.

        Without a home `otherwise` is the answer, or is raised.
        """
        if not self.there:
            if isinstance(otherwise, MilepostError):
                raise otherwise
            if otherwise is None:
                raise NotFound(
                    f"there is no home at {self.home}",
                    cause="nothing was ingested or planned there yet, or --home names another place",
                    state="nothing was made",
                    next="milepost ingest PATH --kb NAME",
                )
            return otherwise
        services = self.services
        return await asyncio.to_thread(in_our_words, self.home, lambda: question(services))

    def stop(self) -> None:
        """Ask a running journey to end after its current batch; it can be resumed."""
        if self._engine is not None:
            self._engine.services.stop.set()

    async def close(self) -> None:
        """Close everything that was opened."""
        while self._trace_outs:
            await asyncio.to_thread(self._trace_outs.pop().close)
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.to_thread(engine.close)

    def _configured_model(self) -> ModelEndpoint | None:
        """The model that milepost.toml names; its key is the environment's."""
        name, place = self._table.get("model"), self._table.get("base_url")
        return ModelEndpoint(str(name), base_url=str(place) if place else None) if name else None

    def _policy(self, value: PolicyValue) -> Policy:
        return self._resolved(value).policy

    def _resolved(self, value: PolicyValue) -> ResolvedPolicy:
        part = policy_part(self._table, CONFIG) if self._table else None
        return resolve_policy((CONFIG, part), ("arguments", self._said), ("this call", value))


def _trace(table: Mapping[str, Any]) -> str | None:
    """Where milepost.toml sends spans."""
    said = table.get("trace")
    if said is not None and not isinstance(said, str):
        raise PolicyError(f"trace cannot be {said!r} ({CONFIG})"[:300], cause="allowed: a text", keys=["trace"])
    return said.strip() or None if said else None


def _configured(table: Mapping[str, Any]) -> tuple[str, ...]:
    """The journey types that milepost.toml names."""
    said: Any = table.get("journey_types", [])
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise PolicyError(
            f"journey_types cannot be {said!r} ({CONFIG})"[:300], cause='allowed: a list of "module:attribute"'
        )
    return tuple(said)


def user_of(user: UserContext | Mapping[str, Any] | str | None) -> UserContext:
    """A user context from what people pass: the model, a name, or a dict with `user` and `tenant`."""
    if isinstance(user, UserContext):
        return user
    if isinstance(user, str):
        return UserContext(user=user)
    said = dict(user or {})
    name = said.get("user") or said.get("user_id")
    tenant = said.get("tenant") or said.get("tenant_id") or "default"
    return UserContext(user=str(name or _system_user()), tenant=str(tenant))


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
