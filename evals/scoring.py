"""What a trial is worth: numbers by name, made of its line in the log and its case. Pure, and at any time again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .agreement import agreement
from .logs import Trial

Scores = Mapping[str, float | None]
Scorer = Callable[[Trial, Mapping[str, Any]], Scores]
"""Numbers by name for a trial and its case; null where a score does not apply. A user's own are like it."""


def scored(trial: Trial, case: Mapping[str, Any], scorers: Iterable[Scorer] = ()) -> dict[str, float | None]:
    """Every score of a trial, those of `scorers` too; none of one that says nothing about its planner."""
    if not trial.counts:
        return {}
    found: dict[str, float | None] = {}
    for scorer in (basics, agreement, *scorers):
        found.update(scorer(trial, case))
    return found


def basics(trial: Trial, case: Mapping[str, Any]) -> Scores:
    """Whether the task was done, and what may stand in its way. Without a plan nothing was, and nothing is valid."""
    del case
    delivered = trial.plan is not None and trial.error is None
    ran = trial.execution
    held = [check.holds for check in trial.checks]
    return {
        "task_success": float(delivered and bool(held) and all(held)),
        "delivery": float(delivered),
        "valid_first": float(delivered and bool(trial.valid) and trial.repairs == 0 and trial.origin != "fallback"),
        "valid": float(delivered and bool(trial.valid) and trial.origin != "fallback"),
        "constraint_pass": sum(held) / len(held) if delivered and held else 0.0,
        "unsafe_acts": float(len(trial.unsafe)),
        "extra_steps": float(len(trial.extra)),
        "execution_success": None if ran is None else float(ran.end_state),
        "rollback_success": None if ran is None or ran.rolled_back is None else float(_taken_back(trial)),
    }


def _taken_back(trial: Trial) -> bool:
    """Back exactly, again after a second rollback, and no other knowledge base was touched."""
    ran = trial.execution
    return ran is not None and bool(ran.rolled_back and ran.rolled_back_twice and ran.others_untouched)
