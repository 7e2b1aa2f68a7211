"""report: one journey as one page to keep, to print or to send."""

from pathlib import Path
from typing import Annotated

import typer

from .desk import Desk
from .everywhere import command
from .journey_commands import PANEL

app = typer.Typer()


@command(app, "report", panel=PANEL)
def report(
    desk: Desk,
    journey: Annotated[str, typer.Argument(metavar="JOURNEY")],
    out: Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="Where the HTML page is written.")],
) -> None:
    """Write one self-contained HTML page: plan, what changed, timeline, checkpoints, how to undo."""
    from .planfile import write_whole
    from .store.words import clean, short_id, size

    full = desk.mp.expand(journey)
    page = desk.mp.report(full)
    path = Path(out)
    weight = len(page.encode())
    if not desk.options.dry_run:
        write_whole(path, page, what="report", next=f"milepost report {short_id(full)} -o FILE.html")
    desk.console.give({"report": {"journey_id": full, "file": str(path), "bytes": weight}})
    said = "Dry run: nothing was written; would write" if desk.options.dry_run else "Wrote"
    desk.console.say(f"{said} {clean(str(path))} ({size(weight)}, one page that needs no network).")
