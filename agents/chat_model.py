"""The chat model that drafts plans: any of LangChain's, or an OpenAI-compatible endpoint by name."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from ..store.errors import UsageError
from .ai_answers import ModelFailed

NONE_CONFIGURED = "no model is configured"


@dataclass(frozen=True)
class ModelEndpoint:
    """A model behind `/v1/chat/completions`. The key stays a secret: it is shown nowhere and kept nowhere."""

    name: str
    api_key: SecretStr | None = None
    base_url: str | None = None


def as_model(given: Any) -> Any:
    """What `chat_model=` may be: None, a model's name, a `ModelEndpoint`, or a chat model of LangChain's."""
    if given is None or isinstance(given, ModelEndpoint) or hasattr(given, "ainvoke"):
        return given
    if isinstance(given, str) and given.strip():
        return ModelEndpoint(given.strip())
    raise UsageError(
        f"chat_model cannot be a {type(given).__name__}",
        cause="it is a chat model of LangChain's (ChatOpenAI, ...), a model's name, or a ModelEndpoint",
        state="nothing was changed",
    )


def name_of(model: Any) -> str:
    """The model's name for the plan's origin; its class where it has none."""
    if isinstance(model, ModelEndpoint):
        return model.name
    named = getattr(model, "model_name", None) or getattr(model, "model", None)
    return str(named or type(model).__name__)[:200]


@asynccontextmanager
async def ready(model: Any, *, streams: bool = False) -> AsyncGenerator[Any, None]:
    """A model that is asked now, on this event loop, with connections of its own and no retries of its own.

    An endpoint answers in one piece, unless somebody watches its words as they come (`streams`).

    Retries, deadline and budget are the asker's. A model with a client of its user's making keeps that client.
    """
    if isinstance(model, ModelEndpoint):
        async with _http() as client:
            yield _opened(model, client, streams=streams)
    elif _is_openai(model) and model.http_async_client is None and not model.openai_proxy:
        async with _http() as client:
            yield _without_retries(model, client)
    elif _is_openai(model):
        yield _without_retries(model, None)
    else:
        yield model


def _opened(endpoint: ModelEndpoint, client: Any, *, streams: bool) -> Any:
    """The client for an endpoint. Without a key it takes the environment's; a server of one's own may want none."""
    from langchain_openai import ChatOpenAI
    from openai import OpenAIError

    def opened(key: SecretStr | None) -> Any:
        return ChatOpenAI(
            model=endpoint.name, api_key=key, base_url=endpoint.base_url, max_retries=0, http_async_client=client,
            use_responses_api=False, disable_streaming=not streams,
        )  # fmt: skip

    try:
        return opened(endpoint.api_key)
    except OpenAIError:
        if endpoint.base_url is None:
            raise ModelFailed("no key is configured for the model (OPENAI_API_KEY)", "service") from None
        return opened(SecretStr("none"))
    except Exception:  # what a client says of an address may hold what stands in it
        raise ModelFailed("the address of the model's server is none (OPENAI_BASE_URL)", "service") from None


def _is_openai(model: Any) -> bool:
    return all(hasattr(model, name) for name in ("root_async_client", "openai_proxy", "http_async_client"))


def _without_retries(model: Any, client: Any) -> Any:
    """The same model; only how often and through which connections it is asked differs."""
    root = model.root_async_client
    if root is None:
        return model
    more = {} if client is None else {"http_client": client}
    copied = model.model_copy()
    copied.root_async_client = root.with_options(max_retries=0, **more)
    copied.async_client = copied.root_async_client.chat.completions
    copied.max_retries = 0
    return copied


def _http() -> Any:
    from openai import DefaultAsyncHttpxClient

    return DefaultAsyncHttpxClient()
