"""gc: what no promised undo needs is given up, after it was shown which undos end."""

from typing import Any

import typer

from .desk import Desk
from .everywhere import command
from .home_commands import PANEL
from .run import finish

app = typer.Typer()


@command(app, "gc", panel=PANEL)
def gc(desk: Desk) -> int:
    """Give up what no promised undo needs, after showing which undos end."""
    from .kept_text import collected_text

    foreseen = desk.mp.gc(dry_run=True)
    if desk.options.dry_run:
        desk.console.give({"done": foreseen})
        desk.console.say(collected_text(foreseen, everything=desk.options.verbose))
        return 0
    if not _anything(foreseen):
        desk.console.give({"done": {**foreseen, "disk_bytes": 0, "dry_run": False}})
        desk.console.say(collected_text(foreseen))
        return 0
    shown = collected_text(foreseen, everything=desk.options.verbose)
    if not desk.ask("Give it up for ever?", preview=shown):
        return finish(desk, "done", "Nothing was given up.")
    done = desk.mp.gc(as_of=foreseen["as_of"])
    desk.console.give({"done": done})
    desk.console.say(collected_text(done, everything=desk.options.verbose))
    return 0


def _anything(found: dict[str, Any]) -> bool:
    return bool(found["undos"] or found["chunks"] or found["texts"] or found["uploads"])
