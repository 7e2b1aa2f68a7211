"""The files and folders that a sentence names by path, and what the sentence says beside them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

_ENDS = ".,;:!?)"
_PATTERN = frozenset("*?[")
_VERB = r"(?:add|put|ingest|load|import|index|upload|take in|bring in)"
_TO = re.compile(
    rf"(?P<before>\b{_VERB}\b.*\b)to(?= (?:the |our |my |a new )?(?P<kb>[\w.-]*\w)"
    r"(?:\s*(?:[,.;:!?)]|$)|\s+(?:and|but|with|without|only|except|then|please|now|thanks)\b))",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Spoken:
    """A sentence: the paths that it names, and what it asks for, with files called by their names."""

    paths: list[str]
    request: str


def spoken(said: str, root: Path | None = None) -> Spoken:
    """Find the words that are paths, or patterns of paths, from `root` on.

    A file's source is its name, so that is what it is called from then on. A single folder that is named as the place
    of what is meant ("everything in docs", "docs/") says no more than that its files are on offer, and is left out.
    What is put "to hr" goes into a kb: where none of that name is there yet, nothing else tells a planner so.
    """
    base = root or Path()
    found: dict[str, list[str]] = {}
    for word in words(said):
        if places := _there(base, word) or _there(base, word := word.rstrip(_ENDS)):
            found[word] = places
    request = said
    for word, places in found.items():
        if places != [word] or (base / word).is_file():
            request = request.replace(word, Path(word).name)
    folders = [word for word in found if (base / word).is_dir()]
    if len(folders) == 1 and len(found) == 1:
        request = _without(request, folders[0])
    paths = list(dict.fromkeys(place for places in found.values() for place in places))
    goal = _TO.search(request) if paths else None
    if goal and goal["kb"] not in found:
        request = f"{request[: goal.end('before')]}into{request[goal.end() :]}"
    return Spoken(paths, request)


def words(text: str) -> list[str]:
    """A line's words as a shell has them."""
    try:
        return shlex.split(text)
    except ValueError:  # a quote that is an apostrophe
        return text.split()


def _there(base: Path, word: str) -> list[str]:
    """What a word names: itself, or what a pattern finds."""
    try:
        if (base / word).exists():
            return [word]
        if not _PATTERN & set(word) or Path(word).is_absolute():
            return []
        return sorted(str(path.relative_to(base)) for path in base.glob(word))
    except (OSError, ValueError):  # no path at all: too long, with a NUL, or not allowed to be looked at
        return []


def _without(said: str, folder: str) -> str:
    """The sentence without a folder's name where that is a place, or all that a verb has."""
    name = rf"[\"']?{re.escape(folder)}[\"']?"
    ends = rf"(?=[\s{re.escape(_ENDS)}]|$)"
    kind = r" (?:folder|directory|dir)"
    whose = "(?:the |our |my |this )?"
    place = rf"\s+(?:in|from|under|inside|of|within) {whose}(?:(?:folder|directory) )?{name}(?:{kind})?{ends}"
    thing = rf"{whose}(?:(?:folder|directory) {name}|{name}{kind}){ends}|(?<=[a-z] ){name}{ends}"
    if (cut := re.sub(place, "", said, count=1, flags=re.IGNORECASE)) != said:
        return cut
    verb = rf"(?P<verb>\b{_VERB} )(?:all (?:of )?|everything in )?(?:{thing})"
    return re.sub(verb, r"\g<verb>the files", said, count=1, flags=re.IGNORECASE)
