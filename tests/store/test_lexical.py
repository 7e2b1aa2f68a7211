"""Law: words and meaning make one exact score, out of what a revision shows and of nothing else."""

from __future__ import annotations

import math
import random
import re
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_kit import Kit

from milepost.store import lexical
from milepost.store.kb import Kb
from milepost.store.packing import pack_rows, read_rows
from milepost.store.ranking import AGAIN, WORDS, best
from milepost.store.record import Record
from milepost.store.records import SearchHit
from milepost.store.search import Search
from milepost.store.shown import Shown
from milepost.store.vectors import embed_normalised

VOCABULARY = ["apple", "pear", "quince", "medlar", "sloe", "damson", "rowan"]


def ask(kit: Kit, kb: Kb, question: str, *, k: int = 5, at: int | None = None) -> list[SearchHit]:
    """What people find who type a question."""
    home = kit.home
    vector = embed_normalised(kit.embedder, [question])[0]
    search = Search(home.record, home.content, home.path / "vectors")
    return search.search(kb, vector, k=k, at=at, question=question)


def expected(kit: Kit, kb: Kb, question: str, k: int, at: int) -> list[float]:
    """The right scores, best first, by the definition alone: no index, no arrays, float64."""
    query = embed_normalised(kit.embedder, [question])[0].astype(np.float64)
    chunks = list(kit.chunks(kb, at).values())
    asked = list(dict.fromkeys(question.split()))
    weights: dict[str, float] = {}
    for term in asked:
        holding = sum(term in text.split() for text, _, _ in chunks)
        weights[term] = math.log(1 + (len(chunks) - holding + 0.5) / (holding + 0.5))
    by_source: dict[str, list[float]] = {}
    for text, metadata, vector in chunks:
        held = sum(weight for term, weight in weights.items() if term in text.split()) / sum(weights.values())
        meaning = float(np.frombuffer(vector, "<f4").astype(np.float64) @ query)
        source = re.search(r'"source":"([^"]*)"', metadata)
        assert source
        by_source.setdefault(source[1], []).append((1 - WORDS) * meaning + WORDS * held)
    scores: list[float] = []
    for of_source in by_source.values():
        first, *others = sorted(of_source, reverse=True)
        scores += [first, *(score * AGAIN if score > 0 else score for score in others)]
    return [min(1.0, max(0.0, score)) for score in sorted(scores, reverse=True)[:k]]


def indexed(kit: Kit, word: str) -> int:
    """How many rows of the index hold a word, seen or not."""
    with kit.home.record.read() as reading:
        return len(reading.execute("SELECT rowid FROM words WHERE words MATCH ?", (word,)).fetchall())


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(1, 6))
def test_a_question_is_answered_by_the_definition_at_every_revision(
    tmp_path_factory: pytest.TempPathFactory, seed: int, steps: int
) -> None:
    """After any history, for any words and k, now and at each past revision: the very scores, best first."""
    kit = Kit(tmp_path_factory.mktemp("words") / "home")
    dice, kb = random.Random(seed), kit.kb()
    for _ in range(steps):
        if dice.random() < 0.25 and kit.now(kb).head:
            kit.go_back(kb, dice.randrange(kit.now(kb).head + 1), follow=False)
        else:
            texts = [" ".join(dice.choices(VOCABULARY, k=dice.randint(1, 4))) for _ in range(dice.randrange(9))]
            kit.publish(kb, {dice.choice("abcd"): texts or None}, follow=False)
    question = " ".join([*dice.choices(VOCABULARY, k=dice.randint(1, 4)), "unheard"])
    for revision in range(kit.now(kb).head + 1):
        for k in (1, 4, 50):
            hits = ask(kit, kb, question, k=k, at=revision)
            right = expected(kit, kb, question, k, revision) if kit.chunks(kb, revision) else []
            assert np.allclose([hit.score for hit in hits], right, atol=1e-6)
            assert len({hit.chunk_id for hit in hits}) == len(hits) == len(right)
    kit.home.close()


@settings(max_examples=60, deadline=None)
@given(
    rows=st.integers(1, 200),
    sources=st.integers(1, 12),
    k=st.integers(1, 20),
    twins=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_the_candidates_hold_every_answer(rows: int, sources: int, k: int, twins: bool, seed: int) -> None:
    """However chunks fall to sources, and however many are equal, looking at candidates only changes nothing."""
    dice = np.random.default_rng(seed)
    made = dice.standard_normal((rows, 8)).astype(np.float32)
    made = np.repeat(made[: 1 + rows // 20], 20, axis=0)[:rows] if twins else made
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    slots = np.flatnonzero(dice.random(rows) < 0.7)
    shown = Shown(slots, dice.integers(0, sources, len(slots)), np.arange(sources))
    held = dice.integers(0, 3, len(slots)) / 2
    raw = (1 - WORDS) * np.add.reduce(made[slots] * made[0], axis=1).astype(np.float64) + WORDS * held
    order = sorted(range(len(slots)), key=lambda i: (-raw[i], slots[i]))
    met: set[int] = set()
    scored: list[tuple[float, int]] = []
    for i in order:
        again = shown.sources[i] in met and raw[i] > 0
        scored.append((-float(raw[i] * AGAIN if again else raw[i]), int(slots[i])))
        met.add(shown.sources[i])
    packed = read_rows(pack_rows(made))
    assert best(packed, made[0], k, shown, held, made.__getitem__) == [
        (slot, -score) for score, slot in sorted(scored)[:k]
    ]


@pytest.mark.parametrize("seed", range(5))
def test_packing_decides_nothing(seed: int) -> None:
    """Among chunks that lie closer together than packing tells apart, the best by the record's vectors come."""
    dice = np.random.default_rng(seed)
    made = dice.standard_normal(64) + 0.01 * dice.standard_normal((600, 64))
    made = (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)
    query = made[0]
    every = Shown(np.arange(600), np.arange(600), np.arange(600))
    found = best(read_rows(pack_rows(made)), query, 5, every, None, made.__getitem__)
    products = np.add.reduce(made * query, axis=1)
    assert [slot for slot, _ in found] == np.lexsort((np.arange(600), -products))[:5].tolist()


def test_what_is_not_shown_changes_no_answer(kit: Kit) -> None:
    """Other kbs, other tenants, staged and taken back chunks: the answer is the same, to its last bit."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["apple pie", "pear tart"], "b": ["apple sauce", "sloe gin"]}, follow=False)
    before = ask(kit, kb, "apple gin")
    for name, tenant in (("hr", "other"), ("second", "default")):
        kit.publish(kit.kb(name, tenant), {"z": [f"apple gin {i}" for i in range(20)]}, follow=False)
    kit.change(kb, "staged", [f"apple gin {i}" for i in range(20)])
    kit.publish(kb, {"c": [f"gin {i}" for i in range(20)]}, follow=False)
    assert ask(kit, kb, "apple gin") != before
    kit.go_back(kb, 1, follow=False)
    after = ask(kit, kb, "apple gin")
    assert [hit.model_copy(update={"revision": 1}) for hit in after] == before == ask(kit, kb, "apple gin", at=1)


def test_another_process_finds_a_word_at_once(kit: Kit) -> None:
    """A reader that was open before the publish, and searched, finds the new chunk by its word."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["apple"], "b": ["pear"]}, follow=False)
    reader = Record(kit.path / "milepost.db", readonly=True)
    search = Search(reader, kit.home.content, kit.path / "vectors")
    vector = np.zeros(kit.embedder.dimensions, np.float32)

    def first() -> SearchHit:
        return search.search(kb, vector, k=1, question="medlar jam?")[0]

    assert first().text != "ripe medlar"
    kit.publish(kb, {"c": ["ripe medlar"]}, follow=False)
    assert first().text == "ripe medlar"
    reader.close()


def test_one_source_leaves_places_to_others(kit: Kit) -> None:
    """A source's second hit needs a clearly better score than another source's first; a kb of one source fills k."""
    kb = kit.kb()
    kit.publish(kb, {"a": ["sloe gin", "sloe gin."], "b": ["sloe"]}, follow=False)
    vector = np.zeros(kit.embedder.dimensions, np.float32)
    search = Search(kit.home.record, kit.home.content, kit.path / "vectors")
    found = search.search(kb, vector, k=3, question="sloe gin")
    assert [hit.text for hit in found[:1]] == ["sloe gin"]
    assert found[1].score == pytest.approx(WORDS * AGAIN)
    kit.publish(kb, {"b": None}, follow=False)
    assert len(ask(kit, kb, "sloe gin", k=9)) == 2


def test_words_that_everything_holds_say_nothing(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    """A word in more than so many visible chunks is left out, however it is spread; meaning is then all."""
    monkeypatch.setattr(lexical, "COMMON", 3)
    kb = kit.kb()
    kit.publish(kb, {"a": ["the apple", "the pear", "the quince"]}, follow=False)
    with_the = ask(kit, kb, "the")
    kit.publish(kb, {"b": ["the sloe"]}, follow=False)
    vector = embed_normalised(kit.embedder, ["the"])[0]
    nearest = {hit.chunk_id: hit.score for hit in kit.search_vector(kb, vector, k=9)}
    for hit in ask(kit, kb, "the", k=9):
        assert hit.score in (pytest.approx(nearest[hit.chunk_id]), pytest.approx(nearest[hit.chunk_id] * AGAIN))
    kit.publish(kb, {"b": None}, follow=False)
    assert [hit.score for hit in ask(kit, kb, "the")] == [hit.score for hit in with_the]


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("Refunds are granted", "refund"),
        ("Une première édition", "PREMIERE"),
        ("“Straße”, he said", "straße"),
        ("名前の由来は何か", "由来"),
        ("हिन्दी में", "हिन्दी"),
        ("snake_case and e-mail", 'case "mail*'),
        ("ราคาสินค้า", "สินค้า"),
    ],
)
def test_a_word_is_found_as_people_write_it(kit: Kit, text: str, question: str) -> None:
    """Case, accents, endings and punctuation do not matter, nor what FTS5 would take for syntax."""
    kb = kit.kb()
    kit.publish(kb, {"a": [text], "b": ["something else"]}, follow=False)
    held = _coverage(kit, kb, question)
    assert held[0] > 0.5 and held[1] == 0


def test_released_and_dropped_chunks_leave_the_index(kit: Kit) -> None:
    """With rollback off what was replaced leaves no words behind; a dropped kb leaves none at all."""
    kb, other = kit.kb(), kit.kb("other")
    kit.publish(other, {"a": ["medlar"]}, follow=False)
    kit.publish(kb, {"a": ["medlar", "rowan"], "b": ["rowan"]})
    kit.publish(kb, {"a": ["quince"]}, restorable=False)
    kit.home.knowledge.release(kb.kb_id)
    assert [indexed(kit, word) for word in ("medlar", "rowan", "quince")] == [1, 1, 1]
    kit.home.knowledge.drop(kit.now(kb))
    assert [indexed(kit, word) for word in ("medlar", "rowan", "quince")] == [1, 0, 0]


def test_an_undone_staging_leaves_no_words(kit: Kit) -> None:
    """The index is part of the record: what a transaction did not commit is not in it."""
    kb = kit.kb()
    with pytest.raises(RuntimeError, match="undone"), kit.home.record.write():
        kit.change(kb, "a", ["medlar"])
        raise RuntimeError("undone")
    kit.publish(kb, {"a": ["medlar"]}, follow=False)
    kit.change(kb, "a", ["medlar"])
    assert indexed(kit, "medlar") == 1


def test_a_kb_whose_embedder_does_not_ask_has_no_words(kit: Kit) -> None:
    """It is searched by meaning alone, pays for no index, and stays so: the kb notes it when it is made."""
    kit.embedder.hybrid = False
    kb = kit.kb()
    kit.embedder.hybrid = True
    kit.publish(kb, {"a": ["medlar", "apple medlar"], "b": ["pear"]}, follow=False)
    assert indexed(kit, "medlar") == 0
    assert [hit.chunk_id for hit in ask(kit, kb, "medlar")] == [hit.chunk_id for hit in kit.search(kb, "medlar")]
    kit.publish(kb, {"a": None}, restorable=False, follow=False)
    kit.home.knowledge.release(kb.kb_id)
    kit.home.knowledge.drop(kit.now(kb))


def _coverage(kit: Kit, kb: Kb, question: str) -> list[float]:
    from milepost.store.shown import shown

    with kit.home.record.read() as reading:
        seen = shown(reading, kit.home.record.path, kb.kb_id, kb.pack, kit.now(kb).head)
        held = lexical.coverage(reading, kb.kb_id, question, seen)
    assert held is not None
    return held.tolist()


@given(st.text())
def test_folded_text_has_no_marks(text: str) -> None:
    """Accents and vowel signs are gone, wherever they stand; what is ASCII stays as it is, in small letters."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if unicodedata.category(c)[0] != "M")
    letters = [c for c in plain if c.isalnum()]
    folded = lexical.folded(text)
    assert set(letters) == {c for c in folded if c.isalnum()}
    assert text.isascii() <= (folded == text.lower())
    assert not any(unicodedata.category(c)[0] == "M" for c in folded)
