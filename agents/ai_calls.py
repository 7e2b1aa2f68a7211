"""Asking a model: within a deadline and a budget that are checked before each call, and again where it may help."""

from __future__ import annotations

import asyncio
import email.utils
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from ..store.plan import FailureKind
from ..store.policy import Policy
from ..store.ports import Clock
from .ai_answers import ModelFailed
from .ai_schema import TITLE
from .spans import model_call, said_of_itself

Message = tuple[str, str]
"""A role ("system", "user", "assistant") and a text."""

_CALL_SHARE = 0.5
"""Of the deadline that one call may take, so that a server that hangs can be asked once more."""
_CHARACTERS_A_TOKEN = 3.0
_REASONS = {
    400: "the model's server refused the request (400)",
    401: "the model's server does not accept the key (401)",
    403: "the model's server forbids it (403)",
    404: "the model's server knows no such model or path (404)",
    429: "the model's server is over its rate limit (429)",
}


@dataclass
class Usage:
    """What asking came to: answers, calls with the failed ones, tokens as the server counts them (else about)."""

    attempts: int = 0
    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens

    def cost(self, policy: Policy) -> float | None:
        """Money by the policy's prices for a million tokens; None without prices."""
        prices = (policy.ai.price_input, policy.ai.price_output)
        if prices == (None, None):
            return None
        return round((self.input_tokens * (prices[0] or 0) + self.output_tokens * (prices[1] or 0)) / 1e6, 6)


class Asker:
    """Asks one model for one plan. The deadline runs from the moment this is made."""

    def __init__(self, model: Any, policy: Policy, clock: Clock, usage: Usage) -> None:
        self._model = model
        self._policy = policy
        self._clock = clock
        self._usage = usage
        self._until = clock.monotonic() + policy.ai.deadline_seconds
        self.way = policy.ai.method
        """How the form of the answer is asked for, from now on."""

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return self._until - self._clock.monotonic()

    async def ask(self, messages: Sequence[Message], schema: dict[str, Any]) -> Any:
        """The model's next message; `ModelFailed` with the reason where there is none."""
        retrying = AsyncRetrying(
            retry=retry_if_exception(passes),
            stop=self._stops,
            wait=_pause,
            reraise=True,
        )
        try:
            message: Any = await retrying(self._once, messages, schema)
        except ModelFailed:
            raise
        except Exception as error:  # whatever a client raises: the plan falls back, and says why
            raise ModelFailed(self._reason(error), "service") from error
        self._usage.attempts += 1
        return message

    async def _once(self, messages: Sequence[Message], schema: dict[str, Any]) -> Any:
        prompt = sum(len(text) for _, text in messages) / _CHARACTERS_A_TOKEN
        allowed = self._allowed(int(prompt))
        seconds = max(0.05, min(self.left, self._policy.ai.deadline_seconds * _CALL_SHARE))
        self._usage.calls += 1
        with model_call(self._model, max_tokens=allowed, output="json") as told:
            async with asyncio.timeout(seconds):
                message = await _invoke(self._model, messages, schema, self.way, seconds, allowed)
            said_of_itself(told, message)
        self._count(message, int(prompt))
        return message

    def _allowed(self, prompt_tokens: int) -> int:
        """Tokens that the answer may have; `ModelFailed` where the budget has no room for another call."""
        budget = self._policy.budget
        if self.left <= 0:
            raise ModelFailed(f"the deadline of {self._policy.ai.deadline_seconds:g} s is over", self._ended)
        if budget.max_model_calls is not None and self._usage.calls >= budget.max_model_calls:
            raise ModelFailed(f"budget.max_model_calls is {budget.max_model_calls}, and they are made", self._ended)
        if budget.max_model_tokens is None:
            return self._policy.ai.max_answer_tokens
        room = budget.max_model_tokens - self._usage.tokens - prompt_tokens
        if room <= 0:
            used = f"{self._usage.tokens} are used and about {prompt_tokens} are needed"
            raise ModelFailed(f"budget.max_model_tokens is {budget.max_model_tokens}; {used}", "limit")
        return min(room, self._policy.ai.max_answer_tokens)

    @property
    def _ended(self) -> FailureKind:
        """Whose fault it is that time or calls ran out: the server's, where there was no answer at all."""
        return "limit" if self._usage.attempts else "service"

    def _count(self, message: Any, prompt_tokens: int) -> None:
        said = getattr(message, "usage_metadata", None) or {}
        answer = len(str(getattr(message, "content", message))) / _CHARACTERS_A_TOKEN
        self._usage.input_tokens += int(said.get("input_tokens") or prompt_tokens)
        self._usage.output_tokens += int(said.get("output_tokens") or answer)

    def _stops(self, state: RetryCallState) -> bool:
        return state.attempt_number > self._policy.ai.max_retries or state.upcoming_sleep >= self.left

    def _reason(self, error: BaseException) -> str:
        """Why there is no answer, in our words: what a server or a client says may hold the key."""
        deadline = f"{self._policy.ai.deadline_seconds:g} s"
        if _is_timeout(error):
            return f"the model did not answer in time (deadline {deadline})"
        status = _status(error)
        if status is not None:
            asked = retry_after(error)
            wait = f"; it asks to wait {math.ceil(asked)} s, and the deadline is {deadline}" if asked else ""
            return _REASONS.get(status, f"the model's server failed ({status})") + wait
        if _is_connection(error):
            return "the connection to the model's server failed"
        return f"the model's answer could not be read ({type(error).__name__})"


async def _invoke(
    model: Any, messages: Sequence[Message], schema: dict[str, Any], way: str, seconds: float, tokens: int
) -> Any:
    """One call. A model that takes no schema is asked with the prompt alone, which says the form, too."""
    if hasattr(model, "root_async_client"):
        how = {"timeout": seconds, "max_tokens": tokens}
        try:
            return await _bound(model, schema, way).ainvoke(list(messages), **how)
        except Exception as error:
            return _cut(error)
    try:
        structured = model.with_structured_output(schema, method=way, include_raw=True)
    except (NotImplementedError, AttributeError, ValueError, TypeError):
        return await model.ainvoke(list(messages))
    said = await structured.ainvoke(list(messages))
    return said["raw"] if isinstance(said, dict) and said.get("raw") is not None else said


def _cut(error: Exception) -> Any:
    """The answer that OpenAI's client raises in place of giving it, as it was cut at its length; else the error."""
    said = getattr(error, "completion", None)
    if said is None or not getattr(said, "choices", None):
        raise error
    from langchain_core.messages import AIMessage

    used = said.usage
    counted = {"input_tokens": used.prompt_tokens, "output_tokens": used.completion_tokens} if used else {}
    return AIMessage(
        content=said.choices[0].message.content or "",
        response_metadata={"finish_reason": said.choices[0].finish_reason},
        usage_metadata={**counted, "total_tokens": sum(counted.values())} if counted else None,
    )


def _bound(model: Any, schema: dict[str, Any], way: str) -> Any:
    if way == "function_calling":
        function = {"name": TITLE, "description": schema["description"], "parameters": schema}
        return model.bind_tools([{"type": "function", "function": function}], tool_choice=TITLE)
    return model.bind(response_format={"type": "json_schema", "json_schema": {"name": TITLE, "schema": schema}})


def passes(error: BaseException) -> bool:
    """Whether asking again may help: time-outs, connections, 408, 409, 429, 5xx, an answer that is no message."""
    if isinstance(error, ModelFailed | asyncio.CancelledError) or not isinstance(error, Exception):
        return False
    status = _status(error)
    return status is None or status in (408, 409, 429) or status >= 500


def retry_after(error: BaseException) -> float | None:
    """Seconds that a Retry-After header asks to wait, given as a number or a date; None without a sensible one."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    said = str(headers.get("retry-after") or headers.get("Retry-After") or "").strip()
    try:
        seconds = float(said)
    except ValueError:
        seconds = _until_date(said)
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _until_date(said: str) -> float:
    try:
        date = email.utils.parsedate_to_datetime(said)
    except (TypeError, ValueError):
        return math.nan
    return (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds()


_BACKING_OFF = wait_random_exponential(multiplier=0.3, max=8)


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = retry_after(error) if error is not None else None
    return asked if asked is not None else _BACKING_OFF(state)


def _status(error: BaseException) -> int | None:
    status = getattr(error, "status_code", None) or getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) and status >= 400 else None


def _is_timeout(error: BaseException) -> bool:
    return isinstance(error, TimeoutError) or "Timeout" in type(error).__name__


def _is_connection(error: BaseException) -> bool:
    return isinstance(error, ConnectionError) or "Connection" in type(error).__name__
