"""What a plan will use and do, as numbers with their basis for programs, and as text for people."""

from __future__ import annotations

from typing import Any

from ..store.back_text import back_totals
from ..store.plan import Plan, PlannedFile, PlanStep
from ..store.policy import Policy
from ..store.words import clean, count, duration, size

_DISK = (0.6, 1.6)
"""Between which parts of the stated disk a journey takes: texts pack by two to four, indexes grow in blocks."""
_PROCESS_BYTES = (150_000_000, 250_000_000, 400_000_000)
"""Of the process itself, with Chroma and an embedder, at p10, p50 and p90."""
_TOKENS = (0.7, 1.6)
"""Between which parts of the stated price embedding costs: texts have two and a half to six characters a token."""
_COUNTED = "counted"
_SHIPPED = "shipped constants"


class Told:
    """A plan, with what its documents ask of it one after the other."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.policy = Policy.model_validate(plan.policy)
        self.taken = [file for file in plan.files if file.action in ("add", "replace")]
        self.gone = [file for file in plan.files if file.action == "remove"]
        self._deeds: dict[str, dict[str, str]] = {}

    def deeds(self, step: PlanStep) -> dict[str, str]:
        """What one step reads, writes, replaces, and how it is undone, a sentence each."""
        if step.id not in self._deeds:
            self._deeds[step.id] = _deeds(self, step)
        return self._deeds[step.id]


def forecast(told: Told) -> dict[str, dict[str, Any]]:
    """What the whole will use: each figure as p10, p50, p90 with its unit and where it comes from.

    What was counted has three equal figures. Model calls and tokens are what planning took: running a plan asks none.
    """
    plan = told.plan
    used, origin = plan.resources, plan.origin
    guessed = any(file.estimated for file in plan.files)
    embeddings = int(used.get("embeddings", 0))
    disk = int(used.get("disk_bytes", 0))
    limit = told.policy.limits.parse_memory_mb * 1_000_000
    chunks = sum(file.chunks for file in told.taken)
    parses = any(step.action == "parse" for step in plan.steps)
    low, middle, high = (
        int(own + part * limit * parses) for own, part in zip(_PROCESS_BYTES, (0.1, 0.3, 1.0), strict=True)
    )
    time = plan.estimated_time
    return {
        "seconds": _figure("s", time.p10, time.p50, time.p90, time.basis),
        "embeddings": _about(embeddings, "texts") if guessed else _exactly(embeddings, "texts"),
        "chunks": _about(chunks, "chunks") if guessed else _exactly(chunks, "chunks"),
        "model_calls": _exactly(origin.calls, "calls"),
        "tokens": _exactly(origin.input_tokens + origin.output_tokens, "tokens"),
        "money": _money(origin.cost, used.get("cost"), guessed=guessed),
        "disk_bytes": _figure("bytes", int(disk * _DISK[0]), disk, int(disk * _DISK[1]), _SHIPPED),
        "memory_bytes": _figure("bytes", low, middle, high, _SHIPPED),
    }


def _deeds(told: Told, step: PlanStep) -> dict[str, str]:
    plan, taken, gone = told.plan, told.taken, told.gone
    old = sum(file.chunks_replaced for file in taken) + sum(file.chunks for file in gone)
    chunks = count(sum(file.chunks for file in taken), "chunk")
    vectors = count(int(plan.resources.get("embeddings", 0)), "vector")
    sentences = {
        "upload": (f"{count(len(taken), 'file')}, {size(sum(file.bytes for file in taken))}",
                   "their bytes in the blobs, by SHA-256, each once", "nothing"),
        "parse": ("the blobs, or what planning has parsed already", f"{chunks} of text in the record", "nothing"),
        "embed": (f"the texts of {chunks}", f"{vectors} in the record",
                  "nothing"),
        "expose": ("what was embedded", f"one revision of kb {clean(plan.kb or '')}, which the collection follows",
                   _replaced(taken, gone, old)),
        "remove": ("nothing", f"one revision of kb {clean(plan.kb or '')}", _replaced([], gone, old)),
        "hide": ("nothing", f"one revision of kb {clean(plan.kb or '')}", _hidden(plan)),
        "rollback": ("the checkpoint, and what was published since",
                     f"one revision of kb {clean(plan.kb or '')}", back_totals(plan) or "what was published since"),
        "report": ("nothing", "nothing", "nothing"),
    }  # fmt: skip
    reads, writes, replaces = sentences.get(
        step.action, ("its arguments", f"what {clean(step.action)} does", "unknown to Milepost")
    )
    return {"reads": reads, "writes": writes, "replaces": replaces, "undone_by": _undone(told, step)}


def page(told: Told) -> str:
    """The plan's forward documentation for people, as Markdown; its files are counted and not listed."""
    rows = [f"| {name.replace('_', ' ')} | {_shown(figure)} | {figure['basis']} |"
            for name, figure in forecast(told).items()]  # fmt: skip
    steps = [_row(told, step) for step in told.plan.steps]
    sums = told.plan.summary
    return "\n".join(
        [f"# Plan {told.plan.plan_id}", "",
         f"{sums.add} to add, {sums.replace} to replace, {sums.remove} to remove, {sums.skip} to skip, "
         f"{sums.reject} rejected.", "",
         "| step | reads | writes | replaces | undone by | takes |", "|---|---|---|---|---|---|", *steps, "",
         "| the whole | | from |", "|---|---|---|", *rows, ""]
    )  # fmt: skip


def step_page(told: Told, step: PlanStep) -> str:
    """One step's forward documentation for people, as Markdown."""
    lines = [f"- {name.replace('_', ' ')}: {_cell(said)}" for name, said in told.deeds(step).items()]
    return "\n".join([f"# {_cell(step.id)} ({_cell(step.action)})", "", *lines, f"- takes: {_takes(step)}", ""])


def _figure(unit: str, p10: float, p50: float, p90: float, basis: str) -> dict[str, Any]:
    return {"p10": p10, "p50": p50, "p90": p90, "unit": unit, "basis": basis}


def _exactly(number: int, unit: str) -> dict[str, Any]:
    return _figure(unit, number, number, number, _COUNTED)


def _about(number: int, unit: str) -> dict[str, Any]:
    """Some files were not read: their part is by size."""
    return _figure(unit, number // 2, number, number * 2, "the sizes of files that were not read")


def _money(asking: float | None, embedding: float | None, *, guessed: bool) -> dict[str, Any]:
    """What asking a model cost and what embedding will, where there is a price for it."""
    priced = {"the ai.price keys": asking, "budget.price_embedding": embedding}
    keys = [key for key, cost in priced.items() if cost is not None]
    if not keys:
        return {"p10": None, "p50": None, "p90": None, "unit": "", "basis": "no price is configured"}
    said, text = asking or 0.0, embedding or 0.0
    low, high = (0.5, 2.0) if guessed else (_TOKENS if embedding else (1.0, 1.0))
    basis = _COUNTED if embedding is None else "the length of the texts, at about four characters a token"
    return _figure(
        f"the currency of {' and '.join(keys)}", round(said + text * low, 6), round(said + text, 6),
        round(said + text * high, 6), basis,
    )  # fmt: skip


def _replaced(taken: list[PlannedFile], gone: list[PlannedFile], old: int) -> str:
    changed = sum(file.action == "replace" for file in taken)
    parts = [f"{count(changed, 'source')}"] if changed else []
    parts += [f"{count(len(gone), 'source')} by nothing"] if gone else []
    return f"{' and '.join(parts)}, {count(old, 'chunk')}" if parts else "nothing"


def _hidden(plan: Plan) -> str:
    hidden = [file for file in plan.files if file.action == "hide"]
    chunks = count(sum(file.chunks for file in hidden), "chunk")
    return f"{count(len(hidden), 'source')} that nobody finds any more, {chunks}; the content stays"


def _undone(told: Told, step: PlanStep) -> str:
    if step.action == "report":
        return "nothing: it changes nothing"
    if step.effect == "irreversible":
        return "nothing: it cannot be undone"
    if not told.policy.restorable:
        return "nothing: rollback is off by policy"
    if step.rollback_handler:
        return f"its handler {clean(step.rollback_handler)}"
    shown = ("expose", "remove", "hide", "rollback")
    return "going back to the revision before" if step.action in shown else "leaving it unseen"


def _row(told: Told, step: PlanStep) -> str:
    did = told.deeds(step)
    return f"| {_cell(step.id)} | " + " | ".join(_cell(did[name]) for name in did) + f" | {_takes(step)} |"


def _takes(step: PlanStep) -> str:
    told = step.estimate
    return f"{duration(told.p50)} ({duration(told.p10)} to {duration(told.p90)})" if told else "not estimated"


def _shown(figure: dict[str, Any]) -> str:
    if figure["p50"] is None:
        return "unknown"
    as_text = size if figure["unit"] == "bytes" else lambda value: f"{value:g}"
    unit = "" if figure["unit"] == "bytes" else f" {figure['unit']}"
    if figure["p10"] == figure["p90"]:
        return f"{as_text(figure['p50'])}{unit}"
    return f"{as_text(figure['p50'])}{unit} ({as_text(figure['p10'])} to {as_text(figure['p90'])})"


def _cell(text: str) -> str:
    return clean(text).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")
