"""A case's world, made real: the files on offer in a folder, and a home with the kbs and journeys that it tells of."""

from __future__ import annotations

import os
import re
import tempfile
import time
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
from ..store.policy_sources import PolicyValue, resolve_policy
from ..store.records import Journey, JourneyStatus
from ..tools.embedders import FakeEmbedder
from .answers import Answer, answer_of

TODAY = "2026-11-27"
"""The day on which every case is asked, a Friday."""
MILESTONES = ("before_upload", "upload_complete", "parse_complete", "embed_complete", "expose_complete")
PLANNED_UNDER: tuple[tuple[str, PolicyValue], ...] = (
    ("the evaluation", "rollback"), ("the evaluation", {"budget": {"plan_seconds": 0}}),
)  # fmt: skip
"""What cases are planned under: everything can be undone, and no file is read before it has to be."""
PLANNING = resolve_policy(*PLANNED_UNDER).policy
_BLOCK = 1_000_000
_PAST = re.compile(r"(?!running)(?P<when>[\w ]+): (?P<request>ingest (?P<names>\S+) into (?P<kb>[\w-]+).*)")
_RUNNING = re.compile(r"running: (?:ingest )?(?P<names>.+?) into (?P<kb>[\w-]+)")
_HELD = re.compile(r"held(?: for (?P<whom>\w+))?|not (?:yet )?exposed|staged")
_BACK = re.compile(r"rolled back (?P<which>[\w-]+)")


@dataclass
class SetClock:
    """A clock whose date stands where it is put, and goes on by a second at every look; durations are real."""

    at: datetime

    def now(self) -> str:
        self.at += timedelta(seconds=1)
        return self.at.isoformat(timespec="microseconds")

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass
class CaseWorld:
    """A case, its folder and its home; `names` has the case's name of each checkpoint, by id."""

    case: Mapping[str, Any]
    folder: Path
    milepost: Milepost
    clock: SetClock
    names: dict[str, str] = field(default_factory=dict)
    brought: dict[str, Path] = field(default_factory=dict)
    """By the case's name of a checkpoint: the file that going back to it takes out again."""
    held: list[Path] = field(default_factory=list)
    """Files that are staged, and wait to be exposed."""

    @property
    def paths(self) -> list[Path]:
        """What is on offer: the folder of files, or nothing."""
        return [self.folder] if self.case["context"]["files"] else []

    @property
    def kb(self) -> str | None:
        """The knowledge base that is current."""
        kb: str | None = self.case["context"]["knowledge_base"]
        return kb

    def plan(self, planner: str = "template", *, reads: bool = True) -> Plan:
        """What the planner makes of the case's request; nothing is applied. Without `reads` it is not told of it."""
        request = self.case["request"] if reads else None
        return self.milepost.plan(self.paths, kb=self.kb, request=request, planner=planner)

    def answer(self, planner: str = "template") -> Answer:
        """The plan in the cases' words; a request that is refused outright is no plan: an answer without steps."""
        try:
            plan = self.plan(planner)
        except (UsageError, PlanRejected, NotFound, PolicyError):
            return Answer(steps=(), valid=False)
        valid = self.milepost.validate(plan).valid
        return answer_of(plan.model_dump(mode="json"), valid=valid, names=self.names)


@contextmanager
def world_of(
    case: Mapping[str, Any],
    *,
    policy: Policy | None = None,
    chat_model: Any = None,
    readable: bool = False,
    room: Path | None = None,
) -> Generator[CaseWorld]:
    """Make a case's world in a folder of its own (in `room`), which is gone afterwards.

    Files have their sizes and dates and no content worth reading (planning estimates them), unless they are to be
    `readable`: then each is a text. What lies in the kb was really ingested.
    """
    chosen = policy or PLANNING
    with tempfile.TemporaryDirectory(dir=room, ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        clock = SetClock(datetime.fromisoformat(f"{TODAY}T08:00:00+00:00"))
        home = place / "home"
        with Milepost(
            home, policy=chosen, embedder=FakeEmbedder(), chat_model=chat_model, user="ada", clock=clock
        ) as milepost:
            world = CaseWorld(case, place / "offer", milepost, clock)
            world.folder.mkdir()
            for number, file in enumerate(case["context"]["files"]):
                write_file(world.folder, file, f"offer {number} {file['name']}", filler=b"\n" if readable else b"\0")
            _Past(world, place / "past").make()
            yield world


def write_file(folder: Path, file: Mapping[str, Any], text: str, *, filler: bytes | None = b"\0") -> Path:
    """A file of that name, size and date: its content, or its first line and what fills it (zeros are sparse)."""
    path = folder / str(file["name"])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(file.get("content") or f"{text}\n", encoding="utf-8")
    lacks = round(float(file.get("size_mb") or 0) * 1_000_000) - path.stat().st_size
    if filler == b"\0" and lacks > 0:
        os.truncate(path, path.stat().st_size + lacks)
    elif filler is not None and lacks > 0:
        with path.open("ab") as end:
            for start in range(0, lacks, _BLOCK):
                end.write(filler * min(_BLOCK, lacks - start))
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
            path = write_file(only, file, f"kb {file['name']}", filler=None)
            self.world.held += [path] if held else []
            self._ingest([only], self.kb, request=wish, expose=held is None)

    def _yesterday(self, match: re.Match[str]) -> None:
        name = match["names"].replace("*", "x")
        self.world.clock.at -= timedelta(days=1)
        path = write_file(self.folder / "yesterday", {"name": name}, "yesterday")
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
                if not name.endswith("expose_complete"):
                    self.world.brought[name] = self.folder / "whole.md"
                self.world.names[journey.checkpoint(name.replace("-", "_"))] = name
        for name in (name for name in names if name not in whole):
            which = name.removesuffix("-before-upload")
            dated = re.search(r"\d{4}-\d\d-\d\d", name)
            if dated:
                self.world.clock.at = datetime.fromisoformat(f"{dated[0]}T09:00:00+00:00")
            kb = name[: dated.start()].rstrip("-") if dated else self.kb
            journey = self.journeys[which] = self._journey(which, kb or self.kb)
            self.world.names[journey.checkpoint("before_upload")] = name
            self.world.brought[name] = self.folder / f"{which}.md"

    def _journey(self, which: str, kb: str) -> Journey:
        path = write_file(self.folder, {"name": f"{which}.md"}, f"journey {which}")
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
