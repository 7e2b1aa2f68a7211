"""A plan as a Mermaid flowchart: its steps, its checkpoints, and what its orchestration does when a step fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .plan import Plan, PlanStep
from .policy import Policy
from .step_order import in_order
from .words import clean

_COLOURS = {"done": "#cfe8cf", "failed": "#f3c6c6", "undone": "#dddddd", "running": "#fdf0c0"}
"""How steps are filled that stand so."""


def mermaid(plan: Plan, stands: Mapping[str, str] | None = None) -> str:
    """The flowchart, without the fence; `flow`, `structured` and `saga` are drawn as each of them runs.

    Of a journey `stands` has the status of each step, by its id.
    """
    policy = Policy.model_validate(plan.policy)
    steps = in_order(plan.steps)
    draw = {"structured": _structured, "saga": _saga}.get(policy.orchestration, _flow)
    return "\n".join(["flowchart LR", *draw(steps, policy), *_coloured(steps, stands or {})])


def _coloured(steps: list[PlanStep], stands: Mapping[str, str]) -> Iterator[str]:
    for status, colour in _COLOURS.items():
        places = [f"s{at}" for at, step in enumerate(steps, 1) if stands.get(step.id) == status]
        if places:
            yield f"  classDef {status} fill:{colour}"
            yield f"  class {','.join(places)} {status}"


def _flow(steps: list[PlanStep], policy: Policy) -> Iterator[str]:
    """Steps by what each depends on: what does not depend on one that fails goes on."""
    places = {step.id: f"s{at}" for at, step in enumerate(steps, 1)}
    yield from _first_checkpoint(steps, policy)
    for at, step in enumerate(steps, 1):
        yield f'  s{at}["{_name(step)}"]'
        yield from (f"  {places[other]} --> s{at}" for other in step.depends_on if other in places)
        yield from _checkpoint(at, step, policy)


def _structured(steps: list[PlanStep], policy: Policy) -> Iterator[str]:
    """One line of steps with a gate after each: the milestone is complete, or the journey has failed."""
    yield from _first_checkpoint(steps, policy)
    for at, step in enumerate(steps, 1):
        after = f"s{at + 1}" if at < len(steps) else "done"
        yield f'  s{at}["{_name(step)}"] --> g{at}{{"{_label(step.milestone or step.id)}"}}'
        yield f"  g{at} -- complete --> {after}"
        yield f"  g{at} -- not complete --> failed"
        yield from _checkpoint(at, step, policy)
    if steps:
        yield '  done(["completed"])'
        yield '  failed(["failed"])'


def _saga(steps: list[PlanStep], policy: Policy) -> Iterator[str]:
    """The steps, and from each the way back: its own undo first, then those of the steps that started before it."""
    yield from _flow(steps, policy)
    for at, step in enumerate(steps, 1):
        yield f'  u{at}["{_undo(step)}"]'
        yield f"  s{at} -. fails .-> u{at}"
        yield f"  u{at} --> {f'u{at - 1}' if at > 1 else 'compensated'}"
    if steps:
        stays = any(step.effect == "irreversible" for step in steps)
        yield f'  compensated(["compensated{", or compensation_failed where a step stays" if stays else ""}"])'


def _undo(step: PlanStep) -> str:
    if step.effect == "irreversible":
        return f"{_label(step.id)} stays"
    return _label(step.rollback_handler or f"undo {step.id}")


def _first_checkpoint(steps: list[PlanStep], policy: Policy) -> Iterator[str]:
    if steps and policy.restorable:
        yield f'  c0(["before_{_label(steps[0].action)}"]) -.-> s1'


def _checkpoint(at: int, step: PlanStep, policy: Policy) -> Iterator[str]:
    if step.milestone and policy.checkpoints_at(step.milestone):
        yield f'  s{at} -.-> c{at}(["{_label(step.milestone)}"])'


def _name(step: PlanStep) -> str:
    name = _label(step.action if step.action == step.id else f"{step.id}: {step.action}")
    return name if step.effect == "reversible" else f"{name} ({step.effect})"


def _label(text: str) -> str:
    return "".join(letter if letter.isalnum() or letter in " _-." else f"#{ord(letter)};" for letter in clean(text))
