"""What an embedder must do to be searched with: its vectors depend on the text alone, and on nothing else."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from .conformance_report import NotConforming
from .ports import Embedder

TEXTS = [
    "sixteen weeks of paid leave",
    "trains are booked by the office",
    "a",
    "Straße, 猫, naïve, \U0001f600",
    "word " * 3_000,
    "sixteen weeks of paid leave",
]


DRAWS = 20
"""Batches that are drawn by chance."""
_SEED = 11
_LETTERS = "abcdefgh ,.\n0123ÄßÇ漢字かな\u0301\u202e\u200d\U0001f600"


def check_embedder(make: Callable[[], Embedder]) -> None:
    """Hold a kind of embedder to every law, each with a new one; raises `NotConforming`. Some hundred short texts."""
    for law in (
        _describes_itself, _gives_one_vector_a_text, _is_repeatable, _does_not_mind_its_batch, _does_not_mind_the_order,
        _keeps_no_memory, _may_be_shared,
    ):  # fmt: skip
        law(make())


def _describes_itself(embedder: Embedder) -> None:
    name: Any = embedder.name
    dimensions: Any = embedder.dimensions
    if not isinstance(name, str) or not name.strip():
        raise _broken(embedder, "its name says which model it is", found=name)
    if not isinstance(dimensions, int) or dimensions < 1:
        raise _broken(embedder, "its dimensions are a number, at least 1", found=dimensions)


def _gives_one_vector_a_text(embedder: Embedder) -> None:
    for texts in (TEXTS, TEXTS[:1], []):
        vectors = _embedded(embedder, texts)
        wanted = (len(texts), embedder.dimensions)
        if vectors.shape != wanted:
            raise _broken(embedder, "one vector for each text, also of none", expected=wanted, found=vectors.shape)
        if vectors.dtype != np.float32:
            raise _broken(embedder, "its vectors are float32", found=str(vectors.dtype))
        if not np.isfinite(vectors).all():
            raise _broken(embedder, "its vectors are finite", why="there is NaN or infinity in them")
        if len(texts) and not np.linalg.norm(vectors, axis=1).all():
            raise _broken(embedder, "no vector is zero", why="a zero vector has no direction to search by")


def _is_repeatable(embedder: Embedder) -> None:
    first, second = _embedded(embedder, TEXTS), _embedded(embedder, TEXTS)
    if not np.allclose(first, second, atol=1e-5):
        raise _broken(embedder, "the same text has the same vector", hint="a kb that is made anew must be the same kb")
    if not np.allclose(first[0], first[-1], atol=1e-5):
        raise _broken(embedder, "the same text has the same vector", why="twice in one batch, it has two")
    if np.allclose(first[0], first[1], atol=1e-5):
        raise _broken(embedder, "different texts have different vectors", found=TEXTS[:2])


def _does_not_mind_its_batch(embedder: Embedder) -> None:
    together = _embedded(embedder, TEXTS)
    alone = np.concatenate([_embedded(embedder, [text]) for text in TEXTS])
    if not np.allclose(together, alone, atol=1e-3):
        raise _broken(embedder, "a text's vector does not depend on its batch", hint="mind the padding")


def _does_not_mind_the_order(embedder: Embedder) -> None:
    """Batches drawn by chance, each shuffled: a text takes its vector along."""
    chance = random.Random(_SEED)
    for _ in range(DRAWS):
        texts = ["".join(chance.choices(_LETTERS, k=chance.randint(1, 60))) for _ in range(chance.randint(2, 9))]
        order = chance.sample(range(len(texts)), len(texts))
        first, second = _embedded(embedder, texts), _embedded(embedder, [texts[n] for n in order])
        if first.shape != second.shape or not np.allclose(first[order], second, atol=1e-3):
            raise _broken(embedder, "a text's vector does not depend on the order", texts)


def _keeps_no_memory(embedder: Embedder) -> None:
    wanted = _embedded(embedder, TEXTS[:2]).copy()
    given = list(TEXTS[:2])
    vectors = embedder.embed(given)
    if given != TEXTS[:2]:
        raise _broken(embedder, "the list of texts stays as it was given")
    np.asarray(vectors)[:] = 0  # the store divides by the length, in place
    if not np.allclose(_embedded(embedder, TEXTS[:2]), wanted, atol=1e-5):
        raise _broken(embedder, "vectors given away are the caller's", hint="give a copy of what is kept")


def _may_be_shared(embedder: Embedder) -> None:
    wanted = _embedded(embedder, TEXTS)
    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(lambda _: _embedded(embedder, TEXTS), range(8)):
            if not np.allclose(wanted, found, atol=1e-5):
                raise _broken(embedder, "several threads may use it at once")


def _embedded(embedder: Embedder, texts: list[str]) -> Any:
    return np.asarray(embedder.embed(list(texts)))


def _broken(embedder: Any, law: str, texts: Any = None, **told: Any) -> NotConforming:
    return NotConforming(str(getattr(embedder, "name", type(embedder).__name__)), law, texts, **told)
