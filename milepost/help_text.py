"""Help in plain columns: commands and options in groups, nothing cut off; what a misspelt command may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from typer.core import TyperCommand, TyperGroup

from .store.errors import UsageError


class Command(TyperCommand):
    """A command whose help groups the options by their panel."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        _options(self.get_params(ctx), ctx, formatter)


class Group(TyperGroup):
    """Commands in groups; an unknown one is refused with the nearest that there is."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        named = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows = [
            (getattr(one, "rich_help_panel", None) or "Commands", (name, (one.help or "").split("\n")[0]))
            for name, one in named.items()
            if one is not None and not one.hidden
        ]
        _sections(rows, formatter)
        _options(self.get_params(ctx), ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        word = args[0]
        if self.get_command(ctx, word) is None and not word.startswith("-"):
            raise self._unknown(ctx.command_path, word)
        return super().resolve_command(ctx, args)

    def _unknown(self, path: str, word: str) -> UsageError:
        known = {name: f"{path} {name}" for name in self.commands}
        for name, inner in self.commands.items():
            known |= {last: f"{path} {name} {last}" for last in getattr(inner, "commands", {}) if last not in known}
        near = difflib.get_close_matches(word[:80], known, n=1, cutoff=0.6)
        asked = f"{path} {word[:80]}".removeprefix("milepost ")
        listed = f"{path} --help lists what there is"
        if not near:
            return UsageError(f'there is no command "{asked}"', cause=listed, next=f"{path} --help")
        meant = known[near[0]].removeprefix("milepost ")
        within = path.removeprefix("milepost").strip()
        return UsageError(
            f'there is no command "{asked}"; did you mean {meant}?',
            cause=listed,
            instead=(word, *meant.removeprefix(within).split()),
            next=f"{known[near[0]]} --help",
        )


def _options(parameters: Iterable[Any], ctx: Any, formatter: Any) -> None:
    rows: list[tuple[str, tuple[str, str]]] = []
    for one in parameters:
        record = one.get_help_record(ctx)
        if record is None:
            continue
        if one.param_type_name == "argument":
            if one.help:
                rows.append(("Arguments", (one.metavar or one.name, one.help)))
        else:
            rows.append((getattr(one, "rich_help_panel", None) or "Options", record))
    _sections(rows, formatter)


def _sections(rows: Iterable[tuple[str, tuple[str, str]]], formatter: Any) -> None:
    grouped: dict[str, list[tuple[str, str]]] = {}
    for panel, row in rows:
        grouped.setdefault(panel, []).append(row)
    for panel, listed in grouped.items():
        with formatter.section(panel):
            formatter.write_dl(listed, col_max=24)
