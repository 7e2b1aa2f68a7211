"""eval compare and eval report: what logs of evaluations say, as text, Markdown, an object or a page; a gate."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .desk import Desk
from .everywhere import command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .evals.comparing import Comparison, Evidence
    from .evals.gate import Gate
    from .store.errors import GateFailed

app = typer.Typer()

Base = Annotated[Path, typer.Argument(metavar="A", help="The log of a run: the base.")]
Head = Annotated[
    Path | None,
    typer.Argument(metavar="B", help="The log that is held against it; without one the arms of A.", show_default=False),
]
Planners = Annotated[
    list[str] | None,
    typer.Option("--planner", metavar="NAME", help="One for both logs, or twice: A's and B's.", show_default=False),
]
Level = Annotated[float, typer.Option("--level", metavar="SHARE", help="Of the intervals.")]
Margin = Annotated[
    float, typer.Option("--margin", metavar="SHARE", help='The largest X that "no difference larger than X" may say.')
]


@command(app, "compare")
def compare(
    desk: Desk,
    base: Base,
    head: Head = None,
    planner: Planners = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option(
            "--fail-if",
            metavar="RULE",
            help='"task_success worse by 0.05": exit 3 unless it is not.',
            show_default=False,
        ),
    ] = None,
    level: Level = 0.95,
    margin: Margin = 0.1,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown, for a pull request or a page.")] = False,
) -> None:
    """Compare two runs over the same cases: is B better than A, and how sure is that?"""
    from .evals.comparing import evidence
    from .evals.comparison_text import markdown as as_markdown
    from .evals.gate import gates, rule_of
    from .evals.inspect_logs import read_any_log

    rules = [rule_of(text) for text in fail_if or ()]
    found = evidence(
        read_any_log(base), read_any_log(head) if head else None, planners=planner or (), level=level, margin=margin
    )
    judged = gates(rules, found.comparisons)
    failed = next((gate for gate in judged if not gate.holds), None)
    error = _failure(failed, base, head) if failed else None
    desk.console.give(_shape(found, judged) | ({"error": _object(error)} if error else {}))
    desk.console.say(as_markdown(found, judged).rstrip() if markdown else _text(found, judged, desk.console.width))
    if error:
        raise error


@command(app, "report")
def report(
    desk: Desk,
    base: Base,
    head: Head = None,
    planner: Planners = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", metavar="FILE", help="The page; Markdown in a file.md.", show_default=False),
    ] = None,
    level: Level = 0.95,
    margin: Margin = 0.1,
) -> None:
    """Write what one run or two say as one self-contained HTML page."""
    from .evals.comparison_text import markdown, sentence
    from .evals.inspect_logs import read_any_log
    from .evals.report import report_of
    from .planfile import write_whole
    from .store.errors import UsageError

    if out is None:
        raise UsageError(
            "eval report needs -o FILE.html", add=["-o", "report.html"], next="milepost eval report --help"
        )
    text, found = report_of(
        read_any_log(base), read_any_log(head) if head else None, planners=planner or (), level=level, margin=margin
    )
    as_text = out.suffix.lower() in (".md", ".markdown")
    write_whole(out, markdown(found) if as_text else text, what="report", next="milepost eval report --help")
    verdicts = [one.verdict for one in found.comparisons]
    desk.console.give({"report": {"path": str(out), "verdicts": verdicts}})
    desk.console.say("\n".join([f"Wrote {out}.", *(f"Verdict: {sentence(one)}." for one in found.comparisons)]))


def _shape(found: "Evidence", judged: "list[Gate]") -> dict[str, object]:
    first = found.comparisons[0]
    return {
        "verdict": first.verdict, "why": first.why, "gates": [gate.model_dump(mode="json") for gate in judged],
        **found.model_dump(mode="json"),
    }  # fmt: skip


_ARM_COLUMNS = (0, 1, 2, 3, 4, 6, 7)
"""What of an arm fits a terminal; Markdown and the page have the rest."""


def _text(found: "Evidence", judged: "list[Gate]", width: int) -> str:
    from .evals.comparison_text import ARM_HEADS, arm_row, facts
    from .render import columns
    from .store.words import clean

    rows = [[arm_row(arm)[at] for at in _ARM_COLUMNS] for arm in found.arms]
    told = [clean(f"{arm.label}: {text}", 900) for arm in found.arms for text in facts(arm)]
    gates = [f"gate {'holds' if gate.holds else 'FAILS'}: {gate.rule}; {gate.why}" for gate in judged]
    blocks = [
        *(_comparison(one, width) for one in found.comparisons),
        columns([ARM_HEADS[at].upper() for at in _ARM_COLUMNS], rows, right=range(1, len(_ARM_COLUMNS))),
        _wrapped(told, width), _wrapped(gates, width),
    ]  # fmt: skip
    return "\n\n".join(block for block in blocks if block)


def _comparison(one: "Comparison", width: int) -> str:
    from .evals.comparison_text import difference_rows, losing, sentence, tests
    from .render import columns
    from .store.words import count

    heads = ("SCORE", "BASE", "HEAD", "DIFFERENCE", "INTERVAL", "P", "W/L/T")
    table = columns(heads, [row[:7] for row in difference_rows(one)], right=(1, 2, 3, 5, 6))
    families = f"{one.families} {'family' if one.families == 1 else 'families'}"
    top = _wrapped([f"Verdict: {sentence(one)}.", f"{count(one.cases, 'case')} in {families}"], width)
    rest = _wrapped([*tests(one), *losing(one), *(f"note: {note}" for note in one.notes)], width)
    return "\n\n".join((top, table, rest))


def _wrapped(lines: "Iterable[str]", width: int) -> str:
    return "\n".join(textwrap.fill(line, width, subsequent_indent="  ", break_on_hyphens=False) for line in lines)


def _failure(gate: "Gate", base: Path, head: Path | None) -> "GateFailed":
    import shlex

    from .store.errors import GateFailed

    logs = shlex.join(str(path) for path in (base, head) if path)
    return GateFailed(
        f"the gate failed: {gate.rule}", cause=f"{gate.head} against {gate.base}: {gate.why}",
        state="nothing was changed", next=f"milepost eval report {logs} -o report.html",
    )  # fmt: skip


def _object(error: "GateFailed") -> dict[str, str]:
    said = {"message": error.message, "cause": error.cause, "state": error.state, "next": error.next}
    return {"code": error.code, **said}
