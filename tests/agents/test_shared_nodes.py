"""Law: a node that runs several steps stops at the first that stops the journey."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from milepost.agents import nodes as rooms
from milepost.agents.nodes import Nodes, share
from milepost.store.plan import PlanStep
from milepost.store.policy import Policy

PLAN: Any = SimpleNamespace(
    steps=(
        PlanStep(id="upload", action="upload"),
        PlanStep(id="remove", action="remove", depends_on=("upload",)),
        PlanStep(id="expose", action="expose", depends_on=("remove",)),
    )
)
ACTIONS = ("upload", "expose")


def test_what_nobody_foresaw_is_run_with_the_step_after_it() -> None:
    assert share(PLAN, ACTIONS, "upload") == ["upload"]
    assert share(PLAN, ACTIONS, "expose") == ["remove", "expose"]


@pytest.mark.parametrize(("verdict", "ran"), [("stop", ["remove"]), ("go", ["remove", "expose"])])
def test_nothing_runs_after_a_stop(monkeypatch: pytest.MonkeyPatch, verdict: str, ran: list[str]) -> None:
    run: list[str] = []

    def run_step(plan: Any, policy: Policy, name: str, *, every: Any = ()) -> dict[str, str]:
        run.append(name)
        return {"verdict": verdict if name == "remove" else "go"}

    monkeypatch.setattr(Nodes, "_plan_of", lambda self, plan_id: PLAN)
    monkeypatch.setattr(Nodes, "_require_approval", lambda self, plan, *, running: None)
    monkeypatch.setattr(rooms, "journey_id_of", lambda plan: "journey_1")
    engine: Any = SimpleNamespace(run_step=run_step)
    assert Nodes(engine, Policy.none(), ACTIONS)._step("plan_1", "expose")["verdict"] == verdict
    assert run == ran
