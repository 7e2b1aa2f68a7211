"""How far the stated estimates hold: journeys of many sizes and kinds, after ten to learn from.

    python benchmarks/calibration.py [--journeys 40] [--learn 10] [--seed 1]

For each journey the plan's p10 to p90 is compared with the seconds that applying it took, and the counts of chunks
and embeddings with what was made. Prints the share that the interval held (it promises 80 %), the median and the
MAD of ln(actual / p50), and the counts that differed (none may). Files are invented; nothing is downloaded.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from milepost import Milepost
from milepost.store.plan import Interval

WORDS = [
    f"{head}{tail}" for head in ("mar", "sol", "ten", "val", "kor", "lin", "pas", "dor") for tail in ("a", "en", "is")
]


@dataclass(frozen=True)
class Measured:
    """One journey: what was stated, what it took, and whether the counts were right."""

    stated: Interval
    seconds: float
    counts_right: bool

    @property
    def held(self) -> bool:
        return self.stated.p10 <= self.seconds <= self.stated.p90


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--journeys", type=int, default=40)
    options.add_argument("--learn", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        runs = measure(Path(folder), given.learn, given.journeys, random.Random(given.seed))
    print(report(runs))


def measure(folder: Path, learn: int, journeys: int, rng: random.Random) -> list[Measured]:
    """Run journeys through one home; those to learn from are not among the result."""
    runs: list[Measured] = []
    with Milepost(folder / "home", policy="rollback") as mp:
        for number in range(learn + journeys):
            files = write_files(folder / f"in{number % 7}", rng, number)
            plan = mp.plan([files], kb=f"kb{number % 3}")
            began = time.perf_counter()
            journey = mp.apply(plan)
            seconds = time.perf_counter() - began
            made = {file.source: file.chunks for file in journey.files if file.outcome in ("added", "replaced")}
            planned = {file.source: file.chunks for file in plan.files if file.action in ("add", "replace")}
            right = made == planned and journey.embeddings_computed == plan.resources["embeddings"]
            runs.append(Measured(plan.estimated_time, seconds, right))
    return runs[learn:]


def write_files(folder: Path, rng: random.Random, number: int) -> Path:
    """Files of a journey: a few or many, short or long, new ones and some that replace what was there."""
    folder.mkdir(exist_ok=True)
    for _ in range(int(math.exp(rng.uniform(0, math.log(60))))):
        kind = rng.choice(["md", "txt", "csv", "html", "json"])
        name = f"{rng.choice('abcdefgh')}{rng.randrange(20) if rng.random() < 0.3 else f'-{number}-{rng.random():.6f}'}"
        (folder / f"{name}.{kind}").write_text(text(kind, rng, int(math.exp(rng.uniform(5, 10.5)))), encoding="utf-8")
    return folder


def text(kind: str, rng: random.Random, characters: int) -> str:
    """A document of about so many characters."""
    rows = [" ".join(rng.choices(WORDS, k=12)) for _ in range(max(1, characters // 60))]
    if kind == "csv":
        return "\n".join(["one,two,three", *(row.replace(" ", ",", 2) for row in rows)])
    if kind == "html":
        return "<html><body>" + "".join(f"<p>{row}</p>" for row in rows) + "</body></html>"
    if kind == "json":
        return "[" + ", ".join(f'{{"text": "{row}"}}' for row in rows) + "]"
    return "\n\n".join([f"# {rng.choice(WORDS)}", *rows])


def report(runs: list[Measured]) -> str:
    """The figures in words."""
    errors = [math.log(max(run.seconds, 1e-6) / max(run.stated.p50, 1e-6)) for run in runs]
    middle = statistics.median(errors)
    spread = statistics.median(abs(error - middle) for error in errors)
    held = sum(run.held for run in runs)
    below, above = sum(r.seconds < r.stated.p10 for r in runs), sum(r.seconds > r.stated.p90 for r in runs)
    width = statistics.median(run.stated.p90 / max(run.stated.p10, 1e-6) for run in runs)
    wrong = sum(not run.counts_right for run in runs)
    return (
        f"{held} of {len(runs)} within p10 to p90 ({held / len(runs):.0%}; {below} faster, {above} slower); "
        f"ln(actual / p50): median {middle:+.2f}, MAD {spread:.2f}; p90 is {width:.1f} times p10 (median); "
        f"counts of chunks and embeddings wrong in {wrong}"
    )


if __name__ == "__main__":
    main()
