"""A case's world, made real: the files on offer in a folder, and a home with the kbs and journeys that it tells of."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ..agents.executor import journey_id_of
from ..agents.milepost import Milepost
from ..store.errors import NotFound, PlanRejected, PolicyError, UsageError
from ..store.plan import Plan
from ..store.policy import Policy
from ..store.records import Journey, JourneyStatus
from ..tools.embedders import FakeEmbedder
from .answers import Answer, answer_of

TODAY = "2026-11-27"
"""The day on which every case is asked, a Friday."""
MILESTONES = ("before_upload", "upload_complete", "parse_complete", "embed_complete", "expose_complete")
_PAST = re.compile(r"(?!running)(?P<when>[\w ]+): (?P<request>ingest (?P<names>\S+) into (?P<kb>[\w-]+).*)")
_RUNNING = re.compile(r"running: (?:ingest )?(?P<names>.+?) into (?P<kb>[\w-]+)")
_HELD = re.compile(r"held(?: for (?P<whom>\w+))?|not (?:yet )?exposed|staged")
_BACK = re.compile(r"rolled back (?P<which>[\w-]+)")


@dataclass
class SetClock:
    """A clock that stands where it is put, and goes on by a second at every look."""

    at: datetime

    def now(self) -> str:
        self.at += timedelta(seconds=1)
        return self.at.isoformat(timespec="microseconds")

    def monotonic(self) -> float:
        return self.at.timestamp()


@dataclass
class CaseWorld:
    """A case, its folder and its home; `names` has the case's name of each checkpoint, by id."""

    case: Mapping[str, Any]
    folder: Path
    milepost: Milepost
    clock: SetClock
    names: dict[str, str] = field(default_factory=dict)

    def plan(self, planner: str = "template") -> Plan:
        """What the planner makes of the case's request; nothing is applied."""
        context = self.case["context"]
        paths = [self.folder] if context["files"] else []
        kb, request = context["knowledge_base"], self.case["request"]
        return self.milepost.plan(paths, kb=kb, request=request, planner=planner)

    def answer(self, planner: str = "template") -> Answer:
        """The plan in the cases' words; a request that is refused outright is no plan: an answer without steps."""
        try:
            plan = self.plan(planner)
        except (UsageError, PlanRejected, NotFound, PolicyError):
            return Answer(steps=(), valid=False)
        valid = self.milepost.validate(plan).valid
        return answer_of(plan.model_dump(mode="json"), valid=valid, names=self.names)


@contextmanager
def world_of(case: Mapping[str, Any], *, policy: Policy | None = None) -> Generator[CaseWorld]:
    """Make a case's world in a folder of its own, which is gone afterwards.

    Files have their sizes and dates and no content worth reading (planning estimates them); what lies in the kb was
    really ingested.
    """
    chosen = policy or Policy.rollback(budget={"plan_seconds": 0})
    with tempfile.TemporaryDirectory() as room:
        clock = SetClock(datetime.fromisoformat(f"{TODAY}T08:00:00+00:00"))
        with Milepost(Path(room) / "home", policy=chosen, embedder=FakeEmbedder(), user="ada", clock=clock) as milepost:
            world = CaseWorld(case, Path(room) / "offer", milepost, clock)
            world.folder.mkdir()
            for number, file in enumerate(case["context"]["files"]):
                _write(world.folder, file, f"offer {number} {file['name']}")
            _Past(world, Path(room) / "past").make()
            yield world


def _write(folder: Path, file: Mapping[str, Any], text: str, *, whole: bool = True) -> Path:
    """A file of that name, size and date; sparse after its first line."""
    path = folder / str(file["name"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{text}\n", encoding="utf-8")
    size = round(float(file.get("size_mb") or 0) * 1_000_000)
    if whole and size > path.stat().st_size:
        os.truncate(path, size)
    if file.get("modified"):
        at = datetime.fromisoformat(file["modified"]).replace(hour=12, tzinfo=UTC).timestamp()
        os.utime(path, (at, at))
    return path


class _Past:
    """What happened before the request: journeys that are really run, each at its time."""

    def __init__(self, world: CaseWorld, folder: Path) -> None:
        self.world = world
        self.context: Mapping[str, Any] = world.case["context"]
        self.kb: str = self.context["knowledge_base"] or "other"
        self.history: Sequence[str] = self.context["history"]
        self.folder = folder
        self.journeys: dict[str, Journey] = {}
        self.count = 0

    def make(self) -> None:
        now = self.world.clock.at
        self._sources()
        for line in self.history:
            if match := _PAST.match(line):
                self._yesterday(match)
        self._checkpoints()
        for line in self.history:
            if (match := _BACK.search(line)) and match["which"] in self.journeys:
                self.world.milepost.undo(self.journeys[match["which"]])
            if match := _RUNNING.match(line):
                self._running(match)
        self.world.clock.at = max(now, self.world.clock.at)

    def _sources(self) -> None:
        """What lies in the kb; one journey for each, the oldest first. What is held was staged, and not exposed."""
        held = next((match for line in self.history if (match := _HELD.search(line))), None)
        files = sorted(self.context["already_in_kb"], key=lambda file: file.get("modified") or "")
        for file in files:
            wish = f"don't expose it yet, hold it for {held['whom'] or 'review'}" if held else None
            only = self.folder / f"kb{self.count}"
            self.count += 1
            _write(only, file, f"kb {file['name']}", whole=False)
            self._ingest([only], self.kb, request=wish, expose=held is None)

    def _yesterday(self, match: re.Match[str]) -> None:
        name = match["names"].replace("*", "x")
        self.world.clock.at -= timedelta(days=1)
        path = _write(self.folder / "yesterday", {"name": name}, "yesterday")
        self._ingest([path], match["kb"], request=match["request"])
        self.world.clock.at += timedelta(days=1)

    def _checkpoints(self) -> None:
        names: Sequence[str] = self.context["checkpoints"]
        if names and any(_BACK.search(line) for line in self.history):
            self._journey("older", self.kb)  # nobody may fall through to it
        whole = [name for name in names if name.replace("-", "_") in MILESTONES]
        if whole:
            journey = self._journey("whole", self.kb)
            for name in whole:
                self.world.names[journey.checkpoint(name.replace("-", "_"))] = name
        for name in (name for name in names if name not in whole):
            which = name.removesuffix("-before-upload")
            dated = re.search(r"\d{4}-\d\d-\d\d", name)
            if dated:
                self.world.clock.at = datetime.fromisoformat(f"{dated[0]}T09:00:00+00:00")
            kb = name[: dated.start()].rstrip("-") if dated else self.kb
            journey = self.journeys[which] = self._journey(which, kb or self.kb)
            self.world.names[journey.checkpoint("before_upload")] = name

    def _journey(self, which: str, kb: str) -> Journey:
        path = _write(self.folder, {"name": f"{which}.md"}, f"journey {which}")
        return self._ingest([path], kb)

    def _running(self, match: re.Match[str]) -> None:
        """A journey that is under way: begun, and at its first steps."""
        engine = self.world.milepost.workspace.engine
        paths = [self.world.folder / name for name in match["names"].split() if (self.world.folder / name).exists()]
        plan = self.world.milepost.plan(paths, kb=match["kb"])
        engine.begin(plan, Policy.model_validate(plan.policy))
        engine.services.home.ledger.set_status(journey_id_of(plan), JourneyStatus.RUNNING)

    def _ingest(self, paths: Sequence[Path], kb: str, *, request: str | None = None, expose: bool = True) -> Journey:
        return self.world.milepost.ingest(paths, kb=kb, request=request, expose=expose, policy=Policy.rollback())
