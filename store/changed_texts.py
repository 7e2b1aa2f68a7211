"""What a journey did to the text of each source: which chunks came and which went, in the order of their source."""

from __future__ import annotations

import sqlite3

from pydantic import Field

from .record import Record
from .records import Record as Result

SOURCES = 60
TEXTS = 200


class ChangedSource(Result):
    """One source: how many chunks came and went, and the texts of at most 200 of each."""

    source: str
    added: int = 0
    removed: int = 0
    new: list[str] = Field(default_factory=list)
    old: list[str] = Field(default_factory=list)


class Changed(Result):
    """What a journey's own revisions came to: texts of at most 60 sources, by name; of `more` only the counts are in.

    `released` chunks went, and their text is given up: with rollback off at once, else by `gc`.
    """

    sources: list[ChangedSource] = Field(default_factory=list)
    more: int = 0
    added: int = 0
    removed: int = 0
    released: int = 0


def changed_texts(record: Record, kb_id: int, journey_id: str) -> Changed:
    """What came and went in the revisions that a journey published, also where others published in between."""
    own = (kb_id, journey_id)
    with record.read() as reading:
        told = reading.execute(
            "SELECT ifnull(sum(added), 0), ifnull(sum(removed), 0) FROM revisions WHERE kb_id = ? AND journey_id = ?",
            own,
        ).fetchone()
        rows = reading.execute(_COUNTS, own * 2).fetchall()
        sources = [
            ChangedSource(
                source=row["name"], added=row["added"], removed=row["removed"],
                new=_texts(reading, own, row["source_id"], "came AND NOT went"),
                old=_texts(reading, own, row["source_id"], "went AND NOT came"),
            )
            for row in rows[:SOURCES]
        ]  # fmt: skip
    there = sum(row["removed"] + row["fleeting"] for row in rows)
    return Changed(
        sources=sources, more=len(rows) - len(sources), added=told[0], removed=told[1],
        released=max(0, told[1] - there),
    )  # fmt: skip


def _texts(reading: sqlite3.Connection, own: tuple[int, str], source_id: int, which: str) -> list[str]:
    rows = reading.execute(
        f"SELECT expanded(t.body) FROM ({_MOVED}) m JOIN chunks c ON c.kb_id = m.kb_id AND c.slot = m.slot"
        f" JOIN texts t USING (text_id) WHERE m.source_id = ? AND {which} ORDER BY m.slot LIMIT {TEXTS}",
        (*own * 2, source_id),
    ).fetchall()
    return [row[0] for row in rows]


_MOVED = (
    "SELECT kb_id, slot, source_id, max(came) AS came, max(went) AS went FROM ("
    "SELECT kb_id, slot, appeared, source_id, 1 AS came, 0 AS went FROM spans WHERE (kb_id, appeared) IN"
    " (SELECT kb_id, revision FROM revisions WHERE kb_id = ? AND journey_id = ?) UNION ALL"
    " SELECT kb_id, slot, appeared, source_id, 0, 1 FROM spans WHERE (kb_id, gone) IN"
    " (SELECT kb_id, revision FROM revisions WHERE kb_id = ? AND journey_id = ?)) GROUP BY kb_id, slot, appeared"
)
_COUNTS = (
    "SELECT s.source_id, s.name, sum(came AND NOT went) AS added, sum(went AND NOT came) AS removed,"
    f" sum(came AND went) AS fleeting FROM ({_MOVED}) m JOIN sources s USING (source_id)"
    " GROUP BY s.source_id ORDER BY s.name"
)
"""A chunk that came and went within the journey is fleeting: nobody sees a difference."""
