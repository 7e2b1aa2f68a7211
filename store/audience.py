"""Who may find what: the tag `audience` that a request or the policy wrote on every chunk of a source."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from functools import lru_cache

from .chunks import tags_of

AUDIENCE = "audience"


def audience_name(said: str) -> str:
    """An audience's name however it was written: `Support team` is `support-team`."""
    return "-".join(said.casefold().replace("_", " ").replace("-", " ").split())


def tagged(tags: Mapping[str, object]) -> str | None:
    """Whom that is for which has these tags; None where everybody may find it."""
    tag = tags.get(AUDIENCE)
    return None if tag is None else audience_name(str(tag))


@lru_cache(maxsize=1_000)
def audience_of(chunker: str) -> str | None:
    """Whom a source is for, by the id of its chunker."""
    return tagged(tags_of(chunker))


def audiences(reading: sqlite3.Connection, kb_id: int, revision: int) -> dict[str | None, list[int]]:
    """The sources that show chunks in a revision, by audience; those under None are for everybody."""
    rows = reading.execute(
        "SELECT p.chunker, group_concat(s.source_id) FROM source_spans s JOIN versions v USING (version_id)"
        " JOIN parsed p USING (parsed_id)"
        " WHERE s.kb_id = ? AND s.appeared <= ? AND (s.gone IS NULL OR s.gone > ?) AND NOT s.claim GROUP BY p.chunker",
        (kb_id, revision, revision),
    )
    found: dict[str | None, list[int]] = {}
    for chunker, sources in rows:
        found.setdefault(audience_of(chunker), []).extend(map(int, sources.split(",")))
    return found


def may_find(reading: sqlite3.Connection, kb_id: int, revision: int, who: Iterable[str]) -> list[int]:
    """The sources that somebody finds who belongs to these audiences: what is for one of them, and for everybody."""
    names = {None, *map(audience_name, who)}
    return [one for name, sources in audiences(reading, kb_id, revision).items() if name in names for one in sources]
