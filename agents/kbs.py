"""Knowledge bases as people ask about them: search, lists, logs, proofs; and the librarian's documents."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ..store.audience import audiences
from ..store.errors import NotFound, StoreDamaged, UsageError
from ..store.history import History
from ..store.kb import Kb, check_embedder
from ..store.records import (
    DigestReport,
    KbDiff,
    KbInfo,
    KbStats,
    RevisionInfo,
    SearchHit,
    VerifyReport,
)
from ..store.search import Search
from ..store.vectors import embed_normalised
from ..tools.services import Services
from .opening import Opening

T = TypeVar("T")


class Kbs(Opening):
    """The part of a workspace that answers about kbs."""

    async def search(
        self, query: str, *, kb: str, k: int = 5, at: int | None = None, audience: str | Sequence[str] | None = None
    ) -> list[SearchHit]:
        """What people would find, now or at a past revision: exact, best first, `score` between 0 and 1.

        Nearest in meaning; where the kb's embedder says that it is `hybrid`, as the default does, by the query's
        words, too, and a source's second and further chunks need to be clearly better than another source's first.
        With `audience`, one name or several: what is for one of them, and what is for everybody; with none of them,
        `[]`, what is for everybody only. Without, all of it.
        """
        whom = [audience] if isinstance(audience, str) else audience
        if not query.strip():
            raise UsageError("there is nothing to search for", cause="the query is empty")
        if k < 1:
            raise UsageError("-k must be at least 1", cause=f"{k} results were asked for")

        def find(services: Services) -> list[SearchHit]:
            found = services.home.knowledge.kb(self.user.tenant, kb)
            check_embedder(found, self.embedder)
            if at is not None:
                History(services.home.record).require(found, at)
            vector = embed_normalised(self.embedder, [query])[0]
            home = services.home
            search = Search(home.record, home.content, home.path / "vectors")
            return search.search(found, vector, question=query, k=k, at=at, audience=whom)

        return await self.read(find, self._no_home(kb))

    async def kb_list(self) -> list[KbInfo]:
        """The tenant's kbs, by name."""

        def listed(services: Services) -> list[KbInfo]:
            history = History(services.home.record)
            return [history.info(kb) for kb in services.home.knowledge.all(self.user.tenant)]

        return await self.read(listed, [])

    async def kb_stats(self, kb: str) -> KbStats:
        """A kb's figures, and where its Chroma collection is."""

        def stats(services: Services) -> KbStats:
            found = services.home.knowledge.kb(self.user.tenant, kb)
            info = History(services.home.record).info(found)
            with services.home.record.read() as reading:
                whom = audiences(reading, found.kb_id, found.head)
            return KbStats(
                **info.model_dump(),
                collection=found.collection if found.generation else None,
                chroma_path=str(services.home.chroma.path.absolute()),
                embedder=found.embedder,
                dimensions=found.dimensions,
                index_revision=found.index_revision,
                audiences={name: len(sources) for name, sources in sorted(whom.items(), key=str) if name is not None},
            )

        return await self.read(stats, self._no_home(kb))

    async def kb_log(self, kb: str) -> list[RevisionInfo]:
        """A kb's revisions, newest first."""
        return await self.read(lambda s: History(s.home.record).log(self._kb(s, kb)), self._no_home(kb))

    async def kb_diff(self, kb: str, from_: int, to: int) -> KbDiff:
        """What changed between two revisions."""
        return await self.read(lambda s: History(s.home.record).diff(self._kb(s, kb), from_, to), self._no_home(kb))

    async def kb_verify(self, kb: str) -> VerifyReport:
        """Compare the record with the collection, and search every chunk by its own vector."""

        def verify(services: Services) -> VerifyReport:
            found = self._kb(services, kb)
            with services.home.hold(wait=services.wait, mend=False):
                return services.home.follower.verify(found.kb_id)

        return await self._under_lease(kb, verify)

    async def kb_digest(self, kb: str) -> DigestReport:
        """SHA-256 over what the collection really holds."""

        def digest(services: Services) -> DigestReport:
            found = self._kb(services, kb)
            with services.home.hold(wait=services.wait, mend=False):
                try:
                    return services.home.follower.digest(found.kb_id)
                except Exception as broken:
                    raise StoreDamaged(
                        f"the collection of kb {kb!r} cannot be read",
                        cause=str(broken)[:200],
                        state="the record is whole; searches are right",
                        next=f"milepost kb rebuild --kb {shlex.quote(kb)}",
                    ) from broken

        return await self._under_lease(kb, digest)

    async def kb_rebuild(self, kb: str) -> dict[str, Any]:
        """Write a kb's collection, and the librarian's, anew from the record; nothing is embedded."""

        def rebuild(services: Services) -> dict[str, Any]:
            found = self._kb(services, kb)
            with services.home.hold(wait=services.wait, anew=True):
                services.home.views.rebuild(found.kb_id)
                services.home.librarian.rebuild()
            now = services.home.knowledge.by_id(found.kb_id)
            return {"kb": kb, "collection": now.collection, "chunks": now.index_rows, "revision": now.head}

        return await self._under_lease(kb, rebuild)

    async def documents(self, type: str | None = None, find: str | None = None) -> list[dict[str, Any]]:
        """The librarian's documents of this tenant; with `find`, those nearest in meaning first."""
        if not self.there:
            return []
        return await self.engine.run(
            lambda: self.services.home.librarian.documents(tenant=self.user.tenant, type=type, find=find)
        )

    async def _under_lease(self, kb: str, work: Callable[[Services], T]) -> T:
        if not self.there:
            raise self._no_home(kb)
        return await self.engine.in_turn(lambda: work(self.services))

    def _kb(self, services: Services, kb: str) -> Kb:
        return services.home.knowledge.kb(self.user.tenant, kb)

    def _no_home(self, kb: str) -> Any:
        """What to raise about a kb where there is no home."""
        return NotFound(f"there is no kb {kb!r}", cause="there is no home yet", state="nothing was made",
                        next=f"milepost ingest PATH --kb {shlex.quote(kb)}")  # fmt: skip
