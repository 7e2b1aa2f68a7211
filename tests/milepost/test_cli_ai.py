"""Law: at the command line a model is configured by the environment, and what comes of it is a plan with its origin."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_kit import Cli

from milepost.agents.fake_server import FakeServer, everything, fails

CANARY = "sk-CANARY-77aa"


@pytest.fixture
def server(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeServer]:
    """A scripted model that the environment names."""
    with FakeServer(everything) as made:
        monkeypatch.setenv("MILEPOST_MODEL", "scripted")
        monkeypatch.setenv("OPENAI_API_KEY", CANARY)
        monkeypatch.setenv("OPENAI_BASE_URL", made.url)
        yield made


def test_a_models_plan_runs(server: FakeServer, cli: Cli) -> None:
    """The origin is in the JSON; the journey is the plan's."""
    planned = cli("plan", "handbook", "--kb", "hr", "--planner", "ai", "--json")
    origin = planned.json["plan"]["origin"]
    assert (planned.code, origin["planner"], origin["model"], origin["attempts"]) == (0, "ai", "scripted", 1)
    assert origin["prompt_version"]
    assert cli("apply", "--yes", "--json").json["journey"]["status"] == "completed"
    assert len(server.calls) == 1


def test_a_refused_key_is_one_line_and_exit_0(
    server: FakeServer, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The template plans; nobody sees the key, although the server says it back."""
    monkeypatch.setattr(server, "answer", lambda call: fails(401, message=f"Incorrect API key provided: {CANARY}"))
    ran = cli("ingest", "handbook", "--kb", "hr", "--policy", "full", "--yes", "--debug")
    assert ran.code == 0
    said = "the template made this plan, not a model: the model's server does not accept the key (401)"
    assert ran.err.count(said) == 1
    assert CANARY not in ran.out + ran.err
    for path in (one for one in tmp_path.rglob("*") if one.is_file()):
        assert CANARY.encode() not in path.read_bytes(), path


def test_ai_without_a_model_says_what_is_missing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 2 and nothing made; `auto` under `full` falls back with a warning, exit 0."""
    for name in ("MILEPOST_MODEL", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    ran = cli("plan", "handbook", "--kb", "hr", "--planner", "ai")
    assert ran.code == 2
    assert "MILEPOST_MODEL" in ran.err
    assert "--planner template" in ran.err
    ran = cli("plan", "handbook", "--kb", "hr", "--policy", "full")
    assert ran.code == 0
    assert "warning: the template made this plan, not a model: no model is configured" in ran.err
