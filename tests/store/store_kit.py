"""What the tests of the store share: a home with a fake embedder, and short ways to put texts into its kbs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from milepost.store import faults
from milepost.store.chroma import Row
from milepost.store.chunks import text_sha
from milepost.store.content import ParseKey, as_matrix
from milepost.store.home import Home
from milepost.store.kb import Kb
from milepost.store.ports import Vectors
from milepost.store.records import SearchHit
from milepost.store.revisions import Change, Published, SourceState, state_at, visible_slots
from milepost.store.search import Search
from milepost.store.vector_bits import restored
from milepost.store.vectors import embed_normalised
from milepost.tools.embedders import FakeEmbedder, checked_embed

DIMENSIONS = 16


@dataclass(frozen=True)
class Draft:
    """A chunk as a parser would give it."""

    text: str
    heading: str | None = None
    location: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """Content that another source shows already."""

    texts: tuple[str, ...]


@dataclass(frozen=True)
class For:
    """Content that only some may find."""

    audience: str
    texts: tuple[str, ...]


Contents = Sequence[str | Draft] | Claim | For | None


class CountingEmbedder(FakeEmbedder):
    """Counts the texts that it was asked to embed; searches of its kbs may count words."""

    hybrid = True

    def __init__(self, dimensions: int = DIMENSIONS) -> None:
        super().__init__(dimensions)
        self.embedded: list[str] = []

    def embed(self, texts: list[str]) -> Vectors:
        self.embedded += texts
        return super().embed(texts)


class Kit:
    """A home in a folder of its own, and what tests do with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.embedder = CountingEmbedder()
        self.home = Home(path, embedder=lambda: self.embedder)
        self.journeys = 0

    def reopen(self) -> Home:
        """The same folder, as another process would open it."""
        self.home.close()
        self.home = Home(self.path, embedder=lambda: self.embedder)
        return self.home

    def kb(self, name: str = "hr", tenant: str = "default") -> Kb:
        """The kb of that name, made where there is none."""
        return self.home.knowledge.ensure(tenant, name, self.embedder)

    def parsed(self, contents: Sequence[str | Draft], chunker: str = "chunker") -> int:
        """Store what parsing a file of these chunks would give, vectors included."""
        drafts = [Draft(one) if isinstance(one, str) else one for one in contents]
        sha = text_sha(json.dumps([[d.text, d.heading] for d in drafts])).hex()
        key = ParseKey(sha, ".txt", "parser", chunker)
        content = self.home.content
        parsed = content.store_parsed(key, media_type="text/plain", drafts=drafts)
        model = content.model(self.embedder.name, self.embedder.dimensions)
        missing = content.without_vector(model, [p.text_id for p in content.pieces(parsed.parsed_id)])
        texts = content.texts(missing)
        content.store_vectors(model, missing, checked_embed(self.embedder, [texts[i] for i in missing]))
        return parsed.parsed_id

    def change(self, kb: Kb, source: str, contents: Contents) -> Change:
        """Stage what a source becomes: texts, a claim, or nothing."""
        knowledge = self.home.knowledge
        if contents is None:
            return Change(knowledge.source_id(kb.kb_id, source), None)
        claim = isinstance(contents, Claim)
        chunker = json.dumps({"tags": {"audience": contents.audience}}) if isinstance(contents, For) else ""
        texts = contents.texts if isinstance(contents, (Claim, For)) else contents
        parsed_id = self.parsed(texts, f"chunker;{chunker}" if chunker else "chunker")
        staged = knowledge.stage(kb, source, parsed_id, sha256="0" * 64, size=1, claim=claim)
        return Change(staged.source_id, SourceState(staged.version_id, claim))

    def publish(
        self, kb: Kb, sources: Mapping[str, Contents], *, follow: bool = True, restorable: bool = True
    ) -> Published:
        """Change sources in one publish of a journey of its own; under the lease, with its view, unless told."""
        self.journeys += 1
        changes = [self.change(kb, source, contents) for source, contents in sources.items()]
        return self.commit(kb, changes, follow=follow, restorable=restorable)

    def commit(self, kb: Kb, changes: Sequence[Change], *, follow: bool = True, restorable: bool = True) -> Published:
        """Publish changes that are staged."""

        def publish() -> Published:
            return self.home.knowledge.publish(
                kb.kb_id, changes, journey_id=f"journey_{self.journeys}", user="ann", restorable=restorable
            )

        if not follow:
            return publish()
        with self.home.hold():
            published = publish()
            self.home.open_index(kb.kb_id)
            self.home.follower.follow(kb.kb_id)
        return published

    def go_back(self, kb: Kb, revision: int, *, follow: bool = True) -> Published:
        """Publish what a past revision showed."""
        with self.home.record.read() as reading:
            then = state_at(reading, kb.kb_id, revision)
            now = state_at(reading, kb.kb_id, self.now(kb).head)
        changes = [Change(source, then.get(source)) for source in sorted({*then, *now})]
        return self.commit(kb, changes, follow=follow)

    def now(self, kb: Kb) -> Kb:
        """The kb as the ledger has it at this moment."""
        return self.home.knowledge.by_id(kb.kb_id)

    def chunks(self, kb: Kb, revision: int | None = None) -> dict[str, tuple[str, str, bytes]]:
        """What a revision shows by the record: chunk id to text, metadata and vector."""
        at = self.now(kb).head if revision is None else revision
        with self.home.record.read() as reading:
            slots = set(visible_slots(reading, kb.kb_id, at))
            rows = reading.execute(
                "SELECT c.slot, c.chunk_id, expanded(t.body), c.meta, v.vector FROM chunks c"
                " JOIN texts t USING (text_id) JOIN vectors v ON v.text_id = c.text_id AND v.model_id = ?"
                " WHERE c.kb_id = ?",
                (kb.model_id, kb.kb_id),
            ).fetchall()
        vectors = restored([row[4] for row in rows], DIMENSIONS)
        return {
            bytes(row[1]).hex(): (row[2], row[3], vector.tobytes())
            for row, vector in zip(rows, vectors, strict=True)
            if row[0] in slots
        }

    def texts(self, kb: Kb, revision: int | None = None) -> list[str]:
        """The texts that a revision shows, sorted."""
        return sorted(text for text, _, _ in self.chunks(kb, revision).values())

    def rows(self, kb: Kb) -> dict[str, Row]:
        """What the kb's Chroma collection holds."""
        with self.home.hold():
            return {row.id: row for row in self.home.chroma.index(self.now(kb).collection).scan()}

    def view(self, kb: Kb) -> dict[str, tuple[str, str, bytes]]:
        """The collection's rows in the shape of `chunks`."""
        return {
            row.id: (
                row.document,
                json.dumps(row.metadata, sort_keys=True, separators=(",", ":")),
                row.vector.tobytes(),
            )
            for row in self.rows(kb).values()
        }

    def whole(self, kb: Kb) -> bool:
        """Whether the view is the record's newest revision, and every chunk is found by its own vector."""
        with self.home.hold():
            return self.home.follower.verify(kb.kb_id).ok

    def search(self, kb: Kb, query: str, *, k: int = 3, at: int | None = None) -> list[SearchHit]:
        """What people would find."""
        return self.search_vector(kb, embed_normalised(self.embedder, [query])[0], k=k, at=at)

    def search_vector(self, kb: Kb, query: Vectors, *, k: int = 3, at: int | None = None) -> list[SearchHit]:
        """What people would find by a vector."""
        home = self.home
        return Search(home.record, home.content, home.path / "vectors").search(kb, query, k=k, at=at)

    def best(self, kb: Kb, query: Vectors, k: int, at: int) -> list[tuple[str, float]]:
        """The right answer, by brute force in float64: chunk ids and products, best first."""
        shown = sorted(self.chunks(kb, at).items())
        matrix = as_matrix([vector for _, (_, _, vector) in shown], DIMENSIONS).astype(np.float64)
        products = matrix @ query.astype(np.float64)
        order = np.argsort(-products, kind="stable")[:k]
        return [(shown[i][0], float(products[i])) for i in order]


class Stop(Exception):
    """What an armed fault point raises."""


def stop_at(name: str, nth: int = 1) -> None:
    """Make the fault point raise at its `nth` passing, once."""
    left = nth

    def trap(reached: str) -> None:
        nonlocal left
        if reached == name:
            left -= 1
            if left == 0:
                raise Stop(name)

    faults.arm(trap)
