"""ingest and plan: from files to a plan, and on to a journey."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import typer

from .completing import KB
from .desk import Desk
from .everywhere import command
from .run import run, warn_of_fallback
from .show_commands import give_plan, judge, say_plan

if TYPE_CHECKING:
    from .agents.issues import Validation
    from .progress import Listener
    from .store.plan import Plan
    from .store.records import Journey

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
Kb = Annotated[str | None, KB]
Request = Annotated[
    str | None,
    typer.Option("--request", metavar="TEXT", help="What is wanted, in words.", show_default=False),
]
PlannedBy = Annotated[Planner, typer.Option("--planner", help="Who makes the plan.")]
NoExpose = Annotated[bool, typer.Option("--no-expose", help="Stage only: search shows nothing new yet.")]
OnError = Annotated[
    OnFileError | None, typer.Option("--on-file-error", help="When one file fails.", show_default=False)
]

Archives = Annotated[bool, typer.Option("--archives", help="Open zip archives: each file in one is a source.")]


class Wish(TypedDict):
    """What is to be planned, as `Milepost.plan` and `Milepost.ingest` take it."""

    paths: list[str]
    kb: str | None
    request: str | None
    planner: str
    expose: bool


def _wish(
    desk: Desk,
    paths: list[str] | None,
    kb: str | None,
    request: str | None,
    planner: Planner,
    no_expose: bool,
    on_file_error: OnFileError | None,
    archives: bool,
    *,
    command: str = "plan",
    asked: bool = False,
) -> Wish:
    from .store.errors import UsageError

    if not paths and not request and not asked:
        raise UsageError(
            "there is nothing to plan: a PATH is missing",
            cause="name files or folders, or say with --request what is wanted",
            next=f"milepost {command} PATH --kb NAME",
        )
    if on_file_error is not None:
        desk.also(f"on_file_error={on_file_error.value}")
    if archives:
        desk.also("archives=true")
    if kb is not None:
        _tell_near(desk, kb)
    return Wish(paths=paths or [], kb=kb, request=request, planner=planner.value, expose=not no_expose)


def _tell_near(desk: Desk, kb: str) -> None:
    """Say of a kb that is not there yet which one was perhaps meant: a misspelt name would make a second one."""
    from difflib import get_close_matches

    from .store.words import clean

    names = {one.name.lower(): one.name for one in desk.mp.kb_list()}
    near = get_close_matches(kb.lower(), names, n=1, cutoff=0.6)
    if kb not in names.values() and near:
        desk.console.tell(f"note: kb {clean(kb)} is new; there is one called {clean(names[near[0]])}")


@command(app, "ingest", panel=PANEL)
def ingest(
    desk: Desk,
    paths: Paths = None,
    kb: Kb = None,
    request: Request = None,
    planner: PlannedBy = Planner.AUTO,
    no_expose: NoExpose = False,
    on_file_error: OnError = None,
    archives: Archives = False,
) -> int:
    """Plan and apply in one go: put files into a knowledge base."""
    wish = _wish(desk, paths, kb, request, planner, no_expose, on_file_error, archives, command="ingest")
    if desk.options.dry_run:
        _plan(desk, wish)
        return 0

    def start(approve: bool, listener: "Listener") -> "Journey":
        return desk.mp.ingest(**wish, approve=approve, on_progress=listener)

    return run(desk, start)


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
    archives: Archives = False,
    journey_type: Annotated[
        str | None,
        typer.Option("--type", metavar="NAME", help="A journey type of your own.", show_default=False),
    ] = None,
    args: Annotated[
        list[str] | None,
        typer.Option("--arg", metavar="NAME=VALUE", help="What its steps take; once for each.", show_default=False),
    ] = None,
) -> int:
    """Make, check, document and save a plan; change nothing in any knowledge base."""
    from .store.plan_text import changes

    desk.usage_exit = 64 if detailed_exitcode else 2
    own = _own(desk, journey_type, args)
    wish = _wish(desk, paths, kb, request, planner, no_expose, on_file_error, archives, asked=bool(own))
    if request and kb is None and out is None and not own:
        plans = _plans(desk, wish)
    else:
        plans = [_plan(desk, wish, out, **own)]
    if any(validation is not None and not validation.valid for _, validation in plans):
        return 3
    return 2 if detailed_exitcode and any(changes(made) for made, _ in plans) else 0


def _plans(desk: Desk, wish: Wish) -> "list[tuple[Plan, Validation | None]]":
    """A plan for each kb that a request names, shown one after the other."""
    from .shapes import plans_shape

    asked = {name: value for name, value in wish.items() if name != "kb"}
    made: list[Plan] = desk.mp.plan_each(**asked, save=not desk.options.dry_run)  # type: ignore[arg-type]  # a Wish
    plans = [(plan, judge(desk, plan) if desk.policy.validates else None) for plan in made]
    desk.console.give(plans_shape(plans))
    for plan, validation in plans:
        warn_of_fallback(desk, plan)
        say_plan(desk, plan, validation)
    return plans


def _own(desk: Desk, journey_type: str | None, args: list[str] | None) -> dict[str, Any]:
    """What is asked of a type of a user's own, as `Milepost.plan` takes it; empty for an ingest."""
    from .store.errors import UsageError
    from .type_args import read_args

    if journey_type is None:
        if args:
            raise UsageError("--arg needs --type NAME", cause="an ingest takes no arguments")
        return {}
    kind = desk.mp.workspace.types.find(journey_type)
    return {"journey_type": journey_type, "args": read_args(kind, args or [])}


def _plan(desk: Desk, wish: Wish, out: Path | None = None, **own: Any) -> "tuple[Plan, Validation | None]":
    """Make a plan, write it to a file where one is named, and show it; `--dry-run` keeps nothing of it."""
    from .planfile import write_plan
    from .shapes import plan_shape

    plan = desk.mp.plan(**wish, **own, save=not desk.options.dry_run)
    warn_of_fallback(desk, plan)
    validation = judge(desk, plan) if desk.policy.validates else None
    if out is not None and not desk.options.dry_run:
        write_plan(out, plan_shape(plan, validation))
    give_plan(desk, plan, validation)
    return plan, validation
