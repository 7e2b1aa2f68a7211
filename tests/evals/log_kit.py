"""Logs made by hand: so many cases in families, with the success of every trial as the test wants it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from milepost.evals.logs import Closing, Failure, Header, Held, PlannerArm, Times, Trial, Usage, as_line
from milepost.evals.samples import case_of, cases_digest
from milepost.evals.scoring import scored

KINDS = ("steps", "files", "param", "ask")
Outcomes = Sequence[bool | None]
"""The trials of a case, by epoch: whether it succeeded, None for an infrastructure error."""


def case(id: str, family: str, **more: Any) -> dict[str, Any]:
    """A case that `eval run` would take."""
    expect = {"steps": ["upload", "parse", "embed", "expose"], "files": ["a.md"], "params": {}}
    context = {"files": [{"name": "a.md", "size_mb": 0.1}], "knowledge_base": "hr"}
    return case_of(
        {"id": id, "family": family, "request": f"Please ingest a.md ({id})", "context": context, "expect": expect}
        | more
    )


def trial(one: Mapping[str, Any], planner: str, epoch: int, success: bool | None, **more: Any) -> Trial:
    """A trial with its scores; one that failed took a file too many."""
    files = ["a.md"] if success else ["a.md", "b.md"]
    made: dict[str, Any] = {
        "id": one["id"], "family": one["family"], "planner": planner, "epoch": epoch, "valid": True,
        "origin": "template",
        "answer": {"steps": one["expect"]["steps"], "before": [], "files": files, "params": {}, "questions": []},
        "checks": [Held(kind=kind, what=f"{kind} of {one['id']}", holds=bool(success) or kind != "files",
                        why="extra ['b.md']") for kind in KINDS],
        "unsafe": [] if success else ["expose:b.md"], "times": Times(plan=0.01 * epoch), "usage": Usage(),
        "plan": {"steps": [{"id": step, "action": step} for step in one["expect"]["steps"]], "files": files},
    }  # fmt: skip
    if success is None:
        made |= {"answer": None, "checks": [], "error": Failure(kind="infrastructure", message="connection refused")}
    whole = Trial(**(made | more))
    return Trial.model_validate(whole.model_dump() | {"scores": scored(whole, one)})


def write_log(
    path: Path,
    outcomes: Mapping[str, Mapping[str, Outcomes]],
    families: Mapping[str, str] | None = None,
    *,
    cases: Sequence[Mapping[str, Any]] | None = None,
    more: Mapping[str, Any] | None = None,
    header: Mapping[str, Any] | None = None,
) -> Path:
    """A log of planners' outcomes by case id; `more` is said of every trial."""
    ids = list(next(iter(outcomes.values())))
    known = list(cases or [case(id, (families or {}).get(id, id)) for id in ids])
    arms = tuple(
        PlannerArm(name=name, kind="ai" if name.startswith("ai") else name, epochs=max(map(len, rows.values())))
        for name, rows in outcomes.items()
    )
    head = Header(
        run_id=path.stem, created="2026-11-27T08:00:00+00:00", planners=arms, epochs=max(arm.epochs for arm in arms),
        cases=tuple(dict(one) for one in known), cases_digest=cases_digest(known), **(header or {}),
    )  # fmt: skip
    trials = [
        trial(one, name, epoch, success, **(more or {}))
        for name, rows in outcomes.items()
        for one in known
        for epoch, success in enumerate(rows[str(one["id"])], 1)
    ]
    closing = Closing(ended="2026-11-27T08:01:00+00:00", trials=len(trials))
    path.write_text("".join(map(as_line, (head, *trials, closing))), encoding="utf-8")
    return path
