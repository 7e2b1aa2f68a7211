"""A real model against the template on the project's cases: `make eval-llm`. Opt-in, and slow.

    make eval-llm                                        # finds llama-server and SmolLM2's weights, as `make llm-test`
    python scripts/eval_llm.py --url http://127.0.0.1:8080/v1 --model NAME --epochs 5
    python scripts/eval_llm.py ... --learn               # the same cases after 20 journeys, learning off and on

Logs and the report are in `build/eval` (`--out`); the same command goes on where it was stopped. Exit 2 where there is
no model to ask.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

from llm_test import packaged_weights, served

from milepost.cli import main as milepost

PORT = 18732
"""Always the same: it is in the planner's name, and a log goes on only under its own."""


def main() -> int:
    """Find a model, run, compare, report."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--url", help="a server that runs already, with /v1")
    options.add_argument("--model", default="local")
    options.add_argument("--weights", type=Path, help="a GGUF file")
    options.add_argument("--epochs", type=int, default=5)
    options.add_argument("--cases", type=Path, help="other cases than the project's own")
    options.add_argument("--deadline", type=float, default=600.0, help="seconds for one plan")
    options.add_argument("--learn", action="store_true", help="learn_from_results off and on, after 20 journeys")
    options.add_argument("--out", type=Path, default=Path("build/eval"))
    given = options.parse_args()
    if given.url:
        return run(given, given.model, given.url)
    server, weights = shutil.which("llama-server"), given.weights or packaged_weights()
    if server is None or weights is None:
        missing = "llama-server is not on the PATH" if server is None else "there are no weights"
        print(f"not run: {missing}; see the head of scripts/llm_test.py", file=sys.stderr)
        return 2
    with served(server, weights, port=PORT) as url:
        return run(given, weights.stem, url)


def run(given: argparse.Namespace, model: str, url: str) -> int:
    """The runs that were asked for, and what they come to beside one another; the first exit code that is not 0."""
    ai = f"{model}@{url}"
    more = ["--epochs", str(given.epochs), "--jobs", "1", "--set", f"ai.deadline_seconds={given.deadline}"]
    more += ["--cases", str(given.cases)] if given.cases else []
    if given.learn:
        logs = [given.out / f"learning-{word}.jsonl" for word in ("off", "on")]
        arms = ["--planner", f"ai-only:{ai}", "--after", "20"]
        switches = [["--set", f"learn_from_results={word}"] for word in ("false", "true")]
        runs = [[*arms, *switch] for switch in switches]
    else:
        logs = [given.out / "llm.jsonl"]
        runs = [[word for name in ("template", f"ai:{ai}", f"ai-only:{ai}", f"ai-unvalidated:{ai}")
                 for word in ("--planner", name)]]  # fmt: skip
    for log, arms in zip(logs, runs, strict=True):
        code = milepost(["eval", "run", *arms, *more, "--out", str(log)])
        if code:
            return code
    named = [str(log) for log in logs]
    page = given.out / ("learning.html" if given.learn else "llm.html")
    return milepost(["eval", "compare", *named]) or milepost(["eval", "report", *named, "-o", str(page)])


if __name__ == "__main__":
    raise SystemExit(main())
