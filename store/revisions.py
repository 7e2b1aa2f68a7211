"""The algebra of revisions: which chunks and sources are visible when, what changed between, and `publish`."""

from __future__ import annotations

import array
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .chunks import state_digest
from .content import IN_LIST, batched, marks
from .faults import faultpoint


@dataclass(frozen=True)
class SourceState:
    """What a source is in a revision: a version, or a claim on content that another source shows already."""

    version_id: int
    claim: bool = False


@dataclass(frozen=True)
class Change:
    """What one source becomes; None: it goes away."""

    source_id: int
    to: SourceState | None


@dataclass(frozen=True)
class Published:
    """What a publish did. Without any change no revision is made, and both revisions are equal."""

    before: int
    after: int
    added: int = 0
    removed: int = 0


@dataclass(frozen=True)
class Delta:
    """The difference of two revisions in slots."""

    added: list[int]
    removed: list[int]


def pack_slots(slots: Sequence[int]) -> bytes:
    """Slots as unsigned 32-bit little-endian integers."""
    return array.array("I", slots).tobytes()


def unpack_slots(blob: bytes | None) -> list[int]:
    """What `pack_slots` packed; None is nothing."""
    return array.array("I", blob or b"").tolist()


def publish(
    writing: sqlite3.Connection,
    kb_id: int,
    changes: Iterable[Change],
    *,
    journey_id: str,
    user: str,
    now: str,
    restorable: bool,
) -> Published:
    """Make the next revision inside the caller's transaction; whoever reads sees all of it or nothing.

    Every version that becomes visible must be staged (its slots known). Returns equal revisions, and writes
    nothing, where the changes change nothing.
    """
    head = int(writing.execute("SELECT head FROM kbs WHERE kb_id = ?", (kb_id,)).fetchone()[0])
    live = state_at(writing, kb_id, head, [change.source_id for change in changes])
    effective = [change for change in changes if live.get(change.source_id) != change.to]
    if not effective:
        return Published(head, head)
    new = head + 1
    old = [_version(writing, live.get(change.source_id)) for change in effective]
    wanted = [_version(writing, change.to) for change in effective]
    _move_sources(writing, kb_id, new, effective, live)
    faultpoint("publish.mid_transaction")
    coming, going = _move_chunks(writing, kb_id, new, effective, old, wanted)
    digest = state_digest(
        _digest_of(writing, kb_id, head),
        added=[version.digest for version in wanted],
        removed=[version.digest for version in old],
    )
    chunks = chunk_count(writing, kb_id, head) + coming - going
    writing.execute(
        "INSERT INTO revisions (kb_id, revision, journey_id, timestamp, user, added, removed, chunks, restorable,"
        " state_digest) VALUES (?,?,?,?,?,?,?,?,?,?)",
        (kb_id, new, journey_id, now, user, coming, going, chunks, restorable, digest),
    )
    floor = None if restorable else new  # nobody goes back across it, even if releasing is interrupted
    writing.execute("UPDATE kbs SET head = ?, floor = COALESCE(?, floor) WHERE kb_id = ?", (new, floor, kb_id))
    faultpoint("publish.before_commit")
    return Published(head, new, coming, going)


def version_digest(reading: sqlite3.Connection, kb_id: int, slots: Sequence[int]) -> bytes:
    """The state digest of these chunks alone: what a version adds to a revision that shows it."""
    rows: list[bytes] = []
    for some in batched(slots, IN_LIST):
        sql = f"SELECT digest FROM chunks WHERE kb_id = ? AND slot IN ({marks(some)})"
        rows += [row[0] for row in reading.execute(sql, (kb_id, *some))]
    return state_digest(bytes(32), added=rows, removed=[])


def state_at(
    reading: sqlite3.Connection, kb_id: int, revision: int, source_ids: Sequence[int] | None = None
) -> dict[int, SourceState]:
    """The sources of a revision, or of those named only."""
    sql = (
        "SELECT source_id, version_id, claim FROM source_spans"
        " WHERE kb_id = ? AND appeared <= ? AND (gone IS NULL OR gone > ?)"
    )
    rows: list[sqlite3.Row] = []
    if source_ids is None:
        rows = reading.execute(sql, (kb_id, revision, revision)).fetchall()
    else:
        for some in batched(sorted(set(source_ids)), IN_LIST):
            named = f"{sql} AND source_id IN ({marks(some)})"
            rows += reading.execute(named, (kb_id, revision, revision, *some)).fetchall()
    return {row[0]: SourceState(row[1], bool(row[2])) for row in rows}


def delta(reading: sqlite3.Connection, kb_id: int, a: int, b: int) -> Delta:
    """Which chunks appear and go from revision `a` to `b`, in either direction of time."""
    if a > b:
        back = delta(reading, kb_id, b, a)
        return Delta(added=back.removed, removed=back.added)
    came = reading.execute(
        "SELECT slot FROM spans WHERE kb_id = ? AND appeared > ? AND appeared <= ? AND (gone IS NULL OR gone > ?)",
        (kb_id, a, b, b),
    )
    left = reading.execute(
        "SELECT slot FROM spans WHERE kb_id = ? AND gone > ? AND gone <= ? AND appeared <= ?",
        (kb_id, a, b, a),
    )
    new, old = {row[0] for row in came}, {row[0] for row in left}
    return Delta(added=sorted(new - old), removed=sorted(old - new))


def visible(reading: sqlite3.Connection, kb_id: int, revision: int, slots: Sequence[int]) -> set[int]:
    """Those of these slots that people see in a revision."""
    found: set[int] = set()
    for some in batched(slots, IN_LIST):
        sql = (
            "SELECT slot FROM spans WHERE kb_id = ? AND appeared <= ? AND (gone IS NULL OR gone > ?)"
            f" AND slot IN ({marks(some)})"
        )
        found |= {row[0] for row in reading.execute(sql, (kb_id, revision, revision, *some))}
    return found


def visible_slots(reading: sqlite3.Connection, kb_id: int, revision: int) -> list[int]:
    """Every slot that people see in a revision, ascending."""
    rows = reading.execute(
        "SELECT slot FROM spans WHERE kb_id = ? AND appeared <= ? AND (gone IS NULL OR gone > ?) ORDER BY slot",
        (kb_id, revision, revision),
    )
    return [row[0] for row in rows]


def chunk_count(reading: sqlite3.Connection, kb_id: int, revision: int) -> int:
    """How many chunks a revision shows; 0 for the empty one before the first."""
    row = reading.execute("SELECT chunks FROM revisions WHERE kb_id = ? AND revision = ?", (kb_id, revision)).fetchone()
    return int(row[0]) if row else 0


def revision_digest(reading: sqlite3.Connection, kb_id: int, revision: int) -> str:
    """The state digest of a revision, in hexadecimal."""
    return _digest_of(reading, kb_id, revision).hex()


def _digest_of(reading: sqlite3.Connection, kb_id: int, revision: int) -> bytes:
    row = reading.execute(
        "SELECT state_digest FROM revisions WHERE kb_id = ? AND revision = ?", (kb_id, revision)
    ).fetchone()
    return bytes(row[0]) if row else bytes(32)


@dataclass(frozen=True)
class _Version:
    """What a source shows: its chunks, and the sum of their digests."""

    slots: frozenset[int]
    digest: bytes


def _version(reading: sqlite3.Connection, state: SourceState | None) -> _Version:
    """What a source in this state shows; a claim shows nothing."""
    if state is None or state.claim:
        return _Version(frozenset(), bytes(32))
    row = reading.execute("SELECT slots, digest FROM versions WHERE version_id = ?", (state.version_id,)).fetchone()
    if row["slots"] is None:
        raise ValueError(f"version {state.version_id} is not staged")
    return _Version(frozenset(unpack_slots(row["slots"])), bytes(row["digest"]))


def _move_sources(
    writing: sqlite3.Connection, kb_id: int, new: int, changes: Sequence[Change], live: dict[int, SourceState]
) -> None:
    writing.executemany(
        "UPDATE source_spans SET gone = ? WHERE kb_id = ? AND source_id = ? AND gone IS NULL",
        [(new, kb_id, change.source_id) for change in changes if change.source_id in live],
    )
    writing.executemany(
        "INSERT INTO source_spans (kb_id, source_id, appeared, version_id, claim) VALUES (?, ?, ?, ?, ?)",
        [(kb_id, c.source_id, new, c.to.version_id, c.to.claim) for c in changes if c.to is not None],
    )


def _move_chunks(
    writing: sqlite3.Connection,
    kb_id: int,
    new: int,
    changes: Sequence[Change],
    old: Sequence[_Version],
    wanted: Sequence[_Version],
) -> tuple[int, int]:
    """Write which chunks come and which go; returns how many of each. A version's chunks are its source's alone."""
    going = [slot for was, to in zip(old, wanted, strict=True) for slot in was.slots - to.slots]
    coming = [
        (kb_id, slot, new, change.source_id)
        for change, was, to in zip(changes, old, wanted, strict=True)
        for slot in to.slots - was.slots
    ]
    writing.executemany(
        "UPDATE spans SET gone = ? WHERE kb_id = ? AND slot = ? AND gone IS NULL",
        [(new, kb_id, slot) for slot in sorted(going)],
    )
    writing.executemany("INSERT INTO spans (kb_id, slot, appeared, source_id) VALUES (?, ?, ?, ?)", sorted(coming))
    return len(coming), len(going)
