# pyright: basic, reportMissingImports=false
"""The cases and scorers as Inspect tasks: `inspect eval milepost/plan_requests -T planner=ai --model openai/...`.

Needs the extra `inspect`. Planner `template` and `template-fixed` ask no model (`--model none/none`); `ai`, `ai-only`
and `ai-unvalidated` ask the one that Inspect was given, through Inspect's own interface, so that its logs, limits and
caches hold. Each sample has the trial as `eval run` would write it, and `task_success` is its score.
"""

from __future__ import annotations

import asyncio
import contextvars
import json
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    Model,
    ModelOutput,
    get_model,
)
from inspect_ai.scorer import Score, Scorer, Target, mean, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver
from langchain_core.messages import AIMessage

from ..agents.ai_calls import Message
from ..store.errors import UsageError
from .arms import KINDS, TEMPLATES, Arm
from .judging import judged
from .logs import HEADLINE, PlannerArm, Trial
from .samples import OWN_CASES, case_of, read_samples, sample_of
from .trials import Setup, tried
from .worlds import PLANNING

T = TypeVar("T")
TRIAL = "milepost_trial"
"""Where a sample's store, and its score's metadata, have the trial."""
_ROLES: dict[str, Callable[[str], ChatMessage]] = {
    "system": lambda text: ChatMessageSystem(content=text),
    "user": lambda text: ChatMessageUser(content=text),
    "assistant": lambda text: ChatMessageAssistant(content=text),
}
_ENDINGS = {"stop": "stop", "max_tokens": "length", "model_length": "length", "content_filter": "content_filter"}


@task
def plan_requests(planner: str = "template", cases: str = "", execute: bool = False) -> Task:
    """Plan every case with one planner; `cases` is a file of them, the project's own where none is named."""
    if planner not in KINDS:
        raise UsageError(f"there is no planner {planner!r}", cause=f"there are {', '.join(KINDS)}")
    samples = read_samples(Path(cases) if cases else OWN_CASES)
    dataset = MemoryDataset([Sample(**sample_of(case)) for case in samples.cases], name=samples.digest)
    return Task(
        dataset=dataset, solver=planned(planner, execute), scorer=task_success(),
        metadata={"cases_digest": samples.digest, "broken": [one.model_dump() for one in samples.broken]},
    )  # fmt: skip


@solver
def planned(planner: str = "template", execute: bool = False) -> Solver:
    """Plan a sample's request in a world of its own; an error that is no planner's is the sample's."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:
        del generate
        case = case_of_state(state)
        asks = planner not in TEMPLATES
        model = InspectModel(get_model()) if asks else None
        name = f"{planner}:{model.model_name}" if model else planner
        arm = Arm(PlannerArm(name=name, kind=planner, model=model.model_name if model else None), model)
        trial = await asyncio.to_thread(tried, arm, case, state.epoch, Setup(execute=execute))
        if trial.error is not None and not trial.counts:
            raise RuntimeError(trial.error.message)
        state.store.set(TRIAL, trial.model_dump(mode="json"))
        steps = (trial.answer or {}).get("steps", [])
        state.output = ModelOutput.from_content(model.model_name if model else planner, json.dumps(steps))
        state.completed = True
        return state

    return solve


@scorer(metrics=[mean(), stderr(cluster="family")])
def task_success() -> Scorer:
    """Whether all that the case expects holds; the other scores and the trial are in the metadata."""

    async def score(state: TaskState, target: Target) -> Score:
        del target
        said = Trial.model_validate(state.store.get(TRIAL))
        trial = judged(said, case_of_state(state), PLANNING.model_dump(mode="json"))
        return Score(
            value=trial.scores[HEADLINE] or 0.0, answer=state.output.completion, explanation=trial.explanation,
            metadata={TRIAL: trial.model_dump(mode="json"), "scores": trial.scores},
        )  # fmt: skip

    return score


def case_of_state(state: TaskState) -> dict[str, Any]:
    """The case that a sample is."""
    return case_of({"id": state.sample_id, "input": state.input_text, "target": list(state.target),
                    "metadata": state.metadata})  # fmt: skip


class InspectModel:
    """A model of Inspect's as the planner asks one: by the prompt alone, which says the form of the answer.

    Made in a solver: calls come from the planner's loop and are answered in Inspect's, where the sample is known.
    """

    def __init__(self, model: Model) -> None:
        self.model_name = str(model)
        self._model = model
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()

    async def ainvoke(self, messages: Sequence[Message], **_: Any) -> AIMessage:
        """The answer, with the tokens that it took."""
        asked = [_ROLES[role](text) for role, text in messages]
        output = await asyncio.wrap_future(self._there(lambda: self._model.generate(asked)))
        usage = output.usage
        said = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens} if usage else None
        counted: Any = said and {**said, "total_tokens": sum(said.values())}
        ending = _ENDINGS.get(output.stop_reason, output.stop_reason)
        return AIMessage(output.completion, usage_metadata=counted, response_metadata={"finish_reason": ending})

    def _there(self, work: Callable[[], Awaitable[T]]) -> Future[T]:
        """Do something in Inspect's loop and in the sample's context."""
        result: Future[T] = Future()

        async def run() -> None:
            try:
                result.set_result(await work())
            except BaseException as error:
                result.set_exception(error)

        def begin() -> None:
            running.add(self._loop.create_task(run(), context=self._context))

        running: set[asyncio.Task[None]] = set()
        self._loop.call_soon_threadsafe(begin, context=self._context)
        return result
