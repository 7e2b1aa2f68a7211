"""What an undo changes: for each source, three ways: revert, conflict with others, already back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from itertools import dropwhile, groupby

from ..store.history import History, Touch, source_names
from ..store.home import Home
from ..store.kb import Kb
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
    touched = _since_own(History(home.record).touches(kb.kb_id, after=after), own)
    past = _Past(home, kb.kb_id, touched)
    targets: dict[int, int] = {}
    shifted: dict[int, int] = {}
    conflicts: list[Conflict] = []
    for source, touches in touched.items():
        before = touches[0].revision - 1
        changes = past.changes(touches, own)
        if changes and past.differ(source, before, changes[0].revision - 1):
            before = changes[0].revision - 1
        foreign = _foreign(past, changes or touches, own)
        if foreign and not past.differ(source, before, kb.head):
            foreign = None  # already back, whoever did it
        if not changes:  # it came or ceased to show its content because another copy went or came
            if foreign is None:
                shifted[source] = before
            continue
        if foreign:
            conflicts.append(foreign)
        if foreign is None or on_conflict == "force":
            targets[source] = before
    found = _compare(home, kb, targets, conflicts)
    return replace(found, changes=[*found.changes, *_shifted_back(home, kb, shifted, found.changes)])


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
    rows = home.ledger.files(journey_id)
    sources = {row.source for row in rows if row.action != "skip" or row.reason == "duplicate"}
    start = home.ledger.journey(journey_id, None).revision_before
    touches = History(home.record).touches(kb_id, after=start)
    last = max((t.revision for t in touches if t.journey_id in own), default=start)
    later = {t.source_id: t for t in touches if t.source in sources and t.journey_id not in own and t.revision > last}
    head, past = home.knowledge.by_id(kb_id).head, _Past(home, kb_id, later)
    return [(t.source, t.journey_id) for t in later.values() if past.differ(t.source_id, last, head)]


def _require_restorable(home: Home, kb: Kb, own: set[str], after: int) -> None:
    """Refuse to go back across a revision that released what came before it."""
    with home.record.read() as reading:
        revisions = reading.execute(
            "SELECT revision, journey_id FROM revisions WHERE kb_id = ? AND revision > ? ORDER BY revision",
            (kb.kb_id, after),
        ).fetchall()
    first = next((row["revision"] for row in revisions if row["journey_id"] in own), None)
    if first is not None:
        History(home.record).require_above_floor(kb, first - 1)


class _Past:
    """What some sources hold in the revisions of a kb; each revision that is asked for is read once."""

    def __init__(self, home: Home, kb_id: int, sources: Iterable[int]) -> None:
        self._home = home
        self._kb_id = kb_id
        self._sources = list(sources)
        self._read: dict[int, dict[int, int]] = {}

    def differ(self, source: int, a: int, b: int) -> bool:
        """Whether a source has other content in two revisions; which copy shows the content is no difference."""
        return self._versions(a).get(source) != self._versions(b).get(source)

    def changes(self, touches: list[Touch], own: set[str]) -> list[Touch]:
        """Those touches of one source that changed its content, from the first own one of them on."""
        real = [touch for touch in touches if self.differ(touch.source_id, touch.revision - 1, touch.revision)]
        return list(dropwhile(lambda touch: touch.journey_id not in own, real))

    def _versions(self, revision: int) -> dict[int, int]:
        if revision not in self._read:
            with self._home.record.read() as reading:
                states = state_at(reading, self._kb_id, revision, self._sources)
            self._read[revision] = {source: state.version_id for source, state in states.items()}
        return self._read[revision]


def _since_own(touches: list[Touch], own: set[str]) -> dict[int, list[Touch]]:
    """By source, everybody's changes from the first own one on."""
    found: dict[int, list[Touch]] = {}
    for touch in touches:
        if touch.journey_id in own or touch.source_id in found:
            found.setdefault(touch.source_id, []).append(touch)
    return found


def _foreign(past: _Past, touches: list[Touch], own: set[str]) -> Conflict | None:
    """Who else changed a source since a journey did, and did not take it back; `touches` are of one source."""
    found = None
    for mine, run in groupby(touches, key=lambda touch: touch.journey_id in own):
        listed = list(run)
        if not mine and past.differ(listed[0].source_id, listed[0].revision - 1, listed[-1].revision):
            found = Conflict(source=listed[-1].source, changed_by=listed[-1].journey_id)
    return found


def _shifted_back(home: Home, kb: Kb, shifted: dict[int, int], changes: list[Change]) -> list[Change]:
    """Sources that hand the showing of their content back to a copy that comes, or take it back from one that goes."""
    if not (shifted and changes):
        return []
    back = _compare(home, kb, shifted, []).changes
    with home.record.read() as reading:
        parsed = dict(reading.execute("SELECT version_id, parsed_id FROM versions WHERE kb_id = ?", (kb.kb_id,)))
        now = state_at(reading, kb.kb_id, kb.head, [change.source_id for change in changes])
    coming = {parsed[c.to.version_id] for c in changes if c.to and not c.to.claim}
    going = {parsed[state.version_id] for state in now.values() if not state.claim}
    return [c for c in back if c.to and parsed[c.to.version_id] in (coming if c.to.claim else going)]


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
