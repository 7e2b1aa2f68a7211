"""A run: every case, planner and epoch once, several at a time, within a budget; a crash stops it, and it goes on."""

from __future__ import annotations

import platform
import random
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..agents.ai_prompt import PROMPT_VERSION
from ..agents.chat_model import ModelEndpoint
from ..store.errors import MilepostError, UsageError
from ..store.policy import Policy
from ..store.records import Progress
from .arms import Arm, arms_of
from .budget import Allowance
from .crew import Crew
from .log_files import LogFile
from .log_reading import read_log
from .logs import Closing, Header, Log, Trial
from .own_scorers import scorers_of
from .samples import OWN_CASES, Samples, read_samples
from .trials import Setup, tried
from .worlds import PLANNING

Key = tuple[str, str, int]
_IN_A_ROW = 5
"""Infrastructure errors of one planner, one after the other, after which a run stops."""
OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Run:
    """What is to be run. `jobs` trials at a time; `max_tokens` and `max_cost` are for the whole run."""

    samples: Samples
    arms: tuple[Arm, ...]
    epochs: int = 1
    execute: bool = False
    policy: Policy = PLANNING
    seed: int = 0
    after: int = 0
    jobs: int = 4
    max_tokens: int | None = None
    max_cost: float | None = None
    scorers: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, planners: Sequence[str], *, cases: Path | str | None = None, epochs: int = 1,
        policy: Policy | None = None, model: ModelEndpoint | None = None, scorers: Sequence[str] = (), **more: Any,
    ) -> Run:  # fmt: skip
        """The run of planners by their names in `arms`, on a file of cases (the project's own where none is named).

        Planners that ask a model without naming it ask `model`; the rest as the fields are called. `UsageError`,
        `NotFound` for what is not there.
        """
        samples = read_samples(Path(cases) if cases is not None else OWN_CASES)
        arms = arms_of(planners, epochs=epochs, configured=model)
        return cls(samples, arms, epochs, policy=policy or PLANNING, scorers=tuple(scorers), **more)

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.jobs < 1 or self.after < 0:
            raise UsageError("epochs and jobs are at least 1, journeys in the past at least 0", state="nothing was run")

    def header(self) -> Header:
        """What the log says of the run."""
        return Header(
            run_id=uuid.uuid4().hex, created=_now(), planners=tuple(arm.said for arm in self.arms), epochs=self.epochs,
            execute=self.execute, seed=self.seed, policy=self.policy.model_dump(mode="json"), after=self.after,
            cases_digest=self.samples.digest, cases_file=Path(self.samples.path).name, cases=self.samples.cases,
            broken=self.samples.broken, scorers=self.scorers, versions=versions(),
        )  # fmt: skip


def eval_run(
    planners: Sequence[str],
    out: Path | str,
    *,
    on_progress: OnProgress | None = None,
    **wanted: Any,
) -> Log:
    """Run planners on cases and write the log `out`; the same call goes on with a log that a crash cut short.

    `planners` and the rest as `Run.of` takes them. Raises `UsageError` before anything is run, `MilepostError` where
    the run had to stop; what was run is in the log.
    """
    return run_into(Run.of(planners, **wanted), Path(out), on_progress or (lambda _: None))


def run_into(run: Run, out: Path, tell: OnProgress) -> Log:
    """Run what the log lacks, and close it when it lacks nothing."""
    made = scorers_of(run.scorers)
    allowance = Allowance(run.max_tokens, run.max_cost, run.policy)
    with LogFile(out, run.header()) as log:
        if log.before.closing is not None:
            return log.before
        began = time.perf_counter()
        whole = log.before.header.expected
        left = _left(run, log.before)
        allowance.spent(*log.before.trials)
        with tempfile.TemporaryDirectory(prefix="milepost-eval-", ignore_cleanup_errors=True) as room:
            setup = Setup(run.policy, run.execute, tuple(made), Path(room), run.after, run.samples.cases)
            _run_all(run, setup, left, log, allowance, _telling(tell, len(whole), len(whole) - len(left)))
        ended = read_log(out)
        failed = sum(not trial.counts for trial in ended.trials)
        log.write(Closing(ended=_now(), trials=len(ended.trials), infrastructure_errors=failed,
                          seconds=round(time.perf_counter() - began, 3)))  # fmt: skip
    return read_log(out)


def _left(run: Run, before: Log) -> list[Key]:
    """Trials to run, those again that an infrastructure error kept from counting; shuffled for each case."""
    done = {trial.key for trial in before.trials if trial.counts}
    keys: list[Key] = []
    for case in before.header.cases:
        mine = [key for key in before.header.expected if key[0] == case["id"]]
        random.Random(f"{run.seed} {case['id']}").shuffle(mine)
        keys += [key for key in mine if key not in done]
    return keys


def _run_all(
    run: Run, setup: Setup, left: Sequence[Key], log: LogFile, allowance: Allowance, tell: Callable[[], None]
) -> None:
    cases = {str(case["id"]): case for case in run.samples.cases}
    arms = {arm.name: arm for arm in run.arms}
    misses = dict.fromkeys(arms, 0)

    def trial(key: Key) -> Trial:
        return tried(arms[key[1]], cases[key[0]], key[2], setup)

    def may(key: Key, running: Sequence[Key]) -> bool:
        return not arms[key[1]].asks or allowance.has_room(sum(arms[one[1]].asks for one in running))

    with Crew(run.jobs, trial, may) as crew:
        for done in crew.work(left):
            log.write(done)
            allowance.spent(done)
            tell()
            misses[done.planner] = 0 if done.counts else misses[done.planner] + 1
            if misses[done.planner] >= _IN_A_ROW:
                raise _stopped(done, log)
        if crew.held:
            raise allowance.over(len(crew.held), log.path)


def _stopped(last: Trial, log: LogFile) -> MilepostError:
    why = last.error.message if last.error else ""
    return MilepostError(
        f"the run was stopped: {last.planner} failed {_IN_A_ROW} times in a row, through no fault of its plans",
        cause=why, state=f'what was run is in "{log.path}"; the same command goes on', next="milepost doctor",
    )  # fmt: skip


def _telling(tell: OnProgress, total: int, done: int) -> Callable[[], None]:
    counted = done

    def one_more() -> None:
        nonlocal counted
        counted += 1
        tell(Progress(kind="progress", step="eval", done=counted, total=total, unit="trials"))

    return one_more


def versions() -> dict[str, str]:
    """What a run's result may depend on, besides the model."""
    found = {"python": platform.python_version(), "prompt": PROMPT_VERSION}
    for name in ("milepost", "chromadb", "langgraph", "langchain-openai"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "unknown"
    return found


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
