"""Report: a step that answers and changes nothing. The answer is in the plan already; the journey repeats it."""

from __future__ import annotations

from typing import Any

from .steps import StepDeclaration, StepOutcome, StepRun


def run(ctx: StepRun) -> StepOutcome:
    """Say what the plan says."""
    return StepOutcome(post={"text": str(ctx.step.args.get("about", ""))})


def subject(ctx: StepRun) -> dict[str, Any]:
    """What is answered; one answer is one file's worth of work."""
    return {"about": ctx.step.args.get("about"), "files": 1}


REPORT = StepDeclaration("report", "report_complete", run, subject, inside=True)
