"""Journey types: which steps a plan may have, and the template that plans are made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from ..store.errors import UsageError
from .registry import REGISTRY, ActionSpec
from .user_steps import NAME, UserStep

BUILT_IN = "data_ingest"
RESERVED = (BUILT_IN, "rollback")


@dataclass(frozen=True)
class BuiltInStep:
    """One of Milepost's own steps, for a type of one's own."""

    action: str


upload = BuiltInStep("upload")
parse = BuiltInStep("parse")
embed = BuiltInStep("embed")
expose = BuiltInStep("expose")
OWN = (upload, parse, embed, expose)

Step = UserStep[..., Any] | BuiltInStep
Sketch = Step | str | Mapping[str, Any]
"""One step of a template: a step, its action, or `{"id", "action", "args", "depends_on"}`."""
Template = Sequence[Sketch] | Callable[[Mapping[str, Any]], Sequence[Sketch]]


@dataclass(frozen=True)
class JourneyType:
    """A recipe: the steps that plans of this type may have, and the template."""

    name: str
    steps: tuple[Step, ...]
    template: Template

    def registry(self) -> dict[str, ActionSpec]:
        """What the validator judges plans of this type by."""
        return {
            each.action: each.spec if isinstance(each, UserStep) else deepcopy(REGISTRY[each.action])
            for each in self.steps
        }

    def step(self, action: str) -> UserStep[..., Any] | None:
        """The step of one's own that has an action."""
        return next((each for each in self.steps if isinstance(each, UserStep) and each.action == action), None)

    @property
    def params(self) -> dict[str, Any]:
        """Every argument of the type's own steps, by name, as the registry has it."""
        return {name: spec for one in self.steps if isinstance(one, UserStep) for name, spec in one.params.items()}

    def sketched(self, args: Mapping[str, Any]) -> Sequence[Sketch]:
        """The template's steps for these arguments."""
        return self.template(args) if callable(self.template) else self.template


_declared: dict[str, JourneyType] = {}


def declared(name: str) -> JourneyType | None:
    """The type of that name that this process declared last."""
    return _declared.get(name)


def declared_names() -> list[str]:
    """The names of the types that this process declared."""
    return list(_declared)


def journey_type(name: str, *, steps: Sequence[Step | str], template: Template | None = None) -> JourneyType:
    """Declare a journey type; the template is all of its steps one after the other where none is given.

    A template is a list of steps, or a function of the arguments that returns one; a step in it may be a dict with
    `id`, `action`, `args` and `depends_on`, so that a plan can have several of one action. `UsageError` says what
    cannot be meant.
    """
    if not NAME.fullmatch(str(name)) or name in RESERVED:
        raise _wrong(f"a journey type cannot be called {name!r}", "a letter, then letters, digits or _, 48 at most")
    taken = tuple(_step(name, each) for each in steps)
    actions = [each.action for each in taken]
    twice = next((action for action in actions if actions.count(action) > 1), None)
    if not taken:
        raise _wrong(f"journey type {name!r} has no steps", "steps = [...] names what its plans may do")
    if twice is not None:
        raise _wrong(f"journey type {name!r} has two steps {twice!r}", "an action is one step; a plan may use it often")
    made = JourneyType(name, taken, taken if template is None else template)
    if not callable(made.template):
        for each in made.template:
            if (action := action_of(each)) not in actions:
                raise _wrong(f"the template of {name!r} has the step {action!r}, its steps do not", "add it to steps")
    _declared[name] = made
    return made


def action_of(sketch: Sketch) -> str:
    """The action of one step of a template."""
    if isinstance(sketch, str):
        return sketch
    return str(sketch.get("action")) if isinstance(sketch, Mapping) else sketch.action


def _step(name: str, given: Any) -> Step:
    if isinstance(given, UserStep | BuiltInStep):
        return given
    found = next((one for one in OWN if one.action == given), None)
    if found is None:
        raise _wrong(
            f"{getattr(given, '__name__', given)!r} is no step that {name!r} can have",
            f"a step is a function under @step, or one of {', '.join(one.action for one in OWN)}",
        )
    return found


def _wrong(message: str, cause: str) -> UsageError:
    return UsageError(message[:300], cause=cause, state="nothing was changed")
