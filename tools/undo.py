"""What an undo changes: for each source, three ways: revert, conflict with others, already back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

from ..store.history import History, Touch, source_names
from ..store.home import Home
from ..store.kb import Kb
from ..store.lineage import Lineage
from ..store.records import Conflict
from ..store.revisions import Change, SourceState, state_at
from .pasts import Past, pasts, touched_by


@dataclass(frozen=True)
class Undoing:
    """The changes that take a kb back, and what stands in the way; sources by what happens to them.

    `as_of` has the revision as of which each changed source is made again; `kept` are the sources of conflicts that
    are passed over.
    """

    changes: list[Change] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    as_of: Mapping[int, int] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)


def undoing(home: Home, kb: Kb, journeys: Mapping[str, int], *, on_conflict: str) -> Undoing:
    """What undoing the publishes of some journeys comes to, each after a revision, for the kb as it is now.

    A source rests on changes that nobody has taken off. Those of these journeys come off; what others laid on top
    of them since is a conflict, which is refused, skipped or forced. Where one of the journeys is a rollback, what it
    took off is laid on again. What was taken back already stays so, whoever changed the source since.
    """
    lineage = Lineage(home.ledger.undoes())
    own, after = lineage.family(journeys), min(journeys.values())
    _require_restorable(home, kb, own, after)
    with home.record.read() as reading:
        found = pasts(reading, kb.kb_id, touched_by(reading, kb.kb_id, own, after=after))
    targets: dict[int, int] = {}
    shifted: dict[int, int] = {}
    conflicts: list[Conflict] = []
    for source, past in found.items():
        touches = [touch for touch in past.touches if touch.revision > after]
        if not any(touch.journey_id in own and touch in past.changes for touch in touches):
            # it came or ceased to show its content because another copy went or came
            mine = next(touch.revision for touch in touches if touch.journey_id in own)
            if _foreign(past, [touch for touch in touches if touch.revision >= mine], own) is None:
                shifted[source] = mine - 1
            continue
        step = _put_back(past, journeys, lineage, kb.head) or _taken_off(past, journeys, kb.head)
        if step is None or not past.differ(step.to, kb.head):
            continue  # already back, whoever did it
        foreign = step.over or _foreign(past, step.laid_on, own)
        if foreign:
            conflicts.append(foreign)
        if foreign is None or on_conflict == "force":
            targets[source] = step.to
    conflicts.sort(key=lambda conflict: conflict.source)
    kept = [conflict.source for conflict in conflicts] if on_conflict == "skip" else []
    compared = replace(_compare(home, kb, targets, conflicts), kept=kept)
    return _with(compared, _shifted_back(home, kb, shifted, compared.changes), shifted)


def going_back(home: Home, kb: Kb, revision: int) -> Undoing:
    """What taking the whole kb back to a revision comes to, later journeys of others included."""
    History(home.record).require(kb, revision)
    with home.record.read() as reading:
        sources = {*state_at(reading, kb.kb_id, revision), *state_at(reading, kb.kb_id, kb.head)}
    return _compare(home, kb, dict.fromkeys(sources, revision), [])


def journeys_after(home: Home, kb: Kb, revision: int) -> list[str]:
    """The journeys all of whose revisions of a kb come after one, oldest first."""
    with home.record.read() as reading:
        rows = reading.execute(
            "SELECT journey_id FROM revisions JOIN journeys USING (journey_id) WHERE revisions.kb_id = ?"
            " GROUP BY journey_id HAVING min(revision) > ? ORDER BY min(revision)",
            (kb.kb_id, revision),
        ).fetchall()
    return [str(row[0]) for row in rows]


def changed_since(home: Home, journey_id: str) -> list[tuple[str, str]]:
    """Which of a journey's sources others changed since it last had them: (source, journey)."""
    kb_id = home.ledger.kb_id(journey_id)
    if kb_id is None:
        return []
    own = Lineage(home.ledger.undoes()).family([journey_id])
    rows = home.ledger.files(journey_id)
    sources = {row.source for row in rows if row.action != "skip" or row.reason == "duplicate"}
    start = home.ledger.journey(journey_id, None).revision_before
    touches = History(home.record).touches(kb_id, after=start)
    last = max((t.revision for t in touches if t.journey_id in own), default=start)
    later = {t.source_id: t for t in touches if t.source in sources and t.journey_id not in own and t.revision > last}
    head = home.knowledge.by_id(kb_id).head
    with home.record.read() as reading:
        past = pasts(reading, kb_id, later)
    return [(t.source, t.journey_id) for t in later.values() if past[t.source_id].differ(last, head)]


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


@dataclass(frozen=True)
class _Step:
    """A source as of a revision: with the changes that were laid on meanwhile, or a conflict that is certain."""

    to: int
    laid_on: Sequence[Touch] = ()
    over: Conflict | None = None


def _taken_off(past: Past, journeys: Mapping[str, int], head: int) -> _Step | None:
    """The source without the first standing change of these journeys, and without what stands on it."""
    now = past.standing(head)
    for at, touch in enumerate(now):
        if touch.revision > journeys.get(touch.journey_id, head):
            return _Step(touch.revision - 1, now[at:])
    return None


def _put_back(past: Past, journeys: Mapping[str, int], lineage: Lineage, head: int) -> _Step | None:
    """The source as it was before a rollback that is to be undone, or that took off what a checkpoint had."""
    now = past.standing(head)
    for journey_id, after in journeys.items():
        if lineage.is_rollback(journey_id):
            done = next((touch for touch in past.changes if touch.journey_id == journey_id), None)
        else:
            done = _lost(past, {touch for touch in past.standing(after) if touch.journey_id == journey_id}, after, now)
        if done is None or not _in_force(past, done, now):
            continue
        left = past.standing(done.revision)
        if now[: len(left)] == left:
            return _Step(done.revision - 1, now[len(left) :])
        last = past.changes[-1]
        return _Step(done.revision - 1, over=Conflict(source=last.source, changed_by=last.journey_id))
    return None


def _lost(past: Past, had: set[Touch], after: int, now: Sequence[Touch]) -> Touch | None:
    """The rollback since a revision that took off what a journey had there, and what nobody has put back."""
    if had <= {*now}:
        return None
    rollbacks = (touch for touch in past.changes if touch.revision > after and touch.revision in past.returned)
    return next((touch for touch in rollbacks if not had <= {*past.standing(touch.revision)}), None)


def _in_force(past: Past, done: Touch, now: Sequence[Touch]) -> bool:
    """Whether what a rollback did to a source still holds: neither undone, nor done again by who was undone."""
    before, left = past.standing(done.revision - 1), past.standing(done.revision)
    off, on = {*before} - {*left}, {*left} - {*before}
    again = {touch.journey_id for touch in off} - {touch.journey_id for touch in left}
    return on <= {*now} and not off & {*now} and not again & {touch.journey_id for touch in now}


def _foreign(past: Past, touches: Sequence[Touch], own: set[str]) -> Conflict | None:
    """Who else changed a source, and did not change it back; `touches` are of one source."""
    found = None
    for mine, run in groupby(touches, key=lambda touch: touch.journey_id in own):
        listed = list(run)
        if not mine and past.differ(listed[0].revision - 1, listed[-1].revision):
            found = Conflict(source=listed[-1].source, changed_by=listed[-1].journey_id)
    return found


def _with(found: Undoing, further: Sequence[Change], as_of: Mapping[int, int]) -> Undoing:
    added = {change.source_id: as_of[change.source_id] for change in further}
    return replace(found, changes=[*found.changes, *further], as_of={**found.as_of, **added})


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
        as_of={source: targets[source] for source in moved},
    )
