"""The options that every command takes, before its name and after it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from .desk import Desk, work
from .help_text import Command

P = ParamSpec("P")
Job = Callable[Concatenate[Desk, P], int | None]

_PANEL = "Everywhere, before or after the command"


def _option(*names: str, help: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel=_PANEL, show_default=False)


@dataclass(frozen=True)
class Everywhere:
    """Each option with its type and help; a value that is not given is None or False."""

    home: Annotated[str | None, _option("--home", metavar="DIR", help="Where everything is kept (.milepost).")] = None
    policy: Annotated[
        str | None, _option("--policy", metavar="PRESET|FILE", help="none, rollback, full, documentation.")
    ] = None
    sets: Annotated[
        list[str] | None, _option("--set", metavar="KEY=VALUE", help="One key of the policy; may be repeated.")
    ] = None
    user: Annotated[str | None, _option("--user", metavar="NAME", help="Who acts (the operating system's user).")] = (
        None
    )
    tenant: Annotated[str | None, _option("--tenant", metavar="NAME", help="On whose behalf (default).")] = None
    wait: Annotated[
        float | None, _option("--wait", metavar="SECONDS", help="How long to wait for a busy store (10).")
    ] = None
    json: Annotated[bool, _option("--json", help="One JSON object on stdout, errors too.")] = False
    yes: Annotated[bool, _option("--yes", "-y", help="Answer the command's question with yes.")] = False
    no_input: Annotated[bool, _option("--no-input", help="Never ask; exit 2 where it would.")] = False
    dry_run: Annotated[bool, _option("--dry-run", help="Show what would happen; change nothing.")] = False
    quiet: Annotated[bool, _option("--quiet", "-q", help="No progress and no notes.")] = False
    verbose: Annotated[bool, _option("--verbose", "-v", help="Every file, and more detail.")] = False
    debug: Annotated[bool, _option("--debug", help="Show the traceback of an error.")] = False
    no_color: Annotated[bool, _option("--no-color", help="No colour.")] = False


def _parameters() -> list[inspect.Parameter]:
    hints = inspect.get_annotations(Everywhere, eval_str=True)
    return [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=hints[field.name]
        )
        for field in fields(Everywhere)
    ]


_SHARED = _parameters()
_NAMES = frozenset(parameter.name for parameter in _SHARED)
_GIVEN = "milepost.given"


def command(
    app: typer.Typer, name: str, *, panel: str | None = None, hidden: bool = False
) -> Callable[[Job[P]], Job[P]]:
    """Register a function of a `Desk` as a command that also takes the options of every command."""

    def register(job: Job[P]) -> Job[P]:
        def run(ctx: typer.Context, **values: Any) -> int:
            given = gather(ctx, values)
            own = {key: value for key, value in values.items() if key not in _NAMES}
            return work(given, lambda desk: job(desk, **own))  # type: ignore[call-arg] # typer passes what job declares

        app.command(name, cls=Command, help=job.__doc__, rich_help_panel=panel, hidden=hidden)(
            with_options(run, job, skip=1)
        )
        return job

    return register


def with_options(
    run: Callable[..., Any], job: Callable[..., Any] | None = None, *, skip: int = 0
) -> Callable[..., Any]:
    """Declare `run` to take what `job` takes (but for the first `skip`), and the options of every command."""
    own = list(inspect.signature(job, eval_str=True).parameters.values())[skip:] if job else []
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    ordered = [context, *(one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in own), *_SHARED]
    run.__signature__ = inspect.Signature(ordered)  # type: ignore[attr-defined] # what inspect.signature reads
    run.__annotations__ = {one.name: one.annotation for one in ordered}
    return run


def gather(ctx: typer.Context, values: dict[str, Any]) -> Everywhere:
    """What was given so far: on the way down to the command, the later ones count, and `--set` adds up."""
    given: dict[str, Any] = ctx.meta.setdefault(_GIVEN, {})
    for name in _NAMES & values.keys():
        value = values[name]
        if name == "sets":
            given[name] = [*given.get(name, []), *(value or [])]
        elif value is not None and value is not False:  # a number may be 0
            given[name] = value
    return Everywhere(**given)
