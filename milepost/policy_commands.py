"""policy show, check and presets: the policy in force, and what it gives and costs."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from .desk import Desk
from .everywhere import command

if TYPE_CHECKING:
    from .store.policy_sources import ResolvedPolicy

app = typer.Typer()


@command(app, "show")
def show(desk: Desk) -> None:
    """Show the policy in force, where each value comes from, what it gives and costs."""
    _give(desk, desk.settings.resolved)


@command(app, "check")
def check(
    desk: Desk,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="The policy in force if left out.", show_default=False)
    ] = None,
) -> None:
    """Check a policy file for unknown keys and contradictions."""
    from .store.policy_sources import resolve_policy

    resolved = desk.settings.resolved if file is None else resolve_policy((str(file), file))
    _give(desk, resolved, checked=str(file) if file else "the policy in force")


@command(app, "presets")
def presets(desk: Desk) -> None:
    """Show the four presets."""
    from .render import columns
    from .store.policy import PRESETS
    from .store.policy_sources import resolve_policy

    values = {
        name: {key: one["value"] for key, one in resolve_policy((name, name)).table().items()} for name in PRESETS
    }
    desk.console.give({"presets": values})
    differing = [key for key in values["none"] if len({str(shape[key]) for shape in values.values()}) > 1]
    rows = [(key, *(_shown(shape[key]) for shape in values.values())) for key in differing]
    desk.console.say(columns(("", *(name.upper() for name in values)), rows))


def _give(desk: Desk, resolved: "ResolvedPolicy", *, checked: str | None = None) -> None:
    from .render import columns
    from .store.policy_sources import guarantees

    lines, table = guarantees(resolved.policy), resolved.table()
    extra = {} if checked is None else {"check": {"ok": True, "what": checked}}
    desk.console.give(extra | {"policy": table, "guarantees": lines, "notes": list(resolved.notes)})
    if checked is not None:
        desk.console.say(f"{checked} is sound.")
    else:
        rows = [(name, _shown(one["value"]), one["source"]) for name, one in table.items()]
        desk.console.say(columns(("KEY", "VALUE", "FROM"), rows))
        wrapped = (textwrap.fill(f"- {line}", desk.console.width, subsequent_indent="  ") for line in lines)
        desk.console.say("\n" + "\n".join(wrapped))
    for note in resolved.notes:
        desk.console.cry(f"warning: {note}")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(cast("tuple[str, ...]", value)) or "all"
    return "none" if value is None else str(value)
