"""Does search find the right file? Top 1, top 5 and mean reciprocal rank over a folder and a file of questions.

A question file has one JSON object a line: `question`, and `sources`, the names (inside the folder) of the files that
answer it. A hit is the first of five results that comes from one of them. Measured by words and meaning together, as
`milepost search` answers, and by meaning alone.
Run: `python benchmarks/retrieval.py FOLDER [QUESTIONS.jsonl ...] [--misses]`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from milepost import Milepost
from milepost.store.search import Search
from milepost.store.vectors import embed_normalised

HERE = Path(__file__).parent
RESULTS = 5


@dataclass(frozen=True)
class Question:
    """What somebody asks, and the files that answer it."""

    text: str
    sources: frozenset[str]


def main() -> None:
    """Ingest the folder into a home that goes away again, ask every question, print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("questions", type=Path, nargs="*")
    parser.add_argument("--misses", action="store_true", help="print the questions whose file was not among the five")
    options = parser.parse_args()
    files = options.questions or [HERE / "retrieval_questions.jsonl", HERE / "retrieval_heldout.jsonl"]
    with tempfile.TemporaryDirectory() as home, Milepost(home, policy="none") as mp:
        mp.ingest([options.folder], kb="kb")
        print(f"{mp.kb_stats('kb').chunks} chunks of {mp.kb_stats('kb').sources} files")
        for file in files:
            questions = read(file)
            for name, ask in (("words and meaning", together(mp)), ("meaning alone", meaning(mp))):
                ranks = [rank(question, ask(question.text)) for question in questions]
                print(f"{file.stem:22} {name:18} {figures(ranks)}")
                if options.misses:
                    missed = [q.text for q, found in zip(questions, ranks, strict=True) if found is None]
                    print("".join(f"    {text}\n" for text in missed), end="")


def read(file: Path) -> list[Question]:
    """The questions of a file, in order."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    return [Question(line["question"], frozenset(line["sources"])) for line in lines]


def rank(question: Question, found: list[str]) -> int | None:
    """The place of the first right file, from 1; None where there is none."""
    return next((place for place, source in enumerate(found, start=1) if source in question.sources), None)


def figures(ranks: list[int | None]) -> str:
    """Top 1, top 5 and mean reciprocal rank, of all questions."""
    first = sum(place == 1 for place in ranks) / len(ranks)
    there = sum(place is not None for place in ranks) / len(ranks)
    reciprocal = sum(1 / place for place in ranks if place) / len(ranks)
    return f"top 1 {first:.3f}  top {RESULTS} {there:.3f}  MRR {reciprocal:.3f}  of {len(ranks)}"


def together(mp: Milepost) -> Callable[[str], list[str]]:
    """The sources that `search` gives, best first."""
    return lambda text: [hit.source for hit in mp.search(text, kb="kb", k=RESULTS)]


def meaning(mp: Milepost) -> Callable[[str], list[str]]:
    """The sources of the nearest vectors, best first."""
    home = mp.workspace.services.home
    kb = home.knowledge.kb("default", "kb")
    search = Search(home.record, home.content, home.path / "vectors")

    def ask(text: str) -> list[str]:
        vector = embed_normalised(home.embedder(), [text])[0]
        return [hit.source for hit in search.search(kb, vector, k=RESULTS)]

    return ask


if __name__ == "__main__":
    main()
