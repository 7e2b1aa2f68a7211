"""show and validate: a plan, a journey or a checkpoint, and whether a plan is sound."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .desk import Desk
from .everywhere import command

if TYPE_CHECKING:
    from milepost.agents.issues import Validation
    from milepost.store.plan import Plan

app = typer.Typer()
PANEL = "From files to a knowledge base"


@command(app, "show", panel=PANEL)
def show(
    desk: Desk,
    named: Annotated[str, typer.Argument(metavar="ID|FILE", help="A plan, journey or checkpoint.")],
    mermaid: Annotated[bool, typer.Option("--mermaid", help="A plan's diagram.")] = False,
) -> None:
    """Show a plan, a journey or a checkpoint; stale ones too."""
    show_record(desk, find(desk, named), mermaid)


@command(app, "validate", panel=PANEL)
def validate(desk: Desk, named: Annotated[str, typer.Argument(metavar="FILE|ID")]) -> int:
    """Validate a plan file, with every fault at once."""
    from .shapes import dump

    validation = _validate_file(desk, named)
    desk.console.give({"validation": dump(validation)})
    desk.console.say(f"{named} is {'valid' if validation.valid else 'not valid'}.")
    show_validation(desk, validation)
    return 0 if validation.valid else 3


def find(desk: Desk, named: str) -> Any:
    """What an argument `ID|FILE` names: a plan, a journey or a checkpoint."""
    from .planfile import is_file_name, read_plan

    if is_file_name(named):
        return read_plan(Path(named))
    return desk.mp.show(desk.mp.expand(named))


def show_record(desk: Desk, found: Any, mermaid: bool) -> None:
    """Print a plan, a journey or a checkpoint."""
    from milepost.store.errors import UsageError
    from milepost.store.plan import Plan
    from milepost.store.records import Journey

    from .render import checkpoint_text, status_text
    from .shapes import dump, journey_shape, plan_shape

    if isinstance(found, Plan):
        if mermaid:
            desk.console.give(plan_shape(found, None) | {"mermaid": found.mermaid()})
            desk.console.say(found.mermaid())
        else:
            desk.console.give(plan_shape(found, None))
            desk.console.say(found.render(everything=desk.options.verbose))
    elif mermaid:
        raise UsageError("only a plan has a diagram")
    elif isinstance(found, Journey):
        desk.console.give(journey_shape(found))
        desk.console.say(status_text(found, (), everything=desk.options.verbose))
    else:
        desk.console.give({"checkpoint": dump(found)})
        desk.console.say(checkpoint_text(found))


def _validate_file(desk: Desk, named: str) -> "Validation":
    """Validate what is in a file even where it is no plan yet; the validator says what is missing."""
    from milepost.agents.validator import validate_plan
    from milepost.store.plan import Plan
    from milepost.tools.registry import REGISTRY

    from .planfile import is_file_name, read_body

    if not is_file_name(named):
        return desk.mp.validate(desk.mp.expand(named))
    body = read_body(Path(named))
    try:
        return desk.mp.validate(Plan.model_validate(body))
    except ValueError:
        return validate_plan(body, REGISTRY, desk.policy)


def show_validation(desk: Desk, validation: "Validation") -> None:
    for issue in [*validation.errors, *validation.warnings]:
        kind = "invalid" if issue in validation.errors else "warning"
        step = f" in step {issue.step}" if issue.step else ""
        hint = f"; {issue.hint}" if issue.hint else ""
        desk.console.say(f"  {'!' if kind == 'invalid' else '?'} {kind:<8} {issue.code}{step}: {issue.message}{hint}")


def give_plan(desk: Desk, plan: "Plan", validation: "Validation | None") -> None:
    from .shapes import plan_shape

    desk.console.give(plan_shape(plan, validation))
    desk.console.say(plan.render(everything=desk.options.verbose))
    if validation is not None:
        show_validation(desk, validation)
