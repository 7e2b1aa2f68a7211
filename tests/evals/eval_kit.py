"""What tests of evaluations share: cases by hand, files of them, and models that a script plays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from milepost.agents.fake_server import Call, Reply, plain_plan, says
from milepost.evals.logs import Log
from milepost.evals.runs import eval_run

INGEST = ("upload", "parse", "embed", "expose")


def case(id: str = "a", *, names: Sequence[str] = ("a.md", "b.md"), **expect: Any) -> dict[str, Any]:
    """A case that wants all its files in, but for what is said."""
    files = [{"name": name, "size_mb": 0.001} for name in names]
    wanted = {"steps": list(INGEST), "files": list(names), "params": {"kb": "hr"}} | expect
    return {
        "id": id, "family": "made", "request": "please add all of these", "expect": wanted,
        "context": {"files": files, "knowledge_base": "hr"},
    }  # fmt: skip


def file_of(folder: Path, *cases: dict[str, Any], more: str = "") -> Path:
    """A file with these cases."""
    path = folder / "cases.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in cases) + more, encoding="utf-8")
    return path


def ran(folder: Path, *cases: dict[str, Any], planners: Sequence[str] = ("template",), **wanted: Any) -> Log:
    """The log of a run of these cases."""
    return eval_run(planners, folder / "log.jsonl", cases=file_of(folder, *cases), **{"jobs": 2, **wanted})


def right(call: Call) -> Reply:
    """A model that takes every file on offer."""
    seen = call.seen()
    return says(plain_plan([file["handle"] for file in seen["files"]], seen["kb"]))
