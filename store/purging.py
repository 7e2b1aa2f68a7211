"""Purging: a source, or a whole kb, is deleted everywhere, for ever. No journey, and nothing that could be undone."""

from __future__ import annotations

import difflib
import shlex
import sqlite3
import uuid
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from .collecting import end_undos
from .content import IN_LIST, batched, marks
from .erasing import Leftovers, needed_blobs
from .errors import NotFound
from .faults import faultpoint
from .forgetting import PURGED, forget_kb, forget_source, hashes_of, same_elsewhere
from .kb import Kb
from .promises import PENDING, Promise, promises
from .records import JourneyStatus
from .revisions import Change, state_at

if TYPE_CHECKING:
    from .home import Home


@dataclass(frozen=True)
class Purged:
    """What is deleted. `ended` are the undos that end with it, `without` those that go on without the source."""

    kb: str
    source: str | None
    sources: int = 0
    chunks: int = 0
    texts: int = 0
    uploads: int = 0
    ended: list[str] = field(default_factory=list)
    without: list[str] = field(default_factory=list)
    kept_in: list[str] = field(default_factory=list)

    @property
    def nothing(self) -> bool:
        """Whether nothing of a source was there any more."""
        return self.source is not None and not (self.chunks or self.texts or self.ended or self.without)

    def told(self) -> dict[str, Any]:
        """As `--json` has it."""
        named = {"source": self.source} if self.source is not None else {"sources": self.sources}
        return {
            "kb": self.kb, **named, "chunks": self.chunks, "texts": self.texts, "uploads": self.uploads,
            "undos_ended": self.ended, "undos_without_it": self.without, "same_content_in": self.kept_in,
            "undoable": False,
        }  # fmt: skip


class Purger:
    """Deletes for one person. The same content under another name, or in another kb, is that one's, and stays."""

    def __init__(self, home: Home, tenant: str, user: str) -> None:
        self._home = home
        self._tenant = tenant
        self._user = user

    def preview(self, kb: str, source: str | None) -> Purged:
        """What `purge` (without a source: `drop`) would delete, counted in a transaction that is undone."""
        try:
            with self._home.record.write() as writing:
                raise _Rehearsed(self._delete(writing, self._home.knowledge.kb(self._tenant, kb), source))
        except _Rehearsed as done:
            return done.counted

    def purge(self, kb: str, source: str) -> Purged:
        """Delete a source with its whole past; `NotFound` where nothing of it was ever there. Only under the lease.

        Twice is once. One that was killed is finished by whoever opens the home next, and so is one that another
        process, which reads, or a full disk keeps from writing the databases anew: `eraser.pending()` then, and nobody
        finds the source any more already.
        """
        return self._do(kb, source)

    def drop(self, kb: str) -> Purged:
        """Delete a kb with all its sources and its whole past. Only under the lease; otherwise as `purge`."""
        return self._do(kb, None)

    def _do(self, name: str, source: str | None) -> Purged:
        home = self._home
        with home.record.write() as writing:
            found = self._delete(writing, home.knowledge.kb(self._tenant, name), source)
            faultpoint("purge.before_commit")
        faultpoint("purge.after_commit")
        home.librarian.recover()
        home.erase()
        return found

    def _delete(self, writing: sqlite3.Connection, kb: Kb, source: str | None) -> Purged:
        hashes = hashes_of(writing, kb, source)
        blobs = {sha for sha in hashes if self._home.blobs.has(sha)}
        found = self._drop(writing, kb, hashes) if source is None else self._purge(writing, kb, source, hashes)
        if found.nothing and not blobs:
            return found
        remade = [kb.kb_id] if source is not None and kb.generation else []
        self._home.eraser.leave(writing, Leftovers(blobs=sorted(blobs), collections=remade, chroma=True))
        kind = "kb_dropped" if source is None else PURGED
        told = {"kb": kb.name} if source is None else {"kb": kb.name, "source": source}
        self._home.ledger.note(None, self._tenant, self._user, kind, told)
        return replace(found, uploads=len(blobs - needed_blobs(writing)))

    def _purge(self, writing: sqlite3.Connection, kb: Kb, source: str, hashes: set[str]) -> Purged:
        row = writing.execute(
            "SELECT source_id FROM sources WHERE kb_id = ? AND name = ?", (kb.kb_id, source)
        ).fetchone()
        if row is None and not hashes:
            raise self._unknown(writing, kb, source)
        ended: list[Promise] = []
        without: list[Promise] = []
        if row is not None:
            ended, without = self._undos(writing, kb, row["source_id"])
            end_undos(self._home, writing, ended, self._home.clock.now(), user=self._user, reason="purge")
            self._hide(writing, kb, row["source_id"])
        others = same_elsewhere(writing, kb, source, hashes)
        chunks, texts = forget_source(writing, kb, source, hashes)
        self._home.knowledge.renew_pack(kb.kb_id)
        writing.execute("UPDATE kbs SET index_revision = head WHERE kb_id = ?", (kb.kb_id,))  # it is made anew
        return Purged(
            kb.name, source, chunks=chunks, texts=texts, kept_in=others,
            ended=[one.journey_id for one in ended], without=[one.journey_id for one in without],
        )  # fmt: skip

    def _drop(self, writing: sqlite3.Connection, kb: Kb, hashes: set[str]) -> Purged:
        ended = [one for one in self._promises(writing) if one.kb_id == kb.kb_id]
        end_undos(self._home, writing, ended, self._home.clock.now(), user=self._user, reason="drop")
        waiting = writing.execute(
            f"SELECT journey_id FROM journeys WHERE kb_id = ? AND status IN ({marks(PENDING)})", (kb.kb_id, *PENDING)
        ).fetchall()
        for one in waiting:
            self._home.ledger.set_status(one["journey_id"], JourneyStatus.CANCELLED, detail="its kb was dropped")
        counted = writing.execute(
            "SELECT (SELECT count(*) FROM sources WHERE kb_id = ?1), (SELECT count(*) FROM chunks WHERE kb_id = ?1)",
            (kb.kb_id,),
        ).fetchone()
        others = same_elsewhere(writing, kb, None, hashes)
        held = {row[0] for row in writing.execute("SELECT text_id FROM chunks WHERE kb_id = ?", (kb.kb_id,))}
        self._home.knowledge.drop(kb)
        texts = forget_kb(writing, kb, hashes, held)
        return Purged(
            kb.name, None, sources=counted[0], chunks=counted[1], texts=texts, kept_in=others,
            ended=[one.journey_id for one in ended],
        )  # fmt: skip

    def _hide(self, writing: sqlite3.Connection, kb: Kb, source_id: int) -> None:
        """Take the source out of the newest revision, if it is in it: claims on its content show it from then on."""
        if source_id not in state_at(writing, kb.kb_id, kb.head, [source_id]):
            return
        done = self._home.knowledge.publish(
            kb.kb_id, [Change(source_id, None)], journey_id=f"purge_{uuid.uuid4().hex[:24]}", user=self._user,
            restorable=True,
        )  # fmt: skip
        writing.execute("UPDATE revisions SET restorable = 0 WHERE kb_id = ? AND revision = ?", (kb.kb_id, done.after))

    def _undos(self, writing: sqlite3.Connection, kb: Kb, source_id: int) -> tuple[list[Promise], list[Promise]]:
        """The undos that are about this source alone, and the others that would bring it back."""
        ended: list[Promise] = []
        without: list[Promise] = []
        for promise in (one for one in self._promises(writing) if one.kb_id == kb.kb_id):
            touched, back = _touched(writing, kb.kb_id, promise.revisions)
            if touched == {source_id} and not promise.pinned:
                ended.append(promise)
            elif source_id in back:
                without.append(promise)
        return ended, without

    def _promises(self, reading: sqlite3.Connection) -> list[Promise]:
        return promises(reading, self._tenant, datetime.fromisoformat(self._home.clock.now()))

    def _unknown(self, reading: sqlite3.Connection, kb: Kb, source: str) -> NotFound:
        names = [row[0] for row in reading.execute("SELECT name FROM sources WHERE kb_id = ?", (kb.kb_id,))]
        near = difflib.get_close_matches(source, names, n=1)
        return NotFound(
            f"kb {kb.name!r} has no source {source!r}, and never had",
            cause=f"did you mean {near[0]!r}?" if near else "a source is named by its path inside its folder",
            state="nothing was changed",
            next=f"milepost kb stats --kb {shlex.quote(kb.name)}",
            instead=(source, near[0]) if near else (),
        )


class _Rehearsed(Exception):
    """Ends a rehearsal's transaction without keeping it."""

    def __init__(self, counted: Purged) -> None:
        super().__init__()
        self.counted = counted


def _touched(reading: sqlite3.Connection, kb_id: int, revisions: frozenset[int]) -> tuple[set[int], set[int]]:
    """The sources that these revisions changed, and those of which they took something away."""
    touched: set[int] = set()
    back: set[int] = set()
    for some in batched(sorted(revisions), IN_LIST):
        for column, found in (("appeared", touched), ("gone", back)):
            sql = f"SELECT source_id FROM source_spans WHERE kb_id = ? AND {column} IN ({marks(some)})"
            found.update(row[0] for row in reading.execute(sql, (kb_id, *some)))
    return touched | back, back
