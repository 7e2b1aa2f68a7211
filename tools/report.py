"""A journey as one page to keep, to print or to send: what changed, when, by which plan, and how to take it back.

Everything in it is text of the record, escaped by `page.py`; nothing is fetched, and nothing runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ..store.changed_texts import Changed
from ..store.plan import Plan
from ..store.records import Event, Journey, RollbackResult
from ..store.words import brief, clean, count, short_id
from .page import Markup, badge, bdi, command, element, figure, markup, page, section, table, tiles, wash
from .report_changes import changes
from .report_plan import planned
from .track import track
from .track_picture import track_picture

EVENTS = 200
TONES = {
    "completed": "good", "partial": "warn", "interrupted": "warn", "awaiting_approval": "calm", "planned": "calm",
    "running": "calm", "compensating": "warn", "rolled_back": "calm", "compensated": "warn", "cancelled": "calm",
}  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What a report is made of: `undo` is the preview of going back now, `no_undo` why one cannot (else empty)."""

    journey: Journey
    plan: Plan
    timeline: Sequence[Event]
    changed: Changed
    version: str
    made_at: str
    undo: RollbackResult | None = None
    no_undo: str = ""
    guarantees: Sequence[str] = field(default_factory=tuple)


def report(facts: Facts) -> str:
    """The page, as text to be written as UTF-8."""
    journey = facts.journey
    over = markup("Milepost", markup(" · kb ", bdi(journey.kb)) if journey.kb else None, f" · {journey.journey_type}")
    made = f"Made {_moment(facts.made_at)} by milepost {facts.version} from the record; nothing here is loaded or run."
    return page(
        f"Journey {short_id(journey.journey_id)}",
        changes(journey, facts.plan, facts.changed),
        _timeline(facts),
        planned(facts.plan, facts.guarantees),
        _undo(facts),
        over=over,
        under=_head(facts),
        foot=markup(element("p", made), element("p", "Journey ", element("code", journey.journey_id))),
    )


def _head(facts: Facts) -> Markup:
    journey, plan = facts.journey, facts.plan
    word = journey.status.replace("_", " ")
    began = f"{_moment(journey.started_at)}, by "
    said = element("p", badge(word, TONES.get(journey.status, "bad")), " ", began, bdi(journey.user))
    asked = element("p", "Asked for: ", element("em", plan.request)) if plan.request else None
    detail = wash(journey.detail, tone=TONES.get(journey.status, "bad")) if journey.detail else None
    places = (("changes", "What changed"), ("timeline", "Timeline"), ("plan", "Plan"), ("undo", "How to undo"))
    links = [[" · " if at else None, element("a", words, href=f"#{id}")] for at, (id, words) in enumerate(places)]
    return markup(said, asked, tiles(_figures(facts)), detail, element("p", links, class_="places"))


def _figures(facts: Facts) -> list[tuple[str, object, object]]:
    journey, changed, plan = facts.journey, facts.changed, facts.plan
    tally: Counter[str] = Counter(file.outcome for file in journey.files)
    rest = [f"{tally[kind]} {kind}" for kind in ("skipped", "staged", "hidden", "rejected", "failed") if tally[kind]]
    done = [f"{tally[kind]} {kind}" for kind in ("added", "replaced", "removed") if tally[kind]]
    took = sum(step.seconds or 0.0 for step in journey.steps)
    time = plan.estimated_time
    expected = f"planned {brief(time.p50)} ({brief(time.p10)} to {brief(time.p90)})" if time.p90 else None
    found: list[tuple[str, object, object]] = []
    if journey.kb:
        before, after = journey.revision_before, journey.revision_after
        found.append(
            ("Revision", f"{before} → {after}" if before != after else str(after), f"of kb {clean(journey.kb)}")
        )
    if journey.files:
        found.append(("Files", len(journey.files), ", ".join([*done, *rest])))
    if journey.kb:
        found.append(("Chunks", f"+{changed.added} −{changed.removed}", f"{journey.embeddings_computed} embedded"))
    found.append(("Took", brief(took), expected))
    found.append(("Checkpoints", len(journey.checkpoints), "places to go back to" if journey.checkpoints else "none"))
    return found


def _timeline(facts: Facts) -> Markup:
    journey = facts.journey
    drawn = None
    if journey.steps:
        words = (
            "Above what the plan expected: from a try's beginning to its end, checkpoint included. "
            "The figures are those of the step alone; a mark says its own where the pointer rests on it."
        )
        drawn = figure(track_picture(track(journey)), words)
    failed = [wash(element("b", clean(step.id)), f": {step.error}", tone="bad") for step in journey.steps if step.error]
    events = facts.timeline[-EVENTS:]
    rows = [(_moment(one.timestamp, 19), bdi(one.user), one.kind.replace("_", " "), _told(one)) for one in events]
    cut = len(facts.timeline) - len(events)
    more = f"The last {EVENTS}; {count(cut, 'earlier one')} left out." if cut else ""
    told = table(("Time (UTC)", "By", "What", ""), rows, caption=more) if rows else None
    return section("Timeline", drawn, failed, told, id="timeline")


def _told(event: Event) -> str:
    return ", ".join(
        f"{key.replace('_', ' ')} {short_id(value) if isinstance(value, str) else value}"
        for key, value in event.detail.items()
        if isinstance(value, str | int | float) and value != ""
    )


def _undo(facts: Facts) -> Markup:
    journey = facts.journey
    rows = [
        (element("code", short_id(one.checkpoint_id)), one.milestone_id.replace("_", " "), one.revision,
         _moment(one.timestamp, 19), one.available_until[:10] if one.available_until else "for ever")
        for one in journey.checkpoints
    ]  # fmt: skip
    heads = ("Checkpoint", "Milestone", "Revision", "Taken (UTC)", "Undo until")
    taken = table(heads, rows, figures=(2,)) if rows else element("p", "No checkpoint was taken.", class_="soft")
    return section("Checkpoints, and how to undo", _how(facts), taken, id="undo")


def _how(facts: Facts) -> Markup:
    journey = facts.journey
    if facts.no_undo:
        return wash(facts.no_undo, tone="calm")
    mine = short_id(journey.journey_id)
    lines = [element("p", "Take the whole journey back, and keep what later ones did:"),
             command(f"milepost rollback --journey {mine}")]  # fmt: skip
    if len(journey.checkpoints) > 1:
        place = journey.checkpoints[-2].checkpoint_id
        lines += [element("p", "Or go back to one place of it, and keep what it had done by then:"),
                  command(f"milepost rollback {short_id(place)}")]  # fmt: skip
    return markup(_foreseen(facts.undo) if facts.undo else None, lines)


def _foreseen(undo: RollbackResult) -> Markup:
    """What going back would do, as things stood when the page was made."""
    if undo.already_there:
        return wash("It is taken back already: the same command again changes nothing.", tone="calm")
    said = f"When this page was made, going back would take away {count(undo.chunks_removed, 'chunk')} and bring back "
    said += f"{undo.chunks_restored}."
    if not undo.conflicts:
        return wash(said, " Nothing stands in the way.", tone="good")
    by = [
        element("li", bdi(one.source), f", changed since by {short_id(one.changed_by)}") for one in undo.conflicts[:20]
    ]
    more = len(undo.conflicts) - 20
    extra = element("li", f"and {more} more") if more > 0 else None
    return markup(wash(said, f" {count(len(undo.conflicts), 'source')} changed since:", tone="warn"),
                  element("ul", by, extra))  # fmt: skip


def _moment(timestamp: str, until: int = 16) -> str:
    return f"{timestamp[:until].replace('T', ' ')}{' UTC' if until == 16 else ''}"
