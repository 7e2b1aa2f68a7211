"""show and validate: a plan, a journey or a checkpoint, and whether a plan is sound."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .desk import Desk
from .everywhere import command
from .store.errors import MilepostError

if TYPE_CHECKING:
    from .agents.issues import Validation
    from .store.plan import Plan
    from .store.records import Journey

app = typer.Typer()
PANEL = "From files to a knowledge base"


@command(app, "show", panel=PANEL)
def show(
    desk: Desk,
    named: Annotated[str, typer.Argument(metavar="ID|FILE", help="A plan, journey or checkpoint.")],
    mermaid: Annotated[bool, typer.Option("--mermaid", help="The diagram of a plan, or a journey's.")] = False,
) -> None:
    """Show a plan, a journey or a checkpoint; stale ones too."""
    show_record(desk, find(desk, named), mermaid)


@command(app, "validate", panel=PANEL)
def validate(desk: Desk, named: Annotated[str, typer.Argument(metavar="FILE|ID")]) -> int:
    """Validate a plan file, with every fault at once."""
    from .planfile import is_file_name, read_body
    from .shapes import dump

    from_file = is_file_name(named)
    validation = judge(desk, read_body(Path(named))) if from_file else desk.mp.validate(desk.mp.expand(named))
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
    from .render import checkpoint_text, status_text
    from .shapes import dump, journey_shape, plan_shape
    from .store.errors import UsageError
    from .store.plan import Plan
    from .store.records import Journey
    from .store.words import short_id

    if isinstance(found, Plan):
        if mermaid:
            desk.console.give(plan_shape(found, None) | {"mermaid": found.mermaid()})
            desk.console.say(found.mermaid())
        else:
            desk.console.give(plan_shape(found, None))
            desk.console.say(found.render(everything=desk.options.verbose))
    elif mermaid and isinstance(found, Journey):
        drawn = _diagram(desk, found)
        desk.console.give(journey_shape(found) | {"mermaid": drawn})
        desk.console.say(drawn)
    elif mermaid:
        raise UsageError(
            f"{short_id(found.checkpoint_id)} is a checkpoint, which has no diagram",
            next=f"milepost show {short_id(found.journey_id)} --mermaid" if found.journey_id else "milepost journeys",
        )
    elif isinstance(found, Journey):
        desk.console.give(journey_shape(found))
        desk.console.say(status_text(found, (), everything=desk.options.verbose))
    else:
        desk.console.give({"checkpoint": dump(found)})
        desk.console.say(checkpoint_text(found))


def _diagram(desk: Desk, journey: "Journey") -> str:
    """The diagram of a journey's plan, with how its steps stand."""
    from .store.plan import Plan
    from .store.plan_mermaid import mermaid

    plan = desk.mp.show(journey.plan_id)
    assert isinstance(plan, Plan)
    return mermaid(plan, {step.id: step.status for step in journey.steps})


def judge(desk: Desk, body: Any) -> "Validation":
    """Validate a plan, or what may be none yet, under the policy that it carries; opens no home."""
    from .agents.validator import validate_plan
    from .store.plan import Plan
    from .store.policy import Policy
    from .tools.registry import registry_dict

    try:
        plan = body if isinstance(body, Plan) else Plan.model_validate(body)
        policy = Policy.model_validate(plan.policy)
    except (ValueError, MilepostError):
        return validate_plan(body, registry_dict())
    types = desk.mp.workspace.types
    facts = {"files": [file.source for file in plan.files], "handlers": sorted(types.handlers(plan.journey_type))}
    return validate_plan(plan, types.registry(plan.journey_type), policy, facts)


def show_validation(desk: Desk, validation: "Validation") -> None:
    for issue in [*validation.errors, *validation.warnings]:
        kind = "invalid" if issue in validation.errors else "warning"
        step = f" in step {issue.step}" if issue.step else ""
        hint = f"; {issue.hint}" if issue.hint else ""
        desk.console.say(f"  {'!' if kind == 'invalid' else '?'} {kind:<8} {issue.code}{step}: {issue.message}{hint}")


def give_plan(desk: Desk, plan: "Plan", validation: "Validation | None") -> None:
    from .shapes import plan_shape

    desk.console.give(plan_shape(plan, validation))
    say_plan(desk, plan, validation)


def say_plan(desk: Desk, plan: "Plan", validation: "Validation | None") -> None:
    """Show a plan to people, with what the validator said."""
    text = plan.render(everything=desk.options.verbose)
    if desk.options.dry_run:  # nothing was saved that its last line could name
        text = "\n".join([*text.splitlines()[:-1], "Dry run: nothing was saved; the same without --dry-run does it."])
    desk.console.say(text)
    if validation is not None:
        show_validation(desk, validation)
