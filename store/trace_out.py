"""Where spans go: a file with one JSON object a line, or an OTLP endpoint. Only made when `trace` is configured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .errors import UsageError
from .tracing import Tracer

SECONDS = 5
"""That an endpoint has to answer in, and that closing waits for the last spans at most, twice."""


class TraceOut:
    """A tracer and what ends it. `where` is a path, or the http(s) address of an OTLP receiver (gRPC)."""

    def __init__(self, where: str, home: Path) -> None:
        sdk, export = _sdk()
        self._file: Any = None
        provider = sdk.TracerProvider(resource=_resource(), shutdown_on_exit=False)
        if where.startswith(("http://", "https://")):
            provider.add_span_processor(export.BatchSpanProcessor(_endpoint(where)))
        else:
            self._file = _opened(home / Path(where).expanduser())
            out = export.ConsoleSpanExporter(out=self._file, formatter=_line)
            provider.add_span_processor(export.SimpleSpanProcessor(out))
        self._provider = provider
        self.tracer: Tracer = provider.get_tracer("milepost")

    def close(self) -> None:
        """Send what is still to be sent, for some seconds at most."""
        self._provider.force_flush(SECONDS * 1000)
        self._provider.shutdown()
        if self._file is not None:
            self._file.close()


def _sdk() -> tuple[Any, Any]:
    try:
        from opentelemetry.sdk import trace
        from opentelemetry.sdk.trace import export
    except ImportError:
        raise _missing() from None
    return trace, export


def _endpoint(where: str) -> Any:
    try:
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    except ImportError:
        raise _missing() from None
    return OTLPSpanExporter(endpoint=where, insecure=where.startswith("http://"), timeout=SECONDS)


def _missing() -> UsageError:
    return UsageError(
        "spans need the extra otel",
        cause="trace is configured, and OpenTelemetry's SDK or its exporter is not installed",
        state="nothing was changed",
        next="pip install 'milepost[otel]'",
    )


def _resource() -> Any:
    from importlib.metadata import version

    from opentelemetry.sdk.resources import Resource

    return Resource({"service.name": "milepost", "service.version": version("milepost")})


def _opened(path: Path) -> Any:
    try:
        return path.open("a", encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"spans cannot be written to {path}", cause=error.strerror or str(error), state="nothing was changed"
        ) from None


def _line(span: Any) -> str:
    return str(span.to_json(indent=None)) + "\n"
