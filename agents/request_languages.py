"""Languages in a request: which files are meant by what they are written in, or by what their names say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from .selection import Condition, FileFacts, Fits

LANGUAGES = {
    "german": "de", "french": "fr", "english": "en", "spanish": "es", "italian": "it", "portuguese": "pt",
    "dutch": "nl", "polish": "pl", "russian": "ru", "japanese": "ja", "chinese": "zh", "korean": "ko", "arabic": "ar",
    "turkish": "tr", "swedish": "sv", "danish": "da", "norwegian": "no", "finnish": "fi", "czech": "cs", "greek": "el",
    "hebrew": "he", "hungarian": "hu", "ukrainian": "uk", "hindi": "hi",
}  # fmt: skip
"""Names of languages in English, and their codes as file names have them."""
_TOLD_BY_TEXT = {
    "romanian": "ro", "bulgarian": "bg", "croatian": "hr", "serbian": "sr", "slovak": "sk", "slovenian": "sl",
    "lithuanian": "lt", "latvian": "lv", "estonian": "et", "vietnamese": "vi", "thai": "th", "indonesian": "id",
    "catalan": "ca", "persian": "fa", "farsi": "fa", "bengali": "bn", "urdu": "ur", "tamil": "ta", "afrikaans": "af",
    "armenian": "hy", "georgian": "ka", "macedonian": "mk",
}  # fmt: skip
"""Those whose codes are other words in names (`id`, `hr`): a text in one tells, a name only by the whole word."""
SPOKEN = LANGUAGES | _TOLD_BY_TEXT
_LANGUAGE = re.compile(
    r"\b(?:(?:written|texts?|files?|documents?|ones?|those|versions?) )?(?:in )?(?P<language>"
    rf"{'|'.join(SPOKEN)})(?:[- ]language)?\b"
    r"(?: (?:files?|documents?|docs|ones?|versions?|texts?|translations?|pages?|editions?))?",
    re.IGNORECASE,
)


def speaks_of_language(text: str) -> bool:
    """Whether a request may choose files by the language that they are written in."""
    return _LANGUAGE.search(text) is not None


def languages(text: str, files: Sequence[FileFacts]) -> Iterator[tuple[int, int, Condition]]:
    """Every language that is named. A file's text tells its own, else its name does ("guide.de.md"), else nobody."""
    tagged = any(_tags(file) for file in files)
    for match in _LANGUAGE.finditer(text):
        code = SPOKEN[match["language"].lower()]
        yield *match.span(), _in_language(match[0].strip(), code, tagged)


def _in_language(said: str, code: str, tagged: bool) -> Condition:
    def test(file: FileFacts) -> Fits:
        if file.language is not None:
            return file.language == code
        found = _tags(file)
        return code in found if found else (False if tagged else None)

    return Condition("language", said, test)


def _tags(file: FileFacts) -> set[str]:
    """The languages in a file's name: a code between marks, or a language's name."""
    parts = re.split(r"[\W_]+", PurePosixPath(file.name.lower()).name)[:-1]
    folders = PurePosixPath(file.name.lower()).parts[:-1]
    codes = set(LANGUAGES.values())
    found = {part for part in parts[1:] if part in codes} | {part for part in folders if part in codes}
    return found | {SPOKEN[part] for part in (*parts, *folders) if part in SPOKEN}
