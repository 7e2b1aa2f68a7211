"""A plan in words: as text for a terminal, as Markdown with a diagram, as a Mermaid diagram alone.

Names come from files, so nothing of them reaches a terminal or a page uncleaned: control characters are shown
as a replacement character, and what means something in Markdown or Mermaid is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .back_text import answers, back_lines, back_totals
from .guarantees import guarantees
from .own_text import lasting, own_steps, step_lines, totals
from .plan import Interval, Plan, PlannedFile, takes_away_by_model
from .plan_mermaid import mermaid
from .policy import Policy
from .policy_sources import preset_of
from .words import clean, count, short_id, size, span

SIGNS = {"add": "+", "replace": "~", "remove": "-", "hide": "-", "skip": "=", "reject": "!", "warn": "?"}
LIMIT = 50
"""Lines shown of one kind of file, unless everything is wanted; of skipped ones a fifth."""

NO_FILES = "no files are there (hidden ones are left out)"
"""Of a folder with nothing in it that could be read."""

_NAME = 24
_NAME_LIMIT = 60


def render(plan: Plan, *, everything: bool = False) -> str:
    """The plan as people see it; lists of files are cut at 50 of a kind unless `everything` is wanted."""
    policy = Policy.model_validate(plan.policy)
    lines = [_header(plan, policy), *_files(plan, everything)]
    lines += step_lines(plan, len(plan.steps) if everything else LIMIT)
    lines += back_lines(plan, 10**9 if everything else LIMIT)
    lines += [f"Answer    {clean(text)}" for text in answers(plan)]
    lines += [f"Steps     {_steps(plan)}    {_checkpoints(plan, policy)}"] if plan.steps else []
    lines.append(f"Estimate  {_estimate(plan)}")
    lines.append(f"Policy    {_policy(plan, policy)}")
    lines += [f"          {line}" for line in guarantees(policy)] if everything else []
    lines += [f"Question  {clean(asked.about)}: {clean(asked.text)}" for asked in plan.questions]
    lines += [f"Declined  {_declined(plan, at)}" for at in range(len(plan.declined))]
    lines += [f"Plan: {_totals(plan)}.", _next(plan)]
    return "\n".join(lines)


def next_command(plan: Plan) -> str:
    """The command that goes on from this plan; empty where there is nothing to go on with."""
    if plan.questions:
        return 'milepost plan --request "..."'
    return f"milepost apply {short_id(plan.plan_id)}" if changes(plan) else ""


def changes(plan: Plan) -> bool:
    """Whether running the plan would change anything; one with actions of a user's own always might."""
    told = plan.summary
    if plan.dry_run:
        return False
    own = bool(own_steps(plan)) or any(step.action == "rollback" for step in plan.steps)
    return own or bool(told.add or told.replace or told.remove)


def limit(kind: str) -> int:
    """How many files of a kind are shown where not everything is wanted."""
    return LIMIT // 5 if kind.startswith("skip") else LIMIT


def _header(plan: Plan, policy: Policy) -> str:
    files = [file for file in plan.files if file.action not in ("remove", "hide")]
    weight = f"  {count(len(files), 'file')}, {size(sum(file.bytes for file in files))}" if plan.files else ""
    kb = f"  kb {clean(plan.kb)}" if plan.kb else ""
    kind = "" if plan.journey_type == "data_ingest" else f"  {clean(plan.journey_type)}"
    return f"Plan {short_id(plan.plan_id)}...{kb}{kind}  planner {planner_words(plan, policy)}{weight}"


def planner_words(plan: Plan, policy: Policy) -> str:
    """Who made a plan: the template, a model, or the template after a model, and why."""
    origin = plan.origin
    if origin.planner == "ai":
        return f"ai ({clean(origin.model or 'a model')})"
    if origin.planner == "fallback":
        return f"template (fallback: {clean(origin.reason or 'no usable plan of a model')})"
    if origin.reason:
        return f"template ({clean(origin.reason)})"
    return "template" if policy.enable_ai_planning else "template (ai off by policy)"


def _files(plan: Plan, everything: bool) -> Iterator[str]:
    kinds = {action: [file for file in plan.files if file.action == action] for action in SIGNS}
    kinds["warn"] = [file for file in plan.files if file.warnings and file.action in ("add", "replace")]
    shown = {kind: files if everything else files[: limit(kind)] for kind, files in kinds.items()}
    names = [len(clean(file.source)) for files in shown.values() for file in files]
    width = max(_NAME, *(min(length, _NAME_LIMIT) for length in names)) if names else _NAME
    figures = max([3, *(len(_chunks(file)) for files in shown.values() for file in files)])
    for kind, files in kinds.items():
        for file in shown[kind]:
            yield f"  {SIGNS[kind]} {kind:<8} {_row(file, kind, width, figures)}".rstrip()
        if len(files) > len(shown[kind]):
            more = len(files) - len(shown[kind])
            yield f"  {SIGNS[kind]} {kind:<8} ... and {more} more (--verbose shows all)"


def _row(file: PlannedFile, kind: str, width: int, figures: int) -> str:
    name = clean(file.source)
    if kind in ("add", "replace", "remove", "hide"):
        old = f"   {file.chunks_replaced} old ones go" if kind == "replace" else ""
        gone = " go" if kind in ("remove", "hide") else ""
        unit = "chunk" if file.chunks == 1 else "chunks"
        return f"{name:<{width}} {_chunks(file):>{figures}} {unit}{gone}{old}"
    return f"{name:<{width}} {' ' * (figures - 1)}{note(file, kind)}"


def _chunks(file: PlannedFile) -> str:
    return f"{'~' if file.estimated else ''}{file.chunks}"


def note(file: PlannedFile, kind: str) -> str:
    """Why a file is skipped or rejected, or what there is to know about it, with the next move."""
    if kind == "warn":
        return "; ".join(clean(warning) for warning in file.warnings)
    said = clean(file.detail or (file.reason or "").replace("_", " "))
    what, semicolon, move = said.partition("; ")
    return f"{what}; next: {move.removeprefix('next: ')}" if kind == "reject" and semicolon else said


def _steps(plan: Plan) -> str:
    return " > ".join(clean(step.action) for step in plan.steps)


def _checkpoints(plan: Plan, policy: Policy) -> str:
    taken = [step for step in plan.steps if step.milestone and policy.checkpoints_at(step.milestone)]
    first = plan.steps[0]
    if not policy.restorable:
        return "no checkpoints"
    after = [clean(step.action) for step in taken]
    if first in taken:
        return ", ".join([f"checkpoints before and after {after[0]}", *_joined("after", after[1:])])
    return ", ".join([f"checkpoints before {clean(first.action)}", *_joined("after", after)])


def _joined(word: str, names: Sequence[str]) -> list[str]:
    return [f"{word} {', '.join(names)}"] if names else []


def _estimate(plan: Plan) -> str:
    guessed = "~" if any(file.estimated for file in plan.files) else ""
    told = plan.resources
    parts = [_interval(plan.estimated_time)]
    if "embeddings" in told:
        parts.append(f"{guessed}{count(told['embeddings'], 'embedding')}")
    if "model_calls" in told:
        parts.append(count(told["model_calls"], "model call"))
    if told.get("cost"):
        parts.append(f"costs about {guessed}{told['cost']:.2g}")
    if "disk_bytes" in told:
        parts.append(f"{guessed}{size(told['disk_bytes'])} of disk")
    return f"{', '.join(parts)}    from {clean(plan.estimated_time.basis).removeprefix('from ')}"


def _interval(time: Interval) -> str:
    unit = "s" if time.p90 < 120 else "min"
    low, middle, high = (span(value, unit) for value in (time.p10, time.p50, time.p90))
    return f"{middle} {unit}" if low == high else f"{middle} {unit} ({low} to {high})"


def _policy(plan: Plan, policy: Policy) -> str:
    name = preset_of(policy) or "own settings"
    if not policy.restorable:
        return f"{name}: rollback off, so this cannot be undone"
    gone = sum(file.chunks_replaced if file.action == "replace" else 0 for file in plan.files)
    gone += sum(file.chunks for file in plan.files if file.action in ("remove", "hide"))
    days = policy.retention.days
    kept = "for ever" if days is None else f"for {count(days, 'day')}"
    what = f"{gone} replaced {'chunk' if gone == 1 else 'chunks'} restorable {kept}"
    for_ever = lasting(plan)
    if for_ever:
        asked = "" if policy.asks_nobody else "; a person approves it"
        return f"{name}: {for_ever}, the rest is undoable {kept}{asked}"
    asks = {"always": "; a person approves it", "destructive": "; a person approves what replaces or removes"}
    if takes_away_by_model(plan) and not policy.asks_nobody:
        asks["never"] = "; a person approves what a model takes away"
    return f"{name}: {what if gone else f'undoable {kept}'}{asks.get(policy.approval, '')}"


def _declined(plan: Plan, at: int) -> str:
    refused = plan.declined[at]
    key = f" ({refused.policy_key})" if refused.policy_key else ""
    return f"{clean(refused.what)}: {clean(refused.why)}{key}"


def _totals(plan: Plan) -> str:
    told = plan.summary
    own = totals(plan) if own_steps(plan) else ""
    if (own or back_totals(plan)) and not plan.files:
        return own or back_totals(plan)
    return (f"{own}; " if own else "") + (
        f"{told.add} to add, {told.replace} to replace, {told.remove} to remove, {told.skip} to skip, "
        f"{told.reject} rejected, {told.warn} with a warning"
    )


def _next(plan: Plan) -> str:
    command = next_command(plan)
    if not command:
        nothing = not plan.files and any(step.action == "upload" for step in plan.steps)
        return f"Nothing to apply: {NO_FILES}." if nothing else "Nothing to apply."
    return f"{'Answer' if plan.questions else 'Apply'} with: {command}"


def difference(old: Plan, new: Plan) -> list[str]:
    """What a plan made again does otherwise, a line for each file; both plans are for one request."""
    before = {file.source: file for file in old.files}
    after = {file.source: file for file in new.files}
    lines: list[str] = []
    for source in sorted(before.keys() | after.keys()):
        was, now = _planned(before.get(source)), _planned(after.get(source))
        if was != now or (source in before and source in after and before[source].sha256 != after[source].sha256):
            lines.append(f"{clean(source)}: {was} > {now if was != now else f'{now}, another content'}")
    return lines


def _planned(file: PlannedFile | None) -> str:
    if file is None:
        return "not there"
    return f"{file.action}, {_chunks(file)} {'chunk' if file.chunks == 1 else 'chunks'}" if file.chunks else file.action


def markdown(plan: Plan) -> str:
    """The plan as a Markdown page: every file, the diagram, what the policy gives and costs."""
    policy = Policy.model_validate(plan.policy)
    blocks = [f"# Plan `{plan.plan_id}`", _facts(plan, policy), f"**Plan:** {_totals(plan)}."]
    if plan.files:
        blocks += ["## Files", _file_table(plan)]
    going = [f"- {_escaped(line.strip())}" for line in back_lines(plan, 10**9)]
    blocks += ["## Going back", "\n".join(going)] if going else []
    blocks += ["## Answer", *map(_escaped, answers(plan))] if answers(plan) else []
    if plan.steps:
        blocks += ["## Steps", f"```mermaid\n{mermaid(plan)}\n```", _step_table(plan)]
    blocks += ["## Policy", "\n".join(f"- {line}" for line in guarantees(policy))]
    if plan.questions:
        asked = [f"- {_escaped(one.about)}: {_escaped(one.text)}" for one in plan.questions]
        blocks += ["## Questions", "\n".join(asked)]
    if plan.declined:
        refused = [f"- {_escaped(_declined(plan, at))}" for at in range(len(plan.declined))]
        blocks += ["## Declined", "\n".join(refused)]
    return "\n\n".join(blocks) + "\n"


def _facts(plan: Plan, policy: Policy) -> str:
    facts = [("Knowledge base", plan.kb or "none"), ("Planner", planner_words(plan, policy))]
    facts += [("Request", plan.request)] if plan.request else []
    facts += [("Estimate", _estimate(plan)), ("Made", plan.generated_at), ("Digest", plan.digest)]
    return "\n".join(f"- {name}: {_escaped(value)}" for name, value in facts)


def _file_table(plan: Plan) -> str:
    rows = ["| | Source | Size | Chunks | |", "|---|---|---:|---:|---|"]
    for file in plan.files:
        said = [note(file, file.action), note(file, "warn")]
        said += [f"{file.chunks_replaced} old ones go"] if file.action == "replace" else []
        remark = "; ".join(part for part in said if part)
        cells = (file.action, _escaped(file.source), size(file.bytes), _chunks(file), _escaped(remark))
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _step_table(plan: Plan) -> str:
    rows = ["| Step | Action | Effect | Milestone | Undone by | Estimate |", "|---|---|---|---|---|---|"]
    for step in plan.steps:
        undone = step.rollback_handler or ("" if step.effect == "irreversible" else "the kb's revisions")
        time = _interval(step.estimate) if step.estimate else ""
        cells = (step.id, step.action, step.effect, step.milestone or "", undone, time)
        rows.append(f"| {' | '.join(_escaped(cell) for cell in cells)} |")
    return "\n".join(rows)


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#~&$" else letter for letter in clean(text))
