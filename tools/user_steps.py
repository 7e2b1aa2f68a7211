"""A step of a user's own: a function with an effect, how to look at that effect, and how to undo it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, ParamSpec, TypeVar, overload

from ..store.errors import UsageError
from ..store.plan import Effect
from .registry import REGISTRY, ActionSpec
from .registry import ParamSpec as Param
from .signature import parameters, specs, typed

P = ParamSpec("P")
R = TypeVar("R")
F = TypeVar("F", bound=Callable[..., Any])
NAME = re.compile(r"[A-Za-z_]\w{0,47}", re.ASCII)
"""What an action or a journey type may be called: its milestones and checkpoints are named after it."""


@dataclass(frozen=True)
class Receipt:
    """What a step really did: to what, what was there before, and what is there now. All of it is JSON.

    `prior` and `post` are as `.observes` would see them; None means that nothing was, or is, there. Later steps refer
    to fields of `post`.
    """

    target: Mapping[str, Any]
    prior: Any = None
    post: Any = None


@dataclass(frozen=True)
class StepContext:
    """What a step runs with. `key` is the same when it runs again after a crash, and a new one after an undo."""

    key: str
    """Made of what the effect is about: journey, action and arguments; hand it to whoever can tell a repeat by it."""
    user: str
    tenant: str
    journey_id: str
    step_id: str
    action: str
    kb: str | None = None
    again: bool = False
    """An earlier run of this step was cut off or failed: what it was to do may be done already, or half."""
    note: Callable[[Mapping[str, Any], Any], Any] = field(default=lambda target, prior: prior, repr=False)
    progress: Callable[[int, int], None] = field(default=lambda done, total: None, repr=False)

    def intend(self, target: Mapping[str, Any], prior: Any = None) -> Any:
        """Write down, before the effect, what it will be about and what is there now.

        Returns the prior state that was written down first: after a crash this is the one from before the effect,
        which looking again could not tell. The undo of a step that died has it as `Undo.prior`.
        """
        return self.note(target, prior)

    def tell(self, done: int, total: int) -> None:
        """Report progress to whoever watches."""
        self.progress(done, total)


@dataclass(frozen=True)
class Undo:
    """What an undo runs with: for whom, what was done, and what is known of it.

    `receipt` is None where the step died or failed before it had one: it may have had its effect, none, or half of
    it. `args` are always there; `target` and `prior` are the receipt's, or what `StepContext.intend` wrote down.
    """

    receipt: Receipt | None
    args: Mapping[str, Any]
    key: str
    user: str
    tenant: str
    journey_id: str
    step_id: str
    action: str
    target: Mapping[str, Any] | None = None
    prior: Any = None
    prior_known: bool = False
    """Whether `prior` was written down: without, None says nothing about what was there."""


class UserStep(Generic[P, R]):
    """A declared step. Calling it calls the function."""

    def __init__(self, action: str, run: Callable[P, R], *, version: int, returns: Sequence[str] | None) -> None:
        self.action = action
        self.version = version
        self.run = run
        self.look: Callable[..., Any] | None = None
        self.undos: dict[int, Callable[..., Any]] = {}
        self._returns = returns
        self._annotations = parameters(run, action)
        self.params: dict[str, Param] = specs(run, self._annotations)
        self.__doc__ = run.__doc__
        self.__module__ = run.__module__
        self.__name__ = getattr(run, "__name__", action)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.run(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<step {self.action} version {self.version}, {self.effect}>"

    @property
    def effect(self) -> Effect:
        """Whether what it does can be undone, which follows from what is declared."""
        return "compensable" if self.version in self.undos else "irreversible"

    @property
    def handler(self) -> str | None:
        """The name that the undo has in plans and receipts."""
        return f"undo_{self.action}" if self.version in self.undos else None

    @property
    def spec(self) -> ActionSpec:
        """The step as the registry has it, and the validator judges by."""
        said: ActionSpec = {
            "params": self.params,
            "before": f"before_{self.action}",
            "milestone": f"{self.action}_complete",
            "effect": self.effect,
            "description": (self.__doc__ or "").strip().partition("\n")[0],
        }
        if self.handler is not None:
            said["rollback_handler"] = self.handler
        if self._returns is not None:
            said["returns"] = list(self._returns)
        return said

    def typed(self, args: Mapping[str, Any]) -> dict[str, Any]:
        """A plan's arguments in the types that the function asks for."""
        return typed(self._annotations, args, self.action)

    def observes(self, function: F) -> F:
        """Declare how to look at the live state of a target: called with it, returns what `prior` and `post` are like.

        With it an undo tells what is undone already, what may be undone and what somebody else changed since, and
        looks again afterwards.
        """
        self.look = function
        return function

    @overload
    def undoes(self, function: F) -> F: ...

    @overload
    def undoes(self, function: None = None, *, version: int) -> Callable[[F], F]: ...

    def undoes(self, function: F | None = None, *, version: int | None = None) -> F | Callable[[F], F]:
        """Declare how to undo the step: called with an `Undo`, once or again, whatever is left of the effect.

        `version` is for receipts that an earlier version of the step made; each is undone by its own.
        """

        def declare(undo: F) -> F:
            self.undos[self.version if version is None else version] = undo
            return undo

        return declare if function is None else declare(function)


def step(
    action: str, *, version: int = 1, returns: Sequence[str] | None = None
) -> Callable[[Callable[P, R]], UserStep[P, R]]:
    """Declare a function as a step: `@step("geocode")`. It is irreversible until an undo is declared.

    The function, sync or async, takes a `StepContext` and the plan's arguments, and returns a `Receipt`. Its
    signature says which arguments a plan may give, `returns` which fields of `Receipt.post` later steps may use.
    Raise `version` when the function or its undo changes in a way that older receipts do not fit.
    """
    if not NAME.fullmatch(str(action)):  # a function, where the parentheses are missing
        raise UsageError(
            f"a step cannot be called {action!r}"[:200],
            cause='declare it as @step("geocode"): a letter, then letters, digits or _, 48 at most',
            state="nothing was changed",
        )
    if action in REGISTRY:
        raise UsageError(f"{action!r} is a step of Milepost's own", cause="give yours another name")

    def declare(run: Callable[P, R]) -> UserStep[P, R]:
        return UserStep(action, run, version=version, returns=returns)

    return declare
