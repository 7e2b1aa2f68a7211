"""resume, journeys, status, checkpoints, rollback: what happened, going on, going back."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .completing import KB
from .desk import Desk
from .everywhere import command
from .run import end, finish, run

if TYPE_CHECKING:
    from .progress import Listener
    from .store.records import Checkpoint, Journey, RollbackResult


class OnConflict(StrEnum):
    REFUSE = "refuse"
    SKIP = "skip"
    FORCE = "force"


Kb = Annotated[str | None, KB]
app = typer.Typer()
PANEL = "Journeys, and going back"


@command(app, "resume", panel=PANEL)
def resume(
    desk: Desk,
    journey: Annotated[str, typer.Argument(metavar="JOURNEY")],
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="CHECKPOINT",
            help="Back to there first; with --set, on with other options.",
            show_default=False,
        ),
    ] = None,
) -> int:
    """Go on after a crash, a stop, a failure or a rollback; retry the files that failed."""
    full = desk.mp.expand(journey)
    place = desk.mp.expand(start) if start is not None else None
    if place is not None and not _may_go_back(desk, full, place):
        return 0
    if desk.options.dry_run:
        return end(desk, desk.mp.status(full)) and 0
    policy = desk.policy if desk.options.sets or desk.options.policy else None

    def go_on(approve: bool, listener: "Listener") -> "Journey":
        return desk.mp.resume(full, from_checkpoint=place, policy=policy, approve=approve, on_progress=listener)

    return run(desk, go_on)


@command(app, "journeys", panel=PANEL)
def journeys(desk: Desk, kb: Kb = None) -> None:
    """List journeys, newest first."""
    from .render import journey_table
    from .shapes import journeys_shape

    listed = desk.mp.journeys(kb)
    desk.console.give(journeys_shape(listed))
    desk.console.say(journey_table(listed) if listed else "There are no journeys yet.")


@command(app, "status", panel=PANEL)
def status(
    desk: Desk,
    journey: Annotated[
        str | None, typer.Argument(metavar="JOURNEY", help="The newest if left out.", show_default=False)
    ] = None,
) -> None:
    """Show one journey with its timeline."""
    from .render import status_text
    from .shapes import journey_shape

    full = desk.mp.expand(journey) if journey else None
    found = desk.mp.status(full)
    timeline = desk.mp.timeline(found.journey_id)
    desk.console.give(journey_shape(found, timeline))
    console = desk.console
    console.say(status_text(found, timeline, width=console.width, signs=console.signs, everything=desk.options.verbose))


@command(app, "checkpoints", panel=PANEL)
def checkpoints(
    desk: Desk,
    journey: Annotated[
        str | None, typer.Argument(metavar="JOURNEY", help="Of all if left out.", show_default=False)
    ] = None,
) -> None:
    """List the checkpoints one can go back to."""
    from .render import checkpoint_table
    from .shapes import dumps

    listed = desk.mp.checkpoints(desk.mp.expand(journey) if journey else None)
    desk.console.give({"checkpoints": dumps(listed)})
    desk.console.say(checkpoint_table(listed) if listed else "There are no checkpoints.")


@command(app, "rollback", panel=PANEL)
def rollback(
    desk: Desk,
    checkpoint: Annotated[str | None, typer.Argument(metavar="CHECKPOINT", show_default=False)] = None,
    journey: Annotated[
        list[str] | None,
        typer.Option("--journey", metavar="ID", help="To before this journey; several are one.", show_default=False),
    ] = None,
    last: Annotated[bool, typer.Option("--last", help="The kb's last journey; with --kb.")] = False,
    to: Annotated[
        int | None,
        typer.Option("--to", metavar="REVISION", help="The whole kb; with --kb.", show_default=False, min=0),
    ] = None,
    kb: Kb = None,
    on_conflict: Annotated[
        OnConflict | None,
        typer.Option("--on-conflict", help="Where others changed a source since.", show_default=False),
    ] = None,
) -> int:
    """Undo what a checkpoint's journey did after it; later journeys are kept."""
    target = _target(desk, checkpoint, journey, last, to, kb)
    if target is None:
        return finish(desk, "rollback", "Nothing was rolled back.")
    return _roll_back(desk, target | {"on_conflict": on_conflict.value if on_conflict else None})


def _target(
    desk: Desk, checkpoint: str | None, journeys: list[str] | None, last: bool, to: int | None, kb: str | None
) -> dict[str, Any] | None:
    """The one thing that was named, as arguments of `rollback`; with none of them a menu; None if it was left."""
    from .store.errors import UsageError

    named = [bool(checkpoint), bool(journeys), last, to is not None]
    if sum(named) > 1:
        raise UsageError("name one of CHECKPOINT, --journey, --last, --to", next="milepost rollback --help")
    if (last or to is not None) and not kb:
        raise UsageError(
            f"{'--last' if last else '--to'} needs --kb NAME", cause="a home may have several", next="milepost kb list"
        )
    if checkpoint:
        return {"checkpoint": desk.mp.expand(checkpoint)}
    if journeys:
        return {"journey": [desk.mp.expand(one) for one in journeys]}
    if last:
        return {"last": True, "kb": kb}
    if to is not None:
        return {"to": to, "kb": kb}
    chosen = _menu(desk, kb)
    return {"checkpoint": chosen.checkpoint_id} if chosen else None


def _menu(desk: Desk, kb: str | None) -> "Checkpoint | None":
    """The newest checkpoints to choose from, on a terminal."""
    from .render import checkpoint_table
    from .store.errors import NotFound, UsageError

    if not desk.console.interactive:
        raise UsageError(
            "where to go back to is missing, and there is no terminal for a menu",
            cause="name a CHECKPOINT, --journey ID, --last --kb NAME, or --to REVISION --kb NAME",
            state="nothing was changed",
            next="milepost checkpoints",
        )
    listed = [one for one in desk.mp.checkpoints() if kb is None or one.kb == kb][-20:]
    if not listed:
        raise NotFound("there are no checkpoints to go back to", next="milepost journeys")
    head, *rows = checkpoint_table(listed).split("\n")
    desk.console.cry("\n".join([f"    {head}", *(f"{at:>2}  {row}" for at, row in enumerate(rows, 1))]))
    chosen = desk.console.choose("Go back to which?", len(listed))
    return listed[chosen - 1] if chosen else None


def _roll_back(desk: Desk, target: dict[str, Any]) -> int:
    """Show what a rollback would do, ask, and do it."""
    preview = desk.mp.rollback(**target, dry_run=True)
    if desk.options.dry_run or preview.already_there:
        done = preview if desk.options.dry_run else preview.model_copy(update={"success": True})
        return _give(desk, done)
    if preview.conflicts and (target["on_conflict"] or desk.policy.on_conflict) == "refuse":
        raise _refused(preview)
    if not desk.ask("Roll back?", preview=_text(desk, preview)):
        desk.console.give(_shape(preview))
        desk.console.say("Nothing was rolled back.")
        return 0
    return _give(desk, desk.mp.rollback(**target))


def _refused(preview: "RollbackResult") -> Exception:
    from .store.errors import RollbackConflict
    from .store.words import count, short_id

    by = [f"{one.source} by {short_id(one.changed_by)}" for one in preview.conflicts]
    more = f", and {len(by) - 5} more" if len(by) > 5 else ""
    said = f"{count(len(by), 'source')} changed since: {', '.join(by[:5])}{more}"
    several = [f"--journey {short_id(one.journey_id)}" for one in preview.journeys]
    where = " ".join(several) if len(several) > 1 else short_id(preview.checkpoint_id)
    failed = preview.model_copy(update={"success": False, "error": said})
    return RollbackConflict(
        said,
        cause="going back would lose what others did; --on-conflict skip keeps it, force takes it back too",
        state="nothing was changed",
        next=f"milepost rollback {where} --on-conflict skip",
        conflicts=[one.model_dump() for one in preview.conflicts],
        rollback=failed.model_dump(mode="json"),
    )


def _give(desk: Desk, result: "RollbackResult") -> int:
    desk.console.give(_shape(result))
    desk.console.say(_text(desk, result))
    return 6 if result.success is False else 0


def _shape(result: "RollbackResult") -> dict[str, Any]:
    return {"rollback": result.model_dump(mode="json")}


def _text(desk: Desk, result: "RollbackResult") -> str:
    from .rollback_text import rollback_text

    return rollback_text(result, everything=desk.options.verbose)


def _may_go_back(desk: Desk, journey: str, place: str) -> bool:
    """Show what taking a journey back to its checkpoint would do, and ask; False where the person said no."""
    from .agents.resuming import not_its_own
    from .store.records import Checkpoint

    found = desk.mp.show(place)
    if not isinstance(found, Checkpoint) or found.journey_id != journey:
        raise not_its_own(journey, place, getattr(found, "journey_id", None))
    preview = desk.mp.preview_rollback(place)
    if desk.options.dry_run:
        desk.console.say(_text(desk, preview))
    if preview.already_there or desk.options.dry_run:
        return True
    if not desk.ask("Go back there first, and on from there?", preview=_text(desk, preview)):
        finish(desk, "journey", "Nothing was resumed.")
        return False
    return True
