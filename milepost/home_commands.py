"""init and doctor: making a home, and whether all is well in it."""

import typer

from .desk import Desk
from .everywhere import command

app = typer.Typer()
PANEL = "A home"


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


@command(app, "doctor", panel=PANEL)
def doctor(desk: Desk) -> int:
    """Show what is configured, what is healthy, and what to do about the rest."""
    from .store.words import clean

    checks = desk.mp.doctor()
    desk.console.give({"checks": checks})
    for one in checks:
        desk.console.say(f"  {'+ ok  ' if one['ok'] else '! bad '} {one['name']:<18} {clean(str(one['detail']))}")
        if not one["ok"] and one.get("next"):
            desk.console.say(f"next: {clean(str(one['next']))}")
    return 0 if all(one["ok"] for one in checks) else 7
