"""The knowledge base that a request names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from .request_text import RequestText
from .request_words import IDLE

_NAME = r"[\"'\u201c\u2018]?(?P<name>[^\W_][\w.-]{0,99}?)[\"'\u201d\u2019]?"
_KB = r"(?<!\d)(?<!\d )(?:kbs?|knowledge[ -]?bases?|collections?)"
_THE = r"(?:the |our |my |a (?:new )?)?"
_CALLED = re.compile(
    rf"\b(?:(?:into|in|to|onto|for|of)\s+)?{_THE}{_KB}\s+(?:called |named |is )?{_NAME}(?=[\s,.;:!?)]|$)",
    re.IGNORECASE,
)
_BEFORE = re.compile(
    rf"\b(?:into|in|to|onto|for)\s+{_THE}{_NAME}\s+(?:{_KB}|base)\b",
    re.IGNORECASE,
)
_INTO = re.compile(
    rf"\binto\s+{_THE}{_NAME}(?=\s*(?:[,.;:!?)]|$)"
    r"|\s+(?:and|but|with|without|only|except|as|then|please|now|for|from)\b)",
    re.IGNORECASE,
)
_VERB = r"(?:put|add|ingest|load|import|index|upload)"
_PUT = re.compile(rf"\s*(?:please )?(?P<verb>{_VERB}) ", re.IGNORECASE)
_PART = re.compile(
    rf"(?:please )?(?:{_VERB} )?(?P<what>(?:[^,.;:!?\n]|\.(?=\w)){{2,100}}?) (?:in)?to {_THE}{_NAME}(?:\s+{_KB})?"
    r"(?:\s*(?:, and|,|and|;)\s+(?=\S)|[.! ]*(?:please)?[.! ]*$)",
    re.IGNORECASE,
)
"""One thing for one kb, with what joins it to the next, or the end."""
_VAGUE = re.compile(
    r"\b(?:not|no|never|n['\u2019]t|except|but|only|without|all|every\w*|any\w*|rest|others?|remaining|it|them|these|those"
    r"|this|that|what|which|replac\w+|delet\w+|remov\w+|hid\w+|undo|from|if|unless|until|when|before|after|then|both"
    r"|same|old|into?|to|keep)\b",
    re.IGNORECASE,
)
"""Words with which a part may say more than what is put where, or lean on another part."""
_MORE = re.compile(
    rf"\s*(?P<join>, and|,|and|&)\s*(?:also )?(?:the |our |my )?(?P<new>a new|new)?\s*(?:{_KB} (?:called |named )?)?"
    rf"{_NAME}(?P<kb>\s+{_KB})?(?![\w-])"
    r"(?P<ends>\s*(?:[(.;:!?)]|$|(?:please|thanks|too|as well)\b|(?:,|and|&)\s*\w))?",
    re.IGNORECASE,
)
"""A further name of a list. One that is not there is taken for one where the list `ends` with it, or goes on."""
_MAKE = re.compile(
    r"[,;(]?\s*(?:\b(?:and|please|then) ){0,3}\b(?:create|make|set up)\b (?:(?:it|them|those|that one|what is missing"
    rf"|whatever is missing|(?:the (?:new|missing|second) )?(?:one|{_KB})s?)\b[^.;)]{{0,60}}"
    r"|[\w.-]+ (?:if|when|where)\b[^.;)]{0,60})\)?",
    re.IGNORECASE,
)
"""That a kb which is not there is to be made."""
_WORDS = """
the a an and or but with without for from only except it them this that these those as is into in to of on new same
assistant bot chat chatbot system app tool base index chunks pieces sections parts text place production search one
which please now then where account
"""
_VERBS_TEXT = """
publish expose release tag label stage hide embed parse index ingest load upload notify email mail confirm report
go wait stop test verify replace overwrite keep finish announce
"""
_VERBS = frozenset(_VERBS_TEXT.split())
"""What else may follow "into hr and": something to be done."""
_LONGEST = 10_000
"""Characters of a request that is looked at; a longer one is refused when it is planned."""
_NO_NAME = frozenset(_WORDS.split())


def kbs_named(text: RequestText, known: Sequence[str]) -> list[str]:
    """The kbs that a request names, and takes their names out of it.

    One that is there may be named more loosely ("to hr"); its own spelling is returned.
    """
    spelled = {name.lower(): name for name in known}
    found: dict[str, None] = {}
    listed = _listed(text.text, spelled)
    for pattern in (_CALLED, _BEFORE, _INTO):
        at = 0
        while match := pattern.search(text.text, at):
            name = match["name"].rstrip(".-")
            if name.lower() in _NO_NAME:
                at = match.start("name")
                continue
            found[spelled.get(name.lower(), name)] = None
            _take_out(text, match, listed, found)
            at = match.start()
    for name in sorted(spelled, key=len, reverse=True):
        loose = _loose(name)
        while match := loose.search(text.text):
            found[spelled[name]] = None
            _take_out(text, match, listed, found)
    return list(found)


def for_each_kb(request: str, known: Sequence[str]) -> list[str]:
    """The request once for each kb that it names in one list ("into hr and legal"), with that one alone in its place.

    Where it says of each kb what is for it, and nothing else ("put the handbook into hr and the contracts into legal"),
    it is a request for each. Any other one is returned as it is: which files are for which would have to be guessed.
    """
    every = kbs_named(RequestText(request), known) if len(request) <= _LONGEST else []
    if len(every) < 2:
        return [request]
    spelled = {name.lower(): name for name in known}
    said = _MAKE.sub("", request)
    makes = said != request
    for pattern in (_CALLED, _BEFORE, _INTO, *(_loose(name) for name in every)):
        for match in pattern.finditer(said):
            begin, stop, names = match.start("name"), match.end("name"), [match["name"]]
            sure = makes or match["name"].lower() in spelled
            while other := _MORE.match(said, stop):
                stop = other.end("name")
                names.append(other["name"])
                sure = sure and (makes or bool(other["new"]) or other["name"].lower() in spelled)
            named = [spelled.get(name.lower(), name) for name in names]
            if sorted(named) == sorted(every):
                return [f"{said[:begin]}{name}{said[stop:]}" for name in named] if sure else [request]
    return _part_by_part(request, spelled, every) or [request]


def _part_by_part(request: str, spelled: dict[str, str], every: Sequence[str]) -> list[str]:
    """What a request that is nothing but a list of "something into a kb" says of each kb; empty for any other."""
    head = _PUT.match(request)
    at = head.end() if head else -1
    found: dict[str, str] = {}
    while head and at < len(request) and (part := _PART.match(request, at)):
        kb = spelled.get(part["name"].lower(), part["name"])
        if kb in found or _VAGUE.search(part["what"]):
            return []
        found[kb] = f"{head['verb']} {part['what']} into {kb}"
        at = part.end()
    return list(found.values()) if at == len(request) and sorted(found) == sorted(every) else []


def _loose(name: str) -> re.Pattern[str]:
    return re.compile(
        rf"\b(?:into|in|to|onto)\s+(?:the |our |my )?(?P<name>{re.escape(name)})(?![\w-]|\.\w)", re.IGNORECASE
    )


def _listed(text: str, spelled: Mapping[str, str]) -> dict[str, str]:
    """What may follow a kb's name as another one, by its small letters: those there are, and those said as if."""
    found = dict(spelled)
    for pattern in (_CALLED, _BEFORE, _INTO, *(_loose(name) for name in spelled)):
        for match in pattern.finditer(text):
            stop = match.end()
            while other := _MORE.match(text, stop):
                name = other["name"].rstrip(".-")
                if name.lower() not in found and not (other["kb"] or other["new"] or _is_listed(other, name)):
                    break
                found.setdefault(name.lower(), name)
                stop = other.end("kb") if other["kb"] else other.end("name")
    return found


def _is_listed(other: re.Match[str], name: str) -> bool:
    """Whether a word that is no kb's name stands in the list as one all the same: it is asked about."""
    if other["ends"] is None or name.lower() in _NO_NAME | _VERBS | IDLE:
        return False
    return other["join"] != "," or other["ends"].lstrip().startswith((",", "and", "&"))


def _take_out(text: RequestText, match: re.Match[str], listed: Mapping[str, str], found: dict[str, None]) -> None:
    """Cut a name, and further ones that follow it: "into hr and legal"."""
    stop = match.end()
    while (other := _MORE.match(text.text, stop)) and (name := other["name"].rstrip(".-").lower()) in listed:
        found[listed[name]] = None
        stop = other.end("kb") if other["kb"] else other.end("name")
    text.cut(match.start(), stop)
