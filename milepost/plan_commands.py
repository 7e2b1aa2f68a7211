"""ingest and plan: from files to a plan, and on to a journey."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .desk import Desk
from .everywhere import command
from .run import run, say_without_rollback
from .show_commands import give_plan, judge

if TYPE_CHECKING:
    from .agents.issues import Validation
    from .store.plan import Plan

app = typer.Typer()
PANEL = "From files to a knowledge base"


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
        give_plan(desk, plan, _validation(desk, plan))
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
    from .store.plan_text import changes

    desk.usage_exit = 64 if detailed_exitcode else 2
    made = _make_plan(desk, paths, kb, request, planner, no_expose, on_file_error)
    validation = _validation(desk, made)
    if out is not None and not desk.options.dry_run:
        from .planfile import write_plan

        write_plan(out, plan_shape(made, validation))
    give_plan(desk, made, validation)
    if validation is not None and not validation.valid:
        return 3
    return 2 if detailed_exitcode and changes(made) else 0


def _make_plan(
    desk: Desk,
    paths: list[str] | None,
    kb: str | None,
    request: str | None,
    planner: Planner,
    no_expose: bool,
    on_file_error: OnFileError | None,
) -> "Plan":
    from .store.errors import UsageError

    if not paths and not request:
        raise UsageError(
            "there is nothing to plan: a PATH is missing",
            cause="name files or folders, or say with --request what is wanted",
            next="milepost plan PATH --kb NAME",
        )
    if on_file_error is not None:
        desk.also(f"on_file_error={on_file_error.value}")
    plan = desk.mp.plan(
        paths or [],
        kb=kb,
        request=request,
        planner=planner.value,
        expose=not no_expose,
        save=not desk.options.dry_run,
    )
    if plan.origin.planner == "fallback":
        desk.console.cry(f"warning: the template made this plan, not a model: {plan.origin.reason}")
    return plan


def _validation(desk: Desk, plan: "Plan") -> "Validation | None":
    return judge(plan) if desk.policy.validates else None
