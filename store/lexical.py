"""The words of chunks: an FTS5 index over what is staged, and how much of a question's words a chunk holds.

FTS5 finds which chunks hold a word. Its own ranking is not used: that counts every row of the table, so that the
rows of other kbs, and those nobody sees, would change scores.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from .shown import Shown

COMMON = 1_000
"""Visible chunks that may hold a word; one that more of them hold says too little to be looked at."""
TERMS = 64
"""Different words of a question that are looked up."""
_SLOTS = 1 << 32
_BLOCK = 512
_NO_LETTER = re.compile(r"[\W_]+")
_WORD = re.compile(r"[^\W_]+")
_FOREIGN = re.compile(r"[^\x00-\x7f]+")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]+")
"""Thai, Lao, Burmese, Khmer, Japanese, Chinese: written without spaces."""


def folded(text: str) -> str:
    """The text as words apart by spaces: lower case, no accents or vowel signs, unspaced scripts as pairs."""
    if text.isascii():
        return text.lower()
    return _UNSPACED.sub(_pairs, _FOREIGN.sub(_letters, unicodedata.normalize("NFKD", text.lower())))


def terms(question: str) -> list[str]:
    """The different words of a question, in order, at most `TERMS`."""
    return list(dict.fromkeys(_WORD.findall(folded(question))))[:TERMS]


def index(writing: sqlite3.Connection, kb_id: int, texts: Iterable[tuple[int, str]]) -> None:
    """Index chunks by (slot, text), each slot once."""
    writing.executemany(
        "INSERT INTO words (rowid, text) VALUES (?, ?)",
        ((kb_id * _SLOTS + slot, folded(text)) for slot, text in texts),
    )


def forget(writing: sqlite3.Connection, kb_id: int, slots: Sequence[int] | None = None) -> None:
    """Take chunks of a kb (None: all of them) out of the index, while the record still has them."""
    sql = "SELECT c.slot, expanded(t.body) FROM chunks c JOIN texts t USING (text_id) WHERE c.kb_id = ?"
    if slots is None:
        rows = writing.execute(sql, (kb_id,)).fetchall()
    else:
        found = (writing.execute(f"{sql} AND c.slot = ?", (kb_id, slot)).fetchone() for slot in slots)
        rows = [row for row in found if row is not None]
    writing.executemany(
        "INSERT INTO words (words, rowid, text) VALUES ('delete', ?, ?)",
        ((kb_id * _SLOTS + row[0], folded(row[1])) for row in rows),
    )


def compact(writing: sqlite3.Connection) -> None:
    """Merge the parts of the index: what was forgotten stays in them until then."""
    writing.execute("INSERT INTO words (words) VALUES ('optimize')")


def coverage(reading: sqlite3.Connection, kb_id: int, question: str, shown: Shown) -> NDArray[np.float64] | None:
    """For each visible chunk the share of the question's words that it holds, from 0 to 1, rare words counting more.

    A word weighs its inverse document frequency among the visible chunks, as in BM25. How often a chunk repeats
    it, and how long the chunk is, do not count: chunks are of one size. None where no word says anything.
    """
    held = np.zeros(len(shown.slots))
    whole = 0.0
    for term in terms(question):
        if term in shown.common:
            continue
        places = _holders(reading, kb_id, term, shown)
        if len(places) > COMMON:
            shown.common.add(term)
            continue
        weight = float(np.log1p((len(held) - len(places) + 0.5) / (len(places) + 0.5)))
        whole += weight
        held[places] += weight
    return held / whole if whole else None


def _holders(reading: sqlite3.Connection, kb_id: int, term: str, shown: Shown) -> NDArray[np.intp]:
    """The places of the visible chunks that hold a term; of a common one only the first beyond `COMMON`."""
    cursor = reading.cursor()
    cursor.row_factory = None  # plain tuples, in half the time
    cursor.execute(
        "SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ?",
        (f'"{term}"', kb_id * _SLOTS, kb_id * _SLOTS + _SLOTS - 1),
    )
    found: list[NDArray[np.intp]] = []
    count = 0
    while count <= COMMON and (block := cursor.fetchmany(_BLOCK)):
        slots = np.fromiter(chain.from_iterable(block), np.int64, len(block)) - kb_id * _SLOTS
        places = shown.places(slots)
        found.append(places)
        count += len(places)
    cursor.close()
    return np.concatenate(found) if found else np.empty(0, np.intp)


def _letters(run: re.Match[str]) -> str:
    """What is no letter, as a space, or SQLite would take it for one; signs above and below letters, as nothing."""
    text = run[0]
    if text.isalnum():
        return text
    return _NO_LETTER.sub(" ", "".join([c for c in text if unicodedata.category(c)[0] != "M"]))


def _pairs(run: re.Match[str]) -> str:
    text = run[0]
    pairs = (text[at : at + 2] for at in range(max(len(text) - 1, 1)))
    return f" {' '.join(pairs)} "
