"""init, ingest, plan, show, validate, apply, approvals, approve: from files to a journey."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .desk import Desk
from .everywhere import command
from .run import finish, run, say_without_rollback

if TYPE_CHECKING:
    from milepost.agents.issues import Validation
    from milepost.store.plan import Plan


class Planner(StrEnum):
    TEMPLATE = "template"
    AI = "ai"
    AUTO = "auto"


class OnFileError(StrEnum):
    CONTINUE = "continue"
    STOP = "stop"


Paths = Annotated[
    list[str] | None, typer.Argument(metavar="PATH", help="Files, folders or patterns.", show_default=False)
]
Kb = Annotated[str | None, typer.Option("--kb", metavar="NAME", help="The knowledge base.", show_default=False)]
Request = Annotated[
    str | None,
    typer.Option("--request", metavar="TEXT", help="What is wanted, in words.", show_default=False),
]
PlannedBy = Annotated[Planner, typer.Option("--planner", help="Who makes the plan.")]
NoExpose = Annotated[bool, typer.Option("--no-expose", help="Stage only: search shows nothing new yet.")]
OnError = Annotated[
    OnFileError | None, typer.Option("--on-file-error", help="When one file fails.", show_default=False)
]
PANEL = "From files to a knowledge base"


def _make_plan(
    desk: Desk,
    paths: list[str] | None,
    kb: str | None,
    request: str | None,
    planner: Planner,
    no_expose: bool,
    on_file_error: OnFileError | None,
) -> "Plan":
    from milepost.store.errors import UsageError

    if not paths and not request:
        raise UsageError(
            "there is nothing to plan: a PATH is missing",
            cause="name files or folders, or say with --request what is wanted",
            next="milepost plan PATH --kb NAME",
        )
    if on_file_error is not None:
        desk.also(f"on_file_error={on_file_error.value}")
    return desk.mp.plan(
        paths or [], kb=kb, request=request, planner=planner.value, expose=not no_expose,
        save=not desk.options.dry_run,
    )  # fmt: skip


def _validation(desk: Desk, plan: "Plan") -> "Validation | None":
    return desk.mp.validate(plan) if desk.policy.validates else None


def _show_validation(desk: Desk, validation: "Validation") -> None:
    for issue in [*validation.errors, *validation.warnings]:
        kind = "invalid" if issue in validation.errors else "warning"
        step = f" in step {issue.step}" if issue.step else ""
        hint = f"; {issue.hint}" if issue.hint else ""
        desk.console.say(f"  {'!' if kind == 'invalid' else '?'} {kind:<8} {issue.code}{step}: {issue.message}{hint}")


def _give_plan(desk: Desk, plan: "Plan", validation: "Validation | None") -> None:
    from .shapes import plan_shape

    desk.console.give(plan_shape(plan, validation))
    desk.console.say(plan.render(everything=desk.options.verbose))
    if validation is not None:
        _show_validation(desk, validation)


def add_to(app: typer.Typer) -> None:
    """Register these commands."""

    @command(app, "init", panel=PANEL)
    def init(desk: Desk) -> None:
        """Make the home and its milepost.toml, with rollback on."""
        home = desk.settings.home
        if desk.options.dry_run:
            desk.console.give({"done": {"home": str(home), "dry_run": True}})
            desk.console.say(f"Would make {home} with milepost.toml in it.")
            return
        done = desk.mp.init()
        desk.console.give({"done": done})
        made = [str(path) for path in done.get("made", [])]
        desk.console.say("\n".join(f"Made {path}" for path in made) or f"{done['home']} is there already.")
        desk.console.say("Next: milepost ingest PATH --kb NAME")

    @command(app, "ingest", panel=PANEL)
    def ingest(
        desk: Desk,
        paths: Paths = None,
        kb: Kb = None,
        request: Request = None,
        planner: PlannedBy = Planner.AUTO,
        no_expose: NoExpose = False,
        on_file_error: OnError = None,
    ) -> int:
        """Plan and apply in one go: put files into a knowledge base."""
        plan = _make_plan(desk, paths, kb, request, planner, no_expose, on_file_error)
        if desk.options.dry_run:
            _give_plan(desk, plan, _validation(desk, plan))
            return 0
        say_without_rollback(desk)
        return run(desk, plan)

    @command(app, "plan", panel=PANEL)
    def plan(
        desk: Desk,
        paths: Paths = None,
        kb: Kb = None,
        request: Request = None,
        out: Annotated[
            Path | None,
            typer.Option("--out", "-o", metavar="FILE", help="Also write the plan here.", show_default=False),
        ] = None,
        detailed_exitcode: Annotated[
            bool, typer.Option("--detailed-exitcode", help="0 no changes, 2 changes; usage errors 64.")
        ] = False,
        planner: PlannedBy = Planner.AUTO,
        no_expose: NoExpose = False,
        on_file_error: OnError = None,
    ) -> int:
        """Make, check, document and save a plan; change nothing in any knowledge base."""
        from .shapes import plan_shape
        from milepost.store.plan_text import changes

        desk.usage_exit = 64 if detailed_exitcode else 2
        made = _make_plan(desk, paths, kb, request, planner, no_expose, on_file_error)
        validation = _validation(desk, made)
        if out is not None and not desk.options.dry_run:
            from .planfile import write_plan

            write_plan(out, plan_shape(made, validation))
        _give_plan(desk, made, validation)
        if validation is not None and not validation.valid:
            return 3
        return 2 if detailed_exitcode and changes(made) else 0

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
        _show_validation(desk, validation)
        return 0 if validation.valid else 3

    @command(app, "apply", panel=PANEL)
    def apply(
        desk: Desk,
        named: Annotated[
            str | None, typer.Argument(metavar="ID|FILE", help="The newest plan if left out.", show_default=False)
        ] = None,
        replan: Annotated[bool, typer.Option("--replan", help="Plan again where the plan is stale.")] = False,
    ) -> int:
        """Run exactly that plan."""
        from milepost.store.plan import Plan

        if named is None:
            chosen = _newest(desk)
            if chosen is None:
                return 0
        else:
            found = find(desk, named)
            if not isinstance(found, Plan):
                from milepost.store.errors import UsageError

                raise UsageError(f"{named} is not a plan", next=f"milepost show {named}")
            chosen = found
        if desk.options.dry_run:
            _give_plan(desk, chosen, desk.mp.validate(chosen))
            return 0
        return run(desk, chosen, replan=replan)

    @command(app, "approvals", panel=PANEL)
    def approvals(desk: Desk) -> None:
        """List what waits for a person."""
        from .render import columns, moment
        from .shapes import dumps
        from milepost.store.words import short_id

        waiting = desk.mp.approvals()
        desk.console.give({"approvals": dumps(waiting)})
        rows = [
            (short_id(one.approval_id), short_id(one.plan_id), one.asked_by, moment(one.timestamp)) for one in waiting
        ]
        heads = ("APPROVAL", "PLAN", "ASKED BY", "ASKED (UTC)")
        desk.console.say(columns(heads, rows) if rows else "Nothing waits for a person.")

    @command(app, "approve", panel=PANEL)
    def approve(desk: Desk, named: Annotated[str, typer.Argument(metavar="ID")]) -> None:
        """Approve a plan that waits, by its id or the approval's."""
        from .shapes import dump
        from milepost.store.words import short_id

        full = desk.mp.expand(named)
        if desk.options.dry_run:
            desk.console.give({"approval": None, "dry_run": True})
            desk.console.say(f"Would approve {full}.")
            return
        approval = desk.mp.approve(full)
        desk.console.give({"approval": dump(approval)})
        desk.console.say(
            f"Approved {short_id(approval.plan_id)} as {approval.approver}.\n"
            f"Apply with: milepost apply {short_id(approval.plan_id)}"
        )


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
    from milepost.store.errors import UsageError
    from milepost.store.plan import Plan
    from milepost.store.records import Journey

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
    from .planfile import is_file_name, read_body
    from milepost.store.plan import Plan
    from milepost.tools.registry import REGISTRY

    if not is_file_name(named):
        return desk.mp.validate(desk.mp.expand(named))
    body = read_body(Path(named))
    try:
        return desk.mp.validate(Plan.model_validate(body))
    except ValueError:
        return validate_plan(body, REGISTRY, desk.policy)


def _newest(desk: Desk) -> "Plan | None":
    """The newest plan that was not applied, shown and asked for; None where the person said no."""
    from milepost.store.errors import NotFound
    from milepost.store.words import short_id

    plan = desk.mp.newest_plan()
    if plan is None:
        raise NotFound("no plan waits to be applied", next="milepost plan PATH --kb NAME")
    if desk.options.dry_run or desk.ask(f"Apply {short_id(plan.plan_id)}?", preview=plan.render()):
        return plan
    finish(desk, "apply", "Nothing was applied.")
    return None
