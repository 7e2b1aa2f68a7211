"""A real model against the template on the project's cases: `make eval-llm`. Opt-in, and slow.

    make eval-llm                                        # finds llama-server and SmolLM2's weights, as `make llm-test`
    make eval-llm MORE="--cases-per-family 1 --seed 7"   # a sample: so many cases of each family, drawn by the seed
    python scripts/eval_llm.py --url http://127.0.0.1:8080/v1 --model NAME --epochs 5
    python scripts/eval_llm.py ... --arms ai-only        # which arms are held against the template (ai)
    python scripts/eval_llm.py ... --learn               # the same cases after 20 journeys, learning off and on

Logs, the report and what the model ran on (`about.json`) are in `build/eval` (`--out`); the same command goes on where
it was stopped. Exit 2 where there is no model to ask.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
from collections import defaultdict
from pathlib import Path

from llm_served import JOBS, OPTIONS, SERVERS, found_server, missing, packaged_weights, served

from milepost.cli import main as milepost
from milepost.evals.samples import OWN_CASES, read_samples, sample_of

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
    options.add_argument("--cases-per-family", type=int, help="a sample; all cases without it")
    options.add_argument("--seed", type=int, default=7, help="of the sample and of the order of trials")
    options.add_argument("--arms", nargs="+", default=["ai"], choices=("ai", "ai-only", "ai-unvalidated"))
    options.add_argument("--repairs", type=int, default=2, help="how often an answer may be sent back")
    options.add_argument("--answer-tokens", type=int, default=384, help="of one answer; four steps take up to 270")
    options.add_argument("--deadline", type=float, default=600.0, help="seconds for one plan")
    options.add_argument("--learn", action="store_true", help="learn_from_results off and on, after 20 journeys")
    options.add_argument("--out", type=Path, default=Path("build/eval"))
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    if given.url:
        about(given.out, server=None)
        return run(given, given.model, given.url)
    server, weights = found_server(), given.weights or packaged_weights()
    if server is None or weights is None:
        return missing(server)
    about(given.out, server=server)
    with served(server, weights, port=PORT) as url:
        return run(given, weights.stem, url)


def about(out: Path, *, server: str | None) -> None:
    """Write down what the model runs on, for the report: nothing of it is typed by hand."""
    said = {"cores": os.cpu_count(), "machine": f"{platform.system()} {platform.machine()}"}
    if server:
        asked = subprocess.run([server, "--version"], capture_output=True, text=True, check=False)
        told = next((line for line in (asked.stderr + asked.stdout).splitlines() if line.startswith("version")), "")
        said |= {
            "llama.cpp": told.removeprefix("version:").strip(),
            "servers": SERVERS,
            "server_options": " ".join(OPTIONS),
        }
    out.joinpath("about.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def sampled(given: argparse.Namespace) -> Path:
    """The cases to run: all of them, or so many of each family, drawn by the seed and nothing else."""
    path = given.cases or OWN_CASES
    if given.cases_per_family is None:
        return Path(path)
    families: dict[str, list[dict[str, object]]] = defaultdict(list)
    for case in read_samples(path).cases:
        families[str(case["family"])].append(case)
    drawn = [
        case
        for name, members in sorted(families.items())
        for case in random.Random(f"{given.seed} {name}").sample(members, min(given.cases_per_family, len(members)))
    ]
    sample: Path = given.out / f"sample-{given.cases_per_family}-{given.seed}.jsonl"
    sample.write_text("".join(json.dumps(sample_of(case), ensure_ascii=False) + "\n" for case in drawn), "utf-8")
    return sample


def run(given: argparse.Namespace, model: str, url: str) -> int:
    """The runs that were asked for, and what they come to beside one another; the first exit code that is not 0."""
    ai = f"{model}@{url}"
    more = ["--epochs", str(given.epochs), "--jobs", str(JOBS), "--seed", str(given.seed)]
    more += ["--cases", str(sampled(given)), "--set", f"ai.deadline_seconds={given.deadline}"]
    more += ["--set", f"ai.max_repairs={given.repairs}", "--set", f"ai.max_answer_tokens={given.answer_tokens}"]
    if given.learn:
        logs = [given.out / f"learning-{word}.jsonl" for word in ("off", "on")]
        arms = ["--planner", f"ai-only:{ai}", "--after", "20"]
        runs = [[*arms, "--set", f"learn_from_results={word}"] for word in ("false", "true")]
    else:
        logs = [given.out / "llm.jsonl"]
        runs = [[word for name in ("template", *(f"{arm}:{ai}" for arm in given.arms)) for word in ("--planner", name)]]
    for log, arms in zip(logs, runs, strict=True):
        code = milepost(["eval", "run", *arms, *more, "--out", str(log)])
        if code:
            return code
    return written([str(log) for log in logs], given.out / ("learning" if given.learn else "llm"))


def written(logs: list[str], name: Path) -> int:
    """What the logs say: in the terminal, and as a page, Markdown and JSON of that name."""
    shown = milepost(["eval", "compare", *logs])
    pages = [milepost(["eval", "report", *logs, "-o", f"{name}{suffix}"]) for suffix in (".html", ".md")]
    return shown or max(pages)


if __name__ == "__main__":
    raise SystemExit(main())
