"""What goes for ever, as text for people: which undos end, and what that frees."""

from __future__ import annotations

from typing import Any

from .render import LIMIT, moment
from .store.words import clean, count, short_id, size


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
