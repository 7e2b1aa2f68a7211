"""Collecting: what no promised undo needs is given up, after it was shown which undos end with it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from .content import IN_LIST, batched, marks
from .erasing import Leftovers, needed_blobs
from .faults import faultpoint
from .policy import Policy
from .promises import PENDING, Promise, kept_revisions, promises
from .releasing import drop_parsed, drop_texts, release_revisions

if TYPE_CHECKING:
    from .home import Home

STRAY_SECONDS = 24 * 3600
"""Age from which on an upload that nothing in the record knows is nobody's: a plan that is being made knows its."""


@dataclass(frozen=True)
class Collected:
    """What a collection gives up: whose undo ends, and how much it frees."""

    as_of: str
    undos: list[Promise] = field(default_factory=list)
    revisions: int = 0
    chunks: int = 0
    texts: int = 0
    uploads: int = 0
    bytes: int = 0

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to give up."""
        return not (self.undos or self.revisions or self.texts or self.uploads)

    def told(self) -> dict[str, Any]:
        """As `gc --json` has it."""
        undos = [
            {"journey_id": one.journey_id, "kb": one.kb, "available_until": one.available_until,
             "checkpoints": one.checkpoints}
            for one in self.undos
        ]  # fmt: skip
        return {
            "as_of": self.as_of, "undos": undos, "checkpoints": sum(one.checkpoints for one in self.undos),
            "revisions": self.revisions, "chunks": self.chunks, "texts": self.texts, "uploads": self.uploads,
            "bytes": self.bytes,
        }  # fmt: skip


class Collector:
    """Collects for one tenant. What others may need, and every journey that is not at its end, is left alone."""

    def __init__(self, home: Home, tenant: str, user: str) -> None:
        self._home = home
        self._tenant = tenant
        self._user = user

    def preview(self, as_of: str | None = None) -> Collected:
        """What `collect` would give up now, counted by doing it in a transaction that is undone."""
        try:
            with self._home.record.write() as writing:
                raise _Rehearsed(self._release(writing, as_of or self._home.clock.now()))
        except _Rehearsed as done:
            return done.counted

    def collect(self, as_of: str | None = None) -> Collected:
        """Give up what nothing promised needed at a moment (ISO 8601; None: now). Only under the lease.

        What people see does not change. One that was killed is finished by whoever opens the home next.
        """
        home = self._home
        with home.record.write() as writing:
            found = self._release(writing, as_of or home.clock.now())
            if found.nothing:
                return found
            faultpoint("gc.before_commit")
        faultpoint("gc.after_commit")
        home.librarian.recover()
        home.erase()
        return found

    def _release(self, writing: sqlite3.Connection, as_of: str) -> Collected:
        now = datetime.fromisoformat(as_of)
        listed = promises(writing, self._tenant, now)
        ended = [one for one in listed if one.over(now)]
        standing = [one for one in listed if not one.over(now)]
        end_undos(self._home, writing, ended, as_of, user=self._user, reason="gc")
        chunks = revisions = 0
        packs: list[int] = []
        for kb in self._home.knowledge.all(self._tenant):
            going = _replacing(writing, kb.kb_id) - kept_revisions(writing, kb.kb_id, standing)
            went = release_revisions(writing, kb, going)
            chunks, revisions = chunks + went, revisions + len(going)
            if went and kb.dimensions is not None:
                self._home.knowledge.renew_pack(kb.kb_id)
                packs.append(kb.kb_id)
        self._cool(writing, now)
        drop_parsed(writing, _unheld(writing))
        freed = drop_texts(writing)
        uploads = self._uploads(writing)
        found = Collected(
            as_of, ended, revisions, chunks, freed.texts, len(uploads), freed.bytes + sum(uploads.values())
        )
        if not found.nothing:
            self._home.eraser.leave(writing, Leftovers(blobs=sorted(uploads), packs=packs, chroma=chunks > 0))
            told = {key: value for key, value in found.told().items() if isinstance(value, int)}
            self._home.ledger.note(None, self._tenant, self._user, "gc", told)
        return found

    def _cool(self, writing: sqlite3.Connection, now: datetime) -> None:
        """Let go of files that ended journeys uploaded or parsed and did not expose, after the same time as an undo.

        Taken up again, such a journey begins with the file; staged files wait for ever.
        """
        rows = writing.execute(
            "SELECT journey_id, plan_id, policy, COALESCE(ended, started) AS last FROM journeys"
            f" WHERE tenant = ? AND status NOT IN ({','.join('?' * len(PENDING))}) AND journey_id NOT IN"
            " (SELECT journey_id FROM checkpoints WHERE collected IS NULL AND journey_id IS NOT NULL) AND (EXISTS"
            "  (SELECT 1 FROM plan_inputs i WHERE i.plan_id = journeys.plan_id) OR EXISTS"
            "  (SELECT 1 FROM journey_files f WHERE f.journey_id = journeys.journey_id AND f.stage IN"
            "   ('uploaded', 'parsed', 'embedded') AND f.outcome IS NOT 'staged'))",
            (self._tenant, *PENDING),
        ).fetchall()
        cold = [row for row in rows if _past(row["policy"], row["last"], now)]
        writing.executemany(
            "UPDATE journey_files SET stage = 'planned', parsed_id = NULL, version_id = NULL WHERE journey_id = ?"
            " AND stage IN ('uploaded', 'parsed', 'embedded') AND outcome IS NOT 'staged'",
            [(row["journey_id"],) for row in cold],
        )
        plans = writing.execute(
            "SELECT plan_id, json_extract(expanded(body), '$.policy') AS policy, created AS last FROM plans"
            " WHERE tenant = ? AND plan_id IN (SELECT plan_id FROM plan_inputs)"
            " AND plan_id NOT IN (SELECT plan_id FROM journeys)",
            (self._tenant,),
        ).fetchall()
        cold += [row for row in plans if _past(row["policy"], row["last"], now)]
        writing.executemany("DELETE FROM plan_inputs WHERE plan_id = ?", [(row["plan_id"],) for row in cold])

    def _uploads(self, writing: sqlite3.Connection) -> dict[str, int]:
        """The uploads that nobody needs, with their sizes; those that the record never knew only when they are old."""
        there, needed = self._home.blobs.all(), needed_blobs(writing)
        known = {row[0] for row in writing.execute("SELECT DISTINCT sha256 FROM journey_files")}
        loose = {sha: size for sha, size in there.items() if sha not in needed}
        return {sha: size for sha, size in loose.items() if sha in known or self._is_old(sha)}

    def _is_old(self, sha256: str) -> bool:
        return time.time() - self._home.blobs.path(sha256).stat().st_mtime > STRAY_SECONDS


def end_undos(
    home: Home, writing: sqlite3.Connection, ended: Sequence[Promise], now: str, *, user: str, reason: str
) -> None:
    """Take the checkpoints of journeys that can no longer be undone; their rows stay, and say since when and why."""
    for some in batched([one.journey_id for one in ended], IN_LIST):
        which = f"journey_id IN ({marks(some)}) AND collected IS NULL"
        rows = writing.execute(f"SELECT checkpoint_id, tenant FROM checkpoints WHERE {which}", some).fetchall()
        for tenant in {row["tenant"] for row in rows}:
            home.librarian.forget([row["checkpoint_id"] for row in rows if row["tenant"] == tenant], tenant=tenant)
        writing.execute(f"UPDATE checkpoints SET collected = ?, reason = ? WHERE {which}", (now, reason, *some))
    for one in ended:
        told = {"checkpoints": one.checkpoints, "available_until": one.available_until, "by": reason}
        home.ledger.note(one.journey_id, one.tenant, user, "undo_ended", told)


class _Rehearsed(Exception):
    """Ends a rehearsal's transaction without keeping it."""

    def __init__(self, counted: Collected) -> None:
        super().__init__()
        self.counted = counted


def _replacing(reading: sqlite3.Connection, kb_id: int) -> set[int]:
    """The revisions that replaced something, and still have it."""
    rows = reading.execute(
        "SELECT DISTINCT q.revision FROM revisions q JOIN source_spans s ON s.kb_id = q.kb_id AND s.gone = q.revision"
        " WHERE q.kb_id = ? AND q.restorable",
        (kb_id,),
    )
    return {row[0] for row in rows}


def _unheld(reading: sqlite3.Connection) -> set[int]:
    """The parse results that neither a version nor a file on its way is made of."""
    rows = reading.execute(
        "SELECT parsed_id FROM parsed WHERE pieces IS NOT NULL AND parsed_id NOT IN"
        " (SELECT parsed_id FROM versions WHERE NOT released) AND parsed_id NOT IN"
        " (SELECT parsed_id FROM journey_files WHERE parsed_id IS NOT NULL AND stage IN ('parsed', 'embedded'))"
    )
    return {row[0] for row in rows}


def _past(policy: str, last: str, now: datetime) -> bool:
    days = Policy.model_validate_json(policy).retention.days
    return days is not None and (now - datetime.fromisoformat(last)) >= timedelta(days=min(days, 999_999))
