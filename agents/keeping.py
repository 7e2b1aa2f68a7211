"""What goes for ever: collecting, purging, dropping."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ..store.collecting import Collector
from ..store.errors import UsageError
from ..store.purging import Purger
from ..tools.services import Services
from .kbs import Kbs

_NOTHING = {"undos": [], "checkpoints": 0, "revisions": 0, "chunks": 0, "texts": 0, "uploads": 0, "bytes": 0}


class Keeping(Kbs):
    """The part of a workspace that gives things up for ever."""

    async def gc(self, *, dry_run: bool = False, as_of: str | None = None) -> dict[str, Any]:
        """Give up what no promised undo needs: `undos` are the journeys whose undo ends with it.

        What people see stays as it is. `dry_run` only counts; what it gave as `as_of` (ISO 8601, not in the future)
        makes sure that nothing ends which it did not show. Another tenant's is left alone.
        """
        if not self.there:
            return {"as_of": as_of, **_NOTHING, "dry_run": dry_run}

        def work(services: Services) -> dict[str, Any]:
            moment = _moment(services, as_of)
            collector = Collector(services.home, self.user.tenant, self.user.user)
            if dry_run:
                return {**collector.preview(moment).told(), "dry_run": True}
            with services.home.hold(wait=services.wait):
                before = services.home.size()
                found = collector.collect(moment)
                return {
                    **found.told(),
                    "disk_bytes": max(0, before - services.home.size()),
                    "dry_run": False,
                    "unfinished": services.home.eraser.pending(),
                }

        return await self.engine.in_turn(lambda: work(self.services))

    async def kb_purge(self, source: str, *, kb: str, dry_run: bool = False) -> dict[str, Any]:
        """Delete a source with its whole past everywhere, for ever: not a journey, and it cannot be undone.

        `undos_ended` are the journeys whose undo ends with it, `undos_without_it` those whose undo leaves it out. The
        same content under another name, or in another kb, stays (`same_content_in`). `unfinished` says that another
        process, which reads, or a full disk keeps traces in the files: the next opening goes on. `NotFound` where
        nothing of it was ever there.
        """

        def purge(services: Services) -> dict[str, Any]:
            purger = Purger(services.home, self.user.tenant, self.user.user)
            if dry_run:
                return {**purger.preview(kb, source).told(), "dry_run": True}
            with services.home.hold(wait=services.wait):
                return {**purger.purge(kb, source).told(), "dry_run": False, **_left(services)}

        return await self._under_lease(kb, purge)

    async def kb_drop(self, kb: str, *, dry_run: bool = False) -> dict[str, Any]:
        """Delete a kb with all its sources and its whole past, for ever: as `kb_purge` does with one source."""

        def drop(services: Services) -> dict[str, Any]:
            purger = Purger(services.home, self.user.tenant, self.user.user)
            if dry_run:
                return {**purger.preview(kb, None).told(), "dry_run": True}
            with services.home.hold(wait=services.wait):
                return {**purger.drop(kb).told(), "dry_run": False, **_left(services)}

        return await self._under_lease(kb, drop)


def _left(services: Services) -> dict[str, bool]:
    return {"unfinished": services.home.eraser.pending()}


def _moment(services: Services, said: str | None) -> str:
    now = services.home.clock.now()
    if said is None:
        return now
    try:
        asked = datetime.fromisoformat(said)
        if asked.tzinfo is not None and asked <= datetime.fromisoformat(now):
            return said
    except ValueError:
        pass
    raise UsageError(f"as_of cannot be {said!r:.60}", cause="it is a moment that has been, in ISO 8601 with its zone")
