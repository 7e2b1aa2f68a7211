"""Law: a secret is found in no store, log, plan, document or message, wherever it was put and whatever went wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from pydantic import SecretStr

from milepost import JourneyFailed, Milepost, MilepostError, Policy, Receipt, StepContext, Undo, journey_type, step
from milepost.agents import ModelEndpoint

PLACES = ("key", "address", "token", "toml", "answer", "embedder", "step", "undo", "database")
CANARY = {place: f"sk-CANARY-{place}-0123456789" for place in PLACES}


class _Echo(BaseHTTPRequestHandler):
    """A server that refuses everybody, and repeats what it was given."""

    def do_POST(self) -> None:
        said = f"Incorrect key {self.headers['Authorization']} and {CANARY['answer']} at {self.path}"
        body = json.dumps({"error": {"message": said, "code": "invalid_api_key"}}).encode()
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Quietly."""


@pytest.fixture
def server() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), _Echo) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def found(home: Path, texts: list[str]) -> list[str]:
    """Where a canary is: files of the home but for the configuration that holds one, and what was printed."""
    files = [path for path in home.rglob("*") if path.is_file() and path.name != "milepost.toml"]
    assert files
    hits = [
        f"{path}: {place}" for path in files for place, each in CANARY.items() if each.encode() in path.read_bytes()
    ]
    return hits + [f"output: {place}" for text in texts for place, each in CANARY.items() if each in text]


def test_no_command_shows_or_keeps_a_secret(tmp_path: Path, server: int) -> None:
    """A server refuses the key, and says which it was: with every command that could tell of it, loudly, too."""
    home = tmp_path / ".milepost"
    home.mkdir()
    address = f"http://user:{CANARY['address']}@127.0.0.1:{server}/v1"
    (home / "milepost.toml").write_text(
        f'policy = "full"\nbase_url = "http://u:{CANARY["toml"]}@127.0.0.1:{server}/v1"\n'
    )
    (tmp_path / "leave.md").write_text("# Leave\n\nSixteen weeks.\n")
    environment = os.environ | {
        "OPENAI_API_KEY": CANARY["key"], "OPENAI_BASE_URL": address, "MILEPOST_MCP_TOKEN": CANARY["token"],
        "MILEPOST_MODEL": "scripted", "MILEPOST_EMBEDDER": "openai:scripted", "DB_PASSWORD": CANARY["database"],
    }  # fmt: skip
    texts = []
    for words in (
        ["ingest", "leave.md", "--kb", "hr", "--yes"], ["ingest", "leave.md", "--kb", "hr", "--yes", "--debug"],
        ["ingest", "leave.md", "--kb", "hr", "--yes", "--json", "--planner", "ai"], ["plan", "leave.md", "--kb", "hr"],
        ["status"], ["status", "--json"], ["journeys", "--json"], ["doctor"], ["doctor", "--json", "--verbose"],
        ["policy", "show", "--json"], ["documents", "--json"], ["search", "leave", "--kb", "hr", "--debug"],
        ["resume", "journey_0", "--debug"], ["mcp", "--http", "nowhere:x", "--debug"],
    ):  # fmt: skip
        command = [sys.executable, "-c", "import sys; from milepost.cli import main; sys.exit(main())", *words]
        ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
        texts.append(ran.stdout + ran.stderr)
        assert "Traceback" not in texts[-1] or "--debug" in words
    assert "invalid_api_key" in "".join(texts) or "401" in "".join(texts), "the server was never asked"
    assert found(home, texts) == []


class Leaky:
    """An embedder that tells its key when it fails."""

    name = "leaky"
    dimensions = 4

    def embed(self, texts: list[str]) -> np.ndarray:
        raise RuntimeError(f"401 for key {CANARY['embedder']}")


@step("lean")
async def lean(ctx: StepContext, how: str) -> Receipt:
    """Do nothing but remember."""
    if how == "fail":
        raise RuntimeError(f"cannot log in with password={CANARY['step']}")
    return Receipt(target={"how": how}, prior=None, post={"how": how})


@lean.undoes
async def unlean(undo: Undo) -> None:
    """Fail, and tell."""
    raise RuntimeError(f"refused: Bearer {CANARY['undo']}")


def test_what_own_code_says_when_it_fails_is_kept_without_secrets(tmp_path: Path) -> None:
    """An embedder, a step, and an undo: the reason is kept and shown, and the key in it is not."""
    leaning = journey_type("leaning", steps=[lean], template=[lean])
    home, texts = tmp_path / "home", []
    (tmp_path / "leave.md").write_text("# Leave\n\nSixteen weeks.\n")
    with Milepost(home, policy="rollback", embedder=Leaky(), journey_types=(leaning,)) as mp:
        try:
            texts.append(repr(mp.ingest([tmp_path / "leave.md"], kb="hr")))
        except (MilepostError, JourneyFailed) as failed:
            texts.append(f"{failed} {failed.cause} {failed.facts}")
        failed_step = mp.apply(mp.plan([], kb=None, journey_type="leaning", args={"how": "fail"}))
        done = mp.apply(mp.plan([], kb=None, journey_type="leaning", args={"how": "well"}))
        undone = mp.rollback_to_checkpoint(done.checkpoint("before_lean"))
        texts += [repr(failed_step), repr(undone), repr(mp.journeys()), repr(mp.status(failed_step.journey_id))]
    told = "".join(texts)
    assert "cannot log in" in told and "refused" in told and "[hidden]" in told
    assert found(home, texts) == []


def test_a_conversation_that_fails_keeps_no_secret(tmp_path: Path, server: int) -> None:
    """The server repeats the key; the saver of the graph keeps of what a node raised its kind alone."""
    home = tmp_path / "home"
    key, address = SecretStr(CANARY["key"]), f"http://127.0.0.1:{server}/v1"
    policy = Policy.full()
    with Milepost(home, policy=policy, embedder="fake", chat_model=ModelEndpoint("scripted", key, address)) as mp:
        with pytest.raises(JourneyFailed, match="could not be asked") as failed:
            mp.chat("put the handbook in")
        assert mp.chat_waiting() == []
    with Milepost(home, policy=policy, embedder=Leaky()) as mp:
        assert mp.ingest([("leave.md", b"Sixteen weeks.")], kb="hr", approve=True).status == "failed"
    assert (home / "graph.db").stat().st_size > 0
    assert found(home, [str(failed.value), repr(failed.value)]) == []


@pytest.mark.parametrize("address", ["::::", "http://[::1", "http://x y/v1", "not an address"])
def test_an_address_that_is_none_is_no_fault_of_ours(tmp_path: Path, address: str) -> None:
    """The template plans, and says why; a conversation says what is wrong; neither shows the address or the key."""
    model = ModelEndpoint("scripted", SecretStr(CANARY["key"]), f"{address}{CANARY['address']}")
    policy = Policy.full(ai={"deadline_seconds": 1.0})
    with Milepost(tmp_path / "home", policy=policy, embedder="fake", chat_model=model) as mp:
        plan = mp.plan([("leave.md", b"Sixteen weeks.")], kb="hr")
        assert plan.origin.planner == "fallback" and plan.origin.failure == "service"
        with pytest.raises(MilepostError) as failed:
            mp.chat("hello")
    texts = [plan.model_dump_json(), plan.render(), str(failed.value), repr(failed.value)]
    assert found(tmp_path / "home", texts) == []
