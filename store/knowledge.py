"""Knowledge bases: their names, what is staged for them, and the one way to change them."""

from __future__ import annotations

import difflib
import hashlib
import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import lexical
from .chunks import canonical_metadata, chunk_id, metadata_of, row_digest, tags_of
from .claims import claims_to_show
from .content import IN_LIST, Content, batched, marks
from .doomed import doom
from .errors import NotFound
from .kb import Kb, check_embedder, check_name, kb_of
from .pack import Pack
from .packed_rows import write_rows
from .ports import Clock, Embedder
from .record import Record
from .releasing import drop_versions
from .revisions import Change, Published, SourceState, pack_slots, publish, version_digest


@dataclass(frozen=True)
class Staged:
    """A version of a source, ready to be published; `fresh` says that its vectors were already there."""

    version_id: int
    source_id: int
    chunks: int


class Knowledge:
    """The kbs of a home. Reading needs no lease; `stage` and `publish` belong to its holder."""

    def __init__(self, record: Record, content: Content, packs: Path, clock: Clock) -> None:
        self._record = record
        self._content = content
        self._packs = packs
        self._clock = clock

    def kb(self, tenant: str, name: str) -> Kb:
        """The kb of that name; `NotFound` suggests a near one."""
        with self._record.read() as reading:
            row = reading.execute("SELECT * FROM kbs WHERE tenant = ? AND name = ?", (tenant, name)).fetchone()
            if row is None:
                raise self._unknown(tenant, name)
        return kb_of(row)

    def find(self, tenant: str, name: str) -> Kb | None:
        """The kb of that name, or None."""
        try:
            return self.kb(tenant, name)
        except NotFound:
            return None

    def by_id(self, kb_id: int) -> Kb:
        """A kb by its number."""
        with self._record.read() as reading:
            return kb_of(reading.execute("SELECT * FROM kbs WHERE kb_id = ?", (kb_id,)).fetchone())

    def all(self, tenant: str | None = None) -> list[Kb]:
        """The kbs of a tenant (None: of everybody, for recovery), by name."""
        with self._record.read() as reading:
            rows = reading.execute(
                "SELECT * FROM kbs WHERE ? IS NULL OR tenant = ? ORDER BY name", (tenant, tenant)
            ).fetchall()
        return [kb_of(row) for row in rows]

    def ensure(self, tenant: str, name: str, embedder: Embedder) -> Kb:
        """The kb of that name, made where there is none; refuses to mix embedders."""
        check_name(name)
        now = self._clock.now()
        # a file of its own for each making: one that was dropped, or comes with an older record, is never taken for it
        pack = hashlib.sha256(f"{tenant}\0{name}\0{now}".encode()).hexdigest()[:32]
        with self._record.write() as writing:
            writing.execute(
                "INSERT INTO kbs (tenant, name, created, pack) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (tenant, name, now, pack),
            )
            kb = self.kb(tenant, name)
            if kb.embedder is None:
                model = self._content.model(embedder.name, embedder.dimensions)
                writing.execute(
                    "UPDATE kbs SET embedder = ?, dimensions = ?, model_id = ?, hybrid = ? WHERE kb_id = ?",
                    (embedder.name, embedder.dimensions, model, getattr(embedder, "hybrid", False), kb.kb_id),
                )
        check_embedder(kb, embedder)
        return self.by_id(kb.kb_id)

    def source_id(self, kb_id: int, name: str) -> int:
        """The number of a source, given at first sight."""
        with self._record.write(lazy=True) as writing:
            writing.execute("INSERT INTO sources (kb_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING", (kb_id, name))
            row = writing.execute("SELECT source_id FROM sources WHERE kb_id = ? AND name = ?", (kb_id, name))
            return int(row.fetchone()[0])

    def pack(self, kb: Kb) -> Pack:
        """The packed vectors of a kb that has an embedder."""
        assert kb.dimensions is not None
        return Pack(self._packs / kb.pack_file, kb.dimensions)

    def renew_pack(self, kb_id: int) -> None:
        """Give a kb's packed file another name, joining an open transaction: who still reads the old one keeps it.

        Until it is made, searches read the record.
        """
        with self._record.write() as writing:
            writing.execute("UPDATE kbs SET pack = ? WHERE kb_id = ?", (uuid.uuid4().hex, kb_id))

    def sweep_packs(self) -> None:
        """Delete the packed files that are no kb's."""
        mine = {kb.pack_file for kb in self.all()}
        for path in self._packs.glob("*"):
            if path.name not in mine:
                path.unlink(missing_ok=True)

    def stage(
        self, kb: Kb, source: str, parsed_id: int, *, sha256: str, size: int, claim: bool = False, modified: int = 0
    ) -> Staged:
        """Make a version of a source ready to be published: its chunks get slots, and their vectors lie in the pack.

        Nobody sees it before a publish. Staging the same again changes nothing. A claim gets no chunks until it has
        to show them. Every text must have its vector (embed comes before). `modified` is the file's time of its last
        change in nanoseconds, 0 where nobody knows it.
        """
        with self._record.write() as writing:
            source_id = self.source_id(kb.kb_id, source)
            writing.execute(
                "INSERT INTO versions (kb_id, source_id, parsed_id, sha256, bytes, modified) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET released = 0",
                (kb.kb_id, source_id, parsed_id, sha256, size, modified),
            )
            row = writing.execute(
                "SELECT version_id, slots, chunks FROM versions WHERE source_id = ? AND parsed_id = ?",
                (source_id, parsed_id),
            ).fetchone()
            if claim or row["slots"] is not None:
                return Staged(row["version_id"], source_id, row["chunks"])
            slots = self._stage_chunks(writing, kb, source_id, source, parsed_id)
            writing.execute(
                "UPDATE versions SET slots = ?, digest = ?, chunks = ? WHERE version_id = ?",
                (pack_slots(slots), version_digest(writing, kb.kb_id, slots), len(slots), row["version_id"]),
            )
            return Staged(row["version_id"], source_id, len(slots))

    def publish(
        self, kb_id: int, changes: Sequence[Change], *, journey_id: str, user: str, restorable: bool
    ) -> Published:
        """Change a kb, in one transaction (the caller's, where it has one open).

        Claims whose content would go away with these changes show it from now on.
        """
        with self._record.write() as writing:
            merged = {change.source_id: change for change in (*changes, *self._shown_claims(writing, kb_id, changes))}
            return publish(
                writing,
                kb_id,
                list(merged.values()),
                journey_id=journey_id,
                user=user,
                now=self._clock.now(),
                restorable=restorable,
            )

    def rehearse(self, kb_id: int, changes: Sequence[Change]) -> Published:
        """What `publish` would count now; the transaction is undone. Not inside another transaction."""
        if self._record.in_transaction:
            raise RuntimeError("a rehearsal inside a transaction would become part of it")
        try:
            with self._record.write():
                raise _Rehearsed(self.publish(kb_id, changes, journey_id="", user="", restorable=True))
        except _Rehearsed as done:
            return done.counted

    def say_returned(self, kb_id: int, revision: int, as_of: Mapping[int, int]) -> None:
        """Keep which sources a rollback's revision made again, and as of which revision each."""
        with self._record.write() as writing:
            writing.executemany(
                "INSERT INTO returned (kb_id, source_id, revision, as_of) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [(kb_id, source_id, revision, past) for source_id, past in as_of.items()],
            )

    def release(self, kb_id: int) -> None:
        """Give up every state before the newest: what only they show is no longer restorable.

        The index must have followed. Texts and vectors stay as the cache of what was embedded, until they are
        collected.
        """
        with self._record.write() as writing:
            kb = self.by_id(kb_id)
            writing.execute("DELETE FROM spans WHERE kb_id = ? AND gone IS NOT NULL", (kb_id,))
            writing.execute("DELETE FROM source_spans WHERE kb_id = ? AND gone IS NOT NULL", (kb_id,))
            live = "SELECT version_id FROM source_spans WHERE kb_id = ?"
            released = writing.execute(
                f"SELECT version_id, source_id, slots FROM versions WHERE kb_id = ? AND version_id NOT IN ({live})",
                (kb_id, kb_id),
            ).fetchall()
            drop_versions(writing, kb, released)
            writing.execute("UPDATE kbs SET floor = ? WHERE kb_id = ?", (kb.head, kb_id))

    def drop(self, kb: Kb) -> None:
        """Forget a kb with all its revisions; its collection is doomed, its journeys' documents are the caller's."""
        with self._record.write() as writing:
            if kb.hybrid:
                lexical.forget(writing, kb.kb_id)
            writing.execute("DELETE FROM kbs WHERE kb_id = ?", (kb.kb_id,))
            if kb.generation:
                doom(writing, kb.collection)

    def _stage_chunks(
        self, writing: sqlite3.Connection, kb: Kb, source_id: int, source: str, parsed_id: int
    ) -> list[int]:
        ids, metadatas, text_ids = self._identify(kb, source, parsed_id)
        known = _known_slots(writing, source_id, text_ids)
        first = int(writing.execute("SELECT next_slot FROM kbs WHERE kb_id = ?", (kb.kb_id,)).fetchone()[0])
        fresh = [i for i, id_ in enumerate(ids) if id_ not in known]
        texts = self._content.texts(text_ids[i] for i in fresh)
        assert kb.model_id is not None and kb.dimensions is not None
        vectors = self._content.vectors(kb.model_id, (text_ids[i] for i in fresh), kb.dimensions)
        rows: list[tuple[object, ...]] = []
        for slot, i in enumerate(fresh, start=first):
            known[ids[i]] = slot
            text_id, metadata = text_ids[i], metadatas[i]
            digest = row_digest(ids[i].hex(), texts[text_id], metadata, vectors[text_id])
            rows.append((kb.kb_id, slot, source_id, text_id, ids[i], metadata, digest))
        writing.executemany(
            "INSERT INTO chunks (kb_id, slot, source_id, text_id, chunk_id, meta, digest) VALUES (?,?,?,?,?,?,?)",
            rows,
        )
        if kb.hybrid:
            words = ((slot, texts[text_ids[i]]) for slot, i in enumerate(fresh, start=first))
            lexical.index(writing, kb.kb_id, words)
        writing.execute("UPDATE kbs SET next_slot = ? WHERE kb_id = ?", (first + len(fresh), kb.kb_id))
        if fresh and self.pack(kb).filed(first + len(fresh)):
            write_rows(writing, kb, self.pack(kb), first, [vectors[text_ids[i]] for i in fresh])
            self._record.before_commit(kb.pack, self.pack(kb).sync)
        return [known[id_] for id_ in ids]

    def _identify(self, kb: Kb, source: str, parsed_id: int) -> tuple[list[bytes], list[str], list[int]]:
        """The chunk ids, canonical metadata and text ids of a parsed file under a source name."""
        parsed = self._content.parsed_by_id(parsed_id)
        tags = tags_of(parsed.chunker)
        pieces = self._content.pieces(parsed_id)
        shas = self._content.shas(piece.text_id for piece in pieces)
        seen: dict[tuple[int, str], int] = {}
        ids: list[bytes] = []
        metadatas: list[str] = []
        for piece in pieces:
            metadata = canonical_metadata(metadata_of(source, parsed.media_type, piece.heading, tags))
            occurrence = seen.get((piece.text_id, metadata), 0)
            seen[piece.text_id, metadata] = occurrence + 1
            ids.append(
                chunk_id(tenant=kb.tenant, kb=kb.name, source=source, sha=shas[piece.text_id], metadata=metadata,
                         embedder=kb.embedder or "", occurrence=occurrence)
            )  # fmt: skip
            metadatas.append(metadata)
        return ids, metadatas, [piece.text_id for piece in pieces]

    def _shown_claims(self, writing: sqlite3.Connection, kb_id: int, changes: Sequence[Change]) -> list[Change]:
        found: list[Change] = []
        for one in claims_to_show(writing, kb_id, changes):
            self.stage(self.by_id(kb_id), one.source, one.parsed_id, sha256=one.sha256, size=one.bytes)
            found.append(Change(one.source_id, SourceState(one.version_id)))
        return found

    def _unknown(self, tenant: str, name: str) -> NotFound:
        names = [kb.name for kb in self.all(tenant)]
        near = difflib.get_close_matches(name, names, n=1)
        known = f"there are: {', '.join(names)}" if names else "there are none yet"
        return NotFound(
            f"there is no kb {name!r}", cause=f"did you mean {near[0]!r}?" if near else known,
            state="nothing was changed", next="milepost kb list" if names else "milepost ingest PATH --kb NAME",
            instead=(name, near[0]) if near else (),
        )  # fmt: skip


class _Rehearsed(Exception):
    """Ends a rehearsal's transaction without keeping it."""

    def __init__(self, counted: Published) -> None:
        super().__init__()
        self.counted = counted


def _known_slots(reading: sqlite3.Connection, source_id: int, text_ids: Sequence[int]) -> dict[bytes, int]:
    """The slots of a source's chunks with these texts, by chunk id, which says source and text."""
    found: dict[bytes, int] = {}
    for some in batched(sorted(set(text_ids)), IN_LIST):
        sql = f"SELECT chunk_id, slot FROM chunks WHERE text_id IN ({marks(some)}) AND source_id = ?"
        found |= {bytes(row[0]): row[1] for row in reading.execute(sql, (*some, source_id))}
    return found
