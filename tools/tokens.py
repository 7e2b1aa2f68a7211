"""Texts as WordLlama's tokens, word by word.

The tokenizer knows no words: it merges pairs over a whole text. But no token of its vocabulary reaches over the
beginning of a word, or holds a line's end and anything else, so that the tokens of a text are those of its words one
after the other; and most words have been met before. The same tokens in a third of the time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..store.content import batched
from ..store.errors import EmbeddingFailed

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_SPACE = "\u2581"
"""What stands for a space in the vocabulary."""
_WORD = re.compile(f"{_SPACE}*[^{_SPACE}\n]+|{_SPACE}+|\n")
_SPECIAL = ("<unk>", "<s>", "</s>")
"""Tokens that a text may spell out: it is then taken as a whole."""
_LINE_END = 13
"""The token of a line's end."""
_KEPT = 500_000
"""Characters of words that are remembered, in about 12 MB; with more they are forgotten together."""


@dataclass
class _Met:
    """The tokens of words that were met. Words are only added: whoever reads is never in the way."""

    tokens: dict[str, bytes] = field(default_factory=lambda: {"\n": _bytes([_LINE_END])})
    characters: int = 0


def _bytes(ids: list[int]) -> bytes:
    return np.asarray(ids, np.uint16).tobytes()


_met = [_Met()]


def token_ids(texts: list[str]) -> Iterator[NDArray[np.uint16]]:
    """The tokens of each text, without one for its beginning."""
    if _met[0].characters > _KEPT:
        _met[0] = _Met()
    met = _met[0]
    words = [_words(text) for text in texts]
    _meet(met, list(set().union(*words) - met.tokens.keys()))
    for text, those in zip(texts, words, strict=True):
        if any(special in text for special in _SPECIAL):
            yield np.asarray(_whole_tokenizer().encode(text, add_special_tokens=False).ids, np.uint16)
        else:
            yield np.frombuffer(b"".join(map(met.tokens.__getitem__, those)), np.uint16)


def _meet(met: _Met, words: list[str]) -> None:
    """Remember the tokens of words: they are one text of a word a line, which is much faster than one by one."""
    for some in batched(words, 100):
        (whole,) = _tokenizer().encode_batch_fast(["\n".join(some)], add_special_tokens=False)
        ids = np.asarray(whole.ids, np.uint16)
        ends = [*np.flatnonzero(ids == _LINE_END).tolist(), len(ids)]
        raw, size = ids.tobytes(), ids.itemsize
        for word, begin, end in zip(some, [0, *(at + 1 for at in ends[:-1])], ends, strict=True):
            met.tokens[word] = raw[begin * size : end * size]
        met.characters += sum(map(len, some))


def _words(text: str) -> list[str]:
    return _WORD.findall((_SPACE + text).replace(" ", _SPACE)) if text else []


@cache
def _tokenizer() -> Tokenizer:
    """For words: what stands for spaces is in them already."""
    tokenizer = _whole_tokenizer.__wrapped__()
    tokenizer.normalizer = None
    return tokenizer


@cache
def _whole_tokenizer() -> Tokenizer:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(packaged("tokenizers/l2_supercat_tokenizer_config.json")))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def packaged(name: str) -> Path:
    """A file of the wordllama package; EmbeddingFailed where it is not there."""
    package = find_spec("wordllama")
    path = Path(package.origin).parent / name if package and package.origin else Path(name)
    if not path.is_file():
        raise EmbeddingFailed(
            f"the wordllama package has no file {name}",
            next="python -m pip install --force-reinstall wordllama",
        )
    return path
