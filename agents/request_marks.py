"""What a request says beyond doubt about files: names, patterns, folders, types, sizes, dates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import PurePosixPath

from .request_dates import Found, periods
from .request_languages import languages
from .request_sizes import sizes
from .request_text import RequestText
from .request_treatment import hashes
from .request_words import KINDS, SUFFIXES
from .selection import Condition, FileFacts, dated, in_folder, matching, named, of_type

Span = tuple[int, int, Condition]
_PATTERN = re.compile(r"(?<![\w*./-])[\w./-]{0,200}\*[\w.*/-]{0,200}[\w*/]")
_FILE = re.compile(r"(?<![\w*./()+-])[\w][\w./()+-]{0,250}\.[A-Za-z][A-Za-z0-9]{0,7}(?![\w*])")
_ENDING = re.compile(r"(?<![\w.])\.([A-Za-z][A-Za-z0-9]{0,7})(?:s\b|\b)(?: files?)?")
_FOLDER = re.compile(
    r"(?<![\w/.-])(?P<slash>[\w.-][\w./-]{0,250})/(?=[\s,;:.!?)]|$)"
    r"|\b(?:folder|directory|subfolder) [\"']?(?P<after>[\w./-]{0,250}\w)[\"']?"
    r"|[\"']?(?<![\w./-])(?!(?:the|this|that|a|an|my|our|whole|entire|same|each|every|any|in|given|current) )"
    r"(?P<before>[\w./-]{0,250}\w)[\"']? (?:sub)?(?:folder|directory)\b",
    re.IGNORECASE,
)
_DEEP = re.compile(r"(?<![\w/.~-])[\w.-]{1,80}(?:/[\w.-]{1,80}){1,20}(?![\w/])")
_WITHIN = re.compile(r"\b(?:in|from|under|within|inside|of)(?: (?:the|our|my|your))?\s*$", re.IGNORECASE)
_AFFIX = re.compile(
    r"\b(?:whose |with |where |that |which |having )?(?:the |a )?(?:file ?)?(?:names? |called |named |titled )?"
    r"(?P<how>start|begin|end|contain|hav)(?:s|ing|e)?(?: with| in)? [\"'\u201c](?P<what>[\w.-]{1,60})[\"'\u201d]"
    r"(?: in (?:the|their|its) names?)?",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"\u201c]([^\"\u201c\u201d]{1,200})[\"\u201d]|(?<!\w)'([^']{1,200})'(?!\w)")


@dataclass(frozen=True)
class Named(Condition):
    """A file that is named whole, which may not be there."""

    def among(self, files: Sequence[FileFacts]) -> bool:
        """Whether one of these is it."""
        return any(self.test(file) for file in files)


def mark_all(left: RequestText, files: Sequence[FileFacts], today: date) -> None:
    """Put a mark for everything that is said beyond doubt, the most certain first."""
    offered = {file.name.lower() for file in files} | {PurePosixPath(file.name.lower()).name for file in files}
    folders = {part for file in files for part in PurePosixPath(file.name.lower()).parts[:-1]}
    left.mark(_spaced(left.text, offered))
    left.mark(_affixed(left.text))
    left.mark(_quoted(left.text, offered))
    left.mark((*match.span(), matching(match[0])) for match in _PATTERN.finditer(left.text))
    left.mark(_files(left.text, offered))
    left.mark((*match.span(), of_type(match[0], (f".{match[1].lower()}",))) for match in _endings(left.text))
    left.mark(_folders(left.text, folders))
    left.mark(hashes(left.text))
    left.mark(sizes(left.text))
    left.mark((f.begin, f.stop, dated(left.text[f.begin : f.stop].strip(), f.period)) for f in _periods(left, today))
    left.mark(languages(left.text, files))
    for pattern, suffixes in KINDS:
        left.mark((*match.span(), of_type(match[0], suffixes)) for match in pattern.finditer(left.text))


def _periods(left: RequestText, today: date) -> list[Found]:
    return list(periods(left.text, today))


def _spaced(text: str, offered: set[str]) -> Iterator[Span]:
    """Names on offer with spaces in them, which no pattern could tell from other words."""
    low, taken = text.lower(), 0
    hits = [(low.find(name), name) for name in offered if " " in name and name in low]
    for begin, name in sorted(hits, key=lambda hit: (hit[0], -len(hit[1]))):
        if begin >= taken:
            taken = begin + len(name)
            yield begin, taken, _name(text[begin:taken])


def _affixed(text: str) -> Iterator[Span]:
    """Names that begin or end with something, or hold it: "whose name starts with 'inv_'"."""
    for match in _AFFIX.finditer(text):
        how, what = match["how"].lower(), match["what"]
        pattern = f"{what}*" if how in ("start", "begin") else f"*{what}" if how == "end" else f"*{what}*"
        yield *match.span(), matching(pattern)


def _quoted(text: str, offered: set[str]) -> Iterator[Span]:
    for match in _QUOTED.finditer(text):
        said = (match[1] or match[2]).strip()
        if said.lower() in offered or PurePosixPath(said.lower()).suffix in SUFFIXES:
            yield *match.span(), _name(said)


def _files(text: str, offered: set[str]) -> Iterator[Span]:
    for match in _FILE.finditer(text):
        known = match[0].lower().removeprefix("./") in offered
        if known or PurePosixPath(match[0].lower()).suffix in SUFFIXES:
            yield *match.span(), _name(match[0])


def _name(said: str) -> Named:
    condition = named(said)
    return Named(condition.kind, condition.said, condition.test)


def _endings(text: str) -> Iterator[re.Match[str]]:
    return (match for match in _ENDING.finditer(text) if f".{match[1].lower()}" in SUFFIXES)


def _folders(text: str, folders: set[str]) -> Iterator[Span]:
    for match in _DEEP.finditer(text):
        if match[0].lower().rpartition("/")[2] in folders:
            yield *match.span(), in_folder(match[0], of_others=bool(_WITHIN.search(text[: match.start()])))
    for match in _FOLDER.finditer(text):
        said = match["slash"] or match["after"] or match["before"]
        if said.lower().rpartition("/")[2] in folders:
            yield *match.span(), in_folder(said, of_others=bool(_WITHIN.search(text[: match.start()])))
