"""Law: spans tell what was done, by ids and counts, where tracing was asked for; and never a text, a name or a key."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from milepost import Milepost, UsageError
from milepost.agents.chat_model import ModelEndpoint
from milepost.agents.fake_server import Call, FakeServer, Reply, fails, plain_plan, says
from milepost.store.policy import Policy
from milepost.store.tracing import span

SECRET = "sk-very-secret-key-0123456789"
TEXT = "Parental leave is sixteen weeks."
ASKING = Policy.full(approval="never")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with one document in it."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "private-name.md").write_text(f"# Leave\n\n{TEXT}\n")
    return tmp_path


def planning(call: Call) -> Reply:
    """A model that plans every file that it was told of; at its first call it is over its limit."""
    return says(plain_plan([file["handle"] for file in call.seen()["files"]], "hr"))


def cycle(place: Path, server: FakeServer | None, **how: Any) -> None:
    """Plan with the model where there is one, apply, undo."""
    model = ModelEndpoint("scripted", api_key=SECRET, base_url=server.url) if server else None  # type: ignore[arg-type] # any text
    policy = ASKING if server else "rollback"
    with Milepost(place / "home", policy=policy, chat_model=model, user="anna-the-user", **how) as mp:
        done = mp.ingest([str(place / "docs")], kb="hr", request="add private-name.md")
        assert done.status == "completed"
        mp.undo(done)


def spans(place: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (place / "home" / "spans.jsonl").read_text().splitlines()]


def test_nothing_is_traced_unless_it_is_asked_for(place: Path) -> None:
    """Without `trace` no file is written, and the SDK is not even imported by the command line's cheap commands."""
    cycle(place, None)
    assert not (place / "home" / "spans.jsonl").exists()
    with span("nobody listens", any__thing=1) as told:
        told.tell(more=2)
        told.fail("Nothing")
    code = (
        "import sys; from milepost.cli import main; main(['policy', 'presets']); print('opentelemetry' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=place)
    assert ran.stdout.splitlines()[-1] == "False"


def test_a_cycle_is_one_trace_with_its_steps_and_model_calls(place: Path) -> None:
    """Plan, model call with the `gen_ai` names, journey and its steps lie inside the ingest; a rollback is its own."""
    with FakeServer(planning) as server:
        cycle(place, server, trace="spans.jsonl")
    found = spans(place)
    by_id = {one["context"]["span_id"]: one for one in found}

    def inside(one: dict[str, Any]) -> str:
        return by_id[one["parent_id"]]["name"] if one["parent_id"] else ""

    told = [(one["name"], inside(one)) for one in found]
    steps = [(f"step {action}", "journey") for action in ("upload", "parse", "embed", "expose")]
    assert told == [("chat scripted", "plan"), ("plan", "ingest"), *steps, ("journey", "ingest"), ("ingest", ""),
                    ("rollback", "")]  # fmt: skip
    assert len({one["context"]["trace_id"] for one in found}) == 2
    call, journey, back = found[0]["attributes"], found[-2]["attributes"], found[-1]["attributes"]
    assert call["gen_ai.operation.name"] == "chat" and call["gen_ai.request.model"] == "scripted"
    assert call["gen_ai.usage.input_tokens"] > 0 and call["gen_ai.usage.output_tokens"] > 0
    assert call["gen_ai.response.finish_reasons"] == ["stop"] and found[0]["kind"] == "SpanKind.CLIENT"
    assert journey["milepost.journey.status"] == "completed" and journey["milepost.files.added"] == 1
    assert back["milepost.rollback.success"] is True and back["milepost.chunks.removed"] >= 1


def test_what_fails_says_the_kind_of_error_alone(place: Path) -> None:
    """A call that the server refuses and the one that is made again are two spans; the first has its error's kind."""
    replies = [fails(500)]
    with FakeServer(lambda call: replies.pop() if replies else planning(call)) as server:
        cycle(place, server, trace="spans.jsonl")
    first, second = (one for one in spans(place) if one["name"] == "chat scripted")
    assert first["status"] == {"status_code": "ERROR"} and first["attributes"]["error.type"] == "OpenAIAPIError"
    assert first["events"] == [] and second["status"]["status_code"] == "UNSET"


def test_no_text_no_name_and_no_key_is_in_a_span(place: Path) -> None:
    """Neither what a document says nor its name, the request, the user, the kb's words or the model's key."""
    with FakeServer(planning) as server:
        cycle(place, server, trace="spans.jsonl")
    written = (place / "home" / "spans.jsonl").read_text()
    assert "journey_" in written
    for secret in (TEXT, "sixteen", "private-name", "add private", "anna-the-user", SECRET, str(place)):
        assert secret not in written


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """An OTLP receiver on loopback that keeps the names of spans."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.there = threading.Event()

    def Export(self, request: Any, context: Any) -> Any:
        for resource in request.resource_spans:
            self.names += [one.name for scope in resource.scope_spans for one in scope.spans]
        self.there.set()
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
def receiver() -> Iterator[tuple[Receiver, str]]:
    """The receiver, and its address."""
    kept = Receiver()
    server = grpc.server(ThreadPoolExecutor(max_workers=1))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(kept, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield kept, f"http://127.0.0.1:{port}"
    server.stop(None).wait()


def test_an_endpoint_gets_the_same(place: Path, receiver: tuple[Receiver, str]) -> None:
    """Everything has arrived when the home is closed; and only there was asked."""
    kept, address = receiver
    cycle(place, None, trace=address)
    assert kept.names.count("ingest") == 1 and kept.names.count("rollback") == 1
    assert {"plan", "journey", "step upload", "step expose"} <= set(kept.names)


def test_an_endpoint_that_is_not_there_stops_nothing(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The journey is done all the same, and closing does not wait for ever."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        cycle(place, None, trace=f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert TEXT not in caplog.text


def test_the_home_says_where(place: Path) -> None:
    """`trace` in milepost.toml is enough; a path that cannot be written is said, and nothing has been done."""
    (place / "home").mkdir()
    config = place / "home" / "milepost.toml"
    config.write_text('policy = "rollback"\ntrace = "spans.jsonl"\n')
    with Milepost(place / "home") as mp:
        mp.ingest([str(place / "docs")], kb="hr")
    assert spans(place)[-1]["name"] == "ingest"
    config.write_text('trace = "no/such/folder/spans.jsonl"\n')
    with Milepost(place / "home") as mp, pytest.raises(UsageError, match="spans cannot be written"):
        mp.ingest([str(place / "docs")], kb="other")
