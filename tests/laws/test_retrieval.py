"""Law: the default setting finds what people ask for, and a rollback brings the very answers back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from milepost import Milepost

EXAMPLES = Path(__file__).parents[2] / "examples"
QUESTIONS: list[dict[str, str]] = json.loads((EXAMPLES / "questions.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def mp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Milepost]:
    """The sample handbook in a home of its own, with the default embedder."""
    with Milepost(tmp_path_factory.mktemp("retrieval") / "home", policy="rollback") as made:
        made.ingest([EXAMPLES / "handbook"], kb="hr")
        yield made


def test_each_question_finds_its_file_first(mp: Milepost) -> None:
    """Meaning alone puts 11 of the 14 files first; with words beside it, all are."""
    found = {one["question"]: mp.search(one["question"], kb="hr")[0].source for one in QUESTIONS}
    assert found == {one["question"]: one["source"] for one in QUESTIONS}


def test_answers_come_back_to_the_bit(mp: Milepost) -> None:
    """After a change and its undo every answer is what it was, and at the first revision it always is."""

    def answers(at: int | None = None) -> list[tuple[str, float]]:
        hits = [hit for one in QUESTIONS for hit in mp.search(one["question"], kb="hr", at=at)]
        return [(hit.chunk_id, hit.score) for hit in hits]

    before = answers()
    done = mp.ingest([EXAMPLES / "handbook-changed"], kb="hr")
    assert answers() != before == answers(at=1)
    mp.undo(done)
    assert answers() == before == answers(at=3)
