"""The language that a document is written in, by its own text: kreuzberg's detector (whatlang), nothing fetched."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from kreuzberg import ExtractionConfig

T = TypeVar("T")
SURE = 0.7
"""The detector's own confidence from which on it is believed."""
_SAMPLES = 6
_SAMPLE = 800
"""Pieces of a document that are looked at, spread over it, and characters of each."""
_OTHER_SCRIPT = 0.2
_LATIN = re.compile(r"[A-Za-z]+")
_CODES_TEXT: str = """
afr af aka ak amh am ara ar aze az bel be ben bn bul bg cat ca ces cs cmn zh cym cy dan da deu de ell el eng en epo eo
est et fin fi fra fr guj gu heb he hin hi hrv hr hun hu hye hy ind id ita it jav jv jpn ja kan kn kat ka khm km kor ko
lat la lav lv lit lt mal ml mar mr mkd mk mya my nep ne nld nl nob no nno no ori or pan pa pes fa pol pl por pt ron ro
rus ru sin si slk sk slv sl sna sn spa es srp sr swe sv tam ta tel te tgl tl tha th tuk tk tur tr ukr uk urd ur uzb uz
vie vi yid yi zho zh zul zu
"""
_CODES: dict[str, str] = dict(zip(_CODES_TEXT.split()[::2], _CODES_TEXT.split()[1::2], strict=True))
"""ISO 639-3, as the detector says it, to the two letters that people and file names use."""


def spread(pieces: Sequence[T]) -> list[T]:
    """The pieces of a document that are enough to tell its language: a few, from all over it."""
    step = -(-len(pieces) // _SAMPLES) or 1
    return list(pieces[::step])


def language_of(texts: Sequence[str]) -> str | None:
    """The two-letter code of the language of a document's pieces of text, in their order; None where it is not clear.

    It is that of half of the pieces, and of more than two thirds of those of which it is clear: one in two languages
    has none.
    """
    samples = [text[:_SAMPLE] for text in spread(texts)]
    told = [language for sample in samples if (language := _detected(sample))]
    if not told:
        return _detected(" ".join(samples)[:_SAMPLE])
    language, times = Counter(told).most_common(1)[0]
    return language if times * 3 > len(told) * 2 and times * 2 >= len(samples) else None


def _detected(text: str) -> str | None:
    from kreuzberg import extract_bytes_sync  # 130 ms, at the first

    try:
        found = extract_bytes_sync(_telling(text).encode(), "text/plain", _config()).detected_languages
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException:  # a panic of its Rust side is no Exception
        return None
    return _CODES.get(found[0]) if found else None


def _telling(text: str) -> str:
    """The words that tell, each once: a table says the same ones over and over.

    Where a fifth of their letters are of another script, those in Latin ones are names and commands.
    """
    text = " ".join(dict.fromkeys(text.split()))
    letters = [letter for letter in text if letter.isalpha()]
    others = sum(letter > "\u036f" and not "\u1e00" <= letter <= "\u1eff" for letter in letters)
    return _LATIN.sub(" ", text) if letters and others >= _OTHER_SCRIPT * len(letters) else text


@cache
def _config() -> ExtractionConfig:
    from kreuzberg import ExtractionConfig, LanguageDetectionConfig

    detection = LanguageDetectionConfig(enabled=True, min_confidence=SURE, detect_multiple=False)
    return ExtractionConfig(use_cache=False, enable_quality_processing=False, language_detection=detection)
