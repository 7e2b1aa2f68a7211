"""A run's log: JSON lines that say what was asked of whom, and what came of it. `log_reading` reads and checks them.

The first line is the header (`Header`), with every case in full, so that a log can be scored again without its cases.
Then one line for each case, planner and epoch (`Trial`), in the order in which they ended, and, where the run came to
its end, one closing line (`Closing`). A planner without chance (the templates) runs once: its trials have epoch 1.
Trials of two planners, or of two logs, belong together by case id and epoch; a case's family is the cluster.

A trial whose `error` is of kind "infrastructure" says nothing about its planner: statistics leave it out, in both arms,
and count it. `scores` are numbers by name, null where a score does not apply; `task_success` is the headline. They are
made of the rest of the line and of the case by `scoring.scored`, again at any time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

FORMAT_VERSION = "1.0"
"""Of the lines. The part before the point goes up where an older reader would misread them."""
HEADLINE = "task_success"
ErrorKind = Literal["infrastructure", "planner"]
Number = Annotated[float, Field(allow_inf_nan=False)]


class Line(BaseModel):
    """One line, or a part of one. Fields that a newer minor version added are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class PlannerArm(Line):
    """One planner of a run. `name` is as it was asked for, and the arm's name; `epochs` is 1 where nothing is left to
    chance."""

    name: str = Field(min_length=1)
    kind: str = Field(min_length=1)
    """"template-fixed", "template", "ai", "ai-only" or "ai-unvalidated"."""
    model: str | None = None
    base_url: str | None = None
    epochs: int = Field(default=1, ge=1)


class BrokenLine(Line):
    """A line of the cases' file that is no case, and why; the others were run."""

    line: int
    why: str


class Header(Line):
    """What was run. `cases_digest` is over the cases as they were run, whatever their file's order and spacing."""

    kind: Literal["run"] = "run"
    format_version: str = FORMAT_VERSION
    run_id: str
    created: str
    """ISO 8601, UTC."""
    planners: tuple[PlannerArm, ...] = Field(min_length=1)
    epochs: int = Field(ge=1)
    execute: bool = False
    seed: int = 0
    policy: dict[str, Any] = Field(default_factory=dict)
    """The whole policy that plans were made under."""
    after: int = 0
    """Journeys in each world's past, for planners that learn."""
    cases_digest: str
    cases_file: str = ""
    cases: tuple[dict[str, Any], ...] = Field(min_length=1)
    """Each with `id`, `family`, `request`, `context` and `expect`."""
    broken: tuple[BrokenLine, ...] = ()
    scorers: tuple[str, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    """Of milepost, python, chromadb, langgraph and the prompt."""

    def case(self, id: str) -> Mapping[str, Any]:
        """The case with that id; `KeyError` where there is none."""
        return {str(case["id"]): case for case in self.cases}[id]

    @property
    def expected(self) -> list[tuple[str, str, int]]:
        """Every trial of the whole run, as (case id, planner, epoch)."""
        ids = [str(case["id"]) for case in self.cases]
        return [(id, arm.name, epoch) for id in ids for arm in self.planners for epoch in range(1, arm.epochs + 1)]


class Held(Line):
    """One expectation of the case, and whether it held; `why` says what was found."""

    kind: str
    what: str
    holds: bool
    why: str = ""


class Usage(Line):
    """What asking a model came to: `calls` with the failed ones, `cost` by the policy's prices, None without."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: Number | None = None


class Times(Line):
    """Seconds by the wall clock; `execute` is the journey's, None where nothing was applied."""

    plan: Number = 0.0
    execute: Number | None = None
    estimated: dict[str, float] | None = None
    """The plan's estimate of `execute`: {p10, p50, p90}."""


class Execution(Line):
    """What came of applying the plan in a world of its own, and of taking it back twice.

    `end_state` says whether every knowledge base is as the case wants it. What was not tried is None: a plan that asks
    or that was refused is not applied, and what was not applied is not rolled back.
    """

    applied: bool = False
    status: str | None = None
    """The journey's."""
    end_state: bool = False
    differences: tuple[str, ...] = ()
    """What is not as the case wants it, one sentence each."""
    rolled_back: bool | None = None
    """The kb's digest after the rollback equals the one before the journey."""
    rolled_back_twice: bool | None = None
    others_untouched: bool | None = None
    """The digests of all other knowledge bases never changed."""
    refused: str | None = None
    """Why the plan was not applied."""


class Failure(Line):
    """Why there is no plan, or no use in it. "infrastructure": no server, no key, no time, our own fault; never scored.

    "planner": the planner gave nothing that can be used, which counts against it.
    """

    kind: ErrorKind
    message: str


class Trial(Line):
    """One case, planned once by one planner."""

    kind: Literal["trial"] = "trial"
    id: str
    family: str = ""
    planner: str
    epoch: int = Field(ge=1)
    started: str = ""
    scores: dict[str, Number | None] = Field(default_factory=dict)
    answer: dict[str, Any] | None = None
    """The plan in the cases' words (`answers.Answer`); None where none was had."""
    explanation: str = ""
    """What did not hold, in words."""
    checks: tuple[Held, ...] = ()
    unsafe: tuple[str, ...] = ()
    """Acts that nobody asked for."""
    extra: tuple[str, ...] = ()
    """Steps beyond those expected."""
    plan: dict[str, Any] | None = None
    """As `plan --json` gives it; of its policy only what is not as in the header."""
    scorer_errors: tuple[str, ...] = ()
    """What scorers of a user's own failed with; their scores are missing, and `eval score` makes them."""
    names: dict[str, str] = Field(default_factory=dict)
    """The case's names of checkpoints, by id."""
    refused: str | None = None
    """The request was refused outright, with this reason: there is no plan, and nothing would be done."""
    valid: bool | None = None
    issues: tuple[str, ...] = ()
    """The validator's codes."""
    origin: str | None = None
    """Who made the plan in the end: "template", "ai" or "fallback"; None without a plan."""
    reason: str | None = None
    """Of a fallback, or of no plan at all: why the model gave none."""
    repairs: int = 0
    """Answers of the model beyond the first."""
    attempts: int = 0
    stable: bool | None = None
    """Of a planner without chance: whether planning again gave the same plan."""
    usage: Usage = Usage()
    times: Times = Times()
    execution: Execution | None = None
    error: Failure | None = None

    @property
    def key(self) -> tuple[str, str, int]:
        """What makes the trial one of its kind: (case id, planner, epoch)."""
        return (self.id, self.planner, self.epoch)

    @property
    def counts(self) -> bool:
        """Whether it says anything about its planner."""
        return self.error is None or self.error.kind != "infrastructure"


class Closing(Line):
    """The run came to its end."""

    kind: Literal["end"] = "end"
    ended: str
    trials: int
    infrastructure_errors: int = 0
    seconds: Number = 0.0


@dataclass(frozen=True)
class Log:
    """A log as it was read. `torn` where the last line was cut by a crash: that trial is not among `trials`."""

    path: Path
    header: Header
    trials: tuple[Trial, ...]
    closing: Closing | None = None
    torn: bool = False
    whole_bytes: int = field(default=0, compare=False)
    """Bytes up to the end of the last whole line."""

    def of(self, planner: str) -> list[Trial]:
        """The trials of one planner that count, by case in the cases' order and by epoch."""
        places = {str(case["id"]): at for at, case in enumerate(self.header.cases)}
        mine = [trial for trial in self.trials if trial.planner == planner and trial.counts]
        return sorted(mine, key=lambda trial: (places[trial.id], trial.epoch))

    @property
    def missing(self) -> list[tuple[str, str, int]]:
        """Trials that were not run yet."""
        done = {trial.key for trial in self.trials}
        return [key for key in self.header.expected if key not in done]


def as_line(line: Header | Trial | Closing) -> str:
    """A line of the log, with its end."""
    said = line.model_dump(mode="json")
    return json.dumps(said, ensure_ascii=False, separators=(",", ":"), allow_nan=False) + "\n"


def with_scores(trial: Trial, scores: Mapping[str, float | None]) -> Trial:
    """The trial with these scores in place of its own."""
    return Trial.model_validate(trial.model_dump() | {"scores": dict(scores)})
