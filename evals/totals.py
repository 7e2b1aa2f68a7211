"""What a log comes to, in a few figures for each planner; intervals and comparisons are made elsewhere."""

from __future__ import annotations

from typing import Any

from .logs import HEADLINE, Log, Trial


def totals(log: Log) -> dict[str, Any]:
    """A log as `eval run --json` gives it; of planners the means over trials that count."""
    header = log.header
    return {
        "log": str(log.path), "run_id": header.run_id, "complete": log.closing is not None,
        "cases": len(header.cases), "broken": [one.model_dump() for one in header.broken],
        "trials": len(log.trials), "missing": len(log.missing),
        "planners": [_planner(log, arm.name) for arm in header.planners],
        "scorer_errors": sorted({said for trial in log.trials for said in trial.scorer_errors}),
    }  # fmt: skip


def _planner(log: Log, name: str) -> dict[str, Any]:
    mine = log.of(name)
    own = sorted({score for trial in mine for score in trial.scores})
    means = {score: mean(mine, score) for score in own}
    return {
        "planner": name, "trials": len(mine), HEADLINE: means.get(HEADLINE), "delivery": means.get("delivery"),
        "unsafe": sum(bool(trial.unsafe) for trial in mine), "unstable": [t.id for t in mine if t.stable is False],
        "infrastructure_errors": sum(trial.planner == name and not trial.counts for trial in log.trials),
        "tokens": sum(trial.usage.input_tokens + trial.usage.output_tokens for trial in mine), "means": means,
    }  # fmt: skip


def mean(trials: list[Trial], score: str) -> float | None:
    """The mean of a score over the trials that it applies to; None where it applies to none."""
    found = [value for trial in trials if (value := trial.scores.get(score)) is not None]
    return sum(found) / len(found) if found else None
