"""A rollback as text for people: what goes, what comes back, what was left, and how to go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .store.words import clean, count, short_id

if TYPE_CHECKING:
    from .store.errors import MilepostError
    from .store.records import HandlerOutcome, RollbackResult

LIMIT = 50


def rollback_text(result: RollbackResult, *, everything: bool = False) -> str:
    """What a rollback does or did: sources, chunks, handlers, conflicts, and whether the store was checked."""
    asked = result.success is None
    did = "Rollback would go" if asked else "Rolled back" if result.success else "Not rolled back"
    before, after = result.revision_before, result.revision_after
    revision = f"  revision {before if before == after else f'{before} > {after}'}" if after else ""
    lines = [f"{did} to {short_id(result.checkpoint_id)}{revision}"]
    if len(result.journeys) > 1 or (result.journeys and "@" in result.checkpoint_id):
        whose = [f"{short_id(one.journey_id)} by {one.user}" for one in result.journeys]
        lines += _listed("  < journey ", whose, everything)
    lines += _listed("  - remove  ", result.sources_removed, everything)
    lines += _listed("  + restore ", result.sources_restored, everything)
    lines += _listed("  - undo    ", result.effects_undone, everything)
    lines += [f"  ! conflict {clean(one.source)}, changed by {short_id(one.changed_by)}" for one in result.conflicts]
    for handler in result.handlers:
        failed = f": {clean(handler.error)}" if handler.error else ""
        lines.append(f"  handler   {clean(_named(handler))}: {handler.status.replace('_', ' ')}{failed}")
    lines += [f"  ! left    {clean(one.step)}: {clean(one.why)}" for one in result.left]
    lines.append(_rollback_sum(result))
    if result.message:
        lines.append(clean(result.message))
    if result.success is False and result.left:
        lines.append(f"Go on with: milepost rollback {short_id(result.checkpoint_id)}")
    if result.success and result.journey_id and not result.effects_undone:
        lines.append(f"Take it back with: milepost rollback --journey {short_id(result.journey_id)}")
    return "\n".join(lines)


def _listed(start: str, names: Sequence[str], everything: bool) -> list[str]:
    shown = names if everything else names[:LIMIT]
    more = [f"{start}... and {len(names) - len(shown)} more (--verbose shows all)"]
    return [f"{start}{clean(name)}" for name in shown] + (more if len(names) > len(shown) else [])


def _rollback_sum(result: RollbackResult) -> str:
    if result.already_there:
        return "Already there: nothing to do."
    if result.revision_after == 0 and (result.effects_undone or result.left or result.handlers):
        what = count(len(result.effects_undone), "effect")
        checked = f", {result.verified}" if result.verified and result.effects_undone else ""
        return f"{what} {'to undo' if result.success is None else 'undone'}{checked}."
    go, come = ("to go", "to come back") if result.success is None else ("gone", "back")
    checked = f", store {result.verified}" if result.verified else ""
    return f"{count(result.chunks_removed, 'chunk')} {go}, {count(result.chunks_restored, 'chunk')} {come}{checked}."


def _named(handler: HandlerOutcome) -> str:
    """A handler with the step that it undoes, where it is a user's own."""
    return handler.name if handler.step in (None, handler.name) else f"{handler.name} of {handler.step}"


def in_the_way(preview: RollbackResult) -> MilepostError:
    """The error for a rollback that others' changes stand in the way of, under the policy `refuse`."""
    from .store.errors import RollbackConflict

    return RollbackConflict(
        f"{count(len(preview.conflicts), 'source')} changed since: {preview.conflicts[0].source} by"
        f" {preview.conflicts[0].changed_by}",
        state="nothing was changed",
        next=f"milepost rollback {preview.checkpoint_id} --on-conflict skip",
    )
