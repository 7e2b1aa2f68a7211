"""Promises: until when each journey can be undone, by age and by size, under the policy that it keeps.

What a revision replaced is kept for the journeys whose undo would bring it back; the revision is then kept.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .content import IN_LIST, batched, marks
from .lineage import Lineage
from .policy import Policy
from .records import JourneyStatus
from .standing import undone_by

PENDING = (
    JourneyStatus.PLANNED,
    JourneyStatus.AWAITING_APPROVAL,
    JourneyStatus.RUNNING,
    JourneyStatus.INTERRUPTED,
    JourneyStatus.NEEDS_ATTENTION,
    JourneyStatus.COMPENSATING,
    JourneyStatus.COMPENSATION_FAILED,
)
"""Journeys that somebody may go on with: nothing of theirs is ever given up."""


@dataclass(frozen=True)
class Promise:
    """A journey with checkpoints, and until when it can be undone (None: for ever).

    `revisions` are those that undoing it would take back, its own and those of the rollbacks of it. `pinned` says
    that an unfinished journey or rollback needs it, whatever the time.
    """

    journey_id: str
    tenant: str
    kb: str | None
    kb_id: int | None
    until: datetime | None
    limit: int | None
    revisions: frozenset[int]
    checkpoints: int
    pinned: bool = False

    def over(self, now: datetime) -> bool:
        """Whether it may be given up."""
        return not self.pinned and self.until is not None and self.until <= now

    @property
    def available_until(self) -> str | None:
        """Until when, as ISO 8601 in UTC to the second."""
        return None if self.until is None else self.until.isoformat(timespec="seconds")


def promises(reading: sqlite3.Connection, tenant: str, now: datetime, journey_id: str | None = None) -> list[Promise]:
    """The promise of each journey of a tenant that has a checkpoint left, or of one; oldest first.

    Age counts from a journey's last checkpoint or publish. Size counts from the newest kept replacement back: a
    journey's undo ends with the publish that made more than its `retention.bytes` of it.
    """
    found = _aged(reading, "c.journey_id = ?" if journey_id else "c.tenant = ?", journey_id or tenant)
    limited = {one.kb_id for one in found if one.limit is not None and one.kb_id is not None}
    for kb_id in limited:
        whole = found if journey_id is None else _aged(reading, "c.kb_id = ?", kb_id)  # a size counts everybody's
        sized = {one.journey_id: one for one in _by_size(reading, kb_id, whole, now)}
        found = [sized.get(one.journey_id, one) for one in found]
    return found


def kept_revisions(reading: sqlite3.Connection, kb_id: int, standing: Iterable[Promise]) -> set[int]:
    """The revisions of a kb whose replaced content a promise needs, or a rollback of the whole kb that goes on."""
    kept: set[int] = set()
    for promise in standing:
        if promise.kb_id == kb_id:
            kept |= promise.revisions
    for (extra,) in reading.execute(
        "SELECT extra FROM journeys WHERE kb_id = ? AND journey_type = 'rollback' AND status IN"
        f" ({','.join('?' * len(PENDING))})",
        (kb_id, *PENDING),
    ).fetchall():
        said = json.loads(extra)
        if not said["checkpoints"]:
            rows = reading.execute(
                "SELECT revision FROM revisions WHERE kb_id = ? AND revision > ?", (kb_id, said["revision"])
            )
            kept |= {row[0] for row in rows}
    return kept


def _aged(reading: sqlite3.Connection, where: str, value: str | int | None) -> list[Promise]:
    """The promises of these journeys as their age has it."""
    rows = reading.execute(
        "SELECT c.journey_id, c.tenant, c.kb, c.kb_id, min(c.revision) AS after, max(c.timestamp) AS last,"
        " count(*) AS checkpoints, j.policy FROM checkpoints c JOIN journeys j USING (journey_id)"
        f" WHERE c.collected IS NULL AND {where} GROUP BY c.journey_id ORDER BY min(c.seq)",
        (value,),
    ).fetchall()
    pinned, own = _pinned(reading), _own_revisions(reading, rows)
    return [_by_age(row, own.get(row["journey_id"], {}), row["journey_id"] in pinned) for row in rows]


def _own_revisions(reading: sqlite3.Connection, rows: list[sqlite3.Row]) -> dict[str, dict[int, str]]:
    """For each journey the revisions that undoing it takes back, with their moments; its family's count as its own."""
    lineage = Lineage(undone_by(reading))
    families = {row["journey_id"]: lineage.family([row["journey_id"]]) for row in rows}
    made: dict[str, list[sqlite3.Row]] = {}
    for some in batched(sorted(set[str]().union(*families.values())), IN_LIST):
        sql = f"SELECT kb_id, revision, timestamp, journey_id FROM revisions WHERE journey_id IN ({marks(some)})"
        for row in reading.execute(sql, some):
            made.setdefault(row["journey_id"], []).append(row)
    return {
        row["journey_id"]: {
            one["revision"]: one["timestamp"]
            for member in families[row["journey_id"]]
            for one in made.get(member, [])
            if one["kb_id"] == row["kb_id"] and one["revision"] > row["after"]
        }
        for row in rows
    }


def _pinned(reading: sqlite3.Connection) -> set[str]:
    """The journeys that are not at their end, and those that an unfinished rollback undoes."""
    rows = reading.execute(
        f"SELECT journey_id FROM journeys WHERE status IN ({','.join('?' * len(PENDING))})", PENDING
    ).fetchall()
    undoes = undone_by(reading)
    return {each for row in rows for each in (row["journey_id"], *undoes.get(row["journey_id"], ()))}


def _by_age(row: sqlite3.Row, own: dict[int, str], pinned: bool) -> Promise:
    retention = Policy.model_validate_json(row["policy"]).retention
    last = max(datetime.fromisoformat(moment) for moment in (row["last"], *own.values()))
    until = None if retention.days is None else _later(last, retention.days)
    return Promise(
        row["journey_id"], row["tenant"], row["kb"], row["kb_id"], until, retention.bytes, frozenset(own),
        row["checkpoints"], pinned,
    )  # fmt: skip


def _later(moment: datetime, days: int) -> datetime | None:
    """So many days later; None beyond what a calendar holds."""
    try:
        return moment + timedelta(days=days)
    except OverflowError:
        return None


def _by_size(reading: sqlite3.Connection, kb_id: int, listed: Sequence[Promise], now: datetime) -> list[Promise]:
    """Newest replacement first, as much as each journey's limit allows; what is over is over since it was passed."""
    sizes = replaced_bytes(reading, kb_id)
    moments = dict(map(tuple, reading.execute("SELECT revision, timestamp FROM revisions WHERE kb_id = ?", (kb_id,))))
    kept: set[int] = set()
    found: list[Promise] = []
    for one in sorted(
        (one for one in listed if one.kb_id == kb_id),
        key=lambda promise: max(promise.revisions, default=0),
        reverse=True,
    ):
        wanted = kept | one.revisions
        if one.limit is not None and sum(sizes.get(q, 0) for q in wanted) > one.limit:
            passed = datetime.fromisoformat(moments[_passing(sizes, wanted, one.limit)])
            one = replace(one, until=passed if one.until is None else min(passed, one.until))
        if not one.over(now):
            kept = wanted
        found.append(one)
    return found


def _passing(sizes: Mapping[int, int], revisions: Collection[int], limit: int) -> int:
    """The revision with which these, oldest first, come to more than the limit."""
    total, last = 0, max(revisions)
    for revision in sorted(revisions):
        total += sizes.get(revision, 0)
        if total > limit:
            return revision
    return last


def replaced_bytes(reading: sqlite3.Connection, kb_id: int) -> dict[int, int]:
    """Bytes of texts, vectors and uploads that nobody sees any more, by the revision that took them away last."""
    chunks = reading.execute(
        "SELECT gone, sum(size) FROM (SELECT max(s.gone) AS gone, t.bytes + COALESCE("
        "  (SELECT 4 * dimensions FROM kbs WHERE kb_id = ?1), 0) AS size"
        "  FROM spans s JOIN chunks c USING (kb_id, slot) JOIN texts t USING (text_id) WHERE s.kb_id = ?1"
        "  GROUP BY s.slot HAVING count(*) = count(s.gone)) GROUP BY gone",
        (kb_id,),
    ).fetchall()
    uploads = reading.execute(
        "SELECT gone, sum(bytes) FROM (SELECT max(s.gone) AS gone, v.bytes FROM source_spans s"
        "  JOIN versions v USING (version_id) WHERE s.kb_id = ?1 GROUP BY s.version_id"
        "  HAVING count(*) = count(s.gone)) GROUP BY gone",
        (kb_id,),
    ).fetchall()
    found: dict[int, int] = {}
    for gone, size in [*map(tuple, chunks), *map(tuple, uploads)]:
        found[gone] = found.get(gone, 0) + size
    return found
