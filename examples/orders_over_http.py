"""A journey that is no ingestion: a customer and an order at an HTTP API, created by a plan, and deleted by its undo.

The API is a small server of the example's own, in this process.

    python examples/orders_over_http.py
"""

from __future__ import annotations

import json
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from milepost import Milepost, Receipt, StepContext, Undo, journey_type, step


@step("create", returns=["id", "kind", "name"])
def create(ctx: StepContext, url: str, kind: str, name: str, customer: int | None = None) -> Receipt:
    """Create one thing. The key tells the server a repeat, so that a run after a crash creates nothing twice."""
    body = {"name": name} | ({"customer": customer} if customer is not None else {})
    made = call("POST", f"{url}/{kind}", body, key=ctx.key)
    return Receipt(target={"url": url, "kind": kind, "id": made["id"]}, prior=None, post=made)


@create.observes
def look(target: dict[str, Any]) -> dict[str, Any] | None:
    """The thing as it is now; None where there is none."""
    found: dict[str, Any] | None = call("GET", f"{target['url']}/{target['kind']}/{target['id']}")
    return found


@create.undoes
def delete(undo: Undo) -> None:
    """Delete what was created; where no receipt says which it is, the server finds it by the key."""
    url, kind = undo.args["url"], undo.args["kind"]
    made = undo.receipt.post if undo.receipt else call("GET", f"{url}/{kind}?key={urllib.parse.quote(undo.key)}")
    if made is not None:
        call("DELETE", f"{url}/{kind}/{made['id']}")


def an_order(args: Any) -> list[dict[str, Any]]:
    """The customer first, and an order that names the customer's id."""
    of = {"$ref": "customer", "field": "id"}
    return [
        {"id": "customer", "action": "create", "args": {"url": args["url"], "kind": "customers", "name": args["name"]}},
        {
            "id": "order",
            "action": "create",
            "args": {"url": args["url"], "kind": "orders", "name": args["item"], "customer": of},
        },
    ]


ordering = journey_type("ordering", steps=[create], template=an_order)


def call(method: str, url: str, body: Any = None, *, key: str = "") -> Any:
    """One request; None for what is not there."""
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as refused:
        refused.close()
        if refused.code == 404:
            return None
        raise


class Shop(ThreadingHTTPServer):
    """Things by kind and number, and the number that each key has created."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Desk)
        self.things: dict[tuple[str, int], dict[str, Any]] = {}
        self.keys: dict[str, tuple[str, int]] = {}
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Desk(BaseHTTPRequestHandler):
    """POST /KIND, GET /KIND/ID, GET /KIND?key=KEY, DELETE /KIND/ID."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        kind, key = self.path.strip("/"), self.headers["Idempotency-Key"]
        with self._shop.lock:
            place = self._shop.keys.setdefault(key, (kind, len(self._shop.keys) + 1))
            thing = self._shop.things.setdefault(place, {"id": place[1], "kind": kind, **body})
        self._answer(201, thing)

    def do_GET(self) -> None:
        where = urllib.parse.urlsplit(self.path)
        key = urllib.parse.parse_qs(where.query).get("key")
        place = self._shop.keys.get(key[0]) if key else self._place(where.path)
        thing = self._shop.things.get(place) if place else None
        self._answer(200 if thing else 404, thing)

    def do_DELETE(self) -> None:
        with self._shop.lock:
            gone = self._shop.things.pop(self._place(self.path), None)
        self._answer(200 if gone else 404, gone)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: this is an example."""

    @property
    def _shop(self) -> Shop:
        assert isinstance(self.server, Shop)
        return self.server

    def _place(self, path: str) -> tuple[str, int]:
        kind, _, number = path.strip("/").partition("/")
        return kind, int(number)

    def _answer(self, status: int, body: Any) -> None:
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@contextmanager
def open_shop() -> Generator[Shop]:
    """A server that runs while the block does."""
    with Shop() as shop:
        serving = threading.Thread(target=shop.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield shop
        finally:
            shop.shutdown()
            serving.join()


def main(folder: Path) -> None:
    """Order something, show what the server has, and go back."""
    with open_shop() as shop, Milepost(folder, policy="rollback", journey_types=(ordering,)) as mp:
        plan = mp.plan([], journey_type="ordering", args={"url": shop.url, "name": "Ada", "item": "12 plums"})
        journey = mp.apply(plan)
        print(f"{journey.status}: {list(shop.things.values())}")
        undone = mp.undo(journey)
        print(f"{mp.status(journey).status}, {undone.verified}: {list(shop.things.values())}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        main(Path(scratch))
