"""What a request says that no rule has read. Where it could change what is meant, it is asked about, not passed over.

Most words of a request say nothing here. What restricts, forbids or sets a condition does, and it is said with few
words: "not", "only", "until", "unless". One of those among words that nothing was made of means that something was
wanted that was not understood.
"""

from __future__ import annotations

import re

from ..store.plan import Question
from .request_foreign import foreign
from .request_words import tokens

_HARMLESS = re.compile(
    r"\b(?:(?:there(?:['\u2019]s| is) )?(?:no|not? (?:a |any )?(?:big |great )?|without (?:any )?)"
    r" ?(?:hurry|rush|worries|worry|problems?|stress|trouble|pressure|idea|doubt|clue|big deal|deal|fuss|frills|joke)"
    r"(?: at all)?"
    r"|nothing (?:fancy|special|urgent|complicated|big|dramatic)|(?:do not|don['\u2019]?t) worry(?: about it)?"
    r"|not (?:that )?(?:urgent|important|complicated|difficult)|(?:can not|cannot|can['\u2019]t) wait"
    r"|(?:not|n['\u2019]t) (?:it|they|you|we)\?|why not|if (?:you (?:can|could|would|please|have|get|don['\u2019]?t"
    r" mind)"
    r"[\w ]{0,30}|possible|that(?:['\u2019]s| is) (?:ok|okay|fine|possible))"
    r"|(?:it|this|that|they|these|those|we|i)(?:['\u2019]?(?:s|re|m)| is| are| am| was| were)"
    r" (?:only|just) (?:an?|some|for|my|our|here|playing|trying|testing)\b[\w ]{0,30}"
    r"|(?:it is|it['\u2019]s|there(?:['\u2019]s| is)|this is)? ?only (?:one|two|three|a few|a couple(?: of)?)"
    r"(?: (?:files?|documents?|pages?|of them))?"
    r"|(?:do not|don['\u2019]?t|no|without|not) (?:\w+ )?(?:duplicat\w+|double\w*)|(?:no|nothing)(?: need)? to"
    r" (?:reply|answer|hurry|thank)|if not already|not only|no longer|if in doubt"
    r"|if (?:(?:any|some)thing|there)(?: is| are|['\u2019]s)(?: any(?:thing)?)?"
    r" (?:unclear|not clear|questions?|problems?|missing)"
    r"|before (?:i|we) (?:leave|go|head|am off|forget|have to|sign off)\b[\w ]{0,20}"
    r"|(?:if|when|whenever|once|as soon as) (?:you|it|there)(?:['\u2019](?:s|re|ve))?(?: can| could| have (?:a|the"
    r"|some|any|time)\b| get (?:a|the|round|to)\b| find (?:the )?time"
    r"| like| suits| is convenient| are (?:free|around|ready|at it)|['\u2019]re (?:free|around|ready|at it))[\w"
    r" ]{0,20}|(?:that|this|which|it)['\u2019]?s? (?:is )?why)\b",
    re.IGNORECASE,
)
"""Words that forbid or restrict in form only."""
_OTHERS = re.compile(
    r"\b(?:but |and )?(?:not|without|skip|leave|ignore|no|nothing|never)(?: out| alone)?(?: (?:the|any|all))?"
    r" (?:others?|rest|else|more|older|newer|earlier|later|old|remaining"
    r"|(?:big|large|small|old|new|long|short)(?:er)? ones?)\b(?: (?:ones?|stuff|files|things|versions?|material))?",
    re.IGNORECASE,
)
_NEVER = (
    r"(?:not|never|no|none|nothing|nobody|neither|nor|without|cannot|\w+n['\u2019]t|dont|wont|cant|mustnt|shouldnt)"
)
NEVER = re.compile(rf"\b{_NEVER}\b", re.IGNORECASE)
"""Words that deny."""
_CONDITION = (
    r"(?:if|unless|until|till|once(?! more| again)|while(?! you)|whenever|provided|providing|assuming|as (?:long"
    r"|soon) as|in case|on condition"
    r"|depending|after(?= \w+ \w+s\b)"
    r"|before(?!\s*(?:[.,;!?]|$))(?! (?:lunch|noon|tonight|tomorrow|the weekend|the meeting|the end|christmas|\w+day)))"
)
_TURNS = re.compile(
    rf"\b{_NEVER}\b|\b{_CONDITION}\b|\b(?:what|as) (?:it|they|he|she) (?:say|tell|ask)s?\b"
    r"|\bfollow (?:the|its|their) (?:instructions?|steps)\b|\b(?:only|solely|exclusively|except|apart from|other than"
    r"|rather than|instead"
    r"|but not|leave|keep|spare|avoid|refuse|forbid\w*|prohibit\w*|exclu\w+|omit\w*|skip\w*|ignor\w+)\b"
    r"|\b(?:last|past|previous|first) (?:few |couple of |\w+ )?(?:days?|weeks?|months?|years?|hours?|pages?)\b"
    r"|\b(?:bigger|smaller|larger|older|newer|longer|shorter|less|more|fewer|earlier|later) than\b"
    r"|\b(?:over|under|above|below|at least|at most|exceed\w*) [\d\u20ac$\u00a3]"
    r"|\b(?:over|under|above|below|at least|at most|exceed\w*) (?:a |two |three |ten )?(?:hundred|thousand|million)\b"
    r"|\b\d+(?:[.,]\d+)? ?(?:mb|kb|gb|megs?|tokens?|words|characters|%|percent|days?|weeks?|euros?|dollars?|pounds?)\b"
    r"|\bpages? \d|\b(?:first|second|last|other|upper|lower) half\b"
    r"|\b\d{1,2}([./])\d{1,2}\1\d{2,4}\b|\b(?:since|before|after|until|till) (?:the )?\d{1,2}[./]\d{1,2}\b"
    r"|\b(?:hidden|invisible|secret\w*|confidential\w*|private|embargo\w*|eyes)\b"
    r"|[\"\u201c][^\"\u201c\u201d]{1,80}[\"\u201d]|(?<!\w)'[^']{1,80}'(?!\w)",
    re.IGNORECASE,
)
_UNSURE_ACT = re.compile(
    rf"\b{_NEVER}\b|\b{_CONDITION}\b|\b(?:except|apart from|other than|instead of|rather than|keep|leave|spare)\b",
    re.IGNORECASE,
)
_UNSURE_RETURN = re.compile(
    r"\b(?:if|unless|once(?! more| again)|while(?! you)|whenever|provided|as (?:long|soon) as|in case|depending)\b"
    r"|\b(?:first|second|third|fourth|fifth|penultimate|oldest|earliest|every|all|some|half|part)\b",
    re.IGNORECASE,
)
_SHOWN = 60
_DETERMINERS = frozenset(("the", "our", "my", "your", "this", "that"))


def doubts(residue: str, *, chosen: bool = False) -> list[Question]:
    """The question about what was not understood, if it could matter; `residue` is a request without what was.

    `chosen`: files were chosen, so that leaving out "the rest" says nothing more.
    """
    left = _HARMLESS.sub(" ", " ".join(residue.split()))
    if chosen:
        left = _OTHERS.sub(" ", left)
    match = _TURNS.search(left)
    return [_ask(" ".join(_around(left, match).split()))] if match else []


def unsure_act(text: str, *, names: frozenset[str] = frozenset(), going_back: bool = False) -> list[Question]:
    """The question about a condition or an exception that an act which takes something away was not read with.

    A word of the `names` that are meant is none: nothing is to be left in "the parental leave page".
    """
    left = _HARMLESS.sub(" ", " ".join(text.split()))
    left = re.sub(r"\ball of (?:it|this|that)\b", "everything", left, flags=re.IGNORECASE) if going_back else left
    found = (_UNSURE_RETURN if going_back else _UNSURE_ACT).finditer(left)
    match = next((one for one in found if not _in_a_name(left, one, names)), None)
    return [_ask(" ".join(_around(left, match).split()))] if match else []


def not_english(text: str) -> list[Question]:
    """The question about a request in another language than the rules read."""
    language = foreign(text)
    if language is None:
        return []
    what = f"the request seems to be in {language}, and without a model only English is read; say it in English"
    return [Question(about="request", text=f"{what}, or plan with a model (planner ai)")]


def _ask(said: str) -> Question:
    return Question(about="request", text=f"what does {said!r} ask for? It was not understood; say it in other words")


def _in_a_name(text: str, match: re.Match[str], names: frozenset[str]) -> bool:
    before = re.search(r"(\w+)[ _-]$", text[: match.start()])
    if not tokens(match[0]) <= names:
        return False
    if re.match(r"\.\w", text[match.end() :]):  # leave.md
        return True
    return before is not None and (tokens(before[1]) <= names or before[1].lower() in _DETERMINERS)


def _around(text: str, match: re.Match[str]) -> str:
    """The words about a match, within its clause."""
    begin = max((found.end() for found in re.finditer(r"[.,;:!?]\s", text[: match.start()])), default=0)
    after = re.search(r"[.,;:!?](?:\s|$)", text[match.end() :])
    stop = match.end() + after.start() if after else len(text)
    return text[max(begin, match.start() - _SHOWN // 2) : min(stop, match.end() + _SHOWN)]
