"""Meaning and words together: one score for each visible chunk, and the best ones of several sources."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .nearest import Exact, inner, nth
from .packing import Packed, Products
from .ports import Vectors
from .shown import Shown

WORDS = 0.3
"""What the words of a question weigh in a score; its meaning weighs the rest."""
AGAIN = 0.8
"""What a chunk's score is multiplied with where a better one of the same source is there already."""


def best(
    rows: Packed, query: Vectors, k: int, shown: Shown, held: NDArray[np.float64] | None, exact: Exact
) -> list[tuple[int, float]]:
    """The `k` best visible chunks as (slot, score), best first, equal ones by slot; exact.

    `rows` are the packed vectors, `held` what share of the question's words each visible chunk holds (None: words
    say nothing, meaning is all). Only what is visible enters a score, so that the same state gives the same bits.
    """
    if k <= 0 or not len(shown.slots):
        return []
    weight = 0.0 if held is None else WORDS
    words = np.zeros(len(shown.slots)) if held is None else WORDS * held
    quick, off = (part[shown.slots] for part in rows.products(query))
    scores = (1 - weight) * quick + words
    places = _candidates(scores - off, scores + off, shown.sources, k)
    slots = shown.slots[places].tolist()
    products = inner(exact(slots), query).astype(np.float64)
    final = _demoted((1 - weight) * products + words[places], shown.sources[places])
    order = np.lexsort((places, -final))[:k]
    return [(slots[i], float(final[i])) for i in order]


def _candidates(low: Products, high: Products, sources: NDArray[np.intp], k: int) -> NDArray[np.intp]:
    """Places that hold the `k` best after demotion, each score lying between `low` and `high`.

    They are the best 2k, and the best of each of the best k sources: a chunk that is not its source's best one has,
    beyond the best 2k, either k best ones of sources above it or k that are demoted as it is.
    """
    tops = np.full(int(sources.max()) + 1, -np.inf)
    np.maximum.at(tops, sources, low)
    may_be_top = high >= np.maximum(tops[sources], nth(tops, k))
    return np.flatnonzero(may_be_top | (high >= nth(low, 2 * k)))


def _demoted(scores: NDArray[np.float64], sources: NDArray[np.intp]) -> NDArray[np.float64]:
    """The scores with all but the best of each source lowered; the first of equal ones is the best."""
    order = np.lexsort((np.arange(len(scores)), -scores))
    first = order[np.unique(sources[order], return_index=True)[1]]
    lowered = np.where(scores > 0, scores * AGAIN, scores)
    lowered[first] = scores[first]
    return lowered
