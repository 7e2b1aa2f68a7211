"""What some sources of a kb were, revision by revision, and on whose changes their present state rests."""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

from ..store.content import IN_LIST, batched, marks
from ..store.history import Touch


@dataclass
class Past:
    """One source. Which copy shows its content is no difference; `touches` is every revision that moved it."""

    source_id: int
    touches: list[Touch] = field(default_factory=list)
    spans: list[tuple[int, int | None, int]] = field(default_factory=list)
    """Appeared, gone, version."""
    returned: dict[int, int] = field(default_factory=dict)
    """The revision as of which a rollback's revision made it again."""

    def version(self, revision: int) -> int | None:
        """Its version in a revision; None where it was not there."""
        at = bisect_right(self.spans, revision, key=lambda span: span[0]) - 1
        if at < 0:
            return None
        _, gone, version = self.spans[at]
        return version if gone is None or gone > revision else None

    def differ(self, a: int, b: int) -> bool:
        """Whether it had other content in two revisions."""
        return self.version(a) != self.version(b)

    @cached_property
    def changes(self) -> list[Touch]:
        """Those touches that changed its content."""
        return [touch for touch in self.touches if self.differ(touch.revision - 1, touch.revision)]

    def standing(self, revision: int) -> tuple[Touch, ...]:
        """The changes that its content in a revision rests on, oldest first: what no rollback has taken off."""
        at = bisect_right(self._standing, revision, key=lambda each: each[0]) - 1
        return self._standing[at][1] if at >= 0 else ()

    @cached_property
    def _standing(self) -> list[tuple[int, tuple[Touch, ...]]]:
        found: list[tuple[int, tuple[Touch, ...]]] = [(0, ())]
        for touch in self.changes:
            as_of = self.returned.get(touch.revision)
            if as_of is None:
                found.append((touch.revision, (*found[-1][1], touch)))
            else:
                at = bisect_right(found, as_of, key=lambda each: each[0]) - 1
                found.append((touch.revision, found[at][1]))
        return found


def touched_by(reading: sqlite3.Connection, kb_id: int, journeys: Iterable[str], *, after: int) -> list[int]:
    """The sources that some journeys moved in the revisions after one."""
    found: set[int] = set()
    for some in batched(sorted(journeys), IN_LIST):
        revisions = f"SELECT revision FROM revisions WHERE kb_id = ? AND revision > ? AND journey_id IN ({marks(some)})"
        for column in ("appeared", "gone"):
            sql = f"SELECT DISTINCT source_id FROM source_spans WHERE kb_id = ? AND {column} IN ({revisions})"
            found |= {row[0] for row in reading.execute(sql, (kb_id, kb_id, after, *some))}
    return sorted(found)


def pasts(reading: sqlite3.Connection, kb_id: int, source_ids: Iterable[int]) -> dict[int, Past]:
    """The pasts of some sources, as far as the record goes back."""
    found = {source_id: Past(source_id) for source_id in source_ids}
    journeys = dict(reading.execute("SELECT revision, journey_id FROM revisions WHERE kb_id = ?", (kb_id,)))
    names = dict(reading.execute("SELECT source_id, name FROM sources WHERE kb_id = ?", (kb_id,)))
    for some in batched(sorted(found), IN_LIST):
        rows = reading.execute(
            "SELECT source_id, appeared, gone, version_id FROM source_spans WHERE kb_id = ?"
            f" AND source_id IN ({marks(some)}) ORDER BY source_id, appeared",
            (kb_id, *some),
        )
        for source_id, *span in rows:
            found[source_id].spans.append((span[0], span[1], span[2]))
        returned = reading.execute(
            f"SELECT source_id, revision, as_of FROM returned WHERE kb_id = ? AND source_id IN ({marks(some)})",
            (kb_id, *some),
        )
        for source_id, revision, as_of in returned:
            found[source_id].returned[revision] = as_of
    for past in found.values():
        moved = {at for span in past.spans for at in span[:2] if at is not None and at in journeys}
        past.touches = [Touch(past.source_id, names[past.source_id], at, journeys[at]) for at in sorted(moved)]
    return found
