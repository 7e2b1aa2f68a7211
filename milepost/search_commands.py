"""search and documents: what people find in the knowledge bases, and in the librarian."""

from typing import Annotated

import typer

from .completing import KB
from .desk import Desk
from .everywhere import command

app = typer.Typer()
PANEL = "Looking"
SLOW = 2.0
"""Seconds after which a search says what it costs."""


MANY = 5_000
"""Chunks of a kb from which on it is they that make a search slow."""


@command(app, "search", panel=PANEL)
def search(
    desk: Desk,
    query: Annotated[list[str], typer.Argument(metavar="QUERY", help="In words; they need no quotes.")],
    kb: Annotated[str, KB],
    k: Annotated[int, typer.Option("-k", metavar="N", help="How many answers.", min=1, max=10_000)] = 5,
    at: Annotated[
        int | None,
        typer.Option("--at", metavar="REVISION", help="As it was then.", show_default=False, min=0),
    ] = None,
    audience: Annotated[
        list[str] | None,
        typer.Option(
            "--audience",
            metavar="WHO",
            show_default=False,
            help="Only what is for them or for everybody; repeat it for somebody of several. Without, all of it.",
        ),
    ] = None,
) -> None:
    """Search a knowledge base, as it is or as it was."""
    import time

    from .render import hits_text
    from .shapes import dumps

    began = time.monotonic()
    hits = desk.mp.search(" ".join(query), kb=kb, k=k, at=at, audience=audience)
    seconds = time.monotonic() - began
    if seconds > SLOW and (chunks := desk.mp.kb_stats(kb).chunks) >= MANY:  # fewer are not what takes the time
        desk.console.tell(f"note: this took {seconds:.1f} s: a search looks at every one of the kb's {chunks:,} chunks")
    if audience and at is None:
        _tell_unknown(desk, kb, audience)
    desk.console.give({"results": dumps(hits)})
    found = hits_text(hits, desk.console.width, everything=desk.options.verbose)
    nothing = f"Nothing is in kb {kb}{'' if at is None else ' at that revision'}{' for them' if audience else ''}."
    desk.console.say(found if hits else nothing)


def _tell_unknown(desk: Desk, kb: str, audience: list[str]) -> None:
    """Say which audiences nothing is for, and which there are: a name that was mistyped finds less, not more."""
    from .store.audience import audience_name
    from .store.words import clean

    known = desk.mp.kb_stats(kb).audiences
    unknown = [one for one in audience if one.strip() and audience_name(one) not in known]
    if unknown:
        there = f"there are: {', '.join(clean(one) for one in known)}" if known else "everything is for everybody"
        desk.console.tell(f"note: nothing in kb {kb} is for {' or '.join(clean(one) for one in unknown)} only; {there}")


@command(app, "documents", panel=PANEL)
def documents(
    desk: Desk,
    type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Of one type only.", show_default=False)
    ] = None,
    find: Annotated[
        str | None, typer.Option("--find", metavar="TEXT", help="Nearest in meaning.", show_default=False)
    ] = None,
) -> None:
    """List the librarian's documents: plans, forward documentation, checkpoints, outcomes."""
    from .render import columns, moment
    from .store.words import short_id

    found = desk.mp.documents(type=type, find=find)
    desk.console.give({"documents": found})
    rows = [(short_id(one["document_id"])[:36], one["type"], moment(one["timestamp"])) for one in found]
    desk.console.say(columns(("DOCUMENT", "TYPE", "TIME (UTC)"), rows) if rows else "There are no documents.")
