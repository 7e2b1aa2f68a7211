"""Spans of what Milepost does, for OpenTelemetry: off unless a tracer was made, and then free of texts and names.

`span` costs a look at a context variable while nothing is traced. A span holds ids, counts and states: never a
document's text or name, a request, an error's message, a user or a key.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

Value = str | int | float | bool | None


class Tracer(Protocol):
    """What of an OpenTelemetry tracer is used."""

    def start_as_current_span(self, name: str, **options: Any) -> Any: ...


_ACTIVE: ContextVar[Tracer | None] = ContextVar("milepost_tracer", default=None)


class Traced:
    """A span that is open; one of nothing takes what it is told, too."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def tell(self, **attributes: Value) -> None:
        """Add attributes: `__` in a name is a dot; None is left out."""
        for key, value in attributes.items():
            if self._span is not None and value is not None:
                self._span.set_attribute(key.replace("__", "."), value)

    def tell_list(self, key: str, values: list[str]) -> None:
        """Add an attribute of several values."""
        if self._span is not None:
            self._span.set_attribute(key, values)

    def fail(self, kind: str) -> None:
        """Say that it failed, by the kind of error alone: what an error says may hold a name or a text."""
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode

            self._span.set_attribute("error.type", kind)
            self._span.set_status(Status(StatusCode.ERROR))


@contextmanager
def traced(tracer: Tracer | None) -> Generator[None]:
    """What is done inside, in tasks and threads that copy the context too, has its spans from this tracer."""
    before = _ACTIVE.set(tracer or _ACTIVE.get())
    try:
        yield
    finally:
        _ACTIVE.reset(before)


@contextmanager
def span(name: str, *, calls_out: bool = False, **attributes: Value) -> Generator[Traced]:
    """A span around what is done inside; `calls_out` for a request to another service. Nothing without a tracer."""
    tracer = _ACTIVE.get()
    if tracer is None:
        yield _NOTHING
        return
    from opentelemetry.trace import SpanKind

    kind = SpanKind.CLIENT if calls_out else SpanKind.INTERNAL
    with tracer.start_as_current_span(
        name, kind=kind, record_exception=False, set_status_on_exception=False
    ) as made:  # fmt: skip
        told = Traced(made)
        told.tell(**attributes)
        try:
            yield told
        except BaseException as failure:
            told.fail(type(failure).__name__)
            raise


_NOTHING = Traced()
