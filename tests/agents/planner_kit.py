"""What the planner's tests share: a home of their own, journeys run by the front door, plans drafted by hand."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from milepost import Milepost
from milepost.agents.planner import PlanRequest, draft
from milepost.store.home import Home
from milepost.store.plan import Plan, PlannedFile
from milepost.store.policy import Policy
from milepost.store.records import Journey, UserContext
from milepost.tools.embedders import FakeEmbedder
from milepost.tools.sandbox import ParserPool
from milepost.tools.services import Services

EMBEDDER = FakeEmbedder()
USER = UserContext(user="ada")


class World:
    """A folder with files and a home beside it."""

    def __init__(self, root: Path, pool: ParserPool) -> None:
        self.docs = root / "docs"
        self.docs.mkdir()
        self.home_path = root / "home"
        self.pool = pool

    def write(self, name: str, text: str | bytes, *, year: int | None = None) -> Path:
        """Write a file below the folder; `year` dates its last change."""
        path = self.docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        if year is not None:
            at = (year - 1970) * 365.25 * 86_400 + 180 * 86_400
            os.utime(path, (at, at))
        return path

    def ingest(self, *paths: Any, policy: Policy | None = None, **more: Any) -> Journey:
        """Plan and apply through the front door."""
        with Milepost(self.home_path, policy=policy or Policy.rollback(), embedder=EMBEDDER, user=USER) as milepost:
            return milepost.ingest(list(paths) or [self.docs], kb=more.pop("kb", "hr"), **more)

    @contextmanager
    def services(self, user: UserContext = USER) -> Iterator[Services]:
        """An opened home, as the planner is given it."""
        home = Home(self.home_path, embedder=lambda: EMBEDDER)
        try:
            yield Services(home, self.pool, user)
        finally:
            home.close()

    def plan(self, *paths: Any, policy: Policy | None = None, **more: Any) -> Plan:
        """Draft a plan without saving it."""
        asked = PlanRequest(
            paths=list(paths) or [self.docs],
            kb=more.pop("kb", "hr"),
            request=more.pop("request", None),
            policy=policy or Policy.rollback(),
            **more,
        )
        with self.services() as services:
            return draft(services, asked)


def by_source(plan: Plan) -> dict[str, PlannedFile]:
    """A plan's files by their source."""
    return {file.source: file for file in plan.files}


def actions(plan: Plan) -> dict[str, str]:
    """What happens to each source, with the reason where there is one."""
    return {file.source: f"{file.action} {file.reason}" if file.reason else file.action for file in plan.files}
