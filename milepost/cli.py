"""The command line: every command put together, and `main`, which turns whatever happens into an exit code."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.main import get_command

from . import (
    apply_commands,
    chat_commands,
    compare_commands,
    eval_commands,
    home_commands,
    journey_commands,
    kb_commands,
    keeping_commands,
    mcp_commands,
    plan_commands,
    policy_commands,
    report_commands,
    search_commands,
    show_commands,
)
from .console import Console
from .everywhere import gather, with_options
from .failure import report
from .help_text import Group
from .store.errors import UsageError
from .typed import remember

Version = Annotated[bool, typer.Option("--version", help="Show the version.")]


def _group(help: str, *, completes: bool = False) -> typer.Typer:
    return typer.Typer(
        cls=Group, help=help, add_completion=completes, invoke_without_command=True, rich_markup_mode=None,
        context_settings={"help_option_names": ["--help", "-h"]}, pretty_exceptions_enable=False,
    )  # fmt: skip


def _callback(app: typer.Typer) -> None:
    """Let a group take the options of every command, and say what it has where no command is named."""

    def root(ctx: typer.Context, **values: Any) -> None:
        given = gather(ctx, values)
        if values.get("version"):
            from . import __version__

            Console(json=given.json).give({"version": __version__})
            if not given.json:
                typer.echo(f"milepost {__version__}")
            raise typer.Exit(0)
        if ctx.invoked_subcommand is None:
            if given.json:
                raise UsageError("a command is missing", next=f"{ctx.command_path} --help")
            typer.echo(ctx.get_help())
            raise typer.Exit(0)

    def version(version: Version = False) -> None: ...

    app.callback()(with_options(root, version))


def build() -> typer.Typer:
    """The whole command line."""
    app = _group("Change knowledge bases by plan, with checkpoints, and take every change back.", completes=True)
    kb = _group("Knowledge bases: what is in them, their history, their health.")
    policy = _group("The policy in force, its presets, and whether a policy file is sound.")
    evaluation = _group("AI plans against template plans, on cases: run, score, compare, report.")
    for group in (app, kb, policy, evaluation):
        _callback(group)
    parts = (
        home_commands, plan_commands, show_commands, apply_commands, journey_commands, report_commands,
        search_commands,
        chat_commands, keeping_commands, mcp_commands,
    )  # fmt: skip
    for part in parts:
        app.registered_commands += part.app.registered_commands
    kb.registered_commands += kb_commands.app.registered_commands
    policy.registered_commands += policy_commands.app.registered_commands
    evaluation.registered_commands += eval_commands.app.registered_commands + compare_commands.app.registered_commands
    app.add_typer(kb, name="kb", rich_help_panel=search_commands.PANEL)
    app.add_typer(evaluation, name="eval", rich_help_panel=home_commands.PANEL)
    app.add_typer(policy, name="policy", rich_help_panel=home_commands.PANEL)
    return app


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code."""
    words = list(sys.argv[1:] if argv is None else argv)
    remember(words)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    options = words[: words.index("--")] if "--" in words else words
    try:
        _refuse_no_text(words)
        return int(get_command(build()).main(args=words, prog_name="milepost", standalone_mode=False) or 0)
    except Exception as error:
        console = Console(json="--json" in options, no_color="--no-color" in options)
        usage = 64 if "--detailed-exitcode" in options else 2
        return report(error, console, debug="--debug" in options, usage_exit=usage)


def _refuse_no_text(words: Sequence[str]) -> None:
    """Refuse a word that is no UTF-8: it could be neither kept nor shown."""
    for word in words:
        if not word.isascii() and not _is_text(word):
            raise UsageError(
                f"{word!a} is not UTF-8 text",
                cause=f"the system's encoding is {sys.getfilesystemencoding()}; PYTHONUTF8=1 makes it UTF-8,"
                " and a folder of another name can be given as . from inside",
            )


def _is_text(word: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in word)
