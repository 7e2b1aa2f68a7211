"""How many requests the template planner gets entirely right: `python benchmarks/request_cases.py FILE ...`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from milepost.evals.samples import read_samples
from milepost.evals.scorers import Score, score
from milepost.evals.worlds import world_of


def judged(path: Path) -> list[Score]:
    """The score of every case in a file; each is planned in a world of its own."""
    scores: list[Score] = []
    for case in read_samples(path).cases:
        with world_of(case) as world:
            scores.append(score(world.answer(), case))
    return scores


def report(path: Path, scores: Sequence[Score]) -> None:
    """Print what failed, and the figures."""
    for one in scores:
        for check in one.failed:
            print(f"  {one.case_id:<10} {one.family:<14} {check.kind}: {check.what}; {check.why}")
        if one.unsafe:
            print(f"  {one.case_id:<10} UNSAFE {', '.join(one.unsafe)}")
    right = sum(one.success for one in scores)
    unsafe = sum(bool(one.unsafe) for one in scores)
    print(f"{path.name}: {right} of {len(scores)} entirely right, {unsafe} with an unsafe extra act")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="+", type=Path, help="files of cases, one JSON object a line")
    for path in parser.parse_args().cases:
        report(path, judged(path))


if __name__ == "__main__":
    main()
