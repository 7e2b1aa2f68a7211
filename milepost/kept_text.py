"""What goes for ever, as text for people: which undos end, and what that frees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .render import LIMIT, moment
from .store.words import clean, count, short_id, size

GONE = "It is in no file of the home any more."
TRACES = "Nobody finds it any more; traces stay in the files while others read them, or without space: doctor goes on."


def collected_text(found: dict[str, Any], *, everything: bool = False) -> str:
    """What `gc` would give up, or gave up: whose undo ends, and what that frees."""
    asked = found["dry_run"]
    undos = found["undos"] if everything else found["undos"][:LIMIT]
    lines = [
        f"  - undo    {short_id(one['journey_id'])}  kb {clean(one['kb'] or '')}"
        f"  was available until {moment(one['available_until'])}"
        for one in undos
    ]
    more = len(found["undos"]) - len(undos)
    lines += [f"  - undo    ... and {more} more (--verbose shows all)"] if more else []
    if not (found["undos"] or found["chunks"] or found["texts"] or found["uploads"]):
        return "Nothing to give up: every undo that was promised still needs what is kept."
    freed = f"; the home is {size(found['disk_bytes'])} smaller" if found.get("disk_bytes") else ""
    return "\n".join(
        [
            *lines,
            f"{'To give up' if asked else 'Given up'}: {count(len(found['undos']), 'undo')},"
            f" {count(found['chunks'], 'replaced chunk')}, {count(found['uploads'], 'upload')},"
            f" {size(found['bytes'])} of content{freed}.",
            "What people see does not change.",
            *(
                ["Its files shrink once no other program is at them, or there is space."]
                if found.get("unfinished")
                else []
            ),
        ]
    )


def deletion_text(found: dict[str, Any], *, everything: bool = False) -> str:
    """What `kb purge` or `kb drop` would delete, or deleted: how much, whose undo ends, and what stays elsewhere."""
    asked = found["dry_run"]
    whole = f"kb {clean(found['kb'])}"
    what = (
        f"{clean(found['source'])} in {whole}" if "source" in found else f"{whole}, {count(found['sources'], 'source')}"
    )
    gone = f"{count(found['chunks'], 'chunk')}, {count(found['texts'], 'text')}, {count(found['uploads'], 'upload')}"
    head = f"To {'purge' if 'source' in found else 'drop'}" if asked else "Purged" if "source" in found else "Dropped"
    return "\n".join(
        [
            f"{head}: {what}, with its whole past: {gone}.",
            *_ids("  - undo    ", found["undos_ended"], "ends", everything),
            *_ids("  ~ undo    ", found["undos_without_it"], "does not bring it back", everything),
            *(
                [f"  = stays   the same content in {clean(', '.join(found['same_content_in']))}"]
                if found["same_content_in"]
                else []
            ),
            "This cannot be undone." if asked else TRACES if found["unfinished"] else GONE,
        ]
    )


def _ids(start: str, ids: Sequence[str], what: str, everything: bool) -> list[str]:
    shown = ids if everything else ids[:LIMIT]
    more = [f"{start}... and {len(ids) - len(shown)} more (--verbose shows all)"] if len(ids) > len(shown) else []
    return [*(f"{start}{short_id(one)}  {what}" for one in shown), *more]
