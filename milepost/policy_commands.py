"""policy show, check and presets: the policy in force, and what it gives and costs."""

import textwrap
from pathlib import Path
from typing import Annotated, Any

import typer

from .desk import Desk
from .everywhere import command

app = typer.Typer()


@command(app, "show")
def show(desk: Desk) -> None:
    """Show the policy in force, where each value comes from, what it gives and costs."""
    _give(desk, desk.settings.resolved, "policy")


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
    _give(desk, resolved, "policy", checked=str(file) if file else "the policy in force")


@command(app, "presets")
def presets(desk: Desk) -> None:
    """Show the four presets."""
    from .render import columns
    from .store.policy_sources import policy_from, resolve_policy

    named = {name: resolve_policy((name, name)) for name in ("none", "rollback", "full", "documentation")}
    shapes = {name: {key: one["value"] for key, one in found.table().items()} for name, found in named.items()}
    desk.console.give({"presets": _plain(shapes)})
    default = policy_from("none").model_dump()
    differing = [key for key in default if any(shape.get(key) != shapes["none"].get(key) for shape in shapes.values())]
    rows = [(key, *(_shown(shape[key]) for shape in shapes.values())) for key in differing]
    desk.console.say(columns(("", *(name.upper() for name in shapes)), rows))


def _give(desk: Desk, resolved: Any, key: str, *, checked: str | None = None) -> None:
    from .render import columns
    from .store.policy_sources import guarantees

    lines = guarantees(resolved.policy)
    extra = {} if checked is None else {"check": {"ok": True, "what": checked}}
    shape = {key: _plain(resolved.table()), "guarantees": lines, "notes": list(resolved.notes)}
    desk.console.give(extra | shape)
    if checked is not None:
        desk.console.say(f"{checked} is sound.")
    else:
        rows = [(name, _shown(one["value"]), one["source"]) for name, one in resolved.table().items()]
        desk.console.say(columns(("KEY", "VALUE", "FROM"), rows))
        wrapped = (textwrap.fill(f"- {line}", desk.console.width, subsequent_indent="  ") for line in lines)
        desk.console.say("\n" + "\n".join(wrapped))
    for note in resolved.notes:
        desk.console.cry(f"warning: {note}")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value) or "all"
    return "none" if value is None else str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
