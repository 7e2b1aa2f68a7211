"""From files on the disk to searchable, beside LlamaIndex's pipeline and LangChain's `index()`, in one run.

Every measurement is a process of its own, which may not reach the network; arms take turns in alternating order. All
embed with WordLlama (the peers' default embedders are services) into Chroma. `same` arms call Milepost's parser, in
their own process without a sandbox, in every run, since they want documents in order to see what changed; for `kept`
ones an earlier run's result is there at no cost. `usual` ones load and split by their own means. `raw` parses the same
way, embeds and adds. `found` is when search finds the files: with Milepost before its collection has followed. Every
arm has brought one small file into another folder before.
Run: `uv pip install --link-mode copy --group peers` (LlamaIndex refuses data that are hard links), then
`python benchmarks/end_to_end.py [FOLDER] [--generated 300] [--rounds 3]`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from end_to_end_report import report
from measuring import cpu_and_wall, disk_mb, peak_mb

MARKER = "Quixotic zephyr: this sentence came with the change."
CHANGEABLE = {".md", ".txt"}
AGAIN = 3
"""Runs over unchanged files; the median counts."""


class Arm(Protocol):
    """One way to bring a folder's files into a Chroma collection."""

    def run(self, files: Path) -> object: ...

    def texts(self) -> list[str]:
        """What the collection holds."""
        ...

    def close(self) -> None: ...


ARMS = {
    "raw": "arm_chroma:raw",
    "milepost none": "arm_milepost:none",
    "milepost rollback": "arm_milepost:rollback",
    "milepost full": "arm_milepost:full",
    "langchain same": "peer_langchain:same",
    "langchain kept": "peer_langchain:kept",
    "langchain usual": "peer_langchain:usual",
    "llamaindex same": "peer_llamaindex:same",
    "llamaindex kept": "peer_llamaindex:kept",
    "llamaindex usual": "peer_llamaindex:usual",
}


def main() -> None:
    """Run every arm over the folder and over generated files; or, as a child, one arm."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?", help="files of yours; they are copied, not changed")
    parser.add_argument("--generated", type=int, default=300, help="how many files to generate; 0 for none")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=list(ARMS))
    parser.add_argument("--out", type=Path, help="write the figures as JSON, too")
    parser.add_argument("--arm", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.arm:
        print(json.dumps(measured(options.arm, options.folder)))
        return
    figures: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as made:
        if options.folder:
            figures["folder"] = rounds(options.folder, options.arms, options.rounds)
        if options.generated:
            from office_like import write_files

            write_files(Path(made), options.generated)
            figures["generated"] = rounds(Path(made), options.arms, options.rounds)
    for name, arms in figures.items():
        report(name, arms)
    if options.out:
        options.out.write_text(json.dumps(figures, indent=1))


def rounds(folder: Path, arms: list[str], number: int) -> dict[str, dict[str, float]]:
    """The medians of each arm's figures."""
    runs: dict[str, list[dict[str, float]]] = {arm: [] for arm in arms}
    for turn in range(number):
        for arm in sorted(arms, reverse=bool(turn % 2)):
            command = [sys.executable, __file__, str(folder), "--arm", arm]
            said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=_environment()).stdout
            runs[arm].append(json.loads(said.splitlines()[-1]))
            print(f"  {arm}: {runs[arm][-1]}", file=sys.stderr)
    return {arm: {key: statistics.median(r[key] for r in done) for key in done[0]} for arm, done in runs.items()}


def measured(name: str, given: Path) -> dict[str, float]:
    """One arm's figures: the first run, unchanged files again, then with 1 % of them changed."""
    sys.addaudithook(_stay_here)
    module, _, function = ARMS[name].partition(":")
    opened: Callable[[Path], Arm] = getattr(import_module(module), function)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        files = folder / "files"
        shutil.copytree(given, files)
        _warm(opened, folder / "warm")
        (folder / "home").mkdir()
        arm = opened(folder / "home")
        figures = {"files": float(sum(path.is_file() for path in files.rglob("*")))}
        figures["first_cpu"], figures["first_wall"] = cpu_and_wall(lambda: arm.run(files))
        found = getattr(arm, "committed", (figures["first_cpu"], figures["first_wall"]))
        figures["found_cpu"], figures["found_wall"] = found
        figures["peak_mb"] = peak_mb()
        figures["chunks"] = float(len(arm.texts()))
        if name != "raw":
            figures |= _later(arm, files)
        arm.close()
        figures["disk_mb"] = disk_mb(folder / "home")
    return figures


def _later(arm: Arm, files: Path) -> dict[str, float]:
    again = [cpu_and_wall(lambda: arm.run(files)) for _ in range(AGAIN)]
    number = _change(files)
    cpu, wall = cpu_and_wall(lambda: arm.run(files))
    found = sum(MARKER in text for text in arm.texts())
    if found < number:
        raise SystemExit(f"{number} files were changed, and {found} chunks say so")
    return {
        "again_cpu": statistics.median(taken[0] for taken in again),
        "again_wall": statistics.median(taken[1] for taken in again),
        "changed_cpu": cpu,
        "changed_wall": wall,
    }


def _change(files: Path) -> int:
    """Put a paragraph above 1 % of the files, at least one: those of middle size among the plain texts."""
    number = max(1, round(sum(path.is_file() for path in files.rglob("*")) / 100))
    texts = sorted((p for p in files.rglob("*") if p.suffix in CHANGEABLE), key=lambda p: (p.stat().st_size, p))
    middle = texts[len(texts) // 4 : -len(texts) // 4] or texts
    chosen = random.Random(7).sample(middle, number)
    for path in chosen:
        path.write_text(f"{MARKER}\n\n{path.read_text(encoding='utf-8')}", encoding="utf-8")
    return number


def _warm(opened: Callable[[Path], Arm], folder: Path) -> None:
    files = folder / "files"
    files.mkdir(parents=True)
    (files / "warm.txt").write_text("Load the libraries, open the embedder.")
    (folder / "home").mkdir()
    arm = opened(folder / "home")
    arm.run(files)
    arm.close()


def _environment() -> dict[str, str]:
    return os.environ | {"ANONYMIZED_TELEMETRY": "False", "USER_AGENT": "benchmark", "HF_HUB_OFFLINE": "1"}


def _stay_here(event: str, found: tuple[Any, ...]) -> None:
    """Nothing may reach the network; a pipe inside the process is none."""
    if event in ("socket.connect", "socket.getaddrinfo"):
        raise RuntimeError(f"an arm reached for the network: {event} {found}")


if __name__ == "__main__":
    main()
