"""Spans of journeys and of model calls: what is told of each, by OpenTelemetry's names where it has some."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Coroutine, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from ..store.plan import Plan
from ..store.records import Journey, RollbackResult
from ..store.tracing import Traced, Value, span
from .chat_model import name_of

P = ParamSpec("P")
T = TypeVar("T")


class HasTraces(Protocol):
    def traced(self) -> AbstractContextManager[None]: ...


S = TypeVar("S", bound=HasTraces)


Method = Callable[Concatenate[S, P], Coroutine[Any, Any, T]]


def spanned(name: str) -> Callable[[Method[S, P, T]], Method[S, P, T]]:
    """Put a span around a method of the workspace, which says what came of it."""

    def around(method: Method[S, P, T]) -> Method[S, P, T]:
        @functools.wraps(method)
        async def run(self: S, /, *given: P.args, **named: P.kwargs) -> T:
            with self.traced(), span(name) as told:
                result = await method(self, *given, **named)
                told.tell(**_facts(result))
            return result

        return run

    return around


def _facts(result: Any) -> dict[str, Value]:
    if isinstance(result, Plan):
        return {"milepost__plan__id": result.plan_id, "milepost__journey__type": result.journey_type,
                "milepost__planner": result.origin.planner, "milepost__plan__steps": len(result.steps),
                "milepost__plan__files": len(result.files)}  # fmt: skip
    if isinstance(result, Journey):
        tally = Counter(file.outcome for file in result.files)
        files: dict[str, Value] = {f"milepost__files__{outcome}": number for outcome, number in tally.items()}
        return files | {
            "milepost__journey__id": result.journey_id, "milepost__journey__type": result.journey_type,
            "milepost__journey__status": str(result.status), "milepost__kb__revision": result.revision_after,
            "milepost__embeddings": result.embeddings_computed,
        }  # fmt: skip
    if isinstance(result, RollbackResult):
        return {"milepost__checkpoint__id": result.checkpoint_id, "milepost__rollback__success": result.success,
                "milepost__chunks__removed": result.chunks_removed,
                "milepost__chunks__restored": result.chunks_restored,
                "milepost__kb__revision": result.revision_after}  # fmt: skip
    return {}


@contextmanager
def model_call(model: Any, *, max_tokens: int | None = None, output: str | None = None) -> Generator[Traced]:
    """A span around one request to a chat model, by the `gen_ai.*` names; no prompt and no answer is in it."""
    inner = getattr(model, "bound", model)
    name = name_of(inner)
    maker = "openai" if hasattr(inner, "root_async_client") else type(inner).__name__
    with span(
        f"chat {name}", calls_out=True, gen_ai__operation__name="chat", gen_ai__provider__name=maker,
        gen_ai__request__model=name, gen_ai__request__max_tokens=max_tokens, gen_ai__output__type=output,
    ) as told:  # fmt: skip
        yield told


def said_of_itself(told: Traced, message: Any) -> None:
    """Add what a model's message says of itself: its model, its tokens, why it ended."""
    usage = getattr(message, "usage_metadata", None) or {}
    said = getattr(message, "response_metadata", None) or {}
    reason = said.get("finish_reason")
    told.tell(
        gen_ai__usage__input_tokens=usage.get("input_tokens"),
        gen_ai__usage__output_tokens=usage.get("output_tokens"),
        gen_ai__response__model=said.get("model_name"),
        gen_ai__response__id=said.get("id"),
    )
    if reason:
        told.tell_list("gen_ai.response.finish_reasons", [str(reason)])
