"""What files are about, as far as their names tell: "anything with salaries in it", and words that mean nearly that."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .request_text import RequestText
from .request_words import stem, tokens

_NEAR = (
    "salary pay wage compensation comp payroll remuneration bonus earnings",
    "budget cost finance financial expense spending",
    "invoice billing bill payment receipt",
    "password credential secret login token pin passphrase",
    "redundancy layoff dismissal termination severance downsizing",
    "personal private confidential pii",
    "legal contract lawsuit litigation court",
    "health medical sick diagnosis patient",
    "draft wip unfinished preliminary",
    "customer client",
    "employee staff personnel",
    "complaint grievance",
    "strategy roadmap",
)
"""Words of which one in a name makes it likely enough that a file is about another one to ask a person."""
FAMILIES = tuple(frozenset(map(stem, line.split())) for line in _NEAR)
_THINGS = (
    r"(?:anything|whatever|everything|all|any(?: (?:of the )?(?:files?|documents?"
    r"|ones?))?|files?|documents?|stuff|those|ones?|what)"
)
_ABOUT = (
    r"(?:that )?(?:has|have|with|about|mention(?:s|ing)?|contain(?:s|ing)?|talk(?:s|ing)? about|deal(?:s|ing)? with"
    r"|concern(?:s|ing)?|regarding|on|related to|relating to|to do with|says? (?:something )?about"
    r"|refer(?:s|ring)? to|covering)"
)
_LEAVE = (
    r"(?:(?:but )?(?:please )?(?:leave|keep) out|leaving out|except(?: for)?"
    r"|excluding|exclude|skip|ignore|omit|without|but (?:not|no)"
    r"|apart from|other than|not|nothing|no|don['\u2019]?t (?:include|take|load|add|ingest)|keep)"
)
_NOUN = (
    r"(?!(?:in|out|inside|into|and|or|but|nor|please|from|for|of|the|is|are|at|on|with|too|as|there|here|so|that|which|yet"
    r"|to|go|goes|get|come|may|must|should|can|it|them|everything|anything|also|thanks|not|then|when|if)\b)[a-z-]{3,40}"
)
"""A further word of what something is about: "customer complaints"."""
_TOPIC = re.compile(
    rf"\b{_LEAVE} (?:{_THINGS} )?{_ABOUT} (?:the |any |a |an |our |some ){{0,6}}(?P<topic>[\w-]{{3,40}}"
    rf"(?: {_NOUN})?(?: (?:and|or) [\w-]{{3,40}}(?: {_NOUN})?)?)"
    r"(?: (?:in (?:it|them|there)|out|inside)){0,6}",
    re.IGNORECASE,
)


_ADJECTIVE = re.compile(
    rf"\b(?:{_LEAVE}|(?:do not|don['\u2019]?t) (?:let|want|have|put))(?: out)? (?:anything|everything|whatever is"
    rf"|stuff that is)"
    r" (?!(?:else|that|with|in|on|from|of|about|above|below|over|under|bigger|smaller|larger|older|newer|more|less|like"
    r"|before|after|since|but|except|which|yet|is|has|to|at|by|for)\b)(?P<topic>[a-z][\w-]{3,40})\b"
    r"(?: (?:(?:get |come |go )?in(?:to)?(?: (?:it|them|there|here))?|out|inside))?",
    re.IGNORECASE,
)
_MOST = 20


@dataclass(frozen=True)
class Topic:
    """Something that files to be left out are about."""

    said: str
    words: frozenset[str]
    heads: frozenset[str]
    """Of "customer complaints" the complaints: a name with "customer" alone is only likely to be meant."""

    def in_name(self, name: frozenset[str]) -> bool:
        """Whether what it is about is in a file's name: one of its nouns, whatever stands before them."""
        return bool(self.heads & name)

    def likely(self, name: frozenset[str]) -> bool:
        """Whether a name has a word that means nearly the same: nobody can tell without asking."""
        near = frozenset[str]().union(*(family for family in FAMILIES if family & self.words))
        return bool((near | self.words) & name)


def topics(left: RequestText) -> Iterator[Topic]:
    """What files must not be about, taken out of the text."""
    for _ in range(_MOST):
        match = _TOPIC.search(left.text) or _ADJECTIVE.search(left.text)
        if match is None:
            return
        left.cut(*match.span())
        things = re.split(r" (?:and|or) ", match["topic"])
        words = frozenset[str]().union(*(tokens(thing) for thing in things))
        heads = frozenset[str]().union(*(tokens(thing.split()[-1]) for thing in things))
        yield Topic(match["topic"].lower(), words, heads)
