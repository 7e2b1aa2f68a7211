"""What an undo changes: for each source, three ways: revert, conflict with others, already back."""

from __future__ import annotations

from dataclasses import dataclass, field

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

    A journey's change to a source runs from the revision before its first publish of that source; another journey's
    revision of it since then is a conflict, which is refused, skipped or forced.
    """
    own = family(home, journey_id)
    history = History(home.record)
    touches = history.touches(kb.kb_id, after=after)
    first: dict[int, Touch] = {}
    for touch in touches:
        if touch.journey_id == journey_id:
            first.setdefault(touch.source_id, touch)
    if first:
        history.require(kb, min(touch.revision for touch in first.values()) - 1)
    foreign = {
        touch.source_id: touch
        for touch in touches
        if touch.source_id in first and touch.journey_id not in own
        and touch.revision > first[touch.source_id].revision
    }  # fmt: skip
    conflicts = [Conflict(source=t.source, changed_by=t.journey_id) for t in foreign.values()]
    targets = {s: t.revision - 1 for s, t in first.items() if on_conflict == "force" or s not in foreign}
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
    history = History(home.record)
    start = home.ledger.journey(journey_id, None).revision_before
    touches = history.touches(kb_id, after=start)
    last = max((t.revision for t in touches if t.journey_id in own), default=start)
    return [(t.source, t.journey_id) for t in touches
            if t.source in sources and t.journey_id not in own and t.revision > last]  # fmt: skip


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
