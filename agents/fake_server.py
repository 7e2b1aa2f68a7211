"""A scripted model: an OpenAI-compatible server on loopback that answers as told, with every fault one wants.

For tests, offline evaluations and first steps without a key. The real client talks to it:

    with FakeServer([fails(429, retry_after=1), says({"steps": [], "questions": []})]) as server:
        model = ChatOpenAI(model="scripted", base_url=server.url, api_key="any")

It speaks `/v1/chat/completions` only, binds to 127.0.0.1, and keeps what it was asked in `server.calls`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from .fake_stream import as_events

_MODEL = "scripted"
_LARGEST = 50_000_000
"""Bytes of a request that are read, at most."""


@dataclass(frozen=True)
class Call:
    """One request as it came: the path, the headers by their names in small letters, and the body."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The messages of the conversation."""
        return list(self.body.get("messages") or [])

    def seen(self) -> dict[str, Any]:
        """What Milepost tells a model: the first user message, which is one JSON object; empty for another's."""
        said = next((one["content"] for one in self.messages if one.get("role") == "user"), "")
        try:
            found = json.loads(said)
        except (TypeError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True)
class Reply:
    """What goes back. `cut_after` closes the connection after so many bytes of the body, `hang` answers nothing."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: float = 0.0
    """Seconds before the answer begins."""
    cut_after: int | None = None
    hang: bool = False
    drip: float = 0.0
    """Seconds between two bytes of the body: an answer that never stalls and never ends."""


Script = Iterable[Reply] | Callable[[Call], Reply]
"""Replies in order, the last one for every call after it; or a function of the call."""


def says(content: Any, *, finish_reason: str | None = "stop", tokens: tuple[int, int] = (100, 20), **how: Any) -> Reply:
    """An answer whose content is a text, or anything else as JSON; `tokens` of prompt and answer are reported."""
    text = content if isinstance(content, str) or content is None else json.dumps(content)
    return _answer({"role": "assistant", "content": text}, finish_reason, tokens, how)


def calls(arguments: Any, *, tool: str = "draft_plan", tokens: tuple[int, int] = (100, 20), **how: Any) -> Reply:
    """An answer by function calling, with these arguments."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    called = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": text}}
    return _answer({"role": "assistant", "content": None, "tool_calls": [called]}, "tool_calls", tokens, how)


def refuses(why: str = "I cannot help with that.") -> Reply:
    """A refusal, as the API has a field for it."""
    return _answer({"role": "assistant", "content": None, "refusal": why}, "stop", (100, 5), {})


def fails(status: int, *, retry_after: object = None, message: str = "scripted failure") -> Reply:
    """An error of the API, with a Retry-After header where one is wanted."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Reply(status, _json({"error": {"message": message, "type": "scripted", "code": status}}), headers)


def hangs() -> Reply:
    """No answer at all; the connection stays open until the server closes."""
    return Reply(hang=True)


def cuts(after: int = 40) -> Reply:
    """An answer whose connection is closed in the middle."""
    return Reply(body=says({"steps": [], "questions": []}).body, cut_after=after)


def everything(call: Call) -> Reply:
    """A script that plans every file on offer into the kb named: a model that always does the plain thing."""
    seen = call.seen()
    handles = [one["handle"] for one in (*seen.get("files", ()), *seen.get("groups", ()))]
    return says(plain_plan(handles, seen.get("kb")))


def plain_plan(handles: list[str], kb: str | None, *, expose: bool = True) -> dict[str, Any]:
    """A draft that uploads, parses, embeds and exposes the files with these handles; a question without a kb."""
    if kb is None:
        return {"steps": [], "questions": [{"about": "kb", "text": "Which knowledge base are the files for?"}]}
    args: dict[str, dict[str, Any]] = {
        "upload": {"files": handles, "kb": kb},
        "parse": {"files": {"$ref": "upload", "field": "files"}},
        "embed": {"chunks": {"$ref": "parse", "field": "chunks"}},
        "expose": {"chunks": {"$ref": "embed", "field": "chunks"}, "kb": kb},
    }
    names = list(args) if expose else list(args)[:-1]
    steps = [
        {"id": name, "action": name, "args": args[name], "depends_on": names[at - 1 : at] if at else []}
        for at, name in enumerate(names)
    ]
    return {"steps": steps, "questions": []}


FAULTS: Mapping[str, Callable[[], Reply]] = {
    "hangs": hangs,
    "closes at once": lambda: Reply(cut_after=0),
    "cut in the middle": cuts,
    "429, Retry-After 1": lambda: fails(429, retry_after=1),
    "429, Retry-After 3600": lambda: fails(429, retry_after=3600),
    "429 without Retry-After": lambda: fails(429),
    "429, Retry-After garbage": lambda: fails(429, retry_after="soon"),
    "500": lambda: fails(500),
    "503": lambda: fails(503),
    "400": lambda: fails(400),
    "401": lambda: fails(401),
    "403": lambda: fails(403),
    "not JSON": lambda: says('Sure! Here is your plan: {"steps": ['),
    "fenced JSON of another form": lambda: says('```json\n{"plan": "upload everything"}\n```'),
    "NaN": lambda: says('{"steps": NaN, "questions": []}'),
    "10 MB": lambda: says("x" * 10_000_000),
    "empty content": lambda: says(None),
    "a refusal": refuses,
    "an unknown finish_reason": lambda: says(plain_plan([], "hr"), finish_reason="tired"),
    "a page of HTML": lambda: Reply(200, b"<html><body>busy</body></html>", {"Content-Type": "text/html"}),
    "drips": lambda: Reply(body=says({"steps": [], "questions": []}).body, drip=0.5),
}
"""Every way to fail, by name: each call of its value gives such a reply."""


class FakeServer:
    """The server; a context manager. `url` goes where a base URL is wanted, `calls` has every request so far."""

    def __init__(self, script: Script, *, port: int = 0) -> None:
        self.calls: list[Call] = []
        self._next = script if callable(script) else _in_order(script)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._server = _Listener(("127.0.0.1", port), _handler(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="milepost-fake-server", daemon=True
        )

    @property
    def url(self) -> str:
        """The base URL, with `/v1`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def answer(self, call: Call) -> Reply:
        """Note a call, and take the script's next reply."""
        with self._lock:
            self.calls.append(call)
            return self._next(call)

    def pause(self, seconds: float | None) -> None:
        """Wait that long, or for ever; no longer than the server runs."""
        self._over.wait(seconds)

    def close(self) -> None:
        """End the server; answers that hang end with it."""
        self._over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is what is tested here, and no news."""


def _handler(server: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = min(int(self.headers.get("Content-Length") or 0), _LARGEST)
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.path, headers, _object(self.rfile.read(size)))
            known = self.path.endswith("/chat/completions")
            reply = server.answer(call) if known else fails(404, message="only /v1/chat/completions is here")
            if call.body.get("stream") and reply.status == 200 and reply.body:
                events = {"Content-Type": "text/event-stream", **reply.headers}
                reply = replace(reply, body=as_events(reply.body), headers=events)
            self._give(reply)

        def _give(self, reply: Reply) -> None:
            if reply.hang:
                server.pause(None)
            server.pause(reply.wait)
            whole = reply.cut_after is None and not reply.hang
            self.close_connection = not whole
            if reply.hang or reply.cut_after == 0:
                return
            self.send_response(reply.status)
            for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self._write(reply)

        def _write(self, reply: Reply) -> None:
            if not reply.drip:
                self.wfile.write(reply.body[: reply.cut_after])
                return
            for at in range(len(reply.body)):
                self.wfile.write(reply.body[at : at + 1])
                self.wfile.flush()
                server.pause(reply.drip)

        def log_message(self, format: str, *args: Any) -> None:
            """Be quiet."""

    return Handler


def _in_order(script: Iterable[Reply]) -> Callable[[Call], Reply]:
    waiting = list(script)
    if not waiting:
        raise ValueError("a script has at least one reply")
    return lambda call: waiting.pop(0) if len(waiting) > 1 else waiting[0]


def _answer(
    message: dict[str, Any], finish_reason: str | None, tokens: tuple[int, int], how: Mapping[str, Any]
) -> Reply:
    usage = {"prompt_tokens": tokens[0], "completion_tokens": tokens[1], "total_tokens": sum(tokens)}
    choice = {"index": 0, "message": message, "finish_reason": finish_reason, "logprobs": None}
    body = {
        "id": "chatcmpl-scripted", "object": "chat.completion", "created": 0, "model": _MODEL,
        "choices": [choice], "usage": usage,
    }  # fmt: skip
    return Reply(body=_json(body), **how)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
