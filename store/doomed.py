"""Collections that are to go: written down before they go or are half made, so that whoever recovers finishes it."""

from __future__ import annotations

import sqlite3


def doom(writing: sqlite3.Connection, collection: str) -> None:
    """Write down that a collection is to go, before it goes or is half made: whoever recovers drops it."""
    writing.execute("INSERT OR REPLACE INTO facts (key, value) VALUES (?, ?)", (f"doomed:{collection}", collection))


def spare(writing: sqlite3.Connection, collection: str) -> None:
    """Take back what `doom` wrote down: the collection is whole now, or gone."""
    writing.execute("DELETE FROM facts WHERE key = ?", (f"doomed:{collection}",))


def doomed(reading: sqlite3.Connection) -> list[str]:
    """The collections that are to go."""
    return [row[0] for row in reading.execute("SELECT value FROM facts WHERE key LIKE 'doomed:%'")]
