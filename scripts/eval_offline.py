"""Every arm over the project's cases without a model, and what compare and report make of it: `make eval`.

The templates plan for themselves; the AI arms ask a model that is played (`evals/played.py`), so that every number and
picture of the report is exercised. What it scores says nothing about any model.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from milepost.agents.fake_server import FakeServer
from milepost.cli import main as milepost
from milepost.evals.played import Played, copying
from milepost.evals.samples import OWN_CASES, read_samples

KINDS = ("ai", "ai-only", "ai-unvalidated")


def main() -> int:
    """Run, and say where everything is."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--out", type=Path, default=Path("build/eval"), help="a folder for logs and pages")
    options.add_argument("--epochs", type=int, default=2)
    options.add_argument("--execute", action="store_true")
    options.add_argument("--cases", type=Path, help="other cases than the project's own")
    options.add_argument("--learn", action="store_true", help="learning off and on after 20 journeys, in place of that")
    wanted = options.parse_args()
    if wanted.learn:
        return learning(wanted)
    samples = read_samples(wanted.cases or OWN_CASES)
    port = 18731  # the same at every run: it is in the planners' names, and a log goes on only under its own
    with FakeServer(Played(samples.cases), port=port) as server:
        planners = [word for kind in KINDS for word in ("--planner", f"{kind}:played@{server.url}")]
        limited = ["--cases", str(wanted.cases)] if wanted.cases else []
        more = ["--execute"] if wanted.execute else []
        log = wanted.out / "offline.jsonl"
        code = milepost(
            ["eval", "run", "--planner", "template", "--planner", "template-fixed", *planners, *more,
             "--epochs", str(wanted.epochs), "--out", str(log), *limited]
        )  # fmt: skip
    page = str(wanted.out / "offline.html")
    return code or milepost(["eval", "compare", str(log)]) or milepost(["eval", "report", str(log), "-o", page])


def learning(wanted: argparse.Namespace) -> int:
    """The same cases with `learn_from_results` off and on, after 20 journeys, by a model that copies its examples."""
    limited = ["--cases", str(wanted.cases)] if wanted.cases else []
    logs = [str(wanted.out / f"learning-{word}.jsonl") for word in ("off", "on")]
    with FakeServer(copying, port=18733) as server:
        for log, switch in zip(logs, ("false", "true"), strict=True):
            code = milepost(
                ["eval", "run", "--planner", f"ai-only:copying@{server.url}", "--after", "20", "--set",
                 f"learn_from_results={switch}", "--out", log, *limited]
            )  # fmt: skip
            if code:
                return code
    return milepost(["eval", "compare", *logs]) or milepost(
        ["eval", "report", *logs, "-o", str(wanted.out / "learning.html")]
    )


if __name__ == "__main__":
    sys.exit(main())
