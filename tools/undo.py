"""What an undo changes: for each source, three ways: revert, conflict with others, already back."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby

from ..store.history import History, Touch, source_names
from ..store.home import Home
from ..store.knowledge import Kb
from ..store.records import Conflict
from ..store.revisions import Change, SourceState, state_at


@dataclass(frozen=True)
class Undoing:
    """The changes that take a kb back, and what stands in the way; sources by what happens to them."""

    changes: list[Change] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)


def family(home: Home, journey_id: str) -> set[str]:
    """A journey with the rollbacks that undo it, those that undo them, and so on: they count as one."""
    undoes = home.ledger.undoes()
    root = _root(undoes, journey_id)
    return {journey_id, root, *(other for other in undoes if _root(undoes, other) == root)}


def undoing(home: Home, kb: Kb, journey_id: str, *, after: int, on_conflict: str) -> Undoing:
    """What undoing a journey's publishes after revision `after` comes to, for the kb as it is now.

    A journey's change to a source runs from the revision before its first publish of that source; what another
    journey made of it since then, and did not take back, is a conflict, which is refused, skipped or forced.
    """
    own = family(home, journey_id)
    _require_restorable(home, kb, own, after)
    touched: dict[int, list[Touch]] = {}
    for touch in History(home.record).touches(kb.kb_id, after=after):
        touched.setdefault(touch.source_id, []).append(touch)
    targets: dict[int, int] = {}
    conflicts: list[Conflict] = []
    for source, touches in touched.items():
        first = next((i for i, touch in enumerate(touches) if touch.journey_id in own), None)
        if first is None:
            continue
        before = touches[first].revision - 1
        foreign = _foreign(home, kb, touches[first:], own)
        if foreign and not _differ(home, kb.kb_id, source, before, kb.head):
            foreign = None  # already back, whoever did it
        if foreign and _only_promoted(home, kb, touches[first:], own):
            continue  # shown because another copy went: no change of this journey's own
        if foreign:
            conflicts.append(foreign)
        if foreign is None or on_conflict == "force":
            targets[source] = before
    return _compare(home, kb, targets, conflicts)


def going_back(home: Home, kb: Kb, revision: int) -> Undoing:
    """What taking the whole kb back to a revision comes to, later journeys of others included."""
    History(home.record).require(kb, revision)
    with home.record.read() as reading:
        sources = {*state_at(reading, kb.kb_id, revision), *state_at(reading, kb.kb_id, kb.head)}
    return _compare(home, kb, dict.fromkeys(sources, revision), [])


def changed_since(home: Home, journey_id: str) -> list[tuple[str, str]]:
    """Which of a journey's sources others changed since it last had them: (source, journey)."""
    kb_id = home.ledger.kb_id(journey_id)
    if kb_id is None:
        return []
    own = family(home, journey_id)
    sources = {row.source for row in home.ledger.files(journey_id) if row.action in ("add", "replace", "remove")}
    start = home.ledger.journey(journey_id, None).revision_before
    touches = History(home.record).touches(kb_id, after=start)
    last = max((t.revision for t in touches if t.journey_id in own), default=start)
    later = {t.source_id: t for t in touches if t.source in sources and t.journey_id not in own and t.revision > last}
    head = home.knowledge.by_id(kb_id).head
    return [(t.source, t.journey_id) for t in later.values() if _differ(home, kb_id, t.source_id, last, head)]


def _require_restorable(home: Home, kb: Kb, own: set[str], after: int) -> None:
    """Refuse to go back across a revision that released what came before it."""
    with home.record.read() as reading:
        revisions = reading.execute(
            "SELECT revision, journey_id FROM revisions WHERE kb_id = ? AND revision > ? ORDER BY revision",
            (kb.kb_id, after),
        ).fetchall()
    first = next((row["revision"] for row in revisions if row["journey_id"] in own), None)
    if first is not None:
        History(home.record).require(kb, first - 1)


def _foreign(home: Home, kb: Kb, touches: list[Touch], own: set[str]) -> Conflict | None:
    """Who else changed a source since a journey did, and did not take it back; `touches` are of one source."""
    found = None
    for mine, run in groupby(touches, key=lambda touch: touch.journey_id in own):
        listed = list(run)
        if not mine and _differ(home, kb.kb_id, listed[0].source_id, listed[0].revision - 1, listed[-1].revision):
            found = Conflict(source=listed[-1].source, changed_by=listed[-1].journey_id)
    return found


def _only_promoted(home: Home, kb: Kb, touches: list[Touch], own: set[str]) -> bool:
    mine = [touch for touch in touches if touch.journey_id in own]
    return not any(_differ(home, kb.kb_id, t.source_id, t.revision - 1, t.revision) for t in mine)


def _differ(home: Home, kb_id: int, source_id: int, a: int, b: int) -> bool:
    """Whether a source has other content in two revisions; which copy of it shows the content is no difference."""
    with home.record.read() as reading:
        states = [state_at(reading, kb_id, revision, [source_id]).get(source_id) for revision in (a, b)]
    versions = [state.version_id if state else None for state in states]
    return versions[0] != versions[1]


def _compare(home: Home, kb: Kb, targets: dict[int, int], conflicts: list[Conflict]) -> Undoing:
    with home.record.read() as reading:
        names = source_names(reading, kb.kb_id, list(targets))
        now = state_at(reading, kb.kb_id, kb.head, list(targets))
        then: dict[int, SourceState] = {}
        for revision in set(targets.values()):
            of = [source for source, at in targets.items() if at == revision]
            then |= state_at(reading, kb.kb_id, revision, of)
    moved = sorted((s for s in targets if now.get(s) != then.get(s)), key=lambda s: names[s])
    return Undoing(
        changes=[Change(source, then.get(source)) for source in moved],
        conflicts=conflicts,
        removed=[names[source] for source in moved if source not in then],
        restored=[names[source] for source in moved if source in then],
    )


def _root(undoes: dict[str, str], journey_id: str) -> str:
    while journey_id in undoes:  # a rollback is always younger than what it undoes, so this ends
        journey_id = undoes[journey_id]
    return journey_id
