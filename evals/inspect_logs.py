# pyright: reportMissingImports=false, reportUnknownVariableType=false
"""Logs of Inspect's, read as a run's log, so that two of them are compared like any others (extra `inspect`)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..store.errors import NotFound, UsageError
from ..store.plan import canonical_json
from .log_reading import read_log
from .logs import HEADLINE, Closing, Failure, Header, Log, PlannerArm, Times, Trial, Usage
from .samples import case_of, cases_digest
from .worlds import PLANNING

_TRIAL = "milepost_trial"
_LETTERS = {"C": 1.0, "P": 0.5, "I": 0.0, "N": 0.0}
"""What Inspect's scorers give for correct, partly correct, incorrect, no answer."""


def read_any_log(path: Path) -> Log:
    """A log of `eval run`, or one of Inspect's; raises as `read_log`."""
    return read_inspect_log(path) if is_inspect_log(path) else read_log(path)


def is_inspect_log(path: Path) -> bool:
    """Whether a file is a log of Inspect's: by its name, or a JSON object that begins as theirs do."""
    if path.suffix == ".eval":
        return True
    try:
        with path.open("rb") as file:
            head = file.read(2_000)
    except OSError:
        return False
    return path.suffix == ".json" and b'"status"' in head and b'"eval"' in head


def read_inspect_log(path: Path) -> Log:
    """Read a log of Inspect's. Of tasks that are not ours the first scorer's value is the headline.

    A sample that ended in an error is an infrastructure error. `UsageError` without the extra, and for what is no log.
    """
    if not path.is_file():
        raise NotFound(f'cannot read the log "{path}": there is no such file')
    read = _reader()
    try:
        found = read(str(path))
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"[:200]
        raise UsageError(f'"{path}" is not a log of Inspect\'s', cause=cause, state="nothing was changed") from error
    samples = found.samples or []
    if not samples:
        raise UsageError(f'the log "{path}" has no samples', cause=f"its status is {found.status}")
    cases = {str(sample.id): _case(sample) for sample in samples}
    arm = _arm(found, max(sample.epoch for sample in samples))
    trials = tuple(_trial(sample, arm, cases[str(sample.id)]) for sample in samples)
    header = Header(
        run_id=found.eval.run_id, created=str(found.eval.created), planners=(arm,), epochs=arm.epochs,
        execute=bool((found.eval.task_args or {}).get("execute")), policy=PLANNING.model_dump(mode="json"),
        cases_digest=_digest(list(cases.values())), cases_file=str(found.eval.dataset.name or ""),
        cases=tuple(cases.values()), versions=dict(found.eval.packages),
    )  # fmt: skip
    ended = Closing(ended=str(found.stats.completed_at), trials=len(trials),
                    infrastructure_errors=sum(not trial.counts for trial in trials))  # fmt: skip
    return Log(path, header, trials, ended if found.status == "success" else None)


def _reader() -> Any:
    try:
        from inspect_ai.log import read_eval_log
    except ImportError:
        raise UsageError(
            "reading logs of Inspect's needs the extra inspect", cause="inspect_ai is not installed",
            state="nothing was changed", next="pip install 'milepost[inspect]'",
        ) from None  # fmt: skip
    return read_eval_log


def _arm(found: Any, epochs: int) -> PlannerArm:
    """Who planned: the task's planner, with the model where it asks one; of another task its model."""
    args: Mapping[str, Any] = found.eval.task_args or {}
    kind = str(args.get("planner") or (found.eval.metadata or {}).get("planner") or "")
    model = str(found.eval.model)
    if kind.startswith("template"):
        return PlannerArm(name=kind, kind=kind, epochs=epochs)
    return PlannerArm(name=f"{kind or 'ai'}:{model}", kind=kind or "ai", model=model, epochs=epochs)


def _case(sample: Any) -> dict[str, Any]:
    """The sample as a case; one that is none of ours has its request, its target and its family."""
    said = {"id": str(sample.id), "input": _text(sample.input), "target": sample.target, "metadata": sample.metadata}
    try:
        return case_of(said)
    except ValueError:
        family = str((sample.metadata or {}).get("family", ""))
        return {"id": said["id"], "family": family, "request": said["input"], "context": {}, "expect": {},
                "target": sample.target}  # fmt: skip


def _text(said: Any) -> str:
    return said if isinstance(said, str) else "\n".join(str(message.text) for message in said)


def _digest(cases: list[dict[str, Any]]) -> str:
    ours = all(case.get("expect") for case in cases)
    return cases_digest(cases) if ours else hashlib.sha256(canonical_json(cases).encode()).hexdigest()


def _trial(sample: Any, arm: PlannerArm, case: Mapping[str, Any]) -> Trial:
    scores: Mapping[str, Any] = sample.scores or {}
    kept = next((one.metadata[_TRIAL] for one in scores.values() if _TRIAL in (one.metadata or {})), None)
    if sample.error is None and kept is not None:
        return Trial.model_validate({**kept, "planner": arm.name, "epoch": sample.epoch})
    bare = Trial(
        id=str(sample.id), family=str(case.get("family", "")), planner=arm.name, epoch=sample.epoch,
        times=Times(plan=float(sample.total_time or 0.0)), usage=_usage(sample),
    )  # fmt: skip
    if sample.error is not None:
        return bare.model_copy(update={"error": Failure(kind="infrastructure", message=str(sample.error.message))})
    values = {name: number for name, one in scores.items() if (number := _number(one.value)) is not None}
    first = next(iter(values.values()), None)
    said = "; ".join(str(one.explanation) for one in scores.values() if one.explanation)
    return bare.model_copy(update={"scores": {HEADLINE: first} | values, "explanation": said[:2_000]})


def _usage(sample: Any) -> Usage:
    spent = list((sample.model_usage or {}).values())
    return Usage(
        calls=len(spent), input_tokens=sum(one.input_tokens for one in spent),
        output_tokens=sum(one.output_tokens for one in spent),
    )  # fmt: skip


def _number(value: Any) -> float | None:
    if isinstance(value, str):
        return _LETTERS.get(value)
    return float(value) if isinstance(value, bool | int | float) else None
