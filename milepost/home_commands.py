"""init and doctor: making a home, and whether all is well in it."""

from typing import Any

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
    from .typed import offered

    checks = _checks(desk)
    for one in checks:
        one["next"] = offered(str(one["next"]))
    desk.console.give({"checks": checks})
    for one in checks:
        desk.console.say(f"  {'+ ok  ' if one['ok'] else '! bad '} {one['name']:<18} {clean(str(one['detail']))}")
        if not one["ok"]:
            desk.console.say(f"next: {clean(str(one['next']))}")
    return 0 if all(one["ok"] for one in checks) else 7


def _checks(desk: Desk) -> list[dict[str, Any]]:
    """What is configured, and then what the home holds; where the configuration is damaged, only that."""
    from .failure import next_command
    from .store.errors import MilepostError

    try:
        settings = desk.settings
    except MilepostError as damage:
        detail = f"{damage}: {damage.cause}" if damage.cause else str(damage)
        return [{"name": "configuration", "ok": False, "detail": detail, "next": next_command(damage)}]
    said = str(settings.config) if settings.config else "no milepost.toml: the defaults, the environment, the arguments"
    model = f"{settings.model.name} drafts plans where it is asked to" if settings.model.configured else _NO_MODEL
    configured = [("configuration", said), ("model", model)]
    return [*({"name": name, "ok": True, "detail": told, "next": ""} for name, told in configured), *desk.mp.doctor()]


_NO_MODEL = "none: the template plans; MILEPOST_MODEL and OPENAI_API_KEY configure one"
