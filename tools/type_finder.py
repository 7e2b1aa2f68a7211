"""Finding journey types: handed over, named in milepost.toml, installed by a package, or declared in this process."""

from __future__ import annotations

import difflib
import importlib
import sys
from collections.abc import Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from ..store.errors import MilepostError, NotFound, UsageError
from ..store.secrets import told
from .journey_types import BUILT_IN, JourneyType, declared, declared_names
from .registry import REGISTRY, ActionSpec, handler_names, registry_dict

GROUP = "milepost.journey_types"


class JourneyTypes:
    """The types that one home's plans may have. Nothing is imported before a plan needs it.

    `given` are types, or texts `"module:attribute"`; `configured` are such texts out of milepost.toml. `beside` is a
    folder where modules are looked for, too, after everywhere else.
    """

    def __init__(
        self, given: Sequence[Any] = (), configured: Sequence[str] = (), *, beside: Path | None = None
    ) -> None:
        self._given = tuple(given)
        self._configured = tuple(configured)
        self._beside = beside
        self._loaded: dict[str, JourneyType] = {}

    def find(self, name: str) -> JourneyType:
        """The type of a name; `NotFound` says which there are, and `UsageError` which one cannot be loaded."""
        found = self._known(name)
        if found is not None:
            return found
        known = self.names()
        near = difflib.get_close_matches(name, known, n=1)
        raise NotFound(
            f"there is no journey type {name[:80]!r}",
            cause=f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}",
            state="nothing was changed",
            next="milepost doctor",
            instead=(name, near[0]) if near else (),
        )

    def names(self) -> list[str]:
        """Every type that can be found."""
        return list(dict.fromkeys([BUILT_IN, *self.named(), *declared_names()]))

    def named(self) -> list[str]:
        """The types that were handed over, configured or installed, whatever else this process declared."""
        handed = [each.name for each in self._given if isinstance(each, JourneyType)]
        texts = [self._load(text).name for text in self._texts()]
        installed = [one.name for one in entry_points(group=GROUP)]
        return list(dict.fromkeys([*handed, *texts, *installed]))

    def registry(self, name: str) -> dict[str, ActionSpec]:
        """What plans of a type are judged by."""
        return registry_dict() if name in (BUILT_IN, "rollback") else self.find(name).registry()

    def handlers(self, name: str) -> frozenset[str]:
        """The undo handlers that plans of a type may name."""
        if name in (BUILT_IN, "rollback"):
            return handler_names()
        own = [spec.get("rollback_handler") for spec in self.find(name).registry().values()]
        return handler_names() | {handler for handler in own if handler}

    def _known(self, name: str) -> JourneyType | None:
        for each in self._given:
            if isinstance(each, JourneyType) and each.name == name:
                return each
        for text in self._texts():
            if (found := self._load(text)).name == name:
                return found
        for entry in entry_points(group=GROUP):
            if entry.name == name:
                return self._taken(entry.value, entry.load)
        return declared(name)

    def _texts(self) -> list[str]:
        for each in self._given:
            if not isinstance(each, JourneyType | str):
                raise UsageError(
                    f"{each!r} is no journey type"[:200],
                    cause='a type is what journey_type(...) returns, or a text "module:attribute"',
                    state="nothing was changed",
                )
        return list(dict.fromkeys([*(each for each in self._given if isinstance(each, str)), *self._configured]))

    def _load(self, text: str) -> JourneyType:
        module, colon, attribute = text.partition(":")
        if not colon or not module or not attribute:
            raise UsageError(
                f"journey type {text[:80]!r} is not module:attribute",
                cause='for example journey_types = ["maps.journeys:geo_load"] in milepost.toml',
                state="nothing was changed",
            )
        return self._taken(text, lambda: getattr(self._module(module), attribute))

    def _module(self, name: str) -> Any:
        if self._beside is not None and str(self._beside) not in sys.path:
            sys.path.append(str(self._beside))
        return importlib.import_module(name)

    def _taken(self, text: str, load: Any) -> JourneyType:
        if text not in self._loaded:
            try:
                found = load()
            except MilepostError as wrong:
                raise _broken(text, wrong.message) from wrong
            except Exception as wrong:  # a module of somebody else's may raise anything while it is imported
                raise _broken(text, told(wrong)) from wrong
            if not isinstance(found, JourneyType):
                raise _broken(text, f"it is {type(found).__name__}, not what journey_type(...) returns")
            self._loaded[text] = found
        return self._loaded[text]


def built_in(action: str) -> bool:
    """Whether an action is one of Milepost's own."""
    return action in REGISTRY


def _broken(text: str, why: str) -> UsageError:
    return UsageError(
        f"the journey type {text} cannot be loaded",
        cause=why[:300],
        state="nothing was changed",
        next="milepost doctor",
    )
