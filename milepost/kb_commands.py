"""The kb commands: what is in the knowledge bases, their history, and whether they are whole."""

from typing import Annotated

import typer

from .completing import KB
from .desk import Desk
from .everywhere import command
from .run import end, finish

Kb = Annotated[str, KB]
app = typer.Typer()


@command(app, "list")
def list_(desk: Desk) -> None:
    """List the knowledge bases."""
    from .render import columns
    from .shapes import dumps

    kbs = desk.mp.kb_list()
    desk.console.give({"kbs": dumps(kbs)})
    rows = [(one.name, str(one.revision), str(one.sources), str(one.chunks)) for one in kbs]
    heads = ("KB", "REVISION", "SOURCES", "CHUNKS")
    desk.console.say(columns(heads, rows, right=(1, 2, 3)) if rows else "There are no knowledge bases yet.")


@command(app, "stats")
def stats(desk: Desk, kb: Kb) -> None:
    """Show a knowledge base's size, collection and embedder."""
    from .shapes import dump
    from .store.words import clean, count

    shape = dump(desk.mp.kb_stats(kb))
    desk.console.give({"kb": shape})
    said = {key: str(value) for key, value in shape.items() if key != "audiences"}
    said |= {f"for {name} only": count(sources, "source") for name, sources in shape["audiences"].items()}
    lines = [f"{clean(key).replace('_', ' '):<14} {clean(value)}" for key, value in said.items()]
    desk.console.say("\n".join(lines))


@command(app, "log")
def log(desk: Desk, kb: Kb) -> None:
    """List a knowledge base's revisions, newest first."""
    from .render import revision_table
    from .shapes import dumps

    revisions = desk.mp.kb_log(kb)
    desk.console.give({"revisions": dumps(revisions)})
    desk.console.say(revision_table(revisions) if revisions else f"kb {kb} has no revisions yet.")


@command(app, "diff")
def diff(
    desk: Desk,
    kb: Kb,
    start: Annotated[int, typer.Option("--from", metavar="A", min=0, show_default=False)],
    to: Annotated[int, typer.Option("--to", metavar="B", min=0, show_default=False)],
) -> None:
    """Show what changed from one revision to another."""
    from .render import diff_text
    from .shapes import dump

    found = desk.mp.kb_diff(kb, start, to)
    desk.console.give({"diff": dump(found)})
    desk.console.say(diff_text(found))


@command(app, "verify")
def verify(desk: Desk, kb: Kb) -> int:
    """Compare the record with the store and find every chunk by its own vector."""
    import shlex

    from .render import verify_text
    from .shapes import dump

    report = desk.mp.kb_verify(kb)
    repair = f"milepost kb rebuild --kb {shlex.quote(kb)}"
    desk.console.give({"verify": dump(report)} | ({} if report.ok else {"next": repair}))
    desk.console.say(verify_text(kb, report))
    if not report.ok and not desk.console.json:
        desk.console.cry(f"next: {repair}")
    return 0 if report.ok else 7


@command(app, "rebuild")
def rebuild(desk: Desk, kb: Kb) -> None:
    """Write a knowledge base's collection anew from the record."""
    if desk.options.dry_run:
        report = desk.mp.kb_stats(kb)
        desk.console.give({"done": {"kb": kb, "chunks": report.chunks, "dry_run": True}})
        desk.console.say(f"Would write {report.chunks} chunks into a new collection.")
        return
    done = desk.mp.kb_rebuild(kb)
    desk.console.give({"done": done})
    desk.console.say(f"Rebuilt kb {kb} from the record{_figures(done)}.")


@command(app, "digest")
def digest(desk: Desk, kb: Kb) -> None:
    """Compute the digest of what the collection really holds."""
    from .shapes import dump

    found = desk.mp.kb_digest(kb)
    desk.console.give({"digest": dump(found)})
    desk.console.say(f"{found.digest}  kb {found.kb}, revision {found.revision}, {found.chunks} chunks")


@command(app, "remove")
def remove(desk: Desk, source: Annotated[str, typer.Argument(metavar="SOURCE")], kb: Kb) -> int:
    """Take a source out of a knowledge base; a journey, which can be undone."""
    from .store.words import count

    way_back = "; it can be undone" if desk.policy.restorable else "; this cannot be undone: rollback is off"
    going = sum(file.chunks for file in desk.mp.plan_removal(source, kb=kb).files)
    preview = f"  - remove  {source} from kb {kb}, {count(going, 'chunk')}{way_back}"
    if desk.options.dry_run:
        desk.console.give({"done": {"kb": kb, "source": source, "dry_run": True}})
        desk.console.say(preview)
        return 0
    if not desk.ask("Remove it?", preview=preview):
        return finish(desk, "done", "Nothing was removed.")
    with desk.progress() as listener:
        journey = desk.mp.kb_remove(source, kb=kb, approve=True, on_progress=listener)
    from .shapes import dump

    desk.console.give({"done": dump(journey)})
    return end(desk, journey)


@command(app, "purge")
def purge(desk: Desk, source: Annotated[str, typer.Argument(metavar="SOURCE")], kb: Kb) -> int:
    """Really delete a source everywhere, for ever; this cannot be undone."""
    from .kept_text import deletion_text
    from .store.words import clean

    foreseen = desk.mp.kb_purge(source, kb=kb, dry_run=True)
    if desk.options.dry_run:
        return _deleted(desk, foreseen)
    if not desk.ask(f"Purge {clean(source)} for ever?", preview=deletion_text(foreseen)):
        return finish(desk, "done", "Nothing was purged.")
    return _deleted(desk, desk.mp.kb_purge(source, kb=kb))


@command(app, "drop")
def drop(desk: Desk, kb: Kb) -> int:
    """Really delete a knowledge base with its history; this cannot be undone."""
    from .kept_text import deletion_text
    from .store.words import clean

    foreseen = desk.mp.kb_drop(kb, dry_run=True)
    if desk.options.dry_run:
        return _deleted(desk, foreseen)
    if not desk.ask(f"Drop kb {clean(kb)} for ever?", preview=deletion_text(foreseen)):
        return finish(desk, "done", "Nothing was dropped.")
    return _deleted(desk, desk.mp.kb_drop(kb))


def _deleted(desk: Desk, done: dict[str, object]) -> int:
    from .kept_text import deletion_text

    desk.console.give({"done": done})
    desk.console.say(deletion_text(done, everything=desk.options.verbose))
    return 7 if done.get("unfinished") else 0


def _figures(done: dict[str, object]) -> str:
    told = [
        f"{key} {value}" if key == "revision" else f"{value} {key.replace('_', ' ')}"
        for key, value in done.items()
        if isinstance(value, int) and not isinstance(value, bool)
    ]
    return f": {', '.join(told)}" if told else ""
