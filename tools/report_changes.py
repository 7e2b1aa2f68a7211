"""What a journey changed, file by file and text by text: a part of its report."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from ..store.changed_texts import SOURCES, Changed, ChangedSource
from ..store.plan import Plan
from ..store.records import FileOutcome, Journey
from ..store.words import count
from .page import Markup, bdi, details, element, markup, section, table, wash

FILES = 1000
LINES = 160
"""Lines of one source's difference; text of one line is cut at 2,000 letters."""
ORDER = ("failed", "rejected", "added", "replaced", "removed", "hidden", "staged", "skipped")
SIGNS = {
    "added": ("+", "good"), "replaced": ("~", "warn"), "removed": ("−", "bad"), "hidden": ("−", "bad"),
    "staged": ("+", "calm"), "skipped": ("=", "soft"), "rejected": ("!", "bad"), "failed": ("!", "bad"),
}  # fmt: skip


def changes(journey: Journey, plan: Plan, changed: Changed) -> Markup:
    """The table of files, and what came and went in the text of each source."""
    nothing = not journey.files and not changed.sources
    said = element("p", "No file and no text was changed.", class_="soft") if nothing else None
    return section("What changed", said, _files(journey, plan), _texts(changed), id="changes")


def _files(journey: Journey, plan: Plan) -> Markup | None:
    if not journey.files:
        return None
    foreseen = {file.source: file.action for file in plan.files}
    ranked = sorted(journey.files, key=lambda file: (ORDER.index(file.outcome), file.source))
    moved = [_row(file, foreseen.get(file.source, "")) for file in ranked if file.outcome != "skipped"]
    still = [_row(file, foreseen.get(file.source, "")) for file in ranked if file.outcome == "skipped"]
    left = details(f"{count(len(still), 'file')} skipped", _table(still)) if still else None
    return markup(_table(moved) if moved else None, left)


def _table(rows: Sequence[Sequence[object]]) -> Markup:
    more = len(rows) - FILES
    cut = f"The first {FILES}; {count(more, 'more file')} in milepost status --verbose." if more > 0 else ""
    return table(("", "File", "Planned", "Came to", "Chunks", "Remark"), rows[:FILES], figures=(4,), caption=cut)


def _row(file: FileOutcome, planned: str) -> Sequence[object]:
    sign, tone = SIGNS[file.outcome]
    said = file.detail or (file.reason or "").replace("_", " ")
    return (
        element("td", sign, class_=f"sign {tone}"), element("td", bdi(file.source), class_="name"), planned,
        element("span", file.outcome, class_=tone), file.chunks or "",
        "; ".join([*([said] if said else []), *file.warnings]),
    )  # fmt: skip


def _texts(changed: Changed) -> Markup | None:
    if not changed.sources:
        return None
    shown = [_source(one, open=len(changed.sources) <= 6) for one in changed.sources]
    notes = []
    if changed.more:
        notes.append(f"{count(changed.more, 'more source')} changed; the first {SOURCES} are shown.")
    if changed.released:
        notes.append(f"{count(changed.released, 'chunk')} went whose text is given up for ever, so it is not shown.")
    return markup(element("h3", "In the text"), shown, [wash(one, tone="calm") for one in notes])


def _source(one: ChangedSource, *, open: bool) -> Markup:
    figures = ", ".join(
        f"{sign}{number} {'chunk' if number == 1 else 'chunks'}"
        for sign, number in (("+", one.added), ("−", one.removed))
        if number
    )
    head = markup(bdi(one.source), element("span", f"  {figures}", class_="soft"))
    lines = list(_difference(one))
    rows = [element("div", sign, " ", text[:2000], class_=f"line {kind}") for kind, sign, text in lines[:LINES]]
    more = len(lines) - LINES
    hidden = one.added - len(one.new) + one.removed - len(one.old)
    cut = [f"{count(more, 'more line')}" if more > 0 else "", f"{count(hidden, 'more chunk')}" if hidden else ""]
    said = element("p", " and ".join(part for part in cut if part), class_="soft") if any(cut) else None
    return details(head, element("div", rows, class_="diff"), said, open=open)


def _difference(one: ChangedSource) -> Iterator[tuple[str, str, str]]:
    """Lines that came, that went, and one of each side around them: (kind, sign, text)."""
    old, new = (_lines(texts) for texts in (one.old, one.new))
    if not old or not new:
        yield from (("came", "+", text) for text in new)
        yield from (("went", "−", text) for text in old)
        return
    for at, line in enumerate(list(difflib.unified_diff(old, new, lineterm="", n=1))[2:]):
        if at == 0:
            continue
        if line.startswith("@@"):
            yield "gap", "", "⋯"
        elif line.startswith("+"):
            yield "came", "+", line[1:]
        elif line.startswith("-"):
            yield "went", "−", line[1:]
        else:
            yield "same", " ", line[1:]


def _lines(texts: Sequence[str]) -> list[str]:
    return [line for text in texts for line in text.splitlines() if line.strip()]
