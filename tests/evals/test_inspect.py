"""Law: as Inspect tasks the cases come out as in a run of our own, with no model and with Inspect's; its logs are read.

The extra `inspect` is in the development lock.
"""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import inspect_ai
import pytest
from eval_kit import case, file_of, ran

from milepost.agents.fake_server import plain_plan
from milepost.evals.inspect_logs import is_inspect_log, read_any_log
from milepost.evals.logs import Log
from milepost.evals.samples import read_samples
from milepost.store.errors import UsageError

pytestmark = pytest.mark.filterwarnings("ignore")  # Inspect's own libraries warn


@pytest.fixture(autouse=True)
def left_streams() -> Iterator[None]:
    """Inspect forgets one stream of every sample without closing it: they end here, not in whatever test runs next."""
    yield
    gc.collect()


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """Two cases of which the rules get one right: the second wants what nobody asks for."""
    return file_of(tmp_path, case("a"), case("b", files=["a.md"]))


def inspected(folder: Path, cases: Path, planner: str, model: Any = None, **more: Any) -> Log:
    """The log of Inspect's run of our task."""
    from milepost.evals.inspect_tasks import plan_requests

    (done,) = inspect_ai.eval(
        plan_requests(planner=planner, cases=str(cases)), model=model, log_dir=str(folder), display="none",
        log_format="json", **more,
    )  # fmt: skip
    assert done.status == "success", done.error
    path = Path(str(done.location).removeprefix("file://"))
    assert is_inspect_log(path)
    return read_any_log(path)


def answering(*drafts: Any) -> Any:
    """Inspect's mock model with these answers, each with its usage: without one it would count tokens itself."""
    from inspect_ai.model import ModelOutput, ModelUsage, get_model

    outputs = [ModelOutput.from_content("mockllm/model", json.dumps(draft)) for draft in drafts]
    for output in outputs:
        output.usage = ModelUsage(input_tokens=70, output_tokens=7, total_tokens=77)
    return get_model("mockllm/model", custom_outputs=outputs)


def test_the_template_needs_no_model_and_scores_the_same(tmp_path: Path, cases: Path) -> None:
    """Every score of every trial, the checks and the cases: as in a run of our own."""
    theirs = inspected(tmp_path, cases, "template")
    ours = ran(tmp_path, *read_samples(cases).cases)
    assert theirs.header.cases_digest == ours.header.cases_digest
    assert [trial.scores["task_success"] for trial in theirs.of("template")] == [1.0, 0.0]
    assert [(one.id, one.scores, one.checks) for one in theirs.of("template")] == [
        (one.id, one.scores, one.checks) for one in ours.of("template")
    ]


def test_a_model_is_asked_through_inspect(tmp_path: Path, cases: Path) -> None:
    """Its answers are the plans, repairs and tokens are counted, and the log names it."""
    wrong = {"steps": [], "questions": []}
    model = answering(wrong, plain_plan(["all"], "hr"), plain_plan(["f1"], "hr"))
    log = inspected(tmp_path, cases, "ai-only", model, max_samples=1)
    name = "ai-only:mockllm/model"
    first, second = log.of(name)
    assert (first.repairs, first.usage.input_tokens, first.usage.output_tokens) == (1, 140, 14)
    assert (first.scores["task_success"], second.scores["task_success"]) == (1.0, 1.0)


def test_a_sample_with_an_error_is_an_infrastructure_error(tmp_path: Path, cases: Path) -> None:
    """A model that cannot be asked says nothing about plans."""
    log = inspected(tmp_path, cases, "ai-only", answering(), fail_on_error=False)
    assert [trial.error and trial.error.kind for trial in log.trials] == ["infrastructure"] * 2
    assert log.of("ai-only:mockllm/model") == []


def test_a_log_of_another_task_is_read_too(tmp_path: Path) -> None:
    """The first scorer's value is the headline; letters are numbers."""
    from inspect_ai import Task
    from inspect_ai.dataset import Sample
    from inspect_ai.scorer import match
    from inspect_ai.solver import generate

    task = Task(dataset=[Sample(id="x", input="hi", target='"yes"')], solver=generate(), scorer=match())
    model = answering("yes", "no")
    (done,) = inspect_ai.eval(task, model=model, epochs=2, log_dir=str(tmp_path), display="none", max_samples=1)
    log = read_any_log(Path(str(done.location).removeprefix("file://")))
    assert [trial.scores["task_success"] for trial in log.of("ai:mockllm/model")] == [1.0, 0.0]
    assert log.header.cases[0]["request"] == "hi" and not log.missing


def test_what_is_no_log_is_refused(tmp_path: Path) -> None:
    """By its name it is one of Inspect's, by its bytes it is not."""
    path = tmp_path / "x.eval"
    path.write_text("nothing")
    with pytest.raises(UsageError, match="not a log of Inspect's"):
        read_any_log(path)
