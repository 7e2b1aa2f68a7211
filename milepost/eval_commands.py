"""eval run and eval score: planners on cases, each trial a line of a log."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .desk import Desk
from .everywhere import command

if TYPE_CHECKING:
    from .agents.chat_model import ModelEndpoint
    from .evals.logs import Log
    from .store.policy import Policy

app = typer.Typer()
Planners = Annotated[
    list[str] | None,
    typer.Option(
        "--planner", metavar="NAME", show_default=False,
        help="template, template-fixed, ai[:MODEL[@BASE_URL]], ai-only, ai-unvalidated; once for each (template).",
    ),
]  # fmt: skip
Cases = Annotated[
    Path | None,
    typer.Option("--cases", metavar="FILE", help="JSON lines; the project's own if left out.", show_default=False),
]
Scorers = Annotated[
    list[str] | None,
    typer.Option(
        "--scorer", metavar="NAME", show_default=False,
        help="A scorer of your own: an entry point, module:function or FILE.py:function; may be repeated.",
    ),
]  # fmt: skip
Out = Annotated[
    Path, typer.Option("--out", "-o", metavar="FILE", help="The log; it is never overwritten.", show_default=False)
]
MaxTokens = Annotated[
    int | None, typer.Option("--max-tokens", min=1, help="Of models, for the whole run.", show_default=False)
]
MaxCost = Annotated[float | None, typer.Option("--max-cost", min=0, help="By the policy's prices.", show_default=False)]


@command(app, "run")
def run(
    desk: Desk,
    out: Out,
    planners: Planners = None,
    cases: Cases = None,
    epochs: Annotated[int, typer.Option("--epochs", min=1, help="How often a model plans each case.")] = 1,
    execute: Annotated[bool, typer.Option("--execute", help="Carry plans out on real Chroma, and take back.")] = False,
    jobs: Annotated[int, typer.Option("--jobs", min=1, max=64, help="Trials at a time.")] = 4,
    seed: Annotated[int, typer.Option("--seed", help="Of the order of trials.")] = 0,
    after: Annotated[int, typer.Option("--after", min=0, max=1000, help="Journeys in each world's past.")] = 0,
    max_tokens: MaxTokens = None,
    max_cost: MaxCost = None,
    scorers: Scorers = None,
) -> int:
    """Let planners plan cases and write down what came of each; the same command goes on after a stop."""
    from .evals.runs import Run, run_into

    found = Run.of(
        planners or [], cases=cases, epochs=epochs, execute=execute, policy=_policy(desk), model=_model(desk),
        seed=seed, after=after, jobs=jobs, max_tokens=max_tokens, max_cost=max_cost, scorers=scorers or [],
    )  # fmt: skip
    for one in found.samples.broken:
        desk.console.tell(f"warning: {found.samples.path}, line {one.line} is no case: {one.why}")
    if desk.options.dry_run:
        planned = len(found.header().expected)
        desk.console.give({"run": {"log": str(out), "trials": planned, "dry_run": True}})
        desk.console.say(f"Would run {planned} trials.")
        return 0
    with _stopping(out), desk.progress() as listener:
        log = run_into(found, out, listener)
    return _tell(desk, log)


@command(app, "score")
def score(
    desk: Desk,
    log: Annotated[Path, typer.Argument(metavar="LOG", help="The log of an earlier run.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Write the log with its new scores.", show_default=False),
    ] = None,
    scorers: Scorers = None,
) -> int:
    """Score an old log again, by the scorers there are now; the log itself stays as it is."""
    from .evals.rescoring import eval_score

    found = eval_score(log, out=None if desk.options.dry_run else out, scorers=scorers or [])
    changed = [{"id": id, "planner": planner, "epoch": epoch, "scores": list(names)}
               for (id, planner, epoch), names in found.changed.items()]  # fmt: skip
    return _tell(desk, found.log, changed=changed)


def _tell(desk: Desk, log: Log, changed: list[dict[str, Any]] | None = None) -> int:
    """Show what a log comes to; 5 where lines of the cases' file were no cases."""
    from .evals.totals import totals
    from .render import columns

    shape = totals(log)
    desk.console.give({"run": shape if changed is None else shape | {"changed": changed}})
    rows = [
        (one["planner"], str(one["trials"]), _share(one["task_success"]), _share(one["delivery"]),
         str(one["unsafe"]), str(one["infrastructure_errors"]))
        for one in shape["planners"]
    ]  # fmt: skip
    heads = ("PLANNER", "TRIALS", "SUCCESS", "DELIVERED", "UNSAFE", "NOT COUNTED")
    lines = [columns(heads, rows, right=(1, 2, 3, 4, 5)), f"Log: {log.path}"]
    if changed is not None:
        lines.append(f"{len(changed)} of {len(log.trials)} trials got another score.")
    desk.console.say("\n".join(lines))
    for said in shape["scorer_errors"]:
        desk.console.tell(f"warning: a scorer of your own failed: {said}")
    return 5 if log.header.broken else 0


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _policy(desk: Desk) -> Policy:
    """What plans are made under: rollback is on, nothing is read before it has to be, and what was said on top."""
    from .evals.worlds import PLANNED_UNDER
    from .settings import policy_keys
    from .store.policy_sources import resolve_policy

    said = (("arguments", desk.options.policy), ("arguments", policy_keys(desk.options.sets or [])))
    return resolve_policy(*PLANNED_UNDER, *said).policy


def _model(desk: Desk) -> ModelEndpoint:
    """The model that is configured, whatever of it is."""
    from .agents.chat_model import ModelEndpoint

    model = desk.settings.model
    return ModelEndpoint(model.name or "", model.api_key, model.base_url)


@contextmanager
def _stopping(out: Path) -> Generator[None]:
    """Where a person stops a run, say what is kept."""
    from .failure import Interrupted
    from .typed import same_command

    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(
            "stopped before the run was complete", state=f'what was run is in "{out}"', next=same_command()
        ) from None
